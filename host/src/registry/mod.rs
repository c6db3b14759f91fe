//! The connections that the server knows, and the only way from a request to one of them.

use std::sync::Arc;

use uuid::Uuid;

use crate::plugins::{ConnectionKey, Connector, Target};

/// The id of the database that `DATABASE_URL` names.
pub const ENVIRONMENT_ID: Uuid = Uuid::from_u128(0xdada);

/// One connection, resolved and ready to be used. Every layer below the edge carries this, never an id.
#[derive(Clone)]
pub struct Connection {
    pub key: ConnectionKey,
    pub name: String,
    /// Canonical: `postgresql`.
    pub database_type: String,
    pub target: Target,
    pub connector: Arc<Connector>,
    pub chosen_by: ChosenBy,
}

/// Why this connection answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChosenBy {
    Explicit,
    Default,
    Environment,
}

/// Which database gave an answer; part of every answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DatabaseRef {
    pub id: Uuid,
    pub name: String,
    #[serde(rename = "type")]
    pub database_type: String,
    pub chosen_by: ChosenBy,
}

impl Connection {
    /// How answers name this connection.
    pub fn reference(&self) -> DatabaseRef {
        DatabaseRef {
            id: self.key.id,
            name: self.name.clone(),
            database_type: self.database_type.clone(),
            chosen_by: self.chosen_by,
        }
    }
}
