//! The builder of text columns from bytes that a server sent.
//!
//! Arrow's own builder takes `&str`, which means a full UTF-8 check of every short value. Here a value
//! is only asked whether it is ASCII, which is a few times as fast; what is not is checked in full. When
//! the column is handed out Arrow checks the whole of it once more, at the speed of memory.

use arrow_array::StringArray;
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};

/// A value that should be text is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotUtf8;

/// The most bytes of room that a batch leaves for the next: one huge value says nothing about it.
const MOST_ROOM: usize = 2 << 20;

/// Texts of one column. The caller sees to it that they stay within 32-bit offsets.
pub struct Strings {
    data: Vec<u8>,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Default for Strings {
    fn default() -> Self {
        Self::new()
    }
}

impl Strings {
    /// An empty column, without room.
    pub fn new() -> Self {
        Self {
            data: Vec::new(),
            offsets: vec![0],
            nulls: NullBufferBuilder::new(0),
        }
    }

    /// Appends what must be UTF-8.
    ///
    /// # Errors
    /// It is not. Nothing was appended.
    #[inline]
    pub fn append(&mut self, value: &[u8]) -> Result<(), NotUtf8> {
        if !value.is_ascii() && std::str::from_utf8(value).is_err() {
            return Err(NotUtf8);
        }
        self.data.extend_from_slice(value);
        self.close();
        self.nulls.append_non_null();
        Ok(())
    }

    /// Appends a NULL.
    pub fn append_null(&mut self) {
        self.close();
        self.nulls.append_null();
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn close(&mut self) {
        // The caller counts every byte that comes here.
        #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
        self.offsets.push(self.data.len() as i32);
    }

    /// Hands the texts out and starts again, with room for as many, within reason.
    pub fn finish(&mut self) -> StringArray {
        let mut offsets = Vec::with_capacity(self.offsets.len());
        offsets.push(0);
        let data = Vec::with_capacity(self.data.len().min(MOST_ROOM));
        let data = std::mem::replace(&mut self.data, data);
        let offsets = std::mem::replace(&mut self.offsets, offsets);
        StringArray::new(
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Buffer::from_vec(data),
            self.nulls.finish(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_nulls_come_out_in_their_order_and_a_value_that_is_no_text_is_refused() {
        let mut strings = Strings::new();
        strings.append("é".as_bytes()).expect("text");
        strings.append_null();
        assert_eq!(strings.append(b"\xFF"), Err(NotUtf8));
        strings.append(b"").expect("text");
        assert_eq!(strings.len(), 3);
        let array = strings.finish();
        assert_eq!(
            array.iter().collect::<Vec<_>>(),
            [Some("é"), None, Some("")]
        );
        assert!(strings.is_empty());
    }
}
