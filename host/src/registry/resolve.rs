//! From `target_database` to one connection.
//!
//! What is asked for is decided first, by [`choose`]: a pure function of the request, the environment and what
//! is known about the default. Then that one is fetched, and whatever goes wrong with it is the answer: no
//! failure moves on to another database.
//!
//! With the system database down, a request without a target is sent to the environment database only if
//! this server has seen that no row is the default, and has itself made none since. Of a system database that
//! several servers share it never knows that: another may have made one meanwhile.

use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::environment::{ENVIRONMENT_ID, NAME};
use super::identity::Fingerprint;
use super::url::Parts;
use super::validate::Checked;
use super::{ChosenBy, Connection, ConnectionStatus, Registry, ResolveError, Runtime, Unavailable};
use crate::plugins::{ConnectionKey, Target};
use crate::secret::Secret;
use crate::store::ConnectionRow;

/// What this server last saw of the default.
///
/// A read may end after a write that began later; `generation` keeps its older answer from being believed.
pub(super) struct LastKnownDefault(Mutex<Seen>);

struct Seen {
    generation: u64,
    exists: Option<bool>,
}

impl LastKnownDefault {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Seen {
            generation: 0,
            exists: None,
        }))
    }

    /// Before a read; the answer goes to [`LastKnownDefault::read`].
    pub(super) fn generation(&self) -> u64 {
        self.lock().generation
    }

    pub(super) fn read(&self, generation: u64, exists: bool) {
        let mut seen = self.lock();
        if seen.generation == generation {
            seen.exists = Some(exists);
        }
    }

    /// Before and after a write that may change the default: `None` while its outcome is not known.
    pub(super) fn wrote(&self, exists: Option<bool>) {
        let mut seen = self.lock();
        seen.generation += 1;
        seen.exists = exists;
    }

    pub(super) fn is_none(&self) -> bool {
        self.lock().exists == Some(false)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which database a request means.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Row(Uuid),
    Environment,
    /// The default, else the environment database.
    Unnamed,
}

/// What the target says, before anything is looked up.
fn choose(target: Option<&str>) -> Result<Wanted, ResolveError> {
    let Some(text) = target else {
        return Ok(Wanted::Unnamed);
    };
    match Uuid::parse_str(text) {
        Ok(ENVIRONMENT_ID) => Ok(Wanted::Environment),
        Ok(id) => Ok(Wanted::Row(id)),
        Err(_) => Err(ResolveError::InvalidId),
    }
}

/// A connection with the connector type still open, so that the rules can be tested without components.
pub(super) struct Located<C> {
    pub key: ConnectionKey,
    pub name: String,
    pub database_type: String,
    pub target: Target,
    pub connector: C,
    pub chosen_by: ChosenBy,
}

impl<C> std::fmt::Debug for Located<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Located")
            .field("key", &self.key)
            .field("name", &self.name)
            .field("chosen_by", &self.chosen_by)
            .finish_non_exhaustive()
    }
}

/// What a row's token holds, as far as it can be used.
pub(super) enum Opened<C> {
    Ready(Checked<C>),
    /// No key opens it.
    Sealed,
    /// It opens, but is no usable URL.
    Unusable {
        url: Secret<String>,
        reason: String,
    },
    /// It opens, but no connector serves its type.
    ConnectorMissing {
        url: Secret<String>,
    },
}

impl<C: Clone> Opened<C> {
    pub(super) fn status(&self) -> ConnectionStatus {
        match self {
            Self::Ready(_) => ConnectionStatus::Ok,
            Self::Sealed | Self::Unusable { .. } => ConnectionStatus::CredentialsUnreadable,
            Self::ConnectorMissing { .. } => ConnectionStatus::ConnectorMissing,
        }
    }

    pub(super) fn fingerprint<R: Runtime<Connector = C>>(&self) -> Option<Fingerprint> {
        match self {
            Self::Ready(checked) => Some(Fingerprint::new(
                &checked.database_type,
                R::info(&checked.connector),
                &checked.target,
            )),
            Self::Unusable { url, .. } | Self::ConnectorMissing { url } => {
                Some(Fingerprint::Raw(url.clone()))
            }
            Self::Sealed => None,
        }
    }

    /// The usable target, or why there is none.
    pub(super) fn ready(self, id: Uuid, database_type: &str) -> Result<Checked<C>, ResolveError> {
        match self {
            Self::Ready(checked) => Ok(checked),
            Self::Sealed => Err(ResolveError::CredentialsUnreadable {
                id,
                reason: "no configured key opens them; store the URL again".to_owned(),
            }),
            Self::Unusable { reason, .. } => Err(ResolveError::CredentialsUnreadable {
                id,
                reason: format!("the stored URL can't be used ({reason}); store it again"),
            }),
            Self::ConnectorMissing { .. } => Err(ResolveError::ConnectorMissing {
                id,
                database_type: database_type.to_owned(),
            }),
        }
    }
}

impl Registry {
    /// The only way from a request to a database: what `target_database` means, or what its absence means.
    ///
    /// # Errors
    /// [`ResolveError`]; none of them is a reason to try another database.
    pub async fn resolve(&self, target: Option<&str>) -> Result<Connection, ResolveError> {
        let located = self.locate(target).await?;
        Ok(Connection {
            key: located.key,
            name: located.name,
            database_type: located.database_type,
            target: located.target,
            connector: located.connector,
            chosen_by: located.chosen_by,
        })
    }
}

impl<R: Runtime> Registry<R> {
    /// [`Registry::resolve`] for any runtime.
    pub(super) async fn locate(
        &self,
        target: Option<&str>,
    ) -> Result<Located<R::Connector>, ResolveError> {
        match choose(target)? {
            Wanted::Row(id) => {
                self.credentials()?;
                let row = self
                    .inner
                    .store
                    .connection(id)
                    .await
                    .map_err(Unavailable::from)?
                    .ok_or(ResolveError::NotFound { id })?;
                self.locate_row(&row, ChosenBy::Explicit)
            }
            Wanted::Environment => match self.locate_environment(ChosenBy::Explicit) {
                Some(outcome) => outcome,
                None => Err(ResolveError::NotFound { id: ENVIRONMENT_ID }),
            },
            Wanted::Unnamed => match self.default_row().await {
                Ok(Some(row)) => self.locate_row(&row, ChosenBy::Default),
                Ok(None) => self.locate_unnamed(),
                Err(_) if self.has_surely_no_default() => self.locate_unnamed(),
                Err(unavailable) => Err(unavailable.into()),
            },
        }
    }

    /// Whether it is known, without asking the system database, that no row is the default.
    pub(super) fn has_surely_no_default(&self) -> bool {
        !self.inner.store.is_shared() && self.inner.last_known_default.is_none()
    }

    /// The row that is the default, asked now; what is seen is remembered.
    pub(super) async fn default_row(&self) -> Result<Option<ConnectionRow>, Unavailable> {
        let generation = self.inner.last_known_default.generation();
        let row = self.inner.store.default_connection().await?;
        self.inner
            .last_known_default
            .read(generation, row.is_some());
        Ok(row)
    }

    /// Decrypts a row and takes its URL apart.
    pub(super) fn open_row(&self, row: &ConnectionRow) -> Opened<R::Connector> {
        let Ok(credentials) = self.credentials() else {
            return Opened::Sealed;
        };
        let Some(url) = credentials.decrypt(&row.url_token) else {
            return Opened::Sealed;
        };
        let Some(connector) = self.inner.plugins.by_type(&row.database_type) else {
            return Opened::ConnectorMissing { url };
        };
        let parsed = Parts::parse(url.reveal()).and_then(|parts| parts.target(R::info(&connector)));
        match parsed {
            Ok(target) => Opened::Ready(Checked {
                connector,
                database_type: row.database_type.clone(),
                target,
            }),
            Err(error) => Opened::Unusable {
                url,
                reason: error.to_string(),
            },
        }
    }

    fn locate_row(
        &self,
        row: &ConnectionRow,
        chosen_by: ChosenBy,
    ) -> Result<Located<R::Connector>, ResolveError> {
        self.credentials()?;
        let checked = self.open_row(row).ready(row.id, &row.database_type)?;
        Ok(Located {
            key: ConnectionKey {
                id: row.id,
                revision: row.revision,
            },
            name: row.name.clone(),
            database_type: checked.database_type,
            target: checked.target,
            connector: checked.connector,
            chosen_by,
        })
    }

    /// For a request without a target when no row is the default.
    fn locate_unnamed(&self) -> Result<Located<R::Connector>, ResolveError> {
        self.locate_environment(ChosenBy::Environment)
            .unwrap_or(Err(ResolveError::NotInitialized))
    }

    fn locate_environment(
        &self,
        chosen_by: ChosenBy,
    ) -> Option<Result<Located<R::Connector>, ResolveError>> {
        let environment = self.inner.environment.as_ref()?;
        Some(match environment.inspect(&self.inner.plugins) {
            Ok(checked) => Ok(Located {
                key: ConnectionKey {
                    id: ENVIRONMENT_ID,
                    revision: 0,
                },
                name: NAME.to_owned(),
                database_type: checked.database_type,
                target: checked.target,
                connector: checked.connector,
                chosen_by,
            }),
            Err(problem) => Err(problem.into()),
        })
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
