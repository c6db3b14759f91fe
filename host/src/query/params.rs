//! The values that a request binds to its statement.
//!
//! A parameter is a JSON scalar or `{"type": …, "value": …}`, where the type is one of the plugin
//! contract's: `null`, `boolean`, `integer`, `unsigned`, `float`, `decimal`, `text`, `bytes` (base64),
//! `date` (`2024-02-29` or days since 1970), `timestamp` (RFC 3339, or microseconds since 1970), `json`,
//! `uuid`. Numbers that a JSON reader has already rounded are refused, not bound as something else.
//! Whether a value suits the statement is the connector's and the database's to say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::Value as Json;

use crate::plugins::{Parameters, Value};

/// The types that an object may name, for messages.
const TYPES: &str =
    "null, boolean, integer, unsigned, float, decimal, text, bytes, date, timestamp, json, uuid";

/// Beyond this a double no longer holds every integer.
const EXACT_IN_DOUBLE: f64 = 9_007_199_254_740_992.0;

/// A parameter that can't be bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct ParamError {
    /// `params[2]`, `params.since`, with `.type` or `.value` where that is to blame.
    pub field: String,
    pub message: String,
}

/// Reads the `params` of a request: absent or null, an array, or an object.
///
/// # Errors
/// The first parameter that is not a scalar of a known type.
pub fn parse(params: Option<&Json>) -> Result<Parameters, ParamError> {
    match params {
        None | Some(Json::Null) => Ok(Parameters::Positional(Vec::new())),
        Some(Json::Array(values)) => {
            let values = values.iter().enumerate();
            values
                .map(|(at, value)| scalar(value, &format!("params[{at}]")))
                .collect::<Result<_, _>>()
                .map(Parameters::Positional)
        }
        Some(Json::Object(values)) => values
            .iter()
            .map(|(name, value)| Ok((name.clone(), scalar(value, &format!("params.{name}"))?)))
            .collect::<Result<_, _>>()
            .map(Parameters::Named),
        Some(_) => Err(ParamError {
            field: "params".to_owned(),
            message: "must be an array or an object".to_owned(),
        }),
    }
}

fn scalar(json: &Json, field: &str) -> Result<Value, ParamError> {
    let error = |message: &str| ParamError {
        field: field.to_owned(),
        message: message.to_owned(),
    };
    match json {
        Json::Null => Ok(Value::Null),
        Json::Bool(value) => Ok(Value::Boolean(*value)),
        Json::String(text) => Ok(Value::Text(text.clone())),
        Json::Number(number) => {
            if let Some(value) = number.as_i64() {
                return Ok(Value::Integer(value));
            }
            if let Some(value) = number.as_u64() {
                return Ok(Value::Unsigned(value));
            }
            match number.as_f64() {
                Some(value) if value.abs() < EXACT_IN_DOUBLE => Ok(Value::Float(value)),
                _ => Err(error(
                    "a number of this size loses digits; write {\"type\": \"decimal\", \"value\": \"…\"} \
                     or, for a double, {\"type\": \"float\", \"value\": …}",
                )),
            }
        }
        Json::Array(_) => Err(error(
            "an array can't be bound; write {\"type\": \"json\", \"value\": …}",
        )),
        Json::Object(object) => {
            if let Some(key) = object.keys().find(|key| *key != "type" && *key != "value") {
                return Err(ParamError {
                    field: format!("{field}.{key}"),
                    message: "unknown; a typed parameter has `type` and `value`".to_owned(),
                });
            }
            let Some(Json::String(name)) = object.get("type") else {
                return Err(error("an object needs a `type` and a `value`"));
            };
            let value = object.get("value").unwrap_or(&Json::Null);
            typed(name, value, field)
        }
    }
}

fn typed(name: &str, json: &Json, field: &str) -> Result<Value, ParamError> {
    let expected = |what: &str| ParamError {
        field: format!("{field}.value"),
        message: format!("must be {what}"),
    };
    if name == "json" {
        // A text is JSON in the making; anything else is the value itself.
        let text = match json {
            Json::String(text) => serde_json::from_str::<serde::de::IgnoredAny>(text)
                .map(|_| text.clone())
                .map_err(|_| expected("JSON text, or a JSON value that is not a string"))?,
            other => other.to_string(),
        };
        return Ok(Value::Json(text));
    }
    if json.is_null() && TYPES.split(", ").any(|known| known == name) {
        return Ok(Value::Null);
    }
    let number = || match json {
        Json::Number(number) => Some(number.to_string()),
        Json::String(text) => Some(text.trim().to_owned()),
        _ => None,
    };
    let string = || json.as_str();
    match name {
        "null" => Err(expected("null")),
        "boolean" => json
            .as_bool()
            .map(Value::Boolean)
            .ok_or_else(|| expected("true or false")),
        "integer" => number()
            .and_then(|text| text.parse().ok())
            .map(Value::Integer)
            .ok_or_else(|| expected("a whole number of 64 bits, as number or text")),
        "unsigned" => number()
            .and_then(|text| text.parse().ok())
            .map(Value::Unsigned)
            .ok_or_else(|| expected("a whole number from 0 up of 64 bits, as number or text")),
        "float" => number()
            .and_then(|text| text.parse().ok())
            .map(Value::Float)
            .ok_or_else(|| expected("a number, or \"NaN\", \"Infinity\", \"-Infinity\"")),
        "decimal" => number()
            .filter(|text| json.is_string() || text.parse::<i64>().is_ok())
            .filter(|text| is_decimal(text))
            .map(Value::Decimal)
            .ok_or_else(|| expected("a decimal number as text, such as \"-12.50\"")),
        "text" => string()
            .map(|text| Value::Text(text.to_owned()))
            .ok_or_else(|| expected("text")),
        "bytes" => string()
            .and_then(|text| STANDARD.decode(text).ok())
            .map(Value::Bytes)
            .ok_or_else(|| expected("base64 text")),
        "date" => match json {
            Json::Number(days) => days.as_i64().and_then(|days| i32::try_from(days).ok()),
            _ => string().and_then(days),
        }
        .map(Value::Date)
        .ok_or_else(|| expected("a date such as \"2024-02-29\", or days since 1970-01-01")),
        "timestamp" | "timestamp-micros" | "timestamp_micros" => match json {
            Json::Number(micros) => micros.as_i64(),
            _ => string().and_then(micros),
        }
        .map(Value::TimestampMicros)
        .ok_or_else(|| {
            expected("a time such as \"2024-02-29T12:34:56Z\", or microseconds since 1970-01-01")
        }),
        "uuid" => string()
            .and_then(|text| uuid::Uuid::parse_str(text).ok())
            .map(|id| Value::Uuid(id.to_string()))
            .ok_or_else(|| expected("a UUID")),
        _ => Err(ParamError {
            field: format!("{field}.type"),
            message: format!("unknown type {name:?}; there are {TYPES}"),
        }),
    }
}

/// Digits with at most one sign, point and exponent, or the names that databases give to what is no number.
fn is_decimal(text: &str) -> bool {
    if matches!(text, "NaN" | "Infinity" | "-Infinity") {
        return true;
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.parse::<i32>().is_ok()
}

fn days(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

/// A time without a zone counts as UTC, as the contract's microseconds do.
fn micros(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let time = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    Some(time.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn positional(values: &Json) -> Result<Vec<Value>, ParamError> {
        match parse(Some(values))? {
            Parameters::Positional(values) => Ok(values),
            Parameters::Named(_) => panic!("positional"),
        }
    }

    #[test]
    fn scalars_keep_their_kind() {
        let values = positional(&json!([
            null,
            true,
            -1,
            18_446_744_073_709_551_615u64,
            1.5,
            "x"
        ]));
        assert_eq!(
            values.expect("valid"),
            [
                Value::Null,
                Value::Boolean(true),
                Value::Integer(-1),
                Value::Unsigned(u64::MAX),
                Value::Float(1.5),
                Value::Text("x".into()),
            ]
        );
    }

    #[test]
    fn typed_values_are_read_as_their_type() {
        let typed = |name: &str, value: Json| {
            positional(&json!([{"type": name, "value": value}]))
                .expect(name)
                .remove(0)
        };
        assert_eq!(
            typed("decimal", json!("-12.50")),
            Value::Decimal("-12.50".into())
        );
        assert_eq!(
            typed("integer", json!("9007199254740993")),
            Value::Integer(9_007_199_254_740_993)
        );
        assert_eq!(typed("bytes", json!("AP8=")), Value::Bytes(vec![0, 255]));
        assert_eq!(typed("date", json!("1970-01-02")), Value::Date(1));
        assert_eq!(typed("date", json!("1969-12-31")), Value::Date(-1));
        assert_eq!(
            typed("timestamp", json!("1970-01-01T01:00:00+01:00")),
            Value::TimestampMicros(0)
        );
        assert_eq!(
            typed("timestamp-micros", json!(-1)),
            Value::TimestampMicros(-1)
        );
        assert_eq!(
            typed("json", json!({"a": [1]})),
            Value::Json(r#"{"a":[1]}"#.into())
        );
        assert_eq!(
            typed("json", json!("{\"a\": 1.10}")),
            Value::Json("{\"a\": 1.10}".into())
        );
        assert_eq!(
            typed("float", json!("Infinity")),
            Value::Float(f64::INFINITY)
        );
        assert_eq!(typed("text", Json::Null), Value::Null);
        assert_eq!(
            typed("uuid", json!("{6F9619FF-8B86-D011-B42D-00C04FC964FF}")),
            Value::Uuid("6f9619ff-8b86-d011-b42d-00c04fc964ff".into())
        );
    }

    #[test]
    fn an_error_names_the_parameter() {
        for (values, field) in [
            (json!([1, [2]]), "params[1]"),
            (
                json!([1, 2, {"type": "nope", "value": 1}]),
                "params[2].type",
            ),
            (
                json!([{"type": "integer", "value": "1.5"}]),
                "params[0].value",
            ),
            (json!([{"type": "uuid", "value": 7}]), "params[0].value"),
            (json!([{"value": 7}]), "params[0]"),
            (
                json!([{"type": "text", "value": "a", "x": 1}]),
                "params[0].x",
            ),
            (
                json!({"since": {"type": "date", "value": "2024-02-30"}}),
                "params.since.value",
            ),
            (json!("x"), "params"),
        ] {
            assert_eq!(parse(Some(&values)).expect_err(field).field, field);
        }
    }

    #[test]
    fn a_number_that_was_rounded_on_the_way_is_refused() {
        let values: Json = serde_json::from_str("[123456789012345678901]").expect("JSON");
        assert_eq!(positional(&values).expect_err("rounded").field, "params[0]");
    }

    #[test]
    fn decimals_are_numbers() {
        for good in ["0", "-1", "+1.5", ".5", "5.", "1e10", "1E-3", "NaN"] {
            assert!(is_decimal(good), "{good}");
        }
        for bad in ["", ".", "-", "1.2.3", "0x10", "1e", "1;drop", "١"] {
            assert!(!is_decimal(bad), "{bad}");
        }
    }
}
