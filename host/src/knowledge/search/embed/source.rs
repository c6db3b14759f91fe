//! The embedder that the operator's settings ask for, opened when it is first needed.
//!
//! A model takes about 90 MB of memory; a server that has no DataPoints never pays for it. What can be known to be
//! wrong before that is said at the start.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::minilm::{ModelError, WEIGHTS};
use super::{Choice, EmbedError, Embedder, Endpoint, EndpointSettings, Hashed, MiniLm};

/// See the module.
#[derive(Debug)]
pub struct Source {
    choice: Choice,
    opened: OnceCell<Embedder>,
}

impl Source {
    /// Decides which embedder it will be; see [`Choice::decide`].
    ///
    /// # Errors
    /// The endpoint's settings can't be used, or the named folder holds no model.
    pub fn new(
        endpoint: Option<EndpointSettings>,
        named: Option<&Path>,
        cached: &Path,
    ) -> Result<Self, EmbedError> {
        let choice = Choice::decide(endpoint.is_some(), named, cached, Path::exists);
        let opened = OnceCell::new();
        match (&choice, endpoint) {
            (Choice::Endpoint, Some(settings)) => {
                let endpoint = Embedder::Endpoint(Arc::new(Endpoint::new(settings)?));
                // The cell is new, so this can't fail.
                let _ = opened.set(endpoint);
            }
            (Choice::Model(folder), _) => {
                let path = folder.join(WEIGHTS);
                if let Err(source) = std::fs::metadata(&path) {
                    return Err(ModelError::Unreadable { path, source }.into());
                }
            }
            (Choice::Endpoint | Choice::Hashed { .. }, _) => {}
        }
        Ok(Self { choice, opened })
    }

    /// Which embedder it is, and why.
    #[must_use]
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// The embedder, if it has been opened.
    #[must_use]
    pub fn opened(&self) -> Option<&Embedder> {
        match self.choice {
            // There is nothing to open.
            Choice::Hashed { .. } => Some(&Embedder::Hashed(Hashed)),
            Choice::Endpoint | Choice::Model(_) => self.opened.get(),
        }
    }

    /// The embedder. A model that can't be read is tried again the next time.
    ///
    /// # Errors
    /// [`EmbedError`].
    pub async fn embedder(&self) -> Result<&Embedder, EmbedError> {
        let open = || async {
            match &self.choice {
                Choice::Model(folder) => {
                    let folder = folder.clone();
                    let model = tokio::task::spawn_blocking(move || MiniLm::open(&folder));
                    let model = model.await.map_err(|_| EmbedError::Lost)??;
                    Ok(Embedder::MiniLm(Arc::new(model)))
                }
                // An endpoint is there from the start.
                Choice::Endpoint | Choice::Hashed { .. } => Ok(Embedder::Hashed(Hashed)),
            }
        };
        self.opened.get_or_try_init(open).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_named_model_that_is_not_there_is_told_at_once_and_none_at_all_is_no_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let named = folder.path().join("model");
        let error = Source::new(None, Some(&named), folder.path()).expect_err("missing");
        assert!(error.to_string().contains("model.safetensors"), "{error}");
        let source = Source::new(None, None, folder.path()).expect("hashed");
        assert!(matches!(source.choice(), Choice::Hashed { .. }));
        let embedder = source.embedder().await.expect("always there");
        assert!(matches!(embedder, Embedder::Hashed(_)));
    }
}
