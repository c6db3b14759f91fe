//! What each tool is called, takes and gives. The schemas are the contract that the host enforces.

use datachat_sdk::tool::Definition;
use serde_json::{Value, json};

/// Every tool of this component.
pub fn all() -> Vec<Definition> {
    vec![
        definition(
            "list_tables",
            "Lists the tables and views of the database with their estimated row counts.",
            &object(&json!({ "schema": text("Only this schema.") }), &[]),
            &object(
                &json!({
                    "tables": {
                        "type": "array",
                        "items": object(
                            &json!({
                                "schema": { "type": "string" },
                                "table": { "type": "string" },
                                "row_count": { "type": ["integer", "null"], "minimum": 0 },
                                "table_type": { "enum": [
                                    "table", "view", "materialized_view", "foreign_table",
                                    "partitioned_table", "partition",
                                ] },
                            }),
                            &["schema", "table", "row_count", "table_type"],
                        ),
                    },
                }),
                &["tables"],
            ),
        ),
        definition(
            "list_columns",
            "Lists the columns of a table with their types.",
            &object(
                &json!({ "table": table(), "schema": text("The schema of the table.") }),
                &["table"],
            ),
            &object(
                &json!({
                    "table": { "type": "string" },
                    "columns": {
                        "type": "array",
                        "items": object(
                            &json!({
                                "name": { "type": "string" },
                                "type": { "type": "string" },
                                "nullable": { "type": "boolean" },
                            }),
                            &["name", "type", "nullable"],
                        ),
                    },
                }),
                &["table", "columns"],
            ),
        ),
        definition(
            "get_table_sample",
            "Reads a few rows of a table, in no particular order.",
            &object(
                &json!({
                    "table": table(),
                    "schema": text("The schema of the table."),
                    "limit": {
                        "type": "integer",
                        "default": 5,
                        "description": "How many rows; clamped to 1–100.",
                    },
                }),
                &["table"],
            ),
            &object(
                &json!({
                    "columns": { "type": "array", "items": { "type": "string" } },
                    "rows": { "type": "array", "items": { "type": "object" } },
                    "row_count": { "type": "integer", "minimum": 0 },
                    "limit": { "type": "integer", "minimum": 1, "maximum": 100 },
                }),
                &["columns", "rows", "row_count", "limit"],
            ),
        ),
        definition(
            "run_sql",
            "Runs one reading SQL statement and gives its result by column.",
            &object(
                &json!({ "query": text("One statement that only reads, in the database's own SQL.") }),
                &["query"],
            ),
            &object(
                &json!({
                    "answer": { "type": "string" },
                    "sql": { "type": "string" },
                    "data": { "type": "object", "additionalProperties": { "type": "array" } },
                    "visualization_hint": {
                        "enum": ["table", "bar_chart", "line_chart", "pie_chart", "scatter", "none"],
                    },
                    "validation_errors": { "type": "array" },
                    "validation_warnings": {
                        "type": "array",
                        "items": object(
                            &json!({
                                "warning_type": { "type": "string" },
                                "message": { "type": "string" },
                                "suggestion": { "type": "string" },
                            }),
                            &["warning_type", "message", "suggestion"],
                        ),
                    },
                    "retrieved_datapoints": { "type": "array" },
                    "used_datapoints": { "type": "array" },
                    "answer_source": { "type": "string" },
                    "confidence": { "type": "number", "minimum": 0, "maximum": 1 },
                }),
                &[
                    "answer",
                    "sql",
                    "data",
                    "visualization_hint",
                    "validation_errors",
                    "validation_warnings",
                    "retrieved_datapoints",
                    "used_datapoints",
                    "answer_source",
                    "confidence",
                ],
            ),
        ),
    ]
}

fn definition(name: &str, description: &str, parameters: &Value, returns: &Value) -> Definition {
    Definition {
        name: name.to_owned(),
        description: description.to_owned(),
        category: "database".to_owned(),
        parameters: parameters.to_string(),
        returns: returns.to_string(),
        requires_approval: false,
    }
}

/// An object of exactly these members.
fn object(properties: &Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "description": description })
}

fn table() -> Value {
    text("The name of the table, or schema.table. Found exactly, else ignoring case.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_closed_and_every_name_is_callable() {
        for definition in all() {
            for text in [&definition.parameters, &definition.returns] {
                let schema: Value = serde_json::from_str(text).expect("JSON");
                assert_eq!(schema["type"], "object", "{}", definition.name);
                assert_eq!(schema["additionalProperties"], false, "{}", definition.name);
            }
            let fake = crate::database::fake::Fake::new(vec![]);
            let answer = crate::call(&fake, &definition.name, "1");
            let failed = answer.expect_err("a number is no object");
            assert!(
                format!("{failed:?}").contains("schema"),
                "{} is not dispatched: {failed:?}",
                definition.name
            );
        }
    }
}
