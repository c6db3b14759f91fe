//! The shipped tool `profile_and_generate_datapoints`: looks at the tables of the request's database and proposes
//! DataPoints.
//!
//! The host does the work, through [`Profiler`]; the tool says what it takes and what it gives. The wasm component is
//! the thin layer in `component.rs`; everything else is tested natively.

#[cfg(target_arch = "wasm32")]
mod component;

use datachat_sdk::profiling::{Depth, Error, Outcome, Request};
use datachat_sdk::tool::{Definition, ToolError, ToolErrorCode};
use serde::{Deserialize, Deserializer};
use serde_json::json;

/// The tool's name.
pub const NAME: &str = "profile_and_generate_datapoints";

/// The arguments. The host checks them before every call.
const PARAMETERS: &str = r#"{
    "type": "object",
    "properties": {
        "depth": {"enum": ["schema_only", "metrics_basic", "metrics_full"], "default": "metrics_basic",
            "description": "Tables alone, also metrics that column names suggest, or also those that a language model thinks of"},
        "batch_size": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
        "max_tables": {"type": ["integer", "null"], "minimum": 1, "maximum": 500, "default": 50,
            "description": "Null: all"},
        "max_metrics_per_table": {"type": "integer", "minimum": 1, "maximum": 10, "default": 3},
        "sample_size": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
        "max_columns_per_table": {"type": "integer", "minimum": 1, "maximum": 500, "default": 100},
        "query_timeout_seconds": {"type": "integer", "minimum": 1, "maximum": 60, "default": 5},
        "per_table_timeout_seconds": {"type": "integer", "minimum": 1, "maximum": 300, "default": 20},
        "total_timeout_seconds": {"type": "integer", "minimum": 10, "maximum": 1800, "default": 180,
            "description": "The call's own time limit may be shorter"},
        "fail_fast": {"type": "boolean", "default": false},
        "tables": {"type": "array", "items": {"type": "string"}, "minItems": 1,
            "description": "orders or shop.orders; without it, all"},
        "connection_id": {"type": "string", "description": "The target's; any other is refused"}
    },
    "additionalProperties": false
}"#;

const RETURNS: &str = r#"{
    "type": "object",
    "properties": {
        "profile_id": {"type": "string"},
        "pending_count": {"type": "integer", "minimum": 0},
        "depth": {"enum": ["schema_only", "metrics_basic", "metrics_full"]}
    },
    "required": ["profile_id", "pending_count", "depth"],
    "additionalProperties": false
}"#;

/// What the host does for the tool.
pub trait Profiler {
    /// Looks at the tables and proposes DataPoints.
    ///
    /// # Errors
    /// The host's own.
    fn profile_and_generate(&self, request: &Request) -> Result<Outcome, Error>;
}

/// What the tool is.
pub fn definition() -> Definition {
    Definition {
        name: NAME.to_owned(),
        description: "Looks at the tables of the database and proposes DataPoints, which then wait for review."
            .to_owned(),
        category: "knowledge".to_owned(),
        parameters: PARAMETERS.to_owned(),
        returns: RETURNS.to_owned(),
        requires_approval: true,
    }
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DepthName {
    SchemaOnly,
    #[default]
    MetricsBasic,
    MetricsFull,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Arguments {
    depth: DepthName,
    batch_size: u32,
    #[serde(deserialize_with = "or_all")]
    max_tables: Option<u32>,
    max_metrics_per_table: u32,
    sample_size: u32,
    max_columns_per_table: u32,
    query_timeout_seconds: u32,
    per_table_timeout_seconds: u32,
    total_timeout_seconds: u32,
    fail_fast: bool,
    tables: Option<Vec<String>>,
    /// The host has seen to it that it is the target's.
    #[serde(rename = "connection_id")]
    _connection: Option<String>,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            depth: DepthName::default(),
            batch_size: 10,
            max_tables: Some(50),
            max_metrics_per_table: 3,
            sample_size: 100,
            max_columns_per_table: 100,
            query_timeout_seconds: 5,
            per_table_timeout_seconds: 20,
            total_timeout_seconds: 180,
            fail_fast: false,
            tables: None,
            _connection: None,
        }
    }
}

/// Null means all, where an absent number has a default.
fn or_all<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Option::deserialize(deserializer)
}

/// Calls a tool by its name. `arguments` is a JSON object, the answer is JSON.
///
/// # Errors
/// What the host said no to, in its own words, by which it knows it again.
pub fn call(profiler: &impl Profiler, name: &str, arguments: &str) -> Result<String, Failure> {
    if name != NAME {
        return Err(Failure(format!("there is no tool {name}")));
    }
    let arguments: Arguments = serde_json::from_str(arguments)
        .map_err(|error| Failure(format!("the arguments don't fit the schema: {error}")))?;
    let (depth, word) = match arguments.depth {
        DepthName::SchemaOnly => (Depth::SchemaOnly, "schema_only"),
        DepthName::MetricsBasic => (Depth::MetricsBasic, "metrics_basic"),
        DepthName::MetricsFull => (Depth::MetricsFull, "metrics_full"),
    };
    let request = Request {
        depth,
        sample_size: arguments.sample_size,
        max_tables: arguments.max_tables,
        max_columns_per_table: arguments.max_columns_per_table,
        max_metrics_per_table: arguments.max_metrics_per_table,
        batch_size: arguments.batch_size,
        query_timeout_seconds: arguments.query_timeout_seconds,
        per_table_timeout_seconds: arguments.per_table_timeout_seconds,
        total_timeout_seconds: arguments.total_timeout_seconds,
        fail_fast: arguments.fail_fast,
        tables: arguments.tables,
    };
    let outcome = profiler
        .profile_and_generate(&request)
        .map_err(|error| Failure(error.message))?;
    let answer = json!({
        "profile_id": outcome.profile_id,
        "pending_count": outcome.pending_count,
        "depth": word,
    });
    Ok(answer.to_string())
}

/// One sentence for people. What the host said is passed on in its own words, by which it knows it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(pub String);

impl From<Failure> for ToolError {
    fn from(failure: Failure) -> Self {
        Self {
            code: ToolErrorCode::Failed,
            message: failure.0,
            argument: None,
            candidates: Vec::new(),
            database: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::Value;

    use super::*;

    /// Remembers what it was asked.
    #[derive(Default)]
    struct Fake {
        asked: RefCell<Option<Request>>,
        refuses: bool,
    }

    impl Profiler for Fake {
        fn profile_and_generate(&self, request: &Request) -> Result<Outcome, Error> {
            *self.asked.borrow_mut() = Some(request.clone());
            if self.refuses {
                return Err(Error {
                    message: "no model".to_owned(),
                });
            }
            Ok(Outcome {
                profile_id: "p".to_owned(),
                pending_count: 3,
            })
        }
    }

    fn asked(arguments: &str) -> Request {
        let fake = Fake::default();
        call(&fake, NAME, arguments).expect("an answer");
        fake.asked.take().expect("a request")
    }

    #[test]
    fn what_is_not_said_has_the_default_of_the_schema() {
        let schema: Value = serde_json::from_str(PARAMETERS).expect("JSON");
        let default = |name: &str| schema["properties"][name]["default"].as_u64();
        let request = asked("{}");
        for (name, number) in [
            ("batch_size", request.batch_size),
            ("max_metrics_per_table", request.max_metrics_per_table),
            ("sample_size", request.sample_size),
            ("max_columns_per_table", request.max_columns_per_table),
            ("query_timeout_seconds", request.query_timeout_seconds),
            (
                "per_table_timeout_seconds",
                request.per_table_timeout_seconds,
            ),
            ("total_timeout_seconds", request.total_timeout_seconds),
            ("max_tables", request.max_tables.expect("a number")),
        ] {
            assert_eq!(default(name), Some(number.into()), "{name}");
        }
        assert_eq!(request.depth, Depth::MetricsBasic);
        assert_eq!(request.tables, None);
    }

    #[test]
    fn null_tables_are_all_and_the_answer_says_what_was_made() {
        assert_eq!(asked(r#"{"max_tables": null}"#).max_tables, None);
        assert_eq!(asked(r#"{"max_tables": 7}"#).max_tables, Some(7));
        let answer =
            call(&Fake::default(), NAME, r#"{"depth": "schema_only"}"#).expect("an answer");
        assert_eq!(
            answer,
            r#"{"profile_id":"p","pending_count":3,"depth":"schema_only"}"#
        );
    }

    #[test]
    fn what_the_host_refuses_is_passed_on_in_its_words() {
        let fake = Fake {
            refuses: true,
            ..Fake::default()
        };
        let error = call(&fake, NAME, "{}").expect_err("refused");
        assert_eq!(error, Failure("no model".to_owned()));
        assert_eq!(ToolError::from(error).code, ToolErrorCode::Failed);
        assert!(call(&fake, "other", "{}").is_err());
        assert!(call(&fake, NAME, r#"{"deep": 1}"#).is_err());
    }
}
