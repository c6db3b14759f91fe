//! From ClickHouse's exceptions to the contract's errors.
//!
//! The class of an error follows from the exception's number; the text is for people, and gives the position
//! of a syntax error. An exception comes in place of an answer, or in the middle of one, after the server has
//! already said that all is well: [`in_stream`] finds it there.

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;
use datachat_sdk::http::HttpError;

use crate::row_binary::RowError;
use crate::types::convert::ConvertError;
use crate::types::{BadType, Unreadable};

/// Where in a session's life an error arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Opening the session: a missing database is the target's.
    Opening,
    Statement,
}

/// An exception as the server spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub code: u32,
    pub message: String,
}

impl Exception {
    /// Reads `Code: 62. DB::Exception: …`, and the older `Code: 62, e.displayText() = DB::Exception: …`.
    pub fn read(text: &str) -> Option<Self> {
        let rest = text.trim_start().strip_prefix("Code: ")?;
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let code = rest[..end].parse().ok()?;
        let rest = &rest[end..];
        let message = rest
            .split_once("DB::Exception: ")
            .or_else(|| rest.split_once("DB::NetException: "))
            .map_or(rest.trim_start_matches([',', '.', ' ']), |(_, text)| text);
        Some(Self {
            code,
            message: plain(message),
        })
    }
}

/// A message without what the server says of itself: versions, stack traces, the exception again.
fn plain(message: &str) -> String {
    let mut message = message;
    for end in [
        ", e.what() = ",
        "\n\nStack trace",
        ", Stack trace",
        "\n0. ",
        ". Stack trace:",
    ] {
        if let Some((before, _)) = message.split_once(end) {
            message = before;
        }
    }
    let mut message = message.trim();
    if let Some(before) = message.rfind(" (version ").map(|at| &message[..at]) {
        message = before.trim_end();
    }
    // A wrapped exception names itself once more.
    while let Some(rest) = message
        .strip_prefix("Code: ")
        .and_then(|rest| rest.split_once("DB::Exception: "))
        .map(|(_, rest)| rest)
    {
        message = rest;
    }
    message.to_owned()
}

/// The contract's error for an exception, of which `statement` is to blame.
pub fn from_exception(exception: &Exception, phase: Phase, statement: &str) -> DbError {
    let code = classify(exception.code, phase, &exception.message);
    let mut error = db_error(code, exception.message.clone());
    error.vendor_code = Some(exception.code.to_string());
    error.retryable = matches!(
        exception.code,
        202 | 203 | 209 | 210 | 236 | 242 | 425 | 999
    );
    if code == ErrorCode::Syntax {
        error.position = position(&exception.message, statement);
    }
    error
}

/// The class of an exception.
fn classify(code: u32, phase: Phase, message: &str) -> ErrorCode {
    match code {
        81 if phase == Phase::Opening => ErrorCode::DatabaseMissing,
        // Columns, functions, identifiers, types, tables, databases, dictionaries, aggregate functions.
        8 | 10 | 16 | 46 | 47 | 50 | 51 | 60 | 63 | 81 | 36 if undefined(code, message) => {
            ErrorCode::UndefinedObject
        }
        // Users, passwords, networks.
        192 | 193 | 194 | 195 | 516 | 731 => ErrorCode::AuthenticationFailed,
        164 | 392 | 472 => ErrorCode::ReadOnlyViolation,
        497 | 291 | 452 | 481 | 482 | 495 => ErrorCode::PermissionDenied,
        159 | 160 | 209 => ErrorCode::Timeout,
        394 | 735 => ErrorCode::Cancelled,
        // Memory, rows, bytes, queries, partitions, and quotas.
        241 | 158 | 307 | 396 | 202 | 191 | 161 | 162 | 163 | 167 | 168 | 201 | 290 | 439 | 173
        | 12 | 335 => ErrorCode::ResourceLimit,
        // Wrong values: parsing, overflow, division, conversion, missing parameters.
        6 | 27 | 26 | 32 | 33 | 38 | 41 | 43 | 53 | 69 | 70 | 72 | 125 | 130 | 131 | 153 | 190
        | 321 | 349 | 376 | 407 | 441 | 456 | 457 | 691 | 36 | 395 | 675 | 676 | 677 => {
            ErrorCode::DataException
        }
        // Ambiguity, aggregation and the number of arguments: the statement makes no sense.
        62 | 261 | 35 | 42 | 44 | 59 | 80 | 184 | 207 | 215 | 352 | 179 | 258 => ErrorCode::Syntax,
        1 | 48 | 73 | 115 | 344 | 455 | 1002 => ErrorCode::Unsupported,
        469 => ErrorCode::Constraint,
        // Whatever else the server says of itself.
        _ => ErrorCode::ServerFault,
    }
}

/// "Bad arguments" are of undefined objects only where the text says so.
fn undefined(code: u32, message: &str) -> bool {
    code != 36 || message.contains("Unknown table function")
}

/// The place that `failed at position 8` and its kin name, in characters of the statement.
fn position(message: &str, statement: &str) -> Option<u32> {
    let rest = message.split_once("failed at position ")?.1;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let byte: usize = rest[..end].parse().ok()?;
    let before = statement.get(..byte.checked_sub(1)?)?;
    u32::try_from(before.chars().count() + 1).ok()
}

/// The exception at the end of a body that is none of what the format has there.
pub fn in_stream(tail: &[u8]) -> Option<Exception> {
    let text = String::from_utf8_lossy(tail);
    // Newer servers put it between marks; older ones write it as it is.
    let text = match text.split_once("__exception__") {
        Some((_, marked)) => marked,
        None => &text,
    };
    let mut at = text.match_indices("Code: ").map(|(at, _)| at);
    at.find_map(|at| {
        let candidate = &text[at..];
        if !candidate.contains("DB::") {
            return None;
        }
        let end = candidate.find("__exception__").unwrap_or(candidate.len());
        Exception::read(&candidate[..end])
    })
    .map(|mut exception| {
        // Behind the message stand its length and the mark of this answer.
        if let Some(cut) = exception.message.find("\r\n") {
            exception.message.truncate(cut);
        }
        if let Some((message, rest)) = exception.message.rsplit_once('\n')
            && rest.trim_start().starts_with(|c: char| c.is_ascii_digit())
        {
            exception.message = message.to_owned();
        }
        exception.message = exception.message.trim_end().to_owned();
        exception
    })
}

/// There is no answer, or no whole one.
pub fn from_http(error: HttpError, origin: &str) -> DbError {
    error.into_db_error(origin)
}

/// The server broke the format that it was asked for.
pub fn malformed(what: impl Into<String>) -> DbError {
    db_error(
        ErrorCode::Protocol,
        format!("the server's answer can't be read: {}", what.into()),
    )
}

/// A type that we can't read.
pub fn bad_type(ty: &str, error: &BadType) -> DbError {
    db_error(
        ErrorCode::Unsupported,
        format!("the type {ty} is not known to this connector: {error}"),
    )
}

/// The state of an aggregate function.
pub fn unreadable(error: &Unreadable) -> DbError {
    let mut unreadable = db_error(ErrorCode::Unsupported, error.to_string());
    unreadable.hint = Some(
        "finish it: finalizeAggregation(column), or the function with the suffix -Merge".to_owned(),
    );
    unreadable
}

/// A column whose values could not become Arrow.
pub fn unconvertible(column: &str, error: &ConvertError) -> DbError {
    match error {
        ConvertError::NotText => not_text(column),
        ConvertError::TooLong
        | ConvertError::Unexpected { .. }
        | ConvertError::NotOfEnum(_)
        | ConvertError::Arrow(_) => malformed(format!("column {column:?}: {error}")),
    }
}

/// A `String` that is no text, in a connection that wants text.
pub fn not_text(column: &str) -> DbError {
    let mut error = db_error(
        ErrorCode::DataException,
        format!("column {column:?} holds bytes that are no UTF-8 text"),
    );
    error.hint = Some(
        "select hex(column) or base64Encode(column), or give the connection the option strings=binary"
            .to_owned(),
    );
    error
}

/// Rows that could not become Arrow.
pub fn undecodable(error: &RowError) -> DbError {
    match error {
        RowError::NotText { column } => not_text(column),
        RowError::OutOfRange { .. } => db_error(ErrorCode::DataException, error.to_string()),
        RowError::Unsupported(_) => db_error(ErrorCode::Unsupported, error.to_string()),
        RowError::Short | RowError::Malformed(_) => malformed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_of_old_and_new_servers_are_read() {
        for (text, code, message) in [
            (
                "Code: 60. DB::Exception: Table default.t does not exist. (UNKNOWN_TABLE) (version 26.9.2.1 (official build))\n",
                60,
                "Table default.t does not exist. (UNKNOWN_TABLE)",
            ),
            (
                "Code: 60, e.displayText() = DB::Exception: Table default.t doesn't exist., e.what() = DB::Exception\n",
                60,
                "Table default.t doesn't exist.",
            ),
            (
                "Code: 321. DB::Exception: Code: 321. DB::Exception: no: While executing. (X) (version 1)",
                321,
                "no: While executing. (X)",
            ),
        ] {
            assert_eq!(
                Exception::read(text),
                Some(Exception {
                    code,
                    message: message.to_owned()
                })
            );
        }
        assert_eq!(Exception::read("502 Bad Gateway"), None);
        assert_eq!(Exception::read("Code: x"), None);
    }

    #[test]
    fn every_class_of_exception_has_its_code() {
        for (number, code) in [
            (62, ErrorCode::Syntax),
            (60, ErrorCode::UndefinedObject),
            (47, ErrorCode::UndefinedObject),
            (81, ErrorCode::UndefinedObject),
            (164, ErrorCode::ReadOnlyViolation),
            (497, ErrorCode::PermissionDenied),
            (159, ErrorCode::Timeout),
            (394, ErrorCode::Cancelled),
            (516, ErrorCode::AuthenticationFailed),
            (192, ErrorCode::AuthenticationFailed),
            (193, ErrorCode::AuthenticationFailed),
            (194, ErrorCode::AuthenticationFailed),
            (241, ErrorCode::ResourceLimit),
            (396, ErrorCode::ResourceLimit),
            (153, ErrorCode::DataException),
            (48, ErrorCode::Unsupported),
            (4_000, ErrorCode::ServerFault),
        ] {
            assert_eq!(classify(number, Phase::Statement, ""), code, "{number}");
        }
        assert_eq!(classify(81, Phase::Opening, ""), ErrorCode::DatabaseMissing);
    }

    #[test]
    fn the_position_of_a_syntax_error_counts_characters() {
        let error = from_exception(
            &Exception {
                code: 62,
                message: "Syntax error: failed at position 14 (FORM) (line 1, col 14)".to_owned(),
            },
            Phase::Statement,
            "SELECT 'é'  FORM x",
        );
        // The é has two bytes.
        assert_eq!(error.position, Some(13));
        assert_eq!(error.vendor_code.as_deref(), Some("62"));
    }

    #[test]
    fn an_exception_in_the_middle_of_a_body_is_found() {
        let old = b"\x01\x02\xffCode: 395, e.displayText() = DB::Exception: Value passed to 'throwIf' function is non zero, e.what() = DB::Exception\n";
        let found = in_stream(old).expect("found");
        assert_eq!(found.code, 395);
        assert_eq!(
            found.message,
            "Value passed to 'throwIf' function is non zero"
        );
        let new = b"\xff\xff\r\n__exception__\r\nabcdefgh\r\nCode: 395. DB::Exception: no more: while executing. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) (version 26.9.2.1)\n112 abcdefgh\r\n__exception__\r\n";
        let found = in_stream(new).expect("found");
        assert_eq!(found.code, 395);
        assert_eq!(
            found.message,
            "no more: while executing. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)"
        );
        assert_eq!(in_stream(b"just data, Code: 7 of the product"), None);
    }
}
