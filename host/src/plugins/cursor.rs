//! The rows of a running statement.
//!
//! A short result is read in the caller's own task. Once it turns out long, the session moves to a task that
//! reads ahead through a channel, so that the guest decodes while the host encodes; at most two chunks of
//! about 1 MiB wait.

use bytes::Bytes;
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::PluginError;
use super::instance::Deadline;
use super::lease::Lease;

/// A running statement. Read to the end, its session goes back to the pool; dropped before that, the
/// statement is cancelled on the server and the session retired.
pub struct Cursor {
    mode: Mode,
    deadline: Deadline,
    /// Read already, while looking whether the result had ended.
    next: Option<Result<Bytes, PluginError>>,
}

enum Mode {
    Here(Box<Lease>),
    /// `None` is the end; a channel that closes without it is a failure, never a short result.
    Ahead(mpsc::Receiver<Result<Option<Bytes>, PluginError>>),
    Ended,
}

/// How an Arrow IPC stream ends. A chunk that ends so is probably the last; nothing depends on it.
const END_OF_STREAM: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

impl Cursor {
    pub(crate) fn new(lease: Lease, deadline: Deadline) -> Self {
        Self {
            mode: Mode::Here(Box::new(lease)),
            deadline,
            next: None,
        }
    }

    /// The next piece of the Arrow IPC stream; `None` at its end. Chunk borders are arbitrary.
    ///
    /// # Errors
    /// The database's error in the middle of the result, a limit, the deadline, or a failure of the plugin.
    pub async fn read(&mut self) -> Result<Option<Bytes>, PluginError> {
        if let Some(next) = self.next.take() {
            return next.map(Some);
        }
        match &mut self.mode {
            Mode::Ended => Ok(None),
            Mode::Ahead(chunks) => match chunks.recv().await {
                Some(Ok(Some(chunk))) => Ok(Some(chunk)),
                end => {
                    self.mode = Mode::Ended;
                    end.unwrap_or(Err(PluginError::Cancelled))
                }
            },
            Mode::Here(lease) => {
                let first = match lease.live()?.read(self.deadline).await {
                    Ok(Some(chunk)) => chunk,
                    end => {
                        self.mode = Mode::Ended;
                        return end;
                    }
                };
                if first.ends_with(&END_OF_STREAM) {
                    // Seeing the end now sets the session free before the caller has used the rows.
                    match lease.live()?.read(self.deadline).await {
                        Ok(None) => {
                            self.mode = Mode::Ended;
                            return Ok(Some(first));
                        }
                        Ok(Some(chunk)) => self.next = Some(Ok(chunk)),
                        Err(error) => {
                            self.next = Some(Err(error));
                            self.mode = Mode::Ended;
                            return Ok(Some(first));
                        }
                    }
                }
                self.read_ahead();
                Ok(Some(first))
            }
        }
    }

    fn read_ahead(&mut self) {
        let (sender, receiver) = mpsc::channel(1);
        if let Mode::Here(lease) = std::mem::replace(&mut self.mode, Mode::Ahead(receiver)) {
            // Still on behalf of the same request.
            tokio::spawn(pump(*lease, self.deadline, sender).in_current_span());
        }
    }
}

/// Reads until the end, an error, the deadline, or until nobody wants the rows any more.
async fn pump(
    mut lease: Lease,
    deadline: Deadline,
    chunks: mpsc::Sender<Result<Option<Bytes>, PluginError>>,
) {
    let cancelled = lease.cancelled();
    loop {
        let chunk = {
            let reading = async { lease.live()?.read(deadline).await };
            tokio::select! {
                chunk = reading => chunk,
                () = chunks.closed() => return,
            }
        };
        if !matches!(chunk, Ok(Some(_))) {
            lease.end();
            let _ = chunks.send(chunk).await;
            return;
        }
        // A slow reader must not keep the statement open for ever: it ends now, and the reader learns of
        // it after what it has yet to read.
        let ended = tokio::select! {
            sent = chunks.send(chunk) => {
                if sent.is_err() {
                    return;
                }
                continue;
            }
            () = cancelled.cancelled() => PluginError::Cancelled,
            () = tokio::time::sleep_until(deadline.at.into()) => deadline.passed(),
        };
        lease.end();
        let _ = chunks.send(Err(ended)).await;
        return;
    }
}
