//! An example tool: what a column holds, on any engine.
//!
//! It shows what a tool is made of: definitions with schemas, a database that is only ever asked with portable
//! SQL, names that the host quotes, progress, and errors that name the argument at fault. [`stats`] asks,
//! [`mod@column`] finds the column, [`histogram`] makes buckets, [`answer`] is what comes out; `component` (wasm
//! only) puts that behind the plugin contract. All but the last is tested natively, over [`database::Database`].
//!
//! What it does not do: ask which engine it is. Where an engine has no least value of a type or can't count
//! its distinct values, that field is null and a note says so.

pub mod answer;
pub mod column;
pub mod database;
pub mod histogram;
pub mod stats;

#[cfg(target_arch = "wasm32")]
mod component;
