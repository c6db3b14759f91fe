//! What a database URL may say beside host, user and database.

use std::time::Duration;

use datachat_sdk::connector::types::DbError;
use datachat_sdk::connector::{OptionSpec, Target};
use datachat_sdk::options::{connect_timeout, invalid, spec, unknown};

use crate::types::ZeroDates;

/// The options of a target, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub program_name: String,
    /// The smaller of the host's limit and the URL's.
    pub connect_timeout: Duration,
    pub zero_dates: ZeroDates,
}

/// What the host shows and checks.
pub fn specs() -> Vec<OptionSpec> {
    vec![
        spec(
            "ssl-mode",
            "How much of TLS is asked for; VERIFY_IDENTITY checks the certificate's chain and the host's name.",
            &[
                "DISABLED",
                "PREFERRED",
                "REQUIRED",
                "VERIFY_CA",
                "VERIFY_IDENTITY",
            ],
            Some("PREFERRED"),
        ),
        spec(
            "ssl-ca",
            "A PEM file of the certificate authorities that are trusted, instead of the system's.",
            &[],
            None,
        ),
        spec(
            "connect_timeout",
            "The most seconds that connecting may take; 0 leaves it to the server's limit.",
            &[],
            None,
        ),
        spec(
            "program_name",
            "The name that the session has in performance_schema.session_connect_attrs.",
            &[],
            Some("datachat"),
        ),
        spec(
            "zero_dates",
            "What a date like 0000-00-00 or 2024-02-00, which is no day of a calendar, becomes: an error, or NULL.",
            &["error", "null"],
            Some("error"),
        ),
    ]
}

impl Options {
    /// Reads a target's options.
    ///
    /// # Errors
    /// `invalid-option`, naming it.
    pub fn read(target: &Target) -> Result<Self, DbError> {
        let mut options = Self {
            program_name: "datachat".to_owned(),
            connect_timeout: Duration::from_millis(target.connect_timeout_ms.into()),
            zero_dates: ZeroDates::Error,
        };
        for (name, value) in &target.options {
            match name.as_str() {
                "program_name" => options.program_name.clone_from(value),
                "connect_timeout" => {
                    options.connect_timeout = connect_timeout(target, name, value)?;
                }
                "zero_dates" => {
                    options.zero_dates = match value.as_str() {
                        "error" => ZeroDates::Error,
                        "null" => ZeroDates::Null,
                        _ => return Err(invalid(name, "error or null")),
                    }
                }
                _ => {
                    return Err(unknown("MySQL", name));
                }
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use datachat_sdk::connector::TlsMode;

    use super::*;

    fn read(options: &[(&str, &str)]) -> Result<Options, DbError> {
        Options::read(&Target {
            host: "h".to_owned(),
            port: 3306,
            addresses: Vec::new(),
            database: None,
            user: None,
            options: options
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            tls: TlsMode::Prefer,
            connect_timeout_ms: 5000,
        })
    }

    #[test]
    fn the_smaller_limit_of_time_counts_and_none_means_the_hosts() {
        for (value, millis) in [("2", 2000), ("60", 5000), ("0", 5000)] {
            let options = read(&[("connect_timeout", value)]).expect("valid");
            assert_eq!(options.connect_timeout, Duration::from_millis(millis));
        }
        assert!(read(&[("connect_timeout", "soon")]).is_err());
    }

    #[test]
    fn what_is_no_option_or_no_value_is_refused_by_name() {
        assert_eq!(
            read(&[("zero_dates", "null")]).map(|options| options.zero_dates),
            Ok(ZeroDates::Null)
        );
        let error = read(&[("zero_dates", "maybe")]).expect_err("refused");
        assert!(error.message.contains("zero_dates"));
        let error = read(&[("local_infile", "1")]).expect_err("refused");
        assert!(error.message.contains("local_infile"));
    }
}
