//! The wire format of MySQL's client/server protocol, without any input or output.
//!
//! [`frame`] cuts the server's byte stream into packets, [`handshake`] reads and writes those of the
//! beginning, [`reply`] those that answer a command, [`command`] writes commands.
//!
//! Nothing in here panics on what a server sends; every entry point takes arbitrary bytes.

pub mod command;
pub mod frame;
pub mod handshake;
pub mod reply;

/// Bits of the capabilities that both sides announce.
pub mod capability {
    /// Set by MySQL. A server that leaves it out is MariaDB and has extended capabilities.
    pub const LONG_PASSWORD: u32 = 1;
    pub const LONG_FLAG: u32 = 1 << 2;
    pub const CONNECT_WITH_DB: u32 = 1 << 3;
    pub const PROTOCOL_41: u32 = 1 << 9;
    pub const SSL: u32 = 1 << 11;
    pub const TRANSACTIONS: u32 = 1 << 13;
    pub const SECURE_CONNECTION: u32 = 1 << 15;
    pub const PLUGIN_AUTH: u32 = 1 << 19;
    pub const CONNECT_ATTRS: u32 = 1 << 20;
    pub const PLUGIN_AUTH_LENENC: u32 = 1 << 21;
    pub const DEPRECATE_EOF: u32 = 1 << 24;
    /// Among MariaDB's extended capabilities: columns say `format=json`, `type=uuid`.
    pub const MARIADB_EXTENDED_METADATA: u32 = 1 << 3;
}

/// The longest payload of one packet; one that is exactly as long is continued in the next.
pub const MAX_PACKET: usize = 0xFF_FFFF;

/// What the server sent is not of the protocol. The session can't go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A packet with another number than the next one's.
    #[error("packet {got} came in place of packet {expected}")]
    OutOfOrder { expected: u8, got: u8 },
    /// A packet longer than can be at this point.
    #[error("a packet of {length} bytes is too long here")]
    TooLong { length: usize },
    /// A packet that is longer than this program has memory for.
    #[error("no memory for a packet of {length} bytes")]
    TooLarge { length: usize },
    /// A packet that ends before its last field.
    #[error("{0} is cut short")]
    Truncated(&'static str),
    /// A packet with a field that can't have that value.
    #[error("{0}")]
    Invalid(&'static str),
}

/// Takes fields off the front of a payload, bounds checked.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    packet: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Over a payload; `packet` names it in errors.
    pub(crate) const fn new(packet: &'static str, payload: &'a [u8]) -> Self {
        Self {
            packet,
            rest: payload,
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Malformed::Truncated(self.packet))?;
        self.rest = rest;
        Ok(head)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(Malformed::Truncated(self.packet))?;
        self.rest = rest;
        Ok(*head)
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    /// A number of 1, 3, 4 or 9 bytes.
    #[inline]
    pub(crate) fn lenenc(&mut self) -> Result<u64, Malformed> {
        match self.u8()? {
            short @ 0..=0xFA => Ok(short.into()),
            0xFC => self.u16().map(u64::from),
            0xFD => self
                .array::<3>()
                .map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]).into()),
            0xFE => self.array().map(u64::from_le_bytes),
            _ => Err(Malformed::Invalid("a length has an impossible first byte")),
        }
    }

    /// A length and that many bytes.
    #[inline]
    pub(crate) fn lenenc_bytes(&mut self) -> Result<&'a [u8], Malformed> {
        // Nearly every value of a row is short.
        if let Some((&length @ 0..=0xFA, rest)) = self.rest.split_first() {
            self.rest = rest;
            return self.take(length.into());
        }
        let length =
            usize::try_from(self.lenenc()?).map_err(|_| Malformed::Truncated(self.packet))?;
        self.take(length)
    }

    /// Bytes up to a NUL, which is taken too.
    pub(crate) fn c_bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let end = self
            .rest
            .iter()
            .position(|&byte| byte == 0)
            .ok_or(Malformed::Truncated(self.packet))?;
        let text = self.take(end)?;
        self.take(1)?;
        Ok(text)
    }

    pub(crate) const fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.rest.is_empty()
    }
}

/// Appends a number in 1, 3, 4 or 9 bytes.
pub(crate) fn put_lenenc(number: u64, out: &mut Vec<u8>) {
    let bytes = number.to_le_bytes();
    match number {
        0..=0xFA => out.push(bytes[0]),
        0xFB..=0xFFFF => {
            out.push(0xFC);
            out.extend_from_slice(&bytes[..2]);
        }
        0x1_0000..=0xFF_FFFF => {
            out.push(0xFD);
            out.extend_from_slice(&bytes[..3]);
        }
        _ => {
            out.push(0xFE);
            out.extend_from_slice(&bytes);
        }
    }
}

/// Appends a length and the bytes.
pub(crate) fn put_lenenc_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_lenenc(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_reads_back_as_itself(number in prop_oneof![any::<u64>(), 0..70_000_u64, 0xFF_FF00..0x100_0100_u64]) {
            let mut out = Vec::new();
            put_lenenc(number, &mut out);
            let mut reader = Reader::new("a test", &out);
            prop_assert_eq!(reader.lenenc(), Ok(number));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn bytes_read_back_as_themselves(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut out = Vec::new();
            put_lenenc_bytes(&bytes, &mut out);
            let mut reader = Reader::new("a test", &out);
            prop_assert_eq!(reader.lenenc_bytes(), Ok(bytes.as_slice()));
            prop_assert!(reader.is_empty());
        }
    }

    #[test]
    fn a_length_beyond_the_packet_is_refused() {
        for payload in [
            &[5, 1, 2][..],
            &[0xFC, 0xFF],
            &[0xFE; 9],
            &[0xFB],
            &[0xFF, 1],
            &[],
        ] {
            assert!(
                Reader::new("a test", payload).lenenc_bytes().is_err(),
                "{payload:?}"
            );
        }
    }
}
