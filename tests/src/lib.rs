//! The harness of the end-to-end tests: real servers, a real binary, and an eye on what they let out.
//!
//! Every credential that tests hand to the server contains [`CANARY`]. Whatever the server logs or answers
//! is checked for it: answers at once by [`Client`], logs when a [`TestServer`] goes, and everything that
//! was left in the test log folder once more by `cargo xtask test`.

mod client;
pub mod compare;
pub mod components;
pub mod engines;
mod evidence;
pub mod examples;
pub mod model;
pub mod sandbox;
mod seed;
mod server;
pub mod sets;
mod skip;
pub mod stage;
mod tls;

pub use client::{Answer, Client, Streaming};
pub use datachat_throwaway::{
    Auth, CANARY, ClickHouse, ClickHouseUser, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser,
    Options, Postgres, Role, ServerTls, literal, memory, quoted, shows_canary,
};
pub use evidence::log_folder;
pub use server::{ServerOptions, TestServer};
pub use skip::skipped;
pub use tls::{Authority, tls_front};
