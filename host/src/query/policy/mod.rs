//! Whether a statement may run, judged on its parse.
//!
//! This is the first of two layers; the second is the engine's own read-only mode. It fails closed: what a
//! dialect's policy does not know is refused.

mod clickhouse;
mod draft;
mod functions;
mod generic;
mod grammar;
mod mysql;
pub mod parser;
mod postgres;
mod scanner;
mod shape;
mod tokens;
mod tree;

use crate::limits::Limits;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    EmptySql,
    MultipleStatements,
    TooLong,
    /// Nested more deeply than the parser goes.
    TooDeep,
    Syntax,
    /// Not a reading statement, or one that writes inside.
    Statement,
    /// A function that writes, reads files, changes settings, reaches out, or runs SQL text.
    Function,
    /// A locking clause.
    Locking,
    /// A relation that must not be read: credentials, server files.
    Relation,
}

impl Reason {
    /// The stable name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmptySql => "empty_sql",
            Self::MultipleStatements => "multiple_statements",
            Self::TooLong => "too_long",
            Self::TooDeep => "too_deep",
            Self::Syntax => "syntax",
            Self::Statement => "statement",
            Self::Function => "function",
            Self::Locking => "locking",
            Self::Relation => "relation",
        }
    }
}

/// Whether a statement can be judged only with the `reading` of the session that will run it.
pub const fn depends_on_session(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Mysql)
}

/// Judges a statement. `reading` is what the session says of how its server reads a text; where the dialect
/// does not depend on it, or the connector does not know, it is empty.
///
/// # Errors
/// The first rule that it breaks.
pub fn judge(
    dialect: Dialect,
    reading: &[(String, String)],
    sql: &str,
    limits: &Limits,
) -> Result<Permitted, Refusal> {
    if sql.len() as u64 > limits.query_max_sql_bytes {
        return Err(Refusal {
            reason: Reason::TooLong,
            message: format!(
                "The statement has {} bytes, more than query_max_sql_bytes ({}).",
                sql.len(),
                limits.query_max_sql_bytes
            ),
            position: None,
        });
    }
    match dialect {
        Dialect::Postgresql => postgres::judge(sql)?,
        Dialect::Mysql => mysql::judge(reading, sql)?,
        Dialect::Clickhouse => clickhouse::judge(sql)?,
        Dialect::Generic => generic::judge(sql)?,
    }
    Ok(Permitted {
        sql: sql.to_owned(),
    })
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
