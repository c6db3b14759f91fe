//! The cells of a batch as JSON or as plain text, decided per column type, never per value.
//!
//! - Integers up to 64 bits are numbers, exact; with [`Numbers::Text`] the columns wider than 32 bits are
//!   strings. Decimals are strings that keep their scale.
//! - Floats are the shortest number that reads back the same; `"NaN"`, `"Infinity"`, `"-Infinity"`.
//! - Times carry the digits of their type, and `Z` only when the type has a zone. Where the field says
//!   `datachat.infinity` = `sentinel`, the largest and smallest date or timestamp are `"infinity"` and
//!   `"-infinity"`.
//! - Bytes are base64, geometries well-known text; UUIDs and intervals have their usual text; JSON columns pass unparsed.
//! - Where the field says `datachat.nan` = `sentinel`, the smallest decimal is `"NaN"`. Where it says
//!   `datachat.layout` = `array`, the struct is an array, nested by its dimensions.
//! - Lists are arrays, structs are objects (arrays when their fields have no names), maps are objects with
//!   duplicate keys kept, dictionaries are their values.
//!
//! A column is bound once per batch to a typed view; writing a cell is one `match`.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal256Type, Float16Type, Int32Type, IntervalDayTimeType, IntervalMonthDayNanoType,
    IntervalYearMonthType,
};
use arrow_array::{
    Array, BooleanArray, FixedSizeBinaryArray, ListArray, PrimitiveArray, RecordBatch,
};
use arrow_buffer::{IntervalMonthDayNano, NullBuffer, i256};
use arrow_schema::Field;

use super::bind::{Blobs, Ranges, Texts, Times};
use super::{Options, temporal, text, wkt};

/// How JSON shows integers of more than 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
pub enum Numbers {
    /// As numbers, exact. Readers that keep numbers as doubles lose digits beyond 2^53.
    #[default]
    #[serde(rename = "number")]
    Number,
    /// As strings.
    #[serde(rename = "string")]
    Text,
}

/// The columns of one batch, ready to be written cell by cell.
pub struct Rows<'a> {
    cells: Vec<Cells<'a>>,
    one_line: bool,
}

impl<'a> Rows<'a> {
    /// Binds the columns of a batch.
    pub fn bind(batch: &'a RecordBatch, options: &Options) -> Self {
        let schema = batch.schema_ref();
        let cells = schema
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, column)| Cells::bind(field, column.as_ref(), options))
            .collect();
        Self {
            cells,
            one_line: options.one_line,
        }
    }

    /// Appends a row as a JSON array.
    pub fn json(&self, row: usize, out: &mut Vec<u8>) {
        out.push(b'[');
        for (at, cells) in self.cells.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            cells.json(row, self.one_line, out);
        }
        out.push(b']');
    }

    /// The columns.
    pub fn cells(&self) -> &[Cells<'a>] {
        &self.cells
    }
}

/// One column of one batch.
pub struct Cells<'a> {
    nulls: Option<&'a NullBuffer>,
    data: Data<'a>,
}

pub(super) enum Data<'a> {
    Null,
    Bool(&'a BooleanArray),
    Int8(&'a [i8]),
    Int16(&'a [i16]),
    Int32(&'a [i32]),
    Int64(&'a [i64], Numbers),
    UInt8(&'a [u8]),
    UInt16(&'a [u16]),
    UInt32(&'a [u32]),
    UInt64(&'a [u64], Numbers),
    Float16(&'a PrimitiveArray<Float16Type>),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    Decimal32(&'a [i32], i8),
    Decimal64(&'a [i64], i8),
    Decimal128(&'a [i128], i8, bool),
    Decimal256(&'a PrimitiveArray<Decimal256Type>, i8, bool),
    Text(Texts<'a>),
    Json(Texts<'a>),
    Bytes(Blobs<'a>),
    Geometry(Blobs<'a>),
    Uuid(&'a FixedSizeBinaryArray),
    Date(&'a [i32], bool),
    Date64(&'a [i64]),
    Time(Times<'a>),
    Timestamp {
        units: &'a [i64],
        scale: u32,
        digits: u32,
        zone: bool,
        sentinel: bool,
    },
    Duration {
        units: &'a [i64],
        scale: u32,
        digits: u32,
    },
    Months(&'a PrimitiveArray<IntervalYearMonthType>),
    DayTime(&'a PrimitiveArray<IntervalDayTimeType>),
    Interval(&'a PrimitiveArray<IntervalMonthDayNanoType>, bool),
    /// With the dimensions, null where there is one.
    Array(&'a ListArray, Box<Cells<'a>>, &'a ListArray),
    List(Ranges<'a>, Box<Cells<'a>>),
    Struct(Vec<(Vec<u8>, Cells<'a>)>),
    Tuple(Vec<Cells<'a>>),
    Map(Ranges<'a>, Box<Cells<'a>>, Box<Cells<'a>>),
    Dictionary(Vec<usize>, Box<Cells<'a>>),
    /// A type that the intake does not let in.
    Unknown,
}

impl<'a> Cells<'a> {
    pub(super) fn bind(field: &Field, array: &'a dyn Array, options: &Options) -> Self {
        Self {
            nulls: array.nulls(),
            data: Data::bind(field, array, options),
        }
    }

    /// Whether the cell is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        match &self.data {
            Data::Null => true,
            Data::Dictionary(keys, values) => {
                self.nulls.is_some_and(|nulls| nulls.is_null(row)) || values.is_null(keys[row])
            }
            _ => self.nulls.is_some_and(|nulls| nulls.is_null(row)),
        }
    }

    /// Appends the cell as JSON.
    pub fn json(&self, row: usize, one_line: bool, out: &mut Vec<u8>) {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return;
        }
        match &self.data {
            Data::Text(texts) => text::string(texts.get(row), out),
            Data::Json(texts) => text::json(texts.get(row), one_line, out),
            Data::Dictionary(keys, values) => values.json(keys[row], one_line, out),
            Data::List(ranges, values) => {
                out.push(b'[');
                for (at, row) in ranges.get(row).enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    values.json(row, one_line, out);
                }
                out.push(b']');
            }
            Data::Array(values, items, dimensions) => {
                let start = usize::try_from(values.value_offsets()[row]).unwrap_or(0);
                let length = usize::try_from(values.value_length(row)).unwrap_or(0);
                let lengths = dimensions.is_valid(row).then(|| dimensions.value(row));
                let lengths = lengths
                    .as_ref()
                    .and_then(|lengths| dimensions_of(lengths.as_primitive(), length))
                    .unwrap_or_else(|| vec![length]);
                items.nested(start..start + length, &lengths, one_line, out);
            }
            Data::Tuple(fields) => {
                out.push(b'[');
                for (at, cells) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    cells.json(row, one_line, out);
                }
                out.push(b']');
            }
            Data::Struct(fields) => {
                out.push(b'{');
                for (at, (name, cells)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(name);
                    cells.json(row, one_line, out);
                }
                out.push(b'}');
            }
            Data::Map(ranges, keys, values) => {
                out.push(b'{');
                let mut key = Vec::new();
                for (at, row) in ranges.get(row).enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    key.clear();
                    keys.text(row, &mut key);
                    text::string(&String::from_utf8_lossy(&key), out);
                    out.push(b':');
                    values.json(row, one_line, out);
                }
                out.push(b'}');
            }
            data if data.is_bare(row) => self.text(row, out),
            // No text of these types has a character that JSON escapes.
            _ => {
                out.push(b'"');
                self.text(row, out);
                out.push(b'"');
            }
        }
    }

    /// Appends the rows as arrays in arrays, by the length of each dimension.
    fn nested(&self, rows: Range<usize>, lengths: &[usize], one_line: bool, out: &mut Vec<u8>) {
        let Some((length, inner)) = lengths.split_first() else {
            return self.json(rows.start, one_line, out);
        };
        let stride = rows.len().checked_div(*length).unwrap_or(0);
        out.push(b'[');
        for at in 0..*length {
            if at > 0 {
                out.push(b',');
            }
            let start = rows.start + at * stride;
            self.nested(start..start + stride, inner, one_line, out);
        }
        out.push(b']');
    }

    /// Appends the cell as plain text, as CSV shows it: nested values as JSON, NULL as nothing.
    pub fn text(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            return;
        }
        let float = |value: f64, out: &mut Vec<u8>| match text::not_a_number(value) {
            Some(name) => out.extend_from_slice(name.as_bytes()),
            None => text::float(&value, out),
        };
        match &self.data {
            Data::Null | Data::Unknown => {}
            Data::Bool(array) => {
                out.extend_from_slice(if array.value(row) { b"true" } else { b"false" });
            }
            Data::Int8(values) => temporal::integer(values[row].into(), out),
            Data::Int16(values) => temporal::integer(values[row].into(), out),
            Data::Int32(values) => temporal::integer(values[row].into(), out),
            Data::Int64(values, _) => temporal::integer(values[row], out),
            Data::UInt8(values) => temporal::padded(values[row].into(), 1, out),
            Data::UInt16(values) => temporal::padded(values[row].into(), 1, out),
            Data::UInt32(values) => temporal::padded(values[row].into(), 1, out),
            Data::UInt64(values, _) => temporal::padded(values[row], 1, out),
            Data::Float16(array) => float(array.value(row).to_f64(), out),
            Data::Float32(values) => match text::not_a_number(values[row].into()) {
                Some(name) => out.extend_from_slice(name.as_bytes()),
                None => text::float(&values[row], out),
            },
            Data::Float64(values) => float(values[row], out),
            Data::Decimal32(values, scale) => temporal::decimal(values[row], *scale, out),
            Data::Decimal64(values, scale) => temporal::decimal(values[row], *scale, out),
            Data::Decimal128(values, scale, nan) => match (values[row], nan) {
                (i128::MIN, true) => out.extend_from_slice(b"NaN"),
                (value, _) => temporal::decimal(value, *scale, out),
            },
            Data::Decimal256(array, scale, nan) => match (array.value(row), nan) {
                (i256::MIN, true) => out.extend_from_slice(b"NaN"),
                (value, _) => temporal::decimal(value, *scale, out),
            },
            Data::Text(texts) | Data::Json(texts) => {
                out.extend_from_slice(texts.get(row).as_bytes());
            }
            Data::Bytes(blobs) => text::base64(blobs.get(row), out),
            Data::Geometry(blobs) => wkt::write(blobs.get(row), out),
            Data::Uuid(array) => text::uuid(array.value(row), out),
            Data::Date(days, sentinel) => match (days[row], sentinel) {
                (i32::MAX, true) => out.extend_from_slice(b"infinity"),
                (i32::MIN, true) => out.extend_from_slice(b"-infinity"),
                (days, _) => temporal::date(days.into(), out),
            },
            Data::Date64(millis) => temporal::date(millis[row].div_euclid(86_400_000), out),
            Data::Time(Times::Narrow {
                units,
                scale,
                digits,
            }) => {
                temporal::time(units[row].into(), *scale, *digits, out);
            }
            Data::Time(Times::Wide {
                units,
                scale,
                digits,
            }) => {
                temporal::time(units[row], *scale, *digits, out);
            }
            Data::Timestamp {
                units,
                scale,
                digits,
                zone,
                sentinel,
            } => match (units[row], sentinel) {
                (i64::MAX, true) => out.extend_from_slice(b"infinity"),
                (i64::MIN, true) => out.extend_from_slice(b"-infinity"),
                (units, _) => {
                    temporal::timestamp(units, *scale, *digits, out);
                    if *zone {
                        out.push(b'Z');
                    }
                }
            },
            Data::Duration {
                units,
                scale,
                digits,
            } => {
                temporal::duration(units[row], *scale, *digits, out);
            }
            Data::Months(array) => temporal::interval(array.value(row).into(), 0, 0, out),
            Data::DayTime(array) => {
                let value = array.value(row);
                let nanos = i64::from(value.milliseconds) * 1_000_000;
                temporal::interval(0, value.days.into(), nanos, out);
            }
            Data::Interval(array, true) if array.value(row) == IntervalMonthDayNano::MAX => {
                out.extend_from_slice(b"infinity");
            }
            Data::Interval(array, true) if array.value(row) == IntervalMonthDayNano::MIN => {
                out.extend_from_slice(b"-infinity");
            }
            Data::Interval(array, _) => {
                let value = array.value(row);
                temporal::interval(
                    value.months.into(),
                    value.days.into(),
                    value.nanoseconds,
                    out,
                );
            }
            Data::Dictionary(keys, values) => values.text(keys[row], out),
            Data::Array(..) | Data::List(..) | Data::Struct(_) | Data::Tuple(_) | Data::Map(..) => {
                self.json(row, false, out);
            }
        }
    }
}

/// The lengths of an array's dimensions; `None` when a connector says what can't be true of `elements`
/// elements. No database has more than a few dimensions.
fn dimensions_of(lengths: &PrimitiveArray<Int32Type>, elements: usize) -> Option<Vec<usize>> {
    const MAX_DIMENSIONS: usize = 32;
    if lengths.is_empty() || lengths.len() > MAX_DIMENSIONS || lengths.null_count() > 0 {
        return None;
    }
    let lengths: Vec<usize> = lengths
        .values()
        .iter()
        .map(|length| usize::try_from(*length).ok().filter(|length| *length > 0))
        .collect::<Option<_>>()?;
    let product = lengths
        .iter()
        .try_fold(1usize, |product, length| product.checked_mul(*length))?;
    (product == elements).then_some(lengths)
}

impl Data<'_> {
    /// Whether the text of the value is a JSON literal.
    fn is_bare(&self, row: usize) -> bool {
        match self {
            Self::Null
            | Self::Bool(_)
            | Self::Int8(_)
            | Self::Int16(_)
            | Self::Int32(_)
            | Self::UInt8(_)
            | Self::UInt16(_)
            | Self::UInt32(_)
            | Self::Int64(_, Numbers::Number)
            | Self::UInt64(_, Numbers::Number) => true,
            Self::Float16(array) => array.value(row).is_finite(),
            Self::Float32(values) => values[row].is_finite(),
            Self::Float64(values) => values[row].is_finite(),
            _ => false,
        }
    }
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
