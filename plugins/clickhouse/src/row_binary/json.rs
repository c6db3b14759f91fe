//! A value of any type as JSON, for columns whose values are of several types.
//!
//! Numbers are exact: what a float can't hold is a string. Times are in UTC, as RFC 3339 spells them.

use std::fmt::Write as _;

use super::column::enum_number;
use super::reader::Reader;
use super::{RowError, geometry, items, variant};
use crate::calendar::date;
use crate::types::bytes;
use crate::types::{Geo, Type};

/// Writes the value that comes next.
pub(super) fn value(ty: &Type, reader: &mut Reader<'_>, out: &mut String) -> Result<(), RowError> {
    match ty {
        Type::Nothing => out.push_str("null"),
        Type::Bool => out.push_str(if reader.flag()? { "true" } else { "false" }),
        Type::Int { bits, signed } => integer(*bits, *signed, reader, out)?,
        Type::Float32 => float(f32::from_le_bytes(reader.array()?).into(), out, true),
        Type::BFloat16 => float(bytes::bfloat16(reader.array()?).into(), out, true),
        Type::Float64 => float(f64::from_le_bytes(reader.array()?), out, false),
        Type::Decimal { precision, scale } => decimal(*precision, *scale, reader, out)?,
        Type::String => string(reader.string()?, out)?,
        // It is JSON already.
        Type::Json(_) | Type::Object(_) => {
            out.push_str(std::str::from_utf8(reader.string()?).map_err(|_| not_text())?);
        }
        Type::FixedString(length) => {
            let length = usize::try_from(*length).unwrap_or(usize::MAX);
            string(bytes::trimmed(reader.take(length)?), out)?;
        }
        Type::Date => {
            let days = u16::from_le_bytes(reader.array()?);
            quoted(&date(days.into()), out);
        }
        Type::Date32 => {
            let days = i32::from_le_bytes(reader.array()?);
            quoted(&date(days.into()), out);
        }
        Type::DateTime(_) => {
            let seconds = u32::from_le_bytes(reader.array()?);
            quoted(&timestamp(seconds.into(), 0), out);
        }
        Type::DateTime64(digits, _) => {
            let ticks = i64::from_le_bytes(reader.array()?);
            quoted(&timestamp(ticks, *digits), out);
        }
        Type::Time => {
            let seconds = i32::from_le_bytes(reader.array()?);
            quoted(&clock(seconds.into(), 0), out);
        }
        Type::Time64(digits) => {
            let ticks = i64::from_le_bytes(reader.array()?);
            quoted(&clock(ticks, *digits), out);
        }
        Type::Interval(_) => {
            let _ = write!(out, "{}", i64::from_le_bytes(reader.array()?));
        }
        Type::Uuid => {
            let hex = u128::from_be_bytes(bytes::uuid(reader.array()?));
            let hex = format!("{hex:032x}");
            let parts = [
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..],
            ];
            quoted(&parts.join("-"), out);
        }
        Type::Ipv4 => quoted(&bytes::ipv4(u32::from_le_bytes(reader.array()?)), out),
        Type::Ipv6 => quoted(&bytes::ipv6(reader.array()?), out),
        Type::Enum(names) => {
            let number = enum_number(names, reader)?;
            match names.names.iter().find(|(_, known)| *known == number) {
                Some((name, _)) => quoted(name, out),
                None => return Err(RowError::malformed("a number that is no name")),
            }
        }
        Type::LowCardinality(inner) | Type::SimpleAggregateFunction(_, inner) => {
            value(inner, reader, out)?;
        }
        Type::Nullable(inner) => {
            if reader.flag()? {
                out.push_str("null");
            } else {
                value(inner, reader, out)?;
            }
        }
        Type::Array(inner) | Type::QBit(inner, _) => {
            list(reader, out, |reader, out| value(inner, reader, out))?;
        }
        // Keys may be of any type and may repeat: an object could hold neither.
        Type::Map(key, member) => list(reader, out, |reader, out| {
            out.push('[');
            value(key, reader, out)?;
            out.push(',');
            value(member, reader, out)?;
            out.push(']');
            Ok(())
        })?,
        Type::Tuple(elements) => tuple(elements, reader, out)?,
        Type::Nested(elements) => {
            list(reader, out, |reader, out| tuple(elements, reader, out))?;
        }
        Type::Variant(types) => match variant(types, reader)? {
            Some(ty) => value(ty, reader, out)?,
            None => out.push_str("null"),
        },
        Type::Geo(Geo::Geometry) => match geometry(reader)? {
            Some(geo) => points(geo.depth(), reader, out)?,
            None => out.push_str("null"),
        },
        Type::Geo(geo) => points(geo.depth(), reader, out)?,
        other => return Err(RowError::Unsupported(other.to_string())),
    }
    Ok(())
}

fn not_text() -> RowError {
    RowError::NotText {
        column: String::new(),
    }
}

fn quoted(text: &str, out: &mut String) {
    // The name of an enumeration may hold anything.
    out.push_str(&serde_json::Value::from(text).to_string());
}

fn string(bytes: &[u8], out: &mut String) -> Result<(), RowError> {
    quoted(std::str::from_utf8(bytes).map_err(|_| not_text())?, out);
    Ok(())
}

fn list(
    reader: &mut Reader<'_>,
    out: &mut String,
    mut item: impl FnMut(&mut Reader<'_>, &mut String) -> Result<(), RowError>,
) -> Result<(), RowError> {
    out.push('[');
    let mut first = true;
    items(reader, |reader| {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        item(reader, out)
    })?;
    out.push(']');
    Ok(())
}

/// An object where every member has a name, else an array.
fn tuple(
    elements: &[crate::types::Element],
    reader: &mut Reader<'_>,
    out: &mut String,
) -> Result<(), RowError> {
    let named = !elements.is_empty() && elements.iter().all(|element| element.name.is_some());
    out.push(if named { '{' } else { '[' });
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if let (true, Some(name)) = (named, &element.name) {
            quoted(name, out);
            out.push(':');
        }
        value(&element.ty, reader, out)?;
    }
    out.push(if named { '}' } else { ']' });
    Ok(())
}

fn points(depth: usize, reader: &mut Reader<'_>, out: &mut String) -> Result<(), RowError> {
    if depth > 0 {
        return list(reader, out, |reader, out| points(depth - 1, reader, out));
    }
    out.push('[');
    float(f64::from_le_bytes(reader.array()?), out, false);
    out.push(',');
    float(f64::from_le_bytes(reader.array()?), out, false);
    out.push(']');
    Ok(())
}

fn integer(
    bits: u16,
    signed: bool,
    reader: &mut Reader<'_>,
    out: &mut String,
) -> Result<(), RowError> {
    let text = match (bits, signed) {
        (128, signed) => bytes::wide(reader.array()?, signed).to_string(),
        (256, signed) => bytes::widest(reader.array()?, signed),
        (8, true) => i8::from_le_bytes(reader.array()?).to_string(),
        (16, true) => i16::from_le_bytes(reader.array()?).to_string(),
        (32, true) => i32::from_le_bytes(reader.array()?).to_string(),
        (_, true) => i64::from_le_bytes(reader.array()?).to_string(),
        (8, false) => u8::from_le_bytes(reader.array()?).to_string(),
        (16, false) => u16::from_le_bytes(reader.array()?).to_string(),
        (32, false) => u32::from_le_bytes(reader.array()?).to_string(),
        (_, false) => u64::from_le_bytes(reader.array()?).to_string(),
    };
    // What few readers of JSON can hold as a number is a string.
    if bits > 64 {
        quoted(&text, out);
    } else {
        out.push_str(&text);
    }
    Ok(())
}

fn float(number: f64, out: &mut String, single: bool) {
    if number.is_nan() {
        out.push_str("\"NaN\"");
    } else if number.is_infinite() {
        out.push_str(if number > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        });
    } else if single {
        // As short as a float32 allows.
        #[allow(clippy::cast_possible_truncation)]
        let _ = write!(out, "{:?}", number as f32);
    } else {
        let _ = write!(out, "{number:?}");
    }
}

fn decimal(
    precision: u8,
    scale: u8,
    reader: &mut Reader<'_>,
    out: &mut String,
) -> Result<(), RowError> {
    let digits = match precision {
        0..=9 => i32::from_le_bytes(reader.array()?).to_string(),
        10..=18 => i64::from_le_bytes(reader.array()?).to_string(),
        19..=38 => i128::from_le_bytes(reader.array()?).to_string(),
        _ => bytes::widest(reader.array()?, true),
    };
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits.as_str()),
    };
    let scale = usize::from(scale);
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    let point = if scale > 0 { "." } else { "" };
    quoted(&format!("{sign}{whole}{point}{fraction}"), out);
    Ok(())
}

fn timestamp(ticks: i64, digits: u8) -> String {
    let scale = 10i64.pow(digits.into());
    let seconds = ticks.div_euclid(scale);
    let day = seconds.rem_euclid(86_400);
    format!(
        "{}T{:02}:{:02}:{:02}{}Z",
        date(seconds.div_euclid(86_400)),
        day / 3600,
        day / 60 % 60,
        day % 60,
        fraction(ticks.rem_euclid(scale), digits)
    )
}

/// `-999:59:59.5` of a time of day that may be more than a day.
fn clock(ticks: i64, digits: u8) -> String {
    let scale = 10u64.pow(digits.into());
    let sign = if ticks < 0 { "-" } else { "" };
    let ticks = ticks.unsigned_abs();
    let seconds = ticks / scale;
    format!(
        "{sign}{:02}:{:02}:{:02}{}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        fraction(i64::try_from(ticks % scale).unwrap_or_default(), digits)
    )
}

fn fraction(ticks: i64, digits: u8) -> String {
    if digits == 0 {
        return String::new();
    }
    format!(".{ticks:0width$}", width = usize::from(digits))
}
