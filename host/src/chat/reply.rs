//! What a turn ends with, and what it tells on its way.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::chart::{Chart, Hint};
use super::explanation::Grounds;
use super::plan::Plan;
use super::rows::Rows;
use crate::knowledge::search::ScopeUsed;
use crate::query::encode::Column;
use crate::registry::DatabaseRef;

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    Sql,
    Context,
    Clarification,
    System,
    Multi,
    /// A tool call that a person has to agree to.
    Approval,
    /// Only of a part: a question that fails as a whole is a problem.
    Error,
}

/// One step of a turn, with what it decided and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    pub stage: &'static str,
    pub decision: String,
    pub reason: String,
}

/// Something that the reader should know and that is no error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    pub warning_type: &'static str,
    pub message: String,
    pub suggestion: Option<String>,
}

/// Why what was proposed could not be used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValidationError {
    pub error_type: &'static str,
    pub message: String,
    pub location: Option<Value>,
    pub severity: &'static str,
}

/// A tool call that waits for a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    pub message: String,
    /// `{name, arguments}`
    pub calls: Vec<Value>,
}

/// A DataPoint that an answer used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UsedSource {
    pub datapoint_id: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub name: String,
    /// From 0 to 1.
    pub relevance_score: f32,
}

/// What a DataPoint was used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    pub datapoint_id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub reason: &'static str,
}

/// The answer to one question, before it is put beside what the conversation adds.
#[derive(Debug, Clone)]
pub struct Answer {
    pub text: String,
    pub source: Source,
    pub confidence: f64,
    pub clarifying_questions: Vec<String>,
    pub sql: Option<String>,
    pub rows: Option<Rows>,
    pub chart: Chart,
    pub errors: Vec<ValidationError>,
    pub warnings: Vec<Warning>,
    pub sources: Vec<UsedSource>,
    pub evidence: Vec<Evidence>,
    /// Whose DataPoints were found.
    pub scope_used: ScopeUsed,
    /// The question that is left open, for the next turn.
    pub pending: Option<&'static str>,
    /// The plan that the next turn may change.
    pub plan: Option<Plan>,
    /// What a person has to agree to first.
    pub approval: Option<Approval>,
    /// The plan or template in words.
    pub reading: Option<String>,
    /// What the answer rests on, where that is not what it says itself.
    pub grounds: Option<Grounds>,
}

impl Answer {
    /// An answer in words alone.
    pub fn words(source: Source, confidence: f64, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            source,
            confidence,
            clarifying_questions: Vec::new(),
            sql: None,
            rows: None,
            chart: Chart::none(),
            errors: Vec::new(),
            warnings: Vec::new(),
            sources: Vec::new(),
            evidence: Vec::new(),
            scope_used: ScopeUsed::Nothing,
            pending: None,
            plan: None,
            approval: None,
            reading: None,
            grounds: None,
        }
    }

    /// An answer that asks back.
    pub fn clarification(question: impl Into<String>) -> Self {
        let question = question.into();
        let mut answer = Self::words(Source::Clarification, 0.2, question.clone());
        answer.clarifying_questions.push(question);
        answer
    }

    fn data(&self) -> Option<Box<RawValue>> {
        self.rows
            .as_ref()
            .and_then(|rows| to_raw_value(&rows.by_column()).ok())
    }
}

/// The answer to one of several questions; the fields stand in the order of the contract.
#[derive(Debug, Clone, Serialize)]
pub struct SubAnswer {
    pub index: usize,
    pub query: String,
    pub error: Option<String>,
    pub answer: String,
    pub answer_source: Source,
    pub answer_confidence: f64,
    pub sql: Option<String>,
    pub data: Option<Box<RawValue>>,
    pub visualization_hint: Hint,
    pub visualization_metadata: Option<Value>,
    pub clarifying_questions: Vec<String>,
}

impl SubAnswer {
    /// Puts an answer beside its question.
    pub fn new(index: usize, query: &str, answer: &Answer) -> Self {
        let failed = answer.source == Source::Error;
        Self {
            index,
            query: query.to_owned(),
            error: failed.then(|| answer.text.clone()),
            answer: answer.text.clone(),
            answer_source: answer.source,
            answer_confidence: answer.confidence,
            sql: answer.sql.clone(),
            data: answer.data(),
            visualization_hint: answer.chart.hint,
            visualization_metadata: answer.chart.metadata.clone(),
            clarifying_questions: answer.clarifying_questions.clone(),
        }
    }
}

/// How long a turn took and what it used; no statement is reformatted here, so those counts stay at nought.
#[derive(Debug, Clone, Serialize)]
pub struct Metrics {
    pub total_latency_ms: u64,
    pub agent_timings: Map<String, Value>,
    pub llm_calls: u32,
    pub retry_count: u32,
    pub sql_formatter_fallback_calls: u32,
    pub sql_formatter_fallback_successes: u32,
    pub query_compiler_llm_calls: u32,
    pub query_compiler_llm_refinements: u32,
    pub query_compiler_latency_ms: u64,
}

/// The whole reply; the fields stand in the order of the contract, and every one is always there.
#[derive(Debug, Clone, Serialize)]
pub struct Reply {
    pub answer: String,
    pub clarifying_questions: Vec<String>,
    pub sql: Option<String>,
    pub data: Option<Box<RawValue>>,
    pub visualization_metadata: Option<Value>,
    pub visualization_hint: Hint,
    pub answer_source: Source,
    pub answer_confidence: f64,
    pub sources: Vec<UsedSource>,
    pub evidence: Vec<Evidence>,
    pub validation_errors: Vec<ValidationError>,
    pub validation_warnings: Vec<Warning>,
    pub tool_approval_required: bool,
    pub tool_approval_message: Option<String>,
    pub tool_approval_calls: Vec<Value>,
    pub conversation_id: String,
    pub session_summary: Option<String>,
    pub session_state: Map<String, Value>,
    pub decision_trace: Vec<Step>,
    pub workflow_artifacts: Option<Value>,
    pub metrics: Metrics,
    pub sub_answers: Vec<SubAnswer>,
    pub database: DatabaseRef,
    pub scope_used: ScopeUsed,
    pub truncated: bool,
    pub columns: Vec<Column>,
}

impl Reply {
    /// Puts an answer beside what the turn knows.
    pub fn new(
        answer: Answer,
        sub_answers: Vec<SubAnswer>,
        database: DatabaseRef,
        conversation_id: String,
        session_summary: Option<String>,
        log: Log,
    ) -> Self {
        let mut session_state = Map::new();
        if let Some(pending) = answer.pending {
            session_state.insert("pending".to_owned(), json!(pending));
        }
        if let Some(plan) = &answer.plan {
            session_state.insert("plan".to_owned(), json!(plan));
        }
        if let Some(grounds) = &answer.grounds {
            session_state.insert("grounds".to_owned(), json!(grounds));
        }
        session_state.insert("database".to_owned(), json!(database.id));
        Self {
            data: answer.data(),
            answer: answer.text,
            clarifying_questions: answer.clarifying_questions,
            sql: answer.sql,
            visualization_metadata: answer.chart.metadata,
            visualization_hint: answer.chart.hint,
            answer_source: answer.source,
            answer_confidence: answer.confidence,
            sources: answer.sources,
            evidence: answer.evidence,
            validation_errors: answer.errors,
            validation_warnings: answer.warnings,
            tool_approval_required: answer.approval.is_some(),
            tool_approval_message: answer
                .approval
                .as_ref()
                .map(|approval| approval.message.clone()),
            tool_approval_calls: answer
                .approval
                .map(|approval| approval.calls)
                .unwrap_or_default(),
            conversation_id,
            session_summary,
            session_state,
            workflow_artifacts: None,
            metrics: Metrics {
                total_latency_ms: millis(log.started.elapsed()),
                agent_timings: log.timings,
                llm_calls: log.spent.calls,
                retry_count: log.spent.retries,
                sql_formatter_fallback_calls: 0,
                sql_formatter_fallback_successes: 0,
                query_compiler_llm_calls: log.spent.compiler_calls,
                query_compiler_llm_refinements: log.spent.refinements,
                query_compiler_latency_ms: millis(log.spent.compiler_time),
            },
            decision_trace: log.steps,
            sub_answers,
            database,
            scope_used: answer.scope_used,
            truncated: answer
                .rows
                .as_ref()
                .is_some_and(|rows| rows.summary.truncated),
            columns: answer.rows.map(|rows| rows.columns).unwrap_or_default(),
        }
    }
}

/// What a client that listens is told while a turn runs.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    AgentStart {
        agent: &'static str,
        timestamp: String,
    },
    AgentComplete {
        agent: &'static str,
        data: Value,
        duration_ms: u64,
        timestamp: String,
    },
    Thinking {
        note: String,
    },
    DecomposeComplete {
        parts: Vec<String>,
        part_count: usize,
    },
    DataChunk {
        rows: Vec<Map<String, Value>>,
    },
    AnswerChunk {
        text: String,
    },
}

/// Where events go: to a client, or nowhere.
#[derive(Debug, Clone, Default)]
pub struct Events(Option<UnboundedSender<Event>>);

impl Events {
    /// To whoever holds the other end. One who has left is no error: the turn ends by being dropped.
    pub fn to(sender: UnboundedSender<Event>) -> Self {
        Self(Some(sender))
    }

    /// Whether anybody listens.
    pub fn has_listener(&self) -> bool {
        self.0.is_some()
    }

    pub fn send(&self, event: Event) {
        if let Some(sender) = &self.0 {
            let _ = sender.send(event);
        }
    }
}

/// The trace of a turn: every step with its decision, its reason and its time.
#[derive(Debug)]
pub struct Log {
    started: Instant,
    steps: Vec<Step>,
    timings: Map<String, Value>,
    /// What the language model was asked.
    pub spent: Spent,
    pub events: Events,
}

/// What a turn asked of a language model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    pub calls: u32,
    /// Requests that were sent again.
    pub retries: u32,
    /// Calls for a plan or a statement, how often one was to be mended, and the time that they took.
    pub compiler_calls: u32,
    pub refinements: u32,
    pub compiler_time: Duration,
}

impl Log {
    pub fn new(events: Events) -> Self {
        Self {
            started: Instant::now(),
            steps: Vec::new(),
            timings: Map::new(),
            spent: Spent::default(),
            events,
        }
    }

    /// Says that a stage begins.
    pub fn begin(&self, stage: &'static str) -> Stage {
        self.events.send(Event::AgentStart {
            agent: stage,
            timestamp: now(),
        });
        Stage {
            name: stage,
            started: Instant::now(),
        }
    }

    /// Notes what a stage decided, and why.
    pub fn end(&mut self, stage: Stage, decision: impl Into<String>, reason: impl Into<String>) {
        let step = Step {
            stage: stage.name,
            decision: decision.into(),
            reason: reason.into(),
        };
        let duration_ms = millis(stage.started.elapsed());
        // A stage of several questions counts with all of its time.
        let before = self.timings.get(stage.name).and_then(Value::as_u64);
        let sum = before.unwrap_or(0) + duration_ms;
        self.timings.insert(stage.name.to_owned(), sum.into());
        self.events.send(Event::AgentComplete {
            agent: stage.name,
            data: json!({"decision": step.decision, "reason": step.reason}),
            duration_ms,
            timestamp: now(),
        });
        self.steps.push(step);
    }
}

/// A stage that runs.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    name: &'static str,
    started: Instant,
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
