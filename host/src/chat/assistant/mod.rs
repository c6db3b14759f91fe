//! Answers with a language model, where the question could not be answered without.
//!
//! The model proposes; nothing that it says is done unseen. It is asked for the same plan that the planner makes, and
//! that plan is compiled, joined, limited and explained as any other. Only where no plan can say it, it writes a
//! statement: its tables are looked up in the live schema, the engine explains it, the policy judges it, and it runs
//! read-only on the one connection of the request, which no word of a model changes. What can't be used goes back to
//! the model with what is wrong, at most [`REPAIRS`] times.
//!
//! A model that is down, slow or talks nonsense costs the answer nothing that it had before: what the planner said
//! stands, with a warning.

mod asked;
mod numbers;
mod prompt;
mod proposal;
mod statement;
mod tools;
mod wording;

use std::time::{Duration, Instant};

use chrono::Utc;
use serde_json::{Value, json};

use super::AskError;
use super::answer;
use super::chart;
use super::plan::compile;
use super::plan::explain;
use super::plan::model::{Model, Source as Origin};
use super::planned::grounded;
use super::reply::{Answer, Approval, Event, Source, ValidationError, Warning};
use super::rows::Rows;
use super::turn::Turn;
use crate::knowledge::datapoint::DataPoint;
use crate::knowledge::reader::{Found, ReadError, Reader};
use crate::llm::{Client, Effort, LlmError, Message, Offer, Request, Schema};
use crate::plugins::{Dialect, ErrorCode, Parameters, PluginError};
use crate::query::{QueryError, QueryLimits};
use crate::tools::{Caller, Tools};
use proposal::Proposal;

/// How often a model may mend what it proposed.
pub const REPAIRS: u32 = 2;
/// DataPoints that are looked for.
const FOUND: usize = 12;
/// Choices that are offered.
const OFFERED: usize = 3;
/// Rows of a statement that lists them.
const MOST_LISTED: u64 = 100;

/// A language model, and what it may use on behalf of whom.
#[derive(Clone, Copy)]
pub struct Assistance<'a> {
    pub model: &'a Client,
    pub tools: &'a Tools,
    pub caller: &'a Caller,
}

/// What became of a proposal.
enum Step {
    Done(Box<Answer>),
    /// What is wrong with it, for the model and for the reader.
    Mend {
        kind: &'static str,
        problem: String,
    },
}

/// Why a model gave no answer.
enum GaveUp {
    Model(LlmError),
    /// What was still wrong after the repairs.
    Useless {
        kind: &'static str,
        problem: String,
    },
    Calls(u64),
}

impl Turn<'_> {
    /// Answers with the model; `before` is what there is without it.
    pub(super) async fn assisted(
        &mut self,
        asked: &str,
        before: Option<Answer>,
        assistance: Assistance<'_>,
    ) -> Result<Answer, AskError> {
        let outcome = self.propose(asked, before.as_ref(), assistance).await?;
        Ok(match outcome {
            Ok(answer) => answer,
            Err(gave_up) => without(before, &gave_up),
        })
    }

    async fn propose(
        &mut self,
        asked: &str,
        before: Option<&Answer>,
        assistance: Assistance<'_>,
    ) -> Result<Result<Answer, GaveUp>, AskError> {
        let end = Instant::now() + Duration::from_millis(self.limits.llm_turn_ms);
        let found = self.found(asked).await?;
        let models = self.knowledge.models;
        let known = models
            .get(self.connection, self.knowledge.library, self.limits)
            .await?;
        let model = &known.model;
        let points: Vec<DataPoint> = found
            .hits
            .iter()
            .map(|(_, stored)| stored.point.clone())
            .collect();
        let stage = self.log.begin("prompt");
        let budget = assistance.model.characters(self.limits.llm_prompt_tokens);
        let offers = tools::offers(&assistance, budget / 4);
        let offered: usize = offers.iter().map(Offer::characters).sum();
        let matter = prompt::Matter {
            question: asked,
            today: Utc::now().date_naive(),
            model,
            found: &points,
            history: &self.history,
            before: self
                .before
                .as_ref()
                .map(|plan| explain::sentence(plan, model)),
            obstacle: before.map(|answer| answer.text.as_str()),
        };
        let prompt = prompt::prompt(&matter, budget.saturating_sub(offered));
        self.log.end(
            stage,
            format!(
                "{} characters: {} DataPoint(s), {} table(s), {} tool(s)",
                prompt.characters + offered,
                prompt.told.len(),
                prompt.tables,
                offers.len()
            ),
            "what was found for this connection, within the budget",
        );
        let mut talk = Talk {
            assistance,
            messages: prompt.messages,
            offers,
            schema: proposal::schema(),
            end,
        };
        let mut repairs = 0;
        for _ in 0..self.limits.llm_calls {
            let said = match self.call(&mut talk).await {
                Ok(said) => said,
                Err(error) => return Ok(Err(GaveUp::Model(error))),
            };
            if !said.calls.is_empty() {
                talk.messages.push(Message::Assistant {
                    text: said.text,
                    calls: said.calls.clone(),
                });
                if let Some(answer) = self.use_tools(&mut talk, &said.calls).await {
                    return Ok(Ok(answer));
                }
                continue;
            }
            if let Some(refusal) = said.refusal {
                let text: String = refusal.chars().take(500).collect();
                return Ok(Ok(Answer::words(Source::System, 0.5, text)));
            }
            let step = match proposal::read(&said.text) {
                Ok(proposal) => {
                    self.carry_out(proposal, asked, &found, &prompt.told, model, &talk)
                        .await?
                }
                Err(problem) => Step::Mend {
                    kind: "proposal",
                    problem,
                },
            };
            match step {
                Step::Done(answer) => return Ok(Ok(*answer)),
                Step::Mend { kind, problem } if repairs == REPAIRS => {
                    return Ok(Err(GaveUp::Useless { kind, problem }));
                }
                Step::Mend { problem, .. } => {
                    repairs += 1;
                    self.log.spent.refinements += 1;
                    talk.messages.push(Message::Assistant {
                        text: said.text,
                        calls: Vec::new(),
                    });
                    let problem = json!({"not_usable_because": problem, "do": "propose again"});
                    talk.messages.push(Message::User(problem.to_string()));
                }
            }
        }
        Ok(Err(GaveUp::Calls(self.limits.llm_calls)))
    }

    /// The DataPoints that the question is about, among those of this connection.
    async fn found(&mut self, asked: &str) -> Result<Found, AskError> {
        let stage = self.log.begin("retrieval");
        let knowledge = self.knowledge;
        let reader = Reader::new(
            self.connection.clone(),
            knowledge.index.clone(),
            knowledge.library.clone(),
        );
        let found = match reader.search(asked, FOUND).await {
            Ok(found) => found,
            Err(ReadError::Retrieve(error)) => return Err(error.into()),
            // The live schema is still there.
            Err(error) => {
                tracing::warn!(%error, "the DataPoints of a connection can't be read");
                Found {
                    hits: Vec::new(),
                    scope_used: crate::knowledge::search::ScopeUsed::Nothing,
                    vectors: crate::knowledge::search::VectorUse::NoEntries,
                }
            }
        };
        let ids: Vec<&str> = found
            .hits
            .iter()
            .map(|(_, stored)| stored.point.id.as_str())
            .collect();
        let decision = if ids.is_empty() {
            "nothing".to_owned()
        } else {
            ids.join(", ")
        };
        self.log
            .end(stage, decision, "the nearest in words and meaning");
        Ok(found)
    }

    /// One call of the model.
    async fn call(&mut self, talk: &mut Talk<'_>) -> Result<crate::llm::Answer, LlmError> {
        let stage = self.log.begin("model");
        self.log.events.send(Event::Thinking {
            note: "asking the language model".to_owned(),
        });
        let started = Instant::now();
        let mut effort = Effort::default();
        let request = Request {
            messages: &talk.messages,
            offers: &talk.offers,
            schema: Some(&talk.schema),
        };
        let answer = talk.model_within(request, &mut effort, |_| {}).await;
        self.log.spent.calls += 1;
        self.log.spent.compiler_calls += 1;
        self.log.spent.retries += effort.retries;
        self.log.spent.compiler_time += started.elapsed();
        let (decision, reason) = match &answer {
            Ok(answer) if !answer.calls.is_empty() => {
                let names: Vec<String> = answer
                    .calls
                    .iter()
                    .map(|call| call.name.chars().take(100).collect())
                    .collect();
                (format!("asks for {}", names.join(", ")), counted(answer))
            }
            Ok(answer) => ("proposes".to_owned(), counted(answer)),
            Err(error) => ("no answer".to_owned(), error.to_string()),
        };
        self.log.end(stage, decision, reason);
        answer
    }

    /// Makes the calls that the model asked for. One that needs consent ends the turn.
    async fn use_tools(
        &mut self,
        talk: &mut Talk<'_>,
        calls: &[crate::llm::ToolCall],
    ) -> Option<Answer> {
        for call in calls {
            let stage = self.log.begin("tool");
            let name: String = call.name.chars().take(100).collect();
            match tools::run(&talk.assistance, self.connection, call).await {
                tools::Outcome::Told { text, decision } => {
                    self.log.end(stage, name, decision);
                    talk.messages.push(Message::Tool {
                        call_id: call.id.clone(),
                        text,
                    });
                }
                tools::Outcome::NeedsConsent { message, arguments } => {
                    self.log.end(stage, name, "a person has to agree first");
                    return Some(Answer {
                        approval: Some(Approval {
                            message: message.clone(),
                            calls: vec![json!({"name": call.name, "arguments": arguments})],
                        }),
                        ..Answer::words(Source::Approval, 0.5, message)
                    });
                }
            }
        }
        None
    }

    async fn carry_out(
        &mut self,
        proposal: Proposal,
        asked: &str,
        found: &Found,
        told: &[String],
        model: &Model,
        talk: &Talk<'_>,
    ) -> Result<Step, AskError> {
        match proposal {
            Proposal::Plan(wanted) => self.carry_out_plan(&wanted, asked, model, talk).await,
            Proposal::Sql(sql) => self.carry_out_sql(sql, asked, model, talk).await,
            Proposal::Clarify {
                question,
                mut choices,
            } => {
                choices.truncate(OFFERED);
                let mut answer = Answer::clarification(question);
                if !choices.is_empty() {
                    answer.clarifying_questions = choices;
                }
                Ok(Step::Done(Box::new(answer)))
            }
            Proposal::Context { text, datapoints } => {
                Ok(quoted(text, &datapoints, asked, found, told))
            }
            Proposal::Impossible(text) => {
                let text: String = text.chars().take(1_000).collect();
                Ok(Step::Done(Box::new(Answer::words(
                    Source::System,
                    0.5,
                    text,
                ))))
            }
        }
    }

    async fn carry_out_plan(
        &mut self,
        wanted: &asked::AskedPlan,
        asked: &str,
        model: &Model,
        talk: &Talk<'_>,
    ) -> Result<Step, AskError> {
        let stage = self.log.begin("plan");
        let compiled = wanted
            .resolve(model)
            .map_err(|unfit| unfit.to_string())
            .and_then(|plan| {
                let compiled = compile::compile(&plan, model).map_err(|error| error.to_string())?;
                Ok((plan, compiled))
            });
        let (plan, compiled) = match compiled {
            Ok(compiled) => compiled,
            Err(problem) => {
                self.log.end(stage, "not usable", problem.clone());
                return Ok(Step::Mend {
                    kind: "plan",
                    problem,
                });
            }
        };
        let sentence = explain::sentence(&plan, model);
        self.log
            .end(stage, sentence.clone(), "the language model's plan");
        let answer = self.plan(&plan, compiled, &sentence, asked, model).await;
        let mut answer = match answer.map_err(mendable) {
            Ok(answer) => answer,
            Err(Ok((kind, problem))) => return Ok(Step::Mend { kind, problem }),
            Err(Err(error)) => return Err(error),
        };
        answer.confidence = 0.7;
        if self.phrase == Some(true) {
            answer = self.phrased(answer, asked, &sentence, talk).await;
        }
        Ok(Step::Done(Box::new(answer)))
    }

    async fn carry_out_sql(
        &mut self,
        sql: String,
        asked: &str,
        model: &Model,
        talk: &Talk<'_>,
    ) -> Result<Step, AskError> {
        let stage = self.log.begin("check");
        let dialect = model.dialect();
        let seen = {
            let sql = sql.clone();
            tokio::task::spawn_blocking(move || statement::look(&sql, dialect))
                .await
                .unwrap_or_default()
        };
        let unknown = seen
            .as_ref()
            .and_then(|seen| statement::unknown_table(seen, model));
        if let Some(problem) = unknown {
            self.log.end(stage, "not usable", problem.clone());
            return Ok(Step::Mend {
                kind: "unknown_table",
                problem,
            });
        }
        self.log
            .end(stage, "its tables are there", "the live schema");
        if seen.is_some() && dialect != Dialect::Generic {
            let explained = self.explained(&sql).await;
            match explained.map_err(mendable) {
                Ok(()) => {}
                Err(Ok((kind, problem))) => return Ok(Step::Mend { kind, problem }),
                Err(Err(error)) => return Err(error),
            }
        }
        let mut limits = QueryLimits::unasked(self.limits);
        if seen.as_ref().is_none_or(|seen| seen.lists_rows) {
            limits.max_rows = limits.max_rows.min(MOST_LISTED);
        }
        let none = Parameters::Positional(Vec::new());
        let rows = match self.run(sql.clone(), none, limits).await.map_err(mendable) {
            Ok(rows) => rows,
            Err(Ok((kind, problem))) => return Ok(Step::Mend { kind, problem }),
            Err(Err(error)) => return Err(error),
        };
        let used: Vec<(Origin, &'static str)> = seen
            .iter()
            .flat_map(|seen| statement::tables_of(seen, model))
            .filter_map(|table| model.tables[table].source.clone())
            .map(|source| (source, "describes the table"))
            .collect();
        let answer = Answer {
            chart: chart::choose(&rows, asked),
            sql: Some(sql),
            ..grounded(
                &used,
                Answer::words(Source::Sql, 0.7, answer::statement(&rows)),
            )
        };
        let answer = Answer {
            rows: Some(rows),
            ..answer
        };
        let answer = if self.phrase == Some(false) {
            answer
        } else {
            self.phrased(answer, asked, "the statement", talk).await
        };
        Ok(Step::Done(Box::new(answer)))
    }

    /// Has the engine explain a statement, which finds what is wrong with it at no cost.
    async fn explained(&mut self, sql: &str) -> Result<(), AskError> {
        let stage = self.log.begin("explain");
        let limits = QueryLimits {
            max_rows: 1_000,
            ..QueryLimits::unasked(self.limits)
        };
        let request = crate::query::QueryRequest {
            sql: format!("EXPLAIN {sql}"),
            params: Parameters::Positional(Vec::new()),
            limits,
        };
        let outcome = async {
            let stream = crate::query::execute(self.connection, request, self.limits).await?;
            Rows::read(stream, crate::query::encode::Numbers::default(), |_, _| {}).await
        }
        .await;
        match outcome {
            Ok(_) => {
                self.log
                    .end(stage, "the engine takes it", "EXPLAIN before it runs");
                Ok(())
            }
            Err(error) => {
                self.log.end(stage, "not usable", error.to_string());
                Err(error.into())
            }
        }
    }

    /// Puts a result into the model's words, as far as their numbers are the result's.
    async fn phrased(
        &mut self,
        mut answer: Answer,
        asked: &str,
        computed: &str,
        talk: &Talk<'_>,
    ) -> Answer {
        let Some(rows) = &answer.rows else {
            return answer;
        };
        let stage = self.log.begin("wording");
        let messages = wording::messages(asked, computed, rows);
        let mut judge = wording::Judge::new(wording::known(asked, computed, rows));
        let request = Request {
            messages: &messages,
            offers: &[],
            schema: None,
        };
        let events = self.log.events.clone();
        let told = |sentence: Option<String>| {
            if let Some(text) = sentence {
                events.send(Event::AnswerChunk { text });
            }
        };
        let mut effort = Effort::default();
        let outcome = talk
            .model_within(request, &mut effort, |words| told(judge.feed(words)))
            .await;
        self.log.spent.calls += 1;
        self.log.spent.retries += effort.retries;
        if outcome.is_ok() {
            told(judge.end());
        }
        let (passed, stranger) = judge.verdict();
        let whole = outcome.is_ok() && stranger.is_none() && !passed.is_empty();
        let (decision, reason) = match (&outcome, &stranger) {
            (Err(error), _) => ("the plain sentence", error.to_string()),
            (_, Some(number)) => (
                "the plain sentence",
                format!("the model's words have a number that nobody computed: {number}"),
            ),
            _ if passed.is_empty() => ("the plain sentence", "the model said nothing".to_owned()),
            _ => (
                "the model's words",
                "every number in them is one of the rows".to_owned(),
            ),
        };
        self.log.end(stage, decision, reason);
        if whole {
            answer.text = passed;
            self.told = true;
        } else if !passed.is_empty() {
            // Who listens has heard the beginning.
            told(Some(format!("\n{}", answer.text)));
            answer.text = format!("{passed}\n{}", answer.text);
            self.told = true;
        }
        if let Some(number) = stranger {
            answer.warnings.push(Warning {
                warning_type: "wording_rejected",
                message: format!(
                    "The language model's words had a number that was not computed: {number}."
                ),
                suggestion: None,
            });
        }
        answer
    }
}

/// The talk with a model about one question.
struct Talk<'a> {
    assistance: Assistance<'a>,
    messages: Vec<Message>,
    offers: Vec<Offer>,
    schema: Schema,
    end: Instant,
}

impl Talk<'_> {
    /// Asks, for as long as the question may still take.
    async fn model_within(
        &self,
        request: Request<'_>,
        effort: &mut Effort,
        said: impl FnMut(&str),
    ) -> Result<crate::llm::Answer, LlmError> {
        let left = self.end.saturating_duration_since(Instant::now());
        let asked = self.assistance.model.ask(request, effort, said);
        tokio::time::timeout(left, asked)
            .await
            .unwrap_or(Err(LlmError::Silent {
                what: "until the question's time was up",
                time: left,
            }))
    }
}

fn counted(answer: &crate::llm::Answer) -> String {
    match answer.usage {
        Some(usage) => format!(
            "{} tokens in, {} out",
            usage.prompt_tokens, usage.completion_tokens
        ),
        None => "tokens were not counted".to_owned(),
    }
}

/// What a model can mend, if it can, with a word for its kind.
fn mendable(error: AskError) -> Result<(&'static str, String), AskError> {
    let kind = match &error {
        AskError::Query(QueryError::Refused(_)) => Some("policy"),
        AskError::Query(QueryError::Plugin(PluginError::Database(error))) => match error.code {
            ErrorCode::Syntax => Some("syntax"),
            ErrorCode::UndefinedObject => Some("undefined_object"),
            ErrorCode::DataException => Some("data_exception"),
            ErrorCode::Unsupported => Some("unsupported"),
            ErrorCode::ReadOnlyViolation => Some("policy"),
            ErrorCode::PermissionDenied => Some("permission_denied"),
            _ => None,
        },
        _ => None,
    };
    match kind {
        Some(kind) => Ok((kind, error.to_string())),
        None => Err(error),
    }
}

/// An answer in the words of DataPoints that the model was told.
fn quoted(text: String, cited: &[String], asked: &str, found: &Found, told: &[String]) -> Step {
    let cited: Vec<_> = found
        .hits
        .iter()
        .filter(|(_, stored)| cited.contains(&stored.point.id) && told.contains(&stored.point.id))
        .collect();
    if cited.is_empty() {
        return Step::Mend {
            kind: "context",
            problem:
                "an answer of the kind context names the DataPoints of the data that it rests on"
                    .to_owned(),
        };
    }
    let mut known = numbers::Known::default();
    known.text(asked);
    for (_, stored) in &cited {
        known.text(&stored.point.to_json().to_string());
    }
    if let Some(number) = known.stranger(&text) {
        return Step::Mend {
            kind: "context",
            problem: format!("the DataPoints that it names say nothing of {number}"),
        };
    }
    let used: Vec<(Origin, &'static str)> = cited
        .iter()
        .map(|(hit, stored)| {
            let source = Origin {
                id: stored.point.id.clone(),
                name: stored.point.name.clone(),
                kind: stored.point.kind(),
                scope: hit.entry.scope,
            };
            (source, "is quoted")
        })
        .collect();
    let answer = grounded(&used, Answer::words(Source::Context, 0.6, text));
    Step::Done(Box::new(Answer {
        scope_used: found.scope_used,
        ..answer
    }))
}

/// What there is without the model, with why it gave nothing.
fn without(before: Option<Answer>, gave_up: &GaveUp) -> Answer {
    let (warning_type, message, suggestion) = match gave_up {
        GaveUp::Model(error) => (
            "llm_unavailable",
            format!("{}.", capital(&error.to_string())),
            "The answer is what can be said without it. Ask again later.".to_owned(),
        ),
        GaveUp::Useless { problem, .. } => (
            "llm_unusable",
            format!("What the language model proposed can't be used: {problem}."),
            "Say it with the names of metrics, tables and columns, or send a statement as `direct_sql`.".to_owned(),
        ),
        GaveUp::Calls(calls) => (
            "llm_unusable",
            format!("The language model came to no answer in {calls} calls."),
            "Ask for less at once.".to_owned(),
        ),
    };
    let mut answer = before.unwrap_or_else(|| {
        let text = match gave_up {
            GaveUp::Model(_) => "The language model can't be asked at the moment, and without it I can't answer this.",
            GaveUp::Useless { .. } | GaveUp::Calls(_) => "I found no way to answer this that could be checked.",
        };
        Answer::words(Source::System, 0.5, text)
    });
    if let GaveUp::Useless { kind, problem } = gave_up {
        answer.errors.push(ValidationError {
            error_type: kind,
            message: problem.clone(),
            location: None::<Value>,
            severity: "error",
        });
    }
    answer.warnings.push(Warning {
        warning_type,
        message,
        suggestion: Some(suggestion),
    });
    answer
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}
