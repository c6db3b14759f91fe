//! Runs one permitted statement and yields its batches within the limits.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::QueryRequest;
use super::policy::Refusal;
use crate::limits::Limits;
use crate::plugins::PluginError;
use crate::registry::Connection;

/// Why a statement gave no (further) rows.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// `on_limit: error`, and the limit was reached.
    #[error("the result is larger than {limit} ({value})")]
    ResultLimit { limit: &'static str, value: u64 },
    /// The connector's Arrow stream is malformed.
    #[error("the connector's result can't be read")]
    Malformed { detail: String },
}

/// A result on its way: schema first, then batches.
pub struct QueryStream {}

/// What is known at the end.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    pub row_count: u64,
    pub truncated: bool,
    /// `max_rows` or `max_bytes`.
    pub truncated_by: Option<&'static str>,
    pub elapsed_ms: u64,
    pub warnings: Vec<String>,
}

/// Judges the statement, runs it on the connection and answers once its columns are known.
///
/// # Errors
/// See [`QueryError`].
pub async fn execute(
    connection: &Connection,
    request: QueryRequest,
    limits: &Limits,
) -> Result<QueryStream, QueryError> {
    let _ = (connection, request, limits);
    unimplemented!()
}

impl QueryStream {
    /// The columns, with the database's type names in the field metadata.
    pub fn schema(&self) -> SchemaRef {
        unimplemented!()
    }

    /// The next batch, cut to the limits; `None` at the end, after which [`QueryStream::summary`] is final.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        unimplemented!()
    }

    pub fn summary(&self) -> Summary {
        unimplemented!()
    }
}
