//! Which Arrow type a column becomes.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};

use crate::protocol::reply::{Column, column_flag};

use super::spelling::{is_enum, is_set, precision, spell};
use super::{BINARY, DB_TYPE, kind};

/// What becomes of a date that is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZeroDates {
    Error,
    Null,
}

/// How a value is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Null,
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
    Float32,
    Float64,
    Decimal128 { precision: u8, scale: i8 },
    Decimal256 { precision: u8, scale: i8 },
    Text,
    Bytes,
    Bit,
    Date,
    Timestamp,
    Time,
    Enum,
    Set { item: FieldRef },
    Uuid,
    Geometry,
    Vector { item: FieldRef },
}

/// A column's shape and field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) shape: Shape,
    pub(super) field: FieldRef,
}

/// How the rows of a result become Arrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub(super) nodes: Vec<Node>,
    pub(super) zero_dates: ZeroDates,
    schema: SchemaRef,
}

impl Plan {
    /// The schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Decides for a result of these columns.
///
/// # Errors
/// The number of a type that the protocol does not have, whose values can't be told from one another.
pub fn plan(columns: &[Column], zero_dates: ZeroDates) -> Result<Plan, u8> {
    let nodes = columns.iter().map(node).collect::<Result<Vec<_>, u8>>()?;
    let fields: Vec<FieldRef> = nodes.iter().map(|node| Arc::clone(&node.field)).collect();
    Ok(Plan {
        nodes,
        zero_dates,
        schema: Arc::new(Schema::new(fields)),
    })
}

fn node(column: &Column) -> Result<Node, u8> {
    let (shape, data_type, extension) = shape(column)?;
    let db_type = spell(column);
    let mut metadata = HashMap::new();
    if let Some(extension) = extension {
        metadata.insert("ARROW:extension:name".to_owned(), extension.to_owned());
        if extension == "arrow.opaque" {
            let described = serde_json::json!({"type_name": db_type, "vendor_name": "MySQL"});
            metadata.insert("ARROW:extension:metadata".to_owned(), described.to_string());
        }
    }
    metadata.insert(DB_TYPE.to_owned(), db_type);
    let field = Field::new(&column.name, data_type, true).with_metadata(metadata);
    Ok(Node {
        shape,
        field: Arc::new(field),
    })
}

type Decided = (Shape, DataType, Option<&'static str>);

fn shape(column: &Column) -> Result<Decided, u8> {
    let unsigned = column.has(column_flag::UNSIGNED);
    let plain = |shape, data_type| Ok((shape, data_type, None));
    match (column.kind, unsigned) {
        (kind::NULL, _) => plain(Shape::Null, DataType::Null),
        (kind::TINY, false) => plain(Shape::Int8, DataType::Int8),
        (kind::TINY, true) => plain(Shape::UInt8, DataType::UInt8),
        (kind::SHORT, false) => plain(Shape::Int16, DataType::Int16),
        (kind::SHORT, true) | (kind::YEAR, _) => plain(Shape::UInt16, DataType::UInt16),
        (kind::LONG | kind::INT24, false) => plain(Shape::Int32, DataType::Int32),
        (kind::LONG | kind::INT24, true) => plain(Shape::UInt32, DataType::UInt32),
        (kind::LONGLONG, false) => plain(Shape::Int64, DataType::Int64),
        (kind::LONGLONG, true) => plain(Shape::UInt64, DataType::UInt64),
        (kind::FLOAT, _) => plain(Shape::Float32, DataType::Float32),
        (kind::DOUBLE, _) => plain(Shape::Float64, DataType::Float64),
        (kind::DECIMAL | kind::NEWDECIMAL, _) => Ok(decimal(column)),
        (kind::BIT, _) => plain(Shape::Bit, DataType::UInt64),
        (kind::DATE | kind::NEWDATE, _) => plain(Shape::Date, DataType::Date32),
        (kind::DATETIME, _) => plain(
            Shape::Timestamp,
            DataType::Timestamp(TimeUnit::Microsecond, None),
        ),
        (kind::TIMESTAMP, _) => plain(
            Shape::Timestamp,
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ),
        (kind::TIME, _) => plain(Shape::Time, DataType::Duration(TimeUnit::Microsecond)),
        (kind::JSON, _) => Ok((Shape::Text, DataType::Utf8, Some("arrow.json"))),
        (kind::GEOMETRY, _) => Ok((Shape::Geometry, DataType::Binary, Some("geoarrow.wkb"))),
        (kind::VECTOR, _) => {
            let item = Arc::new(Field::new("item", DataType::Float32, true));
            let data_type = DataType::List(Arc::clone(&item));
            plain(Shape::Vector { item }, data_type)
        }
        (
            kind::VARCHAR
            | kind::VAR_STRING
            | kind::STRING
            | kind::ENUM
            | kind::SET
            | kind::TINY_BLOB..=kind::BLOB,
            _,
        ) => Ok(text(column)),
        (other, _) => Err(other),
    }
}

fn text(column: &Column) -> Decided {
    if column.format.as_deref() == Some("json") {
        return (Shape::Text, DataType::Utf8, Some("arrow.json"));
    }
    if column.type_name.as_deref() == Some("uuid") {
        return (
            Shape::Uuid,
            DataType::FixedSizeBinary(16),
            Some("arrow.uuid"),
        );
    }
    if column.character_set == BINARY {
        return (Shape::Bytes, DataType::Binary, None);
    }
    if is_enum(column) {
        let data_type = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        return (Shape::Enum, data_type, None);
    }
    if is_set(column) {
        let item = Arc::new(Field::new("item", DataType::Utf8, true));
        let data_type = DataType::List(Arc::clone(&item));
        return (Shape::Set { item }, data_type, None);
    }
    (Shape::Text, DataType::Utf8, None)
}

fn decimal(column: &Column) -> Decided {
    let (precision, scale) = precision(column);
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision @ ..=38), Ok(scale)) => (
            Shape::Decimal128 { precision, scale },
            DataType::Decimal128(precision, scale),
            None,
        ),
        (Ok(precision @ ..=76), Ok(scale)) => (
            Shape::Decimal256 { precision, scale },
            DataType::Decimal256(precision, scale),
            None,
        ),
        _ => (Shape::Text, DataType::Utf8, Some("arrow.opaque")),
    }
}
