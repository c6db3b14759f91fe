//! The connections that the server knows, and the only way from a request to one of them.

mod connection;
pub mod credentials;
mod error;
mod runtime;

pub use connection::{
    Candidate, ConnectionPatch, ConnectionStatus, ConnectionView, HIDDEN_URL, Health,
    NewConnection, ServerSummary, TestReport, Unhealthy, Warning, format_time,
};
pub use credentials::Credentials;
pub use error::{RegistryError, ResolveError, Unavailable};
pub use runtime::Runtime;

use std::sync::Arc;

use uuid::Uuid;

use crate::limits::Limits;
use crate::plugins::{ConnectionKey, Connector, Plugins, Target};
use crate::secret::Secret;
use crate::store::Store;

/// The id of the database that `DATABASE_URL` names.
pub const ENVIRONMENT_ID: Uuid = Uuid::from_u128(0xdada);

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
    plugins: R,
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
        Self {
            plugins: options.plugins,
        }
    }

    /// Checks and stores a connection.
    pub async fn create(&self, new: NewConnection) -> Result<ConnectionView, RegistryError> {
        let _ = new;
        unimplemented!()
    }

    /// Connections, newest first and the environment database last; all of them without a `limit`. The second
    /// value is the cursor of the next page.
    pub async fn list(
        &self,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<(Vec<ConnectionView>, Option<String>), RegistryError> {
        let _ = (limit, cursor);
        unimplemented!()
    }

    /// One connection.
    pub async fn get(&self, id: Uuid) -> Result<ConnectionView, RegistryError> {
        let _ = id;
        unimplemented!()
    }

    /// Changes a connection; a new URL or type is checked like that of a new one.
    pub async fn update(
        &self,
        id: Uuid,
        patch: ConnectionPatch,
    ) -> Result<ConnectionView, RegistryError> {
        let _ = (id, patch);
        unimplemented!()
    }

    /// Makes a connection the default, and any other not.
    pub async fn set_default(&self, id: Uuid) -> Result<(), RegistryError> {
        let _ = id;
        unimplemented!()
    }

    /// Deletes a connection and stops what runs on it.
    pub async fn delete(&self, id: Uuid) -> Result<(), RegistryError> {
        let _ = id;
        unimplemented!()
    }

    /// Checks a connection like [`Registry::create`] and stores nothing.
    pub async fn test(&self, candidate: Candidate) -> Result<TestReport, RegistryError> {
        let _ = candidate;
        unimplemented!()
    }

    /// Connects to a known connection, the environment database included.
    pub async fn health(&self, id: Uuid) -> Result<Health, RegistryError> {
        let _ = id;
        unimplemented!()
    }

    /// How the registry is.
    pub async fn status(&self) -> RegistryStatus {
        unimplemented!()
    }

    /// Encrypts every readable row with the first key.
    pub async fn rotate_keys(&self) -> Result<Rotation, RegistryError> {
        unimplemented!()
    }
}

impl Registry {
    /// The only way from a request to a database: what `target_database` means, or what its absence means.
    ///
    /// # Errors
    /// [`ResolveError`]; none of them is a reason to try another database.
    pub async fn resolve(&self, target: Option<&str>) -> Result<Connection, ResolveError> {
        let _ = target;
        unimplemented!()
    }
}
