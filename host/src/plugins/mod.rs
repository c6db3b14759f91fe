//! The plugin runtime: one wasmtime engine, the components that it runs, and what they may do.

pub mod bindings;
pub mod connector;
pub mod error;
pub mod target;
pub mod tool;

pub use bindings::connector::datachat::plugin::types::{
    Column, DbError, ErrorCode, ForeignKey, Parameters, Relation, RelationFilter, RelationKind,
    Value,
};
pub use bindings::connector::exports::datachat::plugin::connector::{
    ConnectorInfo, DangerousRight, DatabaseType, Dialect, OptionSpec, ServerInfo, Statement,
    TlsMode, Transport,
};
pub use connector::{Connector, Cursor, Session};
pub use error::PluginError;
pub use target::{ConnectionKey, Target};
pub use tool::{ToolCallError, ToolContext, ToolPlugin, ToolRows};

use std::sync::Arc;

/// Every installed plugin, ready to be called. Cheap to clone.
#[derive(Clone)]
pub struct Plugins {}

impl Plugins {
    /// The loaded connectors, sorted by name.
    pub fn connectors(&self) -> Vec<Arc<Connector>> {
        unimplemented!()
    }

    /// The connector that serves a database type, by canonical name or alias, in any case.
    pub fn connector(&self, database_type: &str) -> Option<Arc<Connector>> {
        let _ = database_type;
        unimplemented!()
    }

    /// The connector that takes URLs of this scheme (any case, without a `+driver` suffix).
    pub fn connector_for_scheme(&self, scheme: &str) -> Option<Arc<Connector>> {
        let _ = scheme;
        unimplemented!()
    }

    /// The loaded tool components, sorted by name.
    pub fn tools(&self) -> Vec<Arc<ToolPlugin>> {
        unimplemented!()
    }

    /// The state of every plugin, for `/ready`, `/metrics` and `datachat plugins list`.
    pub fn status(&self) -> Vec<PluginStatus> {
        unimplemented!()
    }

    /// Closes the idle sessions of a connection and cancels what it runs: it was changed or deleted.
    pub async fn forget_connection(&self, id: uuid::Uuid) {
        let _ = id;
        unimplemented!()
    }
}

/// One plugin as an operator sees it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PluginStatus {
    pub name: String,
    pub version: String,
    /// `connector` or `tool`.
    pub kind: &'static str,
    /// `sha256:` and 64 hex digits, of the `.wasm` file.
    pub digest: String,
    /// `ready` or `quarantined`.
    pub state: &'static str,
    /// For `quarantined`: why, and until when.
    pub detail: Option<String>,
}
