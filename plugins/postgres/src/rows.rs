//! The rows of a running statement, on their way to Arrow.
//!
//! Rows are read, decoded and handed out in batches; never more than one batch and one read is in memory,
//! whatever the size of the result. A result has ended only when the server has said so and has left the
//! transaction; a connection that breaks before is an error, never a short result.

use std::time::Instant;

use datachat_sdk::arrow::{BATCH_ROWS, IpcStream};
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;

use crate::errors;
use crate::protocol::backend::Message;
use crate::session::{Limits, Session, phase};
use crate::statement::Prepared;
use crate::types::RowDecoder;

/// How far a result has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Rows,
    /// The statement is over; its transaction may not be.
    Ending,
    Done,
    /// An error was reported; there is nothing more to say.
    Failed,
}

/// The result of a statement.
pub struct Rows {
    decoder: RowDecoder,
    stream: IpcStream,
    state: State,
    limits: Limits,
    started: Instant,
}

impl Rows {
    pub(crate) fn new(
        prepared: &Prepared,
        limits: Limits,
        started: Instant,
    ) -> Result<Self, DbError> {
        let stream = IpcStream::new(&prepared.plan.schema()).map_err(unencodable)?;
        Ok(Self {
            decoder: RowDecoder::new(&prepared.plan),
            stream,
            state: State::Rows,
            limits,
            started,
        })
    }

    /// The next bytes of the Arrow stream, about `max` of them; empty at its end.
    ///
    /// # Errors
    /// The statement failed on the server, the connection broke, or a value has no image in Arrow.
    pub fn read<T: Transport>(
        &mut self,
        session: &mut Session<T>,
        max: usize,
    ) -> Result<Vec<u8>, DbError> {
        while !self.stream.has_bytes() && self.state != State::Done {
            if self.state == State::Failed {
                return Err(db_error(
                    ErrorCode::Protocol,
                    "the result had failed before",
                ));
            }
            if let Err(error) = self.advance(session) {
                self.state = State::Failed;
                return Err(error);
            }
        }
        Ok(self.stream.read(max))
    }

    /// Reads until there is a batch, or the end.
    fn advance<T: Transport>(&mut self, session: &mut Session<T>) -> Result<(), DbError> {
        loop {
            let frame = session.wire.receive()?;
            if frame.tag == b'D' && self.state == State::Rows {
                if let Err(error) = self.decoder.push(session.wire.body(&frame)) {
                    session.distrust_types();
                    return Err(errors::undecodable(&error));
                }
                if self.decoder.bytes() >= self.stream.batch_bytes()
                    || self.decoder.rows() >= BATCH_ROWS
                {
                    return self.flush();
                }
                continue;
            }
            match session.wire.message(&frame)? {
                Message::CommandComplete(_) | Message::PortalSuspended | Message::EmptyQuery
                    if self.state == State::Rows =>
                {
                    self.state = State::Ending;
                }
                Message::ReadyForQuery(status) if self.state == State::Ending => {
                    session.ready(status);
                    session.settle()?;
                    if self.decoder.rows() > 0 {
                        self.flush()?;
                    }
                    self.stream.finish().map_err(unencodable)?;
                    self.state = State::Done;
                    return Ok(());
                }
                Message::Error(fields) => {
                    let error = errors::from_server(fields, phase(self.started, self.limits));
                    if error.code != ErrorCode::Protocol {
                        session.recover()?;
                    }
                    return Err(error);
                }
                // Of the transaction's end.
                Message::ParseComplete
                | Message::CloseComplete
                | Message::BindComplete
                | Message::CommandComplete(_)
                    if self.state == State::Ending => {}
                _ => return Err(errors::unexpected(frame.tag, "a result")),
            }
        }
    }

    fn flush(&mut self) -> Result<(), DbError> {
        let batch = self.decoder.finish();
        self.stream.push(&batch).map_err(unencodable)
    }
}

#[allow(clippy::needless_pass_by_value)] // as map_err passes it
fn unencodable(error: arrow_schema::ArrowError) -> DbError {
    db_error(ErrorCode::Internal, format!("Arrow: {error}"))
}
