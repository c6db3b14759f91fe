//! A panic in a handler is a 500 for that request and a line in the log, nothing more.
//!
//! A formatted message may quote anything, so it goes to neither the client nor the log; the hook that
//! [`log_places`] sets writes where it happened, and the message only if it is a literal of the program. Before
//! there is a log, it writes to standard error.

use std::any::Any;
use std::io::Write as _;
use std::panic::PanicHookInfo;

use axum::response::{IntoResponse, Response};

use super::problem::Problem;

/// What a client gets after a panic.
pub fn answer(_payload: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request handler panicked");
    Problem::internal().into_response()
}

/// Logs panics by their place from now on.
pub fn log_places() {
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(String::new, ToString::to_string);
        let message = literal(info);
        if tracing::dispatcher::has_been_set() {
            tracing::error!(place, panic = message, "panicked");
        } else {
            // A second panic in here would abort the process.
            let _ = writeln!(std::io::stderr(), "panicked at {place}: {message}");
        }
    }));
}

fn literal(info: &PanicHookInfo<'_>) -> &'static str {
    info.payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(formatted)")
}
