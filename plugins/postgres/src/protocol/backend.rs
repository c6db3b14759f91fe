//! One message of the server, from its type and body.

use super::fields::{self, Fields};
use super::{Malformed, Reader};

/// What the server wants in order to authenticate the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication<'a> {
    Ok,
    Cleartext,
    Md5 {
        salt: [u8; 4],
    },
    /// The mechanisms on offer, best first.
    Sasl(Vec<&'a str>),
    SaslContinue(&'a [u8]),
    SaslFinal(&'a [u8]),
    /// A method that this connector does not have: its number.
    Other(u32),
}

/// Whether the session is in a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Idle,
    InTransaction,
    /// In a transaction that can only be rolled back.
    Failed,
}

/// A column of a result, as `RowDescription` gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column<'a> {
    pub name: &'a str,
    pub type_oid: u32,
    pub type_modifier: i32,
}

/// A message of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    Authentication(Authentication<'a>),
    /// What a cancel request has to name.
    BackendKeyData {
        process: i32,
        key: &'a [u8],
    },
    BindComplete,
    CloseComplete,
    CommandComplete(&'a str),
    /// The server wants to copy, in either direction.
    Copy,
    CopyData,
    CopyDone,
    /// The body, for the row decoder.
    DataRow(&'a [u8]),
    EmptyQuery,
    Error(Fields),
    NegotiateVersion,
    NoData,
    Notice(Fields),
    Notification,
    ParameterDescription(Vec<u32>),
    ParameterStatus {
        name: &'a str,
        value: &'a str,
    },
    ParseComplete,
    PortalSuspended,
    ReadyForQuery(Status),
    RowDescription(Vec<Column<'a>>),
}

/// Reads a message.
///
/// # Errors
/// The body is not of the message's shape. Bytes after the last field are ignored.
pub fn parse(tag: u8, body: &[u8]) -> Result<Message<'_>, Malformed> {
    let mut reader = Reader::new(tag, body);
    Ok(match tag {
        b'1' => Message::ParseComplete,
        b'2' => Message::BindComplete,
        b'3' => Message::CloseComplete,
        b'A' => Message::Notification,
        b'C' => Message::CommandComplete(reader.c_str()?),
        b'D' => Message::DataRow(body),
        b'E' => Message::Error(fields::parse(tag, body)?),
        b'G' | b'H' | b'W' => Message::Copy,
        b'I' => Message::EmptyQuery,
        b'K' => Message::BackendKeyData {
            process: reader.i32()?,
            key: reader.rest(),
        },
        b'N' => Message::Notice(fields::parse(tag, body)?),
        b'R' => Message::Authentication(authentication(reader)?),
        b'S' => Message::ParameterStatus {
            name: reader.c_str()?,
            value: reader.c_str()?,
        },
        b'T' => Message::RowDescription(columns(reader)?),
        b'Z' => Message::ReadyForQuery(match reader.u8()? {
            b'I' => Status::Idle,
            b'T' => Status::InTransaction,
            b'E' => Status::Failed,
            _ => return Err(Malformed::Truncated(tag)),
        }),
        b'c' => Message::CopyDone,
        b'd' => Message::CopyData,
        b'n' => Message::NoData,
        b's' => Message::PortalSuspended,
        b't' => {
            let count = reader.u16()?;
            let oids = (0..count).map(|_| reader.u32()).collect::<Result<_, _>>()?;
            Message::ParameterDescription(oids)
        }
        b'v' => Message::NegotiateVersion,
        other => return Err(Malformed::UnknownMessage(other)),
    })
}

fn authentication(mut reader: Reader<'_>) -> Result<Authentication<'_>, Malformed> {
    Ok(match reader.u32()? {
        0 => Authentication::Ok,
        3 => Authentication::Cleartext,
        5 => Authentication::Md5 {
            salt: reader.u32()?.to_be_bytes(),
        },
        10 => {
            let mut mechanisms = Vec::new();
            loop {
                match reader.c_str()? {
                    "" => break,
                    name => mechanisms.push(name),
                }
            }
            Authentication::Sasl(mechanisms)
        }
        11 => Authentication::SaslContinue(reader.rest()),
        12 => Authentication::SaslFinal(reader.rest()),
        other => Authentication::Other(other),
    })
}

fn columns(mut reader: Reader<'_>) -> Result<Vec<Column<'_>>, Malformed> {
    let count = reader.u16()?;
    // The announced number is not trusted with an allocation.
    let mut columns = Vec::new();
    for _ in 0..count {
        let name = reader.c_str()?;
        let _table = reader.u32()?;
        let _attribute = reader.i16()?;
        let type_oid = reader.u32()?;
        let _size = reader.i16()?;
        let type_modifier = reader.i32()?;
        let _format = reader.i16()?;
        columns.push(Column {
            name,
            type_oid,
            type_modifier,
        });
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_description_gives_names_types_and_modifiers() {
        let body = b"\0\x02a\0\0\0\x40\0\0\x01\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0\
                     \xc3\xa9\0\0\0\0\0\0\0\0\0\x06\xa4\xff\xff\0\x0a\0\x06\0\0";
        assert_eq!(
            parse(b'T', body),
            Ok(Message::RowDescription(vec![
                Column {
                    name: "a",
                    type_oid: 23,
                    type_modifier: -1
                },
                Column {
                    name: "é",
                    type_oid: 1700,
                    type_modifier: 0x000a_0006
                },
            ]))
        );
        assert_eq!(
            parse(b'T', &body[..body.len() - 1]),
            Err(Malformed::Truncated(b'T'))
        );
    }

    #[test]
    fn sasl_mechanisms_end_with_an_empty_name() {
        assert_eq!(
            parse(b'R', b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"),
            Ok(Message::Authentication(Authentication::Sasl(vec![
                "SCRAM-SHA-256-PLUS",
                "SCRAM-SHA-256"
            ])))
        );
        assert_eq!(
            parse(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0"),
            Err(Malformed::Truncated(b'R'))
        );
    }

    #[test]
    fn a_status_that_does_not_exist_is_refused() {
        assert_eq!(
            parse(b'Z', b"E"),
            Ok(Message::ReadyForQuery(Status::Failed))
        );
        assert!(parse(b'Z', b"X").is_err());
        assert!(parse(b'Z', b"").is_err());
    }

    #[test]
    fn a_key_of_any_length_is_kept_for_cancelling() {
        assert_eq!(
            parse(b'K', b"\0\0\0\x07abcdef"),
            Ok(Message::BackendKeyData {
                process: 7,
                key: b"abcdef"
            })
        );
    }
}
