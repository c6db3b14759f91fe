//! From MySQL's errors to the contract's.
//!
//! The class of an error follows from its number, which is finer than its SQLSTATE, and from the SQLSTATE's
//! class where the number is not listed; never from its text. Only a position is taken from the text: the server
//! gives none, but quotes what follows the place where it stopped reading.

use std::io;
use std::time::Duration;

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;

use crate::protocol::Malformed;
use crate::protocol::reply::ServerError;
use crate::types::DecodeError;

/// Numbers of errors that something in here reacts to.
pub mod number {
    /// The prepared statement protocol does not know the statement.
    pub const UNSUPPORTED_PS: u16 = 1295;
    pub const UNKNOWN_STATEMENT: u16 = 1243;
    pub const NEED_REPREPARE: u16 = 1615;
    pub const NO_SUCH_THREAD: u16 = 1094;
    pub const QUERY_INTERRUPTED: u16 = 1317;
    pub const UNKNOWN_COMMAND: u16 = 1047;
}

/// Where in a session's life an error arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before the session was ready: a refusal, not a break.
    Startup,
    /// While a statement ran: for how long, and how long it might.
    Statement {
        elapsed: Duration,
        timeout: Option<Duration>,
    },
}

/// The contract's error for what the server said.
pub fn from_server(error: ServerError, phase: Phase) -> DbError {
    let code = classify(&error, phase);
    let retryable = match error.number {
        // Too many connections; lock wait; deadlock; shutdown, a killed session.
        1040 | 1203 | 1205 | 1213 | 1053 | 1079 | 1927 | 3169 | 4031 => true,
        // Too many connections of this user, and not statements in an hour.
        1226 => error.message.contains("max_user_connections"),
        _ => false,
    };
    DbError {
        code,
        message: error.message,
        vendor_code: Some(error.number.to_string()),
        detail: (!error.sqlstate.is_empty()).then(|| format!("SQLSTATE {}", error.sqlstate)),
        hint: hint(error.number).map(str::to_owned),
        position: None,
        retryable,
    }
}

/// The same, with the position in the statement where it can be told.
pub fn of_statement(error: ServerError, phase: Phase, sql: &str) -> DbError {
    let position = (error.number == 1064)
        .then(|| position(&error.message, sql))
        .flatten();
    DbError {
        position,
        ..from_server(error, phase)
    }
}

fn hint(number: u16) -> Option<&'static str> {
    Some(match number {
        1153 => "raise max_allowed_packet on the server, or send less",
        number::UNSUPPORTED_PS => {
            "statements run as prepared statements, and the server can't prepare this one"
        }
        1461 => "raise max_prepared_stmt_count on the server",
        1129 => "run mysqladmin flush-hosts on the server",
        _ => return None,
    })
}

/// The class of a server's error.
pub fn classify(error: &ServerError, phase: Phase) -> ErrorCode {
    match error.number {
        // The session is over: shutdown, a killed connection, silence.
        1053 | 1077 | 1079 | 1080 | 1152 | 1158..=1161 | 1184 | 1927 | 3169 | 4031 => {
            return if phase == Phase::Startup {
                ErrorCode::ConnectionRefused
            } else {
                ErrorCode::Protocol
            };
        }
        number::QUERY_INTERRUPTED => {
            return match phase {
                Phase::Statement {
                    elapsed,
                    timeout: Some(timeout),
                } if elapsed >= timeout => ErrorCode::Timeout,
                _ => ErrorCode::Cancelled,
            };
        }
        _ => {}
    }
    match error.number {
        1045 | 1524 | 1698 | 1820 | 1862 | 3118 | 3955 | 4151 | 1251 | 1275 => {
            ErrorCode::AuthenticationFailed
        }
        // Without a right to the database.
        1044 if phase == Phase::Startup => ErrorCode::DatabaseMissing,
        1044 | 1142 | 1143 | 1227 | 1370 | 1410 | 1449 | 3879 | 1095 => ErrorCode::PermissionDenied,
        1049 => ErrorCode::DatabaseMissing,
        1064 | 1149 | 1065 | 1111 | 1140 | 1055 | 1066 | 1060 | 1248 | 1222 | 1052 | 1241 => {
            ErrorCode::Syntax
        }
        1046
        | 1051
        | 1054
        | 1072
        | 1091
        | 1109
        | 1113
        | 1115
        | 1128
        | 1146
        | 1176
        | 1193
        | 1273
        | 1305
        | 1327
        | 1356
        | 1630
        | 4161
        | number::UNKNOWN_STATEMENT => ErrorCode::UndefinedObject,
        // In a read-only transaction; --read-only; --super-read-only and other options.
        1792 | 1290 | 1836 | 1223 => ErrorCode::ReadOnlyViolation,
        1022 | 1048 | 1062 | 1169 | 1216 | 1217 | 1451 | 1452 | 1557 | 1586 | 3819 | 4025 => {
            ErrorCode::Constraint
        }
        1264
        | 1265
        | 1292
        | 1366
        | 1367
        | 1365
        | 1406
        | 1411
        | 1690
        | 1242
        | 3140..=3158
        | 1210
        | 1300
        | 1977
        | 4038 => ErrorCode::DataException,
        // max_execution_time; max_statement_time; a lock's own.
        3024 | 1969 | 1205 | 1907 => ErrorCode::Timeout,
        1213 => ErrorCode::Cancelled,
        1021 | 1037 | 1038 | 1040 | 1041 | 1114 | 1135 | 1153 | 1203 | 1104 | 1117 | 1118
        | 1226 | 1301 | 1436 | 1461 | 3170 | 1116 => ErrorCode::ResourceLimit,
        1129 | 1130 => ErrorCode::ConnectionRefused,
        1148
        | 1178
        | 1235
        | 1286
        | number::UNSUPPORTED_PS
        | 1312
        | 1336
        | 1568
        | 3948
        | 4166
        | number::UNKNOWN_COMMAND => ErrorCode::Unsupported,
        _ => match error.sqlstate.get(..2).unwrap_or_default() {
            "08" => ErrorCode::Protocol,
            "0A" => ErrorCode::Unsupported,
            "21" | "22" | "45" => ErrorCode::DataException,
            "23" => ErrorCode::Constraint,
            "25" => ErrorCode::ReadOnlyViolation,
            "28" => ErrorCode::AuthenticationFailed,
            "3D" => ErrorCode::DatabaseMissing,
            "42" => ErrorCode::Syntax,
            "40" | "70" => ErrorCode::Cancelled,
            "53" | "54" => ErrorCode::ResourceLimit,
            // Whatever else the server says of itself: broken tables, full disks, bugs.
            _ => ErrorCode::ServerFault,
        },
    }
}

/// The place where the server stopped reading: it quotes up to 80 characters from there, and says in which line.
/// Only where just one place in the statement fits both.
fn position(message: &str, sql: &str) -> Option<u32> {
    let (_, quoted) = message.split_once('\'')?;
    let (near, rest) = quoted.rsplit_once('\'')?;
    let line: usize = rest
        .split(|c: char| !c.is_ascii_digit())
        .find(|digits| !digits.is_empty())?
        .parse()
        .ok()?;
    let offset = if near.is_empty() {
        sql.len()
    } else {
        let mut places = sql
            .char_indices()
            .map(|(offset, _)| offset)
            .filter(|&offset| sql[offset..].starts_with(near))
            .filter(|&offset| sql[..offset].matches('\n').count() + 1 == line)
            // What is quoted ends where the statement does, unless it was cut.
            .filter(|&offset| near.chars().count() >= 80 || offset + near.len() == sql.len());
        let place = places.next()?;
        if places.next().is_some() {
            return None;
        }
        place
    };
    u32::try_from(sql[..offset].chars().count() + 1).ok()
}

/// The peer broke the protocol.
pub fn malformed(error: Malformed) -> DbError {
    match error {
        Malformed::TooLarge { .. } => db_error(ErrorCode::ResourceLimit, error.to_string()),
        _ => db_error(
            ErrorCode::Protocol,
            format!("the server does not speak MySQL's protocol: {error}"),
        ),
    }
}

/// An answer came that makes no sense where it came.
pub fn unexpected(during: &str) -> DbError {
    db_error(
        ErrorCode::Protocol,
        format!("the server sent an unexpected answer to {during}"),
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

/// The server asked for a file of this machine.
pub fn local_file() -> DbError {
    db_error(
        ErrorCode::Unsupported,
        "the server asked for a file of this machine (LOCAL INFILE), which it never gets",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(number: u16, sqlstate: &str) -> ServerError {
        ServerError {
            number,
            sqlstate: sqlstate.to_owned(),
            message: "nachricht".to_owned(),
        }
    }

    const RUNNING: Phase = Phase::Statement {
        elapsed: Duration::from_millis(10),
        timeout: Some(Duration::from_secs(1)),
    };

    #[test]
    fn every_number_has_its_class_and_others_that_of_their_state() {
        for (number, sqlstate, code) in [
            (1045, "28000", ErrorCode::AuthenticationFailed),
            (1698, "28000", ErrorCode::AuthenticationFailed),
            (1049, "42000", ErrorCode::DatabaseMissing),
            (1064, "42000", ErrorCode::Syntax),
            (1146, "42S02", ErrorCode::UndefinedObject),
            (1054, "42S22", ErrorCode::UndefinedObject),
            (1305, "42000", ErrorCode::UndefinedObject),
            (1142, "42000", ErrorCode::PermissionDenied),
            (1044, "42000", ErrorCode::PermissionDenied),
            (1792, "25006", ErrorCode::ReadOnlyViolation),
            (1290, "HY000", ErrorCode::ReadOnlyViolation),
            (1062, "23000", ErrorCode::Constraint),
            (1365, "22012", ErrorCode::DataException),
            (3024, "HY000", ErrorCode::Timeout),
            (1969, "70100", ErrorCode::Timeout),
            (1205, "HY000", ErrorCode::Timeout),
            (1317, "70100", ErrorCode::Cancelled),
            (1040, "08004", ErrorCode::ResourceLimit),
            (1153, "08S01", ErrorCode::ResourceLimit),
            (1295, "HY000", ErrorCode::Unsupported),
            (1927, "70100", ErrorCode::Protocol),
            (9999, "22003", ErrorCode::DataException),
            (9999, "HY000", ErrorCode::ServerFault),
            (9999, "é", ErrorCode::ServerFault),
        ] {
            assert_eq!(
                classify(&error(number, sqlstate), RUNNING),
                code,
                "{number} {sqlstate}"
            );
        }
        assert_eq!(
            classify(&error(1044, "42000"), Phase::Startup),
            ErrorCode::DatabaseMissing
        );
        assert_eq!(
            classify(&error(1053, "08S01"), Phase::Startup),
            ErrorCode::ConnectionRefused
        );
    }

    #[test]
    fn an_interrupted_statement_past_its_limit_is_a_timeout() {
        let late = Phase::Statement {
            elapsed: Duration::from_secs(1),
            timeout: Some(Duration::from_secs(1)),
        };
        assert_eq!(classify(&error(1317, "70100"), late), ErrorCode::Timeout);
    }

    #[test]
    fn a_syntax_error_stands_where_the_server_quotes_from_and_nowhere_if_two_places_fit() {
        let near =
            |near: &str, line: u32| format!("You have an error … near '{near}' at line {line}");
        assert_eq!(position(&near("FORM t", 1), "SELECT é FORM t"), Some(10));
        assert_eq!(position(&near("", 1), "SELECT"), Some(7));
        assert_eq!(position(&near("x", 2), "SELECT\nx"), Some(8));
        assert_eq!(position(&near("it's", 1), "SELECT 1 it's"), Some(10));
        assert_eq!(position(&near("y", 1), "SELECT\ny"), None);
        let long = "x ".repeat(100);
        assert_eq!(
            position(&near(&long[..80], 1), &format!("a {}", &long[..82])),
            None
        );
        assert_eq!(position("no quotes", "SELECT"), None);
        assert_eq!(position("near 'a' at line 99999999999999999999", "a"), None);
    }
}
