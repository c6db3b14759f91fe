//! Why a model gave no answer.

use std::time::Duration;

use hyper::StatusCode;

use crate::outbound::SendError;

/// No variant holds the key, nor anything of a prompt.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// It never got there.
    #[error("nothing reached the language model (LLM_BASE_URL, LLM_API_KEY): {0}")]
    Send(#[from] SendError),
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
            Self::Send(SendError::Unreachable { .. }) | Self::Busy(_) | Self::Failed { .. }
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

fn wait(rest: Option<Duration>) -> String {
    rest.map_or_else(String::new, |time| {
        format!("; it wants to be left alone for {} s", time.as_secs())
    })
}
