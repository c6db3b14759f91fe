//! Storing, changing, deleting and testing connections.
//!
//! What a caller sends is checked in the order of the contract, and a connection is made once before anything
//! is stored. How stored connections are shown is not decided here.

use chrono::{SubsecRound, Utc};
use uuid::Uuid;

use super::environment::ENVIRONMENT_ID;
use super::identity::Fingerprint;
use super::show::{encode_warnings, same_url};
use super::validate::{
    Checked, check_description, check_name, check_type, check_url, infer_type, role_warnings,
};
use super::{
    Candidate, ChosenBy, ConnectionPatch, ConnectionView, Health, NewConnection, Registry,
    RegistryError, ResolveError, Runtime, ServerSummary, TestReport, Unavailable, Unhealthy,
};
use crate::plugins::{ErrorCode, PluginError, ServerInfo};
use crate::secret::Secret;
use crate::store::{ConnectionChange, ConnectionRow, StoreError, TargetChange};

/// How often an update starts again when somebody else changes the same row meanwhile.
const UPDATE_ATTEMPTS: usize = 5;

impl<R: Runtime> Registry<R> {
    /// Checks and stores a connection.
    ///
    /// # Errors
    /// [`RegistryError`], the first in the order of the contract; nothing is stored then.
    pub async fn create(&self, new: NewConnection) -> Result<ConnectionView, RegistryError> {
        let name = check_name(&new.name, self.inner.limits.name_max_chars)?;
        check_description(new.description.as_deref())?;
        let (connector, database_type) = check_type(&self.inner.plugins, &new.database_type)?;
        let names = self.refuse_taken_name(&name, None).await?;
        let checked = check_url(
            &self.inner.plugins,
            connector,
            database_type,
            &new.database_url,
        )?;
        let (server, _) = connect::<R>(&checked).await?;
        names?;
        let warnings = role_warnings(&server.dangerous_rights);
        let row = ConnectionRow {
            id: Uuid::new_v4(),
            name,
            database_type: checked.database_type,
            url_token: self.credentials()?.encrypt(&trimmed(&new.database_url)),
            tags: new.tags,
            description: new.description,
            warnings: encode_warnings(&warnings),
            is_default: new.is_default,
            created_at: Utc::now().trunc_subsecs(6),
            revision: 1,
        };
        if row.is_default {
            self.inner.last_known_default.wrote(None);
        }
        self.inner
            .store
            .insert_connection(&row)
            .await
            .map_err(stored)?;
        if row.is_default {
            self.inner.last_known_default.wrote(Some(true));
        }
        self.get(row.id).await
    }

    /// Changes a connection; a new URL or type is checked like that of a new one, and ends what runs on the
    /// old.
    ///
    /// # Errors
    /// [`RegistryError`]; nothing is changed then.
    pub async fn update(
        &self,
        id: Uuid,
        patch: ConnectionPatch,
    ) -> Result<ConnectionView, RegistryError> {
        refuse_environment(id)?;
        if patch.is_empty() {
            return Err(RegistryError::EmptyUpdate);
        }
        let name = match &patch.name {
            Some(name) => Some(check_name(name, self.inner.limits.name_max_chars)?),
            None => None,
        };
        check_description(patch.description.as_ref().and_then(Option::as_deref))?;
        for _ in 0..UPDATE_ATTEMPTS {
            let row = self.row(id).await?;
            let target = self.changed_target(&row, &patch, name.as_deref()).await?;
            let has_target = target.is_some();
            let change = ConnectionChange {
                name: name.clone(),
                description: patch.description.clone(),
                tags: patch.tags.clone(),
                target,
            };
            match self
                .inner
                .store
                .update_connection(id, row.revision, &change)
                .await
            {
                Ok(Some(_)) => {
                    if has_target {
                        self.inner.plugins.forget(id).await;
                    }
                    return self.get(id).await;
                }
                Ok(None) => return Err(RegistryError::NotFound { id }),
                Err(StoreError::Changed) => {}
                Err(error) => return Err(stored(error)),
            }
        }
        Err(RegistryError::Unavailable(Unavailable::Store))
    }

    /// Makes a connection the default, and any other not.
    ///
    /// # Errors
    /// [`RegistryError::EnvironmentDatabase`], [`RegistryError::NotFound`], [`RegistryError::Unavailable`].
    pub async fn set_default(&self, id: Uuid) -> Result<(), RegistryError> {
        self.default_may_move(id)?;
        let found = self.inner.store.set_default_connection(id).await;
        require(found.map_err(stored)?, id)?;
        self.inner.last_known_default.wrote(Some(true));
        Ok(())
    }

    /// Deletes a connection and stops what runs on it. Its DataPoints go with it, or stay where no request
    /// finds them.
    ///
    /// # Errors
    /// [`RegistryError::EnvironmentDatabase`], [`RegistryError::NotFound`], [`RegistryError::Unavailable`].
    pub async fn delete(&self, id: Uuid, keep_datapoints: bool) -> Result<(), RegistryError> {
        self.default_may_move(id)?;
        let found = self
            .inner
            .store
            .delete_connection(id, keep_datapoints)
            .await;
        require(found.map_err(stored)?, id)?;
        self.inner.plugins.forget(id).await;
        // It may have been the default. That nobody can look now does not undo the deletion.
        let _ = self.default_row().await;
        Ok(())
    }

    /// Checks a connection like [`Registry::create`] and stores nothing.
    ///
    /// # Errors
    /// Those of [`Registry::create`].
    pub async fn test(&self, candidate: Candidate) -> Result<TestReport, RegistryError> {
        let name = match &candidate.name {
            Some(name) => Some(check_name(name, self.inner.limits.name_max_chars)?),
            None => None,
        };
        check_description(candidate.description.as_deref())?;
        let (connector, database_type) = check_type(&self.inner.plugins, &candidate.database_type)?;
        let names = match &name {
            Some(name) => self.refuse_taken_name(name, None).await?,
            None => Ok(()),
        };
        let checked = check_url(
            &self.inner.plugins,
            connector,
            database_type,
            &candidate.database_url,
        )?;
        let (server, latency_ms) = connect::<R>(&checked).await?;
        names?;
        let fingerprint = Fingerprint::new(
            &checked.database_type,
            R::info(&checked.connector),
            &checked.target,
        );
        let mut warnings = Vec::new();
        let rows = self.rows().await?;
        if let Some((row, _)) = self
            .fingerprints(&rows)
            .find(|(_, known)| known.as_ref() == Some(&fingerprint))
        {
            warnings.push(same_url(&row.name));
        }
        warnings.extend(role_warnings(&server.dangerous_rights));
        Ok(TestReport {
            ok: true,
            database_type: checked.database_type,
            server: ServerSummary::from(&server),
            latency_ms,
            warnings,
        })
    }

    /// Connects to a known connection, the environment database included.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`], [`RegistryError::Unavailable`]; all else is an outcome.
    pub async fn health(&self, id: Uuid) -> Result<Health, RegistryError> {
        let (outcome, latency_ms) = match self.locate(Some(&id.to_string())).await {
            Ok(located) => {
                debug_assert_eq!(located.chosen_by, ChosenBy::Explicit);
                match R::probe(&located.connector, &located.target).await {
                    Ok((server, elapsed)) => {
                        (Ok(ServerSummary::from(&server)), Some(millis(elapsed)))
                    }
                    Err(error) => (Err(Unhealthy::Plugin(error)), None),
                }
            }
            Err(ResolveError::CredentialsUnreadable { reason, .. }) => {
                (Err(Unhealthy::CredentialsUnreadable(reason)), None)
            }
            Err(ResolveError::ConnectorMissing { database_type, .. }) => {
                (Err(Unhealthy::ConnectorMissing(database_type)), None)
            }
            Err(ResolveError::Unavailable(unavailable)) => return Err(unavailable.into()),
            Err(
                ResolveError::NotFound { .. }
                | ResolveError::InvalidId
                | ResolveError::NotInitialized,
            ) => return Err(RegistryError::NotFound { id }),
        };
        Ok(Health {
            connection_id: id,
            latency_ms,
            checked_at: Utc::now(),
            outcome,
        })
    }

    /// Before a write of a row that may change which one is the default, if any: what was known of that is
    /// forgotten.
    fn default_may_move(&self, id: Uuid) -> Result<(), RegistryError> {
        refuse_environment(id)?;
        self.credentials()?;
        self.inner.last_known_default.wrote(None);
        Ok(())
    }

    /// What a patch makes of the URL and type, if it touches them: checked, connected to and encrypted.
    async fn changed_target(
        &self,
        row: &ConnectionRow,
        patch: &ConnectionPatch,
        name: Option<&str>,
    ) -> Result<Option<TargetChange>, RegistryError> {
        let plugins = &self.inner.plugins;
        let given_type = match &patch.database_type {
            Some(given) => Some(check_type(plugins, given)?),
            None => None,
        };
        if let Some(name) = name {
            self.refuse_taken_name(name, Some(row.id)).await??;
        }
        let (checked, url) = match (given_type, &patch.database_url) {
            (None, None) => return Ok(None),
            (Some((connector, database_type)), Some(url)) => (
                check_url(plugins, connector, database_type, url)?,
                trimmed(url),
            ),
            (None, Some(url)) => (
                infer_type(plugins, url, Some(&row.database_type))?,
                trimmed(url),
            ),
            (Some((connector, database_type)), None) => {
                let url = self
                    .credentials()?
                    .decrypt(&row.url_token)
                    .ok_or(RegistryError::CredentialsUnreadable { id: row.id })?;
                (check_url(plugins, connector, database_type, &url)?, url)
            }
        };
        let (server, _) = connect::<R>(&checked).await?;
        Ok(Some(TargetChange {
            database_type: checked.database_type,
            url_token: self.credentials()?.encrypt(&url),
            warnings: encode_warnings(&role_warnings(&server.dangerous_rights)),
        }))
    }

    /// Refuses a name that another row has. That the registry is unavailable is the inner value, because
    /// the contract puts it after everything else that can be wrong.
    async fn refuse_taken_name(
        &self,
        name: &str,
        own: Option<Uuid>,
    ) -> Result<Result<(), Unavailable>, RegistryError> {
        if let Err(unavailable) = self.credentials() {
            return Ok(Err(unavailable));
        }
        match self.inner.store.connection_named(name).await {
            Ok(Some(id)) if Some(id) != own => {
                Err(RegistryError::DuplicateName { connection_id: id })
            }
            Ok(_) => Ok(Ok(())),
            Err(error) => Ok(Err(error.into())),
        }
    }

    pub(super) async fn row(&self, id: Uuid) -> Result<ConnectionRow, RegistryError> {
        self.credentials()?;
        self.inner
            .store
            .connection(id)
            .await
            .map_err(stored)?
            .ok_or(RegistryError::NotFound { id })
    }
}

/// Judges the addresses and connects once.
async fn connect<R: Runtime>(
    checked: &Checked<R::Connector>,
) -> Result<(ServerInfo, u64), RegistryError> {
    let refused = |error: PluginError| match error {
        PluginError::Database(error) if error.code == ErrorCode::InvalidOption => {
            RegistryError::InvalidDatabaseUrl {
                message: error.message,
            }
        }
        error => RegistryError::Connect(error),
    };
    R::vet(&checked.connector, &checked.target)
        .await
        .map_err(refused)?;
    let (server, elapsed) = R::probe(&checked.connector, &checked.target)
        .await
        .map_err(refused)?;
    Ok((server, millis(elapsed)))
}

fn refuse_environment(id: Uuid) -> Result<(), RegistryError> {
    if id == ENVIRONMENT_ID {
        return Err(RegistryError::EnvironmentDatabase);
    }
    Ok(())
}

fn require(found: bool, id: Uuid) -> Result<(), RegistryError> {
    found.then_some(()).ok_or(RegistryError::NotFound { id })
}

fn trimmed(url: &Secret<String>) -> Secret<String> {
    Secret::new(url.reveal().trim().to_owned())
}

fn millis(elapsed: std::time::Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

fn stored(error: StoreError) -> RegistryError {
    match error {
        StoreError::NameTaken { id } => RegistryError::DuplicateName { connection_id: id },
        other => RegistryError::Unavailable(other.into()),
    }
}

#[cfg(test)]
#[path = "manage_tests.rs"]
mod tests;
