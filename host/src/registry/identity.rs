//! When two URLs are the same, and when they lead to the same database.
//!
//! *Same URL*: nothing differs once defaults are filled in and spellings are normalised, password and options
//! included. *Equivalent*: type, host, port, database and user agree; password and options don't count. What
//! is known about one of two equivalent connections holds for the other.

use std::path::PathBuf;

use crate::plugins::{ConnectorInfo, Dialect, Target, TlsMode};
use crate::secret::Secret;

/// Which database a connection leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    database_type: String,
    host: String,
    port: u16,
    database: Option<String>,
    user: Option<String>,
}

impl Identity {
    /// The identity of a target, after the defaults of its protocol.
    pub fn new(database_type: &str, info: &ConnectorInfo, target: &Target) -> Self {
        let database = match (&target.database, info.dialect) {
            // PostgreSQL takes the user's name where none is given.
            (None, Dialect::Postgresql) => target.user.clone(),
            (database, _) => database.clone(),
        };
        Self {
            database_type: database_type.to_owned(),
            host: target.host.clone(),
            port: target.port,
            database,
            user: target.user.clone(),
        }
    }
}

/// All that a URL says, normalised. There is no `Debug`: options may be as private as the password.
#[derive(Clone, PartialEq, Eq)]
pub enum Fingerprint {
    Parsed {
        identity: Identity,
        password: Option<Secret<String>>,
        options: Vec<(String, String)>,
        tls: TlsMode,
        roots: Option<PathBuf>,
    },
    /// No connector understands it; only the very same text is the same URL.
    Raw(Secret<String>),
}

impl Fingerprint {
    /// What a target's URL said.
    pub fn new(database_type: &str, info: &ConnectorInfo, target: &Target) -> Self {
        let mut options = target.options.clone();
        options.sort();
        Self::Parsed {
            identity: Identity::new(database_type, info, target),
            password: target.password.clone(),
            options,
            tls: target.tls.mode,
            roots: target.tls.roots.clone(),
        }
    }

    /// The database that it leads to; `None` if no connector understands it.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Parsed { identity, .. } => Some(identity),
            Self::Raw(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::postgres_info;
    use super::super::url::Parts;
    use super::*;

    fn target(url: &str) -> Target {
        let parts = Parts::parse(url).expect("a URL");
        parts.target(&postgres_info()).expect("a target")
    }

    fn identity(url: &str) -> Identity {
        Identity::new("postgresql", &postgres_info(), &target(url))
    }

    fn same_url(left: &str, right: &str) -> bool {
        let info = postgres_info();
        Fingerprint::new("postgresql", &info, &target(left))
            == Fingerprint::new("postgresql", &info, &target(right))
    }

    #[test]
    fn password_and_options_do_not_make_another_database() {
        assert_eq!(
            identity("postgresql://ann:one@db.example/shop"),
            identity("postgres://ann:two@DB.example:5432/shop?sslmode=require")
        );
    }

    #[test]
    fn host_port_database_and_user_each_make_another_database() {
        let base = identity("postgresql://ann@db.example/shop");
        for other in [
            "postgresql://ann@db2.example/shop",
            "postgresql://ann@db.example:5433/shop",
            "postgresql://ann@db.example/shop2",
            "postgresql://bob@db.example/shop",
        ] {
            assert_ne!(base, identity(other), "{other}");
        }
    }

    #[test]
    fn a_missing_database_name_is_the_users_name_on_postgresql() {
        assert_eq!(
            identity("postgresql://ann@db.example"),
            identity("postgresql://ann@db.example/ann")
        );
    }

    #[test]
    fn another_spelling_is_the_same_url_and_another_password_is_not() {
        assert!(same_url(
            "postgresql://ann:p%61ss@db.example/shop?application_name=x&connect_timeout=3",
            "postgres://ann:pass@DB.EXAMPLE:5432/shop?connect_timeout=3&application_name=x"
        ));
        assert!(!same_url(
            "postgresql://ann:pass@db.example/shop",
            "postgresql://ann:other@db.example/shop"
        ));
        assert!(!same_url(
            "postgresql://ann:pass@db.example/shop",
            "postgresql://ann:pass@db.example/shop?sslmode=require"
        ));
    }
}
