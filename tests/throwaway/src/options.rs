//! What a server is started with: roles, how they authenticate, TLS, settings.

use std::fmt::Write as _;
use std::path::Path;

use crate::{literal, quoted};

/// How clients prove who they are, over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    Scram,
    Md5,
    /// The password itself crosses the wire.
    Cleartext,
    /// No password at all.
    Trust,
}

impl Auth {
    /// As `pg_hba.conf` spells it.
    fn method(self) -> &'static str {
        match self {
            Self::Scram => "scram-sha-256",
            Self::Md5 => "md5",
            Self::Cleartext => "password",
            Self::Trust => "trust",
        }
    }
}

/// A role that may log in.
#[derive(Debug, Clone)]
pub struct Role {
    pub name: String,
    pub password: String,
    pub auth: Auth,
    /// Only over TLS.
    pub tls_only: bool,
    /// `SUPERUSER`, `CREATEDB`, …: as `CREATE ROLE` spells them.
    pub attributes: String,
}

impl Role {
    /// A role without rights of its own.
    pub fn new(name: &str, password: &str, auth: Auth) -> Self {
        Self {
            name: name.to_owned(),
            password: password.to_owned(),
            auth,
            tls_only: false,
            attributes: String::new(),
        }
    }

    /// Refuses the role on connections without TLS.
    #[must_use]
    pub fn tls_only(mut self) -> Self {
        self.tls_only = true;
        self
    }

    /// Gives it attributes of `CREATE ROLE`.
    #[must_use]
    pub fn with(mut self, attributes: &str) -> Self {
        attributes.clone_into(&mut self.attributes);
        self
    }
}

/// The server's certificate, leaf first, and its key.
#[derive(Debug, Clone)]
pub struct ServerTls {
    pub certificate_pem: String,
    pub key_pem: String,
}

/// How to start a server. Start from [`Options::new`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Of the role `postgres`, which authenticates by SCRAM.
    pub superuser_password: String,
    pub roles: Vec<Role>,
    pub databases: Vec<String>,
    pub tls: Option<ServerTls>,
    /// Lines of `postgresql.conf`.
    pub settings: Vec<(String, String)>,
    /// Environment variables of the server.
    pub variables: Vec<(String, String)>,
}

impl Options {
    /// SCRAM, no TLS, no further role.
    pub fn new(superuser_password: &str) -> Self {
        Self {
            superuser_password: superuser_password.to_owned(),
            roles: Vec::new(),
            databases: Vec::new(),
            tls: None,
            settings: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Adds a role.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// Adds an empty database.
    #[must_use]
    pub fn database(mut self, name: &str) -> Self {
        self.databases.push(name.to_owned());
        self
    }

    /// Offers TLS.
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Adds a line of `postgresql.conf`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets an environment variable of the server.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `pg_hba.conf`: the first line that fits a connection decides.
    pub(crate) fn host_rules(&self) -> String {
        let mut rules = "local all all trust\n".to_owned();
        for role in &self.roles {
            let kind = if role.tls_only { "hostssl" } else { "host" };
            let name = quoted(&role.name);
            // Writing to a string can't fail.
            let _ = writeln!(rules, "{kind} all {name} all {}", role.auth.method());
            if role.tls_only {
                let _ = writeln!(rules, "host all {name} all reject");
            }
        }
        rules.push_str("host all all all scram-sha-256\n");
        rules
    }

    pub(crate) fn configuration(&self, folder: &Path) -> String {
        let mut settings: Vec<(&str, String)> = vec![
            ("listen_addresses", "127.0.0.1".into()),
            ("unix_socket_directories", folder.display().to_string()),
            ("password_encryption", "scram-sha-256".into()),
            ("fsync", "off".into()),
            ("synchronous_commit", "off".into()),
            ("full_page_writes", "off".into()),
            ("shared_buffers", "64MB".into()),
            ("max_connections", "200".into()),
            ("timezone", "UTC".into()),
            ("lc_messages", "C".into()),
            ("ssl", if self.tls.is_some() { "on" } else { "off" }.into()),
        ];
        // A later line wins over an earlier one.
        settings.extend(
            self.settings
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone())),
        );
        let mut file = String::new();
        for (name, value) in settings {
            // Writing to a string can't fail.
            let _ = writeln!(file, "{name} = {}", literal(&value));
        }
        file
    }

    pub(crate) fn roles_sql(&self) -> String {
        let mut sql = format!(
            "ALTER ROLE postgres PASSWORD {};",
            literal(&self.superuser_password)
        );
        for role in &self.roles {
            let hash = if role.auth == Auth::Md5 {
                "md5"
            } else {
                "scram-sha-256"
            };
            let _ = write!(
                sql,
                " SET password_encryption = '{hash}'; CREATE ROLE {} LOGIN {} PASSWORD {};",
                quoted(&role.name),
                role.attributes,
                literal(&role.password)
            );
        }
        sql
    }
}
