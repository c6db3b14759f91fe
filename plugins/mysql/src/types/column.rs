//! The builder of one column.
//!
//! One enum, matched once per value; no allocation per value; a fixed-width value goes from its
//! little-endian bytes straight into the buffer.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, Date32Builder, Decimal128Builder, Decimal256Builder, DurationMicrosecondBuilder,
    FixedSizeBinaryBuilder, Float32Builder, Float64Builder, Int8Builder, Int16Builder,
    Int32Builder, Int64Builder, ListBuilder, TimestampMicrosecondBuilder, UInt8Builder,
    UInt16Builder, UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, NullArray};
use arrow_schema::FieldRef;
use datachat_sdk::strings::Strings;

use crate::protocol::Reader;

use super::error::Fault;
use super::labels::{Labels, Members};
use super::plan::{Node, Shape, ZeroDates};
use super::{decimal, geometry, temporal};

pub(super) enum Column {
    /// How many nulls there are.
    Null(usize),
    Int8(Int8Builder),
    UInt8(UInt8Builder),
    Int16(Int16Builder),
    UInt16(UInt16Builder),
    Int32(Int32Builder),
    UInt32(UInt32Builder),
    Int64(Int64Builder),
    UInt64(UInt64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal128(Decimal128Builder, u8, i8),
    Decimal256(Decimal256Builder, u8, i8),
    Text(Strings),
    Bytes(BinaryBuilder),
    Bit(UInt64Builder),
    Date(Date32Builder, ZeroDates),
    Timestamp(TimestampMicrosecondBuilder, ZeroDates),
    Time(DurationMicrosecondBuilder),
    Enum(Box<Labels>),
    Set(Members, FieldRef),
    Uuid(FixedSizeBinaryBuilder),
    /// With memory to write a value in.
    Geometry(BinaryBuilder, Vec<u8>),
    Vector(Box<ListBuilder<Float32Builder>>),
}

impl Column {
    /// An empty builder. It has no room yet: most results are small.
    pub(super) fn new(node: &Node, zero_dates: ZeroDates) -> Self {
        let data_type = || node.field.data_type().clone();
        match &node.shape {
            Shape::Null => Self::Null(0),
            Shape::Int8 => Self::Int8(Int8Builder::with_capacity(0)),
            Shape::UInt8 => Self::UInt8(UInt8Builder::with_capacity(0)),
            Shape::Int16 => Self::Int16(Int16Builder::with_capacity(0)),
            Shape::UInt16 => Self::UInt16(UInt16Builder::with_capacity(0)),
            Shape::Int32 => Self::Int32(Int32Builder::with_capacity(0)),
            Shape::UInt32 => Self::UInt32(UInt32Builder::with_capacity(0)),
            Shape::Int64 => Self::Int64(Int64Builder::with_capacity(0)),
            Shape::UInt64 => Self::UInt64(UInt64Builder::with_capacity(0)),
            Shape::Float32 => Self::Float32(Float32Builder::with_capacity(0)),
            Shape::Float64 => Self::Float64(Float64Builder::with_capacity(0)),
            Shape::Decimal128 { precision, scale } => {
                let builder = Decimal128Builder::with_capacity(0).with_data_type(data_type());
                Self::Decimal128(builder, *precision, *scale)
            }
            Shape::Decimal256 { precision, scale } => {
                let builder = Decimal256Builder::with_capacity(0).with_data_type(data_type());
                Self::Decimal256(builder, *precision, *scale)
            }
            Shape::Text => Self::Text(Strings::new()),
            Shape::Bytes => Self::Bytes(BinaryBuilder::with_capacity(0, 0)),
            Shape::Bit => Self::Bit(UInt64Builder::with_capacity(0)),
            Shape::Date => Self::Date(Date32Builder::with_capacity(0), zero_dates),
            Shape::Timestamp => Self::Timestamp(
                TimestampMicrosecondBuilder::with_capacity(0).with_data_type(data_type()),
                zero_dates,
            ),
            Shape::Time => Self::Time(DurationMicrosecondBuilder::with_capacity(0)),
            Shape::Enum => Self::Enum(Box::new(Labels::new())),
            Shape::Set { item } => Self::Set(Members::new(), Arc::clone(item)),
            Shape::Uuid => Self::Uuid(FixedSizeBinaryBuilder::with_capacity(0, 16)),
            Shape::Geometry => Self::Geometry(BinaryBuilder::with_capacity(0, 0), Vec::new()),
            Shape::Vector { item } => {
                let values = Float32Builder::with_capacity(0);
                Self::Vector(Box::new(
                    ListBuilder::with_capacity(values, 0).with_field(Arc::clone(item)),
                ))
            }
        }
    }

    /// Takes a value off the row and appends it. After an error the column is of no use.
    #[inline]
    pub(super) fn append(&mut self, row: &mut Reader<'_>) -> Result<(), Fault> {
        match self {
            // A value where there can be none has no length that would be known.
            Self::Null(_) => return Err(Fault::Malformed("a value of the type NULL")),
            Self::Int8(builder) => builder.append_value(i8::from_le_bytes(row.array()?)),
            Self::UInt8(builder) => builder.append_value(row.u8()?),
            Self::Int16(builder) => builder.append_value(i16::from_le_bytes(row.array()?)),
            Self::UInt16(builder) => builder.append_value(u16::from_le_bytes(row.array()?)),
            Self::Int32(builder) => builder.append_value(i32::from_le_bytes(row.array()?)),
            Self::UInt32(builder) => builder.append_value(u32::from_le_bytes(row.array()?)),
            Self::Int64(builder) => builder.append_value(i64::from_le_bytes(row.array()?)),
            Self::UInt64(builder) => builder.append_value(u64::from_le_bytes(row.array()?)),
            Self::Float32(builder) => builder.append_value(f32::from_le_bytes(row.array()?)),
            Self::Float64(builder) => builder.append_value(f64::from_le_bytes(row.array()?)),
            Self::Decimal128(builder, precision, scale) => {
                let value = decimal::decimal128(row.lenenc_bytes()?, *precision, *scale)?;
                builder.append_value(value);
            }
            Self::Decimal256(builder, precision, scale) => {
                let value = decimal::decimal256(row.lenenc_bytes()?, *precision, *scale)?;
                builder.append_value(value);
            }
            Self::Text(strings) => strings.append(row.lenenc_bytes()?)?,
            Self::Bytes(builder) => builder.append_value(row.lenenc_bytes()?),
            Self::Bit(builder) => builder.append_value(bits(row.lenenc_bytes()?)?),
            Self::Date(builder, zero_dates) => {
                match (temporal::date(row.lenenc_bytes()?)?, zero_dates) {
                    (None, ZeroDates::Error) => return Err(Fault::NoDay),
                    (day, _) => builder.append_option(day),
                }
            }
            Self::Timestamp(builder, zero_dates) => {
                match (temporal::timestamp(row.lenenc_bytes()?)?, zero_dates) {
                    (None, ZeroDates::Error) => return Err(Fault::NoDay),
                    (micros, _) => builder.append_option(micros),
                }
            }
            Self::Time(builder) => {
                builder.append_value(temporal::duration(row.lenenc_bytes()?)?);
            }
            Self::Enum(labels) => labels.append(row.lenenc_bytes()?)?,
            Self::Set(members, _) => members.append(row.lenenc_bytes()?)?,
            Self::Uuid(builder) => builder
                .append_value(uuid(row.lenenc_bytes()?)?)
                .map_err(|_| Fault::Malformed("a uuid has the wrong length"))?,
            Self::Geometry(builder, scratch) => {
                scratch.clear();
                geometry::write(row.lenenc_bytes()?, scratch)?;
                builder.append_value(&scratch);
            }
            Self::Vector(builder) => {
                let (numbers, []) = row.lenenc_bytes()?.as_chunks::<4>() else {
                    return Err(Fault::Malformed("a vector has the wrong length"));
                };
                for &number in numbers {
                    builder.values().append_value(f32::from_le_bytes(number));
                }
                builder.append(true);
            }
        }
        Ok(())
    }

    pub(super) fn append_null(&mut self) {
        match self {
            Self::Null(count) => *count += 1,
            Self::Int8(builder) => builder.append_null(),
            Self::UInt8(builder) => builder.append_null(),
            Self::Int16(builder) => builder.append_null(),
            Self::UInt16(builder) => builder.append_null(),
            Self::Int32(builder) => builder.append_null(),
            Self::UInt32(builder) => builder.append_null(),
            Self::Int64(builder) => builder.append_null(),
            Self::UInt64(builder) | Self::Bit(builder) => builder.append_null(),
            Self::Float32(builder) => builder.append_null(),
            Self::Float64(builder) => builder.append_null(),
            Self::Decimal128(builder, ..) => builder.append_null(),
            Self::Decimal256(builder, ..) => builder.append_null(),
            Self::Text(strings) => strings.append_null(),
            Self::Bytes(builder) | Self::Geometry(builder, _) => builder.append_null(),
            Self::Date(builder, _) => builder.append_null(),
            Self::Timestamp(builder, _) => builder.append_null(),
            Self::Time(builder) => builder.append_null(),
            Self::Enum(labels) => labels.append_null(),
            Self::Set(members, _) => members.append_null(),
            Self::Uuid(builder) => builder.append_null(),
            Self::Vector(builder) => builder.append(false),
        }
    }

    /// Hands the values out and starts again.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Null(count) => Arc::new(NullArray::new(std::mem::take(count))),
            Self::Int8(builder) => Arc::new(builder.finish()),
            Self::UInt8(builder) => Arc::new(builder.finish()),
            Self::Int16(builder) => Arc::new(builder.finish()),
            Self::UInt16(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::UInt32(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::UInt64(builder) | Self::Bit(builder) => Arc::new(builder.finish()),
            Self::Float32(builder) => Arc::new(builder.finish()),
            Self::Float64(builder) => Arc::new(builder.finish()),
            Self::Decimal128(builder, ..) => Arc::new(builder.finish()),
            Self::Decimal256(builder, ..) => Arc::new(builder.finish()),
            Self::Text(strings) => Arc::new(strings.finish()),
            Self::Bytes(builder) | Self::Geometry(builder, _) => Arc::new(builder.finish()),
            Self::Date(builder, _) => Arc::new(builder.finish()),
            Self::Timestamp(builder, _) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Enum(labels) => labels.finish(),
            Self::Set(members, item) => members.finish(item),
            Self::Uuid(builder) => Arc::new(builder.finish()),
            Self::Vector(builder) => Arc::new(builder.finish()),
        }
    }
}

/// Up to 64 bits, the most significant byte first.
fn bits(value: &[u8]) -> Result<u64, Fault> {
    if value.len() > 8 {
        return Err(Fault::Malformed("a bit value has more than 64 bits"));
    }
    Ok(value
        .iter()
        .fold(0, |bits, &byte| bits << 8 | u64::from(byte)))
}

/// The bytes of a UUID's text.
fn uuid(text: &[u8]) -> Result<[u8; 16], Fault> {
    let wrong = Fault::Malformed("a uuid is not of the usual form");
    let mut bytes = [0; 16];
    if text.len() != 36 {
        return Err(wrong);
    }
    let mut digits = text
        .iter()
        .enumerate()
        .filter(|(index, _)| !matches!(index, 8 | 13 | 18 | 23))
        .map(|(_, &digit)| char::from(digit).to_digit(16));
    for byte in &mut bytes {
        let mut digit = || digits.next().flatten().ok_or(wrong);
        let value = digit()? << 4 | digit()?;
        *byte = u8::try_from(value).map_err(|_| wrong)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_read_from_its_text_and_nothing_else_is() {
        let text = b"00112233-4455-6677-8899-AabbCCddeeff";
        assert_eq!(
            uuid(text),
            Ok([
                0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD,
                0xEE, 0xFF
            ])
        );
        assert!(uuid(b"00112233-4455-6677-8899-AabbCCddeefg").is_err());
        assert!(uuid(b"").is_err());
    }

    #[test]
    fn bits_count_from_their_most_significant_byte() {
        assert_eq!(bits(&[1, 0]), Ok(256));
        assert_eq!(bits(&[0xFF; 8]), Ok(u64::MAX));
        assert!(bits(&[0; 9]).is_err());
    }
}
