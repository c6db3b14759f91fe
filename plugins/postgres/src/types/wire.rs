//! Reading big-endian fields off a value without ever reading past its end.

use super::error::Fault;

/// The bytes of a value that are not read yet.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (head, tail) = self
            .0
            .split_at_checked(length)
            .ok_or(Fault::Malformed("the value ends early"))?;
        self.0 = tail;
        Ok(head)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (head, tail) = self
            .0
            .split_first_chunk()
            .ok_or(Fault::Malformed("the value ends early"))?;
        self.0 = tail;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Fault> {
        self.fixed().map(u16::from_be_bytes)
    }

    pub(super) fn i16(&mut self) -> Result<i16, Fault> {
        self.fixed().map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Fault> {
        self.fixed().map(i32::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        self.fixed().map(u32::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, Fault> {
        self.fixed().map(i64::from_be_bytes)
    }

    /// A count that PostgreSQL writes as a signed integer.
    pub(super) fn count(&mut self) -> Result<usize, Fault> {
        usize::try_from(self.i32()?).map_err(|_| Fault::Malformed("a count is negative"))
    }

    /// A length and that many bytes; the length −1 stands for null.
    pub(super) fn nullable(&mut self) -> Result<Option<&'a [u8]>, Fault> {
        match self.i32()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length)
                    .map_err(|_| Fault::Malformed("a length is negative"))?;
                self.take(length).map(Some)
            }
        }
    }

    /// Succeeds when every byte was read.
    pub(super) const fn end(self) -> Result<(), Fault> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Fault::Malformed("the value has bytes after its end"))
        }
    }
}

/// A value of exactly `N` bytes.
pub(super) fn exactly<const N: usize>(value: &[u8]) -> Result<[u8; N], Fault> {
    value
        .try_into()
        .map_err(|_| Fault::Malformed("the value has the wrong length"))
}

/// A value that is text.
pub(super) fn utf8(value: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(value).map_err(|_| Fault::NotUtf8)
}
