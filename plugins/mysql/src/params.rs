//! Binding parameters: from the contract's values to what an execution carries.
//!
//! MySQL does not say what type a parameter should have; each value goes as the type that it has and the server
//! converts. Nothing is rounded or cut on the way: decimals go as their digits, texts as utf8mb4, times as UTC,
//! which the session's `time_zone` is.

use datachat_sdk::calendar::civil;
use datachat_sdk::connector::types::{DbError, ErrorCode, Parameters, Value};
use datachat_sdk::error::db_error;

use crate::protocol::command::{Bound, parameter};
use crate::protocol::put_lenenc_bytes;

const DAY_MICROS: i64 = 86_400_000_000;

/// The values by position.
///
/// # Errors
/// `unsupported` for values by name.
pub fn positional(parameters: Parameters) -> Result<Vec<Value>, DbError> {
    match parameters {
        Parameters::Positional(values) => Ok(values),
        Parameters::Named(values) if values.is_empty() => Ok(Vec::new()),
        Parameters::Named(_) => Err(db_error(
            ErrorCode::Unsupported,
            "MySQL takes parameters by position (?), not by name",
        )),
    }
}

/// Converts values.
///
/// # Errors
/// `data-exception`, with the number of the one that MySQL has no image for.
pub fn bind(values: &[Value]) -> Result<Vec<Bound>, DbError> {
    values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            encode(value).map_err(|reason| {
                db_error(
                    ErrorCode::DataException,
                    format!("parameter {}: {reason}", index + 1),
                )
            })
        })
        .collect()
}

/// Checks that a statement gets as many values as it takes.
///
/// # Errors
/// `data-exception`.
pub fn check_count(given: usize, taken: u16) -> Result<(), DbError> {
    if given == usize::from(taken) {
        return Ok(());
    }
    Err(db_error(
        ErrorCode::DataException,
        format!(
            "the statement takes {taken} parameter{}, {given} {} given",
            if taken == 1 { "" } else { "s" },
            if given == 1 { "was" } else { "were" },
        ),
    ))
}

fn encode(value: &Value) -> Result<Bound, &'static str> {
    let bound = |kind, bytes: Vec<u8>| Bound {
        kind,
        unsigned: false,
        bytes,
    };
    let with_length = |kind, bytes: &[u8]| {
        let mut out = Vec::with_capacity(bytes.len() + 9);
        put_lenenc_bytes(bytes, &mut out);
        bound(kind, out)
    };
    Ok(match value {
        Value::Null => bound(parameter::NULL, Vec::new()),
        Value::Boolean(flag) => bound(parameter::TINY, vec![u8::from(*flag)]),
        Value::Integer(number) => bound(parameter::LONGLONG, number.to_le_bytes().to_vec()),
        Value::Unsigned(number) => Bound {
            kind: parameter::LONGLONG,
            unsigned: true,
            bytes: number.to_le_bytes().to_vec(),
        },
        Value::Float(number) if number.is_finite() => {
            bound(parameter::DOUBLE, number.to_le_bytes().to_vec())
        }
        Value::Float(_) => return Err("MySQL has neither NaN nor infinity"),
        Value::Decimal(text) => with_length(parameter::NEWDECIMAL, check_decimal(text)?.as_bytes()),
        Value::Text(text) | Value::Json(text) | Value::Uuid(text) => {
            with_length(parameter::VAR_STRING, text.as_bytes())
        }
        Value::Bytes(bytes) => with_length(parameter::BLOB, bytes),
        Value::Date(days) => {
            let date = date(i64::from(*days))?;
            with_length(parameter::DATE, &date)
        }
        Value::TimestampMicros(micros) => {
            let mut bytes = date(micros.div_euclid(DAY_MICROS))?.to_vec();
            let of_day = micros.rem_euclid(DAY_MICROS);
            let seconds = of_day / 1_000_000;
            for part in [seconds / 3600, seconds / 60 % 60, seconds % 60] {
                bytes.push(u8::try_from(part).unwrap_or(0));
            }
            let fraction = u32::try_from(of_day % 1_000_000).unwrap_or(0);
            bytes.extend_from_slice(&fraction.to_le_bytes());
            with_length(parameter::DATETIME, &bytes)
        }
    })
}

fn date(days: i64) -> Result<[u8; 4], &'static str> {
    let (year, month, day) = civil(days);
    match (u16::try_from(year), u8::try_from(month), u8::try_from(day)) {
        (Ok(year @ ..=9999), Ok(month), Ok(day)) => {
            let [low, high] = year.to_le_bytes();
            Ok([low, high, month, day])
        }
        _ => Err("MySQL has the years 0 to 9999"),
    }
}

/// A server takes the front of what it can read for the number; all of it must be one.
fn check_decimal(text: &str) -> Result<&str, &'static str> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || whole.len() + fraction.len() == 0 {
        return Err("it is no decimal number");
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > 65 || fraction.len() > 30 || whole.len() + fraction.len() > 65 {
        return Err("MySQL's decimals have 65 digits, at most 30 of them after the point");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_has_its_binary_form() {
        for (value, kind, bytes) in [
            (Value::Null, 6, &[][..]),
            (Value::Boolean(true), 1, &[1]),
            (
                Value::Integer(-2),
                8,
                &[0xFE, 255, 255, 255, 255, 255, 255, 255],
            ),
            (Value::Decimal("-12.50".to_owned()), 246, b"\x06-12.50"),
            (Value::Text("é".to_owned()), 253, &[2, 0xC3, 0xA9]),
            (Value::Bytes(vec![0, 255]), 252, &[2, 0, 255]),
            (Value::Date(0), 10, &[4, 0xB2, 7, 1, 1]),
            (
                Value::TimestampMicros(-1),
                12,
                &[11, 0xB1, 7, 12, 31, 23, 59, 59, 0x3F, 0x42, 0x0F, 0],
            ),
        ] {
            let bound = bind(std::slice::from_ref(&value)).expect("bound").remove(0);
            assert_eq!(
                (bound.kind, bound.bytes.as_slice()),
                (kind, bytes),
                "{value:?}"
            );
            assert!(!bound.unsigned);
        }
        let bound = bind(&[Value::Unsigned(u64::MAX)]).expect("bound").remove(0);
        assert!(bound.unsigned);
        assert_eq!(bound.bytes, [0xFF; 8]);
    }

    #[test]
    fn a_value_that_mysql_has_no_image_for_is_refused_by_its_number() {
        for value in [
            Value::Float(f64::NAN),
            Value::Float(f64::INFINITY),
            Value::Date(2_932_897),
            Value::Date(-719_529),
            Value::Decimal("1e5".to_owned()),
            Value::Decimal("1 OR 1".to_owned()),
            Value::Decimal(String::new()),
            Value::Decimal("9".repeat(66)),
        ] {
            let error = bind(&[Value::Null, value.clone()]).expect_err("refused");
            assert_eq!(error.code, ErrorCode::DataException);
            assert!(error.message.starts_with("parameter 2: "), "{value:?}");
        }
        assert!(bind(&[Value::Decimal("9".repeat(65))]).is_ok());
        assert!(check_count(1, 2).is_err());
        assert!(check_count(2, 2).is_ok());
    }
}
