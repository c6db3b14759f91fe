//! From a statement to a stream of rows: policy, limits, execution, encoding.

pub mod encode;
pub mod execute;
pub mod identifier;
pub mod intake;
pub mod members;
pub mod params;
pub mod policy;

pub use execute::{QueryError, QueryStream, Summary, execute};

use serde::Deserialize;

use crate::limits::Limits;
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

impl QueryLimits {
    /// For whoever asks for none: the operator's defaults, within the operator's ceilings.
    pub fn unasked(limits: &Limits) -> Self {
        Self {
            max_rows: limits.query_default_rows.min(limits.query_max_rows),
            max_bytes: limits.query_default_bytes.min(limits.query_max_bytes),
            timeout_ms: limits
                .query_default_timeout_ms
                .min(limits.query_max_timeout_ms),
            on_limit: OnLimit::Truncate,
        }
    }
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
