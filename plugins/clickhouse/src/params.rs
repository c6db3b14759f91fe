//! The values of a statement's parameters, as the server reads them: `{name:Type}` takes its value from
//! `param_name`, a text in the escaped form of `TabSeparated`. The server parses the text as the type.

use std::fmt::Write as _;

use datachat_sdk::connector::types::{DbError, ErrorCode, Parameters, Value};
use datachat_sdk::error::db_error;

use crate::calendar;

/// Names (`param_name`) and bytes of the values. `zone` is the server's, in which it reads times.
///
/// # Errors
/// `unsupported` for values without names, `data-exception` for a name that can't be one.
pub fn encode(parameters: &Parameters, zone: &str) -> Result<Vec<(String, Vec<u8>)>, DbError> {
    let named = match parameters {
        Parameters::Named(named) => named,
        Parameters::Positional(values) if values.is_empty() => return Ok(Vec::new()),
        Parameters::Positional(_) => {
            let mut error = db_error(
                ErrorCode::Unsupported,
                "ClickHouse binds parameters by name, not by position",
            );
            error.hint =
                Some("write {name:Type} in the statement and give its value by name".into());
            return Err(error);
        }
    };
    named
        .iter()
        .map(|(name, value)| {
            let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !valid {
                return Err(db_error(
                    ErrorCode::DataException,
                    format!("{name:?} can't name a parameter"),
                ));
            }
            Ok((format!("param_{name}"), text(value, zone)))
        })
        .collect()
}

fn text(value: &Value, zone: &str) -> Vec<u8> {
    match value {
        Value::Null => b"\\N".to_vec(),
        Value::Boolean(flag) => flag.to_string().into_bytes(),
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Unsigned(number) => number.to_string().into_bytes(),
        Value::Float(number) => float(*number).into_bytes(),
        Value::Decimal(text) | Value::Text(text) | Value::Json(text) | Value::Uuid(text) => {
            escape(text.as_bytes())
        }
        Value::Bytes(bytes) => escape(bytes),
        Value::Date(days) => calendar::date((*days).into()).into_bytes(),
        Value::TimestampMicros(micros) => time(*micros, zone).into_bytes(),
    }
}

fn float(number: f64) -> String {
    if number.is_nan() {
        "nan".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "inf" } else { "-inf" }.to_owned()
    } else {
        format!("{number:?}")
    }
}

/// A moment. The server reads a date and a time in its own zone, unless that is UTC a number is safer.
fn time(micros: i64, zone: &str) -> String {
    let seconds = micros.div_euclid(1_000_000);
    let fraction = micros.rem_euclid(1_000_000);
    let utc = matches!(
        zone,
        "UTC" | "Etc/UTC" | "GMT" | "Etc/GMT" | "Zulu" | "Etc/Zulu"
    );
    let mut text = if utc || seconds < 1_000_000 {
        let day = seconds.rem_euclid(86_400);
        format!(
            "{} {:02}:{:02}:{:02}",
            calendar::date(seconds.div_euclid(86_400)),
            day / 3600,
            day / 60 % 60,
            day % 60
        )
    } else {
        format!("{seconds:010}")
    };
    if fraction > 0 {
        let _ = write!(text, ".{fraction:06}");
    }
    text
}

/// As `TabSeparated` has it.
fn escape(bytes: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\\' => escaped.extend_from_slice(b"\\\\"),
            b'\t' => escaped.extend_from_slice(b"\\t"),
            b'\n' => escaped.extend_from_slice(b"\\n"),
            b'\r' => escaped.extend_from_slice(b"\\r"),
            0 => escaped.extend_from_slice(b"\\0"),
            0x08 => escaped.extend_from_slice(b"\\b"),
            0x0c => escaped.extend_from_slice(b"\\f"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The reverse of what `TabSeparated` does to a text.
pub(crate) fn unescape(field: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(field.len());
    let mut bytes = field.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        text.push(match bytes.next() {
            Some(b't') => b'\t',
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b'0') => 0,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(other) => other,
            None => b'\\',
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: Value) -> String {
        let named = Parameters::Named(vec![("x".to_owned(), value)]);
        let encoded = encode(&named, "UTC").expect("valid");
        assert_eq!(encoded[0].0, "param_x");
        String::from_utf8(encoded[0].1.clone()).expect("text")
    }

    #[test]
    fn values_are_spelled_as_the_server_reads_them() {
        assert_eq!(one(Value::Null), "\\N");
        assert_eq!(one(Value::Text("a\tb\\c\n'd'".into())), "a\\tb\\\\c\\n'd'");
        assert_eq!(one(Value::Text("\\N".into())), "\\\\N");
        assert_eq!(one(Value::Float(0.1)), "0.1");
        assert_eq!(one(Value::Float(f64::NEG_INFINITY)), "-inf");
        assert_eq!(one(Value::Date(19_782)), "2024-02-29");
        assert_eq!(
            one(Value::TimestampMicros(-1)),
            "1969-12-31 23:59:59.999999"
        );
        assert_eq!(one(Value::Unsigned(u64::MAX)), "18446744073709551615");
    }

    #[test]
    fn a_moment_stays_the_same_on_a_server_in_another_zone() {
        assert_eq!(time(1_577_836_800_000_000, "UTC"), "2020-01-01 00:00:00");
        assert_eq!(
            time(1_577_836_800_500_000, "Asia/Tokyo"),
            "1577836800.500000"
        );
    }

    #[test]
    fn a_value_without_a_name_is_refused() {
        let error = encode(&Parameters::Positional(vec![Value::Null]), "UTC").expect_err("refused");
        assert_eq!(error.code, ErrorCode::Unsupported);
        let named = Parameters::Named(vec![("a&b".to_owned(), Value::Null)]);
        assert!(encode(&named, "UTC").is_err());
    }

    #[test]
    fn escaping_is_undone_by_reading() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(unescape(&escape(&bytes)), bytes);
    }
}
