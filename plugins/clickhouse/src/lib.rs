//! The ClickHouse connector: the HTTP interface inside the sandbox.
//!
//! From the inside out: [`types`] reads the server's types and says what they become in Arrow, [`rows`] turns
//! answers into one Arrow stream, [`session`] runs statements over any HTTP client, and `component` (wasm only)
//! puts that behind the plugin contract. All but the last compiles and is tested natively, against real servers.
//!
//! What it does not do: decide what may run (the host does), sessions of the server (`session_id`), inserts of
//! data, the native protocol.

mod answer;
mod calendar;
pub mod describe;
pub mod errors;
pub mod facts;
pub mod options;
pub mod params;
pub mod relations;
mod request;
pub mod row_binary;
pub mod rows;
mod server;
pub mod session;
pub mod statement;
pub mod types;

#[cfg(target_arch = "wasm32")]
mod component;
