//! The shipped SQL tools: `list_tables`, `list_columns`, `get_table_sample`, `run_sql`.
//!
//! A tool reads the one database of its request through [`database::Database`] and has no other way out. The
//! host checks arguments against the schemas of [`definitions`], judges every statement and bounds every
//! result; what is left here is finding tables and shaping answers. The wasm component is the thin layer in
//! `component.rs`; everything else is tested natively.

#[cfg(target_arch = "wasm32")]
mod component;
pub mod database;
pub mod definitions;
pub mod failure;
pub mod get_table_sample;
pub mod list_columns;
pub mod list_tables;
pub mod lookup;
pub mod names;
pub mod run_sql;

use database::Database;
use failure::Failure;

/// Calls a tool by its name. `arguments` is a JSON object, the answer is JSON.
///
/// # Errors
/// What the tool found wrong; see [`Failure`].
pub fn call(database: &impl Database, name: &str, arguments: &str) -> Result<String, Failure> {
    match name {
        "list_tables" => list_tables::run(database, failure::parse(arguments)?),
        "list_columns" => list_columns::run(database, &failure::parse(arguments)?),
        "get_table_sample" => get_table_sample::run(database, &failure::parse(arguments)?),
        "run_sql" => run_sql::run(database, &failure::parse(arguments)?),
        _ => Err(Failure::Failed(format!("there is no tool {name}"))),
    }
}
