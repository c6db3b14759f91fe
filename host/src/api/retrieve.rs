//! `POST /api/v1/retrieve`: what a question finds for a connection, and why: what chat would see.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::body::Fields;
use super::convert::sentence;
use super::datapoints::scope_word;
use super::extract::Object;
use super::problem::{Code, Problem};
use crate::app::App;
use crate::knowledge::index::RetrieveError;
use crate::knowledge::reader::ReadError;
use crate::knowledge::search::{Hit, VectorUse};
use crate::limits::Limits;

struct Request {
    query: String,
    target: Option<String>,
    top_k: usize,
}

impl Request {
    fn read(mut fields: Fields, limits: &Limits) -> Result<Self, Problem> {
        let query = fields.required_text("query");
        let target = fields.text("target_database");
        let top_k = fields.integer("top_k", 1..=limits.retrieval_max_top_k);
        fields.finish()?;
        let top_k = top_k.unwrap_or(limits.retrieval_top_k.min(limits.retrieval_max_top_k));
        Ok(Self {
            query,
            target,
            top_k: usize::try_from(top_k).unwrap_or(usize::MAX),
        })
    }
}

/// `POST /retrieve`
pub async fn run(State(app): State<App>, Object(fields): Object) -> Result<Json<Value>, Problem> {
    let request = Request::read(fields, &app.limits)?;
    let connection = app.registry.resolve(request.target.as_deref()).await?;
    let found = app
        .index
        .retrieve(&connection, &request.query, request.top_k)
        .await?;
    let vectors = match &found.vectors {
        VectorUse::Used => json!({"used": true}),
        VectorUse::NoQuestion(why) => json!({"used": false, "reason": why}),
        VectorUse::NoEntries => {
            json!({"used": false, "reason": "no DataPoint has a vector of this embedder yet"})
        }
    };
    let hits: Vec<Value> = found.hits.iter().map(show).collect();
    Ok(Json(json!({
        "database": connection.reference(),
        "scope_used": found.scope_used,
        "vectors": vectors,
        "hits": hits,
    })))
}

fn show(hit: &Hit) -> Value {
    let entry = &hit.entry;
    json!({
        "datapoint_id": entry.id,
        "name": entry.name,
        "type": entry.kind.name(),
        "scope": scope_word(entry.scope),
        "connection_id": entry.scope.connection(),
        "score": hit.score,
        "signals": hit.signals,
    })
}

impl From<RetrieveError> for Problem {
    fn from(error: RetrieveError) -> Self {
        match error {
            RetrieveError::NotReady => Self::new(
                Code::RegistryUnavailable,
                "The DataPoints can't be read: the system database does not answer.",
            )
            .with("retryable", true),
            RetrieveError::Index(error) => {
                tracing::error!(%error, "a search failed");
                Self::internal()
            }
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Retrieve(error) => error.into(),
            ReadError::Library(error) => error.into(),
            // A tool has made it up.
            ReadError::Place => Self::new(Code::PluginFailed, sentence(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_hits_is_within_the_operators_ceiling() {
        let read = |text: &str| {
            let fields = Fields::parse(text.as_bytes()).expect("an object");
            Request::read(fields, &Limits::default()).map(|request| request.top_k)
        };
        assert_eq!(read(r#"{"query": "x"}"#).ok(), Some(10));
        assert_eq!(read(r#"{"query": "x", "top_k": 100}"#).ok(), Some(100));
        for refused in [
            r#"{"query": "x", "top_k": 0}"#,
            r#"{"query": "x", "top_k": 101}"#,
            "{}",
        ] {
            assert_eq!(read(refused).map_err(|problem| problem.status()), Err(422));
        }
    }
}
