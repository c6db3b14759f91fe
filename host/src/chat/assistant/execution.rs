//! What becomes of a proposal: a plan is compiled, a statement checked and explained, words are held against the
//! DataPoints that they quote; then it runs, or is sent back with what is wrong.

use super::asked::AskedPlan;
use super::proposal::Proposal;
use super::{Step, Talk, numbers, prompt, statement, wording};
use crate::chat::AskError;
use crate::chat::answer;
use crate::chat::chart;
use crate::chat::plan::compile;
use crate::chat::plan::explain;
use crate::chat::plan::model::{Model, Source as Origin};
use crate::chat::planned::grounded;
use crate::chat::reply::{Answer, Event, Source, Warning};
use crate::chat::rows::Rows;
use crate::chat::turn::Turn;
use crate::knowledge::reader::Found;
use crate::llm::{Effort, Request};
use crate::plugins::{Dialect, ErrorCode, Parameters, PluginError};
use crate::query::encode::Numbers;
use crate::query::{QueryError, QueryLimits, QueryRequest, execute};

/// Choices that are offered.
const OFFERED: usize = 3;
/// Rows of a statement that lists them.
const MOST_LISTED: u64 = 100;
/// Rows of an explanation; nobody reads them.
const EXPLAINED: u64 = 1_000;

impl Turn<'_> {
    /// Does what was proposed, as far as it can be used.
    ///
    /// # Errors
    /// What no other proposal would mend.
    pub(super) async fn carry_out(
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
                Ok(quoted(text, &datapoints, asked, (found, told), model))
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
        wanted: &AskedPlan,
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

    /// Has the engine explain a statement, which finds what is wrong with it at no cost. An engine that can't explain
    /// has found nothing: the statement's own run decides.
    async fn explained(&mut self, sql: &str) -> Result<(), AskError> {
        let stage = self.log.begin("explain");
        let limits = QueryLimits {
            max_rows: EXPLAINED,
            ..QueryLimits::unasked(self.limits)
        };
        let request = QueryRequest {
            sql: format!("EXPLAIN {sql}"),
            params: Parameters::Positional(Vec::new()),
            limits,
        };
        let outcome = async {
            let stream = execute(self.connection, request, self.limits).await?;
            Rows::read(stream, Numbers::default(), |_, _| {}).await
        };
        let error = match outcome.await {
            Ok(_) => {
                self.log
                    .end(stage, "the engine takes it", "EXPLAIN before it runs");
                return Ok(());
            }
            Err(error) => AskError::from(error),
        };
        if matches!(kind(&error), Some("syntax" | "unsupported" | "policy")) {
            self.log.end(stage, "nothing", error.to_string());
            return Ok(());
        }
        self.log.end(stage, "not usable", error.to_string());
        Err(error)
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

/// What a model can mend, with a word for its kind; else the error as it is.
fn mendable(error: AskError) -> Result<(&'static str, String), AskError> {
    match kind(&error) {
        Some(kind) => Ok((kind, error.to_string())),
        None => Err(error),
    }
}

/// A word for what is wrong with a statement, if it is that and not the way to the database.
fn kind(error: &AskError) -> Option<&'static str> {
    match error {
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
    }
}

/// An answer in the words of DataPoints that the model was told.
fn quoted(
    text: String,
    cited: &[String],
    asked: &str,
    (found, told): (&Found, &[String]),
    model: &Model,
) -> Step {
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
        known.text(&prompt::point(&stored.point, model).to_string());
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
