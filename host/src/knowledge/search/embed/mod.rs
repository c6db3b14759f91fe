//! Embeddings: texts as vectors whose nearness is nearness of meaning.
//!
//! Three embedders, and the operator's settings decide which one ([`Choice`]):
//!
//! 1. an endpoint that speaks the protocol of `OpenAI`, if one is configured: whatever model its operator likes;
//! 2. else `MiniLM` in this process, if its file is there. Fused with the lexical search it is the best that
//!    was measured on this machine, and it finds synonyms;
//! 3. else hashed words and character n-grams: no file, no model, good at spelling and deaf to synonyms.
//!
//! A model is never fetched while the server runs. A configured endpoint or file that doesn't work is an error
//! or a search without vectors that says so; it is never replaced by another embedder, whose vectors could
//! not be compared with those that are stored.

mod endpoint;
mod hashed;
pub mod minilm;
mod source;
mod vector;

pub use endpoint::{Endpoint, EndpointError, EndpointSettings};
pub use hashed::Hashed;
pub use minilm::{MiniLm, ModelError};
pub use source::Source;
pub use vector::{Embedding, Identity, InvalidVector, Trust, Vector};

pub(super) use vector::dot;

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which embedder, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// An endpoint is configured.
    Endpoint,
    /// A model file is named, or lies where the build leaves it.
    Model(PathBuf),
    /// Neither: no file at this path. Synonyms are not found.
    Hashed { looked_for: PathBuf },
}

impl Choice {
    /// Decides from what is configured and what is there. A file that is named is taken even if it is missing,
    /// so that opening it says what is wrong.
    #[must_use]
    pub fn decide(
        endpoint: bool,
        named: Option<&Path>,
        cached: &Path,
        exists: impl Fn(&Path) -> bool,
    ) -> Self {
        if endpoint {
            Self::Endpoint
        } else if let Some(named) = named {
            Self::Model(named.to_owned())
        } else if exists(&cached.join(minilm::WEIGHTS)) {
            Self::Model(cached.to_owned())
        } else {
            Self::Hashed {
                looked_for: cached.to_owned(),
            }
        }
    }
}

/// Why texts could not be embedded, or an embedder not be opened.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("the embedder gave what is no vector: {0}")]
    Vector(#[from] InvalidVector),
    #[error("the embedder's work ended unexpectedly")]
    Lost,
}

/// Makes vectors of texts.
#[derive(Debug, Clone)]
pub enum Embedder {
    Hashed(Hashed),
    MiniLm(Arc<MiniLm>),
    Endpoint(Arc<Endpoint>),
}

impl Embedder {
    /// Who it is. An endpoint is known only once it has answered.
    #[must_use]
    pub fn identity(&self) -> Option<Arc<Identity>> {
        match self {
            Self::Hashed(_) => Some(hashed::identity()),
            Self::MiniLm(model) => Some(model.identity()),
            Self::Endpoint(endpoint) => endpoint.identity(),
        }
    }

    /// How far its cosines say something.
    #[must_use]
    pub fn trust(&self) -> Trust {
        match self {
            Self::Hashed(_) => hashed::TRUST,
            Self::MiniLm(_) => minilm::TRUST,
            Self::Endpoint(_) => endpoint::TRUST,
        }
    }

    /// One embedding for each text, in their order.
    ///
    /// # Errors
    /// When one of them can't be embedded: there are no partial answers.
    pub async fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError> {
        match self {
            Self::Hashed(hashed) => texts.iter().map(|text| hashed.embed(text)).collect(),
            Self::MiniLm(model) => {
                let (model, texts) = (Arc::clone(model), texts.to_vec());
                tokio::task::spawn_blocking(move || model.embed(&texts))
                    .await
                    .map_err(|_| EmbedError::Lost)?
            }
            Self::Endpoint(endpoint) => endpoint.embed(texts).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_goes_before_a_named_model_before_a_cached_one_before_none() {
        let (named, cached) = (Path::new("/named"), Path::new("/cache"));
        let decide = |endpoint, named, there| Choice::decide(endpoint, named, cached, |_| there);
        assert_eq!(decide(true, Some(named), true), Choice::Endpoint);
        assert_eq!(
            decide(false, Some(named), false),
            Choice::Model(named.to_owned())
        );
        assert_eq!(decide(false, None, true), Choice::Model(cached.to_owned()));
        assert_eq!(
            decide(false, None, false),
            Choice::Hashed {
                looked_for: cached.to_owned()
            }
        );
    }
}
