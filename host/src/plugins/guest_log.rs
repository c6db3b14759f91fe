//! What a guest writes, as log lines: its `log` import, standard output and standard error.
//!
//! Each line carries the plugin and the connection, has no password in it and stays one line. An instance has
//! a budget of bytes per call; what goes beyond is dropped and counted. Nothing here ever blocks a guest or
//! keeps more than one unfinished line.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use uuid::Uuid;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::bindings::connector::datachat::plugin::log::Level;
use super::redact::Redactor;

/// The longest line, in bytes; the rest of it is dropped.
const LONGEST: usize = 4 << 10;

/// The log of one instance. Clones write to the same.
#[derive(Clone)]
pub(crate) struct GuestLog(Arc<Inner>);

struct Inner {
    plugin: Arc<str>,
    connection: Option<Uuid>,
    redactor: Redactor,
    budget: u64,
    left: AtomicU64,
    dropped: AtomicU64,
}

impl GuestLog {
    pub(crate) fn new(
        plugin: Arc<str>,
        connection: Option<Uuid>,
        redactor: Redactor,
        budget: u64,
    ) -> Self {
        Self(Arc::new(Inner {
            plugin,
            connection,
            redactor,
            budget,
            left: AtomicU64::new(budget),
            dropped: AtomicU64::new(0),
        }))
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.0.redactor
    }

    /// A call begins: the budget is full again. Says how much the last call lost.
    pub(crate) fn refill(&self) {
        self.0.left.store(self.0.budget, Ordering::Relaxed);
        let dropped = self.0.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(
                target: "datachat::plugin",
                plugin = %self.0.plugin,
                connection = self.0.connection.map(tracing::field::display),
                dropped,
                "log lines of the plugin were dropped"
            );
        }
    }

    /// Writes one message of the `log` import.
    pub(crate) fn write(&self, level: Level, message: &str) {
        self.emit("log", level, message);
    }

    fn emit(&self, source: &'static str, level: Level, text: &str) {
        let inner = &*self.0;
        let cost = (text.len().min(LONGEST) as u64).max(16);
        let paid = inner
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(cost)
            });
        if paid.is_err() {
            inner.dropped.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("datachat_plugin_log_lines_dropped_total", "plugin" => Arc::clone(&inner.plugin))
                .increment(1);
            return;
        }
        let message = inner.redactor.line(text, LONGEST);
        macro_rules! event {
            ($level:ident) => {
                tracing::event!(
                    target: "datachat::plugin",
                    tracing::Level::$level,
                    plugin = %inner.plugin,
                    connection = inner.connection.map(tracing::field::display),
                    source,
                    "{message}"
                )
            };
        }
        match level {
            Level::Trace => event!(TRACE),
            Level::Debug => event!(DEBUG),
            Level::Info => event!(INFO),
            Level::Warn => event!(WARN),
            Level::Error => event!(ERROR),
        }
    }

    /// A stream for the guest's standard output or error.
    pub(crate) fn stream(&self, source: &'static str, level: Level) -> LineStream {
        LineStream {
            log: self.clone(),
            source,
            level,
            line: Arc::default(),
        }
    }
}

/// Cuts what is written into lines.
#[derive(Clone)]
pub(crate) struct LineStream {
    log: GuestLog,
    source: &'static str,
    level: Level,
    line: Arc<Mutex<Line>>,
}

#[derive(Default)]
struct Line {
    text: Vec<u8>,
    /// The line is over its length; wait for its end.
    skipping: bool,
}

impl LineStream {
    fn take(&self, bytes: &[u8]) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (piece, ended) = match piece.split_last() {
                Some((b'\n', piece)) => (piece, true),
                _ => (piece, false),
            };
            let room = LONGEST - line.text.len();
            line.text.extend_from_slice(&piece[..piece.len().min(room)]);
            let full = piece.len() > room;
            if (ended || full) && !line.skipping {
                self.log.emit(
                    self.source,
                    self.level,
                    String::from_utf8_lossy(&line.text).trim_end_matches('\r'),
                );
            }
            if ended || full || line.skipping {
                line.text.clear();
            }
            line.skipping = !ended && (full || line.skipping);
        }
    }
}

impl Drop for LineStream {
    fn drop(&mut self) {
        // The last owner writes what has no line end yet, if there is any.
        let unfinished = |line: &Mutex<Line>| {
            let line = line.lock().unwrap_or_else(PoisonError::into_inner);
            !line.text.is_empty()
        };
        if Arc::strong_count(&self.line) == 1 && unfinished(&self.line) {
            self.take(b"\n");
        }
    }
}

impl IsTerminal for LineStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LineStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LineStream {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for LineStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}
