//! What callers give and get: a connection as it is asked for, changed and shown.
//!
//! A shown connection never holds its URL, so that no encoder can leak it by accident.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use crate::plugins::{PluginError, ServerInfo};
use crate::secret::Secret;

/// What stands in every answer instead of the URL.
pub const HIDDEN_URL: &str = "**********";

/// A connection to be stored.
#[derive(Debug, Clone)]
pub struct NewConnection {
    pub name: String,
    pub database_url: Secret<String>,
    /// Canonical name or alias, in any case.
    pub database_type: String,
    pub tags: Vec<String>,
    pub description: Option<String>,
    pub is_default: bool,
}

/// A connection to be tried out.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Checked like a new connection's, if given.
    pub name: Option<String>,
    /// Checked like a new connection's, if given.
    pub description: Option<String>,
    pub database_url: Secret<String>,
    pub database_type: String,
}

/// What to change; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct ConnectionPatch {
    pub name: Option<String>,
    pub database_url: Option<Secret<String>>,
    pub database_type: Option<String>,
    /// `Some(None)` clears it.
    pub description: Option<Option<String>>,
    pub tags: Option<Vec<String>>,
}

impl ConnectionPatch {
    /// Whether it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.database_url.is_none()
            && self.database_type.is_none()
            && self.description.is_none()
            && self.tags.is_none()
    }
}

/// A connection as every answer shows it; the fields stand in the order of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectionView {
    pub connection_id: Uuid,
    pub name: String,
    /// Always [`HIDDEN_URL`].
    pub database_url: &'static str,
    pub database_type: String,
    /// True: a connection that is stored is in use.
    pub is_active: bool,
    pub is_default: bool,
    pub tags: Vec<String>,
    pub description: Option<String>,
    /// `None` for the environment database, which nobody created.
    #[serde(serialize_with = "optional_time")]
    pub created_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "optional_time")]
    pub last_profiled: Option<DateTime<Utc>>,
    pub datapoint_count: u64,
    pub status: ConnectionStatus,
    pub warnings: Vec<Warning>,
}

/// Whether a connection can be used, as far as that is known without connecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionStatus {
    Ok,
    /// No key opens the row, or what it holds is no usable URL.
    CredentialsUnreadable,
    /// No installed connector serves the type.
    ConnectorMissing,
}

/// Something that an operator should know about a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable: `same_url`, `role_superuser`.
    pub code: String,
    pub message: String,
}

/// What the other side is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerSummary {
    pub product: String,
    pub version: String,
    pub role: String,
}

impl From<&ServerInfo> for ServerSummary {
    fn from(info: &ServerInfo) -> Self {
        Self {
            product: info.product.clone(),
            version: info.version.clone(),
            role: info.role.clone(),
        }
    }
}

/// The answer of a test that succeeded; one that failed is a [`super::RegistryError`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestReport {
    pub ok: bool,
    pub database_type: String,
    pub server: ServerSummary,
    pub latency_ms: u64,
    pub warnings: Vec<Warning>,
}

/// How a connection is right now. An unhealthy one is an answer, not an error.
#[derive(Debug)]
pub struct Health {
    pub connection_id: Uuid,
    /// Opening a session and asking it who it is; `None` when it did not come to that.
    pub latency_ms: Option<u64>,
    pub checked_at: DateTime<Utc>,
    /// The server, or why it can't be used. Never a credential.
    pub outcome: Result<ServerSummary, Unhealthy>,
}

/// Why a connection is not healthy.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    #[error("the credentials can't be read: {0}")]
    CredentialsUnreadable(String),
    #[error("no installed connector serves {0}")]
    ConnectorMissing(String),
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

/// RFC 3339, UTC, microseconds, `Z`.
pub fn format_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[expect(
    clippy::ref_option,
    reason = "the signature that serde's `serialize_with` calls"
)]
fn optional_time<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_str(&format_time(*time)),
        None => serializer.serialize_none(),
    }
}
