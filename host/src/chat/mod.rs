//! From a question to an answer, on the one connection that its request was resolved to.
//!
//! A question is read as one of the closed forms (`intent`): its table is looked up in the live catalogue
//! (`tables`) and a statement written (`statement`). Any other is planned over what the connection has and its
//! DataPoints define ([`plan`], `planned`). The statement is judged and run by `query`, and said in a sentence
//! (`answer`), with a chart where the shape of the rows has one (`chart`). Each step leaves its line in the trace.
//! What a client sends along of an earlier conversation, and what is kept of it here ([`conversations`]), is data: it
//! can say which question was left open and which plan the next one changes, never which database or what may run.
//!
//! What can't be planned a language model is asked about, if one is configured ([`assistant`]). Without one nothing
//! else is answered: the answer says which words stand in the way, or that no model is configured, rather than guess.

mod answer;
pub mod assistant;
pub mod chart;
pub mod conversations;
mod definition;
mod explanation;
pub mod intent;
pub mod plan;
mod planned;
pub mod reply;
mod rows;
mod statement;
mod tables;
mod turn;

pub use assistant::Assistance;
pub use conversations::Conversations;
pub use plan::Models;
pub use reply::{Event, Events, Reply};
pub use turn::ask;

use serde_json::{Map, Value};

use crate::knowledge::index::{Index, RetrieveError};
use crate::knowledge::library::Library;
use crate::plugins::PluginError;
use crate::query::QueryError;
use crate::query::encode::Numbers;

/// The DataPoints that answers are grounded on; what a connection may see of them, each search decides.
#[derive(Clone, Copy)]
pub struct Knowledge<'a> {
    pub index: &'a Index,
    pub library: &'a Library,
    pub models: &'a Models,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Retrieve(#[from] RetrieveError),
}

impl From<PluginError> for AskError {
    fn from(error: PluginError) -> Self {
        Self::Query(error.into())
    }
}

/// One message of an earlier turn.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub role: String,
    pub content: String,
}

/// What the message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    #[default]
    NaturalLanguage,
    /// A statement.
    DirectSql,
}

/// One turn's question.
#[derive(Debug, Clone)]
pub struct Question {
    pub message: String,
    pub mode: Mode,
    /// The statement of [`Mode::DirectSql`]; else the message is it.
    pub sql: Option<String>,
    /// Made up where the client names none.
    pub conversation_id: String,
    pub history: Vec<Message>,
    pub session_summary: Option<String>,
    pub session_state: Map<String, Value>,
    /// Whether what is kept of the conversation counts: the client names it, and carries no state itself.
    pub continues: bool,
    pub numbers: Numbers,
    /// Whether a model may put the result into words; `None`: where there is no sentence of ours.
    pub phrase: Option<bool>,
}

impl Question {
    /// What is asked: the statement of a direct one, else the message.
    pub fn asked(&self) -> &str {
        match (self.mode, &self.sql) {
            (Mode::DirectSql, Some(sql)) => sql,
            _ => &self.message,
        }
    }
}
