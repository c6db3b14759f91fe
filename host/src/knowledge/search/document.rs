//! What of a DataPoint is searched: from its published form, as files and the API have it, to an [`Entry`].
//!
//! What a question would say comes first, because a model reads no more than the first 256 tokens: purpose and
//! synonyms, then columns, then rules. Statements are left out: their words are SQL's.
//!
//! Its facets are what a question may be about alone: the name, each synonym, the purpose, each column with its
//! meaning. Rules, tags and times are none; they drew questions to what they were not about.

use serde_json::Value;

use super::entry::{Entry, Link, TableName};
use crate::knowledge::{Kind, Scope};

/// The number of the way in which texts are made of a DataPoint. Vectors of another way are not comparable with
/// those of this one, and are computed anew.
pub const DOCUMENT_FORM: u32 = 2;

/// The most facets of a DataPoint; further columns are in the whole alone.
const FACETS: usize = 24;

/// What a DataPoint needs to be found at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsearchable {
    #[error("{0} is missing or no text")]
    Missing(&'static str),
    #[error("there are no DataPoints of the type {0:?}")]
    Kind(String),
}

impl Entry {
    /// The entry of a DataPoint that was checked before; what is not there is left out.
    ///
    /// # Errors
    /// Without an id, a known type and a name.
    pub fn of_datapoint(scope: Scope, datapoint: &Value) -> Result<Self, Unsearchable> {
        let required = |field| text(datapoint, field).ok_or(Unsearchable::Missing(field));
        let kind = required("type")?;
        let kind = Kind::from_name(kind).ok_or_else(|| Unsearchable::Kind(kind.to_owned()))?;
        let mut entry = Self {
            scope,
            id: required("datapoint_id")?.to_owned(),
            kind,
            name: required("name")?.to_owned(),
            text: String::new(),
            tables: Vec::new(),
            links: Vec::new(),
            facets: Vec::new(),
            embeddings: Vec::new(),
        };
        let mut facets = vec![entry.name.clone()];
        let mut prose = Prose::default();
        match kind {
            Kind::Schema => {
                schema(datapoint, &mut entry, &mut prose);
                facets.extend(text(datapoint, "business_purpose").map(str::to_owned));
                facets.extend(items(datapoint, "key_columns").filter_map(column));
            }
            Kind::Business => {
                facets.extend(texts(datapoint, "synonyms").map(str::to_owned));
                prose.add(texts(datapoint, "synonyms"));
                prose.add(text(datapoint, "calculation"));
                prose.add(text(datapoint, "unit"));
                prose.add(texts(datapoint, "business_rules"));
                about(datapoint, "related_tables", &mut entry, &mut prose);
            }
            Kind::Process => {
                prose.add(text(datapoint, "schedule"));
                prose.add(text(datapoint, "data_freshness"));
                prose.add(text(datapoint, "sla"));
                about(datapoint, "target_tables", &mut entry, &mut prose);
                for other in texts(datapoint, "dependencies") {
                    prose.add([other]);
                    // It may name a process or a table.
                    entry.links.push(Link::Entry(other.to_owned()));
                    entry.links.push(Link::Table(TableName::parse(other)));
                }
            }
            Kind::Query => {
                prose.add(text(datapoint, "description"));
                facets.extend(text(datapoint, "description").map(str::to_owned));
                if let Some(parameters) = datapoint.get("parameters").and_then(Value::as_object) {
                    for (name, parameter) in parameters {
                        prose.add([name.as_str()]);
                        prose.add(text(parameter, "description"));
                    }
                }
                about(datapoint, "related_tables", &mut entry, &mut prose);
            }
        }
        prose.add(texts(datapoint, "tags"));
        entry.text = prose.0;
        facets.retain(|facet| facet.chars().any(char::is_alphanumeric));
        facets.truncate(FACETS);
        entry.facets = facets;
        Ok(entry)
    }
}

fn schema(datapoint: &Value, entry: &mut Entry, prose: &mut Prose) {
    if let Some(table) = text(datapoint, "table_name") {
        let parsed = TableName::parse(table);
        entry.tables.push(match text(datapoint, "schema") {
            Some(schema) => TableName::new(Some(schema), parsed.bare()),
            None => parsed,
        });
        prose.add([table]);
    }
    prose.add(text(datapoint, "business_purpose"));
    for column in items(datapoint, "key_columns") {
        prose.add(text(column, "name"));
        prose.add(text(column, "business_meaning"));
    }
    prose.add(texts(datapoint, "common_queries"));
    prose.add(texts(datapoint, "gotchas"));
    prose.add(text(datapoint, "freshness"));
    for relationship in items(datapoint, "relationships") {
        if let Some(target) = text(relationship, "target_table") {
            entry.links.push(Link::Table(TableName::parse(target)));
        }
    }
}

/// A column as a facet.
fn column(column: &Value) -> Option<String> {
    let name = text(column, "name")?;
    let meaning = text(column, "business_meaning").unwrap_or_default();
    Some(format!("{name}: {meaning}"))
}

fn about(datapoint: &Value, field: &str, entry: &mut Entry, prose: &mut Prose) {
    for table in texts(datapoint, field) {
        entry.tables.push(TableName::parse(table));
        prose.add([table]);
    }
}

/// Sentences, one behind the other.
#[derive(Default)]
struct Prose(String);

impl Prose {
    fn add<'a>(&mut self, sentences: impl IntoIterator<Item = &'a str>) {
        for sentence in sentences {
            let sentence = sentence.trim().trim_end_matches('.');
            if !sentence.is_empty() {
                if !self.0.is_empty() {
                    self.0.push_str(". ");
                }
                self.0.push_str(sentence);
            }
        }
    }
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_str()
}

fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn texts<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    items(value, field).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(datapoint: &Value) -> Entry {
        Entry::of_datapoint(Scope::Global, datapoint).unwrap()
    }

    fn tables(entry: &Entry) -> Vec<String> {
        entry.tables.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_table_is_found_by_its_purpose_and_columns_and_leads_to_what_it_joins() {
        let entry = entry(&json!({
            "datapoint_id": "table_loans", "type": "Schema", "name": "Loans",
            "table_name": "loans", "schema": "Core",
            "business_purpose": "Money lent to customers.",
            "key_columns": [{"name": "apr", "type": "numeric", "business_meaning": "yearly interest"}],
            "relationships": [{"target_table": "core.customers", "join_column": "customer_id"}],
            "tags": ["credit"]
        }));
        assert_eq!(
            entry.text,
            "loans. Money lent to customers. apr. yearly interest. credit"
        );
        assert_eq!(
            entry.facets,
            ["Loans", "Money lent to customers.", "apr: yearly interest"]
        );
        assert_eq!(tables(&entry), ["core.loans"]);
        assert_eq!(
            entry.links,
            [Link::Table(TableName::parse("core.customers"))]
        );
    }

    #[test]
    fn a_metric_is_found_by_its_synonyms_and_is_about_its_tables() {
        let entry = entry(&json!({
            "datapoint_id": "metric_npl", "type": "Business", "name": "Non-performing loans",
            "calculation": "share of loans 90 days overdue", "synonyms": ["NPL", "bad debt"],
            "related_tables": ["core.loans"]
        }));
        assert_eq!(
            entry.text,
            "NPL. bad debt. share of loans 90 days overdue. core.loans"
        );
        assert_eq!(entry.facets, ["Non-performing loans", "NPL", "bad debt"]);
        assert_eq!(
            entry.passages()[0],
            "Non-performing loans. NPL. bad debt. share of loans 90 days overdue. core.loans"
        );
        assert_eq!(tables(&entry), ["core.loans"]);
    }

    #[test]
    fn a_process_leads_to_what_it_waits_for_and_a_query_keeps_its_statement_to_itself() {
        let process = entry(&json!({
            "datapoint_id": "process_scores", "type": "Process", "name": "Scores",
            "schedule": "nightly", "target_tables": ["scores"], "dependencies": ["process_loans"]
        }));
        assert_eq!(process.links[0], Link::Entry("process_loans".to_owned()));
        let query = entry(&json!({
            "datapoint_id": "query_top", "type": "Query", "name": "Top customers",
            "description": "The largest balances", "sql_template": "SELECT canary FROM t",
            "parameters": {"limit": {"type": "integer", "description": "how many"}}
        }));
        assert_eq!(query.text, "The largest balances. limit. how many");
        assert_eq!(query.facets, ["Top customers", "The largest balances"]);
    }

    #[test]
    fn what_has_no_name_or_an_unknown_type_is_refused() {
        let refused =
            |datapoint: Value| Entry::of_datapoint(Scope::Global, &datapoint).unwrap_err();
        assert_eq!(refused(json!({})), Unsearchable::Missing("type"));
        assert_eq!(
            refused(json!({"type": "Table"})),
            Unsearchable::Kind("Table".to_owned())
        );
        assert_eq!(
            refused(json!({"type": "Query", "datapoint_id": "query_a"})),
            Unsearchable::Missing("name")
        );
    }
}
