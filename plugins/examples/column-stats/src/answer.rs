//! What a call takes and gives: the schemas that the host enforces, and the types that fit them.

use datachat_sdk::tool::types::DbError;
use datachat_sdk::tool::{Definition, ToolError, ToolErrorCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The most buckets of a histogram.
pub const MOST_BUCKETS: u32 = 50;

/// How many buckets there are when the call does not say.
pub const BUCKETS: u32 = 10;

/// The arguments of a call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    pub table: String,
    pub column: String,
    #[serde(default)]
    pub schema: Option<String>,
    #[serde(default)]
    pub buckets: Option<u32>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    pub table: String,
    pub column: String,
    #[serde(rename = "type")]
    pub db_type: String,
    pub rows: u64,
    pub nulls: u64,
    pub distinct: Option<u64>,
    /// As the database writes it: a number, a text, or null.
    pub min: Value,
    pub max: Value,
    pub histogram: Vec<Bucket>,
    /// How many rows the histogram is of; null without one.
    pub histogram_rows: Option<u64>,
    /// What could not be told, and why.
    pub notes: Vec<String>,
}

/// One bar: values from `from` up to, and in the last one including, `to`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bucket {
    pub from: Value,
    pub to: Value,
    pub count: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// An argument that fits the schema but can't be used.
    Argument {
        argument: &'static str,
        message: String,
    },
    TableNotFound(String),
    AmbiguousTable {
        table: String,
        candidates: Vec<String>,
    },
    Database(DbError),
    /// The database answered something that makes no sense.
    Odd(String),
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl From<Failure> for ToolError {
    fn from(failure: Failure) -> Self {
        let error = |code, message: String, argument: Option<&str>| Self {
            code,
            message,
            argument: argument.map(str::to_owned),
            candidates: Vec::new(),
            database: None,
        };
        match failure {
            Failure::Argument { argument, message } => {
                error(ToolErrorCode::InvalidArgument, message, Some(argument))
            }
            Failure::TableNotFound(table) => error(
                ToolErrorCode::TableNotFound,
                format!("There is no table {table:?}."),
                Some("table"),
            ),
            Failure::AmbiguousTable { table, candidates } => Self {
                candidates,
                ..error(
                    ToolErrorCode::AmbiguousTable,
                    format!("Several tables are called {table:?}; name the schema."),
                    Some("table"),
                )
            },
            Failure::Database(cause) => Self {
                database: Some(cause.clone()),
                ..error(ToolErrorCode::Database, cause.message, None)
            },
            Failure::Odd(message) => error(ToolErrorCode::Failed, message, None),
        }
    }
}

/// The tool of this component.
pub fn definition() -> Definition {
    let name =
        |description: &str| json!({"type": "string", "minLength": 1, "description": description});
    let count = json!({"type": "integer", "minimum": 0});
    let count_or_null = json!({"type": ["integer", "null"], "minimum": 0});
    let scalar = json!({"type": ["number", "string", "boolean", "null"]});
    let parameters = json!({
        "type": "object",
        "properties": {
            "table": name("The table or view; schema.table works, too."),
            "column": name("The column, in any case."),
            "schema": name("The schema of the table."),
            "buckets": {
                "type": "integer", "minimum": 1, "maximum": MOST_BUCKETS, "default": BUCKETS,
                "description": "How many bars the histogram of a number or a time has.",
            },
        },
        "required": ["table", "column"],
        "additionalProperties": false,
    });
    let returns = json!({
        "type": "object",
        "properties": {
            "table": {"type": "string"},
            "column": {"type": "string"},
            "type": {"type": "string"},
            "rows": count,
            "nulls": count,
            "distinct": count_or_null,
            "min": scalar,
            "max": scalar,
            "histogram": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"from": scalar, "to": scalar, "count": count},
                    "required": ["from", "to", "count"],
                    "additionalProperties": false,
                },
            },
            "histogram_rows": count_or_null,
            "notes": {"type": "array", "items": {"type": "string"}},
        },
        "required": [
            "table", "column", "type", "rows", "nulls", "distinct", "min", "max", "histogram",
            "histogram_rows", "notes",
        ],
        "additionalProperties": false,
    });
    Definition {
        name: "column_stats".to_owned(),
        description: "Counts what a column holds: rows, nulls, distinct values, least and greatest value, and a \
            histogram."
            .to_owned(),
        category: "database".to_owned(),
        parameters: parameters.to_string(),
        returns: returns.to_string(),
        requires_approval: false,
    }
}
