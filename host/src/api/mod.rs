//! HTTP: turns requests into calls and typed errors into problems. One file a resource.

pub mod auth;
pub mod body;
pub mod catalog;
pub mod chat;
pub mod conversations;
mod convert;
pub mod databases;
pub mod datapoints;
mod extract;
pub mod generate;
pub mod openapi;
pub mod panics;
pub mod pending;
pub mod plugins;
pub mod problem;
pub mod profiling;
pub mod query;
pub mod request_id;
pub mod retrieve;
pub mod server;
pub mod sync;
pub mod system;
pub mod tools;
pub mod unread;

use axum::Router;
use axum::extract::Extension;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post, put};
use tower::util::option_layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::app::App;
use crate::tools::Caller;
use problem::{Code, Problem};

/// Every route with the layers around it: request id, unread requests, panics, CORS, access, shutdown.
pub fn router(app: App) -> Router {
    let access = from_fn_with_state(app.config.clone(), auth::layer);
    let cors = option_layer(cors(&app.config.cors_origins));
    finish(routes(&app).layer(access).layer(cors), app)
}

/// The same routes for the command line of this process: whoever may open the system database is asked for
/// no key.
pub fn local_router(app: App) -> Router {
    finish(routes(&app).layer(Extension(Caller::Local)), app)
}

fn finish(routes: Router<App>, app: App) -> Router {
    routes
        .layer(CatchPanicLayer::custom(panics::answer))
        .layer(from_fn_with_state(
            unread::Bounds::new(&app.limits),
            unread::layer,
        ))
        .layer(from_fn(request_id::layer))
        .with_state(app)
}

fn routes(app: &App) -> Router<App> {
    let api = Router::new()
        .route("/databases", get(databases::list).post(databases::create))
        .route("/databases/test", post(databases::test))
        .route(
            "/databases/{id}",
            get(databases::get)
                .patch(databases::update)
                .delete(databases::delete),
        )
        .route("/databases/{id}/default", put(databases::set_default))
        .route("/databases/{id}/schema", get(databases::schema))
        .route("/databases/{id}/health", get(databases::health))
        .route("/databases/{id}/profile", post(profiling::start))
        .route("/profiling/jobs/{id}", get(profiling::job))
        .route(
            "/profiling/jobs/connection/{id}/latest",
            get(profiling::latest),
        )
        .route("/profiling/profiles/{id}/tables", get(profiling::tables))
        .route("/query", post(query::run))
        .route("/chat", post(chat::run))
        .route("/conversations", get(conversations::list))
        .route(
            "/conversations/{id}",
            get(conversations::get)
                .patch(conversations::rename)
                .delete(conversations::delete),
        )
        .route("/conversations/{id}/export", get(conversations::export))
        .route("/retrieve", post(retrieve::run))
        .route("/catalog", get(catalog::list))
        .route("/catalog/{type}", get(catalog::get))
        .route(
            "/datapoints",
            get(datapoints::list).post(datapoints::create),
        )
        .route(
            "/datapoints/{id}",
            get(datapoints::get)
                .put(datapoints::replace)
                .delete(datapoints::delete),
        )
        .route("/datapoints/generate", post(generate::start))
        .route("/datapoints/generate/jobs/{id}", get(generate::job))
        .route("/datapoints/generate/profiles/{id}", get(generate::latest))
        .route("/datapoints/pending", get(pending::list))
        .route(
            "/datapoints/pending/bulk-approve",
            post(pending::approve_all),
        )
        .route("/datapoints/pending/{id}/approve", post(pending::approve))
        .route("/datapoints/pending/{id}/reject", post(pending::reject))
        .route("/sync", post(sync::start))
        .route("/sync/status", get(sync::status))
        .route("/tools", get(tools::list))
        .route("/tools/execute", post(tools::execute))
        .route("/tools/approvals/{id}", post(tools::approve))
        .route("/plugins", get(plugins::list).post(plugins::install))
        .route("/plugins/{name}", delete(plugins::remove))
        .route("/plugins/{name}/grants", put(plugins::grant))
        .route("/system/status", get(system::status))
        .route("/health", get(system::health))
        .route("/ready", get(system::ready));
    Router::new()
        .nest("/api/v1", api)
        .route("/health", get(system::health))
        .route("/ready", get(system::ready))
        .route("/metrics", get(system::metrics))
        .route("/ws/chat", get(chat::socket))
        .route("/openapi.json", get(openapi::document))
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn_with_state(
            app.shutdown.clone(),
            server::until_shutdown,
        ))
}

/// Pages of other origins may call only where the operator named them.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origins = origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok());
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            plugins::SIGNATURE,
            request_id::REQUEST_ID,
        ])
        .expose_headers([header::LINK, query::DATABASE, request_id::REQUEST_ID]);
    Some(layer)
}

async fn unknown_path() -> Problem {
    Problem::new(Code::NotFound, "There is nothing at this path.")
}

async fn unknown_method() -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        "This path does not take this method.",
    )
}
