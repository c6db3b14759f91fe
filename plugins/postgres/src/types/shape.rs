//! Which Arrow type a PostgreSQL type becomes, and in which format to ask for it.
//!
//! Binary is asked for when every part of the type has a binary form that this connector reads. If one
//! part has none, the whole column comes as text: lists of text for arrays, text for the rest.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, IntervalUnit, TimeUnit};

use super::builtin::{BOX, Scalar};
use super::catalog::{Known, TypeCatalog};
use super::plan::ColumnSpec;
use super::spelling::{numeric_modifier, spell};
use super::text::TextForm;
use super::{DB_TYPE, INFINITY, LAYOUT, NAN, SENTINEL, array};

/// Deeper nesting comes as text. PostgreSQL has no such limit; people have no such types.
const MAX_DEPTH: usize = 12;
/// A plan with more nodes than this reads the rest of its nested columns as text, so that a few
/// composites of composites cannot grow a plan without bounds.
const MAX_NODES: usize = 20_000;

/// How a value is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Bool,
    Int16,
    Int32,
    Int64,
    UInt32,
    UInt64,
    Float32,
    Float64,
    Decimal128 {
        precision: u8,
        scale: i8,
    },
    Decimal256 {
        precision: u8,
        scale: i8,
    },
    Text(TextForm),
    Bytes,
    Date,
    Time,
    Timestamp,
    Interval,
    Uuid,
    /// A binary array.
    List {
        element: u32,
        item: Box<Node>,
    },
    /// An array literal.
    ListLiteral {
        delimiter: u8,
        item: Box<Node>,
    },
    /// A record literal, as a list of its fields.
    RecordLiteral {
        item: Box<Node>,
    },
    /// A binary composite; each field with the type that it must announce.
    Struct(Vec<(u32, Node)>),
}

/// A column, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) shape: Shape,
    pub(super) field: FieldRef,
}

/// The format of a column on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Binary,
}

/// Decides for one result after another column.
pub(super) struct Decider<'a> {
    catalog: &'a TypeCatalog,
    nodes: usize,
}

/// What a field says beyond its Arrow type.
enum Extension {
    None,
    Infinity,
    Nan,
    Array,
    Named(&'static str),
    Opaque,
}

impl<'a> Decider<'a> {
    pub(super) const fn new(catalog: &'a TypeCatalog) -> Self {
        Self { catalog, nodes: 0 }
    }

    pub(super) fn column(&mut self, spec: &ColumnSpec) -> (Node, Format) {
        let (oid, modifier) = (spec.type_oid, spec.type_modifier);
        match self.binary(&spec.name, oid, modifier, 0) {
            Some(node) => (node, Format::Binary),
            None => (self.literal(&spec.name, oid, modifier), Format::Text),
        }
    }

    /// The node of a type whose binary form is read, all the way down.
    fn binary(&mut self, name: &str, oid: u32, modifier: i32, depth: usize) -> Option<Node> {
        self.nodes += 1;
        if depth > MAX_DEPTH || (depth > 0 && self.nodes > MAX_NODES) {
            return None;
        }
        let (shape, data_type, extension) = match self.base(oid)? {
            Known::Scalar(scalar) => scalar_shape(scalar, modifier)?,
            Known::Enum => (
                Shape::Text(TextForm::Plain),
                DataType::Utf8,
                Extension::None,
            ),
            Known::Array(element) => {
                let item = self.binary("item", element, modifier, depth + 1)?;
                let data_type = DataType::Struct(array::struct_fields(Arc::clone(&item.field)));
                let item = Box::new(item);
                (Shape::List { element, item }, data_type, Extension::Array)
            }
            Known::Composite(attributes) => {
                let mut members = Vec::with_capacity(attributes.len());
                for (attribute, oid) in attributes {
                    members.push((*oid, self.binary(attribute, *oid, -1, depth + 1)?));
                }
                let fields: Fields = members
                    .iter()
                    .map(|(_, node)| Arc::clone(&node.field))
                    .collect();
                (
                    Shape::Struct(members),
                    DataType::Struct(fields),
                    Extension::None,
                )
            }
            Known::Range(_) | Known::Multirange(_) => (
                Shape::Text(self.bound_form(oid, depth)?),
                DataType::Utf8,
                Extension::Opaque,
            ),
            Known::Record | Known::Domain(_) => return None,
        };
        let field = self.field(name, oid, modifier, data_type, &extension);
        Some(Node { shape, field })
    }

    /// The node of a type that comes as text.
    fn literal(&mut self, name: &str, oid: u32, modifier: i32) -> Node {
        let text = |decider: &Self, extension| Node {
            shape: Shape::Text(TextForm::Plain),
            field: decider.field(name, oid, modifier, DataType::Utf8, &extension),
        };
        match self.base(oid) {
            Some(Known::Array(element)) => {
                let item = Box::new(self.literal_item(element, modifier));
                let data_type = DataType::Struct(array::struct_fields(Arc::clone(&item.field)));
                let delimiter = if element == BOX { b';' } else { b',' };
                Node {
                    shape: Shape::ListLiteral { delimiter, item },
                    field: self.field(name, oid, modifier, data_type, &Extension::Array),
                }
            }
            Some(Known::Record) => {
                let field = Field::new("item", DataType::Utf8, true);
                let item = Node {
                    shape: Shape::Text(TextForm::Plain),
                    field: Arc::new(field),
                };
                let data_type = DataType::List(Arc::clone(&item.field));
                Node {
                    shape: Shape::RecordLiteral {
                        item: Box::new(item),
                    },
                    field: self.field(name, oid, modifier, data_type, &Extension::None),
                }
            }
            Some(Known::Enum | Known::Scalar(Scalar::Text | Scalar::Char)) => {
                text(self, Extension::None)
            }
            _ => text(self, Extension::Opaque),
        }
    }

    /// An array's element is never itself an array, save for a domain over one: that stays a literal.
    fn literal_item(&mut self, element: u32, modifier: i32) -> Node {
        match self.base(element) {
            Some(Known::Array(_)) => Node {
                shape: Shape::Text(TextForm::Plain),
                field: self.field("item", element, -1, DataType::Utf8, &Extension::Opaque),
            },
            _ => self.literal("item", element, modifier),
        }
    }

    /// What a type is made of, behind any domains.
    fn base(&self, oid: u32) -> Option<Known<'a>> {
        let mut oid = oid;
        for _ in 0..MAX_DEPTH {
            match self.catalog.known(oid)? {
                Known::Domain(base) => oid = base,
                known => return Some(known),
            }
        }
        None
    }

    /// The text form of a type inside of a range, which has fewer types than a column.
    fn bound_form(&self, oid: u32, depth: usize) -> Option<TextForm> {
        if depth > MAX_DEPTH {
            return None;
        }
        Some(match self.base(oid)? {
            Known::Range(subtype) => {
                TextForm::Range(Box::new(self.bound_form(subtype, depth + 1)?))
            }
            Known::Multirange(range) => match self.base(range)? {
                Known::Range(subtype) => {
                    TextForm::Multirange(Box::new(self.bound_form(subtype, depth + 1)?))
                }
                _ => return None,
            },
            Known::Enum => TextForm::Plain,
            Known::Scalar(scalar) => match scalar {
                Scalar::Int16 => TextForm::Int16,
                Scalar::Int32 => TextForm::Int32,
                Scalar::Int64 => TextForm::Int64,
                Scalar::Date => TextForm::Date,
                Scalar::Time => TextForm::Time,
                Scalar::Timestamp => TextForm::Timestamp { zoned: false },
                Scalar::TimestampTz => TextForm::Timestamp { zoned: true },
                Scalar::Uuid => TextForm::Uuid,
                other => return text_form(other),
            },
            _ => return None,
        })
    }

    fn field(
        &self,
        name: &str,
        oid: u32,
        modifier: i32,
        data_type: DataType,
        extension: &Extension,
    ) -> FieldRef {
        let mut metadata = HashMap::with_capacity(3);
        metadata.insert(DB_TYPE.to_owned(), spell(self.catalog, oid, modifier));
        match extension {
            Extension::None => {}
            Extension::Infinity => {
                metadata.insert(INFINITY.to_owned(), SENTINEL.to_owned());
            }
            Extension::Nan => {
                metadata.insert(NAN.to_owned(), SENTINEL.to_owned());
            }
            Extension::Array => {
                metadata.insert(LAYOUT.to_owned(), "array".to_owned());
            }
            Extension::Named(name) => {
                metadata.insert(EXTENSION_NAME.to_owned(), (*name).to_owned());
            }
            Extension::Opaque => {
                let type_name = serde_json::Value::String(spell(self.catalog, oid, -1));
                metadata.insert(EXTENSION_NAME.to_owned(), "arrow.opaque".to_owned());
                metadata.insert(
                    EXTENSION_METADATA.to_owned(),
                    format!(r#"{{"type_name":{type_name},"vendor_name":"PostgreSQL"}}"#),
                );
            }
        }
        Arc::new(Field::new(name, data_type, true).with_metadata(metadata))
    }
}

const EXTENSION_NAME: &str = "ARROW:extension:name";
const EXTENSION_METADATA: &str = "ARROW:extension:metadata";

/// The text form of a scalar that has no Arrow type of its own.
fn text_form(scalar: Scalar) -> Option<TextForm> {
    Some(match scalar {
        Scalar::Text => TextForm::Plain,
        Scalar::Char => TextForm::Char,
        Scalar::Numeric => TextForm::Numeric,
        Scalar::TimeTz => TextForm::TimeTz,
        Scalar::VersionedText => TextForm::Versioned,
        Scalar::Network => TextForm::Network,
        Scalar::MacAddress => TextForm::MacAddress,
        Scalar::Bits => TextForm::Bits,
        Scalar::Lsn => TextForm::Lsn,
        Scalar::Tid => TextForm::Tid,
        _ => return None,
    })
}

fn scalar_shape(scalar: Scalar, modifier: i32) -> Option<(Shape, DataType, Extension)> {
    use Extension::{Infinity, Named, Nan, None as Plain, Opaque};
    let micros = TimeUnit::Microsecond;
    Some(match scalar {
        Scalar::Bool => (Shape::Bool, DataType::Boolean, Plain),
        Scalar::Int16 => (Shape::Int16, DataType::Int16, Plain),
        Scalar::Int32 => (Shape::Int32, DataType::Int32, Plain),
        Scalar::Int64 => (Shape::Int64, DataType::Int64, Plain),
        Scalar::UInt32 => (Shape::UInt32, DataType::UInt32, Plain),
        Scalar::UInt64 => (Shape::UInt64, DataType::UInt64, Plain),
        Scalar::Float32 => (Shape::Float32, DataType::Float32, Plain),
        Scalar::Float64 => (Shape::Float64, DataType::Float64, Plain),
        Scalar::Bytes => (Shape::Bytes, DataType::Binary, Plain),
        Scalar::Date => (Shape::Date, DataType::Date32, Infinity),
        Scalar::Time => (Shape::Time, DataType::Time64(micros), Plain),
        Scalar::Timestamp => (
            Shape::Timestamp,
            DataType::Timestamp(micros, None),
            Infinity,
        ),
        Scalar::TimestampTz => (
            Shape::Timestamp,
            DataType::Timestamp(micros, Some("UTC".into())),
            Infinity,
        ),
        Scalar::Interval => (
            Shape::Interval,
            DataType::Interval(IntervalUnit::MonthDayNano),
            Infinity,
        ),
        Scalar::Uuid => (
            Shape::Uuid,
            DataType::FixedSizeBinary(16),
            Named("arrow.uuid"),
        ),
        Scalar::Json => (
            Shape::Text(TextForm::Plain),
            DataType::Utf8,
            Named("arrow.json"),
        ),
        Scalar::Jsonb => (
            Shape::Text(TextForm::Versioned),
            DataType::Utf8,
            Named("arrow.json"),
        ),
        Scalar::Text | Scalar::Char => (Shape::Text(text_form(scalar)?), DataType::Utf8, Plain),
        Scalar::Numeric => match decimal(modifier) {
            Some((precision, scale)) if precision <= 38 => (
                Shape::Decimal128 { precision, scale },
                DataType::Decimal128(precision, scale),
                Nan,
            ),
            Some((precision, scale)) => (
                Shape::Decimal256 { precision, scale },
                DataType::Decimal256(precision, scale),
                Nan,
            ),
            None => (Shape::Text(TextForm::Numeric), DataType::Utf8, Opaque),
        },
        other => (Shape::Text(text_form(other)?), DataType::Utf8, Opaque),
    })
}

/// The decimal that holds every number of a declared numeric: numeric(2,−3) counts thousands, which
/// Parquet and many readers of Arrow cannot, so it becomes a decimal of five whole digits;
/// numeric(3,5) is a fraction of five digits.
fn decimal(modifier: i32) -> Option<(u8, i8)> {
    let (precision, scale) = numeric_modifier(modifier)?;
    let (precision, scale) = if scale < 0 {
        (precision - scale, 0)
    } else {
        (precision.max(scale), scale)
    };
    if !(1..=76).contains(&precision) {
        return None;
    }
    Some((u8::try_from(precision).ok()?, i8::try_from(scale).ok()?))
}
