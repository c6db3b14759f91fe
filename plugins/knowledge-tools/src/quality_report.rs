//! `datapoint_quality_report`: which DataPoints say too little, and which say the same.
//!
//! A DataPoint is weak when a question can hardly find it or an answer can hardly rely on it; the reasons are
//! given, and what is wrong in the strict sense never gets stored. Two metrics are duplicates when they calculate
//! the same over the same tables. An id that several scopes have is no mistake, but worth to know: the nearest
//! hides the others.

use std::collections::BTreeMap;

use datachat_sdk::knowledge::Kind;
use datachat_sdk::tool::Definition;
use serde::{Deserialize, Serialize};

use crate::datapoint::{Point, scope_name};
use crate::failure::Failure;
use crate::knowledge::Knowledge;
use crate::words::words;

/// DataPoints of a page.
const PAGE: u32 = 500;
/// A purpose of fewer words says little more than a name.
const PURPOSE_WORDS: usize = 5;
/// With fewer columns a table can hardly be queried.
const COLUMNS: usize = 2;

const PARAMETERS: &str = r#"{
    "type": "object",
    "properties": {
        "limit": {
            "type": "integer", "minimum": 1, "maximum": 1000, "default": 20,
            "description": "The most entries of each list."
        }
    },
    "additionalProperties": false
}"#;

const RETURNS: &str = r##"{
    "type": "object",
    "properties": {
        "total_datapoints": {"type": "integer", "minimum": 0},
        "schema_datapoints": {"type": "integer", "minimum": 0},
        "business_datapoints": {"type": "integer", "minimum": 0},
        "weak_schema": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "datapoint_id": {"type": "string"},
                    "scope": {"$ref": "#/$defs/scope"},
                    "table_name": {"type": "string"},
                    "reason": {"type": "string"}
                },
                "required": ["datapoint_id", "scope", "table_name", "reason"],
                "additionalProperties": false
            }
        },
        "weak_business": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "datapoint_id": {"type": "string"},
                    "scope": {"$ref": "#/$defs/scope"},
                    "name": {"type": "string"},
                    "reason": {"type": "string"}
                },
                "required": ["datapoint_id", "scope", "name", "reason"],
                "additionalProperties": false
            }
        },
        "duplicate_metrics": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "table": {"type": "string"},
                    "calculation": {"type": "string"},
                    "datapoint_ids": {"type": "array", "items": {"type": "string"}}
                },
                "required": ["table", "calculation", "datapoint_ids"],
                "additionalProperties": false
            }
        },
        "duplicate_ids": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "datapoint_id": {"type": "string"},
                    "count": {"type": "integer", "minimum": 2}
                },
                "required": ["datapoint_id", "count"],
                "additionalProperties": false
            }
        }
    },
    "required": [
        "total_datapoints", "schema_datapoints", "business_datapoints", "weak_schema", "weak_business",
        "duplicate_metrics", "duplicate_ids"
    ],
    "additionalProperties": false,
    "$defs": {"scope": {"enum": ["connection", "global"]}}
}"##;

pub fn definition() -> Definition {
    Definition {
        name: "datapoint_quality_report".to_owned(),
        description: "Counts the DataPoints of the database and those of every database, and lists weak and double ones."
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
    #[serde(default = "default_limit")]
    limit: usize,
}

fn default_limit() -> usize {
    20
}

#[derive(Default, Serialize)]
struct Report {
    total_datapoints: usize,
    schema_datapoints: usize,
    business_datapoints: usize,
    weak_schema: Vec<WeakSchema>,
    weak_business: Vec<WeakBusiness>,
    duplicate_metrics: Vec<DuplicateMetric>,
    duplicate_ids: Vec<DuplicateId>,
}

#[derive(Serialize)]
struct WeakSchema {
    datapoint_id: String,
    scope: &'static str,
    table_name: String,
    reason: String,
}

#[derive(Serialize)]
struct WeakBusiness {
    datapoint_id: String,
    scope: &'static str,
    name: String,
    reason: String,
}

#[derive(Serialize)]
struct DuplicateMetric {
    table: String,
    calculation: String,
    datapoint_ids: Vec<String>,
}

#[derive(Serialize)]
struct DuplicateId {
    datapoint_id: String,
    count: usize,
}

/// Metrics by their tables and what they calculate, without spaces and case.
type Metrics = BTreeMap<String, DuplicateMetric>;

/// Reports.
///
/// # Errors
/// The DataPoints can't be read.
pub fn run(knowledge: &impl Knowledge, arguments: &Arguments) -> Result<String, Failure> {
    let mut report = Report::default();
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    let mut metrics = Metrics::new();
    let mut after: Option<String> = None;
    loop {
        let page = knowledge.list(after.as_deref(), PAGE)?;
        for datapoint in page.datapoints {
            let point = Point::read(datapoint)?;
            *ids.entry(point.id.clone()).or_default() += 1;
            report.count(point, &mut metrics, arguments.limit);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    report.duplicate_metrics = metrics
        .into_values()
        .filter(|metric| metric.datapoint_ids.len() > 1)
        .take(arguments.limit)
        .collect();
    report.duplicate_ids = ids
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .map(|(datapoint_id, count)| DuplicateId {
            datapoint_id,
            count,
        })
        .take(arguments.limit)
        .collect();
    Ok(serde_json::to_string(&report)?)
}

impl Report {
    fn count(&mut self, point: Point, metrics: &mut Metrics, limit: usize) {
        self.total_datapoints += 1;
        let scope = scope_name(point.scope);
        match point.kind {
            Kind::Schema => {
                self.schema_datapoints += 1;
                let reasons = schema_reasons(&point);
                if !reasons.is_empty() && self.weak_schema.len() < limit {
                    self.weak_schema.push(WeakSchema {
                        table_name: point.table(),
                        datapoint_id: point.id,
                        scope,
                        reason: reasons.join("; "),
                    });
                }
            }
            Kind::Business => {
                self.business_datapoints += 1;
                let mut tables = point.body.related_tables.clone();
                tables.sort();
                let calculation = point.body.calculation.clone();
                let key: String = tables
                    .join(",")
                    .chars()
                    .chain("=".chars())
                    .chain(calculation.chars())
                    .filter(|character| !character.is_whitespace())
                    .flat_map(char::to_lowercase)
                    .collect();
                let metric = metrics.entry(key).or_insert_with(|| DuplicateMetric {
                    table: tables.join(", "),
                    calculation,
                    datapoint_ids: Vec::new(),
                });
                metric.datapoint_ids.push(point.id.clone());
                let reasons = business_reasons(&point);
                if !reasons.is_empty() && self.weak_business.len() < limit {
                    self.weak_business.push(WeakBusiness {
                        datapoint_id: point.id,
                        scope,
                        name: point.name,
                        reason: reasons.join("; "),
                    });
                }
            }
            Kind::Process | Kind::Query => {}
        }
    }
}

fn schema_reasons(point: &Point) -> Vec<String> {
    let body = &point.body;
    let mut reasons = Vec::new();
    if words(&body.business_purpose).len() < PURPOSE_WORDS {
        reasons.push(format!("the purpose has fewer than {PURPOSE_WORDS} words"));
    }
    if body.key_columns.len() < COLUMNS {
        reasons.push(format!("it has fewer than {COLUMNS} key columns"));
    }
    let mute: Vec<&str> = body
        .key_columns
        .iter()
        .filter(|column| words(&column.business_meaning) == words(&column.name))
        .map(|column| column.name.as_str())
        .collect();
    if !mute.is_empty() {
        reasons.push(format!(
            "the meaning of {} repeats the name",
            mute.join(", ")
        ));
    }
    reasons
}

fn business_reasons(point: &Point) -> Vec<String> {
    let body = &point.body;
    let lacks = [
        (body.aggregation.is_none(), "it has no aggregation"),
        (body.synonyms.is_empty(), "it has no synonym"),
        (body.related_tables.is_empty(), "it names no table"),
    ];
    let lacks = lacks.into_iter().filter(|(lacks, _)| *lacks);
    lacks.map(|(_, reason)| reason.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use datachat_sdk::knowledge::{Datapoint, Scope};
    use serde_json::{Value, json};

    use crate::knowledge::fake::{Fake, datapoint};

    fn table(scope: Scope, id: &str, purpose: &str, columns: &[(&str, &str)]) -> Datapoint {
        let columns: Vec<Value> = columns
            .iter()
            .map(|(name, meaning)| json!({"name": name, "type": "text", "business_meaning": meaning}))
            .collect();
        let body = json!({
            "datapoint_id": id, "type": "Schema", "name": id, "table_name": "orders", "schema": "sales",
            "business_purpose": purpose, "key_columns": columns
        });
        datapoint(scope, &body)
    }

    fn metric(scope: Scope, id: &str, calculation: &str, complete: bool) -> Datapoint {
        let mut body = json!({
            "datapoint_id": id, "type": "Business", "name": id, "calculation": calculation,
            "related_tables": ["sales.orders"]
        });
        if complete {
            body["synonyms"] = json!(["x"]);
            body["aggregation"] = json!("SUM");
        }
        datapoint(scope, &body)
    }

    fn report(points: Vec<Datapoint>, arguments: &str) -> Value {
        let text = crate::call(&Fake::new(points), "datapoint_quality_report", arguments);
        serde_json::from_str(&text.expect("a report")).expect("JSON")
    }

    const GOOD: &[(&str, &str)] = &[("id", "the key"), ("total", "what was paid")];

    #[test]
    fn everything_is_counted_over_all_pages_and_weak_ones_say_why() {
        let points = vec![
            table(
                Scope::Connection,
                "table_good",
                "What customers order in our shops",
                GOOD,
            ),
            table(
                Scope::Connection,
                "table_weak",
                "Order rows",
                &[("order_id", "Order id")],
            ),
            metric(Scope::Connection, "metric_good", "SUM(total)", true),
            metric(Scope::Global, "metric_weak", "COUNT(*)", false),
            datapoint(
                Scope::Global,
                &json!({"datapoint_id": "process_load", "type": "Process", "name": "Load"}),
            ),
        ];
        let report = report(points, "{}");
        assert_eq!(report["total_datapoints"], 5);
        assert_eq!(report["schema_datapoints"], 2);
        assert_eq!(report["business_datapoints"], 2);
        assert_eq!(
            report["weak_schema"],
            json!([{
                "datapoint_id": "table_weak", "scope": "connection", "table_name": "sales.orders",
                "reason": "the purpose has fewer than 5 words; it has fewer than 2 key columns; \
                           the meaning of order_id repeats the name"
            }])
        );
        assert_eq!(
            report["weak_business"],
            json!([{
                "datapoint_id": "metric_weak", "scope": "global", "name": "metric_weak",
                "reason": "it has no aggregation; it has no synonym"
            }])
        );
        assert_eq!(report["duplicate_metrics"], json!([]));
        assert_eq!(report["duplicate_ids"], json!([]));
    }

    #[test]
    fn metrics_that_calculate_the_same_and_ids_of_two_scopes_are_double() {
        let points = vec![
            metric(Scope::Connection, "metric_a", "SUM(total)", true),
            metric(Scope::Connection, "metric_b", "sum( TOTAL )", true),
            metric(Scope::Connection, "metric_minus", "SUM(-total)", true),
            metric(Scope::Connection, "metric_c", "COUNT(*)", true),
            metric(Scope::Global, "metric_c", "MAX(total)", true),
        ];
        let report = report(points, "{}");
        assert_eq!(
            report["duplicate_metrics"],
            json!([{
                "table": "sales.orders", "calculation": "SUM(total)", "datapoint_ids": ["metric_a", "metric_b"]
            }])
        );
        assert_eq!(
            report["duplicate_ids"],
            json!([{"datapoint_id": "metric_c", "count": 2}])
        );
    }

    #[test]
    fn the_limit_is_of_each_list_and_not_of_what_is_counted() {
        let weak = |n: usize| {
            metric(
                Scope::Connection,
                &format!("metric_{n}"),
                &n.to_string(),
                false,
            )
        };
        let report = report((0..7).map(weak).collect(), r#"{"limit": 3}"#);
        assert_eq!(report["weak_business"].as_array().map(Vec::len), Some(3));
        assert_eq!(report["business_datapoints"], 7);
    }
}
