//! Why a tool gives no answer.

use datachat_sdk::knowledge::Error;
use datachat_sdk::tool::{ToolError, ToolErrorCode};
use serde::de::DeserializeOwned;

/// One sentence for people. What the host said is passed on in its own words, by which it knows it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(pub String);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error.message)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self(format!("an answer could not be written: {error}"))
    }
}

impl From<Failure> for ToolError {
    fn from(failure: Failure) -> Self {
        Self {
            code: ToolErrorCode::Failed,
            message: failure.0,
            argument: None,
            candidates: Vec::new(),
            database: None,
        }
    }
}

/// Reads the arguments of a call.
///
/// # Errors
/// When they don't fit, which the host has ruled out.
pub fn parse<T: DeserializeOwned>(arguments: &str) -> Result<T, Failure> {
    serde_json::from_str(arguments)
        .map_err(|error| Failure(format!("the arguments don't fit the schema: {error}")))
}
