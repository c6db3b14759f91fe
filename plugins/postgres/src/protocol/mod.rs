//! The wire format of PostgreSQL's protocol 3.0, without any input or output.
//!
//! [`frame`] cuts the server's byte stream into messages, [`backend`] reads one message, [`fields`] reads the
//! fields of errors and notices. What the client sends is written by `postgres-protocol`; what the server
//! sends is read here, so that rows are decoded from where they arrived, without a copy per message.
//!
//! Nothing in here panics on what a server sends; every entry point takes arbitrary bytes.

pub mod backend;
pub mod fields;
pub mod frame;

/// What the server sent is not of the protocol. The session can't go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// A message type that does not exist, or not in the direction to the client.
    UnknownMessage(u8),
    /// A length that is impossible for its message.
    Length { message: u8, length: u32 },
    /// A message that is longer than this program has memory for.
    TooLarge { length: usize },
    /// A message that ends before its last field.
    Truncated(u8),
    /// Text that is not UTF-8, though the session's encoding is.
    Text(u8),
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = |tag: u8| char::from(tag).escape_default();
        match *self {
            Self::UnknownMessage(tag) => write!(f, "unknown message type '{}'", name(tag)),
            Self::Length { message, length } => {
                write!(f, "length {length} of message '{}'", name(message))
            }
            Self::TooLarge { length } => write!(f, "no memory for a message of {length} bytes"),
            Self::Truncated(tag) => write!(f, "message '{}' is cut short", name(tag)),
            Self::Text(tag) => write!(f, "text of message '{}' is not UTF-8", name(tag)),
        }
    }
}

impl std::error::Error for Malformed {}

/// Takes fields off the front of a message body, bounds checked.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    tag: u8,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(tag: u8, body: &'a [u8]) -> Self {
        Self { tag, rest: body }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Malformed::Truncated(self.tag))?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(Malformed::Truncated(self.tag))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, Malformed> {
        self.array().map(i16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_be_bytes)
    }

    /// Bytes up to a NUL, which is taken too.
    pub(crate) fn c_bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let end = self
            .rest
            .iter()
            .position(|&byte| byte == 0)
            .ok_or(Malformed::Truncated(self.tag))?;
        let text = self.take(end)?;
        self.take(1)?;
        Ok(text)
    }

    /// Text up to a NUL, which is taken too.
    pub(crate) fn c_str(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.c_bytes()?).map_err(|_| Malformed::Text(self.tag))
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }
}
