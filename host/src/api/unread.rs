//! Requests that are answered before they were read to their end.
//!
//! Who refuses a request by its key or its first bytes closes a socket on which the sender still writes. The
//! sender's system then reports a reset, and the answer that says why is lost. So what is left of a refused
//! request is read and dropped first, up to the size of the largest request that is taken and for
//! `request_unread_ms`. A sender that waits for `100 Continue` has not begun: it is not told to.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

use crate::limits::Limits;

/// How much of a refused request is read, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    bytes: u64,
    time: Duration,
}

impl Bounds {
    pub fn new(limits: &Limits) -> Self {
        Self {
            bytes: limits.request_max_bytes.max(limits.plugin_wasm_bytes),
            time: Duration::from_millis(limits.request_unread_ms),
        }
    }
}

/// Answers; reads the rest of the request before a refusal leaves.
pub async fn layer(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    let waits = request.headers().contains_key(EXPECT);
    let (parts, body) = request.into_parts();
    let body = Shared::new(body);
    let request = Request::from_parts(parts, Body::new(body.clone()));
    let response = next.run(request).await;
    let refused = response.status().is_client_error() || response.status().is_server_error();
    if refused && (!waits || body.is_begun()) && body.size_hint().lower() <= bounds.bytes {
        // Whatever ends it, the answer goes out now.
        let _ = tokio::time::timeout(bounds.time, drain(body, bounds.bytes)).await;
    }
    response
}

async fn drain(mut body: Shared, most: u64) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, |data| data.len() as u64);
        if read > most {
            return;
        }
    }
}

/// A body that its handler may drop without closing it.
#[derive(Clone)]
struct Shared(Arc<Mutex<Inner>>);

struct Inner {
    body: Body,
    begun: bool,
}

impl Shared {
    fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(Inner { body, begun: false })))
    }

    fn is_begun(&self) -> bool {
        self.with(|inner| inner.begun)
    }

    fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|inner| {
            inner.begun = true;
            Pin::new(&mut inner.body).poll_frame(context)
        })
    }

    fn is_end_stream(&self) -> bool {
        self.with(|inner| inner.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|inner| inner.body.size_hint())
    }
}
