//! Arrays: their frame on the wire, and the Arrow type that holds every one of them.
//!
//! How many dimensions an array has belongs to each value of a column, so no list type fits a column:
//! `int[]` may hold `{1,2}` in one row and `{{1,2},{3,4}}` in the next. The struct of [`struct_fields`]
//! holds the elements in order and, where there is more than one dimension, the lengths of all of them.
//! The host makes nested JSON of it, and a plain list for readers of Arrow.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields};

use super::error::Fault;
use super::wire::Reader;

/// PostgreSQL's own limit.
pub(super) const MAX_DIMENSIONS: usize = 6;

/// The lengths of an array's dimensions, the outermost first; none for an empty array.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lengths {
    lengths: [i32; MAX_DIMENSIONS],
    count: usize,
}

impl Lengths {
    /// Adds a dimension inside of the others.
    pub(super) fn push(&mut self, length: i32) -> Result<(), Fault> {
        *self
            .lengths
            .get_mut(self.count)
            .ok_or(Fault::Malformed("an array has too many dimensions"))? = length;
        self.count += 1;
        Ok(())
    }

    pub(super) fn as_slice(&self) -> &[i32] {
        &self.lengths[..self.count]
    }

    /// How many elements there are. On the wire it is a claim: nothing may be allocated by it.
    pub(super) fn product(&self) -> Result<usize, Fault> {
        if self.count == 0 {
            return Ok(0);
        }
        self.as_slice()
            .iter()
            .try_fold(1usize, |product, length| {
                product.checked_mul(usize::try_from(*length).ok()?)
            })
            .ok_or(Fault::Malformed("an array has an impossible size"))
    }
}

/// Reads up to the first element of a binary array and checks that the elements are of the type.
pub(super) fn open(reader: &mut Reader<'_>, element: u32) -> Result<Lengths, Fault> {
    let dimensions = reader.count()?;
    let has_null = reader.i32()?;
    if !(0..=1).contains(&has_null) {
        return Err(Fault::Malformed("an array has unknown flags"));
    }
    if reader.u32()? != element {
        return Err(Fault::Malformed("an array has elements of another type"));
    }
    let mut lengths = Lengths::default();
    for _ in 0..dimensions {
        lengths.push(reader.i32()?)?;
        let _lower_bound = reader.i32()?;
    }
    Ok(lengths)
}

/// `values` in the order of Arrow, and `dimensions`, null where there is only one.
pub(super) fn struct_fields(item: FieldRef) -> Fields {
    vec![
        Field::new("values", DataType::List(item), true),
        Field::new("dimensions", DataType::List(length_field()), true),
    ]
    .into()
}

/// One of the `dimensions`.
pub(super) fn length_field() -> FieldRef {
    Arc::new(Field::new("item", DataType::Int32, true))
}
