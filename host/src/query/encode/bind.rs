//! Typed views of the columns of a batch, chosen once per batch by the type of the field.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, DurationMicrosecondType,
    DurationMillisecondType, DurationNanosecondType, DurationSecondType, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, BinaryArray, BinaryViewArray, FixedSizeBinaryArray, LargeBinaryArray, LargeStringArray,
    StringArray, StringViewArray,
};
use arrow_schema::{DataType, Field, FieldRef, IntervalUnit, TimeUnit};

use super::columns::{self, DB_TYPE, INFINITY, SENTINEL};
use super::values::{Cells, Data};
use super::{Options, plain, temporal, text};

/// A column of text.
pub(super) enum Texts<'a> {
    Small(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
}

impl<'a> Texts<'a> {
    pub(super) fn get(&self, row: usize) -> &'a str {
        match self {
            Self::Small(array) => array.value(row),
            Self::Large(array) => array.value(row),
            Self::View(array) => array.value(row),
        }
    }
}

/// A column of bytes.
pub(super) enum Blobs<'a> {
    Small(&'a BinaryArray),
    Large(&'a LargeBinaryArray),
    View(&'a BinaryViewArray),
    Fixed(&'a FixedSizeBinaryArray),
}

impl<'a> Blobs<'a> {
    pub(super) fn get(&self, row: usize) -> &'a [u8] {
        match self {
            Self::Small(array) => array.value(row),
            Self::Large(array) => array.value(row),
            Self::View(array) => array.value(row),
            Self::Fixed(array) => array.value(row),
        }
    }
}

/// A column of times of day.
pub(super) enum Times<'a> {
    Narrow {
        units: &'a [i32],
        scale: u32,
        digits: u32,
    },
    Wide {
        units: &'a [i64],
        scale: u32,
        digits: u32,
    },
}

/// Where the elements of each row of a list stand.
pub(super) enum Ranges<'a> {
    Small(&'a [i32]),
    Large(&'a [i64]),
    Fixed(usize),
}

impl Ranges<'_> {
    pub(super) fn get(&self, row: usize) -> Range<usize> {
        // The Arrow reader has checked that offsets are in order and inside the values.
        let at = |offset: i64| usize::try_from(offset).unwrap_or(0);
        match self {
            Self::Small(offsets) => at(offsets[row].into())..at(offsets[row + 1].into()),
            Self::Large(offsets) => at(offsets[row])..at(offsets[row + 1]),
            Self::Fixed(size) => row * size..(row + 1) * size,
        }
    }
}

impl<'a> Data<'a> {
    pub(super) fn bind(field: &Field, array: &'a dyn Array, options: &Options) -> Self {
        macro_rules! values {
            ($type:ty) => {
                &array.as_primitive::<$type>().values()[..]
            };
        }
        let meta = |key: &str| field.metadata().get(key).map(String::as_str);
        let digits = |scale| temporal::digits(meta(DB_TYPE), scale);
        let sentinel = meta(INFINITY) == Some(SENTINEL);
        let child = |field: &FieldRef, array: &'a dyn Array| Cells::bind(field, array, options);
        match field.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Bool(array.as_boolean()),
            DataType::Int8 => Self::Int8(values!(Int8Type)),
            DataType::Int16 => Self::Int16(values!(Int16Type)),
            DataType::Int32 => Self::Int32(values!(Int32Type)),
            DataType::Int64 => Self::Int64(values!(Int64Type), options.numbers),
            DataType::UInt8 => Self::UInt8(values!(UInt8Type)),
            DataType::UInt16 => Self::UInt16(values!(UInt16Type)),
            DataType::UInt32 => Self::UInt32(values!(UInt32Type)),
            DataType::UInt64 => Self::UInt64(values!(UInt64Type), options.numbers),
            DataType::Float16 => Self::Float16(array.as_primitive()),
            DataType::Float32 => Self::Float32(values!(Float32Type)),
            DataType::Float64 => Self::Float64(values!(Float64Type)),
            DataType::Decimal32(_, scale) => Self::Decimal32(values!(Decimal32Type), *scale),
            DataType::Decimal64(_, scale) => Self::Decimal64(values!(Decimal64Type), *scale),
            DataType::Decimal128(_, scale) => {
                Self::Decimal128(values!(Decimal128Type), *scale, plain::has_nan(field))
            }
            DataType::Decimal256(_, scale) => {
                Self::Decimal256(array.as_primitive(), *scale, plain::has_nan(field))
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let texts = match field.data_type() {
                    DataType::Utf8 => Texts::Small(array.as_string()),
                    DataType::LargeUtf8 => Texts::Large(array.as_string()),
                    _ => Texts::View(array.as_string_view()),
                };
                if columns::is_json(field) {
                    Self::Json(texts)
                } else {
                    Self::Text(texts)
                }
            }
            DataType::Binary if columns::is_geometry(field) => {
                Self::Geometry(Blobs::Small(array.as_binary()))
            }
            DataType::Binary => Self::Bytes(Blobs::Small(array.as_binary())),
            DataType::LargeBinary => Self::Bytes(Blobs::Large(array.as_binary())),
            DataType::BinaryView => Self::Bytes(Blobs::View(array.as_binary_view())),
            DataType::FixedSizeBinary(_) if columns::is_uuid(field) => {
                Self::Uuid(array.as_fixed_size_binary())
            }
            DataType::FixedSizeBinary(_) => Self::Bytes(Blobs::Fixed(array.as_fixed_size_binary())),
            DataType::Date32 => Self::Date(values!(Date32Type), sentinel),
            DataType::Date64 => Self::Date64(values!(Date64Type)),
            DataType::Time32(unit) => {
                let (units, scale) = match unit {
                    TimeUnit::Second => (values!(Time32SecondType), 0),
                    _ => (values!(Time32MillisecondType), 3),
                };
                Self::Time(Times::Narrow {
                    units,
                    scale,
                    digits: digits(scale),
                })
            }
            DataType::Time64(unit) => {
                let (units, scale) = match unit {
                    TimeUnit::Nanosecond => (values!(Time64NanosecondType), 9),
                    _ => (values!(Time64MicrosecondType), 6),
                };
                Self::Time(Times::Wide {
                    units,
                    scale,
                    digits: digits(scale),
                })
            }
            DataType::Timestamp(unit, zone) => {
                let (units, scale) = match unit {
                    TimeUnit::Second => (values!(TimestampSecondType), 0),
                    TimeUnit::Millisecond => (values!(TimestampMillisecondType), 3),
                    TimeUnit::Microsecond => (values!(TimestampMicrosecondType), 6),
                    TimeUnit::Nanosecond => (values!(TimestampNanosecondType), 9),
                };
                let zone = zone.is_some();
                Self::Timestamp {
                    units,
                    scale,
                    digits: digits(scale),
                    zone,
                    sentinel,
                }
            }
            DataType::Duration(unit) => {
                let (units, scale) = match unit {
                    TimeUnit::Second => (values!(DurationSecondType), 0),
                    TimeUnit::Millisecond => (values!(DurationMillisecondType), 3),
                    TimeUnit::Microsecond => (values!(DurationMicrosecondType), 6),
                    TimeUnit::Nanosecond => (values!(DurationNanosecondType), 9),
                };
                Self::Duration {
                    units,
                    scale,
                    digits: digits(scale),
                }
            }
            DataType::Interval(IntervalUnit::YearMonth) => Self::Months(array.as_primitive()),
            DataType::Interval(IntervalUnit::DayTime) => Self::DayTime(array.as_primitive()),
            DataType::Interval(IntervalUnit::MonthDayNano) => {
                Self::Interval(array.as_primitive(), sentinel)
            }
            DataType::List(field) => {
                let list = array.as_list::<i32>();
                let values = child(field, list.values().as_ref());
                Self::List(Ranges::Small(list.value_offsets()), Box::new(values))
            }
            DataType::LargeList(field) => {
                let list = array.as_list::<i64>();
                let values = child(field, list.values().as_ref());
                Self::List(Ranges::Large(list.value_offsets()), Box::new(values))
            }
            DataType::FixedSizeList(field, size) => {
                let values = child(field, array.as_fixed_size_list().values().as_ref());
                let size = usize::try_from(*size).unwrap_or(0);
                Self::List(Ranges::Fixed(size), Box::new(values))
            }
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns();
                if let Some(item) = plain::array_item(field) {
                    let values = columns[0].as_list::<i32>();
                    let items = child(item, values.values().as_ref());
                    return Self::Array(values, Box::new(items), columns[1].as_list());
                }
                let cells = fields
                    .iter()
                    .zip(columns)
                    .map(|(f, a)| child(f, a.as_ref()));
                if !fields.is_empty() && fields.iter().all(|field| field.name().is_empty()) {
                    return Self::Tuple(cells.collect());
                }
                let names = fields.iter().map(|field| {
                    let mut name = Vec::new();
                    text::string(field.name(), &mut name);
                    name.push(b':');
                    name
                });
                Self::Struct(names.zip(cells).collect())
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let (key, value) = map.entries_fields();
                let keys = Cells::bind(key, map.keys().as_ref(), options);
                let values = Cells::bind(value, map.values().as_ref(), options);
                Self::Map(
                    Ranges::Small(map.value_offsets()),
                    Box::new(keys),
                    Box::new(values),
                )
            }
            DataType::Dictionary(_, value_type) => {
                let dictionary = array.as_any_dictionary();
                let values = dictionary.values();
                // Without values every key is NULL, and a key of NULL is never looked at.
                let keys = if values.is_empty() {
                    vec![0; array.len()]
                } else {
                    dictionary.normalized_keys()
                };
                let field = Field::new("", value_type.as_ref().clone(), true)
                    .with_metadata(field.metadata().clone());
                Self::Dictionary(
                    keys,
                    Box::new(Cells::bind(&field, values.as_ref(), options)),
                )
            }
            _ => Self::Unknown,
        }
    }
}
