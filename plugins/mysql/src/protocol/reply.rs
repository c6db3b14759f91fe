//! What answers a command: OK, an error, the columns of a result, its end.

use super::{Malformed, Reader};

/// Flags of [`Column::flags`].
pub mod column_flag {
    pub const NOT_NULL: u16 = 1;
    pub const UNSIGNED: u16 = 1 << 5;
    pub const ZEROFILL: u16 = 1 << 6;
    pub const ENUM: u16 = 1 << 8;
    pub const SET: u16 = 1 << 11;
}

/// Status: another result follows this one.
pub const MORE_RESULTS: u16 = 1 << 3;
/// Status: a transaction is open.
pub const IN_TRANSACTION: u16 = 1;

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Done, without a result; the status.
    Ok(u16),
    Error(ServerError),
    /// The server asks for a file of this machine.
    LocalFile,
    /// So many columns follow, then rows.
    Columns(u64),
}

impl Reply {
    /// Reads the first packet that answers a statement.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(payload: &[u8]) -> Result<Self, Malformed> {
        match payload.first() {
            Some(0x00) => ok_status(payload).map(Self::Ok),
            Some(0xFF) => ServerError::parse(payload).map(Self::Error),
            Some(0xFB) => Ok(Self::LocalFile),
            Some(_) => {
                let mut reader = Reader::new("the head of a result", payload);
                let count = reader.lenenc()?;
                if count == 0 || count > 65_535 {
                    return Err(Malformed::Invalid(
                        "a result has an impossible count of columns",
                    ));
                }
                Ok(Self::Columns(count))
            }
            None => Err(Malformed::Truncated("an answer")),
        }
    }
}

/// The status in an OK packet, whatever its first byte.
///
/// # Errors
/// It is cut short.
pub fn ok_status(payload: &[u8]) -> Result<u16, Malformed> {
    let mut reader = Reader::new("an OK packet", payload);
    reader.u8()?;
    // Rows affected, and the last id.
    reader.lenenc()?;
    reader.lenenc()?;
    reader.u16()
}

/// The end of a result's rows. `None`: the payload is a row, or an error. The rows of the text protocol can
/// start with the same byte, but then they have 16 MiB and more.
///
/// # Errors
/// It is cut short.
pub fn end_of_rows(payload: &[u8], deprecate_eof: bool) -> Result<Option<u16>, Malformed> {
    if payload.first() != Some(&0xFE) || payload.len() >= super::MAX_PACKET {
        return Ok(None);
    }
    if deprecate_eof {
        return ok_status(payload).map(Some);
    }
    if payload.len() >= 9 {
        return Ok(None);
    }
    let mut reader = Reader::new("an EOF packet", payload);
    reader.u8()?;
    reader.u16()?;
    reader.u16().map(Some)
}

/// An error of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    pub number: u16,
    /// Empty before the login.
    pub sqlstate: String,
    pub message: String,
}

impl ServerError {
    /// Reads a packet that starts with 0xFF.
    ///
    /// # Errors
    /// It is cut short.
    pub fn parse(payload: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new("an error", payload);
        if reader.u8()? != 0xFF {
            return Err(Malformed::Invalid("an error does not start as one"));
        }
        let number = reader.u16()?;
        let rest = reader.rest();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(match rest.split_first_chunk::<6>() {
            Some(([b'#', state @ ..], message)) => Self {
                number,
                sqlstate: text(state),
                message: text(message),
            },
            _ => Self {
                number,
                sqlstate: String::new(),
                message: text(rest),
            },
        })
    }
}

/// What a PREPARE is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrepareOk {
    pub statement: u32,
    pub columns: u16,
    pub parameters: u16,
}

impl PrepareOk {
    /// Reads it.
    ///
    /// # Errors
    /// It is cut short, or an error.
    pub fn parse(payload: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new("the answer to a preparation", payload);
        if reader.u8()? != 0 {
            return Err(Malformed::Invalid(
                "a preparation is answered by something else",
            ));
        }
        Ok(Self {
            statement: reader.u32()?,
            columns: reader.u16()?,
            parameters: reader.u16()?,
        })
    }
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column {
    pub name: String,
    pub character_set: u16,
    /// In bytes, of the longest value as text.
    pub length: u32,
    /// The number of its type.
    pub kind: u8,
    /// Of [`column_flag`].
    pub flags: u16,
    pub decimals: u8,
    /// MariaDB's name of the type, where it has one beside the number: `uuid`, `inet6`, `point`.
    pub type_name: Option<String>,
    /// MariaDB's format of the text: `json`.
    pub format: Option<String>,
}

impl Column {
    /// Reads it.
    ///
    /// # Errors
    /// It is cut short, or a name is not UTF-8.
    pub fn parse(payload: &[u8], extended: bool) -> Result<Self, Malformed> {
        let mut reader = Reader::new("a column", payload);
        // Catalogue, schema, table and its own name.
        for _ in 0..4 {
            reader.lenenc_bytes()?;
        }
        let name = text(reader.lenenc_bytes()?)?;
        reader.lenenc_bytes()?;
        let (mut type_name, mut format) = (None, None);
        if extended {
            let mut entries = Reader::new("a column", reader.lenenc_bytes()?);
            while !entries.is_empty() {
                let kind = entries.u8()?;
                let value = text(entries.lenenc_bytes()?)?;
                match kind {
                    0 => type_name = Some(value),
                    1 => format = Some(value),
                    _ => {}
                }
            }
        }
        let mut fixed = Reader::new("a column", reader.lenenc_bytes()?);
        Ok(Self {
            name,
            character_set: fixed.u16()?,
            length: fixed.u32()?,
            kind: fixed.u8()?,
            flags: fixed.u16()?,
            decimals: fixed.u8()?,
            type_name,
            format,
        })
    }

    /// Whether a flag of [`column_flag`] is set.
    pub const fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

fn text(bytes: &[u8]) -> Result<String, Malformed> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| Malformed::Invalid("a name is not UTF-8"))
}

/// The values of a row of the text protocol.
///
/// # Errors
/// It is cut short, or has bytes after its end.
pub fn text_row(payload: &[u8], columns: usize) -> Result<Vec<Option<String>>, Malformed> {
    let mut reader = Reader::new("a row", payload);
    let mut row = Vec::new();
    for _ in 0..columns {
        row.push(if reader.rest().first() == Some(&0xFB) {
            reader.u8()?;
            None
        } else {
            Some(String::from_utf8_lossy(reader.lenenc_bytes()?).into_owned())
        });
    }
    if !reader.is_empty() {
        return Err(Malformed::Invalid("a row has more values than columns"));
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::put_lenenc_bytes;
    use super::*;

    fn column(extended: Option<&[u8]>) -> Vec<u8> {
        let mut packet = Vec::new();
        for text in ["def", "shop", "o", "orders", "Données", "data"] {
            put_lenenc_bytes(text.as_bytes(), &mut packet);
        }
        if let Some(extended) = extended {
            put_lenenc_bytes(extended, &mut packet);
        }
        packet.extend([12, 45, 0, 0xFF, 0, 0, 0, 252, 0x10, 0, 0, 0, 0]);
        packet
    }

    #[test]
    fn a_column_says_its_format_where_both_sides_can() {
        let read = Column::parse(&column(Some(b"\x01\x04json\x07\x01x")), true).expect("valid");
        assert_eq!(read.name, "Données");
        assert_eq!(read.format.as_deref(), Some("json"));
        assert_eq!((read.kind, read.character_set, read.length), (252, 45, 255));
        let plain = Column::parse(&column(None), false).expect("valid");
        assert_eq!(plain.format, None);
        assert_eq!(plain.kind, 252);
    }

    #[test]
    fn an_error_has_its_state_only_after_the_login() {
        assert_eq!(
            ServerError::parse(b"\xFF\x28\x04#42000You have an error"),
            Ok(ServerError {
                number: 1064,
                sqlstate: "42000".to_owned(),
                message: "You have an error".to_owned()
            })
        );
        assert_eq!(
            ServerError::parse(b"\xFF\x10\x04Too many connections").map(|error| error.message),
            Ok("Too many connections".to_owned())
        );
    }

    #[test]
    fn the_end_of_rows_is_told_from_a_row() {
        assert_eq!(end_of_rows(&[0xFE, 0, 0, 2, 0, 0, 0], true), Ok(Some(2)));
        assert_eq!(end_of_rows(&[0xFE, 0, 0, 2, 0], false), Ok(Some(2)));
        assert_eq!(end_of_rows(&[0, 0, 1], true), Ok(None));
        let mut row = vec![0xFE];
        row.resize(super::super::MAX_PACKET, 0);
        assert_eq!(end_of_rows(&row, true), Ok(None));
    }

    proptest! {
        #[test]
        fn arbitrary_payloads_never_panic(payload in prop::collection::vec(any::<u8>(), 0..60), flag in any::<bool>()) {
            let _ = Reply::parse(&payload);
            let _ = Column::parse(&payload, flag);
            let _ = PrepareOk::parse(&payload);
            let _ = ServerError::parse(&payload);
            let _ = end_of_rows(&payload, flag);
            let _ = text_row(&payload, 3);
        }
    }
}
