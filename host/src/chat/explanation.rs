//! "Why?": what the answer before rests on, said in words.
//!
//! A turn leaves its [`Grounds`] in the conversation's state, whoever keeps that: the reading, the statement, the
//! DataPoints. Explaining them looks nowhere else, so it tells how the answer came about and not how it would today.
//! Of a client that keeps the state itself the grounds are only what it says, and only its own reader sees them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::reply::{Answer, Evidence, Source, SubAnswer, UsedSource};
use crate::knowledge::Kind;
use crate::knowledge::search::ScopeUsed;
use crate::registry::Connection;

/// The most characters of a question that are quoted back.
const QUOTED: usize = 200;

/// What an answer rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grounds {
    /// The beginning of the question.
    pub question: String,
    pub answer_source: Source,
    /// The plan or template in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// What was asked back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_back: Option<String>,
    /// Of several questions at once, each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub datapoints: Vec<Used>,
    pub scope_used: ScopeUsed,
}

/// One of several questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub question: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
}

/// A DataPoint, and what it was used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Used {
    pub datapoint_id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Grounds {
    /// What an answer to a question rests on.
    pub fn of(question: &str, answer: &Answer, parts: &[SubAnswer]) -> Self {
        let reason = |id: &str| {
            let evidence = answer.evidence.iter().find(|used| used.datapoint_id == id);
            evidence.map(|used| used.reason.to_owned())
        };
        Self {
            question: question.chars().take(QUOTED).collect(),
            answer_source: answer.source,
            reading: answer.reading.clone(),
            sql: answer.sql.clone(),
            asked_back: (answer.source == Source::Clarification).then(|| answer.text.clone()),
            parts: parts
                .iter()
                .map(|part| Part {
                    question: part.query.clone(),
                    sql: part.sql.clone(),
                })
                .collect(),
            datapoints: answer
                .sources
                .iter()
                .map(|source| Used {
                    datapoint_id: source.datapoint_id.clone(),
                    kind: source.kind.to_owned(),
                    name: source.name.clone(),
                    reason: reason(&source.datapoint_id).unwrap_or_default(),
                })
                .collect(),
            scope_used: answer.scope_used,
        }
    }

    /// The grounds in a conversation's state, if they are of this connection.
    pub fn before(state: &Map<String, Value>, connection: Uuid) -> Option<Self> {
        let of = Uuid::parse_str(state.get("database")?.as_str()?).ok()?;
        let grounds = state.get("grounds").filter(|_| of == connection)?;
        serde_json::from_value(grounds.clone()).ok()
    }
}

/// Explains the answer before.
pub fn explain(before: Option<&Grounds>, connection: &Connection) -> Answer {
    let Some(grounds) = before else {
        return Answer::clarification(
            "There is no answer before this one on this connection. What would you like to have explained?",
        );
    };
    let database = format!("{} ({})", connection.name, connection.database_type);
    let (source, confidence) = if grounds.datapoints.is_empty() {
        (Source::System, 0.8)
    } else {
        (Source::Context, 0.6)
    };
    let known = |used: &Used| Some((used.clone(), Kind::from_name(&used.kind)?.name()));
    let used: Vec<(Used, &'static str)> = grounds.datapoints.iter().filter_map(known).collect();
    Answer {
        sources: used
            .iter()
            .map(|(used, kind)| UsedSource {
                datapoint_id: used.datapoint_id.clone(),
                kind,
                name: used.name.clone(),
                relevance_score: 1.0,
            })
            .collect(),
        evidence: used
            .iter()
            .map(|(used, kind)| Evidence {
                datapoint_id: used.datapoint_id.clone(),
                name: used.name.clone(),
                kind,
                reason: "the answer before rests on it",
            })
            .collect(),
        scope_used: grounds.scope_used,
        ..Answer::words(source, confidence, text(grounds, &database))
    }
}

fn text(grounds: &Grounds, database: &str) -> String {
    let mut sentences = Vec::new();
    let question = &grounds.question;
    match (grounds.answer_source, &grounds.reading) {
        (_, Some(reading)) => sentences.push(format!("I read `{question}` as: {reading}.")),
        (Source::Sql, None) => sentences.push(format!("You asked: `{question}`.")),
        (Source::Context, None) => {
            sentences.push(format!(
                "You asked `{question}`, and I quoted what defines it."
            ));
        }
        (Source::Clarification, None) => sentences.push(format!(
            "I have not answered `{question}` yet: I asked back, \"{}\"",
            grounds.asked_back.as_deref().unwrap_or_default()
        )),
        (Source::Multi, None) => {
            sentences.push(format!(
                "You asked {} questions at once, and I answered each by itself.",
                grounds.parts.len()
            ));
        }
        (_, None) => {
            sentences.push(format!("The answer to `{question}` needed no data."));
        }
    }
    if let Some(sql) = &grounds.sql {
        sentences.push(format!("This ran on {database}: {}.", statement(sql)));
    }
    for part in &grounds.parts {
        if let Some(sql) = &part.sql {
            sentences.push(format!(
                "For `{}` this ran on {database}: {}.",
                part.question,
                statement(sql)
            ));
        }
    }
    if !grounds.datapoints.is_empty() {
        let named: Vec<String> = grounds.datapoints.iter().map(named).collect();
        sentences.push(format!(
            "It rests on {}{}.",
            named.join(", "),
            whose(grounds.scope_used)
        ));
    } else if grounds.sql.is_some() {
        sentences.push("It rests on no DataPoint.".to_owned());
    }
    sentences.join(" ")
}

/// A statement between backquotes; where it has some itself, between two.
fn statement(sql: &str) -> String {
    let sql = sql.trim();
    if sql.contains('`') {
        format!("`` {sql} ``")
    } else {
        format!("`{sql}`")
    }
}

fn named(used: &Used) -> String {
    if used.reason.is_empty() {
        format!("{} ({})", used.name, used.datapoint_id)
    } else {
        format!("{} ({}, {})", used.name, used.datapoint_id, used.reason)
    }
}

/// Whose the DataPoints are.
fn whose(scope: ScopeUsed) -> &'static str {
    match scope {
        ScopeUsed::Connection => "; these DataPoints are of this connection",
        ScopeUsed::Global => "; these DataPoints are for every connection",
        ScopeUsed::ConnectionAndGlobal => {
            "; these DataPoints are of this connection or for every one"
        }
        ScopeUsed::LegacyFallback => "; these DataPoints are of no connection in particular",
        ScopeUsed::Nothing => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grounds() -> Grounds {
        Grounds {
            question: "revenue by city".to_owned(),
            answer_source: Source::Sql,
            reading: Some("Revenue by stores.city".to_owned()),
            sql: Some("SELECT city, SUM(total) FROM orders GROUP BY city".to_owned()),
            asked_back: None,
            parts: Vec::new(),
            datapoints: vec![Used {
                datapoint_id: "metric_revenue".to_owned(),
                kind: "Business".to_owned(),
                name: "Revenue".to_owned(),
                reason: "defines the figure".to_owned(),
            }],
            scope_used: ScopeUsed::Connection,
        }
    }

    #[test]
    fn an_explanation_has_reading_statement_datapoints_and_scope() {
        assert_eq!(
            text(&grounds(), "shop (postgresql)"),
            "I read `revenue by city` as: Revenue by stores.city. This ran on shop (postgresql): \
             `SELECT city, SUM(total) FROM orders GROUP BY city`. It rests on Revenue (metric_revenue, defines the \
             figure); these DataPoints are of this connection."
        );
    }

    #[test]
    fn what_was_asked_back_and_what_needed_no_data_is_said_so() {
        let asked_back = Grounds {
            answer_source: Source::Clarification,
            reading: None,
            sql: None,
            asked_back: Some("Which table?".to_owned()),
            datapoints: Vec::new(),
            scope_used: ScopeUsed::Nothing,
            ..grounds()
        };
        let said = text(&asked_back, "shop");
        assert!(said.contains("I asked back, \"Which table?\""), "{said}");
        let system = Grounds {
            answer_source: Source::System,
            ..asked_back
        };
        assert_eq!(
            text(&system, "shop"),
            "The answer to `revenue by city` needed no data."
        );
    }

    #[test]
    fn grounds_survive_the_state_and_count_for_their_connection_alone() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let mut state = Map::new();
        state.insert("database".to_owned(), one.to_string().into());
        let json = serde_json::to_value(grounds()).expect("JSON");
        state.insert("grounds".to_owned(), json);
        assert_eq!(Grounds::before(&state, one), Some(grounds()));
        assert_eq!(Grounds::before(&state, other), None);
        state.insert("grounds".to_owned(), "because".into());
        assert_eq!(Grounds::before(&state, one), None);
    }
}
