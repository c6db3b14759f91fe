//! Rows of stored connections.
//!
//! Names are compared by their lower-case form. Every write is one transaction; the rules that must hold
//! whoever writes (one default, unique names) are indexes as well.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Failure, Store, StoreError, conversations, in_transaction, on_pool};

/// A connection as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRow {
    pub id: Uuid,
    pub name: String,
    pub database_type: String,
    /// The URL, encrypted.
    pub url_token: String,
    pub tags: Vec<String>,
    pub description: Option<String>,
    /// JSON, as the layer above wrote it.
    pub warnings: String,
    pub is_default: bool,
    pub created_at: DateTime<Utc>,
    /// Counts changes of URL and type, from 1.
    pub revision: i64,
}

/// What an update writes. `None` keeps a column.
#[derive(Debug, Clone, Default)]
pub struct ConnectionChange {
    pub name: Option<String>,
    /// `Some(None)` writes NULL.
    pub description: Option<Option<String>>,
    pub tags: Option<Vec<String>>,
    /// A new URL or type, which makes a new revision.
    pub target: Option<TargetChange>,
}

/// The columns that belong together: what the URL is, what it leads to, what was found there.
#[derive(Debug, Clone)]
pub struct TargetChange {
    pub database_type: String,
    pub url_token: String,
    pub warnings: String,
}

type Columns = (
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

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, database_type, url_token, tags, description, warnings, is_default, created_at, revision FROM datachat_connections ",
            $rest
        )
    };
}

/// Deletes what was found out about a connection.
const FORGET: [&str; 3] = [
    "DELETE FROM datachat_profile_tables WHERE profile_id IN \
     (SELECT profile_id FROM datachat_profiles WHERE connection_id = $1)",
    "DELETE FROM datachat_profiles WHERE connection_id = $1",
    "DELETE FROM datachat_proposals WHERE connection_id = $1",
];

impl Store {
    /// All connections, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn connections(&self) -> Result<Vec<ConnectionRow>, StoreError> {
        let rows: Vec<Columns> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(select!("ORDER BY created_at DESC, id DESC"))
                        .fetch_all(pool)
                        .await?
                }))
            })
            .await?;
        Ok(rows.into_iter().filter_map(row).collect())
    }

    /// One connection.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn connection(&self, id: Uuid) -> Result<Option<ConnectionRow>, StoreError> {
        let id = id.to_string();
        let found: Option<Columns> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(select!("WHERE id = $1")).bind(&id).fetch_optional(pool).await?
                }))
            })
            .await?;
        Ok(found.and_then(row))
    }

    /// The default connection.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Unavailable`] also when a row is the default but can't be read: that is not
    /// the same as none.
    pub async fn default_connection(&self) -> Result<Option<ConnectionRow>, StoreError> {
        let found: Option<Columns> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(select!("WHERE is_default = 1")).fetch_optional(pool).await?
                }))
            })
            .await?;
        let Some(found) = found else { return Ok(None) };
        let readable = row(found);
        if readable.is_none() {
            tracing::error!(
                "the row that is the default has a spoilt id or time; correct it by hand"
            );
        }
        readable.map(Some).ok_or(StoreError::Unavailable)
    }

    /// The id of the connection that has this name, in any case.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn connection_named(&self, name: &str) -> Result<Option<Uuid>, StoreError> {
        let key = name_key(name);
        let found: Option<(String,)> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as("SELECT id FROM datachat_connections WHERE name_key = $1")
                        .bind(&key)
                        .fetch_optional(pool)
                        .await?
                }))
            })
            .await?;
        Ok(found.and_then(|(id,)| id.parse().ok()))
    }

    /// Stores a connection; if it is the default, no other is any longer.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], else [`StoreError`].
    pub async fn insert_connection(&self, new: &ConnectionRow) -> Result<(), StoreError> {
        let tags = encode_tags(&new.tags);
        let key = name_key(&new.name);
        self.call(async {
            in_transaction!(self, transaction => {
                let taken: Option<(String,)> =
                    sqlx::query_as("SELECT id FROM datachat_connections WHERE name_key = $1")
                        .bind(&key)
                        .fetch_optional(&mut *transaction)
                        .await?;
                refuse_taken(taken)?;
                if new.is_default {
                    sqlx::query("UPDATE datachat_connections SET is_default = 0 WHERE is_default = 1")
                        .execute(&mut *transaction)
                        .await?;
                }
                sqlx::query(
                    "INSERT INTO datachat_connections (id, name, name_key, database_type, url_token, tags, \
                     description, warnings, is_default, created_at, revision) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                )
                .bind(new.id.to_string())
                .bind(&new.name)
                .bind(&key)
                .bind(&new.database_type)
                .bind(&new.url_token)
                .bind(&tags)
                .bind(&new.description)
                .bind(&new.warnings)
                .bind(i64::from(new.is_default))
                .bind(new.created_at.timestamp_micros())
                .bind(new.revision)
                .execute(&mut *transaction)
                .await?;
            });
            Ok(())
        })
        .await
    }

    /// Changes a connection that is still at `revision`; `None` if there is none of this id. A change of the
    /// target makes the next revision.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], [`StoreError::Changed`] when the revision is another, else [`StoreError`].
    pub async fn update_connection(
        &self,
        id: Uuid,
        revision: i64,
        change: &ConnectionChange,
    ) -> Result<Option<ConnectionRow>, StoreError> {
        self.call(async {
            Ok(in_transaction!(self, transaction => {
                let found: Option<Columns> = sqlx::query_as(select!("WHERE id = $1"))
                    .bind(id.to_string())
                    .fetch_optional(&mut *transaction)
                    .await?;
                let Some(mut current) = found.and_then(row) else {
                    return Ok(None);
                };
                if current.revision != revision {
                    return Err(StoreError::Changed.into());
                }
                apply(&mut current, change);
                let key = name_key(&current.name);
                let taken: Option<(String,)> = sqlx::query_as(
                    "SELECT id FROM datachat_connections WHERE name_key = $1 AND id <> $2",
                )
                .bind(&key)
                .bind(id.to_string())
                .fetch_optional(&mut *transaction)
                .await?;
                refuse_taken(taken)?;
                sqlx::query(
                    "UPDATE datachat_connections SET name = $2, name_key = $3, database_type = $4, \
                     url_token = $5, tags = $6, description = $7, warnings = $8, revision = $9 WHERE id = $1",
                )
                .bind(id.to_string())
                .bind(&current.name)
                .bind(&key)
                .bind(&current.database_type)
                .bind(&current.url_token)
                .bind(encode_tags(&current.tags))
                .bind(&current.description)
                .bind(&current.warnings)
                .bind(current.revision)
                .execute(&mut *transaction)
                .await?;
                Some(current)
            }))
        })
        .await
    }

    /// Makes one connection the default and any other not; false if there is none of this id, and then
    /// nothing changes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_default_connection(&self, id: Uuid) -> Result<bool, StoreError> {
        self.call(async {
            in_transaction!(self, transaction => {
                sqlx::query(
                    "UPDATE datachat_connections SET is_default = 0 WHERE is_default = 1 AND id <> $1",
                )
                .bind(id.to_string())
                .execute(&mut *transaction)
                .await?;
                let changed =
                    sqlx::query("UPDATE datachat_connections SET is_default = 1 WHERE id = $1")
                        .bind(id.to_string())
                        .execute(&mut *transaction)
                        .await?
                        .rows_affected();
                if changed == 0 {
                    return Ok(false);
                }
            });
            Ok(true)
        })
        .await
    }

    /// Deletes a connection with its profiles, its proposals and what was said with it, and its DataPoints unless
    /// they are kept; false if there is none of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_connection(
        &self,
        id: Uuid,
        keep_datapoints: bool,
    ) -> Result<bool, StoreError> {
        self.call_at_length(Box::pin(async {
            let id = id.to_string();
            in_transaction!(self, transaction => {
                let deleted = sqlx::query("DELETE FROM datachat_connections WHERE id = $1")
                    .bind(&id)
                    .execute(&mut *transaction)
                    .await?
                    .rows_affected();
                if deleted == 0 {
                    return Ok(false);
                }
                sqlx::query(
                    "UPDATE datachat_scopes SET revision = revision + 1 WHERE scope IN \
                     (SELECT scope FROM datachat_datapoints WHERE connection_id = $1)",
                )
                .bind(&id)
                .execute(&mut *transaction)
                .await?;
                if !keep_datapoints {
                    sqlx::query("DELETE FROM datachat_datapoints WHERE connection_id = $1")
                        .bind(&id)
                        .execute(&mut *transaction)
                        .await?;
                }
                for sql in FORGET.into_iter().chain(conversations::FORGET) {
                    sqlx::query(sql).bind(&id).execute(&mut *transaction).await?;
                }
            });
            Ok(true)
        }))
        .await
    }

    /// Writes each row's token again, all of them or none, and answers how many changed. `renew` gives the
    /// new token, or `None` to leave a row as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rewrite_tokens(
        &self,
        renew: impl Fn(&str) -> Option<String> + Send,
    ) -> Result<u64, StoreError> {
        self.call(async {
            Ok(in_transaction!(self, transaction => {
                let rows: Vec<(String, String)> =
                    sqlx::query_as("SELECT id, url_token FROM datachat_connections")
                        .fetch_all(&mut *transaction)
                        .await?;
                let mut rewritten = 0;
                for (id, token) in rows {
                    let Some(token) = renew(&token) else { continue };
                    sqlx::query("UPDATE datachat_connections SET url_token = $2 WHERE id = $1")
                        .bind(id)
                        .bind(token)
                        .execute(&mut *transaction)
                        .await?;
                    rewritten += 1;
                }
                rewritten
            }))
        })
        .await
    }
}

fn apply(row: &mut ConnectionRow, change: &ConnectionChange) {
    if let Some(name) = &change.name {
        row.name.clone_from(name);
    }
    if let Some(description) = &change.description {
        row.description.clone_from(description);
    }
    if let Some(tags) = &change.tags {
        row.tags.clone_from(tags);
    }
    if let Some(target) = &change.target {
        row.database_type.clone_from(&target.database_type);
        row.url_token.clone_from(&target.url_token);
        row.warnings.clone_from(&target.warnings);
        row.revision += 1;
    }
}

fn refuse_taken(taken: Option<(String,)>) -> Result<(), Failure> {
    match taken.and_then(|(id,)| id.parse().ok()) {
        Some(id) => Err(StoreError::NameTaken { id }.into()),
        None => Ok(()),
    }
}

/// A row; `None` for one whose id or time was spoilt by hand, which then harms no other.
fn row(columns: Columns) -> Option<ConnectionRow> {
    let (
        id,
        name,
        database_type,
        url_token,
        tags,
        description,
        warnings,
        is_default,
        created_at,
        revision,
    ) = columns;
    Some(ConnectionRow {
        id: id.parse().ok()?,
        name,
        database_type,
        url_token,
        tags: serde_json::from_str(&tags).unwrap_or_default(),
        description,
        warnings,
        is_default: is_default == 1,
        created_at: DateTime::from_timestamp_micros(created_at)?,
        revision,
    })
}

fn encode_tags(tags: &[String]) -> String {
    serde_json::Value::from(tags).to_string()
}

fn name_key(name: &str) -> String {
    name.to_lowercase()
}
