//! Arguments against a tool's JSON Schema, with the path of each offence.
//!
//! Nothing is coerced: `"5"` is no integer. Messages name what the schema wants, never the value.

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use serde_json::Value;

/// How many offences one answer lists.
const MAX_ERRORS: usize = 20;

/// One offence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offence {
    /// `arguments.filter.columns[2]`
    pub field: String,
    pub code: &'static str,
    pub message: String,
}

/// The schema text can't be used.
#[derive(Debug, thiserror::Error)]
#[error("not a usable JSON Schema: {0}")]
pub struct InvalidSchema(String);

/// Compiles a schema that describes an object.
///
/// # Errors
/// When it is no JSON, no schema, or refers to something outside itself.
pub fn compile(text: &str) -> Result<(Value, Validator), InvalidSchema> {
    let schema: Value =
        serde_json::from_str(text).map_err(|error| InvalidSchema(error.to_string()))?;
    if !schema.is_object() {
        return Err(InvalidSchema("it is no object".to_owned()));
    }
    let validator = jsonschema::draft202012::new(&schema)
        .map_err(|error| InvalidSchema(error.masked().to_string()))?;
    Ok((schema, validator))
}

/// Everything that is wrong with `arguments`, the first twenty at most.
pub fn offences(validator: &Validator, arguments: &Value) -> Vec<Offence> {
    validator
        .iter_errors(arguments)
        .flat_map(|error| {
            let path = path(error.instance_path().segments());
            describe(&path, error.kind())
        })
        .take(MAX_ERRORS)
        .collect()
}

fn path<'a>(segments: impl Iterator<Item = LocationSegment<'a>>) -> String {
    use std::fmt::Write as _;
    let mut path = "arguments".to_owned();
    for segment in segments {
        // Writing to a string can't fail.
        let _ = match segment {
            LocationSegment::Property(name) => write!(path, ".{name}"),
            LocationSegment::Index(index) => write!(path, "[{index}]"),
        };
    }
    path
}

fn describe(path: &str, kind: &ValidationErrorKind) -> Vec<Offence> {
    let one = |field: String, code, message: String| {
        vec![Offence {
            field,
            code,
            message,
        }]
    };
    let here = path.to_owned();
    match kind {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| Offence {
                field: format!("{path}.{name}"),
                code: "unknown_field",
                message: "is not a known argument".to_owned(),
            })
            .collect(),
        ValidationErrorKind::Required { property } => one(
            format!("{path}.{}", property.as_str().unwrap_or_default()),
            "missing",
            "is required".to_owned(),
        ),
        ValidationErrorKind::Type { kind } => one(here, "type", format!("must be {}", types(kind))),
        ValidationErrorKind::Enum { options } => {
            one(here, "value", format!("must be one of {options}"))
        }
        ValidationErrorKind::Constant { expected_value } => {
            one(here, "value", format!("must be {expected_value}"))
        }
        ValidationErrorKind::Minimum { limit } => {
            one(here, "range", format!("must be at least {limit}"))
        }
        ValidationErrorKind::Maximum { limit } => {
            one(here, "range", format!("must be at most {limit}"))
        }
        ValidationErrorKind::ExclusiveMinimum { limit } => {
            one(here, "range", format!("must be more than {limit}"))
        }
        ValidationErrorKind::ExclusiveMaximum { limit } => {
            one(here, "range", format!("must be less than {limit}"))
        }
        ValidationErrorKind::MinLength { limit } => one(
            here,
            "length",
            format!("must have at least {limit} character(s)"),
        ),
        ValidationErrorKind::MaxLength { limit } => one(
            here,
            "length",
            format!("must have at most {limit} character(s)"),
        ),
        ValidationErrorKind::MinItems { limit } => one(
            here,
            "length",
            format!("must have at least {limit} item(s)"),
        ),
        ValidationErrorKind::MaxItems { limit } => {
            one(here, "length", format!("must have at most {limit} item(s)"))
        }
        other => one(
            here,
            "value",
            format!("does not fit the schema's {:?}", other.keyword()),
        ),
    }
}

fn types(kind: &jsonschema::error::TypeKind) -> String {
    match kind {
        jsonschema::error::TypeKind::Single(kind) => article(&kind.to_string()),
        jsonschema::error::TypeKind::Multiple(kinds) => kinds
            .iter()
            .map(|kind| article(&kind.to_string()))
            .collect::<Vec<_>>()
            .join(" or "),
    }
}

fn article(name: &str) -> String {
    match name {
        "null" => "null".to_owned(),
        "integer" | "array" | "object" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(schema: &Value, arguments: &Value) -> Vec<(String, &'static str, String)> {
        let (_, validator) = compile(&schema.to_string()).expect("a schema");
        offences(&validator, arguments)
            .into_iter()
            .map(|offence| (offence.field, offence.code, offence.message))
            .collect()
    }

    fn sample() -> Value {
        json!({
            "type": "object", "additionalProperties": false, "required": ["table"],
            "properties": {
                "table": {"type": "string", "minLength": 1},
                "limit": {"type": "integer"},
                "names": {"type": "array", "items": {"type": "string"}},
            },
        })
    }

    #[test]
    fn text_is_not_coerced_to_a_number() {
        assert_eq!(
            check(&sample(), &json!({"table": "t", "limit": "canary"})),
            [(
                "arguments.limit".to_owned(),
                "type",
                "must be an integer".to_owned()
            )]
        );
    }

    #[test]
    fn missing_and_unknown_arguments_are_named() {
        let found = check(&sample(), &json!({"tabel": "t", "names": ["a", 1]}));
        for (field, code) in [
            ("arguments.table", "missing"),
            ("arguments.tabel", "unknown_field"),
            ("arguments.names[1]", "type"),
        ] {
            assert!(
                found.iter().any(|(f, c, _)| f == field && *c == code),
                "{field}: {found:?}"
            );
        }
    }

    #[test]
    fn arguments_that_fit_have_no_offence() {
        assert_eq!(
            check(&sample(), &json!({"table": "t", "limit": 5})),
            Vec::new()
        );
    }

    #[test]
    fn a_schema_that_points_elsewhere_is_refused() {
        assert!(compile(r#"{"$ref": "http://example.org/schema.json"}"#).is_err());
        assert!(compile("[]").is_err());
        assert!(compile("{").is_err());
    }
}
