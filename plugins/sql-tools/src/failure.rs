//! Why a tool gives no answer.

use datachat_sdk::tool::types::DbError;
use datachat_sdk::tool::{ToolError, ToolErrorCode};
use serde::de::DeserializeOwned;

/// One reason a call can fail for.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// An argument that fits the schema but can't be used.
    InvalidArgument {
        argument: &'static str,
        message: String,
    },
    TableNotFound {
        table: String,
    },
    /// Several tables fit equally well.
    AmbiguousTable {
        table: String,
        candidates: Vec<String>,
    },
    Database(DbError),
    Failed(String),
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed(format!("a value is not JSON: {error}"))
    }
}

impl From<Failure> for ToolError {
    fn from(failure: Failure) -> Self {
        let plain = |code, message| Self {
            code,
            message,
            argument: None,
            candidates: Vec::new(),
            database: None,
        };
        match failure {
            Failure::InvalidArgument { argument, message } => Self {
                argument: Some(argument.to_owned()),
                ..plain(ToolErrorCode::InvalidArgument, message)
            },
            Failure::TableNotFound { table } => Self {
                argument: Some("table".to_owned()),
                ..plain(
                    ToolErrorCode::TableNotFound,
                    format!("There is no table {table:?}."),
                )
            },
            Failure::AmbiguousTable { table, candidates } => Self {
                argument: Some("table".to_owned()),
                candidates,
                ..plain(
                    ToolErrorCode::AmbiguousTable,
                    format!("Several tables are called {table:?}; name the schema."),
                )
            },
            Failure::Database(error) => Self {
                database: Some(error.clone()),
                ..plain(ToolErrorCode::Database, error.message)
            },
            Failure::Failed(message) => plain(ToolErrorCode::Failed, message),
        }
    }
}

/// Reads the arguments of a call.
///
/// # Errors
/// When they don't fit, which the host has ruled out.
pub fn parse<T: DeserializeOwned>(arguments: &str) -> Result<T, Failure> {
    serde_json::from_str(arguments)
        .map_err(|error| Failure::Failed(format!("the arguments don't fit the schema: {error}")))
}
