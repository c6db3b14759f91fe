//! A panic in a handler is a 500 for that request and a line in the log, nothing more.
//!
//! The message may quote anything, so it goes to neither the client nor the log; the panic hook has printed
//! where it happened.

use std::any::Any;

use axum::response::{IntoResponse, Response};

use super::problem::Problem;

/// What a client gets after a panic.
pub fn answer(_payload: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request handler panicked");
    Problem::internal().into_response()
}
