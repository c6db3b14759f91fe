//! A place in bytes, moved by what is read.

use super::{MAX_ITEMS, RowError};

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], RowError> {
        let end = self.at.checked_add(length).ok_or(RowError::Short)?;
        let taken = self.bytes.get(self.at..end).ok_or(RowError::Short)?;
        self.at = end;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], RowError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn byte(&mut self) -> Result<u8, RowError> {
        Ok(self.take(1)?[0])
    }

    /// Whether a value is NULL, or a boolean.
    pub(super) fn flag(&mut self) -> Result<bool, RowError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(RowError::malformed(format!("the flag {other}"))),
        }
    }

    /// A number in groups of seven bits.
    fn varint(&mut self) -> Result<u64, RowError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let group = u64::from(byte & 0x7f);
            if shift == 63 && group > 1 {
                break;
            }
            number |= group << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(RowError::malformed("a number of more than 64 bits"))
    }

    /// How many items follow.
    pub(super) fn count(&mut self) -> Result<usize, RowError> {
        match self.varint()? {
            count if count <= MAX_ITEMS => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
            count => Err(RowError::malformed(format!("a value of {count} items"))),
        }
    }

    /// Bytes after their number.
    pub(super) fn string(&mut self) -> Result<&'a [u8], RowError> {
        let length = self.varint()?;
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= i32::MAX.cast_unsigned() as usize)
            .ok_or_else(|| RowError::malformed(format!("a text of {length} bytes")))?;
        self.take(length)
    }
}
