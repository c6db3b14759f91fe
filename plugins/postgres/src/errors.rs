//! From PostgreSQL's errors to the contract's.
//!
//! The class of an error follows from its SQLSTATE, never from its text, which may be in any language. Two
//! things are not in the SQLSTATE: whether a cancelled statement ran into its time limit (the elapsed time
//! tells), and whether the session is over (the severity tells).

use std::io;
use std::time::Duration;

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;

use crate::protocol::Malformed;
use crate::protocol::fields::Fields;
use crate::types::DecodeError;

/// Where in a session's life an error arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before the server was ready: a refusal, not a break.
    Startup,
    /// While a statement ran: for how long, and how long it might.
    Statement {
        elapsed: Duration,
        timeout: Option<Duration>,
    },
}

/// The contract's error for what the server said.
pub fn from_server(fields: Fields, phase: Phase) -> DbError {
    let code = classify(&fields, phase);
    let retryable = matches!(
        fields.sqlstate.as_str(),
        "40001" | "40P01" | "53300" | "57P01" | "57P02" | "57P03" | "57P05"
    );
    let mut message = fields.message;
    // Which parameter the server could not read stands only in the context.
    if code == ErrorCode::DataException
        && let Some(parameter) = parameter_in(&fields.context)
        && !message.contains(&parameter)
    {
        message = format!("parameter {parameter}: {message}");
    }
    DbError {
        code,
        message,
        vendor_code: non_empty(fields.sqlstate),
        detail: non_empty(fields.detail),
        hint: non_empty(fields.hint),
        position: fields.position.filter(|&position| position > 0),
        retryable,
    }
}

fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The class of a server's error.
pub fn classify(fields: &Fields, phase: Phase) -> ErrorCode {
    let state = fields.sqlstate.as_str();
    let code = match state {
        "57014" => match phase {
            Phase::Statement {
                elapsed,
                timeout: Some(timeout),
            } if elapsed >= timeout => ErrorCode::Timeout,
            _ if fields.message.contains("statement timeout") => ErrorCode::Timeout,
            _ => ErrorCode::Cancelled,
        },
        // Lock and transaction time limits.
        "55P03" | "25P03" | "25P04" => ErrorCode::Timeout,
        "25006" => ErrorCode::ReadOnlyViolation,
        "42501" => ErrorCode::PermissionDenied,
        "3D000" => ErrorCode::DatabaseMissing,
        // Schema; parameter, function, column, table, object; prepared statement, cursor.
        "3F000" | "42P02" | "42883" | "42703" | "42P01" | "42704" | "26000" | "34000" => {
            ErrorCode::UndefinedObject
        }
        // Shutting down, crashed or starting up: nobody serves there just now.
        "57P01" | "57P02" | "57P03" => ErrorCode::ConnectionRefused,
        // A deadlock's victim, or a conflict with replication or another transaction.
        "40001" | "40P01" => ErrorCode::Cancelled,
        "08P01" => ErrorCode::Protocol,
        _ => match state.get(..2).unwrap_or_default() {
            "28" => ErrorCode::AuthenticationFailed,
            "42" => ErrorCode::Syntax,
            // No data; cardinality; data; what functions raise, outside and in PL/pgSQL.
            "02" | "20" | "21" | "22" | "38" | "39" | "P0" => ErrorCode::DataException,
            "23" | "27" | "44" | "2B" => ErrorCode::Constraint,
            "53" | "54" => ErrorCode::ResourceLimit,
            // An object that is not in the state for it: while starting, the server's own affair.
            "55" if phase == Phase::Startup => ErrorCode::ConnectionRefused,
            "0A" | "25" | "2D" | "55" => ErrorCode::Unsupported,
            // Whatever else the server says of itself: broken files, bugs, foreign servers that failed.
            _ => ErrorCode::ServerFault,
        },
    };
    let ended = matches!(fields.severity.as_str(), "FATAL" | "PANIC");
    if ended && phase != Phase::Startup {
        // The server has closed this session; a new one may be fine.
        return ErrorCode::Protocol;
    }
    code
}

/// `$n` of `unnamed portal parameter $1 = '…'`.
fn parameter_in(context: &str) -> Option<String> {
    let rest = context.split_once("parameter $")?.1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| format!("${digits}"))
}

/// The peer broke the protocol.
pub fn malformed(error: Malformed) -> DbError {
    match error {
        Malformed::TooLarge { .. } => db_error(ErrorCode::ResourceLimit, error.to_string()),
        _ => db_error(
            ErrorCode::Protocol,
            format!("the server does not speak PostgreSQL's protocol: {error}"),
        ),
    }
}

/// A message came that makes no sense where it came.
pub fn unexpected(tag: u8, during: &str) -> DbError {
    db_error(
        ErrorCode::Protocol,
        format!(
            "the server sent an unexpected message '{}' during {during}",
            char::from(tag).escape_default()
        ),
    )
}

/// The connection broke.
pub fn broken(error: &io::Error) -> DbError {
    let mut broken = if error.kind() == io::ErrorKind::TimedOut {
        db_error(ErrorCode::Timeout, "the server did not answer in time")
    } else {
        db_error(
            ErrorCode::Protocol,
            format!("the connection to the server broke: {error}"),
        )
    };
    broken.retryable = true;
    broken
}

/// The server closed the connection where it must not.
pub fn closed() -> DbError {
    let mut error = db_error(
        ErrorCode::Protocol,
        "the server closed the connection unexpectedly",
    );
    error.retryable = true;
    error
}

/// A row could not become Arrow.
pub fn undecodable(error: &DecodeError) -> DbError {
    let code = if error.is_malformed() {
        ErrorCode::Protocol
    } else {
        ErrorCode::DataException
    };
    let mut undecodable = db_error(code, error.to_string());
    undecodable.hint = error.hint().map(str::to_owned);
    undecodable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(severity: &str, sqlstate: &str) -> Fields {
        Fields {
            severity: severity.to_owned(),
            sqlstate: sqlstate.to_owned(),
            message: "nachricht".to_owned(),
            ..Fields::default()
        }
    }

    const RUNNING: Phase = Phase::Statement {
        elapsed: Duration::from_millis(10),
        timeout: Some(Duration::from_secs(1)),
    };

    #[test]
    fn every_class_of_sqlstate_has_its_code() {
        for (sqlstate, code) in [
            ("25006", ErrorCode::ReadOnlyViolation),
            ("42P01", ErrorCode::UndefinedObject),
            ("42703", ErrorCode::UndefinedObject),
            ("42883", ErrorCode::UndefinedObject),
            ("3F000", ErrorCode::UndefinedObject),
            ("42601", ErrorCode::Syntax),
            ("42804", ErrorCode::Syntax),
            ("42501", ErrorCode::PermissionDenied),
            ("28P01", ErrorCode::AuthenticationFailed),
            ("28000", ErrorCode::AuthenticationFailed),
            ("3D000", ErrorCode::DatabaseMissing),
            ("22012", ErrorCode::DataException),
            ("22P02", ErrorCode::DataException),
            ("21000", ErrorCode::DataException),
            ("P0001", ErrorCode::DataException),
            ("23505", ErrorCode::Constraint),
            ("53300", ErrorCode::ResourceLimit),
            ("54001", ErrorCode::ResourceLimit),
            ("0A000", ErrorCode::Unsupported),
            ("25001", ErrorCode::Unsupported),
            ("40P01", ErrorCode::Cancelled),
            ("XX000", ErrorCode::ServerFault),
            ("58030", ErrorCode::ServerFault),
            ("", ErrorCode::ServerFault),
            ("é", ErrorCode::ServerFault),
        ] {
            assert_eq!(
                classify(&fields("ERROR", sqlstate), RUNNING),
                code,
                "{sqlstate}"
            );
        }
    }

    #[test]
    fn a_cancelled_statement_past_its_limit_is_a_timeout_in_any_language() {
        let cancelled = fields("ERROR", "57014");
        assert_eq!(classify(&cancelled, RUNNING), ErrorCode::Cancelled);
        let late = Phase::Statement {
            elapsed: Duration::from_secs(1),
            timeout: Some(Duration::from_secs(1)),
        };
        assert_eq!(classify(&cancelled, late), ErrorCode::Timeout);
        let unlimited = Phase::Statement {
            elapsed: Duration::from_secs(100),
            timeout: None,
        };
        assert_eq!(classify(&cancelled, unlimited), ErrorCode::Cancelled);
    }

    #[test]
    fn a_fatal_error_ends_a_session_but_only_refuses_a_new_one() {
        let shutdown = fields("FATAL", "57P01");
        assert_eq!(classify(&shutdown, RUNNING), ErrorCode::Protocol);
        assert!(from_server(shutdown, RUNNING).retryable);
        // It goes away just while the session starts.
        for state in ["57P01", "57P02", "57P03"] {
            let code = classify(&fields("FATAL", state), Phase::Startup);
            assert_eq!(code, ErrorCode::ConnectionRefused, "{state}");
        }
        let full = fields("FATAL", "53300");
        assert_eq!(classify(&full, Phase::Startup), ErrorCode::ResourceLimit);
    }

    #[test]
    fn a_value_that_the_server_can_not_read_names_its_parameter() {
        let mut unreadable = fields("ERROR", "22P02");
        unreadable.context = "unnamed portal parameter $12 = '...'".to_owned();
        assert_eq!(
            from_server(unreadable, RUNNING).message,
            "parameter $12: nachricht"
        );
        assert_eq!(
            from_server(fields("ERROR", "22P02"), RUNNING).message,
            "nachricht"
        );
    }
}
