//! From MySQL's binary values to Arrow columns.
//!
//! The server describes a result column by column and sends rows of bytes. This module decides, once per
//! column and before the first row, how those bytes become Arrow, and then only follows that plan. No
//! decision depends on a value, so a schema never changes under its reader.
//!
//! The rule of all rules: a value arrives exactly, or as the server's own text with the type's name beside it,
//! or not at all with an error that says how to get it; never as a silently different value.
//!
//! | MySQL, MariaDB | Arrow |
//! |---|---|
//! | tinyint … bigint, unsigned too | int8 … int64, uint8 … uint64; `tinyint(1)` is a number, not a boolean |
//! | float, double | float32, float64 |
//! | decimal | decimal128, or decimal256 above 38 digits |
//! | bit(n) | uint64; n is in the type's name |
//! | year | uint16 |
//! | date; datetime; timestamp | date32; timestamp\[µs\]; timestamp\[µs, UTC\] |
//! | time | duration\[µs\]: it may be negative and longer than a day |
//! | char, varchar, text, inet4, inet6 | utf8 |
//! | binary, varbinary, blob | binary |
//! | enum; set | dictionary of utf8; list of utf8 |
//! | json of MySQL, and of MariaDB where it says so | `arrow.json` over the raw text |
//! | uuid | `arrow.uuid` |
//! | geometry and its kinds | `geoarrow.wkb`, see `geometry` |
//! | vector of MySQL 9 | list of float32 |
//! | NULL | null |
//! | a decimal of more than 76 digits, which only a user variable has | utf8, opaque |
//!
//! Where MySQL's types hold more than Arrow's:
//!
//! - `0000-00-00`, `2024-02-00` and, under `ALLOW_INVALID_DATES`, `2024-02-31` are no days. They are an error
//!   that names the column, or NULL where the connection says `zero_dates=null` ([`ZeroDates`]).
//! - The labels of an enum are not in a result's description. The dictionary grows as labels turn up; labels
//!   keep their numbers for as long as the result lasts.
//! - How many digits a fraction of a second has is in the type's name, always in parentheses: `datetime(0)`.
//!
//! Every field names its type in the metadata [`DB_TYPE`], spelled as in a table's definition as far as a
//! result tells. Every field is nullable: servers are known to announce NOT NULL and to send NULL, for
//! instance in the sums of a ROLLUP.
//!
//! What this module does not do: speak the protocol or encode for a client. It trusts no byte: lengths are
//! checked, and malformed bytes are an error.

mod column;
mod decimal;
mod error;
mod geometry;
mod labels;
mod plan;
mod row;
mod spelling;
mod temporal;

pub use error::{DecodeError, Fault};
pub use plan::{Plan, ZeroDates, plan};
pub use row::RowDecoder;

/// Metadata of a field: the database's name of its type.
pub const DB_TYPE: &str = "datachat.db_type";

/// The numbers of types, as the protocol has them.
mod kind {
    pub const DECIMAL: u8 = 0;
    pub const TINY: u8 = 1;
    pub const SHORT: u8 = 2;
    pub const LONG: u8 = 3;
    pub const FLOAT: u8 = 4;
    pub const DOUBLE: u8 = 5;
    pub const NULL: u8 = 6;
    pub const TIMESTAMP: u8 = 7;
    pub const LONGLONG: u8 = 8;
    pub const INT24: u8 = 9;
    pub const DATE: u8 = 10;
    pub const TIME: u8 = 11;
    pub const DATETIME: u8 = 12;
    pub const YEAR: u8 = 13;
    pub const NEWDATE: u8 = 14;
    pub const VARCHAR: u8 = 15;
    pub const BIT: u8 = 16;
    pub const VECTOR: u8 = 242;
    pub const JSON: u8 = 245;
    pub const NEWDECIMAL: u8 = 246;
    pub const ENUM: u8 = 247;
    pub const SET: u8 = 248;
    pub const TINY_BLOB: u8 = 249;
    /// Up to here there are two more.
    pub const BLOB: u8 = 252;
    pub const VAR_STRING: u8 = 253;
    pub const STRING: u8 = 254;
    pub const GEOMETRY: u8 = 255;
}

/// The character set of bytes that are not text.
const BINARY: u16 = 63;
