//! The server's text of a value, worked out from its Arrow form.

use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Decimal256Type, DurationMicrosecondType,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field};
use datachat_mysql::types::DB_TYPE;
use datachat_sdk::calendar::civil;

/// Two digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// How many digits a fraction of a second has.
pub fn digits(field: &Field) -> usize {
    let name = &field.metadata()[DB_TYPE];
    name.split(['(', ')'])
        .nth(1)
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

pub fn clock(micros: u64, digits: usize) -> String {
    let seconds = micros / 1_000_000;
    let mut text = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    if digits > 0 {
        let fraction = format!("{:06}", micros % 1_000_000);
        let _ = write!(text, ".{}", &fraction[..digits]);
    }
    text
}

fn date(days: i64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

pub fn render(field: &Field, array: &ArrayRef, row: usize) -> Option<String> {
    fn plain<T: ArrowPrimitiveType>(array: &ArrayRef, row: usize) -> String
    where
        T::Native: std::fmt::Display,
    {
        array.as_primitive::<T>().value(row).to_string()
    }
    if array.is_null(row) || *array.data_type() == DataType::Null {
        return None;
    }
    Some(match array.data_type() {
        DataType::Int8 => plain::<Int8Type>(array, row),
        DataType::Int16 => plain::<Int16Type>(array, row),
        DataType::Int32 => plain::<Int32Type>(array, row),
        DataType::Int64 => plain::<Int64Type>(array, row),
        DataType::UInt8 => plain::<UInt8Type>(array, row),
        DataType::UInt16 => plain::<UInt16Type>(array, row),
        DataType::UInt32 => plain::<UInt32Type>(array, row),
        DataType::UInt64 => plain::<UInt64Type>(array, row),
        DataType::Float32 => f64::from(array.as_primitive::<Float32Type>().value(row)).to_string(),
        DataType::Float64 => plain::<Float64Type>(array, row),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Decimal256(..) => array.as_primitive::<Decimal256Type>().value_as_string(row),
        DataType::Date32 => date(array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Timestamp(..) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            let of_day = micros.rem_euclid(86_400_000_000).unsigned_abs();
            format!(
                "{} {}",
                date(micros.div_euclid(86_400_000_000)),
                clock(of_day, digits(field))
            )
        }
        DataType::Duration(_) => {
            let micros = array.as_primitive::<DurationMicrosecondType>().value(row);
            let sign = if micros < 0 { "-" } else { "" };
            format!("{sign}{}", clock(micros.unsigned_abs(), digits(field)))
        }
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => hex(array.as_binary::<i32>().value(row)),
        DataType::FixedSizeBinary(16) => {
            let text = hex(array.as_fixed_size_binary().value(row)).to_lowercase();
            format!(
                "{}-{}-{}-{}-{}",
                &text[..8],
                &text[8..12],
                &text[12..16],
                &text[16..20],
                &text[20..]
            )
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let key = usize::try_from(dictionary.keys().value(row)).expect("a key");
            dictionary.values().as_string::<i32>().value(key).to_owned()
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>().value(row);
            list.as_string::<i32>()
                .iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(",")
        }
        other => panic!("{other} is not of the connector"),
    })
}
