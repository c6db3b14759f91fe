//! `/health`, `/ready`, `/system/status`, `/metrics`: how the server itself is.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::problem::{Code, Problem};
use crate::app::App;
use crate::knowledge::index::Progress;
use crate::knowledge::search::embed::Choice;
use crate::llm::Client;
use crate::plugins::PluginStatus;
use crate::registry::{RegistryStatus, format_time};

/// The version of this server.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One thing to do before the first question can be answered.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SetupStep {
    pub step: u8,
    pub title: &'static str,
    pub description: &'static str,
    pub action: &'static str,
}

/// What makes a fresh server useful.
pub fn setup_steps() -> [SetupStep; 2] {
    [
        SetupStep {
            step: 1,
            title: "Register a database",
            description: "Give the server a connection, or set DATABASE_URL and restart.",
            action: "POST /api/v1/databases",
        },
        SetupStep {
            step: 2,
            title: "Choose a default",
            description: "Make a connection the default, or name target_database in every request.",
            action: "PUT /api/v1/databases/{id}/default",
        },
    ]
}

/// `GET /health`: the process answers.
pub async fn health() -> Json<Value> {
    Json(
        json!({ "status": "ok", "version": VERSION, "timestamp": format_time(chrono::Utc::now()) }),
    )
}

/// `GET /ready`: whether requests can be served, and what is amiss.
pub async fn ready(State(app): State<App>) -> Response {
    let registry = app.registry.status().await;
    let vector_store = vector_store(&app.index.progress(), app.index.choice());
    let pipeline = pipeline(app.llm.as_deref());
    let (ready, checks) = judge(&registry, &app.plugins.status(), &vector_store, &pipeline);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({
        "status": if ready { "ready" } else { "not_ready" },
        "version": VERSION,
        "timestamp": format_time(chrono::Utc::now()),
        "checks": checks,
    });
    (status, Json(body)).into_response()
}

/// How DataPoints are searched. Without vectors they are found by their words, so nothing here is a reason not to
/// be ready.
fn vector_store(progress: &Progress, choice: &Choice) -> Value {
    let (embedder, detail) = match choice {
        Choice::Endpoint => ("endpoint", None),
        Choice::Model(_) => ("all-MiniLM-L6-v2", None),
        Choice::Hashed { .. } => (
            "hashed n-grams",
            Some(
                "There is no model file: synonyms are not found. `cargo xtask model` or DATACHAT_EMBED_MODEL.",
            ),
        ),
    };
    let problem = progress.unread.as_ref().or(progress.not_embedded.as_ref());
    let status = if problem.is_none() { "ok" } else { "degraded" };
    json!({
        "status": status,
        "embedder": embedder,
        "datapoints": progress.datapoints,
        "without_vector": progress.without_vector,
        "detail": problem.map(String::as_str).or(detail),
    })
}

/// How questions are answered. A model that fails is no reason not to be ready: what can be planned is planned.
fn pipeline(model: Option<&Client>) -> Value {
    let Some(model) = model else {
        return json!({ "status": "ok", "language_model": "not_configured" });
    };
    let name = model.model().unwrap_or("configured");
    match model.left_alone() {
        None => json!({ "status": "ok", "language_model": name }),
        Some(time) => json!({
            "status": "degraded",
            "language_model": name,
            "detail": format!(
                "The language model has failed several times and is left alone for {} s.",
                time.as_secs().max(1)
            ),
        }),
    }
}

/// A server without its registry or without any connector is not ready; one without a database is.
fn judge(
    registry: &RegistryStatus,
    plugins: &[PluginStatus],
    vector_store: &Value,
    pipeline: &Value,
) -> (bool, Value) {
    let usable = plugins
        .iter()
        .any(|plugin| plugin.kind == "connector" && plugin.state == "ready");
    // One that an operator switched off is as it should be.
    let fine = |plugin: &PluginStatus| matches!(plugin.state, "ready" | "disabled");
    let all = plugins.iter().all(fine);
    let plugin_state = match (usable, all) {
        (false, _) => "failed",
        (true, false) => "degraded",
        (true, true) => "ok",
    };
    let registry_check = match &registry.unavailable {
        None => json!({ "status": "ok" }),
        Some(reason) => {
            json!({ "status": "failed", "detail": reason.to_string(), "hint": reason.hint() })
        }
    };
    let database = match (&registry.environment_problem, registry.has_default) {
        (Some(problem), _) => json!({ "status": "degraded", "detail": problem }),
        (None, true) => json!({ "status": "ok" }),
        (None, false) => {
            json!({ "status": "not_configured", "detail": "No database is the default." })
        }
    };
    let checks = json!({
        "database": database,
        "registry": registry_check,
        "vector_store": vector_store,
        "pipeline": pipeline,
        "plugins": { "status": plugin_state, "plugins": plugins },
    });
    (usable && registry.unavailable.is_none(), checks)
}

/// `GET /api/v1/system/status`
pub async fn status(State(app): State<App>) -> Json<Value> {
    let has_datapoints = app.library.has_any().await;
    Json(status_json(&app.registry.status().await, has_datapoints))
}

/// The state of the set-up.
fn status_json(registry: &RegistryStatus, has_datapoints: bool) -> Value {
    let mut required = Vec::new();
    let [register, choose] = setup_steps();
    if !registry.has_databases {
        required.push(register);
    }
    if !registry.has_default {
        required.push(choose);
    }
    json!({
        "is_initialized": registry.has_default,
        "has_databases": registry.has_databases,
        "has_system_database": registry.has_system_database,
        "has_datapoints": has_datapoints,
        "setup_required": required,
    })
}

/// `GET /metrics`, for Prometheus.
pub async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let Some(metrics) = &app.metrics else {
        return Err(Problem::new(
            Code::NotFound,
            "This process keeps no metrics.",
        ));
    };
    app.plugins.sessions();
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((content_type, metrics.render()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Unavailable;

    fn registry() -> RegistryStatus {
        RegistryStatus {
            unavailable: None,
            has_system_database: true,
            has_databases: true,
            has_default: false,
            environment_problem: None,
        }
    }

    fn plugin(state: &'static str) -> PluginStatus {
        PluginStatus {
            name: "postgres".to_owned(),
            version: "0.1.0".to_owned(),
            kind: "connector",
            digest: "sha256:00".to_owned(),
            state,
            detail: None,
        }
    }

    #[test]
    fn readiness_needs_the_registry_and_one_connector_but_no_default() {
        let (ready, checks) = judge(&registry(), &[plugin("ready")], &Value::Null, &Value::Null);
        assert!(ready);
        assert_eq!(checks["database"]["status"], "not_configured");
        assert!(!judge(&registry(), &[], &Value::Null, &Value::Null).0);
        let down = RegistryStatus {
            unavailable: Some(Unavailable::Store),
            ..registry()
        };
        let (ready, checks) = judge(&down, &[plugin("ready")], &Value::Null, &Value::Null);
        assert!(!ready);
        assert_eq!(checks["registry"]["status"], "failed");
    }

    #[test]
    fn a_quarantined_plugin_says_so() {
        let (ready, checks) = judge(
            &registry(),
            &[plugin("ready"), plugin("quarantined")],
            &Value::Null,
            &Value::Null,
        );
        assert!(ready);
        assert_eq!(checks["plugins"]["status"], "degraded");
        assert_eq!(checks["plugins"]["plugins"][1]["state"], "quarantined");
        assert!(
            !judge(
                &registry(),
                &[plugin("quarantined")],
                &Value::Null,
                &Value::Null
            )
            .0
        );
        let (_, checks) = judge(
            &registry(),
            &[plugin("ready"), plugin("disabled")],
            &Value::Null,
            &Value::Null,
        );
        assert_eq!(checks["plugins"]["status"], "ok");
    }

    #[test]
    fn the_set_up_says_what_is_left_to_do() {
        let body = status_json(&registry(), true);
        assert_eq!(body["has_datapoints"], true);
        assert_eq!(body["is_initialized"], false);
        assert_eq!(body["setup_required"].as_array().map(Vec::len), Some(1));
        assert_eq!(body["setup_required"][0]["step"], 2);
    }
}
