//! The PostgreSQL connector: the wire protocol inside the sandbox.
//!
//! From the inside out: [`protocol`] reads messages, [`types`] turns row bytes into Arrow, [`session`] runs
//! statements over any transport, and `component` (wasm only) puts that behind the plugin contract. All but
//! the last compiles and is tested natively, against a real server.
//!
//! What it does not do: decide what may run (the host does), keep more than one session per instance, COPY,
//! replication, LISTEN.

pub mod auth;
mod calendar;
pub mod describe;
pub mod errors;
mod lookup;
pub mod options;
mod own;
pub mod params;
pub mod protocol;
pub mod relations;
mod reset;
pub mod rows;
mod server;
pub mod session;
pub mod startup;
pub mod statement;
pub mod types;
pub mod wire;

#[cfg(target_arch = "wasm32")]
mod component;
