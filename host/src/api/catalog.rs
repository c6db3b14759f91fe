//! `/api/v1/catalog`: every database type that the server knows something about.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;

use super::problem::{Code, Problem};
use crate::app::App;
use crate::plugins::Plugins;
use crate::registry::catalog::{self, Entry};

/// All types, by name.
#[derive(Debug, Serialize)]
pub struct Catalog {
    entries: Vec<Entry>,
}

/// `GET /catalog`
pub async fn list(State(app): State<App>) -> Json<Catalog> {
    Json(Catalog {
        entries: entries(&app.plugins),
    })
}

/// `GET /catalog/{type}`
pub async fn get(
    State(app): State<App>,
    Path(database_type): Path<String>,
) -> Result<Json<Entry>, Problem> {
    one(&entries(&app.plugins), &database_type).map(Json)
}

/// What the installed connectors and the data files make.
fn entries(plugins: &Plugins) -> Vec<Entry> {
    let connectors = plugins.connectors();
    catalog::entries(
        connectors
            .iter()
            .map(|connector| (connector.info(), connector.digest())),
    )
}

/// The entry of a type; else the types that there are.
fn one(entries: &[Entry], database_type: &str) -> Result<Entry, Problem> {
    catalog::find(entries, database_type)
        .cloned()
        .ok_or_else(|| {
            let known: Vec<&str> = entries
                .iter()
                .map(|entry| entry.described.database_type.as_str())
                .collect();
            Problem::new(Code::NotFound, "The catalog has no such database type.")
                .with("hint", format!("It has {}.", known.join(", ")))
        })
}
