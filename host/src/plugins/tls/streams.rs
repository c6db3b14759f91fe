//! Between the streams of a guest and those of tokio, in both directions.
//!
//! A guest hands over the two streams of its socket; TLS runs over them as over any tokio stream, and the
//! guest gets two new ones. Reads are large: a guest's read takes all the records that have arrived, up to
//! what it asked for.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};

/// The most that one read gives a guest, in bytes.
const READ: usize = 256 << 10;
/// The most that a guest may write before the bytes have gone out.
const WRITE: usize = 256 << 10;

/// A stream, or the wait until it is ready, which has to own it.
enum Turn<S> {
    Ready(S),
    Waiting(Pin<Box<dyn Future<Output = S> + Send>>),
    Gone,
}

impl<S: Pollable> Turn<S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<&mut S>> {
        if let Self::Waiting(wait) = self {
            *self = Self::Ready(ready!(wait.as_mut().poll(cx)));
        }
        Poll::Ready(match self {
            Self::Ready(stream) => Some(stream),
            _ => None,
        })
    }

    fn wait(&mut self) {
        if let Self::Ready(mut stream) = std::mem::replace(self, Self::Gone) {
            *self = Self::Waiting(Box::pin(async move {
                stream.ready().await;
                stream
            }));
        }
    }
}

/// A guest's input stream as tokio's.
pub(super) struct GuestReader(Turn<DynInputStream>);

impl GuestReader {
    pub(super) fn new(stream: DynInputStream) -> Self {
        Self(Turn::Ready(stream))
    }
}

impl AsyncRead for GuestReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let Some(stream) = ready!(self.0.poll(cx)) else {
                return Poll::Ready(Ok(()));
            };
            match stream.read(buf.remaining()) {
                Ok(bytes) if bytes.is_empty() => self.0.wait(),
                Ok(bytes) => {
                    buf.put_slice(&bytes);
                    return Poll::Ready(Ok(()));
                }
                Err(StreamError::Closed) => {
                    self.0 = Turn::Gone;
                    return Poll::Ready(Ok(()));
                }
                Err(error) => {
                    self.0 = Turn::Gone;
                    return Poll::Ready(Err(io::Error::other(error)));
                }
            }
        }
    }
}

/// A guest's output stream as tokio's.
pub(super) struct GuestWriter(Turn<DynOutputStream>);

impl GuestWriter {
    pub(super) fn new(stream: DynOutputStream) -> Self {
        Self(Turn::Ready(stream))
    }
}

impl AsyncWrite for GuestWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let Some(stream) = ready!(self.0.poll(cx)) else {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            };
            let result = match stream.check_write() {
                Ok(0) => {
                    self.0.wait();
                    continue;
                }
                Ok(room) => {
                    let count = room.min(buf.len());
                    stream
                        .write(Bytes::copy_from_slice(&buf[..count]))
                        .map(|()| count)
                }
                Err(error) => Err(error),
            };
            return Poll::Ready(result.map_err(|error| match error {
                StreamError::Closed => io::ErrorKind::BrokenPipe.into(),
                error => io::Error::other(error),
            }));
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.as_mut().poll_write(cx, &[]).map_ok(|_| ())
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// The two halves of an encrypted connection, for the guest.
pub(super) fn split<S>(stream: S) -> (DynInputStream, DynOutputStream)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let shared = Arc::new(Mutex::new(Shared {
        stream,
        unsent: Bytes::new(),
        unflushed: false,
        read: BytesMut::new(),
        ended: false,
        failed: None,
    }));
    (
        Box::new(Input(Arc::clone(&shared))),
        Box::new(Output(shared)),
    )
}

struct Shared<S> {
    stream: S,
    /// Written by the guest, not yet taken by the stream.
    unsent: Bytes,
    unflushed: bool,
    /// Read ahead while the guest waited.
    read: BytesMut,
    ended: bool,
    failed: Option<io::Error>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Shared<S> {
    /// Sends what is waiting.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.unsent))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unsent.advance(sent);
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads until `want` bytes are there or nothing more has arrived.
    fn poll_fill(&mut self, cx: &mut Context<'_>, want: usize) -> Poll<()> {
        // A peer may wait for our bytes before it answers.
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            self.failed.get_or_insert(error);
        }
        while self.read.len() < want && !self.ended && self.failed.is_none() {
            let filled = self.read.len();
            self.read.resize(filled + (want - filled).min(64 << 10), 0);
            let mut buf = ReadBuf::new(&mut self.read[filled..]);
            let polled = Pin::new(&mut self.stream).poll_read(cx, &mut buf);
            let count = buf.filled().len();
            self.read.truncate(filled + count);
            match polled {
                Poll::Ready(Ok(())) if count == 0 => self.ended = true,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => self.failed = Some(error),
                Poll::Pending => break,
            }
        }
        if self.read.is_empty() && !self.ended && self.failed.is_none() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

fn lock<S>(shared: &Mutex<Shared<S>>) -> MutexGuard<'_, Shared<S>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For attempts that must not wait; whoever waits later registers its own waker.
fn no_wait() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

struct Input<S>(Arc<Mutex<Shared<S>>>);

#[wasmtime_wasi::async_trait]
impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Pollable for Input<S> {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| lock(&self.0).poll_fill(cx, 1)).await;
    }
}

#[wasmtime_wasi::async_trait]
impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> InputStream for Input<S> {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut shared = lock(&self.0);
        let want = size.min(READ);
        let _ = shared.poll_fill(&mut no_wait(), want);
        let count = want.min(shared.read.len());
        if count > 0 || size == 0 {
            return Ok(shared.read.split_to(count).freeze());
        }
        match shared.failed.take() {
            Some(error) => {
                shared.ended = true;
                Err(StreamError::LastOperationFailed(error.into()))
            }
            None if shared.ended => Err(StreamError::Closed),
            None => Ok(Bytes::new()),
        }
    }
}

struct Output<S>(Arc<Mutex<Shared<S>>>);

#[wasmtime_wasi::async_trait]
impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Pollable for Output<S> {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| {
            let mut shared = lock(&self.0);
            if let Err(error) = ready!(shared.poll_send(cx)) {
                shared.failed.get_or_insert(error);
            }
            Poll::Ready(())
        })
        .await;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Output<S> {
    /// Whether everything has gone out.
    fn try_send(shared: &mut Shared<S>) -> StreamResult<bool> {
        if let Some(error) = shared.failed.take() {
            shared.ended = true;
            return Err(StreamError::LastOperationFailed(error.into()));
        }
        match shared.poll_send(&mut no_wait()) {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(())) => Ok(true),
            Poll::Ready(Err(error)) => {
                shared.ended = true;
                shared.unsent = Bytes::new();
                shared.unflushed = false;
                Err(StreamError::LastOperationFailed(error.into()))
            }
        }
    }
}

#[wasmtime_wasi::async_trait]
impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> OutputStream for Output<S> {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut shared = lock(&self.0);
        if !shared.unsent.is_empty() || bytes.len() > WRITE {
            return Err(StreamError::trap("write without a permit"));
        }
        shared.unsent = bytes;
        shared.unflushed = true;
        Self::try_send(&mut shared).map(drop)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Self::try_send(&mut lock(&self.0)).map(drop)
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        let sent = Self::try_send(&mut lock(&self.0))?;
        Ok(if sent { WRITE } else { 0 })
    }
}
