//! `context_answer`: what DataPoints say about a question, quoted, without a language model.
//!
//! What the question names (by name, synonym or table, whole) is quoted, in the order of the hits; where it names
//! nothing, the hit with the best score alone, and less is promised. Nothing is ever put together from several
//! DataPoints.

use datachat_sdk::knowledge::{Hit, Kind, ScopeUsed};
use datachat_sdk::tool::Definition;
use serde::{Deserialize, Serialize};

use crate::datapoint::{Point, kind_name, scope_name};
use crate::failure::Failure;
use crate::knowledge::Knowledge;
use crate::need::{Need, need};
use crate::quote::quote;
use crate::words::{contains, words};

/// How many hits are looked at.
const HITS: u32 = 10;
/// The most DataPoints that are quoted.
const QUOTED: usize = 3;

const PARAMETERS: &str = r#"{
    "type": "object",
    "properties": {
        "query": {"type": "string", "minLength": 1, "description": "The question, or a term."}
    },
    "required": ["query"],
    "additionalProperties": false
}"#;

const RETURNS: &str = r#"{
    "type": "object",
    "properties": {
        "answer": {"type": "string"},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "needs_sql": {"type": "boolean"},
        "evidence": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "datapoint_id": {"type": "string"},
                    "name": {"type": "string"},
                    "type": {"enum": ["Schema", "Business", "Process", "Query"]},
                    "reason": {"type": "string"}
                },
                "required": ["datapoint_id", "name", "type", "reason"],
                "additionalProperties": false
            }
        },
        "retrieved_datapoints": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "datapoint_id": {"type": "string"},
                    "name": {"type": "string"},
                    "type": {"enum": ["Schema", "Business", "Process", "Query"]},
                    "scope": {"enum": ["connection", "global", "unscoped"]},
                    "score": {"type": "number", "minimum": 0, "maximum": 1}
                },
                "required": ["datapoint_id", "name", "type", "scope", "score"],
                "additionalProperties": false
            }
        },
        "answer_source": {"enum": ["context", "clarification"]},
        "scope_used": {"enum": ["connection", "global", "connection+global", "legacy_fallback", "none"]}
    },
    "required": [
        "answer", "confidence", "needs_sql", "evidence", "retrieved_datapoints", "answer_source", "scope_used"
    ],
    "additionalProperties": false
}"#;

pub fn definition() -> Definition {
    Definition {
        name: "context_answer".to_owned(),
        description: "Quotes what DataPoints say about a question: definitions, tables, processes. Runs no SQL."
            .to_owned(),
        category: "knowledge".to_owned(),
        parameters: PARAMETERS.to_owned(),
        returns: RETURNS.to_owned(),
        requires_approval: false,
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    query: String,
}

#[derive(Serialize)]
struct Outcome {
    answer: String,
    confidence: f64,
    needs_sql: bool,
    evidence: Vec<Evidence>,
    retrieved_datapoints: Vec<Retrieved>,
    answer_source: &'static str,
    scope_used: &'static str,
}

#[derive(Serialize)]
struct Evidence {
    datapoint_id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    reason: &'static str,
}

#[derive(Serialize)]
struct Retrieved {
    datapoint_id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    scope: &'static str,
    score: f32,
}

/// Why a DataPoint is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Name,
    Synonym,
    Table,
    Best,
}

impl Reason {
    fn text(self) -> &'static str {
        match self {
            Self::Name => "the question has its name",
            Self::Synonym => "the question has one of its synonyms",
            Self::Table => "the question has the table's name",
            Self::Best => "the nearest that was found; the question names none",
        }
    }
}

/// Answers.
///
/// # Errors
/// The DataPoints can't be read.
pub fn run(knowledge: &impl Knowledge, arguments: &Arguments) -> Result<String, Failure> {
    let findings = knowledge.search(&arguments.query, HITS)?;
    let retrieved = findings.hits.iter().map(retrieved).collect();
    let points: Vec<(Point, f32)> = findings
        .hits
        .into_iter()
        .map(|hit| Ok((Point::read(hit.datapoint)?, hit.score)))
        .collect::<Result<_, serde_json::Error>>()?;
    let chosen = choose(&arguments.query, &points);
    let (answer, confidence, answer_source) = match chosen.first() {
        None => (
            "Nothing is known here about that. Which metric or table do you mean?".to_owned(),
            0.2,
            "clarification",
        ),
        Some((_, reason)) => {
            let quotes: Vec<String> = chosen.iter().map(|(point, _)| quote(point)).collect();
            let confidence = if *reason == Reason::Best { 0.4 } else { 0.6 };
            (quotes.join("\n\n"), confidence, "context")
        }
    };
    let is_statement = |(point, _): &(&Point, Reason)| point.kind == Kind::Query;
    let outcome = Outcome {
        answer,
        confidence,
        needs_sql: need(&arguments.query) == Need::Figures
            || chosen.first().is_some_and(is_statement),
        evidence: chosen
            .iter()
            .map(|(point, reason)| Evidence {
                datapoint_id: point.id.clone(),
                name: point.name.clone(),
                kind: kind_name(point.kind),
                reason: reason.text(),
            })
            .collect(),
        retrieved_datapoints: retrieved,
        answer_source,
        scope_used: match findings.scope_used {
            ScopeUsed::Connection => "connection",
            ScopeUsed::Global => "global",
            ScopeUsed::ConnectionAndGlobal => "connection+global",
            ScopeUsed::LegacyFallback => "legacy_fallback",
            ScopeUsed::Nothing => "none",
        },
    };
    Ok(serde_json::to_string(&outcome)?)
}

/// What is quoted of the hits and their scores.
fn choose<'a>(question: &str, points: &'a [(Point, f32)]) -> Vec<(&'a Point, Reason)> {
    let question = words(question);
    let named: Vec<(&Point, Reason)> = points
        .iter()
        .filter_map(|(point, _)| Some((point, names(&question, point)?)))
        .take(QUOTED)
        .collect();
    if named.is_empty() {
        // Of equals the first.
        let best = points
            .iter()
            .rev()
            .max_by(|left, right| left.1.total_cmp(&right.1));
        return best
            .map(|(point, _)| (point, Reason::Best))
            .into_iter()
            .collect();
    }
    named
}

/// How a question names a DataPoint.
fn names(question: &[String], point: &Point) -> Option<Reason> {
    let has = |phrase: &str| contains(question, &words(phrase));
    if has(&point.name) {
        return Some(Reason::Name);
    }
    if point.body.synonyms.iter().any(|synonym| has(synonym)) {
        return Some(Reason::Synonym);
    }
    let bare = point.body.table_name.rsplit('.').next().unwrap_or_default();
    has(bare).then_some(Reason::Table)
}

fn retrieved(hit: &Hit) -> Retrieved {
    Retrieved {
        datapoint_id: hit.datapoint.id.clone(),
        name: hit.datapoint.name.clone(),
        kind: kind_name(hit.datapoint.kind),
        scope: scope_name(hit.datapoint.scope),
        score: hit.score,
    }
}

#[cfg(test)]
mod tests {
    use datachat_sdk::knowledge::{Datapoint, Scope};
    use serde_json::{Value, json};

    use super::*;
    use crate::knowledge::fake::{Fake, datapoint};

    fn metric(id: &str, name: &str, synonyms: &[&str]) -> Datapoint {
        let body = json!({
            "datapoint_id": id, "type": "Business", "name": name, "calculation": format!("how {name} is made"),
            "synonyms": synonyms
        });
        datapoint(Scope::Connection, &body)
    }

    fn asked(question: &str, points: Vec<Datapoint>) -> Value {
        let arguments = json!({ "query": question }).to_string();
        let answer = crate::call(&Fake::new(points), "context_answer", &arguments);
        serde_json::from_str(&answer.expect("an answer")).expect("JSON")
    }

    fn quoted(answer: &Value) -> Vec<&str> {
        let evidence = answer["evidence"].as_array().expect("evidence");
        let ids = evidence.iter().map(|item| item["datapoint_id"].as_str());
        ids.map(|id| id.expect("an id")).collect()
    }

    #[test]
    fn what_the_question_names_is_quoted_word_for_word_and_the_rest_only_listed() {
        let points = vec![
            metric("metric_gross", "Gross revenue", &[]),
            metric("metric_net", "Net revenue", &["takings"]),
            metric("metric_churn", "Churn", &[]),
        ];
        let answer = asked("what are takings and churn?", points);
        assert_eq!(quoted(&answer), ["metric_net", "metric_churn"]);
        assert_eq!(
            answer["answer"],
            "Net revenue: how Net revenue is made.\n\nChurn: how Churn is made."
        );
        assert_eq!(
            answer["evidence"][0]["reason"],
            "the question has one of its synonyms"
        );
        assert_eq!(
            answer["retrieved_datapoints"].as_array().map(Vec::len),
            Some(3)
        );
        assert_eq!(answer["confidence"], json!(0.6));
        assert_eq!(answer["scope_used"], "connection+global");
    }

    #[test]
    fn where_it_names_nothing_the_best_hit_is_quoted_with_less_confidence() {
        let points = vec![
            metric("metric_net", "Net revenue", &[]),
            metric("metric_x", "X", &[]),
        ];
        let answer = asked("money that came in", points);
        assert_eq!(quoted(&answer), ["metric_net"]);
        assert_eq!(answer["confidence"], json!(0.4));
        assert_eq!(answer["answer_source"], "context");
    }

    #[test]
    fn the_best_hit_is_the_one_with_the_best_score_wherever_it_stands() {
        let points = vec![
            metric("metric_own", "Own", &[]),
            metric("metric_of_all", "Of all", &[]),
        ];
        let mut fake = Fake::new(points);
        fake.best = 1;
        let answer = crate::call(
            &fake,
            "context_answer",
            r#"{"query": "money that came in"}"#,
        );
        let answer: Value = serde_json::from_str(&answer.expect("an answer")).expect("JSON");
        assert_eq!(quoted(&answer), ["metric_of_all"]);
    }

    #[test]
    fn where_nothing_is_known_it_asks_back() {
        let answer = asked("what is churn?", Vec::new());
        assert_eq!(answer["answer_source"], "clarification");
        assert_eq!(answer["scope_used"], "none");
        assert_eq!(answer["evidence"], json!([]));
    }

    #[test]
    fn figures_and_statements_need_sql() {
        let points = || vec![metric("metric_net", "Net revenue", &[])];
        assert_eq!(asked("net revenue per month", points())["needs_sql"], true);
        assert_eq!(asked("what is net revenue?", points())["needs_sql"], false);
        let statement = datapoint(
            Scope::Global,
            &json!({"datapoint_id": "query_top", "type": "Query", "name": "Top customers", "description": "d"}),
        );
        assert_eq!(asked("top customers", vec![statement])["needs_sql"], true);
    }

    #[test]
    fn what_the_host_says_no_with_is_repeated_word_for_word() {
        let mut fake = Fake::new(Vec::new());
        fake.broken = true;
        let failure = crate::call(&fake, "context_answer", r#"{"query": "x"}"#);
        assert_eq!(
            failure,
            Err(Failure("the DataPoints could not be read yet".to_owned()))
        );
    }
}
