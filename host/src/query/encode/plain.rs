//! Results for readers that know Arrow and nothing of the conventions between connectors and the host.
//!
//! A connector marks what Arrow has no type for in a field's metadata, so that JSON, NDJSON and CSV can
//! show every value:
//!
//! - `datachat.layout` = `array`: the struct of the lists `values` and `dimensions` is one array, because
//!   the count of dimensions may differ from row to row. Its plain type is the list of `values`.
//! - `datachat.nan` = `sentinel`: the least integer of a decimal column is NaN.
//!
//! Here such columns become plain. What has no plain image, an array of two dimensions or a NaN among
//! decimals, is refused: a flat list or a huge number would be another value than the database's.
//!
//! Infinite dates and timestamps stay the extreme integers that `datachat.infinity` announces.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Decimal256Type};
use arrow_array::{
    Array, ArrayRef, LargeListArray, ListArray, MapArray, RecordBatch, RecordBatchOptions,
    StructArray,
};
use arrow_buffer::{NullBuffer, i256};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, Schema, SchemaRef};

use super::columns::{LAYOUT, NAN, SENTINEL};

/// Why a batch has no plain image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPlain {
    #[error(
        "column {0:?} holds an array of more than one dimension; convert it to JSON or to text in the query"
    )]
    Dimensions(String),
    #[error(
        "column {0:?} holds NaN, which is no decimal; cast it to double precision or to text in the query"
    )]
    Nan(String),
    /// The parts do not fit together, which well-formed batches never do to one another.
    #[error("column {0:?} can't be converted: {1}")]
    Broken(String, String),
}

enum Reason {
    Dimensions,
    Nan,
    Broken(ArrowError),
}

impl From<ArrowError> for Reason {
    fn from(error: ArrowError) -> Self {
        Self::Broken(error)
    }
}

/// The field of an array's elements, if the field is an array in the layout of this module.
pub fn array_item(field: &Field) -> Option<&FieldRef> {
    if field.metadata().get(LAYOUT).map(String::as_str) != Some("array") {
        return None;
    }
    let DataType::Struct(fields) = field.data_type() else {
        return None;
    };
    match &fields[..] {
        [values, dimensions] => match (values.data_type(), dimensions.data_type()) {
            (DataType::List(item), DataType::List(length))
                if *length.data_type() == DataType::Int32 =>
            {
                Some(item)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether the least integer of the field is NaN.
pub fn has_nan(field: &Field) -> bool {
    field.metadata().get(NAN).map(String::as_str) == Some(SENTINEL)
}

/// The plain form of a schema.
pub fn schema(schema: &Schema) -> Schema {
    let fields: Fields = schema.fields().iter().map(plain_field).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

/// The plain form of a field.
pub fn plain_field(field: &FieldRef) -> FieldRef {
    let data_type = match (array_item(field), field.data_type()) {
        (Some(item), _) | (None, DataType::List(item)) => DataType::List(plain_field(item)),
        (None, DataType::LargeList(item)) => DataType::LargeList(plain_field(item)),
        (None, DataType::Map(entries, sorted)) => DataType::Map(plain_field(entries), *sorted),
        (None, DataType::Struct(fields)) => {
            DataType::Struct(fields.iter().map(plain_field).collect())
        }
        _ => field.data_type().clone(),
    };
    if data_type == *field.data_type() && !has_nan(field) {
        return Arc::clone(field);
    }
    let mut metadata = field.metadata().clone();
    metadata.remove(LAYOUT);
    metadata.remove(NAN);
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()).with_metadata(metadata))
}

/// The plain form of a batch; `schema` is the plain form of its schema.
///
/// # Errors
/// A value has no plain image.
pub fn batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, NotPlain> {
    let plain = batch
        .schema_ref()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| {
            plain_array(field, column).map_err(|reason| {
                let name = field.name().clone();
                match reason {
                    Reason::Dimensions => NotPlain::Dimensions(name),
                    Reason::Nan => NotPlain::Nan(name),
                    Reason::Broken(error) => NotPlain::Broken(name, error.to_string()),
                }
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), plain, &options)
        .map_err(|error| NotPlain::Broken(String::new(), error.to_string()))
}

fn plain_array(field: &FieldRef, array: &ArrayRef) -> Result<ArrayRef, Reason> {
    if let Some(item) = array_item(field) {
        let parts = array.as_struct();
        let (values, dimensions) = (parts.column(0), parts.column(1));
        let hidden = NullBuffer::union(parts.nulls(), dimensions.nulls());
        if hidden.map_or(0, |nulls| nulls.null_count()) < parts.len() {
            return Err(Reason::Dimensions);
        }
        let list = values.as_list::<i32>();
        let nulls = NullBuffer::union(parts.nulls(), list.nulls());
        return Ok(Arc::new(ListArray::try_new(
            plain_field(item),
            list.offsets().clone(),
            plain_array(item, list.values())?,
            nulls,
        )?));
    }
    match field.data_type() {
        DataType::Decimal128(..) if has_nan(field) => {
            let decimals = array.as_primitive::<Decimal128Type>();
            if decimals.iter().flatten().any(|value| value == i128::MIN) {
                return Err(Reason::Nan);
            }
        }
        DataType::Decimal256(..) if has_nan(field) => {
            let decimals = array.as_primitive::<Decimal256Type>();
            if decimals.iter().flatten().any(|value| value == i256::MIN) {
                return Err(Reason::Nan);
            }
        }
        DataType::List(item) if plain_field(item) != *item => {
            let list = array.as_list::<i32>();
            return Ok(Arc::new(ListArray::try_new(
                plain_field(item),
                list.offsets().clone(),
                plain_array(item, list.values())?,
                list.nulls().cloned(),
            )?));
        }
        DataType::LargeList(item) if plain_field(item) != *item => {
            let list = array.as_list::<i64>();
            return Ok(Arc::new(LargeListArray::try_new(
                plain_field(item),
                list.offsets().clone(),
                plain_array(item, list.values())?,
                list.nulls().cloned(),
            )?));
        }
        DataType::Map(entries, sorted) if plain_field(entries) != *entries => {
            let map = array.as_map();
            let inner: ArrayRef = Arc::new(map.entries().clone());
            return Ok(Arc::new(MapArray::try_new(
                plain_field(entries),
                map.offsets().clone(),
                plain_array(entries, &inner)?.as_struct().clone(),
                map.nulls().cloned(),
                *sorted,
            )?));
        }
        DataType::Struct(fields) if plain_field(field) != *field => {
            let parts = array.as_struct();
            let columns = fields
                .iter()
                .zip(parts.columns())
                .map(|(field, column)| plain_array(field, column))
                .collect::<Result<Vec<_>, _>>()?;
            let fields: Fields = fields.iter().map(plain_field).collect();
            return Ok(Arc::new(StructArray::try_new(
                fields,
                columns,
                parts.nulls().cloned(),
            )?));
        }
        _ => {}
    }
    Ok(Arc::clone(array))
}

#[cfg(test)]
#[path = "plain_tests.rs"]
mod tests;
