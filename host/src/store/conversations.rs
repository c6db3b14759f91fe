//! Rows of conversations and their turns.
//!
//! A conversation is known by its owner and its id, so no call can reach somebody else's. A turn and what it pushes
//! out (the oldest turns, the conversations that nobody has gone on with) are one transaction.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::scopes::require_connection;
use super::{ScopeRef, Store, StoreError, in_transaction, on_pool};

/// A conversation without its turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRow {
    pub id: String,
    pub title: String,
    pub turns: u64,
    /// JSON, as the layer above wrote it: the database of the last turn.
    pub database: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRow {
    /// Rises in the order of the turns; numbers may be missing.
    pub position: i64,
    /// JSON, as the layer above wrote it.
    pub database: String,
    /// JSON, as the layer above wrote it.
    pub body: String,
    pub asked_at: DateTime<Utc>,
}

/// A turn to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTurn {
    /// The connection that has answered.
    pub connection_id: Uuid,
    /// Whether that connection is a row, which must be there still.
    pub needs_row: bool,
    /// What a conversation that begins with this turn is called.
    pub heading: String,
    /// JSON.
    pub database: String,
    /// JSON.
    pub body: String,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The latest turns of a conversation.
    pub turns: i64,
    /// The latest conversations of an owner.
    pub conversations: i64,
    /// Days since the last turn of a conversation.
    pub days: i64,
}

/// The place of a conversation in a list, the latest first: when it was last gone on with, in microseconds, and its
/// id.
pub type ConversationPlace = (i64, String);

const MICROS_PER_DAY: i64 = 86_400_000_000;

type Columns = (String, String, i64, i64, i64, Option<String>);

type TurnColumns = (i64, String, String, i64);

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT c.conversation_id, c.title, c.created_at, c.updated_at, \
             (SELECT COUNT(*) FROM datachat_turns t \
             WHERE t.owner = c.owner AND t.conversation_id = c.conversation_id), \
             (SELECT t.database_ref FROM datachat_turns t \
             WHERE t.owner = c.owner AND t.conversation_id = c.conversation_id ORDER BY t.position DESC LIMIT 1) \
             FROM datachat_conversations c ",
            $rest
        )
    };
}

/// Deletes what was said with a connection, in this order: conversations that were with no other, the turns of the
/// rest, and titles that were taken from one of these.
pub(super) const FORGET: [&str; 3] = [
    "DELETE FROM datachat_conversations WHERE NOT EXISTS (SELECT 1 FROM datachat_turns t \
     WHERE t.owner = datachat_conversations.owner AND t.conversation_id = datachat_conversations.conversation_id \
     AND t.connection_id <> $1)",
    "DELETE FROM datachat_turns WHERE connection_id = $1",
    "UPDATE datachat_conversations SET \
     title = (SELECT t.heading FROM datachat_turns t WHERE t.owner = datachat_conversations.owner \
     AND t.conversation_id = datachat_conversations.conversation_id ORDER BY t.position LIMIT 1), \
     titled_by = (SELECT t.connection_id FROM datachat_turns t WHERE t.owner = datachat_conversations.owner \
     AND t.conversation_id = datachat_conversations.conversation_id ORDER BY t.position LIMIT 1) \
     WHERE titled_by = $1",
];

impl Store {
    /// Adds a turn to a conversation, which it begins if there is none of this id, and forgets what is over the
    /// bounds.
    ///
    /// # Errors
    /// [`StoreError::ConnectionMissing`], else [`StoreError`].
    pub async fn record_turn(
        &self,
        owner: &str,
        id: &str,
        new: &NewTurn,
        kept: Kept,
    ) -> Result<(), StoreError> {
        let scope = ScopeRef {
            key: String::new(),
            connection_id: Some(new.connection_id),
            needs_row: new.needs_row,
        };
        let connection = new.connection_id.to_string();
        self.call(Box::pin(async {
            in_transaction!(self, transaction => {
                require_connection!(transaction, scope);
                let (now,): (i64,) = sqlx::query_as(self.clock()).fetch_one(&mut *transaction).await?;
                // The clock counts milliseconds, and may be set back: the latest stays the latest.
                let (last,): (i64,) = sqlx::query_as(
                    "SELECT COALESCE(MAX(updated_at), 0) FROM datachat_conversations WHERE owner = $1",
                )
                .bind(owner)
                .fetch_one(&mut *transaction)
                .await?;
                let now = now.max(last + 1);
                sqlx::query(
                    "INSERT INTO datachat_conversations \
                     (owner, conversation_id, title, titled_by, created_at, updated_at) \
                     VALUES ($1, $2, $3, $4, $5, $5) \
                     ON CONFLICT (owner, conversation_id) DO UPDATE SET updated_at = excluded.updated_at",
                )
                .bind(owner)
                .bind(id)
                .bind(&new.heading)
                .bind(&connection)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
                let (position,): (i64,) = sqlx::query_as(
                    "SELECT COALESCE(MAX(position), 0) + 1 FROM datachat_turns \
                     WHERE owner = $1 AND conversation_id = $2",
                )
                .bind(owner)
                .bind(id)
                .fetch_one(&mut *transaction)
                .await?;
                sqlx::query(
                    "INSERT INTO datachat_turns \
                     (owner, conversation_id, position, connection_id, heading, database_ref, body, asked_at) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                )
                .bind(owner)
                .bind(id)
                .bind(position)
                .bind(&connection)
                .bind(&new.heading)
                .bind(&new.database)
                .bind(&new.body)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
                sqlx::query(
                    "DELETE FROM datachat_turns WHERE owner = $1 AND conversation_id = $2 AND position NOT IN \
                     (SELECT position FROM datachat_turns WHERE owner = $1 AND conversation_id = $2 \
                     ORDER BY position DESC LIMIT $3)",
                )
                .bind(owner)
                .bind(id)
                .bind(kept.turns)
                .execute(&mut *transaction)
                .await?;
                sqlx::query("DELETE FROM datachat_conversations WHERE updated_at < $1")
                    .bind(now.saturating_sub(kept.days.saturating_mul(MICROS_PER_DAY)))
                    .execute(&mut *transaction)
                    .await?;
                // Only a conversation that has just begun can be one too many.
                if position == 1 {
                    sqlx::query(
                        "DELETE FROM datachat_conversations WHERE owner = $1 AND conversation_id NOT IN \
                         (SELECT conversation_id FROM datachat_conversations WHERE owner = $1 \
                         ORDER BY updated_at DESC LIMIT $2)",
                    )
                    .bind(owner)
                    .bind(kept.conversations)
                    .execute(&mut *transaction)
                    .await?;
                }
            });
            Ok(())
        }))
        .await
    }

    /// The conversations of an owner, the latest first, after a place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn conversations(
        &self,
        owner: &str,
        after: Option<&ConversationPlace>,
        limit: u32,
    ) -> Result<Vec<ConversationRow>, StoreError> {
        let (time, id) = after.map_or((i64::MAX, ""), |(time, id)| (*time, id.as_str()));
        let rows: Vec<Columns> = self
            .call_at_length(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(select!(
                        "WHERE c.owner = $1 AND (c.updated_at, c.conversation_id) < ($2, $3) \
                         ORDER BY c.updated_at DESC, c.conversation_id DESC LIMIT $4"
                    ))
                    .bind(owner)
                    .bind(time)
                    .bind(id)
                    .bind(i64::from(limit))
                    .fetch_all(pool)
                    .await?
                }))
            })
            .await?;
        Ok(rows.into_iter().filter_map(row).collect())
    }

    /// A conversation of an owner.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn conversation(
        &self,
        owner: &str,
        id: &str,
    ) -> Result<Option<ConversationRow>, StoreError> {
        let found: Option<Columns> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(select!("WHERE c.owner = $1 AND c.conversation_id = $2"))
                        .bind(owner)
                        .bind(id)
                        .fetch_optional(pool)
                        .await?
                }))
            })
            .await?;
        Ok(found.and_then(row))
    }

    /// The turns of a conversation, in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn turns(&self, owner: &str, id: &str) -> Result<Vec<TurnRow>, StoreError> {
        let rows: Vec<TurnColumns> = self
            .call_at_length(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(
                        "SELECT position, database_ref, body, asked_at FROM datachat_turns \
                         WHERE owner = $1 AND conversation_id = $2 ORDER BY position",
                    )
                    .bind(owner)
                    .bind(id)
                    .fetch_all(pool)
                    .await?
                }))
            })
            .await?;
        Ok(rows.into_iter().filter_map(turn).collect())
    }

    /// The last turns of a conversation with one connection, in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_turns(
        &self,
        owner: &str,
        id: &str,
        connection: Uuid,
        limit: i64,
    ) -> Result<Vec<TurnRow>, StoreError> {
        let rows: Vec<TurnColumns> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(
                        "SELECT position, database_ref, body, asked_at FROM datachat_turns \
                         WHERE owner = $1 AND conversation_id = $2 AND connection_id = $3 \
                         ORDER BY position DESC LIMIT $4",
                    )
                    .bind(owner)
                    .bind(id)
                    .bind(connection.to_string())
                    .bind(limit)
                    .fetch_all(pool)
                    .await?
                }))
            })
            .await?;
        Ok(rows.into_iter().rev().filter_map(turn).collect())
    }

    /// Gives a conversation another title; false if there is none of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rename_conversation(
        &self,
        owner: &str,
        id: &str,
        title: &str,
    ) -> Result<bool, StoreError> {
        self.call(async {
            Ok(in_transaction!(self, transaction => {
                sqlx::query(
                    "UPDATE datachat_conversations SET title = $3, titled_by = NULL \
                     WHERE owner = $1 AND conversation_id = $2",
                )
                .bind(owner)
                .bind(id)
                .bind(title)
                .execute(&mut *transaction)
                .await?
                .rows_affected()
                    > 0
            }))
        })
        .await
    }

    /// Deletes a conversation with its turns; false if there is none of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_conversation(&self, owner: &str, id: &str) -> Result<bool, StoreError> {
        self.call(async {
            Ok(in_transaction!(self, transaction => {
                sqlx::query(
                    "DELETE FROM datachat_conversations WHERE owner = $1 AND conversation_id = $2",
                )
                .bind(owner)
                .bind(id)
                .execute(&mut *transaction)
                .await?
                .rows_affected()
                    > 0
            }))
        })
        .await
    }
}

/// A row; `None` for one that was spoilt by hand, which then harms no other.
fn row(columns: Columns) -> Option<ConversationRow> {
    let (id, title, created_at, updated_at, turns, database) = columns;
    Some(ConversationRow {
        id,
        title,
        turns: u64::try_from(turns).ok()?,
        database,
        created_at: DateTime::from_timestamp_micros(created_at)?,
        updated_at: DateTime::from_timestamp_micros(updated_at)?,
    })
}

fn turn((position, database, body, asked_at): TurnColumns) -> Option<TurnRow> {
    Some(TurnRow {
        position,
        database,
        body,
        asked_at: DateTime::from_timestamp_micros(asked_at)?,
    })
}
