//! `/api/v1/plugins`: what is installed and how it is.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::extract::Admin;
use crate::app::App;

/// `GET /plugins`
pub async fn list(State(app): State<App>, _: Admin) -> Json<Value> {
    Json(json!({ "plugins": app.plugins.status(), "next_cursor": null }))
}
