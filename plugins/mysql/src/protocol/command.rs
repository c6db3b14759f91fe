//! Writing what a client sends: packets, and the commands in them.

use super::MAX_PACKET;

const QUIT: u8 = 0x01;
const INIT_DB: u8 = 0x02;
const QUERY: u8 = 0x03;
const STMT_PREPARE: u8 = 0x16;
const STMT_EXECUTE: u8 = 0x17;
const STMT_CLOSE: u8 = 0x19;
const RESET_CONNECTION: u8 = 0x1F;

/// MariaDB's number for the statement that was prepared last. If preparing it failed there is none, and the
/// execution is an error.
pub const LAST_PREPARED: u32 = u32::MAX;

/// The type of a parameter, as the protocol numbers it.
pub mod parameter {
    pub const TINY: u8 = 1;
    pub const DOUBLE: u8 = 5;
    pub const NULL: u8 = 6;
    pub const LONGLONG: u8 = 8;
    pub const DATE: u8 = 10;
    pub const DATETIME: u8 = 12;
    pub const NEWDECIMAL: u8 = 246;
    pub const BLOB: u8 = 252;
    pub const VAR_STRING: u8 = 253;
}

/// A parameter as an execution carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// One of [`parameter`].
    pub kind: u8,
    pub unsigned: bool,
    /// In the binary form of its type, with its length where the form has one; empty for NULL.
    pub bytes: Vec<u8>,
}

/// Appends a payload as packets, the first of this number. Gives how many there are, modulo 256.
pub fn packets(number: u8, payload: &[u8], out: &mut Vec<u8>) -> u8 {
    let mut parts = 0_u8;
    let mut rest = payload;
    loop {
        let (now, later) = rest.split_at(rest.len().min(MAX_PACKET));
        #[expect(clippy::cast_possible_truncation)] // at most 24 bits
        let length = (now.len() as u32).to_le_bytes();
        out.extend_from_slice(&length[..3]);
        out.push(number.wrapping_add(parts));
        out.extend_from_slice(now);
        parts = parts.wrapping_add(1);
        // A full packet says that another follows, if only an empty one.
        if now.len() < MAX_PACKET {
            return parts;
        }
        rest = later;
    }
}

/// A statement as text, for a result as text.
pub fn query(sql: &str, out: &mut Vec<u8>) -> u8 {
    text(QUERY, sql, out)
}

/// Has the server parse a statement.
pub fn prepare(sql: &str, out: &mut Vec<u8>) -> u8 {
    text(STMT_PREPARE, sql, out)
}

fn text(command: u8, sql: &str, out: &mut Vec<u8>) -> u8 {
    let mut payload = Vec::with_capacity(sql.len() + 1);
    payload.push(command);
    payload.extend_from_slice(sql.as_bytes());
    packets(0, &payload, out)
}

/// Runs a prepared statement, without a cursor: the server sends rows as it finds them.
pub fn execute(statement: u32, parameters: &[Bound], out: &mut Vec<u8>) -> u8 {
    let bytes: usize = parameters.iter().map(|bound| bound.bytes.len() + 3).sum();
    let mut payload = Vec::with_capacity(16 + bytes);
    payload.push(STMT_EXECUTE);
    payload.extend_from_slice(&statement.to_le_bytes());
    payload.push(0);
    payload.extend_from_slice(&1_u32.to_le_bytes());
    if !parameters.is_empty() {
        let nulls = payload.len();
        payload.resize(nulls + parameters.len().div_ceil(8), 0);
        for (index, bound) in parameters.iter().enumerate() {
            if bound.kind == parameter::NULL {
                payload[nulls + index / 8] |= 1 << (index % 8);
            }
        }
        // Types follow.
        payload.push(1);
        for bound in parameters {
            payload.extend_from_slice(&[bound.kind, if bound.unsigned { 0x80 } else { 0 }]);
        }
        for bound in parameters {
            payload.extend_from_slice(&bound.bytes);
        }
    }
    packets(0, &payload, out)
}

/// Forgets a prepared statement. The server does not answer.
pub fn close(statement: u32, out: &mut Vec<u8>) {
    let [a, b, c, d] = statement.to_le_bytes();
    packets(0, &[STMT_CLOSE, a, b, c, d], out);
}

/// Makes the session as new.
pub fn reset(out: &mut Vec<u8>) -> u8 {
    packets(0, &[RESET_CONNECTION], out)
}

/// Makes a database the one in which names are looked up.
pub fn use_database(name: &str, out: &mut Vec<u8>) -> u8 {
    packets(0, &[&[INIT_DB], name.as_bytes()].concat(), out)
}

/// Ends the session. The server does not answer.
pub fn quit(out: &mut Vec<u8>) {
    packets(0, &[QUIT], out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_carries_its_nulls_types_and_values_in_their_order() {
        let bound = |kind, unsigned, bytes: &[u8]| Bound {
            kind,
            unsigned,
            bytes: bytes.to_vec(),
        };
        let mut out = Vec::new();
        let parts = execute(
            7,
            &[
                bound(parameter::LONGLONG, true, &5_u64.to_le_bytes()),
                bound(parameter::NULL, false, &[]),
                bound(parameter::VAR_STRING, false, b"\x02ab"),
            ],
            &mut out,
        );
        assert_eq!(parts, 1);
        assert_eq!(
            out,
            [
                &[29, 0, 0, 0, 0x17, 7, 0, 0, 0, 0, 1, 0, 0, 0, 0b010, 1][..],
                &[8, 0x80, 6, 0, 253, 0],
                &[5, 0, 0, 0, 0, 0, 0, 0, 2, b'a', b'b'],
            ]
            .concat()
        );
    }

    #[test]
    fn an_execution_without_parameters_has_no_room_for_them() {
        let mut out = Vec::new();
        execute(1, &[], &mut out);
        assert_eq!(out, [10, 0, 0, 0, 0x17, 1, 0, 0, 0, 0, 1, 0, 0, 0]);
    }
}
