//! What the registry asks of the plugin runtime, so that its rules can be tested without components.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::plugins::{Connector, ConnectorInfo, PluginError, Plugins, ServerInfo, Target};

/// The installed connectors.
pub trait Runtime: Clone + Send + Sync + 'static {
    /// A connector that stays usable while it is held.
    type Connector: Clone + Send + Sync + 'static;

    /// All of them, sorted by name.
    fn connectors(&self) -> Vec<Self::Connector>;

    /// The one that serves a database type, by canonical name or alias, in any case.
    fn by_type(&self, database_type: &str) -> Option<Self::Connector>;

    /// The one that takes URLs of a scheme, in any case.
    fn by_scheme(&self, scheme: &str) -> Option<Self::Connector>;

    /// What a connector says it is.
    fn info(connector: &Self::Connector) -> &ConnectorInfo;

    /// Judges the addresses of a target without connecting.
    fn vet(
        connector: &Self::Connector,
        target: &Target,
    ) -> impl Future<Output = Result<(), PluginError>> + Send;

    /// Connects once and says what is there and how long that took.
    fn probe(
        connector: &Self::Connector,
        target: &Target,
    ) -> impl Future<Output = Result<(ServerInfo, Duration), PluginError>> + Send;

    /// Ends what runs on a connection: it was changed or deleted.
    fn forget(&self, id: Uuid) -> impl Future<Output = ()> + Send;
}

impl Runtime for Plugins {
    type Connector = Arc<Connector>;

    fn connectors(&self) -> Vec<Self::Connector> {
        self.connectors()
    }

    fn by_type(&self, database_type: &str) -> Option<Self::Connector> {
        self.connector(database_type)
    }

    fn by_scheme(&self, scheme: &str) -> Option<Self::Connector> {
        self.connector_for_scheme(scheme)
    }

    fn info(connector: &Self::Connector) -> &ConnectorInfo {
        connector.info()
    }

    async fn vet(connector: &Self::Connector, target: &Target) -> Result<(), PluginError> {
        connector.vet(target).await
    }

    async fn probe(
        connector: &Self::Connector,
        target: &Target,
    ) -> Result<(ServerInfo, Duration), PluginError> {
        connector.probe(target).await
    }

    async fn forget(&self, id: Uuid) {
        self.forget_connection(id).await;
    }
}
