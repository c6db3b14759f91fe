//! Rows of DataPoints: what is listed, counted, and written one at a time.
//!
//! Every write is a change of the scope that the DataPoint is in, and goes the way of [`super::scopes`].

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

use super::scopes::{RAISE, ScopeChange, ScopeRef, apply_change, require_connection};
use super::{Store, StoreError, in_transaction, on_pool};

/// A DataPoint as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatapointRow {
    pub scope: String,
    pub datapoint_id: String,
    pub connection_id: Option<Uuid>,
    pub kind: String,
    pub name: String,
    /// The whole DataPoint as JSON.
    pub body: String,
    pub content_hash: String,
    pub source_tier: String,
    pub source_path: Option<String>,
    pub origin: Origin,
    /// That of the scope when it was last written.
    pub revision: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// How a DataPoint came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    File,
    Api,
    Approval,
}

impl Origin {
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Api => "api",
            Self::Approval => "approval",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::File, Self::Api, Self::Approval]
            .into_iter()
            .find(|origin| origin.name() == name)
    }
}

/// A DataPoint to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDatapoint {
    pub datapoint_id: String,
    pub kind: String,
    pub name: String,
    pub body: String,
    pub content_hash: String,
    pub search_text: String,
    pub source_tier: String,
    pub source_path: Option<String>,
    pub origin: Origin,
}

/// Which DataPoints a list shows; all conditions together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatapointFilter {
    pub connection_id: Option<Uuid>,
    /// A scope's key.
    pub scope: Option<String>,
    /// Only those of connections.
    pub of_connections: bool,
    pub kind: Option<String>,
    pub datapoint_id: Option<String>,
    /// A part of the text that a search looks at, in any case.
    pub text: Option<String>,
}

/// A row as it was read; `None` for one that was spoilt by hand, which then harms no other.
pub(super) struct Stored(pub(super) Option<DatapointRow>);

impl<'r, R: Row> FromRow<'r, R> for Stored
where
    &'static str: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let connection: Option<String> = row.try_get("connection_id")?;
        let connection = connection.map(|id| id.parse()).transpose();
        let origin: String = row.try_get("origin")?;
        let created_at = DateTime::from_timestamp_micros(row.try_get("created_at")?);
        let updated_at = DateTime::from_timestamp_micros(row.try_get("updated_at")?);
        let (Ok(connection_id), Some(origin), Some(created_at), Some(updated_at)) = (
            connection,
            Origin::from_name(&origin),
            created_at,
            updated_at,
        ) else {
            return Ok(Self(None));
        };
        Ok(Self(Some(DatapointRow {
            scope: row.try_get("scope")?,
            datapoint_id: row.try_get("datapoint_id")?,
            connection_id,
            kind: row.try_get("kind")?,
            name: row.try_get("name")?,
            body: row.try_get("body")?,
            content_hash: row.try_get("content_hash")?,
            source_tier: row.try_get("source_tier")?,
            source_path: row.try_get("source_path")?,
            origin,
            revision: row.try_get("revision")?,
            created_at,
            updated_at,
        })))
    }
}

/// The place of a DataPoint in a list: its id and its scope.
pub type DatapointPlace = (String, String);

/// The columns that a [`Stored`] is read of.
macro_rules! columns {
    () => {
        "scope, datapoint_id, connection_id, kind, name, body, content_hash, source_tier, source_path, origin, revision, created_at, updated_at"
    };
}

pub(super) use columns;

/// Rows of one statement: SQLite takes 32,766 values, PostgreSQL 65,535.
pub(super) const CHUNK: usize = 500;

pub(super) const INSERT: &str = "INSERT INTO datachat_datapoints (scope, datapoint_id, connection_id, kind, name, body, \
     content_hash, search_text, source_tier, source_path, origin, revision, created_at, updated_at) ";

/// A vector belongs to a content; a row keeps the time of its creation.
pub(super) const REPLACE: &str = " ON CONFLICT (scope, datapoint_id) DO UPDATE SET connection_id = excluded.connection_id, \
     kind = excluded.kind, name = excluded.name, body = excluded.body, content_hash = excluded.content_hash, \
     search_text = excluded.search_text, source_tier = excluded.source_tier, source_path = excluded.source_path, \
     origin = excluded.origin, revision = excluded.revision, updated_at = excluded.updated_at, \
     embedder = CASE WHEN datachat_datapoints.content_hash = excluded.content_hash THEN datachat_datapoints.embedder END, \
     embedding = CASE WHEN datachat_datapoints.content_hash = excluded.content_hash THEN datachat_datapoints.embedding END";

impl Store {
    /// The DataPoints that pass a filter, by id and then scope, after a place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn datapoints(
        &self,
        filter: &DatapointFilter,
        after: Option<&DatapointPlace>,
        limit: u32,
    ) -> Result<Vec<DatapointRow>, StoreError> {
        let text = filter.text.as_deref().map(pattern);
        let (after_id, after_scope) = after.map_or(("", ""), |(id, scope)| (id, scope));
        let rows: Vec<Stored> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(concat!(
                        "SELECT ", columns!(), " FROM datachat_datapoints \
                         WHERE ($1 IS NULL OR connection_id = $1) AND ($2 IS NULL OR scope = $2) \
                         AND ($3 = 0 OR connection_id IS NOT NULL) AND ($4 IS NULL OR kind = $4) \
                         AND ($5 IS NULL OR datapoint_id = $5) \
                         AND ($6 IS NULL OR search_text LIKE $6 ESCAPE '\\') \
                         AND (datapoint_id, scope) > ($7, $8) ORDER BY datapoint_id, scope LIMIT $9"
                    ))
                    .bind(filter.connection_id.map(|id| id.to_string()))
                    .bind(&filter.scope)
                    .bind(i64::from(filter.of_connections))
                    .bind(&filter.kind)
                    .bind(&filter.datapoint_id)
                    .bind(&text)
                    .bind(after_id)
                    .bind(after_scope)
                    .bind(i64::from(limit))
                    .fetch_all(pool)
                    .await?
                }))
            })
            .await?;
        Ok(rows.into_iter().filter_map(|stored| stored.0).collect())
    }

    /// How many DataPoints each connection has; those that have none are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn datapoint_counts(&self) -> Result<HashMap<Uuid, u64>, StoreError> {
        let rows: Vec<(String, i64)> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(
                        "SELECT connection_id, COUNT(*) FROM datachat_datapoints \
                         WHERE connection_id IS NOT NULL GROUP BY connection_id",
                    )
                    .fetch_all(pool)
                    .await?
                }))
            })
            .await?;
        let counts = rows.into_iter();
        Ok(counts
            .filter_map(|(id, count)| Some((id.parse().ok()?, u64::try_from(count).ok()?)))
            .collect())
    }

    /// Whether there is any DataPoint.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_datapoints(&self) -> Result<bool, StoreError> {
        let found: Option<(String,)> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as("SELECT scope FROM datachat_datapoints LIMIT 1")
                        .fetch_optional(pool)
                        .await?
                }))
            })
            .await?;
        Ok(found.is_some())
    }

    /// Stores a DataPoint that its scope does not have yet.
    ///
    /// # Errors
    /// [`StoreError::DatapointExists`], [`StoreError::ConnectionMissing`], else [`StoreError`].
    pub async fn insert_datapoint(
        &self,
        scope: &ScopeRef,
        new: &NewDatapoint,
    ) -> Result<(), StoreError> {
        self.call(Box::pin(async {
            in_transaction!(self, transaction => {
                let found: Option<(String,)> = sqlx::query_as(
                    "SELECT scope FROM datachat_datapoints WHERE scope = $1 AND datapoint_id = $2",
                )
                .bind(&scope.key)
                .bind(&new.datapoint_id)
                .fetch_optional(&mut *transaction)
                .await?;
                if found.is_some() {
                    return Err(StoreError::DatapointExists.into());
                }
                let (revision,): (Option<i64>,) =
                    sqlx::query_as("SELECT MAX(revision) FROM datachat_scopes WHERE scope = $1")
                        .bind(&scope.key)
                        .fetch_one(&mut *transaction)
                        .await?;
                let change = only(scope, revision.unwrap_or(0), new);
                apply_change!(transaction, &change);
            });
            Ok(())
        }))
        .await
    }

    /// Puts a DataPoint in the place of one that was last written at `revision`; false if there is none of its
    /// id in the scope.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it was written again, else [`StoreError`].
    pub async fn replace_datapoint(
        &self,
        scope: &ScopeRef,
        revision: i64,
        new: &NewDatapoint,
    ) -> Result<bool, StoreError> {
        self.call(Box::pin(async {
            in_transaction!(self, transaction => {
                let found: Option<(i64, i64)> = sqlx::query_as(
                    "SELECT d.revision, s.revision FROM datachat_datapoints d \
                     JOIN datachat_scopes s ON s.scope = d.scope WHERE d.scope = $1 AND d.datapoint_id = $2",
                )
                .bind(&scope.key)
                .bind(&new.datapoint_id)
                .fetch_optional(&mut *transaction)
                .await?;
                let Some((written, of_scope)) = found else {
                    return Ok(false);
                };
                if written != revision {
                    return Err(StoreError::Changed.into());
                }
                let change = only(scope, of_scope, new);
                apply_change!(transaction, &change);
            });
            Ok(true)
        }))
        .await
    }

    /// Deletes a DataPoint; false if its scope has none of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_datapoint(&self, scope: &str, id: &str) -> Result<bool, StoreError> {
        self.call(Box::pin(async {
            in_transaction!(self, transaction => {
                let deleted = sqlx::query(
                    "DELETE FROM datachat_datapoints WHERE scope = $1 AND datapoint_id = $2",
                )
                .bind(scope)
                .bind(id)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
                if deleted == 0 {
                    return Ok(false);
                }
                sqlx::query(RAISE).bind(scope).execute(&mut *transaction).await?;
            });
            Ok(true)
        }))
        .await
    }
}

/// The change that writes one DataPoint.
fn only(scope: &ScopeRef, base_revision: i64, new: &NewDatapoint) -> ScopeChange {
    ScopeChange {
        scope: scope.clone(),
        base_revision,
        write: vec![new.clone()],
        delete: Vec::new(),
    }
}

/// A pattern that finds a text anywhere.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
