//! From a statement to a stream of rows: policy, limits, execution, encoding.

pub mod encode;
pub mod execute;
pub mod intake;
pub mod params;
pub mod policy;

pub use execute::{QueryError, QueryStream, Summary, execute};

use serde::Deserialize;

use crate::plugins::Parameters;

/// What the caller asks for, already checked against the operator's ceilings.
#[derive(Debug, Clone)]
pub struct QueryRequest {
    pub sql: String,
    pub params: Parameters,
    pub limits: QueryLimits,
}

/// The limits of one statement.
#[derive(Debug, Clone, Copy)]
pub struct QueryLimits {
    /// Rows of the result.
    pub max_rows: u64,
    /// Bytes of Arrow data, whatever the format of the answer.
    pub max_bytes: u64,
    /// From the first step to the last row.
    pub timeout_ms: u64,
    pub on_limit: OnLimit,
}

/// What happens at the row or byte limit. The time limit is always an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnLimit {
    /// Stop and say so.
    Truncate,
    /// Fail with `resource_limit`.
    Error,
}
