//! What a database URL may say beside host, user and database.

use std::time::Duration;

use datachat_sdk::connector::types::DbError;
use datachat_sdk::connector::{OptionSpec, Target};
use datachat_sdk::options::{connect_timeout, invalid, spec, unknown};

use crate::types::Strings;

/// The options of a target, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The smaller of the host's limit and the URL's.
    pub connect_timeout: Duration,
    pub strings: Strings,
    /// Whether the server may compress its answers with LZ4.
    pub lz4: bool,
}

/// What the host shows and checks.
pub fn specs() -> Vec<OptionSpec> {
    vec![
        spec(
            "sslmode",
            "How much of the certificate is checked where the scheme stands for TLS (https, clickhouses): \
             verify-full checks the chain and the host's name.",
            &["disable", "require", "verify-ca", "verify-full"],
            None,
        ),
        spec(
            "sslrootcert",
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
            "strings",
            "What columns of the type String hold: text, or any bytes.",
            &["utf8", "binary"],
            Some("utf8"),
        ),
        spec(
            "fixed_strings",
            "What columns of the type FixedString hold: bytes, or text without the zeros at its end.",
            &["binary", "utf8"],
            Some("binary"),
        ),
        spec(
            "compression",
            "How the server compresses what it sends; worth it over slow networks.",
            &["none", "lz4"],
            Some("none"),
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
            connect_timeout: Duration::from_millis(target.connect_timeout_ms.into()),
            strings: Strings::default(),
            lz4: false,
        };
        for (name, value) in &target.options {
            match (name.as_str(), value.as_str()) {
                ("strings", "utf8") => options.strings.binary = false,
                ("strings", "binary") => options.strings.binary = true,
                ("strings", _) => return Err(invalid(name, "utf8 or binary")),
                ("fixed_strings", "binary") => options.strings.fixed_text = false,
                ("fixed_strings", "utf8") => options.strings.fixed_text = true,
                ("fixed_strings", _) => return Err(invalid(name, "binary or utf8")),
                ("compression", "none") => options.lz4 = false,
                ("compression", "lz4") => options.lz4 = true,
                ("compression", _) => return Err(invalid(name, "none or lz4")),
                ("connect_timeout", seconds) => {
                    options.connect_timeout = connect_timeout(target, name, seconds)?;
                }
                _ => {
                    return Err(unknown("ClickHouse", name));
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
            port: 8123,
            addresses: Vec::new(),
            database: None,
            user: None,
            options: options
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            tls: TlsMode::Disable,
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
            ("strings", "latin1"),
            ("compression", "rar"),
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
            let value = spec.values.last().map_or("1", String::as_str);
            assert!(read(&[(&spec.name, value)]).is_ok(), "{}", spec.name);
        }
    }
}
