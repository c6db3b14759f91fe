//! What a DataChat plugin author uses: sockets, TLS, Arrow batches, log and export macros.
//!
//! A connector implements the traits of [`connector`] and calls [`export_connector!`]; a tool those of
//! [`tool`] and [`export_tool!`]. Everything else here is plumbing that no author should write twice.

pub mod connector;
pub mod tool;

pub use wasip2;
