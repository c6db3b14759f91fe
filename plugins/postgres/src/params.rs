//! Binding parameters: from the contract's values to what the server expects.
//!
//! The server says what type each parameter has; a value is converted to that type or refused by its number.
//! Nothing is rounded or cut: 5.5 is not an integer, and a time of day is not dropped to make a date. Numbers
//! and texts go in PostgreSQL's text format, which the server reads exactly; bytes, dates and times go in the
//! binary one. For a type that is not known here (an enum, an array, an extension's) the text is the server's
//! to judge.

use datachat_sdk::connector::types::{DbError, ErrorCode, Parameters, Value};
use datachat_sdk::error::db_error;

use crate::calendar::{DAY_MICROS, spell_date, spell_timestamp};

/// OIDs of the types for which a conversion is checked here.
mod oid {
    pub const BOOL: u32 = 16;
    pub const BYTEA: u32 = 17;
    pub const CHAR: u32 = 18;
    pub const NAME: u32 = 19;
    pub const INT8: u32 = 20;
    pub const INT2: u32 = 21;
    pub const INT4: u32 = 23;
    pub const TEXT: u32 = 25;
    pub const OID: u32 = 26;
    pub const JSON: u32 = 114;
    pub const FLOAT4: u32 = 700;
    pub const FLOAT8: u32 = 701;
    pub const BPCHAR: u32 = 1042;
    pub const VARCHAR: u32 = 1043;
    pub const DATE: u32 = 1082;
    pub const TIMESTAMP: u32 = 1114;
    pub const TIMESTAMPTZ: u32 = 1184;
    pub const NUMERIC: u32 = 1700;
    pub const UUID: u32 = 2950;
    pub const JSONB: u32 = 3802;
}

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const EPOCH_DAYS: i32 = 10_957;

/// A parameter as the Bind message carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// 0 text, 1 binary.
    pub format: i16,
    /// `None`: NULL.
    pub bytes: Option<Vec<u8>>,
}

impl Bound {
    fn text(text: impl Into<String>) -> Self {
        Self {
            format: 0,
            bytes: Some(text.into().into_bytes()),
        }
    }

    fn binary(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            format: 1,
            bytes: Some(bytes.into()),
        }
    }
}

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
            "PostgreSQL takes parameters by position ($1, $2, …), not by name",
        )),
    }
}

/// Converts `values` to the types that the server described.
///
/// # Errors
/// `data-exception`: the wrong number of values, or one that is not of its parameter's type.
pub fn bind(values: &[Value], types: &[u32]) -> Result<Vec<Bound>, DbError> {
    if values.len() != types.len() {
        return Err(db_error(
            ErrorCode::DataException,
            format!(
                "the statement takes {} parameter{}, {} {} given",
                types.len(),
                if types.len() == 1 { "" } else { "s" },
                values.len(),
                if values.len() == 1 { "was" } else { "were" },
            ),
        ));
    }
    values
        .iter()
        .zip(types)
        .enumerate()
        .map(|(index, (value, &oid))| {
            encode(value, oid).map_err(|reason| {
                db_error(
                    ErrorCode::DataException,
                    format!("parameter ${}: {reason}", index + 1),
                )
            })
        })
        .collect()
}

/// The type that a value has by itself, for statements that leave it open; 0 where it has none.
pub fn natural_type(value: &Value) -> u32 {
    match value {
        Value::Null => 0,
        Value::Boolean(_) => oid::BOOL,
        Value::Integer(_) => oid::INT8,
        Value::Unsigned(_) | Value::Decimal(_) => oid::NUMERIC,
        Value::Float(_) => oid::FLOAT8,
        Value::Text(_) => oid::TEXT,
        Value::Bytes(_) => oid::BYTEA,
        Value::Date(_) => oid::DATE,
        Value::TimestampMicros(_) => oid::TIMESTAMPTZ,
        Value::Json(_) => oid::JSON,
        Value::Uuid(_) => oid::UUID,
    }
}

fn encode(value: &Value, oid: u32) -> Result<Bound, String> {
    let refuse = |what: &str| Err(format!("{what} is not of type {}", type_name(oid)));
    match value {
        Value::Null => Ok(Bound {
            format: 0,
            bytes: None,
        }),
        Value::Boolean(flag) => match oid {
            _ if is_number(oid) || is_time(oid) || oid == oid::BYTEA || oid == oid::UUID => {
                refuse("a boolean")
            }
            _ => Ok(Bound::text(if *flag { "true" } else { "false" })),
        },
        Value::Integer(number) => integer((*number).into(), oid),
        Value::Unsigned(number) => integer((*number).into(), oid),
        Value::Float(number) => float(*number, oid),
        Value::Decimal(number) => decimal(number, oid),
        Value::Text(text) | Value::Json(text) if text.contains('\0') => {
            Err("PostgreSQL's text can't hold the character NUL".to_owned())
        }
        Value::Text(text) => Ok(Bound::text(text.as_str())),
        Value::Json(text) => match oid {
            _ if is_number(oid) || is_time(oid) => refuse("JSON"),
            oid::BOOL | oid::BYTEA | oid::UUID => refuse("JSON"),
            _ => Ok(Bound::text(text.as_str())),
        },
        Value::Bytes(bytes) => match oid {
            oid::BYTEA => Ok(Bound::binary(bytes.as_slice())),
            _ => refuse("a value of bytes"),
        },
        Value::Date(days) => date(*days, oid),
        Value::TimestampMicros(micros) => timestamp(*micros, oid),
        Value::Uuid(text) => match oid {
            _ if is_number(oid) || is_time(oid) => refuse("a UUID"),
            oid::BOOL | oid::BYTEA | oid::JSON | oid::JSONB => refuse("a UUID"),
            _ if text.contains('\0') => refuse("the text"),
            _ => Ok(Bound::text(text.as_str())),
        },
    }
}

fn integer(number: i128, oid: u32) -> Result<Bound, String> {
    let range = match oid {
        oid::INT2 => i128::from(i16::MIN)..=i128::from(i16::MAX),
        oid::INT4 => i128::from(i32::MIN)..=i128::from(i32::MAX),
        oid::INT8 => i128::from(i64::MIN)..=i128::from(i64::MAX),
        oid::OID => 0..=i128::from(u32::MAX),
        oid::BOOL | oid::BYTEA | oid::UUID => {
            return Err(format!("an integer is not of type {}", type_name(oid)));
        }
        _ if is_time(oid) => {
            return Err(format!("an integer is not of type {}", type_name(oid)));
        }
        _ => i128::MIN..=i128::MAX,
    };
    if range.contains(&number) {
        Ok(Bound::text(number.to_string()))
    } else {
        Err(format!("{number} is out of range of {}", type_name(oid)))
    }
}

fn float(number: f64, oid: u32) -> Result<Bound, String> {
    match oid {
        oid::INT2 | oid::INT4 | oid::INT8 | oid::OID => {
            // 2^63 is the first float that no bigint holds; the cast is exact below it.
            #[allow(clippy::cast_possible_truncation)]
            if number.fract() == 0.0 && number.abs() < 9_223_372_036_854_775_808.0 {
                integer((number as i64).into(), oid)
            } else {
                Err(format!("{number} is not of type {}", type_name(oid)))
            }
        }
        oid::BOOL | oid::BYTEA | oid::UUID => {
            Err(format!("a number is not of type {}", type_name(oid)))
        }
        _ if is_time(oid) => Err(format!("a number is not of type {}", type_name(oid))),
        oid::JSON | oid::JSONB if !number.is_finite() => {
            Err(format!("{number} is not of type {}", type_name(oid)))
        }
        _ => Ok(Bound::text(spell_float(number))),
    }
}

/// The shortest spelling that reads back as the same number.
fn spell_float(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned()
    } else {
        format!("{number:?}")
    }
}

fn decimal(number: &str, oid: u32) -> Result<Bound, String> {
    if !is_decimal(number) {
        return Err(format!("{number:?} is not a number"));
    }
    match oid {
        oid::BOOL | oid::BYTEA | oid::UUID => {
            Err(format!("a number is not of type {}", type_name(oid)))
        }
        _ if is_time(oid) => Err(format!("a number is not of type {}", type_name(oid))),
        oid::INT2 | oid::INT4 | oid::INT8 | oid::OID => {
            let whole = match number.split_once('.') {
                Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
                None => number,
                _ => return Err(format!("{number} is not of type {}", type_name(oid))),
            };
            whole
                .parse::<i128>()
                .map_err(|_| format!("{number} is out of range of {}", type_name(oid)))
                .and_then(|whole| integer(whole, oid))
        }
        _ => Ok(Bound::text(number)),
    }
}

/// `-12.50`, `1e-7`, `NaN`: what PostgreSQL reads as a numeric.
fn is_decimal(text: &str) -> bool {
    if matches!(text, "NaN" | "Infinity" | "-Infinity") {
        return true;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let unsigned = |text: &str| text.strip_prefix(['-', '+']).unwrap_or(text).to_owned();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = unsigned(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| {
            let exponent = unsigned(exponent);
            !exponent.is_empty() && digits(&exponent)
        })
}

fn date(days: i32, oid: u32) -> Result<Bound, String> {
    let out_of_range = || format!("the date is out of range of {}", type_name(oid));
    match oid {
        oid::DATE => {
            let shifted = days.checked_sub(EPOCH_DAYS).ok_or_else(out_of_range)?;
            // The least integer is PostgreSQL's -infinity.
            if shifted == i32::MIN {
                return Err(out_of_range());
            }
            Ok(Bound::binary(shifted.to_be_bytes()))
        }
        oid::TIMESTAMP | oid::TIMESTAMPTZ => timestamp(i64::from(days) * DAY_MICROS, oid),
        oid::BOOL | oid::BYTEA | oid::UUID | oid::JSON | oid::JSONB => {
            Err(format!("a date is not of type {}", type_name(oid)))
        }
        _ if is_number(oid) => Err(format!("a date is not of type {}", type_name(oid))),
        _ => Ok(Bound::text(spell_date(days.into()))),
    }
}

fn timestamp(micros: i64, oid: u32) -> Result<Bound, String> {
    let out_of_range = || format!("the time is out of range of {}", type_name(oid));
    match oid {
        oid::TIMESTAMP | oid::TIMESTAMPTZ => {
            let shifted = micros
                .checked_sub(i64::from(EPOCH_DAYS) * DAY_MICROS)
                .ok_or_else(out_of_range)?;
            if shifted == i64::MIN {
                return Err(out_of_range());
            }
            Ok(Bound::binary(shifted.to_be_bytes()))
        }
        oid::DATE => {
            if micros.rem_euclid(DAY_MICROS) != 0 {
                return Err("a time within a day is not of type date".to_owned());
            }
            let days = i32::try_from(micros.div_euclid(DAY_MICROS)).map_err(|_| out_of_range())?;
            date(days, oid)
        }
        oid::BOOL | oid::BYTEA | oid::UUID | oid::JSON | oid::JSONB => {
            Err(format!("a timestamp is not of type {}", type_name(oid)))
        }
        _ if is_number(oid) => Err(format!("a timestamp is not of type {}", type_name(oid))),
        _ => Ok(Bound::text(spell_timestamp(micros))),
    }
}

fn is_number(oid: u32) -> bool {
    matches!(
        oid,
        oid::INT2 | oid::INT4 | oid::INT8 | oid::OID | oid::FLOAT4 | oid::FLOAT8 | oid::NUMERIC
    )
}

fn is_time(oid: u32) -> bool {
    // Also time, interval and timetz.
    matches!(
        oid,
        oid::DATE | oid::TIMESTAMP | oid::TIMESTAMPTZ | 1083 | 1186 | 1266
    )
}

fn type_name(oid: u32) -> String {
    let name = match oid {
        oid::BOOL => "boolean",
        oid::BYTEA => "bytea",
        oid::CHAR => "\"char\"",
        oid::NAME => "name",
        oid::INT8 => "bigint",
        oid::INT2 => "smallint",
        oid::INT4 => "integer",
        oid::TEXT => "text",
        oid::OID => "oid",
        oid::JSON => "json",
        oid::FLOAT4 => "real",
        oid::FLOAT8 => "double precision",
        oid::BPCHAR => "character",
        oid::VARCHAR => "character varying",
        oid::DATE => "date",
        1083 => "time without time zone",
        oid::TIMESTAMP => "timestamp without time zone",
        oid::TIMESTAMPTZ => "timestamp with time zone",
        1186 => "interval",
        1266 => "time with time zone",
        oid::NUMERIC => "numeric",
        oid::UUID => "uuid",
        oid::JSONB => "jsonb",
        other => return format!("number {other}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &Value, oid: u32) -> Result<String, String> {
        encode(value, oid).map(|bound| {
            assert_eq!(bound.format, 0);
            String::from_utf8(bound.bytes.expect("a value")).expect("text")
        })
    }

    #[test]
    fn an_integer_outside_of_its_type_is_refused_and_its_edge_is_not() {
        assert_eq!(
            text(&Value::Integer(-32768), oid::INT2).as_deref(),
            Ok("-32768")
        );
        assert_eq!(
            text(&Value::Integer(32768), oid::INT2),
            Err("32768 is out of range of smallint".to_owned())
        );
        assert!(text(&Value::Unsigned(u64::MAX), oid::INT8).is_err());
        assert_eq!(
            text(&Value::Unsigned(u64::MAX), oid::NUMERIC).as_deref(),
            Ok("18446744073709551615")
        );
        assert!(text(&Value::Integer(-1), oid::OID).is_err());
    }

    #[test]
    fn nothing_is_rounded_to_fit() {
        assert_eq!(text(&Value::Float(5.0), oid::INT4).as_deref(), Ok("5"));
        assert!(text(&Value::Float(5.5), oid::INT4).is_err());
        assert!(text(&Value::Float(9.3e18), oid::INT8).is_err());
        assert!(text(&Value::Float(f64::NAN), oid::INT8).is_err());
        assert_eq!(
            text(&Value::Decimal("12.00".into()), oid::INT4).as_deref(),
            Ok("12")
        );
        assert!(text(&Value::Decimal("12.50".into()), oid::INT4).is_err());
        assert_eq!(
            text(&Value::Decimal("-12.50".into()), oid::NUMERIC).as_deref(),
            Ok("-12.50")
        );
        assert!(text(&Value::Decimal("12; drop".into()), oid::NUMERIC).is_err());
        assert!(encode(&Value::TimestampMicros(1), oid::DATE).is_err());
    }

    #[test]
    fn floats_keep_every_bit() {
        for number in [0.1, -0.0, 5e-324, 1e308, f64::MAX, 1.0 / 3.0] {
            let spelled = text(&Value::Float(number), oid::FLOAT8).expect("a float");
            assert_eq!(
                spelled.parse::<f64>().expect("a float").to_bits(),
                number.to_bits()
            );
        }
        assert_eq!(
            text(&Value::Float(f64::NEG_INFINITY), oid::FLOAT8).as_deref(),
            Ok("-Infinity")
        );
    }

    #[test]
    fn dates_count_from_2000_and_spell_bc() {
        assert_eq!(
            encode(&Value::Date(0), oid::DATE),
            Ok(Bound::binary((-10_957_i32).to_be_bytes()))
        );
        assert!(encode(&Value::Date(i32::MIN), oid::DATE).is_err());
        assert!(encode(&Value::Date(i32::MIN + EPOCH_DAYS), oid::DATE).is_err());
        assert_eq!(
            text(&Value::Date(-1), oid::TEXT).as_deref(),
            Ok("1969-12-31")
        );
        assert_eq!(
            text(&Value::Date(19_782), oid::TEXT).as_deref(),
            Ok("2024-02-29")
        );
        assert_eq!(
            text(&Value::Date(-719_163), oid::TEXT).as_deref(),
            Ok("0001-12-31 BC")
        );
        assert_eq!(
            text(&Value::TimestampMicros(-1), oid::TEXT).as_deref(),
            Ok("1969-12-31 23:59:59.999999+00")
        );
    }

    #[test]
    fn a_wrong_kind_names_its_parameter() {
        let error = bind(
            &[Value::Integer(1), Value::Boolean(true)],
            &[oid::INT4, oid::INT4],
        )
        .expect_err("refused");
        assert_eq!(error.code, ErrorCode::DataException);
        assert_eq!(
            error.message,
            "parameter $2: a boolean is not of type integer"
        );
    }

    #[test]
    fn the_wrong_number_of_values_says_both_numbers() {
        let error = bind(&[], &[oid::INT4]).expect_err("refused");
        assert_eq!(
            error.message,
            "the statement takes 1 parameter, 0 were given"
        );
    }

    #[test]
    fn a_nul_is_refused_before_it_cuts_a_message() {
        let error = bind(&[Value::Text("a\0b".into())], &[oid::TEXT]).expect_err("refused");
        assert!(error.message.contains("$1"), "{}", error.message);
    }
}
