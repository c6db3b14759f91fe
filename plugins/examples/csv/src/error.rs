//! Errors of the contract, each made in one place so that its class and its hint are always the same.

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;

/// What a statement may be, for the hints of refusals.
const SUPPORTED: &str = "One SELECT over one file: columns, aliases, count, sum, avg, min, max (also DISTINCT), \
    + - * / %, comparisons, AND, OR, NOT, IN, BETWEEN, LIKE, ILIKE, IS NULL, CASE, DISTINCT, GROUP BY, HAVING, \
    ORDER BY, LIMIT, OFFSET, and parameters $1, $2, ….";

/// The statement asks for something that this connector does not do.
pub fn unsupported(what: &str, position: Option<u32>) -> DbError {
    DbError {
        position,
        hint: Some(SUPPORTED.to_owned()),
        ..db_error(
            ErrorCode::Unsupported,
            format!("{what} is not supported here"),
        )
    }
}

/// The statement does not parse.
pub fn syntax(message: impl Into<String>, position: Option<u32>) -> DbError {
    DbError {
        position,
        ..db_error(ErrorCode::Syntax, message)
    }
}

/// A table or a column that is not there.
pub fn undefined(message: impl Into<String>, position: Option<u32>) -> DbError {
    DbError {
        position,
        ..db_error(ErrorCode::UndefinedObject, message)
    }
}

/// A value that does not fit, or can't be computed.
pub fn data(message: impl Into<String>) -> DbError {
    db_error(ErrorCode::DataException, message)
}

/// The statement needs more than it may use.
pub fn limit(message: impl Into<String>) -> DbError {
    db_error(ErrorCode::ResourceLimit, message)
}

/// The statement's time is up.
pub fn timeout() -> DbError {
    DbError {
        retryable: true,
        ..db_error(ErrorCode::Timeout, "the statement ran out of time")
    }
}

/// A file can't be read. The path says which: it is one of the folder that the user named.
pub fn io(what: &str, error: &std::io::Error) -> DbError {
    db_error(ErrorCode::Internal, format!("{what}: {error}"))
}
