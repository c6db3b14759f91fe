//! Arrow values as PostgreSQL would write them, worked out without the code under test.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, IntervalMonthDayNanoType, Time64MicrosecondType, TimestampMicrosecondType,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::i256;
use arrow_schema::{DataType, Field};
use datachat_postgres::types::{DB_TYPE, LAYOUT, NAN};

use crate::hex;

const DAY: i64 = 86_400_000_000;

/// The text of a value; null is none.
pub fn render(field: &Field, array: &ArrayRef, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    let array = array.as_ref();
    Some(match array.data_type() {
        DataType::Boolean => (if array.as_boolean().value(row) {
            "t"
        } else {
            "f"
        })
        .to_owned(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).to_string(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(row);
            float(&format!("{value:e}"), f64::from(value), 6)
        }
        DataType::Float64 => {
            let value = array.as_primitive::<Float64Type>().value(row);
            float(&format!("{value:e}"), value, 15)
        }
        DataType::Decimal128(..) => {
            let decimals = array.as_primitive::<Decimal128Type>();
            match (decimals.value(row), field.metadata().get(NAN).is_some()) {
                (i128::MIN, true) => "NaN".to_owned(),
                _ => decimals.value_as_string(row),
            }
        }
        DataType::Decimal256(..) => {
            let decimals = array.as_primitive::<Decimal256Type>();
            match (decimals.value(row), field.metadata().get(NAN).is_some()) {
                (i256::MIN, true) => "NaN".to_owned(),
                _ => decimals.value_as_string(row),
            }
        }
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => "\\x".to_owned() + &hex(array.as_binary::<i32>().value(row)),
        DataType::FixedSizeBinary(16) => {
            let hex = hex(array.as_fixed_size_binary().value(row));
            format!(
                "{}-{}-{}-{}-{}",
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..]
            )
        }
        DataType::Date32 => match array.as_primitive::<Date32Type>().value(row) {
            i32::MAX => "infinity".to_owned(),
            i32::MIN => "-infinity".to_owned(),
            days => {
                let (date, era) = date(days.into());
                date + era
            }
        },
        DataType::Time64(_) => time(array.as_primitive::<Time64MicrosecondType>().value(row)),
        DataType::Timestamp(_, zone) => {
            match array.as_primitive::<TimestampMicrosecondType>().value(row) {
                i64::MAX => "infinity".to_owned(),
                i64::MIN => "-infinity".to_owned(),
                micros => {
                    let (date, era) = date(micros.div_euclid(DAY));
                    let zone = if zone.is_some() { "+00" } else { "" };
                    format!("{date} {}{zone}{era}", time(micros.rem_euclid(DAY)))
                }
            }
        }
        DataType::Interval(_) => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            assert_eq!(value.nanoseconds % 1000, 0);
            interval(value.months, value.days, value.nanoseconds / 1000)
        }
        DataType::List(item) => {
            let values = array.as_list::<i32>().value(row);
            record((0..values.len()).map(|index| render(item, &values, index)))
        }
        DataType::Struct(fields) if field.metadata().contains_key(LAYOUT) => {
            let DataType::List(item) = fields[0].data_type() else {
                panic!("an array without values");
            };
            let columns = array.as_struct().columns();
            let values = columns[0].as_list::<i32>().value(row);
            let dimensions = columns[1].as_list::<i32>();
            let elements = (0..values.len()).map(|index| render(item, &values, index));
            let separator = match field.metadata()[DB_TYPE].as_str() {
                "box[]" => ";",
                _ => ",",
            };
            let mut elements: Vec<String> = elements.map(|text| element(text, separator)).collect();
            if dimensions.is_valid(row) {
                let lengths = dimensions.value(row);
                let lengths = lengths.as_primitive::<Int32Type>().values();
                assert!(lengths.len() > 1);
                for length in lengths[1..].iter().rev() {
                    let length = usize::try_from(*length).unwrap();
                    elements = elements
                        .chunks(length)
                        .map(|chunk| format!("{{{}}}", chunk.join(separator)))
                        .collect();
                }
                assert_eq!(i32::try_from(elements.len()), Ok(lengths[0]));
            }
            format!("{{{}}}", elements.join(separator))
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            record(
                fields
                    .iter()
                    .zip(columns)
                    .map(|(field, column)| render(field, column, row)),
            )
        }
        other => panic!("no text for {other}"),
    })
}

/// The shortest digits, as `1.5e10`, in PostgreSQL's notation.
fn float(scientific: &str, value: f64, digits: i32) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return (if value > 0.0 { "Infinity" } else { "-Infinity" }).to_owned();
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap();
    let exponent: i32 = exponent.parse().unwrap();
    if value == 0.0 || (-4..digits).contains(&exponent) {
        let (sign, mantissa) = match mantissa.strip_prefix('-') {
            Some(mantissa) => ("-", mantissa),
            None => ("", mantissa),
        };
        let mantissa = mantissa.replace('.', "");
        let point = exponent + 1;
        let body = if point <= 0 {
            let zeros = usize::try_from(-point).unwrap();
            format!("0.{}{mantissa}", "0".repeat(zeros))
        } else {
            let point = usize::try_from(point).unwrap();
            if mantissa.len() > point {
                format!("{}.{}", &mantissa[..point], &mantissa[point..])
            } else {
                format!("{mantissa:0<point$}")
            }
        };
        return format!("{sign}{body}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// By the Julian day number, and the era. The letters are those of the usual formula.
#[allow(clippy::many_single_char_names)]
fn date(days: i64) -> (String, &'static str) {
    let a = days + 2_440_588 + 32_044;
    let b = (4 * a + 3) / 146_097;
    let c = a - 146_097 * b / 4;
    let d = (4 * c + 3) / 1461;
    let e = c - 1461 * d / 4;
    let m = (5 * e + 2) / 153;
    let (day, month) = (e - (153 * m + 2) / 5 + 1, m + 3 - 12 * (m / 10));
    let year = 100 * b + d - 4800 + m / 10;
    let (year, era) = if year > 0 {
        (year, "")
    } else {
        (1 - year, " BC")
    };
    (format!("{year:04}-{month:02}-{day:02}"), era)
}

fn time(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let whole = format!("{hours:02}:{minutes:02}:{seconds:02}");
    match micros % 1_000_000 {
        0 => whole,
        fraction => whole + format!(".{fraction:06}").trim_end_matches('0'),
    }
}

/// In the style `iso_8601`.
fn interval(months: i32, days: i32, micros: i64) -> String {
    if (months, days, micros) == (0, 0, 0) {
        return "PT0S".to_owned();
    }
    let part = |value: i64, unit: &str| {
        if value == 0 {
            String::new()
        } else {
            format!("{value}{unit}")
        }
    };
    let date = part((months / 12).into(), "Y")
        + &part((months % 12).into(), "M")
        + &part(days.into(), "D");
    let seconds = micros / 1_000_000;
    let mut time = part(seconds / 3600, "H") + &part(seconds / 60 % 60, "M");
    let rest = micros % 60_000_000;
    if rest != 0 {
        let sign = if rest < 0 { "-" } else { "" };
        let rest = rest.abs();
        let text = format!("{}.{:06}", rest / 1_000_000, rest % 1_000_000);
        time += sign;
        time += text.trim_end_matches('0').trim_end_matches('.');
        time += "S";
    }
    if time.is_empty() {
        format!("P{date}")
    } else {
        format!("P{date}T{time}")
    }
}

fn element(text: Option<String>, separator: &str) -> String {
    let Some(text) = text else {
        return "NULL".to_owned();
    };
    let special = |c: char| matches!(c, '"' | '\\' | '{' | '}');
    if text.is_empty()
        || text.eq_ignore_ascii_case("null")
        || text.contains(separator)
        || text.contains(|c: char| special(c) || space(c))
    {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text
    }
}

/// What C calls white space.
fn space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn record(fields: impl Iterator<Item = Option<String>>) -> String {
    let fields: Vec<String> = fields
        .map(|field| match field {
            None => String::new(),
            Some(text) => {
                let special = |c: char| matches!(c, '"' | '\\' | '(' | ')' | ',');
                if text.is_empty() || text.contains(|c: char| special(c) || space(c)) {
                    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\"\""))
                } else {
                    text
                }
            }
        })
        .collect();
    format!("({})", fields.join(","))
}
