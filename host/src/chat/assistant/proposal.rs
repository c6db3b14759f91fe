//! What a model proposes: one JSON object, found in whatever it says around it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{self, AskedPlan};
use crate::llm::{Schema, json_object};

/// What is to be done, by the model's lights.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposal {
    Plan(Box<AskedPlan>),
    Sql(String),
    /// To ask back.
    Clarify {
        question: String,
        choices: Vec<String>,
    },
    /// To answer from these DataPoints, by their ids.
    Context {
        text: String,
        datapoints: Vec<String>,
    },
    /// To say why there is no answer.
    Impossible(String),
}

#[derive(Deserialize)]
struct Envelope {
    kind: Kind,
    #[serde(default)]
    plan: Option<AskedPlan>,
    #[serde(default)]
    sql: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    choices: Option<Vec<String>>,
    #[serde(default)]
    datapoints: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Plan,
    Sql,
    Clarify,
    Context,
    Impossible,
}

/// Reads a model's answer.
///
/// # Errors
/// What is wrong with it, in words for the model.
pub fn read(text: &str) -> Result<Proposal, String> {
    let object = json_object(text).ok_or("there is no JSON object in it")?;
    let mut values = serde_json::Deserializer::from_str(object).into_iter::<Envelope>();
    let envelope = values
        .next()
        .ok_or("there is no JSON object in it")?
        .map_err(|error| error.to_string())?;
    let said = |text: Option<String>, name: &str| {
        text.filter(|text| !text.trim().is_empty())
            .ok_or_else(|| format!("`{name}` is missing"))
    };
    Ok(match envelope.kind {
        Kind::Plan => Proposal::Plan(Box::new(envelope.plan.ok_or("`plan` is missing")?)),
        Kind::Sql => Proposal::Sql(said(envelope.sql, "sql")?),
        Kind::Clarify => Proposal::Clarify {
            question: said(envelope.text, "text")?,
            choices: envelope.choices.unwrap_or_default(),
        },
        Kind::Context => Proposal::Context {
            text: said(envelope.text, "text")?,
            datapoints: envelope.datapoints.unwrap_or_default(),
        },
        Kind::Impossible => Proposal::Impossible(said(envelope.text, "text")?),
    })
}

/// The form that an answer is to have.
pub fn schema() -> Schema {
    Schema {
        name: "proposal",
        schema: json!({
            "type": "object",
            "properties": {
                "kind": {
                    "type": "string",
                    "enum": ["plan", "sql", "clarify", "context", "impossible"],
                },
                "plan": asked::schema(),
                "sql": {"type": ["string", "null"], "description": "one SELECT"},
                "text": {
                    "type": ["string", "null"],
                    "description": "the question back, the answer from DataPoints, or why there is none",
                },
                "choices": {"type": ["array", "null"], "items": {"type": "string"}},
                "datapoints": {
                    "type": ["array", "null"],
                    "items": {"type": "string"},
                    "description": "ids of the DataPoints that an answer of the kind context rests on",
                },
            },
            "required": ["kind", "plan", "sql", "text", "choices", "datapoints"],
            "additionalProperties": false,
        }),
    }
}

/// The schema in words, for servers that bind an answer to none.
pub fn form() -> Value {
    schema().schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_is_found_in_fences_and_behind_thoughts() {
        let sql = |text: &str| Proposal::Sql(text.to_owned());
        for text in [
            r#"{"kind": "sql", "plan": null, "sql": "SELECT 1", "text": null}"#,
            "Here you are:\n```json\n{\"kind\": \"sql\", \"sql\": \"SELECT 1\"}\n```\nIs that right?",
            "<think>{maybe} a plan</think>\n{\"kind\": \"sql\", \"sql\": \"SELECT 1\"}",
        ] {
            assert_eq!(read(text), Ok(sql("SELECT 1")), "{text}");
        }
    }

    #[test]
    fn what_is_no_proposal_is_said_to_the_model() {
        for (text, words) in [
            ("I don't know.", "no JSON object"),
            ("{\"kind\": \"sql\"", "EOF"),
            (r#"{"kind": "sql", "sql": " "}"#, "`sql` is missing"),
            (r#"{"kind": "drop"}"#, "unknown variant"),
            (
                r#"{"kind": "plan", "plan": {"figure": []}}"#,
                "unknown field `figure`",
            ),
            (r#"{"kind": "plan", "plan": null}"#, "`plan` is missing"),
        ] {
            let problem = read(text).expect_err(text);
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }
}
