//! The PostgreSQL connector: the wire protocol inside the sandbox.

pub mod types;
