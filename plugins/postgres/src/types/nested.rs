//! Builders of columns that hold other columns: arrays, records and composites.

use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListBuilder};
use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, FieldRef, Fields};

use super::column::{Column, Meter};
use super::error::Fault;
use super::shape::Node;
use super::wire::Reader;
use super::{array, literal};

/// How the values of a list are written on the wire.
pub(super) enum ListSource {
    /// A binary array of this type.
    Array(u32),
    /// An array literal with this delimiter, and memory to unquote in.
    ArrayLiteral(u8, Vec<u8>),
    /// A record literal, and memory to unquote in.
    RecordLiteral(Vec<u8>),
}

/// Arrays, and records of unknown fields.
pub(super) struct List {
    source: ListSource,
    item: Column,
    item_field: FieldRef,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    /// Items since the last batch.
    items: usize,
    /// Of arrays; records have none.
    dimensions: Option<Dimensions>,
}

/// Beside the values of an array in Arrow order: its lengths, where it has more than one.
struct Dimensions {
    /// Of the struct of values and dimensions.
    fields: Fields,
    lengths: ListBuilder<Int32Builder>,
}

impl List {
    /// A builder for `node`, whose values are `item`s.
    pub(super) fn new(source: ListSource, node: &Node, item: &Node) -> Self {
        let dimensions = match node.field.data_type() {
            DataType::Struct(fields) => Some(Dimensions {
                fields: fields.clone(),
                lengths: ListBuilder::new(Int32Builder::new()).with_field(array::length_field()),
            }),
            _ => None,
        };
        Self {
            source,
            item: Column::new(item),
            item_field: Arc::clone(&item.field),
            offsets: vec![0],
            nulls: NullBufferBuilder::new(0),
            items: 0,
            dimensions,
        }
    }

    pub(super) fn append(&mut self, value: &[u8], meter: &mut Meter) -> Result<(), Fault> {
        let (item, items) = (&mut self.item, &mut self.items);
        let mut each = |element: Option<&[u8]>, meter: &mut Meter| {
            *items += 1;
            item.append(element, meter)
        };
        let lengths = match &mut self.source {
            ListSource::Array(element) => {
                let mut reader = Reader::new(value);
                let lengths = array::open(&mut reader, *element)?;
                for _ in 0..lengths.product()? {
                    each(reader.nullable()?, meter)?;
                }
                reader.end()?;
                lengths
            }
            ListSource::ArrayLiteral(delimiter, scratch) => {
                literal::array(value, *delimiter, scratch, |element| each(element, meter))?
            }
            ListSource::RecordLiteral(scratch) => {
                literal::record(value, scratch, |field| each(field, meter))?;
                array::Lengths::default()
            }
        };
        if let Some(dimensions) = &mut self.dimensions {
            dimensions.append(&lengths, meter)?;
        }
        let end = i32::try_from(self.items).map_err(|_| Fault::TooLarge)?;
        self.offsets.push(end);
        self.nulls.append_non_null();
        Ok(())
    }

    pub(super) fn append_null(&mut self) {
        let end = self.offsets.last().copied().unwrap_or(0);
        self.offsets.push(end);
        self.nulls.append_null();
        if let Some(dimensions) = &mut self.dimensions {
            dimensions.lengths.append_null();
        }
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        self.items = 0;
        let nulls = self.nulls.finish();
        let list = Arc::new(ListArray::new(
            Arc::clone(&self.item_field),
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            self.item.finish(),
            nulls.clone(),
        ));
        match &mut self.dimensions {
            None => list,
            Some(dimensions) => {
                let columns: Vec<ArrayRef> = vec![list, Arc::new(dimensions.lengths.finish())];
                Arc::new(StructArray::new(dimensions.fields.clone(), columns, nulls))
            }
        }
    }
}

impl Dimensions {
    fn append(&mut self, lengths: &array::Lengths, meter: &mut Meter) -> Result<(), Fault> {
        let lengths = lengths.as_slice();
        if lengths.len() <= 1 {
            self.lengths.append_null();
            return Ok(());
        }
        meter.add(size_of_val(lengths))?;
        self.lengths.values().append_slice(lengths);
        self.lengths.append(true);
        Ok(())
    }
}

/// Named composites.
pub(super) struct Struct {
    /// The type that each field must announce, and the field.
    members: Vec<(u32, Column)>,
    fields: Fields,
    nulls: NullBufferBuilder,
}

impl Struct {
    pub(super) fn new(node: &Node, members: &[(u32, Node)]) -> Self {
        let fields = match node.field.data_type() {
            DataType::Struct(fields) => fields.clone(),
            _ => Fields::empty(),
        };
        Self {
            members: members
                .iter()
                .map(|(oid, node)| (*oid, Column::new(node)))
                .collect(),
            fields,
            nulls: NullBufferBuilder::new(0),
        }
    }

    pub(super) fn append(&mut self, value: &[u8], meter: &mut Meter) -> Result<(), Fault> {
        let mut reader = Reader::new(value);
        if reader.count()? != self.members.len() {
            return Err(Fault::Malformed("a composite has another count of fields"));
        }
        for (oid, column) in &mut self.members {
            if reader.u32()? != *oid {
                return Err(Fault::Malformed("a composite has a field of another type"));
            }
            column.append(reader.nullable()?, meter)?;
        }
        reader.end()?;
        self.nulls.append_non_null();
        Ok(())
    }

    pub(super) fn append_null(&mut self) {
        for (_, column) in &mut self.members {
            column.append_null();
        }
        self.nulls.append_null();
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        let rows = self.nulls.len();
        let nulls = self.nulls.finish();
        if self.members.is_empty() {
            return Arc::new(StructArray::new_empty_fields(rows, nulls));
        }
        let columns = self
            .members
            .iter_mut()
            .map(|(_, column)| column.finish())
            .collect();
        Arc::new(StructArray::new(self.fields.clone(), columns, nulls))
    }
}
