//! End to end: the real server program, real PostgreSQL servers, HTTP in between.
//!
//! Each module states what callers may rely on, in the words of its test names. Tests that leave nothing
//! behind share one server and one PostgreSQL (see `stage`); those that need a state of their own start one.

use datachat_tests::stage;

mod door;

mod access;
mod authentication;
mod breakage;
mod clickhouse;
mod databases;
mod environment;
mod formats;
mod http;
mod isolation;
mod leaks;
mod limits;
mod memory;
mod mysql;
mod negotiation;
mod observed;
mod parameters;
mod random_types;
mod registration;
mod routing;
mod sessions;
mod shared;
mod storage;
mod tls;
mod tools;
mod types;
mod unusable;
