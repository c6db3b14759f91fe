//! One endpoint, and what was found out about it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Response, StatusCode};
use url::Url;

use super::breaker::Breaker;
use super::delta::{Answer, Gathered};
use super::error::LlmError;
use super::events::Decoder;
use super::ladder::Rung;
use super::message::Request;
use super::tokens::Tokens;
use crate::limits::Limits;
use crate::outbound::{Address, retry_after, words};
use crate::secret::Secret;

/// How often a request is sent again.
const RETRIES: u32 = 2;
/// The pause before that, where the server names none; twice as long the next time.
const PAUSE: Duration = Duration::from_millis(250);

/// Where the model is and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// With the path to `/chat/completions`, or up to it.
    pub url: Url,
    pub key: Option<Secret<String>>,
    /// For servers that have several.
    pub model: Option<String>,
    /// The most tokens of one answer.
    pub answer_tokens: u64,
    /// The largest answer, in bytes.
    pub answer_bytes: usize,
    pub connect: Duration,
    pub first_byte: Duration,
    pub idle: Duration,
    /// The longest that a server's wish to be left alone is followed before a request is sent again.
    pub retry_wait: Duration,
    /// Failures in a row after which the endpoint is left alone, and for how long.
    pub failures: u64,
    pub pause: Duration,
}

impl Settings {
    pub fn new(
        url: Url,
        key: Option<Secret<String>>,
        model: Option<String>,
        limits: &Limits,
    ) -> Self {
        Self {
            url,
            key,
            model,
            answer_tokens: limits.llm_answer_tokens,
            answer_bytes: usize::try_from(limits.llm_answer_bytes).unwrap_or(usize::MAX),
            connect: Duration::from_millis(limits.llm_connect_ms),
            first_byte: Duration::from_millis(limits.llm_first_byte_ms),
            idle: Duration::from_millis(limits.llm_idle_ms),
            retry_wait: Duration::from_millis(limits.llm_retry_wait_ms),
            failures: limits.llm_failures,
            pause: Duration::from_millis(limits.llm_pause_ms),
        }
    }
}

/// A language model.
#[derive(Debug)]
pub struct Client {
    address: Address,
    settings: Settings,
    /// What the server takes, as far as is known.
    rung: Mutex<Rung>,
    breaker: Breaker,
    tokens: Tokens,
}

/// What one question to a model took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effort {
    /// Requests that were sent again, or in another form.
    pub retries: u32,
}

impl Client {
    /// Prepares the way; nothing is sent yet.
    ///
    /// # Errors
    /// An address or key that can't be used, or no root certificates.
    pub fn new(mut settings: Settings) -> Result<Self, LlmError> {
        let path = settings.url.path().trim_end_matches('/').to_owned();
        if !path.ends_with("/chat/completions") {
            settings.url.set_path(&format!("{path}/chat/completions"));
        }
        let address = Address::new(&settings.url, settings.key.as_ref(), Some(settings.connect))?;
        Ok(Self {
            address,
            breaker: Breaker::new(settings.failures, settings.pause),
            settings,
            rung: Mutex::new(Rung::TOP),
            tokens: Tokens::default(),
        })
    }

    /// The name of the model, if one is asked for.
    pub fn model(&self) -> Option<&str> {
        self.settings.model.as_deref()
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        self.address.origin()
    }

    /// How long the endpoint is still left alone after failures, if it is.
    pub fn left_alone(&self) -> Option<Duration> {
        self.breaker.pause(Instant::now())
    }

    /// How many characters so many tokens have, by what the endpoint has counted.
    pub fn characters(&self, tokens: u64) -> usize {
        self.tokens.characters(tokens)
    }

    /// Asks; `said` gets the text as it comes. Dropping the future ends the request.
    ///
    /// # Errors
    /// [`LlmError`].
    pub async fn ask(
        &self,
        request: Request<'_>,
        effort: &mut Effort,
        mut said: impl FnMut(&str),
    ) -> Result<Answer, LlmError> {
        self.breaker
            .enter(Instant::now())
            .map_err(LlmError::LeftAlone)?;
        let outcome = self.exchange(request, effort, &mut said).await;
        match &outcome {
            Ok(answer) => {
                self.breaker.succeeded();
                if let Some(usage) = answer.usage {
                    self.tokens
                        .counted(request.characters(), usage.prompt_tokens);
                }
            }
            // It has answered: the request was at fault.
            Err(LlmError::Refused { .. }) => self.breaker.succeeded(),
            Err(_) => self.breaker.failed(Instant::now()),
        }
        outcome
    }

    async fn exchange(
        &self,
        request: Request<'_>,
        effort: &mut Effort,
        said: &mut impl FnMut(&str),
    ) -> Result<Answer, LlmError> {
        let mut rung = *self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pause = PAUSE;
        let mut again = 0;
        loop {
            let body = request.body(self.model(), self.settings.answer_tokens, rung);
            let error = match self.open(&body).await {
                Ok(response) => {
                    *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = rung;
                    return self.read(response, said).await;
                }
                Err(error) => error,
            };
            let below = match &error {
                LlmError::Refused { message, .. } => rung.below(
                    message,
                    request.schema.is_some(),
                    !request.offers.is_empty(),
                ),
                _ => None,
            };
            if let Some(below) = below {
                rung = below;
            } else if error.is_passing() && again < RETRIES {
                let wait = error.wants_rest().unwrap_or(pause);
                if wait > self.settings.retry_wait {
                    return Err(error);
                }
                tokio::time::sleep(wait).await;
                again += 1;
                pause *= 2;
            } else {
                return Err(error);
            }
            effort.retries += 1;
        }
    }

    /// Sends a request and waits for the head of the answer, which must be that of a success.
    async fn open(&self, body: &serde_json::Value) -> Result<Response<Incoming>, LlmError> {
        let time = self.settings.first_byte;
        let silent = |_| LlmError::Silent {
            what: "before its first byte",
            time,
        };
        let response = tokio::time::timeout(time, self.address.open(body))
            .await
            .map_err(silent)??;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let rest = retry_after(response.headers());
        let whole = self.address.whole(response, self.settings.answer_bytes);
        let answer = tokio::time::timeout(self.settings.idle, whole).await;
        let message = match answer {
            Ok(Ok(answer)) => words(&answer.body, self.settings.key.as_ref()),
            // The status says the most important thing.
            Ok(Err(_)) | Err(_) => "without a word of explanation".to_owned(),
        };
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => LlmError::Unauthorized(status),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => LlmError::Busy(rest),
            status if status.is_client_error() => LlmError::Refused { status, message },
            status => LlmError::Failed { status, message },
        })
    }

    /// Reads the answer piece by piece. A server that does not stream sends one piece.
    async fn read(
        &self,
        response: Response<Incoming>,
        said: &mut impl FnMut(&str),
    ) -> Result<Answer, LlmError> {
        let most = self.settings.answer_bytes;
        let is_json = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.trim_start().starts_with("application/json"));
        let mut gathered = Gathered::default();
        let mut take = |data: &str, gathered: &mut Gathered| -> Result<(), LlmError> {
            let added = gathered.take(data)?;
            if gathered.bytes() > most {
                return Err(LlmError::TooLarge(most));
            }
            if !added.is_empty() {
                said(&added);
            }
            Ok(())
        };
        if is_json {
            let whole = self.address.whole(response, most);
            let time = self.settings.first_byte;
            let answer =
                tokio::time::timeout(time, whole)
                    .await
                    .map_err(|_| LlmError::Silent {
                        what: "before the end of its answer",
                        time,
                    })??;
            let text = std::str::from_utf8(&answer.body)
                .map_err(|_| LlmError::Malformed("it is not UTF-8".to_owned()))?;
            take(text, &mut gathered)?;
            return gathered.finish();
        }
        let malformed = |error: super::events::NotText| LlmError::Malformed(error.to_string());
        let mut decoder = Decoder::default();
        let mut body = response.into_body();
        let mut read = 0_usize;
        let mut first = true;
        while !gathered.is_done() {
            let (time, what) = if first {
                (self.settings.first_byte, "before its first byte")
            } else {
                (self.settings.idle, "in the middle of its answer")
            };
            let frame = tokio::time::timeout(time, body.frame())
                .await
                .map_err(|_| LlmError::Silent { what, time })?;
            let Some(frame) = frame else { break };
            let Ok(frame) = frame else {
                return Err(LlmError::BrokenOff);
            };
            let Some(piece) = frame.data_ref() else {
                continue;
            };
            first = false;
            read = read.saturating_add(piece.len());
            // Each piece of text comes in a wrapping many times its size.
            if decoder.held() > most || read > most.saturating_mul(64) {
                return Err(LlmError::TooLarge(most));
            }
            for data in decoder.feed(piece).map_err(malformed)? {
                take(&data, &mut gathered)?;
            }
        }
        if !gathered.is_done()
            && let Some(data) = decoder.finish().map_err(malformed)?
        {
            take(&data, &mut gathered)?;
        }
        gathered.finish()
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
