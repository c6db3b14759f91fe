//! Which connections lead to the very same database.

use uuid::Uuid;

use super::environment::ENVIRONMENT_ID;
use super::identity::Identity;
use super::{Connection, Registry};

impl Registry {
    /// The other connections with the type, host, port, database and user of this one, the environment database
    /// included. What can't be read is not among them, so nothing is ever too many.
    pub async fn equivalent(&self, connection: &Connection) -> Vec<Uuid> {
        let identity = Identity::new(
            &connection.database_type,
            connection.connector.info(),
            &connection.target,
        );
        let own = connection.key.id;
        let mut found = Vec::new();
        match self.inner.store.connections().await {
            Ok(rows) => {
                let same = self
                    .fingerprints(&rows)
                    .filter(|(_, fingerprint)| {
                        let other = fingerprint.as_ref().and_then(|known| known.identity());
                        other == Some(&identity)
                    })
                    .map(|(row, _)| row.id);
                found.extend(same);
            }
            Err(error) => tracing::warn!(%error, "equivalent connections can't be looked for"),
        }
        if let Some(environment) = &self.inner.environment {
            let fingerprint = environment.fingerprint(&self.inner.plugins);
            if fingerprint.identity() == Some(&identity) {
                found.push(ENVIRONMENT_ID);
            }
        }
        found.retain(|id| *id != own);
        found
    }
}
