//! A DataPoint in sentences, each of which it says itself.

use datachat_sdk::knowledge::Kind;

use crate::datapoint::{Column, Point};

/// The most columns that a table is quoted with.
const COLUMNS: usize = 12;

/// What a DataPoint says.
pub fn quote(point: &Point) -> String {
    let body = &point.body;
    let mut text = Sentences::default();
    match point.kind {
        Kind::Schema => {
            let name = &point.name;
            text.add(&format!(
                "{name} (table {}): {}",
                point.table(),
                body.business_purpose
            ));
            text.list("Columns", columns(&body.key_columns), "; ");
            text.list("Mind", body.gotchas.clone(), "; ");
            text.one("Freshness", body.freshness.as_deref());
        }
        Kind::Business => {
            text.add(&format!("{}: {}", point.name, body.calculation));
            text.one("Unit", body.unit.as_deref());
            text.list("Rules", body.business_rules.clone(), "; ");
            text.list("Tables", body.related_tables.clone(), ", ");
        }
        Kind::Process => {
            text.add(&format!("{}: runs {}", point.name, body.schedule));
            text.one("Freshness", Some(&body.data_freshness));
            text.list("Fills", body.target_tables.clone(), ", ");
            text.list("After", body.dependencies.clone(), ", ");
            text.one("Promised", body.sla.as_deref());
        }
        Kind::Query => {
            text.add(&format!("{}: {}", point.name, body.description));
            text.list("Tables", body.related_tables.clone(), ", ");
        }
    }
    text.0
}

fn columns(columns: &[Column]) -> Vec<String> {
    let mut listed: Vec<String> = columns
        .iter()
        .take(COLUMNS)
        .map(|column| format!("{} ({})", column.name, column.business_meaning))
        .collect();
    if columns.len() > COLUMNS {
        listed.push(format!("and {} more", columns.len() - COLUMNS));
    }
    listed
}

/// Sentences, one behind the other, each with one full stop.
#[derive(Default)]
struct Sentences(String);

impl Sentences {
    fn add(&mut self, sentence: &str) {
        let sentence = sentence.trim();
        if sentence.is_empty() {
            return;
        }
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(sentence);
        if !sentence.ends_with(['.', '!', '?']) {
            self.0.push('.');
        }
    }

    fn one(&mut self, label: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.add(&format!("{label}: {value}"));
        }
    }

    fn list(&mut self, label: &str, values: Vec<String>, between: &str) {
        let values: Vec<String> = values
            .into_iter()
            .map(|value| value.trim().trim_end_matches('.').to_owned())
            .collect();
        self.one(label, Some(&values.join(between)));
    }
}

#[cfg(test)]
mod tests {
    use datachat_sdk::knowledge::Scope;
    use serde_json::{Value, json};

    use super::*;
    use crate::knowledge::fake::datapoint;

    fn quoted(body: &Value) -> String {
        quote(&Point::read(datapoint(Scope::Global, body)).expect("a body"))
    }

    #[test]
    fn each_kind_says_what_it_has_and_nothing_of_what_it_lacks() {
        for (body, expected) in [
            (
                json!({
                    "datapoint_id": "table_loans", "type": "Schema", "name": "Loans", "table_name": "loans",
                    "schema": "core", "business_purpose": "Money lent.",
                    "key_columns": [{"name": "apr", "type": "numeric", "business_meaning": "yearly interest"}],
                    "gotchas": ["Closed loans stay."]
                }),
                "Loans (table core.loans): Money lent. Columns: apr (yearly interest). Mind: Closed loans stay.",
            ),
            (
                json!({
                    "datapoint_id": "metric_npl", "type": "Business", "name": "NPL ratio",
                    "calculation": "overdue / outstanding", "unit": "percent",
                    "business_rules": ["90 days count.", "Fraud is left out"], "related_tables": ["core.loans"]
                }),
                "NPL ratio: overdue / outstanding. Unit: percent. Rules: 90 days count; Fraud is left out. \
                 Tables: core.loans.",
            ),
            (
                json!({
                    "datapoint_id": "process_scores", "type": "Process", "name": "Scoring",
                    "schedule": "daily at 03:00", "data_freshness": "T-1", "target_tables": ["core.scores"]
                }),
                "Scoring: runs daily at 03:00. Freshness: T-1. Fills: core.scores.",
            ),
            (
                json!({
                    "datapoint_id": "query_top", "type": "Query", "name": "Top customers",
                    "description": "The largest balances", "sql_template": "SELECT canary FROM t"
                }),
                "Top customers: The largest balances.",
            ),
        ] {
            assert_eq!(quoted(&body), expected);
        }
    }

    #[test]
    fn a_wide_table_says_how_many_columns_it_keeps_to_itself() {
        let column = json!({"name": "c", "type": "text", "business_meaning": "m"});
        let text = quoted(&json!({
            "datapoint_id": "table_wide", "type": "Schema", "name": "Wide", "table_name": "wide",
            "business_purpose": "Many", "key_columns": vec![column; 15]
        }));
        assert!(text.ends_with("c (m); and 3 more."), "{text}");
    }
}
