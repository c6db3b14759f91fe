//! The values that a request binds to its statement.
//!
//! A parameter is a JSON scalar or `{"type": …, "value": …}`, where the type is one of the plugin
//! contract's: `null`, `boolean`, `integer`, `unsigned`, `float`, `decimal`, `text`, `bytes` (base64),
//! `date` (`2024-02-29` or days since 1970), `timestamp` (RFC 3339, or microseconds since 1970), `json`,
//! `uuid`. Everything is read from the text of the request, so that no number loses digits on the way; one
//! that a double can't hold, and whose type does not say what it is instead, is refused.
//! Whether a value suits the statement is the connector's and the database's to say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::plugins::{Parameters, Value};

/// The types that an object may name, for messages.
const TYPES: &str =
    "null, boolean, integer, unsigned, float, decimal, text, bytes, date, timestamp, json, uuid";

/// A parameter that can't be bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct ParamError {
    /// `params[2]`, `params.since`, with `.type` or `.value` where that is to blame.
    pub field: String,
    pub message: String,
}

/// A JSON value as far as it has to be looked into.
enum Json<'a> {
    Null,
    Boolean(bool),
    /// As written.
    Number(&'a str),
    Text(String),
    Array(&'a RawValue),
    Object(&'a RawValue),
}

impl<'a> Json<'a> {
    fn of(raw: &'a RawValue) -> Self {
        let text = raw.get();
        match text.bytes().next() {
            Some(b'{') => Self::Object(raw),
            Some(b'[') => Self::Array(raw),
            Some(b'"') => Self::Text(serde_json::from_str(text).unwrap_or_default()),
            Some(b't' | b'f') => Self::Boolean(text == "true"),
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number(text),
        }
    }
}

/// `{"type": …, "value": …}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed<'a> {
    #[serde(rename = "type")]
    name: String,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

/// Reads the `params` of a request: absent or null, an array, or an object.
///
/// # Errors
/// The first parameter that is not a scalar of a known type.
pub fn parse(params: Option<&RawValue>) -> Result<Parameters, ParamError> {
    match params.map(Json::of) {
        None | Some(Json::Null) => Ok(Parameters::Positional(Vec::new())),
        Some(Json::Array(raw)) => {
            let values: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
            positional(&values)
        }
        Some(Json::Object(raw)) => members(raw)?
            .into_iter()
            .map(|(name, value)| {
                let value = scalar(value, &format!("params.{name}"))?;
                Ok((name, value))
            })
            .collect::<Result<_, _>>()
            .map(Parameters::Named),
        Some(_) => Err(ParamError {
            field: "params".to_owned(),
            message: "must be an array or an object".to_owned(),
        }),
    }
}

/// Reads values that are bound by position.
///
/// # Errors
/// The first that is not a scalar of a known type.
fn positional(values: &[&RawValue]) -> Result<Parameters, ParamError> {
    let values = values.iter().enumerate();
    values
        .map(|(at, value)| scalar(value, &format!("params[{at}]")))
        .collect::<Result<_, _>>()
        .map(Parameters::Positional)
}

/// The members of an object in their order. Which of two of one name is meant would be a guess.
fn members(raw: &RawValue) -> Result<Vec<(String, &RawValue)>, ParamError> {
    let members = super::members::read(raw);
    for (at, (name, _)) in members.iter().enumerate() {
        if members[..at].iter().any(|(other, _)| other == name) {
            return Err(ParamError {
                field: format!("params.{name}"),
                message: "is given twice".to_owned(),
            });
        }
    }
    Ok(members)
}

fn scalar(raw: &RawValue, field: &str) -> Result<Value, ParamError> {
    let error = |message: &str| ParamError {
        field: field.to_owned(),
        message: message.to_owned(),
    };
    match Json::of(raw) {
        Json::Null => Ok(Value::Null),
        Json::Boolean(value) => Ok(Value::Boolean(value)),
        Json::Text(text) => Ok(Value::Text(text)),
        Json::Number(text) => number(text).ok_or_else(|| {
            error(
                "a double does not hold all digits of this number; write {\"type\": \"decimal\", \"value\": \"…\"} \
                 or, for the nearest double, {\"type\": \"float\", \"value\": …}",
            )
        }),
        Json::Array(_) => Err(error(
            "an array can't be bound; write {\"type\": \"json\", \"value\": …}",
        )),
        Json::Object(raw) => {
            let object = super::members::read(raw);
            if let Some((key, _)) = object
                .iter()
                .find(|(key, _)| key != "type" && key != "value")
            {
                return Err(ParamError {
                    field: format!("{field}.{key}"),
                    message: "unknown; a typed parameter has `type` and `value`".to_owned(),
                });
            }
            let Ok(object) = serde_json::from_str::<Typed<'_>>(raw.get()) else {
                return Err(error("an object needs one `type`, a text, and one `value`"));
            };
            match object.value {
                Some(value) => typed(&object.name, value, field),
                None => typed(&object.name, RawValue::NULL, field),
            }
        }
    }
}

/// A number without a type; `None` when a double would lose digits of it.
fn number(text: &str) -> Option<Value> {
    if let Ok(value) = text.parse() {
        return Some(Value::Integer(value));
    }
    if let Ok(value) = text.parse() {
        return Some(Value::Unsigned(value));
    }
    let value: f64 = text.parse().ok()?;
    // `{:e}` writes the fewest digits that mean this double; those of the text must be the same.
    let same = value.is_finite() && digits(text) == digits(&format!("{value:e}"));
    same.then_some(Value::Float(value))
}

/// The significant digits of a number, and the power of ten of the last one.
fn digits(text: &str) -> Option<(String, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole.trim_start_matches('-'), fraction].concat();
    let significant = all.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some((String::new(), 0));
    }
    let zeros = i64::try_from(all.len() - all.trim_end_matches('0').len()).ok()?;
    let places = i64::try_from(fraction.len()).ok()?;
    Some((significant.to_owned(), exponent - places + zeros))
}

fn typed(name: &str, raw: &RawValue, field: &str) -> Result<Value, ParamError> {
    let expected = |what: &str| ParamError {
        field: format!("{field}.value"),
        message: format!("must be {what}"),
    };
    let json = Json::of(raw);
    if name == "json" {
        // A text is JSON in the making; anything else is the value itself.
        let text = match json {
            Json::Text(text) => serde_json::from_str::<serde::de::IgnoredAny>(&text)
                .map(|_| text)
                .map_err(|_| expected("JSON text, or a JSON value that is not a string"))?,
            _ => raw.get().to_owned(),
        };
        return Ok(Value::Json(text));
    }
    if matches!(json, Json::Null) && TYPES.split(", ").any(|known| known == name) {
        return Ok(Value::Null);
    }
    let written = match &json {
        Json::Number(text) => Some((*text).to_owned()),
        Json::Text(text) => Some(text.trim().to_owned()),
        _ => None,
    };
    let text = match &json {
        Json::Text(text) => Some(text.as_str()),
        _ => None,
    };
    match name {
        "null" => Err(expected("null")),
        "boolean" => match json {
            Json::Boolean(value) => Ok(Value::Boolean(value)),
            _ => Err(expected("true or false")),
        },
        "integer" => written
            .and_then(|text| text.parse().ok())
            .map(Value::Integer)
            .ok_or_else(|| expected("a whole number of 64 bits, as number or text")),
        "unsigned" => written
            .and_then(|text| text.parse().ok())
            .map(Value::Unsigned)
            .ok_or_else(|| expected("a whole number from 0 up of 64 bits, as number or text")),
        "float" => written
            .and_then(|text| text.parse().ok())
            .map(Value::Float)
            .ok_or_else(|| expected("a number, or \"NaN\", \"Infinity\", \"-Infinity\"")),
        "decimal" => written
            .filter(|text| is_decimal(text))
            .map(Value::Decimal)
            .ok_or_else(|| expected("a decimal number, such as \"-12.50\"")),
        "text" => text
            .map(|text| Value::Text(text.to_owned()))
            .ok_or_else(|| expected("text")),
        "bytes" => text
            .and_then(|text| STANDARD.decode(text).ok())
            .map(Value::Bytes)
            .ok_or_else(|| expected("base64 text")),
        "date" => match json {
            Json::Number(days) => days.parse().ok(),
            _ => text.and_then(days),
        }
        .map(Value::Date)
        .ok_or_else(|| expected("a date such as \"2024-02-29\", or days since 1970-01-01")),
        "timestamp" | "timestamp-micros" | "timestamp_micros" => match json {
            Json::Number(micros) => micros.parse().ok(),
            _ => text.and_then(micros),
        }
        .map(Value::TimestampMicros)
        .ok_or_else(|| {
            expected("a time such as \"2024-02-29T12:34:56Z\", or microseconds since 1970-01-01")
        }),
        "uuid" => text
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
    use serde_json::{Value as Tree, json};

    fn read(params: &str) -> Result<Parameters, ParamError> {
        let raw = RawValue::from_string(params.to_owned()).expect("JSON");
        parse(Some(&raw))
    }

    fn positional(values: &Tree) -> Result<Vec<Value>, ParamError> {
        match read(&values.to_string())? {
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
        let typed = |name: &str, value: Tree| {
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
        assert_eq!(typed("text", Tree::Null), Value::Null);
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
            assert_eq!(read(&values.to_string()).expect_err(field).field, field);
        }
    }

    #[test]
    fn a_number_whose_digits_a_double_does_not_hold_is_refused() {
        for exact in [
            "1.5",
            "-0.10",
            "0.30000000000000004",
            "1e300",
            "1E-7",
            "100.0",
            "0.0",
            "-0.0",
        ] {
            let value = read(&format!("[{exact}]")).expect(exact);
            let double: f64 = exact.parse().expect("a double");
            assert_eq!(
                value,
                Parameters::Positional(vec![Value::Float(double)]),
                "{exact}"
            );
        }
        for lossy in [
            "123456789012345678901",
            "0.1234567890123456789",
            "0.10000000000000000001",
            "1e400",
            "9007199254740993.0",
        ] {
            let error = read(&format!("[{lossy}]")).expect_err(lossy);
            assert_eq!(error.field, "params[0]", "{lossy}");
            assert!(error.message.contains("decimal"), "{error}");
        }
    }

    #[test]
    fn decimals_and_json_keep_what_was_written() {
        let values = read(
            r#"[{"type": "decimal", "value": 0.1234567890123456789},
                {"type": "json", "value": {"a": 1.10, "b": 12345678901234567890123}}]"#,
        );
        assert_eq!(
            values.expect("valid"),
            Parameters::Positional(vec![
                Value::Decimal("0.1234567890123456789".into()),
                Value::Json(r#"{"a": 1.10, "b": 12345678901234567890123}"#.into()),
            ])
        );
    }

    #[test]
    fn a_name_that_is_given_twice_is_refused() {
        let error = read(r#"{"since": 1, "since": 2}"#).expect_err("twice");
        assert_eq!(error.field, "params.since");
        let error = read(r#"[{"type": "text", "type": "integer", "value": 1}]"#);
        assert_eq!(error.expect_err("twice").field, "params[0]");
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
