//! The listening socket, from the first request to the last.
//!
//! Stopping has three steps: no new connections; running requests may finish within `shutdown_grace_ms`; what
//! is left is cut off, which cancels its statements on their servers.

use std::io;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::problem::{Code, Problem};
use crate::app::App;

/// Serves until `stop` resolves, and then until the running requests are done or cut off.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    app: App,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let grace = Duration::from_millis(app.limits.shutdown_grace_ms);
    let cancel = Duration::from_millis(app.limits.cancel_timeout_ms);
    let cut_off = app.shutdown.clone();
    let closing = app.clone();
    let stopping = CancellationToken::new();
    let signal = {
        let stopping = stopping.clone();
        async move {
            stop.await;
            stopping.cancel();
        }
    };
    // What is written is sent: an event must not wait until the one before it is acknowledged.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection may answer late");
        }
    });
    let server = axum::serve(listener, super::router(app)).with_graceful_shutdown(signal);
    let mut server = std::pin::pin!(server.into_future());
    let result = tokio::select! {
        // Also when there was nothing to wait for after the signal.
        result = &mut server => result,
        () = stopping.cancelled() => drain(&mut server, &cut_off, grace, cancel).await,
    };
    // Whatever still runs on a database is cancelled there.
    closing.close().await;
    result
}

/// Waits for running requests, and cuts off those that take longer than `grace`.
async fn drain(
    server: &mut (impl Future<Output = io::Result<()>> + Unpin),
    cut_off: &CancellationToken,
    grace: Duration,
    cancel: Duration,
) -> io::Result<()> {
    tracing::info!(
        grace_ms = grace.as_millis(),
        "stopping; running requests may finish"
    );
    if let Ok(result) = tokio::time::timeout(grace, &mut *server).await {
        return result;
    }
    tracing::warn!("cutting off the requests that are still running");
    cut_off.cancel();
    // Their answers end at once; this is for writing that down.
    tokio::time::timeout(cancel, server).await.unwrap_or(Ok(()))
}

/// Drops a request that is still being worked on when the server cuts off.
pub async fn until_shutdown(
    State(shutdown): State<CancellationToken>,
    request: Request,
    next: Next,
) -> Response {
    tokio::select! {
        response = next.run(request) => response,
        () = shutdown.cancelled() => {
            Problem::new(Code::Cancelled, "The server is shutting down.")
                .with("retryable", true)
                .into_response()
        }
    }
}
