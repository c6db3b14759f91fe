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
//! | numeric(p,s) that 76 digits can hold | decimal128 or decimal256, scale ≥ 0, see [`NAN`] |
//! | other numeric | utf8, opaque |
//! | text, varchar, bpchar, name, "char", citext, enums | utf8 |
//! | bytea | binary |
//! | date; time; timestamp; timestamptz | date32; time64\[µs\]; timestamp\[µs\]; timestamp\[µs, UTC\] |
//! | interval | `month_day_nano` |
//! | uuid; json, jsonb | `arrow.uuid`; `arrow.json` over the raw text |
//! | arrays | struct of values and dimensions, see [`LAYOUT`] |
//! | named composites | struct |
//! | anonymous records | list of utf8, one text per field |
//! | all else | utf8, opaque: PostgreSQL's text |
//!
//! Where PostgreSQL's types hold more than Arrow's:
//!
//! - ±infinity of dates, timestamps and intervals is the greatest and the least integer of the column, and
//!   NaN of numeric(p,s) the least; the field's metadata says so ([`INFINITY`], [`NAN`]). The host writes
//!   them by name, and refuses NaN to readers of decimals.
//! - 24:00:00 is 86,400,000,000 µs. A timestamp after 294247-01-10 and an interval with more than 292 years
//!   of hours have no image and are errors.
//! - An array has its dimensions beside its elements, because they differ from value to value.
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
mod nested;
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

/// Metadata key of a field of dates or times whose extreme integers mean ±infinity: [`SENTINEL`].
pub const INFINITY: &str = "datachat.infinity";

/// Metadata key of a field of decimals whose least integer means NaN: [`SENTINEL`].
pub const NAN: &str = "datachat.nan";

/// The value of [`INFINITY`] and [`NAN`].
pub const SENTINEL: &str = "sentinel";

/// Metadata key of a field whose struct stands for another type. `array`: the struct of the list `values`
/// and the list `dimensions` is one array, whose elements are `values` in row-major order; `dimensions`
/// has the length of each dimension, the outermost first, and is null where there is only one.
pub const LAYOUT: &str = "datachat.layout";
