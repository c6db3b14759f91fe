//! `RowBinary`: rows as the server writes them for programs, one value after the other, without lengths of rows.
//!
//! Used where there is no Arrow stream: on servers older than 20, for statements that are no `SELECT`, and for
//! types that the server's Arrow writer can't write. A row is decoded once all of it is there: `skip` walks
//! over it first, so that a column never holds half a value.

mod column;
mod json;
mod reader;

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};

use crate::types::{Geo, Plan, Type, parse};
use column::Column;
use reader::Reader;

/// Why rows can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Not an error yet: the rest is still to come.
    #[error("the result stops in the middle of a row")]
    Short,
    #[error("the server sent {0}")]
    Malformed(String),
    #[error("column {column:?} holds bytes that are no UTF-8 text")]
    NotText { column: String },
    #[error("column {column:?} holds a value that Arrow can't: {why}")]
    OutOfRange { column: String, why: &'static str },
    #[error("values of the type {0} can't be read from this server's answer")]
    Unsupported(String),
}

impl RowError {
    fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed(what.into())
    }
}

/// How many members and nested values one value may have: a lie would otherwise cost memory.
const MAX_ITEMS: u64 = 1 << 28;

/// How many of them may have no bytes at all.
const MAX_EMPTY_ITEMS: usize = 1 << 16;

/// Names and types, as `RowBinaryWithNamesAndTypes` begins.
pub type Header = Vec<(String, Type)>;

/// Reads the header, and says how many bytes it had.
///
/// # Errors
/// [`RowError::Short`] while it is not all there.
pub fn header(bytes: &[u8]) -> Result<(Header, usize), RowError> {
    let mut reader = Reader::new(bytes);
    let count = reader.count()?;
    let texts = |reader: &mut Reader<'_>| {
        (0..count)
            .map(|_| {
                let text = reader.string()?;
                Ok(String::from_utf8_lossy(text).into_owned())
            })
            .collect::<Result<Vec<String>, RowError>>()
    };
    // Bounded by what is there: each name has a byte at least.
    if count > bytes.len() {
        return Err(RowError::Short);
    }
    let names = texts(&mut reader)?;
    let types = texts(&mut reader)?;
    let columns = names
        .into_iter()
        .zip(types)
        .map(|(name, ty)| {
            let parsed = parse(&ty)
                .map_err(|error| RowError::malformed(format!("a bad type {ty:?}: {error}")))?;
            Ok((name, parsed))
        })
        .collect::<Result<Header, RowError>>()?;
    Ok((columns, reader.at()))
}

/// Decodes rows into batches.
pub struct RowDecoder {
    plan: Plan,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

impl RowDecoder {
    /// A decoder of rows of this plan.
    ///
    /// # Errors
    /// [`RowError::Unsupported`], for a type whose bytes can't be read.
    pub fn new(plan: &Plan) -> Result<Self, RowError> {
        for ty in &plan.types {
            if let Some(unreadable) = unreadable(ty) {
                return Err(RowError::Unsupported(unreadable));
            }
        }
        Ok(Self {
            columns: empty(plan),
            plan: plan.clone(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Takes the next row from the start of `bytes`; how many bytes it had.
    ///
    /// # Errors
    /// [`RowError::Short`] while the row is not all there; nothing has been taken then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<usize, RowError> {
        let mut reader = Reader::new(bytes);
        for ty in &self.plan.types {
            skip(ty, &mut reader)?;
        }
        let length = reader.at();
        let mut reader = Reader::new(&bytes[..length]);
        let fields = self.plan.schema.fields();
        for ((column, ty), field) in self.columns.iter_mut().zip(&self.plan.types).zip(fields) {
            column
                .append(ty, &mut reader)
                .map_err(|error| name(error, field.name()))?;
        }
        self.rows += 1;
        self.bytes += length;
        Ok(length)
    }

    /// Rows that have not been given away.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Their size in the server's format, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives the rows since the last batch.
    ///
    /// # Errors
    /// [`RowError::NotText`].
    pub fn finish(&mut self) -> Result<RecordBatch, RowError> {
        let columns = std::mem::replace(&mut self.columns, empty(&self.plan));
        let arrays = columns
            .into_iter()
            .zip(self.plan.schema.fields())
            .map(|(column, field)| {
                column
                    .finish(field.data_type())
                    .map_err(|error| name(error, field.name()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new_with_options(Arc::clone(&self.plan.schema), arrays, &options)
            .map_err(|error| RowError::malformed(error.to_string()))
    }
}

fn empty(plan: &Plan) -> Vec<Column> {
    plan.types
        .iter()
        .zip(plan.schema.fields())
        .map(|(ty, field)| Column::new(ty, field.data_type()))
        .collect()
}

/// Puts the column's name into an error that wants one.
fn name(error: RowError, name: &str) -> RowError {
    match error {
        RowError::NotText { .. } => RowError::NotText {
            column: name.to_owned(),
        },
        RowError::OutOfRange { why, .. } => RowError::OutOfRange {
            column: name.to_owned(),
            why,
        },
        other => other,
    }
}

/// The part of a type whose bytes say their own type, which we don't read.
fn unreadable(ty: &Type) -> Option<String> {
    ty.any(&|ty| matches!(ty, Type::Dynamic(_) | Type::AggregateFunction(_)))
        .then(|| ty.to_string())
}

/// Walks over a value.
fn skip(ty: &Type, reader: &mut Reader<'_>) -> Result<(), RowError> {
    if let Some(width) = width(ty) {
        return reader.take(width).map(drop);
    }
    match ty {
        Type::Nothing => Ok(()),
        Type::String | Type::Json(_) | Type::Object(_) => reader.string().map(drop),
        Type::LowCardinality(inner) | Type::SimpleAggregateFunction(_, inner) => {
            skip(inner, reader)
        }
        Type::Nullable(inner) => {
            if reader.flag()? {
                Ok(())
            } else {
                skip(inner, reader)
            }
        }
        Type::Array(inner) | Type::QBit(inner, _) => items(reader, |reader| skip(inner, reader)),
        Type::Map(key, value) => items(reader, |reader| {
            skip(key, reader)?;
            skip(value, reader)
        }),
        Type::Tuple(elements) => elements.iter().try_for_each(|e| skip(&e.ty, reader)),
        Type::Nested(elements) => items(reader, |reader| {
            elements.iter().try_for_each(|e| skip(&e.ty, reader))
        }),
        Type::Variant(types) => match variant(types, reader)? {
            Some(ty) => skip(ty, reader),
            None => Ok(()),
        },
        Type::Geo(Geo::Geometry) => match geometry(reader)? {
            Some(geo) => skip(&Type::Geo(geo), reader),
            None => Ok(()),
        },
        Type::Geo(geo) => skip_points(geo.depth(), reader),
        other => Err(RowError::Unsupported(other.to_string())),
    }
}

fn skip_points(depth: usize, reader: &mut Reader<'_>) -> Result<(), RowError> {
    if depth == 0 {
        return reader.take(16).map(drop);
    }
    items(reader, |reader| skip_points(depth - 1, reader))
}

/// Does something for each of as many items as the next number says.
fn items(
    reader: &mut Reader<'_>,
    mut item: impl FnMut(&mut Reader<'_>) -> Result<(), RowError>,
) -> Result<(), RowError> {
    let count = reader.count()?;
    for _ in 0..count {
        let before = reader.at();
        item(reader)?;
        // Items without bytes, such as empty tuples, are counted by nothing but their number.
        if reader.at() == before && count > MAX_EMPTY_ITEMS {
            return Err(RowError::malformed(format!("{count} values without bytes")));
        }
    }
    Ok(())
}

/// The member that a value of a variant is of; none for NULL.
fn variant<'a>(types: &'a [Type], reader: &mut Reader<'_>) -> Result<Option<&'a Type>, RowError> {
    match reader.byte()? {
        0xff => Ok(None),
        number => types
            .get(usize::from(number))
            .map(Some)
            .ok_or_else(|| RowError::malformed("a member that the variant does not have")),
    }
}

fn geometry(reader: &mut Reader<'_>) -> Result<Option<Geo>, RowError> {
    match reader.byte()? {
        0xff => Ok(None),
        number => Geo::members()
            .get(usize::from(number))
            .copied()
            .map(Some)
            .ok_or_else(|| RowError::malformed("a geometry of an unknown kind")),
    }
}

/// How many bytes a value has, where that does not depend on the value.
fn width(ty: &Type) -> Option<usize> {
    Some(match ty {
        Type::Bool => 1,
        Type::Int { bits, .. } => usize::from(*bits) / 8,
        Type::BFloat16 | Type::Date => 2,
        Type::Float32 | Type::Date32 | Type::DateTime(_) | Type::Time | Type::Ipv4 => 4,
        Type::Float64 | Type::DateTime64(..) | Type::Time64(_) | Type::Interval(_) => 8,
        Type::Uuid | Type::Ipv6 | Type::Geo(Geo::Point) => 16,
        Type::Decimal { precision, .. } => match precision {
            0..=9 => 4,
            10..=18 => 8,
            19..=38 => 16,
            _ => 32,
        },
        Type::FixedString(length) => usize::try_from(*length).ok()?,
        Type::Enum(names) => {
            if names.wide {
                2
            } else {
                1
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
#[path = "row_binary_tests.rs"]
mod tests;
