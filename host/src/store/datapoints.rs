//! Rows of DataPoints, and the revisions of their scopes.
//!
//! A scope is a text to this module, an id in it is unique. Each write is one transaction that also raises the
//! scope's revision, so that whoever holds a copy can tell that it is old. A vector stays with its row for as
//! long as the content is the same.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

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

/// The scope of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeRef {
    pub key: String,
    /// The connection whose it is.
    pub connection_id: Option<Uuid>,
    /// Whether that connection is a row, which must be there when the write happens.
    pub needs_row: bool,
}

/// What happens to one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeChange {
    pub scope: ScopeRef,
    /// The revision that the change was worked out for.
    pub base_revision: i64,
    /// Put in the place of what has the same id.
    pub write: Vec<NewDatapoint>,
    /// Ids.
    pub delete: Vec<String>,
}

/// Tells one state of a scope from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeVersion {
    /// Grows with every change of a DataPoint.
    pub revision: i64,
    /// Grows with every batch of vectors.
    pub vectors: i64,
}

/// A scope at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ScopeSnapshot {
    /// 0 for a scope that was never written.
    pub revision: i64,
    /// By id.
    pub rows: Vec<(DatapointRow, Option<Embedding>)>,
}

/// A vector, and who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedding {
    /// The embedder's identity; vectors of different ones are not comparable.
    pub embedder: String,
    pub vector: Vec<u8>,
}

/// A vector for a row, if the row still has this content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEmbedding {
    pub datapoint_id: String,
    pub content_hash: String,
    pub vector: Vec<u8>,
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

/// The place of a DataPoint in a list: its id and its scope.
pub type DatapointPlace = (String, String);

type Columns = (
    String,
    String,
    Option<String>,
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    String,
    i64,
    i64,
    i64,
);

type WithVector = (
    String,
    String,
    Option<String>,
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    String,
    i64,
    i64,
    i64,
    Option<String>,
    Option<Vec<u8>>,
    Option<i64>,
);

macro_rules! columns {
    () => {
        "scope, datapoint_id, connection_id, kind, name, body, content_hash, source_tier, source_path, origin, revision, created_at, updated_at"
    };
}

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

/// Raises the revision of a scope and gives the new one.
pub(super) const RAISE: &str = "INSERT INTO datachat_scopes (scope, revision) VALUES ($1, 1) \
     ON CONFLICT (scope) DO UPDATE SET revision = datachat_scopes.revision + 1 RETURNING revision";

/// Refuses to write for a connection that is gone.
macro_rules! require_connection {
    ($transaction:ident, $scope:expr) => {
        if let (true, Some(id)) = ($scope.needs_row, $scope.connection_id) {
            let found: Option<(String,)> =
                sqlx::query_as("SELECT id FROM datachat_connections WHERE id = $1")
                    .bind(id.to_string())
                    .fetch_optional(&mut *$transaction)
                    .await?;
            if found.is_none() {
                return Err(StoreError::ConnectionMissing { id }.into());
            }
        }
    };
}

/// Applies a change within a transaction.
macro_rules! apply_change {
    ($transaction:ident, $change:expr) => {{
        let change: &ScopeChange = $change;
        require_connection!($transaction, change.scope);
        let found: Option<(i64,)> =
            sqlx::query_as("SELECT revision FROM datachat_scopes WHERE scope = $1")
                .bind(&change.scope.key)
                .fetch_optional(&mut *$transaction)
                .await?;
        if found.map_or(0, |(revision,)| revision) != change.base_revision {
            return Err(StoreError::Changed.into());
        }
        if !change.write.is_empty() || !change.delete.is_empty() {
            let (revision,): (i64,) = sqlx::query_as(crate::store::datapoints::RAISE)
                .bind(&change.scope.key)
                .fetch_one(&mut *$transaction)
                .await?;
            for ids in change.delete.chunks(crate::store::datapoints::CHUNK) {
                let mut statement =
                    sqlx::QueryBuilder::new("DELETE FROM datachat_datapoints WHERE scope = ");
                statement.push_bind(&change.scope.key);
                statement.push(" AND datapoint_id IN (");
                let mut list = statement.separated(", ");
                for id in ids {
                    list.push_bind(id);
                }
                statement.push(")");
                statement.build().execute(&mut *$transaction).await?;
            }
            let now = Utc::now().timestamp_micros();
            let connection = change.scope.connection_id.map(|id| id.to_string());
            for rows in change.write.chunks(crate::store::datapoints::CHUNK) {
                let mut statement = sqlx::QueryBuilder::new(crate::store::datapoints::INSERT);
                statement.push_values(rows, |mut values, row| {
                    values
                        .push_bind(&change.scope.key)
                        .push_bind(&row.datapoint_id)
                        .push_bind(&connection)
                        .push_bind(&row.kind)
                        .push_bind(&row.name)
                        .push_bind(&row.body)
                        .push_bind(&row.content_hash)
                        .push_bind(&row.search_text)
                        .push_bind(&row.source_tier)
                        .push_bind(&row.source_path)
                        .push_bind(row.origin.name())
                        .push_bind(revision)
                        .push_bind(now)
                        .push_bind(now);
                });
                statement.push(crate::store::datapoints::REPLACE);
                statement.build().execute(&mut *$transaction).await?;
            }
        }
    }};
}

pub(super) use {apply_change, require_connection};

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
        let rows: Vec<Columns> = self
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
        Ok(rows.into_iter().filter_map(row).collect())
    }

    /// Everything in a scope, as it is at one moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn scope(&self, scope: &str) -> Result<ScopeSnapshot, StoreError> {
        let (before, rows) = self
            .call_at_length(async {
                Ok(on_pool!(self, pool => {
                    // That of an empty scope; for one with rows, theirs is of the same moment.
                    let before: Option<(i64,)> =
                        sqlx::query_as("SELECT revision FROM datachat_scopes WHERE scope = $1")
                            .bind(scope)
                            .fetch_optional(pool)
                            .await?;
                    let rows: Vec<WithVector> = sqlx::query_as(concat!(
                        "SELECT ", columns!(), ", embedder, embedding, \
                         (SELECT s.revision FROM datachat_scopes s WHERE s.scope = $1) \
                         FROM datachat_datapoints WHERE scope = $1 ORDER BY datapoint_id"
                    ))
                    .bind(scope)
                    .fetch_all(pool)
                    .await?;
                    (before, rows)
                }))
            })
            .await?;
        let before = before.map_or(0, |(revision,)| revision);
        Ok(ScopeSnapshot {
            revision: rows.first().and_then(|row| row.15).unwrap_or(before),
            rows: rows.into_iter().filter_map(row_with_vector).collect(),
        })
    }

    /// How often every scope that was ever written has changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn scope_versions(&self) -> Result<HashMap<String, ScopeVersion>, StoreError> {
        let rows: Vec<(String, i64, i64)> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as("SELECT scope, revision, vectors FROM datachat_scopes")
                        .fetch_all(pool)
                        .await?
                }))
            })
            .await?;
        let version = |(scope, revision, vectors)| (scope, ScopeVersion { revision, vectors });
        Ok(rows.into_iter().map(version).collect())
    }

    /// The scopes that files have written to, with the paths of those files.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn file_places(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.call_at_length(async {
            Ok(on_pool!(self, pool => {
                sqlx::query_as(
                    "SELECT DISTINCT scope, source_path FROM datachat_datapoints \
                     WHERE origin = 'file' AND source_path IS NOT NULL",
                )
                .fetch_all(pool)
                .await?
            }))
        })
        .await
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

    /// Keeps vectors with the rows whose content they were made of, and answers how many those were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_embeddings(
        &self,
        scope: &str,
        embedder: &str,
        vectors: &[NewEmbedding],
    ) -> Result<u64, StoreError> {
        self.call_at_length(Box::pin(async {
            Ok(in_transaction!(self, transaction => {
                let mut kept = 0;
                for new in vectors {
                    kept += sqlx::query(
                        "UPDATE datachat_datapoints SET embedder = $4, embedding = $5 \
                         WHERE scope = $1 AND datapoint_id = $2 AND content_hash = $3",
                    )
                    .bind(scope)
                    .bind(&new.datapoint_id)
                    .bind(&new.content_hash)
                    .bind(embedder)
                    .bind(&new.vector)
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                }
                if kept > 0 {
                    sqlx::query("UPDATE datachat_scopes SET vectors = vectors + 1 WHERE scope = $1")
                        .bind(scope)
                        .execute(&mut *transaction)
                        .await?;
                }
                kept
            }))
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

/// A row; `None` for one that was spoilt by hand, which then harms no other.
fn row(columns: Columns) -> Option<DatapointRow> {
    Some(DatapointRow {
        scope: columns.0,
        datapoint_id: columns.1,
        connection_id: match columns.2 {
            Some(id) => Some(id.parse().ok()?),
            None => None,
        },
        kind: columns.3,
        name: columns.4,
        body: columns.5,
        content_hash: columns.6,
        source_tier: columns.7,
        source_path: columns.8,
        origin: Origin::from_name(&columns.9)?,
        revision: columns.10,
        created_at: DateTime::from_timestamp_micros(columns.11)?,
        updated_at: DateTime::from_timestamp_micros(columns.12)?,
    })
}

fn row_with_vector(columns: WithVector) -> Option<(DatapointRow, Option<Embedding>)> {
    let embedding = columns.13.zip(columns.14);
    let row = row((
        columns.0, columns.1, columns.2, columns.3, columns.4, columns.5, columns.6, columns.7,
        columns.8, columns.9, columns.10, columns.11, columns.12,
    ))?;
    let embedding = embedding.map(|(embedder, vector)| Embedding { embedder, vector });
    Some((row, embedding))
}
