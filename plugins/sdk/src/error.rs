//! Making [`DbError`]s without naming every field.

use crate::connector::types::{DbError, ErrorCode};

/// An error that has a class and a sentence, and nothing from the database.
pub fn db_error(code: ErrorCode, message: impl Into<String>) -> DbError {
    DbError {
        code,
        message: message.into(),
        vendor_code: None,
        detail: None,
        hint: None,
        position: None,
        retryable: false,
    }
}
