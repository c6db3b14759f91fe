//! Why the registry said no. One variant a reason; the API gives each its code.

use uuid::Uuid;

use crate::plugins::PluginError;

/// Why the stored connections can't be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    #[error("the system database can't be reached")]
    Store,
    #[error("the system database was written by a newer version of the server")]
    StoreIsNewer,
    #[error("SYSTEM_DATABASE_URL is set, but DATABASE_CREDENTIALS_KEY is not")]
    KeyMissing,
    /// `index` counts from 1.
    #[error("key {index} of DATABASE_CREDENTIALS_KEY is not a Fernet key")]
    KeyMalformed { index: usize },
    /// The path is for the log; clients needn't know where the server keeps its files.
    #[error("the key file in the data folder {problem}")]
    KeyFile { path: String, problem: String },
}

impl Unavailable {
    /// What an operator does about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Store => {
                "Start the system database or correct SYSTEM_DATABASE_URL; the server reconnects by itself."
            }
            Self::StoreIsNewer => "Run the version of the server that wrote it, or a newer one.",
            Self::KeyMissing | Self::KeyMalformed { .. } => {
                "Set DATABASE_CREDENTIALS_KEY to what `datachat keys generate` prints, the same for every server of this system database, and restart."
            }
            Self::KeyFile { .. } => {
                "Restore the file, or set DATABASE_CREDENTIALS_KEY, and restart."
            }
        }
    }
}

/// Why a connection was not stored, changed, listed or tested.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// `field` is the body's, `code` is stable.
    #[error("{message}")]
    Validation {
        field: &'static str,
        code: &'static str,
        message: String,
    },
    #[error("Unsupported database type; accepted are {}.", accepted.join(", "))]
    UnsupportedDatabaseType { accepted: Vec<String> },
    /// A type of the catalog that no connector serves.
    #[error("{database_type} is known for its credentials only; no connector serves it.")]
    CredentialsOnly { database_type: String },
    #[error("A connection of this name exists already.")]
    DuplicateName { connection_id: Uuid },
    /// The message names the part, never its content.
    #[error("Invalid database URL: {message}.")]
    InvalidDatabaseUrl { message: String },
    #[error("No connector takes this URL scheme; accepted are {}.", accepted.join(", "))]
    UnsupportedUrlScheme { accepted: Vec<String> },
    #[error("The database type {database_type} does not match URL scheme {scheme}.")]
    DatabaseTypeMismatch {
        database_type: String,
        scheme: String,
    },
    /// The database could not be reached, or the address is not allowed, while a connection was checked.
    #[error("Failed to connect to database: {0}")]
    Connect(#[source] PluginError),
    #[error("At least one field to change is required.")]
    EmptyUpdate,
    #[error(
        "Environment Database is defined by DATABASE_URL and can't be changed, deleted or made the default here."
    )]
    EnvironmentDatabase,
    #[error("Connection not found: {id}")]
    NotFound { id: Uuid },
    #[error("The cursor is not one that this server gave.")]
    InvalidCursor,
    #[error("The credentials of this connection can't be read.")]
    CredentialsUnreadable { id: Uuid },
    #[error("The registry is unavailable: {0}.")]
    Unavailable(#[from] Unavailable),
}

/// Why a request has no database.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// Empty, blank or not a UUID.
    #[error("Invalid connection ID.")]
    InvalidId,
    #[error("Database connection not found: {id}")]
    NotFound { id: Uuid },
    /// No target was named, and there is neither a default nor an environment database.
    #[error("No database is set up yet.")]
    NotInitialized,
    #[error("The registry is unavailable: {0}.")]
    Unavailable(#[from] Unavailable),
    /// No key opens the row, or what it holds is no usable URL; `reason` says which.
    #[error("The credentials of this connection can't be read: {reason}.")]
    CredentialsUnreadable { id: Uuid, reason: String },
    #[error("No installed connector serves {database_type}.")]
    ConnectorMissing { id: Uuid, database_type: String },
}

impl ResolveError {
    /// The connection that was meant, once that much is known.
    pub fn connection_id(&self) -> Option<Uuid> {
        match self {
            Self::NotFound { id }
            | Self::CredentialsUnreadable { id, .. }
            | Self::ConnectorMissing { id, .. } => Some(*id),
            Self::InvalidId | Self::NotInitialized | Self::Unavailable(_) => None,
        }
    }
}
