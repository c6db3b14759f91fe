//! Why a call into a plugin did not give an answer.

use super::DbError;

/// The one error type of the plugin runtime.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// The database, or the way to it, said no.
    #[error("{}", .0.message)]
    Database(DbError),
    /// The host name has no address.
    #[error("could not resolve the host name {host:?}")]
    HostNotFound { host: String },
    /// An address is not allowed; `reason` is the rule.
    #[error("the address {address} is not allowed: {reason}")]
    AddressNotAllowed { address: String, reason: String },
    /// A URL's host names no folder that the operator granted to the plugin.
    #[error(
        "the plugin {plugin} was granted no folder {folder:?}; `datachat plugin grant {plugin} --read \
         {folder}=/absolute/path` grants one"
    )]
    FolderNotGranted { plugin: String, folder: String },
    /// The folder was granted and is not there.
    #[error(
        "the folder {folder:?} that the plugin {plugin} may read is not there, or not a folder"
    )]
    FolderMissing { plugin: String, folder: String },
    /// The call took longer than it may; `limit` names the limit (`timeout_ms`, `connect_timeout_ms`).
    #[error("{limit}: no answer within {millis} ms")]
    Timeout { limit: &'static str, millis: u64 },
    /// The instance used up one of its limits (`plugin_memory_bytes`, …) and was stopped.
    #[error("the plugin {plugin} reached its limit {limit}")]
    Limit { plugin: String, limit: &'static str },
    /// No session became free in time.
    #[error("all {max} sessions of this connection are busy")]
    Busy { max: usize },
    /// The plugin trapped or answered nonsense. `detail` is for the log, not for clients.
    #[error("the plugin {plugin} failed")]
    Failed { plugin: String, detail: String },
    /// Too many failures in a row; it is tried again later.
    #[error("the plugin {plugin} is quarantined for {retry_after_secs} s after repeated failures")]
    Quarantined {
        plugin: String,
        retry_after_secs: u64,
    },
    /// The connection was changed or deleted, or the server is shutting down.
    #[error("the statement was cancelled")]
    Cancelled,
}

impl From<DbError> for PluginError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}
