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
mod execution;
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
use super::plan::explain;
use super::reply::{Answer, Approval, Event, Source, ValidationError, Warning};
use super::turn::Turn;
use crate::knowledge::datapoint::DataPoint;
use crate::knowledge::reader::{Found, ReadError, Reader};
use crate::llm::{Client, Effort, LlmError, Message, Offer, Request, Schema};
use crate::tools::{Caller, Tools};

/// How often a model may mend what it proposed.
pub const REPAIRS: u32 = 2;
/// DataPoints that are looked for.
const FOUND: usize = 12;

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
