//! The connections that the server knows, and the only way from a request to one of them.
//!
//! Stored connections are rows of the system database whose URL only a key opens; beside them stands the
//! environment database, which needs neither. A request is resolved to one [`Connection`] at the edge. When
//! the system database or the keys fail, stored connections answer [`Unavailable`]; the environment database
//! goes on, and everything resumes by itself.
//!
//! URLs are taken apart here and nowhere else. Who may change connections is not decided here.

pub mod catalog;
mod connection;
pub mod credentials;
mod engine;
mod environment;
mod equivalent;
mod error;
mod identity;
mod manage;
mod page;
mod resolve;
mod runtime;
mod show;
#[cfg(test)]
mod testing;
pub mod url;
mod validate;

pub use connection::{
    Candidate, ConnectionPatch, ConnectionStatus, ConnectionView, HIDDEN_URL, Health,
    NewConnection, ServerSummary, TestReport, Unhealthy, Warning, format_time,
};
pub use credentials::Credentials;
pub use engine::Engine;
pub use environment::ENVIRONMENT_ID;
pub use error::{RegistryError, ResolveError, Unavailable};
pub use identity::{Fingerprint, Identity};
pub use runtime::Runtime;

use std::sync::Arc;

use uuid::Uuid;

use self::environment::Environment;
use self::resolve::LastKnownDefault;
use crate::limits::Limits;
use crate::plugins::{ConnectionKey, Connector, PluginError, Plugins, Session, Target};
use crate::secret::Secret;
use crate::store::{Store, StoreError};

/// One connection, resolved and ready to be used. Every layer below the edge carries this, never an id.
#[derive(Clone)]
pub struct Connection {
    pub key: ConnectionKey,
    pub name: String,
    /// Canonical: `postgresql`.
    pub database_type: String,
    pub target: Target,
    pub connector: Arc<Connector>,
    pub chosen_by: ChosenBy,
}

/// Why this connection answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChosenBy {
    Explicit,
    Default,
    Environment,
}

/// Which database gave an answer; part of every answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DatabaseRef {
    pub id: Uuid,
    pub name: String,
    #[serde(rename = "type")]
    pub database_type: String,
    pub chosen_by: ChosenBy,
}

impl Connection {
    /// A session of this connection, waited for if all are busy.
    ///
    /// # Errors
    /// See [`Connector::session`].
    pub async fn session(&self) -> Result<Session, PluginError> {
        self.connector.session(self.key, &self.target).await
    }

    /// How answers name this connection.
    pub fn reference(&self) -> DatabaseRef {
        DatabaseRef {
            id: self.key.id,
            name: self.name.clone(),
            database_type: self.database_type.clone(),
            chosen_by: self.chosen_by,
        }
    }
}

/// What a registry is made of.
pub struct RegistryOptions<R: Runtime = Plugins> {
    pub store: Store,
    /// The keys, or why there are none: stored connections are then unavailable, the rest works.
    pub credentials: Result<Credentials, Unavailable>,
    pub plugins: R,
    /// `DATABASE_URL`.
    pub environment_url: Option<Secret<String>>,
    pub limits: Arc<Limits>,
}

/// The stored connections and the environment database. Cheap to clone.
#[derive(Clone)]
pub struct Registry<R: Runtime = Plugins> {
    inner: Arc<Inner<R>>,
}

struct Inner<R> {
    store: Store,
    credentials: Result<Credentials, Unavailable>,
    plugins: R,
    environment: Option<Environment>,
    limits: Arc<Limits>,
    last_known_default: LastKnownDefault,
}

/// What `/ready` and `/system/status` say about the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryStatus {
    /// Why the stored connections can't be used, if so.
    pub unavailable: Option<Unavailable>,
    /// Whether the system database answers.
    pub has_system_database: bool,
    /// Whether there is a stored connection or an environment database.
    pub has_databases: bool,
    /// Whether a request without a target finds a database.
    pub has_default: bool,
    /// Why `DATABASE_URL` can't be used, if so.
    pub environment_problem: Option<String>,
}

/// What `rotate_keys` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Rotation {
    /// Rows that are now encrypted with the first key.
    pub rotated: u64,
    /// Rows that no key opens; they are as they were.
    pub unreadable: u64,
}

impl<R: Runtime> Registry<R> {
    /// Opens the registry. A system database that is down is no error here: calls answer
    /// [`Unavailable`] until it is up.
    pub async fn open(options: RegistryOptions<R>) -> Self {
        let registry = Self {
            inner: Arc::new(Inner {
                store: options.store,
                credentials: options.credentials,
                plugins: options.plugins,
                environment: Environment::new(options.environment_url),
                limits: options.limits,
                last_known_default: LastKnownDefault::new(),
            }),
        };
        let status = registry.status().await;
        if let Some(unavailable) = &status.unavailable {
            tracing::warn!(
                reason = ?unavailable,
                hint = unavailable.hint(),
                "the registry is unavailable: {unavailable}"
            );
        }
        if let Some(problem) = &status.environment_problem {
            tracing::warn!("DATABASE_URL can't be used: {problem}");
        }
        registry
    }

    /// Closes the system database. Later calls answer [`Unavailable`].
    pub async fn close(&self) {
        self.inner.store.close().await;
    }

    /// How the registry is. Also how it is noticed, between requests, that a system database is back.
    pub async fn status(&self) -> RegistryStatus {
        let rows = self.rows().await;
        let has_system_database = rows.is_ok() || self.inner.store.ping().await.is_ok();
        let environment = &self.inner.environment;
        let known = rows.as_deref().unwrap_or_default();
        RegistryStatus {
            has_system_database,
            has_databases: environment.is_some() || !known.is_empty(),
            has_default: environment.is_some() || known.iter().any(|row| row.is_default),
            environment_problem: environment.as_ref().and_then(|environment| {
                let outcome = environment.inspect(&self.inner.plugins);
                outcome.err().map(|problem| problem.message)
            }),
            unavailable: rows.err(),
        }
    }

    /// Encrypts every row that can be read with the first key. Keys in a file get a new first key before.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`]; all rows are then as they were.
    pub async fn rotate_keys(&self) -> Result<Rotation, RegistryError> {
        let credentials = self.credentials()?;
        let before = self.rows().await?.len();
        credentials.begin_rotation()?;
        let rotated = self
            .inner
            .store
            .rewrite_tokens(|token| {
                let url = credentials.decrypt(token)?;
                Some(credentials.encrypt(&url))
            })
            .await
            .map_err(Unavailable::from)?;
        let unreadable = (before as u64).saturating_sub(rotated);
        if unreadable == 0 {
            credentials.finish_rotation()?;
        }
        Ok(Rotation {
            rotated,
            unreadable,
        })
    }

    fn credentials(&self) -> Result<&Credentials, Unavailable> {
        self.inner.credentials.as_ref().map_err(Clone::clone)
    }
}

impl From<StoreError> for Unavailable {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Newer => Self::StoreIsNewer,
            _ => Self::Store,
        }
    }
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
