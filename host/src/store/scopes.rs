//! Scopes: all DataPoints of one owner, their vectors, and the revision that tells one state from another.
//!
//! A scope is a text to this module, an id in it is unique. Each write is one transaction that also raises the
//! scope's revision, so that whoever holds a copy can tell that it is old. A vector stays with its row for as
//! long as the content is the same.

use std::collections::HashMap;

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

use super::datapoints::{DatapointRow, NewDatapoint, Stored, columns};
use super::{Store, StoreError, in_transaction, on_pool};

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

/// A row of a scope.
struct Member {
    row: Option<DatapointRow>,
    embedding: Option<Embedding>,
    /// The scope's revision at the same moment.
    of_scope: Option<i64>,
}

impl<'r, R: Row> FromRow<'r, R> for Member
where
    Stored: FromRow<'r, R>,
    &'static str: ColumnIndex<R>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
    Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let embedder: Option<String> = row.try_get("embedder")?;
        let vector: Option<Vec<u8>> = row.try_get("embedding")?;
        Ok(Self {
            row: Stored::from_row(row)?.0,
            embedding: embedder
                .zip(vector)
                .map(|(embedder, vector)| Embedding { embedder, vector }),
            of_scope: row.try_get("of_scope")?,
        })
    }
}

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
            let (revision,): (i64,) = sqlx::query_as(crate::store::scopes::RAISE)
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
                    let rows: Vec<Member> = sqlx::query_as(concat!(
                        "SELECT ", columns!(), ", embedder, embedding, \
                         (SELECT s.revision FROM datachat_scopes s WHERE s.scope = $1) AS of_scope \
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
            revision: rows.first().and_then(|row| row.of_scope).unwrap_or(before),
            rows: rows
                .into_iter()
                .filter_map(|member| Some((member.row?, member.embedding)))
                .collect(),
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
