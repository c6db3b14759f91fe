//! What a session is told before its first statement, and again after every reset.
//!
//! How it decides: texts come as utf8mb4, times as UTC, a statement outside of any transaction can't write
//! either, and our own statements are under no limit. A reader may take longer than the server's usual minute
//! to fetch a result. `sql_mode` is left as it is at the start and kept: the host judges statements by it.

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;

/// How long the server waits for a reader that is slow to take a result, in seconds.
const PATIENCE_SECONDS: u32 = 600;

/// No limit of rows.
const ALL_ROWS: u64 = u64::MAX;

/// A session's own transactions, for statements that are in none of ours.
pub(crate) const READ_ONLY: &str = "SET SESSION TRANSACTION READ ONLY";
pub(crate) const READ_WRITE: &str = "SET SESSION TRANSACTION READ WRITE";
pub(crate) const BEGIN_READ_ONLY: &str = "START TRANSACTION READ ONLY";
pub(crate) const BEGIN_READ_WRITE: &str = "START TRANSACTION READ WRITE";
pub(crate) const ROLLBACK: &str = "ROLLBACK";
pub(crate) const COMMIT: &str = "COMMIT";

/// Whose server it is, and how old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    MySql,
    MariaDb,
}

/// Product and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub product: Product,
    /// As the server gives it: `10.11.14-MariaDB-0+deb12u2`.
    pub version: String,
    numbers: (u32, u32, u32),
}

/// What a session may take for its statements. 0 and `None`: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Limits {
    pub timeout_ms: u32,
    pub max_rows: Option<u64>,
}

impl Server {
    pub(crate) fn new(version: &str, is_mariadb: bool) -> Self {
        let mut numbers = version
            .split(|c: char| !c.is_ascii_digit())
            .map(|digits| digits.parse().unwrap_or(0));
        let mut number = || numbers.next().unwrap_or(0);
        Self {
            product: if is_mariadb || version.contains("MariaDB") {
                Product::MariaDb
            } else {
                Product::MySql
            },
            version: version.to_owned(),
            numbers: (number(), number(), number()),
        }
    }

    /// The version without what follows its numbers.
    pub(crate) fn short_version(&self) -> String {
        let (major, minor, patch) = self.numbers;
        format!("{major}.{minor}.{patch}")
    }

    /// Refuses servers without read-only transactions.
    ///
    /// # Errors
    /// `unsupported`.
    pub(crate) fn check(&self) -> Result<(), DbError> {
        let (name, since) = match self.product {
            Product::MySql => ("MySQL", (5, 6, 5)),
            Product::MariaDb => ("MariaDB", (10, 0, 0)),
        };
        if self.numbers >= since {
            return Ok(());
        }
        Err(db_error(
            ErrorCode::Unsupported,
            format!(
                "{name} {} has no read-only transactions; {name} {}.{} is the oldest that is supported",
                self.short_version(),
                since.0,
                since.1
            ),
        ))
    }

    /// Whether an execution may name the statement that was prepared last without its number.
    pub(crate) fn runs_last_prepared(&self) -> bool {
        self.product == Product::MariaDb && self.numbers >= (10, 2, 0)
    }

    /// `SET …=` of the time that a statement may take. `None`: the server can't be told.
    fn time_limit(&self, millis: u32) -> Option<String> {
        match self.product {
            Product::MariaDb if self.numbers >= (10, 1, 1) => Some(format!(
                "max_statement_time={}.{:03}",
                millis / 1000,
                millis % 1000
            )),
            // Of reading statements.
            Product::MySql if self.numbers >= (5, 7, 8) => {
                Some(format!("max_execution_time={millis}"))
            }
            _ => None,
        }
    }

    /// Tells the limits of the statements that follow.
    pub(crate) fn limits(&self, limits: Limits) -> String {
        let mut sql = format!(
            "SET sql_select_limit={}",
            limits.max_rows.unwrap_or(ALL_ROWS)
        );
        if let Some(time) = self.time_limit(limits.timeout_ms) {
            sql.push_str(", ");
            sql.push_str(&time);
        }
        sql
    }

    /// Sets a new session up; `sql_mode` is what it must be, if that is known already.
    pub(crate) fn set_up(&self, sql_mode: Option<&str>) -> String {
        let mut sql = format!(
            "SET NAMES utf8mb4, time_zone='+00:00', autocommit=1, net_write_timeout={PATIENCE_SECONDS}, \
             sql_select_limit={ALL_ROWS}"
        );
        if let Some(time) = self.time_limit(0) {
            sql.push_str(", ");
            sql.push_str(&time);
        }
        if let Some(mode) = sql_mode {
            sql.push_str(", sql_mode='");
            sql.push_str(mode);
            sql.push('\'');
        }
        sql
    }
}

/// Checks that a value of `sql_mode` is made of names: it will be part of a statement of ours.
///
/// # Errors
/// `protocol`.
pub(crate) fn check_mode(mode: &str) -> Result<(), DbError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ',');
    if mode.len() <= 4096 && mode.chars().all(fits) {
        return Ok(());
    }
    Err(db_error(
        ErrorCode::Protocol,
        "the server's sql_mode is not a list of names",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_product_is_told_its_time_limit_in_its_own_words() {
        let limits = Limits {
            timeout_ms: 2500,
            max_rows: Some(11),
        };
        for (version, mariadb, sql) in [
            (
                "10.11.14-MariaDB-0+deb12u2",
                true,
                "SET sql_select_limit=11, max_statement_time=2.500",
            ),
            (
                "8.4.3",
                false,
                "SET sql_select_limit=11, max_execution_time=2500",
            ),
            ("5.6.51-log", false, "SET sql_select_limit=11"),
        ] {
            assert_eq!(Server::new(version, mariadb).limits(limits), sql);
        }
    }

    #[test]
    fn a_server_without_read_only_transactions_is_refused() {
        assert!(Server::new("5.5.62", false).check().is_err());
        assert!(Server::new("5.6.5", false).check().is_ok());
        assert!(Server::new("10.11.14-MariaDB", true).check().is_ok());
        assert!(Server::new("5.5.68-MariaDB", true).check().is_err());
        assert!(Server::new("", false).check().is_err());
    }

    #[test]
    fn a_mode_that_is_no_list_of_names_never_becomes_part_of_a_statement() {
        assert!(check_mode("STRICT_TRANS_TABLES,ANSI_QUOTES").is_ok());
        assert!(check_mode("").is_ok());
        assert!(check_mode("a' , b='").is_err());
    }
}
