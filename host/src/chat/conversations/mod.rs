//! Conversations that are kept: what was asked and answered, and what the next question may take up.
//!
//! A turn is written down when its answer is there. If that fails the answer says so and is given all the same.
//! Kept are the question, the sentence of the answer, the statement, the plan and the names of the DataPoints, without
//! credentials (`kept`); rows are not. A conversation belongs to whoever began it ([`Owner`]) and is known by owner and
//! id together: there is nothing by which another's could be found, and naming its id begins one of one's own.
//!
//! A question that names a conversation, and carries no state itself, goes on with the last turn on the **same**
//! connection. Turns on another connection are not looked at, so neither their plans nor their words get there.

mod kept;
mod markdown;

pub use kept::Turn;
pub use markdown::markdown;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::reply::{Events, Reply, Warning};
use super::{AskError, Assistance, Knowledge, Message, Question, ask};
use crate::limits::Limits;
use crate::registry::{Connection, ENVIRONMENT_ID, Unavailable};
use crate::store::{ConversationPlace, ConversationRow, Kept, NewTurn, Store, StoreError};
use crate::tools::Caller;

/// The conversations. Cheap to clone.
#[derive(Clone)]
pub struct Conversations {
    store: Store,
    limits: Arc<Limits>,
}

/// Whose a conversation is: the holder of an API key, or everybody without one together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner(String);

impl From<&Caller> for Owner {
    fn from(caller: &Caller) -> Self {
        // No key has an empty name.
        Self(caller.name().unwrap_or_default().to_owned())
    }
}

/// A conversation without its turns.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    pub id: String,
    pub title: String,
    pub turns: u64,
    /// As the last answer named it.
    pub database: Value,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Why a conversation was not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum ConversationError {
    #[error("there is no conversation {id} of yours")]
    NotFound { id: String },
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for ConversationError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// What a question may take up.
#[derive(Debug, Default)]
struct Context {
    state: Map<String, Value>,
    history: Vec<Message>,
}

impl Conversations {
    pub fn new(store: Store, limits: Arc<Limits>) -> Self {
        Self { store, limits }
    }

    /// Answers a question as a turn of its conversation.
    ///
    /// # Errors
    /// As [`ask`]. What goes wrong with the conversation is a warning of the reply.
    pub async fn ask(
        &self,
        owner: &Owner,
        connection: &Connection,
        mut question: Question,
        knowledge: Knowledge<'_>,
        assistance: Option<Assistance<'_>>,
        events: Events,
    ) -> Result<Reply, AskError> {
        let mut unread = None;
        if question.continues {
            match self.context(owner, connection, &question).await {
                Ok(context) => {
                    question.session_state = context.state;
                    if question.history.is_empty() {
                        question.history = context.history;
                    }
                }
                Err(error) => unread = Some(error),
            }
        }
        let asked = question.asked().to_owned();
        let reply = ask(
            connection,
            question,
            knowledge,
            assistance,
            &self.limits,
            events,
        );
        let mut reply = reply.await?;
        if let Some(error) = unread {
            reply.validation_warnings.push(not_read(&error));
        }
        if let Err(error) = self.record(owner, connection, &asked, &reply).await {
            reply.validation_warnings.push(not_kept(&error));
        }
        Ok(reply)
    }

    async fn context(
        &self,
        owner: &Owner,
        connection: &Connection,
        question: &Question,
    ) -> Result<Context, StoreError> {
        let most = bound(self.limits.conversation_context_turns);
        let id = &question.conversation_id;
        let rows = self
            .store
            .last_turns(&owner.0, id, connection.key.id, most)
            .await?;
        let turns: Vec<Turn> = rows.iter().filter_map(Turn::read).collect();
        let said = |role: &str, content: &str| Message {
            role: role.to_owned(),
            content: content.to_owned(),
        };
        let history = turns.iter().flat_map(|turn| {
            [
                said("user", &turn.question),
                said("assistant", &turn.answer),
            ]
        });
        Ok(Context {
            history: history.collect(),
            state: turns
                .last()
                .map(|turn| turn.session_state.clone())
                .unwrap_or_default(),
        })
    }

    async fn record(
        &self,
        owner: &Owner,
        connection: &Connection,
        asked: &str,
        reply: &Reply,
    ) -> Result<(), StoreError> {
        let limits = &*self.limits;
        let turn = kept::turn(asked, reply, &connection.target, limits);
        let new = NewTurn {
            connection_id: connection.key.id,
            needs_row: connection.key.id != ENVIRONMENT_ID,
            heading: kept::heading(&turn.question),
            database: kept::json(&reply.database),
            body: kept::json(&turn),
        };
        let kept = Kept {
            turns: bound(limits.conversation_turns),
            conversations: bound(limits.conversations_per_owner),
            days: bound(limits.conversations_kept_days),
        };
        let id = &reply.conversation_id;
        self.store.record_turn(&owner.0, id, &new, kept).await
    }

    /// Conversations, the latest first; and the place that the next page follows.
    ///
    /// # Errors
    /// [`ConversationError::Unavailable`].
    pub async fn list(
        &self,
        owner: &Owner,
        after: Option<&ConversationPlace>,
        limit: u32,
    ) -> Result<(Vec<Conversation>, Option<ConversationPlace>), ConversationError> {
        let more = limit.saturating_add(1);
        let mut rows = self.store.conversations(&owner.0, after, more).await?;
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let place = |row: &ConversationRow| (row.updated_at.timestamp_micros(), row.id.clone());
        let next = rows.last().filter(|_| has_more).map(place);
        Ok((rows.into_iter().map(shown).collect(), next))
    }

    /// A conversation.
    ///
    /// # Errors
    /// [`ConversationError`].
    pub async fn get(&self, owner: &Owner, id: &str) -> Result<Conversation, ConversationError> {
        let found = self.store.conversation(&owner.0, id).await?;
        found.map(shown).ok_or_else(|| not_found(id))
    }

    /// A conversation with its turns.
    ///
    /// # Errors
    /// [`ConversationError`].
    pub async fn turns(
        &self,
        owner: &Owner,
        id: &str,
    ) -> Result<(Conversation, Vec<Turn>), ConversationError> {
        let conversation = self.get(owner, id).await?;
        let rows = self.store.turns(&owner.0, id).await?;
        Ok((conversation, rows.iter().filter_map(Turn::read).collect()))
    }

    /// Gives a conversation another title.
    ///
    /// # Errors
    /// [`ConversationError`].
    pub async fn rename(
        &self,
        owner: &Owner,
        id: &str,
        title: &str,
    ) -> Result<Conversation, ConversationError> {
        let title = kept::without_urls(title);
        if self.store.rename_conversation(&owner.0, id, &title).await? {
            self.get(owner, id).await
        } else {
            Err(not_found(id))
        }
    }

    /// Deletes a conversation with its turns.
    ///
    /// # Errors
    /// [`ConversationError`].
    pub async fn delete(&self, owner: &Owner, id: &str) -> Result<(), ConversationError> {
        if self.store.delete_conversation(&owner.0, id).await? {
            Ok(())
        } else {
            Err(not_found(id))
        }
    }
}

fn shown(row: ConversationRow) -> Conversation {
    let database = row
        .database
        .and_then(|text| serde_json::from_str(&text).ok());
    Conversation {
        id: row.id,
        title: row.title,
        turns: row.turns,
        database: database.unwrap_or_default(),
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

fn not_found(id: &str) -> ConversationError {
    ConversationError::NotFound { id: id.to_owned() }
}

fn not_read(error: &StoreError) -> Warning {
    Warning {
        warning_type: "conversation_not_read",
        message: format!("What was said before could not be looked up: {error}."),
        suggestion: Some("Ask the question in full, or again.".to_owned()),
    }
}

fn not_kept(error: &StoreError) -> Warning {
    Warning {
        warning_type: "conversation_not_kept",
        message: format!("This turn could not be kept: {error}."),
        suggestion: Some(
            "Send `session_state` back with the next message, so that it can refer to this one."
                .to_owned(),
        ),
    }
}

fn bound(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
