//! The frame of a binary array: dimensions, then elements.

use super::error::Fault;
use super::wire::Reader;

/// PostgreSQL's own limit.
const MAX_DIMENSIONS: usize = 6;

/// What stands before the elements.
pub(super) struct Header {
    /// 0 for an empty array.
    pub(super) dimensions: usize,
    /// In all dimensions together. A claim: nothing may be allocated by it.
    pub(super) elements: usize,
}

/// Reads up to the first element and checks that the elements are of the expected type.
pub(super) fn open(reader: &mut Reader<'_>, element: u32) -> Result<Header, Fault> {
    let dimensions = reader.count()?;
    if dimensions > MAX_DIMENSIONS {
        return Err(Fault::Malformed("an array has too many dimensions"));
    }
    let has_null = reader.i32()?;
    if !(0..=1).contains(&has_null) {
        return Err(Fault::Malformed("an array has unknown flags"));
    }
    if reader.u32()? != element {
        return Err(Fault::Malformed("an array has elements of another type"));
    }
    let mut elements = usize::from(dimensions > 0);
    for _ in 0..dimensions {
        elements = elements
            .checked_mul(reader.count()?)
            .ok_or(Fault::Malformed("an array has too many elements"))?;
        let _lower_bound = reader.i32()?;
    }
    Ok(Header {
        dimensions,
        elements,
    })
}
