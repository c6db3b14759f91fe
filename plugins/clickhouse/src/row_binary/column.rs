//! A column that grows by one value at a time, of any type.

use arrow_array::{ArrayRef, make_array};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer};
use arrow_data::ArrayData;
use arrow_schema::DataType;

use super::reader::Reader;
use super::{RowError, geometry, items, json, variant};
use crate::types::bytes;
use crate::types::plan::{unit, unit_digits};
use crate::types::{Enum, Geo, Type};

/// A growing column. Its shape follows from the type of the plan, and what it appends from ClickHouse's.
pub(super) struct Column {
    length: usize,
    /// Which values there are, once one is missing.
    valid: Option<BooleanBufferBuilder>,
    data: Data,
}

enum Data {
    Null,
    Bits(BooleanBufferBuilder),
    /// Values of so many bytes.
    Fixed(usize, Vec<u8>),
    /// Text or bytes.
    Bytes(Vec<i32>, Vec<u8>),
    /// Which of the names each value is.
    Names(Vec<i32>, Vec<String>),
    /// One value a row behind numbers that count up.
    Dictionary(Box<Column>),
    List(Vec<i32>, Box<Column>),
    Map(Vec<i32>, Box<(Column, Column)>),
    Struct(Vec<Column>),
    /// Pairs of numbers.
    Points(Vec<u8>),
}

impl Column {
    pub(super) fn new(ty: &Type, target: &DataType) -> Self {
        Self {
            length: 0,
            valid: None,
            data: data(ty, target),
        }
    }

    /// Appends the value that comes next.
    pub(super) fn append(&mut self, ty: &Type, reader: &mut Reader<'_>) -> Result<(), RowError> {
        match ty {
            Type::SimpleAggregateFunction(_, inner) => return self.append(inner, reader),
            Type::Nullable(inner) => {
                if reader.flag()? {
                    self.append_null();
                    return Ok(());
                }
                return self.append(inner, reader);
            }
            // NULL is said before the value, but is the row's, not the dictionary's.
            Type::LowCardinality(inner) => match inner.as_ref() {
                Type::Nullable(inner) => {
                    if reader.flag()? {
                        self.append_null();
                        return Ok(());
                    }
                    return self.append(&Type::LowCardinality(inner.clone()), reader);
                }
                inner => match &mut self.data {
                    Data::Dictionary(values) => values.append(inner, reader)?,
                    _ => return self.append(inner, reader),
                },
            },
            Type::Variant(types) => {
                if let Some(ty) = variant(types, reader)? {
                    self.append_json(ty, reader)?;
                } else {
                    self.append_null();
                    return Ok(());
                }
            }
            Type::Geo(Geo::Geometry) => {
                if let Some(geo) = geometry(reader)? {
                    self.append_json(&Type::Geo(geo), reader)?;
                } else {
                    self.append_null();
                    return Ok(());
                }
            }
            ty => self.append_value(ty, reader)?,
        }
        self.count(true);
        Ok(())
    }

    fn count(&mut self, valid: bool) {
        if !valid && self.valid.is_none() {
            let mut bits = BooleanBufferBuilder::new(self.length + 64);
            bits.append_n(self.length, true);
            self.valid = Some(bits);
        }
        if let Some(bits) = &mut self.valid {
            bits.append(valid);
        }
        self.length += 1;
    }

    fn append_null(&mut self) {
        match &mut self.data {
            Data::Null => {}
            Data::Bits(bits) => bits.append(false),
            Data::Fixed(size, values) => values.resize(values.len() + *size, 0),
            Data::Names(keys, _) => keys.push(0),
            Data::Dictionary(values) => values.append_null(),
            Data::Bytes(offsets, _) | Data::List(offsets, _) | Data::Map(offsets, _) => {
                offsets.push(offsets.last().copied().unwrap_or_default());
            }
            Data::Struct(columns) => columns.iter_mut().for_each(Self::append_null),
            Data::Points(values) => values.resize(values.len() + 16, 0),
        }
        self.count(false);
    }

    fn append_json(&mut self, ty: &Type, reader: &mut Reader<'_>) -> Result<(), RowError> {
        let Data::Bytes(offsets, values) = &mut self.data else {
            return Err(mismatch(ty));
        };
        let mut text = String::new();
        json::value(ty, reader, &mut text)?;
        values.extend_from_slice(text.as_bytes());
        offset(offsets, values.len())
    }

    fn append_value(&mut self, ty: &Type, reader: &mut Reader<'_>) -> Result<(), RowError> {
        match (&mut self.data, ty) {
            (Data::Null, Type::Nothing) => Ok(()),
            (Data::Bits(bits), Type::Bool) => {
                bits.append(reader.flag()?);
                Ok(())
            }
            (Data::Names(keys, _), Type::Enum(names)) => {
                keys.push(key(names, reader)?);
                Ok(())
            }
            (Data::Fixed(size, values), ty) => fixed(ty, *size, reader, values),
            (Data::Bytes(offsets, values), ty) => {
                text(ty, reader, values)?;
                offset(offsets, values.len())
            }
            (Data::List(offsets, child), Type::Array(inner) | Type::QBit(inner, _)) => {
                items(reader, |reader| child.append(inner, reader))?;
                offset(offsets, child.length)
            }
            (Data::List(offsets, child), Type::Nested(elements)) => {
                items(reader, |reader| {
                    child.append(&Type::Tuple(elements.clone()), reader)
                })?;
                offset(offsets, child.length)
            }
            (Data::List(offsets, child), Type::Geo(geo)) => {
                let inner = shallower(*geo);
                items(reader, |reader| child.append(&inner, reader))?;
                offset(offsets, child.length)
            }
            (Data::Map(offsets, columns), Type::Map(key, value)) => {
                items(reader, |reader| {
                    columns.0.append(key, reader)?;
                    columns.1.append(value, reader)
                })?;
                offset(offsets, columns.0.length)
            }
            (Data::Struct(columns), Type::Tuple(elements)) => columns
                .iter_mut()
                .zip(elements)
                .try_for_each(|(column, element)| column.append(&element.ty, reader)),
            (Data::Points(values), Type::Geo(Geo::Point)) => {
                values.extend_from_slice(reader.take(16)?);
                Ok(())
            }
            (_, ty) => Err(mismatch(ty)),
        }
    }

    /// The column as an array.
    pub(super) fn finish(self, target: &DataType) -> Result<ArrayRef, RowError> {
        Ok(make_array(self.into_data(target)?))
    }

    fn into_data(self, target: &DataType) -> Result<ArrayData, RowError> {
        let nulls = self.valid.map(|mut bits| NullBuffer::new(bits.finish()));
        let mut builder = ArrayData::builder(target.clone()).len(self.length);
        let wrong = || RowError::malformed(format!("a column that does not fit {target}"));
        match self.data {
            // A column of nothing has no bits of its own.
            Data::Null => return builder.build().map_err(|_| wrong()),
            Data::Bits(mut bits) => builder = builder.add_buffer(bits.finish().into_inner()),
            Data::Fixed(_, values) => builder = builder.add_buffer(aligned(&values)),
            Data::Bytes(offsets, values) => {
                if *target == DataType::Utf8 {
                    check_text(&offsets, &values)?;
                }
                builder = builder
                    .add_buffer(Buffer::from_vec(offsets))
                    .add_buffer(Buffer::from_vec(values));
            }
            Data::Names(keys, names) => {
                let names = arrow_array::StringArray::from_iter_values(names);
                builder = builder
                    .add_buffer(Buffer::from_vec(keys))
                    .add_child_data(arrow_array::Array::to_data(&names));
            }
            Data::Dictionary(values) => {
                let DataType::Dictionary(_, values_target) = target else {
                    return Err(wrong());
                };
                let keys: Vec<i32> = (0..values.length)
                    .map(|row| i32::try_from(row).unwrap_or_default())
                    .collect();
                builder = builder
                    .add_buffer(Buffer::from_vec(keys))
                    .add_child_data(values.into_data(values_target)?);
            }
            Data::List(offsets, child) => {
                let DataType::List(field) = target else {
                    return Err(wrong());
                };
                builder = builder
                    .add_buffer(Buffer::from_vec(offsets))
                    .add_child_data(child.into_data(field.data_type())?);
            }
            Data::Map(offsets, columns) => {
                let DataType::Map(entries, _) = target else {
                    return Err(wrong());
                };
                let DataType::Struct(fields) = entries.data_type() else {
                    return Err(wrong());
                };
                let (keys, values) = *columns;
                let length = keys.length;
                let children = vec![
                    keys.into_data(fields[0].data_type())?,
                    values.into_data(fields[1].data_type())?,
                ];
                let entries = ArrayData::builder(entries.data_type().clone())
                    .len(length)
                    .child_data(children)
                    .build()
                    .map_err(|_| wrong())?;
                builder = builder
                    .add_buffer(Buffer::from_vec(offsets))
                    .add_child_data(entries);
            }
            Data::Struct(columns) => {
                let DataType::Struct(fields) = target else {
                    return Err(wrong());
                };
                for (column, field) in columns.into_iter().zip(fields) {
                    builder = builder.add_child_data(column.into_data(field.data_type())?);
                }
            }
            Data::Points(values) => {
                let numbers = ArrayData::builder(DataType::Float64)
                    .len(self.length * 2)
                    .add_buffer(aligned(&values))
                    .build()
                    .map_err(|_| wrong())?;
                builder = builder.add_child_data(numbers);
            }
        }
        builder
            .nulls(nulls)
            .build()
            .map_err(|error| RowError::malformed(error.to_string()))
    }
}

/// The shape of a column whose array is to be of the type `target`.
fn data(ty: &Type, target: &DataType) -> Data {
    let (bare, _) = ty.bare();
    let starts = || vec![0i32];
    match (target, bare) {
        (DataType::Dictionary(..), Type::Enum(names)) => {
            let names = names.names.iter().map(|(name, _)| name.clone());
            Data::Names(Vec::new(), names.collect())
        }
        (DataType::Dictionary(_, values), _) => {
            Data::Dictionary(Box::new(Column::new(bare, values)))
        }
        (DataType::Null, _) => Data::Null,
        (DataType::Boolean, _) => Data::Bits(BooleanBufferBuilder::new(0)),
        (DataType::Utf8 | DataType::Binary, _) => Data::Bytes(starts(), Vec::new()),
        (DataType::List(field), ty) => {
            let child = match ty {
                Type::Array(inner) | Type::QBit(inner, _) => Column::new(inner, field.data_type()),
                Type::Nested(elements) => {
                    Column::new(&Type::Tuple(elements.clone()), field.data_type())
                }
                Type::Geo(geo) => Column::new(&shallower(*geo), field.data_type()),
                other => Column::new(other, field.data_type()),
            };
            Data::List(starts(), Box::new(child))
        }
        (DataType::Map(entries, _), Type::Map(key, value)) => {
            let types: Vec<&DataType> = match entries.data_type() {
                DataType::Struct(fields) => fields.iter().map(|f| f.data_type()).collect(),
                _ => Vec::new(),
            };
            match types[..] {
                [key_type, value_type] => Data::Map(
                    starts(),
                    Box::new((Column::new(key, key_type), Column::new(value, value_type))),
                ),
                _ => Data::Null,
            }
        }
        (DataType::Struct(fields), Type::Tuple(elements)) => Data::Struct(
            elements
                .iter()
                .zip(fields)
                .map(|(element, field)| Column::new(&element.ty, field.data_type()))
                .collect(),
        ),
        (DataType::FixedSizeList(..), _) => Data::Points(Vec::new()),
        (DataType::FixedSizeBinary(size), _) => {
            Data::Fixed(usize::try_from(*size).unwrap_or_default(), Vec::new())
        }
        (other, _) => Data::Fixed(other.primitive_width().unwrap_or_default(), Vec::new()),
    }
}

/// What the arrays of a geometry hold.
fn shallower(geo: Geo) -> Type {
    Type::Geo(match geo {
        Geo::MultiPolygon => Geo::Polygon,
        Geo::Polygon | Geo::MultiLineString => Geo::Ring,
        _ => Geo::Point,
    })
}

fn mismatch(ty: &Type) -> RowError {
    RowError::Unsupported(ty.to_string())
}

fn offset(offsets: &mut Vec<i32>, end: usize) -> Result<(), RowError> {
    offsets.push(
        i32::try_from(end)
            .map_err(|_| RowError::malformed("more than two gigabytes of one column at a time"))?,
    );
    Ok(())
}

/// Arrow wants wide numbers to begin at even places.
fn aligned(values: &[u8]) -> Buffer {
    let mut buffer = arrow_buffer::MutableBuffer::new(values.len());
    buffer.extend_from_slice(values);
    buffer.into()
}

/// Each value by itself has to be text.
fn check_text(offsets: &[i32], values: &[u8]) -> Result<(), RowError> {
    let not_text = || RowError::NotText {
        column: String::new(),
    };
    let text = std::str::from_utf8(values).map_err(|_| not_text())?;
    let whole = offsets
        .iter()
        .all(|offset| usize::try_from(*offset).is_ok_and(|offset| text.is_char_boundary(offset)));
    if whole { Ok(()) } else { Err(not_text()) }
}

fn key(names: &Enum, reader: &mut Reader<'_>) -> Result<i32, RowError> {
    let number = enum_number(names, reader)?;
    names
        .names
        .iter()
        .position(|(_, known)| *known == number)
        .and_then(|index| i32::try_from(index).ok())
        .ok_or_else(|| RowError::malformed(format!("the number {number}, which is no name")))
}

pub(super) fn enum_number(names: &Enum, reader: &mut Reader<'_>) -> Result<i16, RowError> {
    Ok(if names.wide {
        i16::from_le_bytes(reader.array()?)
    } else {
        i8::from_le_bytes(reader.array()?).into()
    })
}

/// Appends a value that is text in Arrow.
fn text(ty: &Type, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), RowError> {
    match ty {
        Type::String | Type::Json(_) | Type::Object(_) => {
            out.extend_from_slice(reader.string()?);
        }
        Type::FixedString(length) => {
            let length = usize::try_from(*length).unwrap_or(usize::MAX);
            out.extend_from_slice(bytes::trimmed(reader.take(length)?));
        }
        Type::Ipv4 => {
            let number = u32::from_le_bytes(reader.array()?);
            bytes::write_ipv4(number, out);
        }
        Type::Ipv6 => out.extend_from_slice(bytes::ipv6(reader.array()?).as_bytes()),
        Type::Int { bits: 256, signed } => {
            out.extend_from_slice(bytes::widest(reader.array()?, *signed).as_bytes());
        }
        other => return Err(mismatch(other)),
    }
    Ok(())
}

/// Appends a value of `size` bytes in Arrow.
fn fixed(
    ty: &Type,
    size: usize,
    reader: &mut Reader<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RowError> {
    match ty {
        Type::Int { bits: 128, signed } => {
            let number = bytes::wide(reader.array()?, *signed);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Type::Int { bits, .. } if usize::from(*bits) == size * 8 => {
            out.extend_from_slice(reader.take(size)?);
        }
        Type::Float32 | Type::Float64 | Type::Date32 | Type::Interval(_) | Type::FixedString(_) => {
            out.extend_from_slice(reader.take(size)?);
        }
        Type::BFloat16 => {
            let number = bytes::bfloat16(reader.array()?);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Type::Decimal { precision, .. } => decimal(*precision, size, reader, out)?,
        Type::Date => {
            let days = u16::from_le_bytes(reader.array()?);
            out.extend_from_slice(&i32::from(days).to_le_bytes());
        }
        Type::DateTime(_) => {
            let seconds = u32::from_le_bytes(reader.array()?);
            out.extend_from_slice(&i64::from(seconds).to_le_bytes());
        }
        Type::Time => {
            let seconds = i32::from_le_bytes(reader.array()?);
            out.extend_from_slice(&i64::from(seconds).to_le_bytes());
        }
        Type::DateTime64(digits, _) | Type::Time64(digits) => {
            let ticks = i64::from_le_bytes(reader.array()?);
            let more = unit_digits(unit(*digits)).saturating_sub(*digits);
            let scaled =
                ticks
                    .checked_mul(10i64.pow(more.into()))
                    .ok_or_else(|| RowError::OutOfRange {
                        column: String::new(),
                        why: "nanoseconds reach from 1677 to 2262",
                    })?;
            out.extend_from_slice(&scaled.to_le_bytes());
        }
        Type::Uuid => out.extend_from_slice(&bytes::uuid(reader.array()?)),
        other => return Err(mismatch(other)),
    }
    Ok(())
}

/// Appends a decimal in the width that Arrow has for its digits.
fn decimal(
    precision: u8,
    size: usize,
    reader: &mut Reader<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RowError> {
    let width = super::width(&Type::Decimal {
        precision,
        scale: 0,
    })
    .unwrap_or_default();
    let bytes = reader.take(width)?;
    let fill = match bytes.last() {
        Some(last) if last & 0x80 != 0 => 0xff,
        _ => 0,
    };
    out.extend_from_slice(bytes);
    out.resize(out.len() + size.saturating_sub(width), fill);
    Ok(())
}
