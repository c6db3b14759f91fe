//! An example connector: the CSV files of a folder, as the tables of a database without a server.
//!
//! It shows what a connector is made of where there is no wire protocol: the transport `files`, the dialect
//! `generic`, and a result that is made row by row. From the inside out: [`value`] knows values and types,
//! [`infer`] guesses the types of a file, [`folder`] finds the files, [`sql`] reads a statement, [`rows`] runs
//! it, and `component` (wasm only) puts that behind the plugin contract. All but the last is tested natively.
//!
//! What it does not do: write, join, subqueries, time zones, files that are not UTF-8, and sorting or
//! grouping more than fits in [`rows::HELD_BYTES`].

pub mod describe;
pub mod error;
pub mod folder;
pub mod infer;
pub mod rows;
pub mod session;
pub mod sql;
pub mod value;

#[cfg(target_arch = "wasm32")]
mod component;
