//! Why a model gave no answer.

use std::time::Duration;

use hyper::StatusCode;

use crate::outbound::SendError;

/// No variant holds the key, nor anything of a prompt.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    #[error("LLM_BASE_URL can't be used: {0}")]
    Address(String),
    #[error("LLM_API_KEY has characters that HTTP can't carry")]
    Key,
    #[error("there is no language model to speak to at {origin}: {problem}")]
    Unreachable { origin: String, problem: String },
    #[error("the language model refused the API key ({0}); LLM_API_KEY is its place")]
    Unauthorized(StatusCode),
    #[error("the language model has too much to do{}", wait(*.0))]
    Busy(Option<Duration>),
    #[error("the language model's server failed ({status}): {message}")]
    Failed { status: StatusCode, message: String },
    #[error("the language model refused the request ({status}): {message}")]
    Refused { status: StatusCode, message: String },
    #[error("the language model was silent for {} ms ({what})", .time.as_millis())]
    Silent { what: &'static str, time: Duration },
    #[error("the language model's answer broke off")]
    BrokenOff,
    #[error("the language model's answer has more than {0} bytes")]
    TooLarge(usize),
    #[error("the language model answered in another form than expected: {0}")]
    Malformed(String),
    #[error("the language model has failed several times and is left alone for {} s", .0.as_secs().max(1))]
    LeftAlone(Duration),
}

impl LlmError {
    /// Whether trying again may help. Only while nothing has come back.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Busy(_) | Self::Failed { .. }
        )
    }

    /// How long the endpoint wants to be left alone.
    pub(super) fn wants_rest(&self) -> Option<Duration> {
        match self {
            Self::Busy(rest) => *rest,
            _ => None,
        }
    }
}

impl From<SendError> for LlmError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Address(problem) => Self::Address(problem),
            SendError::Key => Self::Key,
            SendError::Unreachable { origin, problem } => Self::Unreachable { origin, problem },
            SendError::TooLarge(bytes) => Self::TooLarge(bytes),
        }
    }
}

fn wait(rest: Option<Duration>) -> String {
    rest.map_or_else(String::new, |time| {
        format!("; it wants to be left alone for {} s", time.as_secs())
    })
}
