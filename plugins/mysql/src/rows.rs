//! The rows of a running statement, on their way to Arrow.
//!
//! Rows are read, decoded and handed out in batches; never more than one batch and one read is in memory,
//! whatever the size of the result. A result has ended only when the server has said so and has left the
//! transaction, or has all the rows that were asked for; a connection that breaks before is an error, never a
//! short result.

use std::rc::Rc;
use std::time::{Duration, Instant};

use arrow_schema::Schema;
use datachat_sdk::arrow::{BATCH_ROWS, IpcStream};
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;

use crate::errors::{self, Phase};
use crate::exchange::RowOrEnd;
use crate::session::Session;
use crate::settings::Limits;
use crate::types::{Plan, RowDecoder};

/// How far a result has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Rows,
    Done,
    /// An error was reported; there is nothing more to say.
    Failed,
}

/// The result of a statement.
pub struct Rows {
    /// `None`: the statement has no result.
    decoder: Option<RowDecoder>,
    stream: IpcStream,
    state: State,
    limits: Limits,
    /// How many rows may still come.
    left: u64,
    started: Instant,
}

impl Rows {
    pub(crate) fn new(
        plan: Option<Rc<Plan>>,
        limits: Limits,
        started: Instant,
    ) -> Result<Self, DbError> {
        let stream = match &plan {
            Some(plan) => IpcStream::new(&plan.schema()),
            None => IpcStream::new(&Schema::empty()),
        };
        Ok(Self {
            decoder: plan.map(|plan| RowDecoder::new(&plan)),
            stream: stream.map_err(unencodable)?,
            state: State::Rows,
            limits,
            left: limits.max_rows.unwrap_or(u64::MAX),
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
        let Some(decoder) = &mut self.decoder else {
            session.settle()?;
            return self.finish();
        };
        loop {
            if self.left == 0 {
                // The rest, if there is any, is skipped before the session's next use.
                return self.finish();
            }
            let frame = session.exchange.wire.receive()?;
            let payload = session.exchange.wire.body(&frame);
            // A row starts with 0, and nothing else does.
            if payload.first() == Some(&0) {
                decoder
                    .push(payload)
                    .map_err(|error| errors::undecodable(&error))?;
                self.left -= 1;
                if decoder.bytes() >= self.stream.batch_bytes() || decoder.rows() >= BATCH_ROWS {
                    let batch = decoder.finish();
                    return self.stream.push(&batch).map_err(unencodable);
                }
                continue;
            }
            match session.exchange.row_or_end(payload)? {
                RowOrEnd::Row => return Err(errors::unexpected("a statement")),
                RowOrEnd::End => {
                    session.exchange.rows_ended();
                    session.settle()?;
                    return self.finish();
                }
                RowOrEnd::Error(error) => {
                    session.exchange.rows_ended();
                    let phase = Phase::Statement {
                        elapsed: self.started.elapsed(),
                        timeout: (self.limits.timeout_ms > 0)
                            .then(|| Duration::from_millis(self.limits.timeout_ms.into())),
                    };
                    return Err(errors::from_server(error, phase));
                }
            }
        }
    }

    fn finish(&mut self) -> Result<(), DbError> {
        if let Some(decoder) = &mut self.decoder
            && decoder.rows() > 0
        {
            let batch = decoder.finish();
            self.stream.push(&batch).map_err(unencodable)?;
        }
        self.stream.finish().map_err(unencodable)?;
        self.state = State::Done;
        Ok(())
    }
}

#[allow(clippy::needless_pass_by_value)] // as map_err passes it
fn unencodable(error: arrow_schema::ArrowError) -> DbError {
    db_error(ErrorCode::Internal, format!("Arrow: {error}"))
}
