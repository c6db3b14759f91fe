//! From PostgreSQL's wire values to Arrow columns.
//!
//! The server describes a result by type OIDs and sends rows of bytes. This module decides, once per
//! column and before the first row, how those bytes become Arrow, and then only follows that plan. No
//! decision depends on a value, so a schema never changes under its reader.
//!
//! The rule of all rules: a value arrives exactly, or as PostgreSQL's own text with the type's name
//! beside it, or not at all with an error that says how to get it; never as a silently different value.
//!
//! | PostgreSQL | Arrow |
//! |---|---|
//! | boolean, smallint … bigint, real, double precision | bool, int16 … int64, float32, float64 |
//! | oid, xid, cid; xid8 | uint32; uint64 |
//! | numeric(p,s) that 76 digits can hold | decimal128 or decimal256, scale ≥ 0 |
//! | other numeric | utf8, opaque |
//! | text, varchar, bpchar, name, "char", citext, enums | utf8 |
//! | bytea | binary |
//! | date; time; timestamp; timestamptz | date32; time64\[µs\]; timestamp\[µs\]; timestamp\[µs, UTC\] |
//! | interval | `month_day_nano` |
//! | uuid; json, jsonb | `arrow.uuid`; `arrow.json` over the raw text |
//! | arrays | list |
//! | named composites | struct |
//! | anonymous records | list of utf8, one text per field |
//! | all else | utf8, opaque: PostgreSQL's text |
//!
//! Where PostgreSQL's types hold more than Arrow's:
//!
//! - ±infinity of dates and timestamps is the greatest and the least integer of the column; such fields
//!   carry the metadata [`INFINITY`]` = sentinel`. A timestamp after the year 294246 has no image and is
//!   an error. 24:00:00 is 86,400,000,000 µs.
//! - An enum is plain utf8, not a dictionary: labels can be added while a result streams, and a
//!   dictionary would then have to be replaced in mid-stream.
//! - "opaque" is the canonical extension `arrow.opaque` with PostgreSQL's name of the type; `json` is
//!   passed through byte by byte.
//! - Lower bounds of arrays are not kept, as in PostgreSQL's own `to_json`.
//! - A record's fields are texts because the types of an anonymous record differ from row to row; `()`
//!   is read as one null, since PostgreSQL writes a record without fields in the same way.
//!
//! Every field names its type in the metadata [`DB_TYPE`], spelled as `format_type` does.
//!
//! What this module does not do: speak the protocol, look types up, or encode for a client. It trusts
//! no byte: lengths are checked, nesting is bounded by the plan, and malformed bytes are an error.

mod array;
mod bits;
mod builtin;
mod catalog;
mod column;
mod error;
mod literal;
mod network;
mod numeric;
mod plan;
mod range;
mod row;
mod shape;
mod spelling;
mod temporal;
mod text;
mod wire;

pub use catalog::{TypeCatalog, TypeInfo, TypeKind};
pub use error::{DecodeError, Fault};
pub use plan::{ColumnSpec, Plan, plan};
pub use row::RowDecoder;

/// Metadata key of a field: the type as PostgreSQL spells it, with modifiers.
pub const DB_TYPE: &str = "datachat.db_type";

/// Metadata key of a field whose extreme integers mean ±infinity; the value is `sentinel`.
pub const INFINITY: &str = "datachat.infinity";
