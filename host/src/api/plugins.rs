//! `/api/v1/plugins`: what is installed and how it is.

use axum::Json;
use axum::extract::{Extension, State};
use serde_json::{Value, json};

use super::auth::require_admin;
use super::problem::Problem;
use crate::app::App;
use crate::tools::Caller;

/// `GET /plugins`
pub async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Problem> {
    require_admin(&caller)?;
    Ok(Json(
        json!({ "plugins": app.plugins.status(), "next_cursor": null }),
    ))
}
