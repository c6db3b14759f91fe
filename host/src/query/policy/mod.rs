//! Whether a statement may run, judged on its parse.

use crate::plugins::Dialect;

/// A statement that the policy lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted {
    /// The text to send.
    pub sql: String,
}

/// Why a statement may not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub reason: Reason,
    pub message: String,
    /// 1-based, in characters.
    pub position: Option<u32>,
}

/// The rule that refused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    EmptySql,
    MultipleStatements,
    TooLong,
    Syntax,
    /// Not a reading statement, or one that writes inside.
    Statement,
    /// A function that writes, waits, reads files or reaches out.
    Function,
    /// A locking clause.
    Locking,
    /// A relation that must not be read.
    Relation,
    /// No policy for the dialect: nothing may run.
    Dialect,
}

/// Judges a statement.
///
/// # Errors
/// The first rule that it breaks.
pub fn judge(dialect: Dialect, sql: &str) -> Result<Permitted, Refusal> {
    let _ = (dialect, sql);
    unimplemented!()
}
