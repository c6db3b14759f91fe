//! `all-MiniLM-L6-v2` in this process: a small transformer that knows which words mean alike.
//!
//! The forward pass is ours, on `ndarray`, and so is the tokenizer: a page each. Candle and its tokenizer would be
//! the usual way; they were built and weighed first. Their 59 crates took six minutes of processor time to compile,
//! for one model whose architecture is fixed, and a text took no less time than here. What they answered is what
//! the tests expect.
//!
//! The files come from a build step (`cargo xtask model`) or from the operator. They are read once, hashed on
//! the way, and the hash is a part of the embedder's identity.

mod forward;
mod tokens;
mod weights;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{EmbedError, Embedding, Identity, Trust, Vector};
use forward::Bert;
use tokens::Tokens;

/// The weights, as `safetensors`.
pub const WEIGHTS: &str = "model.safetensors";
/// The vocabulary, a token a line.
pub const VOCABULARY: &str = "vocab.txt";

/// Of what answers a question the cosine is above the floor; the weight is the best of those that were tried on the
/// labelled questions (`cargo xtask eval retrieval --sweep`).
pub(super) const TRUST: Trust = Trust {
    floor: 0.25,
    weight: 0.7,
};

/// Why the model can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("{path} can't be read: {source}", path = .path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is not the model's file: {problem}", path = .path.display())]
    Unsuitable { path: PathBuf, problem: String },
}

/// The model, loaded.
pub struct MiniLm {
    tokens: Tokens,
    bert: Bert,
    identity: Arc<Identity>,
}

impl std::fmt::Debug for MiniLm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "MiniLm({})", self.identity)
    }
}

impl MiniLm {
    /// Reads the two files in a folder: about 90 MB, a fraction of a second. Blocks.
    ///
    /// # Errors
    /// When a file is missing or is not what it should be.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(VOCABULARY);
        let tokens = Tokens::read(&path)?;
        let (mut tensors, digest) = weights::read(&folder.join(WEIGHTS))?;
        let bert = Bert::new(&mut tensors)?;
        if tokens.len() > bert.vocabulary() {
            return Err(ModelError::Unsuitable {
                path,
                problem: "it has more tokens than the weights have".to_owned(),
            });
        }
        let identity = Arc::new(Identity {
            name: "all-MiniLM-L6-v2".to_owned(),
            digest,
            dimensions: forward::HIDDEN,
        });
        Ok(Self {
            tokens,
            bert,
            identity,
        })
    }

    #[must_use]
    pub fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity)
    }

    /// One embedding for each text, on as many threads as there are processors. Blocks.
    pub(super) fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let share = texts.len().div_ceil(threads).max(1);
        let shares: Vec<_> = std::thread::scope(|scope| {
            // All are started before the first is waited for.
            let running: Vec<_> = texts
                .chunks(share)
                .map(|texts| {
                    scope.spawn(move || -> Result<Vec<_>, EmbedError> {
                        texts.iter().map(|text| self.embed_one(text)).collect()
                    })
                })
                .collect();
            running
                .into_iter()
                .map(|share| share.join().map_err(|_| EmbedError::Lost)?)
                .collect::<Result<_, EmbedError>>()
        })?;
        Ok(shares.into_iter().flatten().collect())
    }

    fn embed_one(&self, text: &str) -> Result<Embedding, EmbedError> {
        Ok(Embedding {
            identity: self.identity(),
            vector: Vector::new(self.bert.embed(&self.tokens.of(text)), forward::HIDDEN)?,
        })
    }
}

/// Where the build step leaves the model and a server looks for it: in the user's cache.
#[must_use]
pub fn cache(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|base| base.join("datachat/models/all-MiniLM-L6-v2"))
}

#[cfg(test)]
#[path = "minilm_tests.rs"]
mod tests;
