//! What a DataChat plugin author uses: sockets, TLS, HTTP, Arrow batches, log and export macros.
//!
//! A connector implements the traits of [`connector`] and calls [`connector::export!`]; a tool those of
//! [`tool`] and [`tool::export!`], and may ask [`knowledge`] and [`profiling`]. [`net`] connects, [`http`] sends requests, [`arrow`] turns batches into what a
//! cursor hands out, [`options`] reads what a URL says, [`strings`] builds text columns, [`calendar`] counts days, [`log`] writes to the host's log,
//! [`secrets`] gives the password. Everything compiles natively too, so
//! that a protocol is tested without a sandbox; calls to the host work only inside one.
//!
//! A whole connector, for a protocol with one request and one answer:
//!
//! ```no_run
//! use datachat_sdk::connector::types::DbError;
//! use datachat_sdk::net::{READ_SIZE, TcpStream, Transport};
//! use datachat_sdk::{connector::Target, error::db_error, secrets};
//! use std::time::Duration;
//!
//! fn ask(target: &Target, sql: &str) -> Result<Vec<u8>, DbError> {
//!     use datachat_sdk::connector::types::ErrorCode;
//!     let timeout = Duration::from_millis(target.connect_timeout_ms.into());
//!     let mut stream = TcpStream::connect(target, timeout)?;
//!     stream.start_tls()?; // the host chooses roots, name and versions
//!     let password = secrets::password().unwrap_or_default();
//!     let broken = |e: std::io::Error| db_error(ErrorCode::Protocol, e.to_string());
//!     stream.write_all(format!("{password}\n{sql}\n").as_bytes()).map_err(broken)?;
//!     stream.read(READ_SIZE).map_err(broken) // then arrow::IpcStream makes a cursor of it
//! }
//! ```

pub mod arrow;
pub mod calendar;
pub mod connector;
pub mod error;
pub mod http;
pub mod knowledge;
pub mod log;
pub mod net;
pub mod options;
pub mod profiling;
pub mod strings;
pub mod tool;

pub use connector::secrets;
pub use wasip2;
