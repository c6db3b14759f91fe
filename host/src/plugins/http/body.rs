//! The body of an answer on its way to a guest: its errors named, its pauses limited.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::client::broken;

struct Bounded {
    incoming: Incoming,
    pause: Duration,
    patience: Pin<Box<Sleep>>,
}

/// A body that fails when nothing comes for as long as `pause`.
pub(super) fn bounded(incoming: Incoming, pause: Duration) -> WasiBody {
    Bounded {
        incoming,
        pause,
        patience: Box::pin(tokio::time::sleep(pause)),
    }
    .boxed_unsync()
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) {
            let next = Instant::now() + self.pause;
            self.patience.as_mut().reset(next);
            return Poll::Ready(frame.map(|frame| {
                frame.map_err(|error| {
                    // A body that stops before its end must not look like a whole one.
                    if error.is_incomplete_message() {
                        Error::HttpResponseIncomplete
                    } else {
                        broken(&error)
                    }
                })
            }));
        }
        ready!(self.patience.as_mut().poll(cx));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.incoming.size_hint()
    }
}
