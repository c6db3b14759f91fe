//! The MySQL and MariaDB connector: the wire protocol inside the sandbox.
//!
//! From the inside out: [`protocol`] reads and writes packets, [`types`] turns binary rows into Arrow,
//! [`session`] runs statements over any transport, and `component` (wasm only) puts that behind the plugin
//! contract. All but the last compiles and is tested natively, against a real server.
//!
//! The few packets are read and written here and not by `mysql_common`: that crate decodes rows into values
//! that own their bytes, does not know MariaDB's extended metadata (without which JSON is text and a UUID is
//! a string), and panics on a public key that is cut short, which is for the server to send.
//!
//! What it does not do: decide what may run (the host does), keep more than one session per instance, give a
//! file of this machine to a server that asks for one, several statements in one text, compression,
//! replication.

pub mod auth;
pub mod describe;
pub mod errors;
mod exchange;
pub mod options;
mod own;
pub mod params;
pub mod protocol;
pub mod relations;
mod reset;
pub mod rows;
pub mod scramble;
mod server;
pub mod session;
mod settings;
pub mod startup;
pub mod statement;
pub mod types;
pub mod wire;

#[cfg(target_arch = "wasm32")]
mod component;
