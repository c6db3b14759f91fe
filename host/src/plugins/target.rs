//! Where a session goes: a database URL, taken apart and checked.

use std::path::PathBuf;

use uuid::Uuid;

use super::TlsMode;
use super::redact::Redactor;
use crate::secret::Secret;

/// Which connection a pooled session belongs to. A changed URL is a new revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionKey {
    pub id: Uuid,
    pub revision: i64,
}

/// The parts of a database URL. Addresses are not here: the runtime resolves the host for every session.
#[derive(Debug, Clone)]
pub struct Target {
    pub host: String,
    pub port: u16,
    pub database: Option<String>,
    pub user: Option<String>,
    pub password: Option<Secret<String>>,
    /// Options that the connector declares, without the TLS ones.
    pub options: Vec<(String, String)>,
    pub tls: Tls,
}

impl Target {
    /// A text of people about this database without its password, unless that may well be a part of a word.
    pub fn redacted(&self, text: String) -> String {
        Redactor::new(self.password.as_ref()).name(text)
    }
}

impl TlsMode {
    /// Whether a session without TLS is no session.
    pub(crate) fn demands(self) -> bool {
        matches!(self, Self::Require | Self::VerifyCa | Self::VerifyFull)
    }
}

/// What the connection asks of TLS.
#[derive(Debug, Clone)]
pub struct Tls {
    pub mode: TlsMode,
    /// A PEM file of roots that replaces the system's (`sslrootcert`).
    pub roots: Option<PathBuf>,
}
