//! A question, made ready to be searched for.

use super::cue::Cue;
use super::embed::{Embedder, Embedding, Trust};
use super::text;

/// What entries are compared with.
#[derive(Debug, Clone)]
pub struct Question {
    terms: Vec<String>,
    cue: Cue,
    meaning: Result<Meaning, String>,
}

/// Its vector, and what that is worth.
#[derive(Debug, Clone)]
pub(super) struct Meaning {
    pub(super) embedding: Embedding,
    pub(super) trust: Trust,
}

impl Question {
    /// Splits a question into terms and embeds it. When it can't be embedded, its words are still searched for,
    /// and what was found says so.
    pub async fn ask(text: &str, embedder: &Embedder) -> Self {
        let terms = text::question_terms(text);
        // Nothing but small words and signs has no meaning, either.
        if terms.is_empty() {
            return Self::of_words(text, "the question has no word that says something");
        }
        let meaning = match embedder.embed(&[text.to_owned()]).await {
            Ok(embeddings) => embeddings
                .into_iter()
                .next()
                .map(|embedding| Meaning {
                    embedding,
                    trust: embedder.trust(),
                })
                .ok_or_else(|| "the embedder gave no vector".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let cue = Cue::of(text);
        Self {
            terms,
            cue,
            meaning,
        }
    }

    /// A question that is searched for by its words alone, and why.
    #[must_use]
    pub fn of_words(text: &str, why: impl Into<String>) -> Self {
        Self {
            terms: text::question_terms(text),
            cue: Cue::of(text),
            meaning: Err(why.into()),
        }
    }

    /// A question whose vector is there already.
    #[must_use]
    pub fn embedded(text: &str, embedding: Embedding, trust: Trust) -> Self {
        Self {
            terms: text::question_terms(text),
            cue: Cue::of(text),
            meaning: Ok(Meaning { embedding, trust }),
        }
    }

    pub(super) fn terms(&self) -> &[String] {
        &self.terms
    }

    /// The kinds that its form asks for.
    pub(super) fn cue(&self) -> &Cue {
        &self.cue
    }

    /// The vector, or why there is none.
    pub(super) fn meaning(&self) -> Result<&Meaning, &str> {
        self.meaning.as_ref().map_err(String::as_str)
    }
}
