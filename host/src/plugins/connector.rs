//! A loaded connector, its sessions and its cursors.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{
    ConnectionKey, ConnectorInfo, PluginError, Relation, RelationFilter, ServerInfo, Statement,
    Target,
};

/// A loaded connector component.
pub struct Connector {}

impl Connector {
    /// What the component says it is.
    pub fn info(&self) -> &ConnectorInfo {
        unimplemented!()
    }

    /// `sha256:` and 64 hex digits.
    pub fn digest(&self) -> &str {
        unimplemented!()
    }

    /// Judges the addresses of a target without connecting.
    ///
    /// # Errors
    /// [`PluginError::HostNotFound`], [`PluginError::AddressNotAllowed`].
    pub async fn vet(&self, target: &Target) -> Result<(), PluginError> {
        let _ = target;
        unimplemented!()
    }

    /// A session of the connection: an idle one of the pool, else a new one, else it waits.
    pub async fn session(
        &self,
        key: ConnectionKey,
        target: &Target,
    ) -> Result<Session, PluginError> {
        let _ = (key, target);
        unimplemented!()
    }

    /// Connects once, outside any pool, and says what is there and how long that took.
    pub async fn probe(&self, target: &Target) -> Result<(ServerInfo, Duration), PluginError> {
        let _ = target;
        unimplemented!()
    }
}

/// A session taken from the pool. Dropping it unused gives it back.
pub struct Session {}

impl Session {
    /// What the session is connected to; asked once per session and kept.
    pub async fn server(&mut self) -> Result<ServerInfo, PluginError> {
        unimplemented!()
    }

    /// All relations that fit the filter.
    pub async fn relations(
        &mut self,
        filter: RelationFilter,
    ) -> Result<Vec<Relation>, PluginError> {
        let _ = filter;
        unimplemented!()
    }

    /// Starts a statement. At `deadline` it is cancelled, also while rows are being read.
    pub async fn query(
        self,
        statement: Statement,
        deadline: Instant,
    ) -> Result<Cursor, PluginError> {
        let _ = (statement, deadline);
        unimplemented!()
    }
}

/// A running statement. Read to the end, its session goes back to the pool; dropped before that, the
/// statement is cancelled on the server and the session retired.
pub struct Cursor {}

impl Cursor {
    /// The next piece of the Arrow IPC stream; `None` at its end. Chunk borders are arbitrary.
    pub async fn read(&mut self) -> Result<Option<Bytes>, PluginError> {
        unimplemented!()
    }
}
