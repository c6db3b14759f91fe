//! The builder of text columns.
//!
//! Arrow's own builder takes `&str`, which means a full UTF-8 check of every short value. Here a value
//! is only asked whether it is ASCII, which is a few times as fast; what is not is checked in full. When
//! the column is handed out Arrow checks the whole of it once more, at the speed of memory.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};

use super::error::Fault;

/// The most bytes of room that a batch leaves for the next: one huge value says nothing about it.
const MOST_ROOM: usize = 2 << 20;

/// Texts of one column. The caller sees to it that they stay within 32-bit offsets.
pub(super) struct Strings {
    data: Vec<u8>,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Strings {
    pub(super) fn new() -> Self {
        Self {
            data: Vec::new(),
            offsets: vec![0],
            nulls: NullBufferBuilder::new(0),
        }
    }

    /// Appends what must be UTF-8.
    pub(super) fn append(&mut self, value: &[u8]) -> Result<(), Fault> {
        if !value.is_ascii() && std::str::from_utf8(value).is_err() {
            return Err(Fault::NotUtf8);
        }
        self.data.extend_from_slice(value);
        self.close();
        self.nulls.append_non_null();
        Ok(())
    }

    pub(super) fn append_null(&mut self) {
        self.close();
        self.nulls.append_null();
    }

    fn close(&mut self) {
        // Bounded by the meter of the batch, which counts every byte that comes here.
        #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
        self.offsets.push(self.data.len() as i32);
    }

    /// Hands the texts out and starts again, with room for as many, within reason.
    pub(super) fn finish(&mut self) -> ArrayRef {
        let mut offsets = Vec::with_capacity(self.offsets.len());
        offsets.push(0);
        let data = Vec::with_capacity(self.data.len().min(MOST_ROOM));
        let data = std::mem::replace(&mut self.data, data);
        let offsets = std::mem::replace(&mut self.offsets, offsets);
        Arc::new(StringArray::new(
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Buffer::from_vec(data),
            self.nulls.finish(),
        ))
    }
}
