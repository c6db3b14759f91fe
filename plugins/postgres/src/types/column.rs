//! The builder of one column, or of one part of a nested one.
//!
//! One enum, matched once per value; no allocation per value; a fixed-width value goes from its
//! big-endian bytes straight into the buffer.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Decimal256Builder,
    FixedSizeBinaryBuilder, Float32Builder, Float64Builder, Int16Builder, Int32Builder,
    Int64Builder, IntervalMonthDayNanoBuilder, Time64MicrosecondBuilder,
    TimestampMicrosecondBuilder, UInt32Builder, UInt64Builder,
};

use datachat_sdk::strings::Strings;

use super::error::Fault;
use super::nested::{List, ListSource, Struct};
use super::shape::{Node, Shape};
use super::text::TextForm;
use super::wire::exactly;
use super::{numeric, temporal};

/// Counts the bytes that a batch holds. 32-bit offsets address no more than [`Meter::MAX`] of them.
#[derive(Debug, Default)]
pub(super) struct Meter(usize);

impl Meter {
    const MAX: usize = i32::MAX as usize;

    pub(super) fn add(&mut self, bytes: usize) -> Result<(), Fault> {
        self.0 = self.0.saturating_add(bytes);
        if self.0 > Self::MAX {
            return Err(Fault::TooLarge);
        }
        Ok(())
    }

    pub(super) const fn bytes(&self) -> usize {
        self.0
    }
}

pub(super) enum Column {
    Bool(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    UInt32(UInt32Builder),
    UInt64(UInt64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal128(Decimal128Builder, u8, i8),
    Decimal256(Decimal256Builder, u8, i8),
    PlainText(Strings),
    /// With memory to write a text in.
    Text(TextForm, Strings, String),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Interval(IntervalMonthDayNanoBuilder),
    Uuid(FixedSizeBinaryBuilder),
    List(Box<List>),
    Struct(Box<Struct>),
}

impl Column {
    /// An empty builder. It has no room yet: most results are small, and a plan may have many parts.
    pub(super) fn new(node: &Node) -> Self {
        let data_type = || node.field.data_type().clone();
        match &node.shape {
            Shape::Bool => Self::Bool(BooleanBuilder::with_capacity(0)),
            Shape::Int16 => Self::Int16(Int16Builder::with_capacity(0)),
            Shape::Int32 => Self::Int32(Int32Builder::with_capacity(0)),
            Shape::Int64 => Self::Int64(Int64Builder::with_capacity(0)),
            Shape::UInt32 => Self::UInt32(UInt32Builder::with_capacity(0)),
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
            Shape::Text(TextForm::Plain) => Self::PlainText(Strings::new()),
            Shape::Text(form) => Self::Text(form.clone(), Strings::new(), String::new()),
            Shape::Bytes => Self::Bytes(BinaryBuilder::with_capacity(0, 0)),
            Shape::Date => Self::Date(Date32Builder::with_capacity(0)),
            Shape::Time => Self::Time(Time64MicrosecondBuilder::with_capacity(0)),
            Shape::Timestamp => Self::Timestamp(
                TimestampMicrosecondBuilder::with_capacity(0).with_data_type(data_type()),
            ),
            Shape::Interval => Self::Interval(IntervalMonthDayNanoBuilder::with_capacity(0)),
            Shape::Uuid => Self::Uuid(FixedSizeBinaryBuilder::with_capacity(0, 16)),
            Shape::List { element, item } => {
                Self::List(Box::new(List::new(ListSource::Array(*element), node, item)))
            }
            Shape::ListLiteral { delimiter, item } => {
                let source = ListSource::ArrayLiteral(*delimiter, Vec::new());
                Self::List(Box::new(List::new(source, node, item)))
            }
            Shape::RecordLiteral { item } => {
                let source = ListSource::RecordLiteral(Vec::new());
                Self::List(Box::new(List::new(source, node, item)))
            }
            Shape::Struct(members) => Self::Struct(Box::new(Struct::new(node, members))),
        }
    }

    /// Appends a value, null as `None`. After an error the column is of no use.
    pub(super) fn append(&mut self, value: Option<&[u8]>, meter: &mut Meter) -> Result<(), Fault> {
        let Some(value) = value else {
            self.append_null();
            return Ok(());
        };
        match self {
            Self::Bool(builder) => {
                let [byte] = exactly(value)?;
                builder.append_value(byte != 0);
            }
            Self::Int16(builder) => builder.append_value(i16::from_be_bytes(exactly(value)?)),
            Self::Int32(builder) => builder.append_value(i32::from_be_bytes(exactly(value)?)),
            Self::Int64(builder) => builder.append_value(i64::from_be_bytes(exactly(value)?)),
            Self::UInt32(builder) => builder.append_value(u32::from_be_bytes(exactly(value)?)),
            Self::UInt64(builder) => builder.append_value(u64::from_be_bytes(exactly(value)?)),
            Self::Float32(builder) => builder.append_value(f32::from_be_bytes(exactly(value)?)),
            Self::Float64(builder) => builder.append_value(f64::from_be_bytes(exactly(value)?)),
            Self::Decimal128(builder, precision, scale) => {
                builder.append_value(numeric::decimal128(value, *precision, *scale)?);
            }
            Self::Decimal256(builder, precision, scale) => {
                builder.append_value(numeric::decimal256(value, *precision, *scale)?);
            }
            Self::PlainText(strings) => strings.append(value)?,
            Self::Text(form, strings, scratch) => {
                scratch.clear();
                form.write(value, scratch)?;
                // A few bytes of a numeric can become 100,000 digits.
                meter.add(scratch.len().saturating_sub(value.len()))?;
                strings.append(scratch.as_bytes())?;
            }
            Self::Bytes(builder) => builder.append_value(value),
            Self::Date(builder) => builder.append_value(temporal::date(value)?),
            Self::Time(builder) => builder.append_value(temporal::time(value)?),
            Self::Timestamp(builder) => builder.append_value(temporal::timestamp(value)?),
            Self::Interval(builder) => builder.append_value(temporal::interval(value)?),
            Self::Uuid(builder) => builder
                .append_value(value)
                .map_err(|_| Fault::Malformed("a uuid has the wrong length"))?,
            Self::List(list) => list.append(value, meter)?,
            Self::Struct(composite) => composite.append(value, meter)?,
        }
        Ok(())
    }

    pub(super) fn append_null(&mut self) {
        match self {
            Self::Bool(builder) => builder.append_null(),
            Self::Int16(builder) => builder.append_null(),
            Self::Int32(builder) => builder.append_null(),
            Self::Int64(builder) => builder.append_null(),
            Self::UInt32(builder) => builder.append_null(),
            Self::UInt64(builder) => builder.append_null(),
            Self::Float32(builder) => builder.append_null(),
            Self::Float64(builder) => builder.append_null(),
            Self::Decimal128(builder, ..) => builder.append_null(),
            Self::Decimal256(builder, ..) => builder.append_null(),
            Self::PlainText(strings) | Self::Text(_, strings, _) => strings.append_null(),
            Self::Bytes(builder) => builder.append_null(),
            Self::Date(builder) => builder.append_null(),
            Self::Time(builder) => builder.append_null(),
            Self::Timestamp(builder) => builder.append_null(),
            Self::Interval(builder) => builder.append_null(),
            Self::Uuid(builder) => builder.append_null(),
            Self::List(list) => list.append_null(),
            Self::Struct(composite) => composite.append_null(),
        }
    }

    /// Hands the values out and starts again.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Int16(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::UInt32(builder) => Arc::new(builder.finish()),
            Self::UInt64(builder) => Arc::new(builder.finish()),
            Self::Float32(builder) => Arc::new(builder.finish()),
            Self::Float64(builder) => Arc::new(builder.finish()),
            Self::Decimal128(builder, ..) => Arc::new(builder.finish()),
            Self::Decimal256(builder, ..) => Arc::new(builder.finish()),
            Self::PlainText(strings) | Self::Text(_, strings, _) => Arc::new(strings.finish()),
            Self::Bytes(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
            Self::Interval(builder) => Arc::new(builder.finish()),
            Self::Uuid(builder) => Arc::new(builder.finish()),
            Self::List(list) => list.finish(),
            Self::Struct(composite) => composite.finish(),
        }
    }
}
