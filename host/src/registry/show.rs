//! Connections as callers see them: all, a page or one.
//!
//! Whoever reads a connection gets warnings that depend on the others (`same_url`) and a list that hides the
//! environment database when a row has its URL, so every read looks at all rows. There are few: connections
//! are made by people.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::environment::ENVIRONMENT_ID;
use super::identity::Fingerprint;
use super::page;
use super::{ConnectionView, HIDDEN_URL, Registry, RegistryError, Runtime, Unavailable, Warning};
use crate::store::ConnectionRow;

impl<R: Runtime> Registry<R> {
    /// Connections, newest first and the environment database last; all of them without a `limit`. The second
    /// value is the cursor of the next page. With the registry unavailable, the environment database alone.
    ///
    /// # Errors
    /// [`RegistryError::InvalidCursor`]; [`RegistryError::Unavailable`] when there is not even an environment
    /// database to show.
    pub async fn list(
        &self,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<(Vec<ConnectionView>, Option<String>), RegistryError> {
        let cursor = match cursor {
            Some(text) => Some(page::decode(text).ok_or(RegistryError::InvalidCursor)?),
            None => None,
        };
        let rows = match self.rows().await {
            Ok(rows) => rows,
            Err(unavailable) => {
                let is_default = self.has_surely_no_default();
                return match &self.inner.environment {
                    Some(environment) => Ok((
                        vec![environment.view(&self.inner.plugins, is_default, Known::default())],
                        None,
                    )),
                    None => Err(unavailable.into()),
                };
            }
        };
        let shown = self.show(&rows, &self.known().await?);
        let mut items: Vec<_> = shown
            .views
            .into_iter()
            .zip(&rows)
            .map(|(view, row)| ((row.created_at.timestamp_micros(), row.id), view))
            .collect();
        if let Some(environment) = shown.environment {
            items.push((page::AFTER_ROWS, environment));
        }
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let (views, next) = page::cut(items, limit, cursor);
        Ok((views, next.map(page::encode)))
    }

    /// One connection.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`], [`RegistryError::Unavailable`]. The environment database needs no registry.
    pub async fn get(&self, id: Uuid) -> Result<ConnectionView, RegistryError> {
        let rows = self.rows().await;
        if id == ENVIRONMENT_ID {
            let environment = self
                .inner
                .environment
                .as_ref()
                .ok_or(RegistryError::NotFound { id })?;
            let is_default = match &rows {
                Ok(rows) => !rows.iter().any(|row| row.is_default),
                Err(_) => self.has_surely_no_default(),
            };
            // Without the system database nobody can count.
            let known = self.known().await.unwrap_or_default();
            let known = known.of(ENVIRONMENT_ID);
            return Ok(environment.view(&self.inner.plugins, is_default, known));
        }
        self.show(&rows?, &self.known().await?)
            .views
            .into_iter()
            .find(|view| view.connection_id == id)
            .ok_or(RegistryError::NotFound { id })
    }

    /// All rows, newest first; what is seen of the default is remembered.
    pub(super) async fn rows(&self) -> Result<Vec<ConnectionRow>, Unavailable> {
        self.credentials()?;
        let generation = self.inner.last_known_default.generation();
        let rows = self.inner.store.connections().await?;
        self.inner
            .last_known_default
            .read(generation, rows.iter().any(|row| row.is_default));
        Ok(rows)
    }

    pub(super) fn fingerprints<'a>(
        &'a self,
        rows: &'a [ConnectionRow],
    ) -> impl Iterator<Item = (&'a ConnectionRow, Option<Fingerprint>)> {
        rows.iter()
            .map(|row| (row, self.open_row(row).fingerprint::<R>()))
    }

    /// What is known about each connection.
    async fn known(&self) -> Result<KnownOf, Unavailable> {
        Ok(KnownOf {
            datapoints: self.inner.store.datapoint_counts().await?,
            profiles: self.inner.store.profile_times().await?,
        })
    }

    /// How the rows are shown, and the environment database unless one of them has its URL.
    fn show(&self, rows: &[ConnectionRow], known: &KnownOf) -> Shown {
        let opened: Vec<_> = rows
            .iter()
            .map(|row| {
                let opened = self.open_row(row);
                (opened.status(), opened.fingerprint::<R>())
            })
            .collect();
        let views = rows
            .iter()
            .zip(&opened)
            .map(|(row, (status, fingerprint))| {
                let twin = rows.iter().zip(&opened).find(|(other, (_, known))| {
                    other.id != row.id && fingerprint.is_some() && known == fingerprint
                });
                let mut warnings: Vec<Warning> = twin
                    .map(|(other, _)| same_url(&other.name))
                    .into_iter()
                    .collect();
                warnings.extend(decode_warnings(&row.warnings));
                let known = known.of(row.id);
                ConnectionView {
                    connection_id: row.id,
                    name: row.name.clone(),
                    database_url: HIDDEN_URL,
                    database_type: row.database_type.clone(),
                    is_active: true,
                    is_default: row.is_default,
                    tags: row.tags.clone(),
                    description: row.description.clone(),
                    created_at: Some(row.created_at),
                    last_profiled: known.last_profiled,
                    datapoint_count: known.datapoints,
                    status: *status,
                    warnings,
                }
            })
            .collect();
        let environment = self.inner.environment.as_ref().and_then(|environment| {
            let fingerprint = Some(environment.fingerprint(&self.inner.plugins));
            let stored = opened.iter().any(|(_, known)| *known == fingerprint);
            let is_default = !rows.iter().any(|row| row.is_default);
            (!stored).then(|| {
                environment.view(&self.inner.plugins, is_default, known.of(ENVIRONMENT_ID))
            })
        });
        Shown { views, environment }
    }
}

/// What is known about connections, by their ids.
#[derive(Default)]
struct KnownOf {
    datapoints: HashMap<Uuid, u64>,
    profiles: HashMap<Uuid, DateTime<Utc>>,
}

/// What is known about a connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    pub datapoints: u64,
    pub last_profiled: Option<DateTime<Utc>>,
}

impl KnownOf {
    fn of(&self, id: Uuid) -> Known {
        Known {
            datapoints: self.datapoints.get(&id).copied().unwrap_or(0),
            last_profiled: self.profiles.get(&id).copied(),
        }
    }
}

struct Shown {
    views: Vec<ConnectionView>,
    environment: Option<ConnectionView>,
}

pub(super) fn same_url(name: &str) -> Warning {
    Warning {
        code: "same_url".to_owned(),
        message: format!("The connection {name:?} has the same URL."),
    }
}

pub(super) fn encode_warnings(warnings: &[Warning]) -> String {
    serde_json::to_string(warnings).unwrap_or_else(|_| "[]".to_owned())
}

fn decode_warnings(text: &str) -> Vec<Warning> {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
#[path = "show_tests.rs"]
mod tests;
