//! An endpoint that speaks the embeddings protocol of `OpenAI`: batches of texts there, vectors back.
//!
//! Its answers are foreign input: their number, order and size are checked, every vector is. How many dimensions
//! it has is known with its first answer, and from then on every answer must have as many: an operator who
//! changes the model behind an address without a word would otherwise mix two kinds of vectors.
//!
//! Nothing is tried twice here. Who embeds in the background comes again later; a question that can't be
//! embedded is searched for by its words, and the answer says so.

mod answer;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::StatusCode;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use super::{EmbedError, Embedding, Identity, Trust, Vector};
use crate::limits::Limits;
use crate::outbound::{Address, SendError};
use crate::secret::Secret;

/// Models have scales of their own, so the floor only keeps out what points away.
pub(super) const TRUST: Trust = Trust {
    floor: 0.1,
    weight: 0.7,
};

/// Where the endpoint is and how it is spoken to.
#[derive(Debug, Clone)]
pub struct EndpointSettings {
    /// With the path to `/embeddings`, or up to it.
    pub url: Url,
    pub key: Option<Secret<String>>,
    /// For servers that have several.
    pub model: Option<String>,
    /// The most texts of one request.
    pub batch: usize,
    /// One request in all.
    pub timeout: Duration,
    /// The largest answer, in bytes.
    pub max_answer: usize,
}

impl EndpointSettings {
    #[must_use]
    pub fn new(
        url: Url,
        key: Option<Secret<String>>,
        model: Option<String>,
        limits: &Limits,
    ) -> Self {
        let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            url,
            key,
            model,
            batch: size(limits.embedding_batch),
            timeout: Duration::from_millis(limits.embedding_timeout_ms),
            max_answer: size(limits.embedding_answer_bytes),
        }
    }
}

/// Why an endpoint gave no vectors. No variant holds the key.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("EMBEDDINGS_URL can't be used: {0}")]
    Address(String),
    #[error("the API key of the embeddings endpoint has characters that HTTP can't carry")]
    Key,
    #[error("there is no embeddings endpoint to speak to at {origin}: {problem}")]
    Unreachable { origin: String, problem: String },
    #[error("the embeddings endpoint took longer than {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("the embeddings endpoint refused the API key ({0}); EMBEDDINGS_API_KEY is its place")]
    Unauthorized(StatusCode),
    #[error("the embeddings endpoint has too much to do{}", wait(*.retry_after))]
    Busy { retry_after: Option<Duration> },
    #[error("the embeddings endpoint refused the request ({status}): {message}")]
    Refused { status: StatusCode, message: String },
    #[error("the embeddings endpoint's answer has more than {0} bytes")]
    TooLarge(usize),
    #[error("the embeddings endpoint answered in another form than expected: {0}")]
    Malformed(String),
    #[error(
        "the embeddings endpoint answered with {got} dimensions, before with {expected}: another model? \
         Give it another EMBEDDINGS_MODEL, so that everything is embedded anew"
    )]
    Dimensions { expected: usize, got: usize },
}

impl From<SendError> for EndpointError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Address(problem) => Self::Address(problem),
            SendError::Key => Self::Key,
            SendError::Unreachable { origin, problem } => Self::Unreachable { origin, problem },
            SendError::TooLarge(bytes) => Self::TooLarge(bytes),
        }
    }
}

fn wait(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |time| {
        format!("; it wants to be left alone for {} s", time.as_secs())
    })
}

/// See the module.
#[derive(Debug)]
pub struct Endpoint {
    address: Address,
    settings: EndpointSettings,
    /// Known with the first answer.
    identity: OnceLock<Arc<Identity>>,
}

impl Endpoint {
    /// Prepares the way; nothing is sent yet.
    ///
    /// # Errors
    /// An address or key that can't be used, or no root certificates.
    pub fn new(mut settings: EndpointSettings) -> Result<Self, EndpointError> {
        let path = settings.url.path().trim_end_matches('/').to_owned();
        if !path.ends_with("/embeddings") {
            settings.url.set_path(&format!("{path}/embeddings"));
        }
        Ok(Self {
            address: Address::new(&settings.url, settings.key.as_ref(), None)?,
            settings,
            identity: OnceLock::new(),
        })
    }

    #[must_use]
    pub fn identity(&self) -> Option<Arc<Identity>> {
        self.identity.get().cloned()
    }

    /// One embedding for each text, batch after batch.
    pub(super) async fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError> {
        let mut embeddings = Vec::with_capacity(texts.len());
        for batch in texts.chunks(self.settings.batch.max(1)) {
            for components in self.request(batch).await? {
                let identity = self.known_by(components.len())?;
                let vector = Vector::new(components, identity.dimensions)?;
                embeddings.push(Embedding { identity, vector });
            }
        }
        Ok(embeddings)
    }

    async fn request(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EndpointError> {
        let mut body = json!({ "input": texts, "encoding_format": "float" });
        if let Some(model) = &self.settings.model {
            body["model"] = json!(model);
        }
        let timeout = self.settings.timeout;
        let exchange = self.address.post(&body, self.settings.max_answer);
        let answer = tokio::time::timeout(timeout, exchange)
            .await
            .map_err(|_| EndpointError::Timeout(timeout))??;
        if answer.status == StatusCode::OK {
            return answer::vectors(&answer.body, texts.len()).map_err(EndpointError::Malformed);
        }
        Err(answer::refusal(&answer, self.settings.key.as_ref()))
    }

    /// Who it is, now that it has answered.
    fn known_by(&self, dimensions: usize) -> Result<Arc<Identity>, EndpointError> {
        let identity = self.identity.get_or_init(|| {
            let model = self.settings.model.as_deref().unwrap_or_default();
            let digest = format!(
                "{:x}",
                Sha256::digest(format!("{} {model}", self.settings.url))
            );
            Arc::new(Identity {
                name: if model.is_empty() { "endpoint" } else { model }.to_owned(),
                digest: digest[..16].to_owned(),
                dimensions,
            })
        });
        if identity.dimensions != dimensions {
            return Err(EndpointError::Dimensions {
                expected: identity.dimensions,
                got: dimensions,
            });
        }
        Ok(Arc::clone(identity))
    }
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
