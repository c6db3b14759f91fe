//! Answers to questions that are planned: the plan or template that a question was read as, run and said.
//!
//! A Query DataPoint whose name the question spells out comes first, then the plan; a template that would have to
//! take defaults for what the question leaves open comes last, and says so. What could not be read is asked back,
//! with the words that stood in the way.

use chrono::Utc;

use super::AskError;
use super::answer;
use super::chart;
use super::plan::compile::{self, Compiled, Role};
use super::plan::model::{Model, Source as Origin};
use super::plan::reading::{self, Reading, Refusal};
use super::plan::{Figure, Plan, Select, explain, template};
use super::reply::{Answer, Evidence, Source, UsedSource, Warning};
use super::rows::Rows;
use super::turn::Turn;
use crate::knowledge::datapoint::{Detail, Query};
use crate::knowledge::search::ScopeUsed;
use crate::knowledge::{Kind, Scope};
use crate::plugins::Parameters;
use crate::query::{OnLimit, QueryLimits};

/// Readings that are offered.
const OFFERED: usize = 3;

/// What a question comes to without a language model.
pub(super) enum Planned {
    Answered(Box<Answer>),
    /// Something of it is known, and not all, or not in one way.
    AskedBack(Box<Answer>),
    /// It has nothing to do with this connection.
    Unrelated,
}

impl Planned {
    fn answered(answer: Answer) -> Self {
        Self::Answered(Box::new(answer))
    }

    fn asked_back(answer: Answer) -> Self {
        Self::AskedBack(Box::new(answer))
    }
}

impl Turn<'_> {
    /// Answers a question by a template or a plan.
    pub(super) async fn planned(&mut self, question: &str) -> Result<Planned, AskError> {
        let stage = self.log.begin("plan");
        let models = self.knowledge.models;
        let known = models
            .get(self.connection, self.knowledge.library, self.limits)
            .await?;
        let model = &known.model;
        let fitting = template::find(question, model, &known.lexicon);
        if let Some(bound) = fitting
            .as_ref()
            .filter(|bound| bound.whole && bound.defaulted.is_empty())
        {
            let name = model.templates[bound.template].source.id.clone();
            self.log
                .end(stage, name, "the question spells out its name");
            return Ok(Planned::answered(self.template(bound, model).await?));
        }
        let today = Utc::now().date_naive();
        let mut reading = reading::read(question, model, &known.lexicon, today);
        let mut reason = "every word is accounted for, in one way";
        if let (true, Some(before)) = (needs_more(&reading), &self.before) {
            let changed = reading::follow_up(question, before, model, &known.lexicon, today);
            if !matches!(changed, Reading::Refused(_)) {
                reading = changed;
                reason = "it changes the question before";
            }
        }
        match (reading, fitting) {
            (Reading::Certain(plan), _) => {
                let sentence = explain::sentence(&plan, model);
                match compile::compile(&plan, model) {
                    Ok(compiled) => {
                        self.log.end(stage, sentence.clone(), reason);
                        let answer = self
                            .plan(&plan, compiled, &sentence, question, model)
                            .await?;
                        Ok(Planned::answered(answer))
                    }
                    Err(error) => {
                        self.log.end(stage, "asked back", error.to_string());
                        let text = format!("I read this as: {sentence}. But {error}.");
                        Ok(Planned::asked_back(Answer::clarification(text)))
                    }
                }
            }
            (reading, Some(bound)) if bound.whole || may_be_a_template(&reading) => {
                let name = model.templates[bound.template].source.id.clone();
                self.log.end(
                    stage,
                    name,
                    "the question spells out its name, and leaves values open",
                );
                Ok(Planned::answered(self.template(&bound, model).await?))
            }
            (Reading::Several(plans), _) => {
                self.log
                    .end(stage, "asked back", "several readings are equally good");
                let mut choices: Vec<String> = plans
                    .iter()
                    .map(|plan| explain::sentence(plan, model))
                    .collect();
                choices.truncate(OFFERED);
                Ok(Planned::asked_back(Answer {
                    clarifying_questions: choices.clone(),
                    ..Answer::clarification(format!(
                        "This can be read in several ways. Do you mean: {}?",
                        choices.join("; or: ")
                    ))
                }))
            }
            (Reading::Refused(Refusal::Unrelated), _) => {
                self.log
                    .end(stage, "nothing", "no word of it is known of this database");
                Ok(Planned::Unrelated)
            }
            (Reading::Refused(refusal), _) => {
                let text = refused(&refusal, model);
                self.log.end(stage, "asked back", text.clone());
                Ok(Planned::asked_back(Answer::clarification(text)))
            }
        }
    }

    /// Runs a plan and says what came of it.
    pub(super) async fn plan(
        &mut self,
        plan: &Plan,
        compiled: Compiled,
        sentence: &str,
        question: &str,
        model: &Model,
    ) -> Result<Answer, AskError> {
        let mut limits = QueryLimits::unasked(self.limits);
        if let Some(most) = compiled.most {
            limits.max_rows = limits.max_rows.min(most);
        }
        let rows = self
            .run(
                compiled.sql.clone(),
                Parameters::Positional(Vec::new()),
                limits,
            )
            .await?;
        let units = units(plan, model);
        let text = answer::plan(sentence, &rows, &compiled.columns, &units);
        let used = used(plan, model);
        let is_table = matches!(plan.select, Select::Rows { .. });
        Ok(Answer {
            chart: if is_table {
                chart::Chart::table(&rows)
            } else {
                chart::choose(&rows, question)
            },
            sql: Some(compiled.sql),
            rows: Some(rows),
            plan: Some(plan.clone()),
            reading: Some(sentence.to_owned()),
            ..grounded(&used, Answer::words(Source::Sql, 0.9, text))
        })
    }

    async fn template(
        &mut self,
        bound: &template::Bound,
        model: &Model,
    ) -> Result<Answer, AskError> {
        let known = &model.templates[bound.template];
        let Detail::Query(query) = &known.point.detail else {
            return Ok(Answer::clarification("What would you like to know?"));
        };
        let statement = template::statement(bound, query, &model.database_type, model.dialect());
        let (sql, parameters) = match statement {
            Ok(statement) => statement,
            Err(error) => {
                let text = format!("`{}` can't be run: {error}.", known.source.name);
                return Ok(Answer::words(Source::System, 0.8, text));
            }
        };
        let mut limits = QueryLimits::unasked(self.limits);
        if let Some(most) = query.validation.as_ref().and_then(|rules| rules.max_rows) {
            limits.max_rows = limits.max_rows.min(most.max(1));
            limits.on_limit = OnLimit::Truncate;
        }
        let rows = self.run(sql.clone(), parameters, limits).await?;
        if let Some(text) = unexpected(query, &rows) {
            let warning = Warning {
                warning_type: "unexpected_columns",
                message: text.clone(),
                suggestion: Some("Mend the DataPoint or its `validation`.".to_owned()),
            };
            return Ok(Answer {
                sql: Some(sql),
                warnings: vec![warning],
                ..Answer::words(Source::System, 0.8, text)
            });
        }
        let shown: Vec<String> = bound
            .values
            .iter()
            .map(|(name, value)| {
                let default = if bound.defaulted.contains(name) {
                    ", by default"
                } else {
                    ""
                };
                let plain = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                format!("{name} = {plain}{default}")
            })
            .collect();
        let text = answer::template(&known.source.name, &shown, &rows);
        let used = [(known.source.clone(), "holds the statement")];
        let reading = if shown.is_empty() {
            known.source.name.clone()
        } else {
            format!("{} ({})", known.source.name, shown.join(", "))
        };
        Ok(Answer {
            reading: Some(reading),
            chart: chart::choose(&rows, ""),
            sql: Some(sql),
            rows: Some(rows),
            ..grounded(&used, Answer::words(Source::Sql, 0.9, text))
        })
    }
}

/// Whether a question lacks what one that stands alone has.
fn needs_more(reading: &Reading) -> bool {
    matches!(
        reading,
        Reading::Refused(Refusal::NoFigure | Refusal::Unrelated | Refusal::Unsupported(_))
    )
}

/// Whether a template whose name the question has most of may answer. What was understood and found to have several
/// meanings is asked back.
fn may_be_a_template(reading: &Reading) -> bool {
    matches!(
        reading,
        Reading::Refused(
            Refusal::Unrelated
                | Refusal::Unknown(_)
                | Refusal::Unreachable { .. }
                | Refusal::Unsupported(_)
        )
    )
}

/// What a result's columns are, if that is not what the DataPoint promises.
fn unexpected(query: &Query, rows: &Rows) -> Option<String> {
    let expected = &query.validation.as_ref()?.expected_columns;
    let found: Vec<&str> = rows
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    (!expected.is_empty() && *expected != found).then(|| {
        format!(
            "The result has the columns {}, but its DataPoint promises {}.",
            found.join(", "),
            expected.join(", ")
        )
    })
}

/// The units of a plan's figures, as far as they are known.
fn units(plan: &Plan, model: &Model) -> Vec<Option<String>> {
    let Select::Figures(figures) = &plan.select else {
        return Vec::new();
    };
    let unit = |figure: &Figure| match figure {
        Figure::Metric(id) => model.metric(id)?.unit.clone(),
        _ => None,
    };
    figures.iter().map(unit).collect()
}

/// The DataPoints that a plan rests on, and what for.
fn used(plan: &Plan, model: &Model) -> Vec<(Origin, &'static str)> {
    let mut used: Vec<(Origin, &'static str)> = Vec::new();
    if let Select::Figures(figures) = &plan.select {
        for figure in figures {
            if let Figure::Metric(id) = figure
                && let Some(metric) = model.metric(id)
            {
                used.push((metric.source.clone(), "defines the figure"));
            }
        }
    }
    let columns = plan
        .dimensions
        .iter()
        .chain(plan.filters.iter().map(|filter| &filter.column))
        .chain(&plan.time)
        .map(|column| model.table(&column.table));
    let base = compile::base(plan, model).ok();
    for table in std::iter::once(base).chain(columns).flatten() {
        if let Some(source) = &model.tables[table].source
            && !used.iter().any(|(known, _)| known == source)
        {
            used.push((source.clone(), "describes the table"));
        }
    }
    used
}

/// An answer with the DataPoints that it rests on.
pub(super) fn grounded(used: &[(Origin, &'static str)], answer: Answer) -> Answer {
    let own = used
        .iter()
        .any(|(source, _)| matches!(source.scope, Scope::Connection(_)));
    let global = used.iter().any(|(source, _)| source.scope == Scope::Global);
    Answer {
        sources: used
            .iter()
            .map(|(source, _)| UsedSource {
                datapoint_id: source.id.clone(),
                kind: source.kind.name(),
                name: source.name.clone(),
                relevance_score: 1.0,
            })
            .collect(),
        evidence: used
            .iter()
            .map(|(source, reason)| Evidence {
                datapoint_id: source.id.clone(),
                name: source.name.clone(),
                kind: source.kind.name(),
                reason,
            })
            .collect(),
        scope_used: match (own, global) {
            (true, true) => ScopeUsed::ConnectionAndGlobal,
            (true, false) => ScopeUsed::Connection,
            (false, true) => ScopeUsed::Global,
            (false, false) => ScopeUsed::Nothing,
        },
        ..answer
    }
}

/// Why a question was not answered, and what would help.
fn refused(refusal: &Refusal, model: &Model) -> String {
    match refusal {
        Refusal::Unrelated => "I can't relate this to the data of this database.".to_owned(),
        Refusal::Unknown(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!(
                "I don't know what {} means in this database. Can you say it with the names of its metrics, tables, \
                 columns or values?",
                words.join(", ")
            )
        }
        Refusal::Future => "I know what has happened, and nothing of what will.".to_owned(),
        Refusal::NoFigure => {
            let names: Vec<&str> = model
                .metrics
                .iter()
                .filter(|metric| metric.source.kind == Kind::Business)
                .map(|metric| metric.source.name.as_str())
                .take(5)
                .collect();
            if names.is_empty() {
                "Which figure do you mean?".to_owned()
            } else {
                format!(
                    "Which figure do you mean: {}, or another one?",
                    names.join(", ")
                )
            }
        }
        Refusal::BareColumn(name) => format!(
            "What of `{name}` do you want to know: its average, its total, its maximum, or another figure?"
        ),
        Refusal::Unreachable { what, from } => format!(
            "`{what}` can't be combined with {from} without counting rows more than once, or not at all."
        ),
        Refusal::WhichTime(columns) => {
            format!("Which time do you mean: {}?", columns.join(" or "))
        }
        Refusal::NoHistory(name) => {
            format!("{name} is known as of now, and of no other time.")
        }
        Refusal::Neither(name) => {
            format!("`{name}` can be true, false or missing: do you mean false, missing, or both?")
        }
        Refusal::Unsupported(what) => format!("I can't do this without a language model: {what}."),
    }
}

/// The places of a result's columns that have a role.
pub(super) fn places(columns: &[compile::Output], wanted: fn(Role) -> bool) -> Vec<usize> {
    let all = columns.iter().enumerate();
    all.filter(|(_, column)| wanted(column.role))
        .map(|(at, _)| at)
        .collect()
}
