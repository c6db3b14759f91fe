//! What a database URL may say beside host, user and database.

use std::time::Duration;

use datachat_sdk::connector::types::DbError;
use datachat_sdk::connector::{OptionSpec, Target};
use datachat_sdk::options::{connect_timeout, invalid, spec, unknown};

/// Whether SCRAM binds itself to the TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    Disable,
    /// Where both sides can.
    Prefer,
    Require,
}

/// The options of a target, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub application_name: String,
    pub binding: Binding,
    /// The smaller of the host's limit and the URL's.
    pub connect_timeout: Duration,
    /// Settings for the start of the session: `search_path`, `options`.
    pub settings: Vec<(&'static str, String)>,
}

/// What the host shows and checks.
pub fn specs() -> Vec<OptionSpec> {
    vec![
        spec(
            "sslmode",
            "How much of TLS is asked for; verify-full checks the certificate's chain and the host's name.",
            &["disable", "prefer", "require", "verify-ca", "verify-full"],
            Some("prefer"),
        ),
        spec(
            "sslrootcert",
            "A PEM file of the certificate authorities that are trusted, instead of the system's.",
            &[],
            None,
        ),
        spec(
            "channel_binding",
            "Whether SCRAM authentication is bound to the TLS connection.",
            &["disable", "prefer", "require"],
            Some("prefer"),
        ),
        spec(
            "connect_timeout",
            "The most seconds that connecting may take; 0 leaves it to the server's limit.",
            &[],
            None,
        ),
        spec(
            "application_name",
            "The name that the session has in pg_stat_activity.",
            &[],
            Some("datachat"),
        ),
        spec(
            "search_path",
            "The schemas in which unqualified names are looked up, separated by commas.",
            &[],
            None,
        ),
        spec(
            "options",
            "Settings for the session, written as for the server's command line: -c geqo=off.",
            &[],
            None,
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
            application_name: "datachat".to_owned(),
            binding: Binding::Prefer,
            connect_timeout: Duration::from_millis(target.connect_timeout_ms.into()),
            settings: Vec::new(),
        };
        for (name, value) in &target.options {
            match name.as_str() {
                "application_name" => options.application_name.clone_from(value),
                "channel_binding" => {
                    options.binding = match value.as_str() {
                        "disable" => Binding::Disable,
                        "prefer" => Binding::Prefer,
                        "require" => Binding::Require,
                        _ => return Err(invalid(name, "disable, prefer or require")),
                    }
                }
                "connect_timeout" => {
                    options.connect_timeout = connect_timeout(target, name, value)?;
                }
                "search_path" => options.settings.push(("search_path", value.clone())),
                "options" => options.settings.push(("options", value.clone())),
                _ => {
                    return Err(unknown("PostgreSQL", name));
                }
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use datachat_sdk::connector::TlsMode;
    use datachat_sdk::connector::types::ErrorCode;

    use super::*;

    fn read(options: &[(&str, &str)]) -> Result<Options, DbError> {
        Options::read(&Target {
            host: "h".to_owned(),
            port: 5432,
            addresses: Vec::new(),
            database: None,
            user: None,
            options: options
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            tls: TlsMode::Prefer,
            connect_timeout_ms: 10_000,
        })
    }

    #[test]
    fn the_shorter_connect_timeout_wins() {
        let of = |value| {
            read(&[("connect_timeout", value)])
                .expect("valid")
                .connect_timeout
        };
        assert_eq!(of("3"), Duration::from_secs(3));
        assert_eq!(of("60"), Duration::from_secs(10));
        assert_eq!(of("0"), Duration::from_secs(10));
    }

    #[test]
    fn a_bad_value_is_refused_by_the_option_s_name() {
        for (name, value) in [
            ("connect_timeout", "soon"),
            ("channel_binding", "maybe"),
            ("colour", "red"),
        ] {
            let error = read(&[(name, value)]).expect_err("refused");
            assert_eq!(error.code, ErrorCode::InvalidOption);
            assert!(error.message.contains(name), "{}", error.message);
        }
    }

    #[test]
    fn every_option_but_those_of_tls_is_read() {
        for spec in specs() {
            if spec.name.starts_with("ssl") {
                continue;
            }
            let value = spec.values.first().map_or("1", String::as_str);
            assert!(read(&[(&spec.name, value)]).is_ok(), "{}", spec.name);
        }
    }
}
