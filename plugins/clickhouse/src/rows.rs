//! The rows of a running statement, on their way out as one Arrow stream.
//!
//! A result has ended only when the server has said so: an Arrow stream by its end marker, rows by the end of
//! a body that is whole. Everything else is an error, never a short result.

mod arrow;
mod binary;
mod input;
mod texts;

use datachat_sdk::connector::types::DbError;
use datachat_sdk::http::Body;

pub use arrow::ArrowRows;
pub use binary::BinaryRows;

use crate::errors;

/// The result of a statement.
pub enum Rows<B: Body> {
    Arrow(Box<ArrowRows<B>>),
    Binary(Box<BinaryRows<B>>),
    /// Of a statement without a result.
    Nothing(Box<Nothing>),
}

impl<B: Body> Rows<B> {
    /// The next bytes of the Arrow stream, about `max` of them; empty at its end.
    ///
    /// # Errors
    /// The statement failed on the server, the connection broke, or a value has no image in Arrow.
    pub fn read(&mut self, max: usize) -> Result<Vec<u8>, DbError> {
        match self {
            Self::Arrow(rows) => rows.read(max),
            Self::Binary(rows) => rows.read(max),
            Self::Nothing(nothing) => nothing.read(),
        }
    }
}

/// A stream without columns.
#[derive(Default)]
pub struct Nothing(bool);

impl Nothing {
    fn read(&mut self) -> Result<Vec<u8>, DbError> {
        if std::mem::replace(&mut self.0, true) {
            return Ok(Vec::new());
        }
        let mut stream = datachat_sdk::arrow::IpcStream::new(&arrow_schema::Schema::empty())
            .map_err(|error| unencodable(&error))?;
        stream.finish().map_err(|error| unencodable(&error))?;
        Ok(stream.read(usize::MAX / 4))
    }
}

fn unencodable(error: &arrow_schema::ArrowError) -> DbError {
    errors::malformed(format!("Arrow: {error}"))
}
