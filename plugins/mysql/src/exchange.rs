//! Commands that were sent, and their answers in the same order.
//!
//! Several commands go out in one write; the server answers each whatever became of the one before. What is
//! asked of a session next may come before all answers have been read (a result that somebody stopped reading),
//! so what is outstanding is kept here, and read or given up before anything else is sent.

use std::collections::VecDeque;
use std::time::Duration;

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;

use crate::errors::{self, Phase};
use crate::protocol::command;
use crate::protocol::handshake::Agreed;
use crate::protocol::reply::{self, Reply, ServerError};
use crate::wire::Wire;

/// How much of an unwanted result is skipped, in bytes, before the session is given up for it: more than is on
/// its way when a statement is cancelled.
const MAX_SKIPPED: usize = 16 * 1024 * 1024;

/// A command whose answer has not been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sent {
    /// In how many packets.
    parts: u8,
    /// Without it the session is not what it should be.
    essential: bool,
}

/// How reading what was left of answers went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    Well,
    /// A command failed that nobody had waited for: a setting, perhaps.
    WithErrors,
}

/// A connection that is logged in, and what is outstanding on it.
pub(crate) struct Exchange<T> {
    pub(crate) wire: Wire<T>,
    pub(crate) agreed: Agreed,
    /// Commands that were sent and not answered, the oldest first.
    pending: VecDeque<Sent>,
    /// The rows of an answer have begun and not ended.
    in_rows: bool,
}

impl<T: Transport> Exchange<T> {
    pub(crate) fn new(wire: Wire<T>, agreed: Agreed) -> Self {
        Self {
            wire,
            agreed,
            pending: VecDeque::new(),
            in_rows: false,
        }
    }

    pub(crate) fn skip_eof(&mut self) -> Result<(), DbError> {
        if !self.agreed.deprecate_eof() {
            self.wire.receive()?;
        }
        Ok(())
    }

    /// Queues a statement of ours, as text.
    pub(crate) fn queue(&mut self, sql: &str) {
        let parts = command::query(sql, &mut self.wire.out);
        self.sent(parts);
    }

    /// Queues a statement of ours without which the session is not what it should be.
    pub(crate) fn queue_essential(&mut self, sql: &str) {
        let parts = command::query(sql, &mut self.wire.out);
        self.pending.push_back(Sent {
            parts,
            essential: true,
        });
    }

    /// Something was sent in so many packets.
    pub(crate) fn sent(&mut self, parts: u8) {
        self.pending.push_back(Sent {
            parts,
            essential: false,
        });
    }
    /// The answer to the oldest command that has none begins.
    pub(crate) fn begin_answer(&mut self) {
        if let Some(sent) = self.pending.pop_front() {
            self.wire.begin_answer(sent.parts);
        }
    }

    /// The head of the next command's answer.
    pub(crate) fn read_reply(&mut self) -> Result<Reply, DbError> {
        self.begin_answer();
        let frame = self.wire.receive()?;
        let reply = Reply::parse(self.wire.body(&frame)).map_err(errors::malformed)?;
        if let Reply::Ok(status) = reply {
            check_single(status)?;
        }
        Ok(reply)
    }

    pub(crate) fn expect_ok(&mut self) -> Result<(), DbError> {
        match self.read_reply()? {
            Reply::Ok(_) => Ok(()),
            Reply::Error(error) => Err(errors::from_server(error, Phase::Startup)),
            Reply::LocalFile | Reply::Columns(_) => {
                Err(errors::unexpected("a setting of the connector"))
            }
        }
    }

    /// The result of a statement of ours, whose answer comes next, as text.
    pub(crate) fn read_text_result(&mut self) -> Result<Vec<Vec<Option<String>>>, DbError> {
        let count = match self.read_reply()? {
            Reply::Columns(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Reply::Ok(_) => return Ok(Vec::new()),
            Reply::LocalFile => return Err(self.refuse_file()),
            Reply::Error(error) => {
                let phase = Phase::Statement {
                    elapsed: Duration::ZERO,
                    timeout: None,
                };
                return Err(errors::from_server(error, phase));
            }
        };
        self.in_rows = true;
        for _ in 0..count {
            self.wire.receive()?;
        }
        self.skip_eof()?;
        let mut rows = Vec::new();
        loop {
            let frame = self.wire.receive()?;
            match self.row_or_end(self.wire.body(&frame))? {
                RowOrEnd::Row => {
                    let row = reply::text_row(self.wire.body(&frame), count);
                    rows.push(row.map_err(errors::malformed)?);
                }
                RowOrEnd::End => {
                    self.in_rows = false;
                    return Ok(rows);
                }
                RowOrEnd::Error(error) => {
                    self.in_rows = false;
                    let phase = Phase::Statement {
                        elapsed: Duration::ZERO,
                        timeout: None,
                    };
                    return Err(errors::from_server(error, phase));
                }
            }
        }
    }

    /// What a payload among the rows of a result is.
    pub(crate) fn row_or_end(&self, payload: &[u8]) -> Result<RowOrEnd, DbError> {
        if payload.first() == Some(&0xFF) {
            let error = ServerError::parse(payload).map_err(errors::malformed)?;
            return Ok(RowOrEnd::Error(error));
        }
        let end =
            reply::end_of_rows(payload, self.agreed.deprecate_eof()).map_err(errors::malformed)?;
        Ok(match end {
            Some(status) => {
                check_single(status)?;
                RowOrEnd::End
            }
            None => RowOrEnd::Row,
        })
    }

    /// The columns of a result come next, and then its rows.
    pub(crate) fn rows_begin(&mut self) {
        self.in_rows = true;
    }

    /// The rows of a result have been read to their end.
    pub(crate) fn rows_ended(&mut self) {
        self.in_rows = false;
    }

    /// Gives the server an empty file for the one that it asks for, as the protocol has it, and makes an error
    /// of it.
    pub(crate) fn refuse_file(&mut self) -> DbError {
        let mut answer = || {
            self.wire.reply(&[])?;
            self.wire.receive()
        };
        match answer() {
            Ok(_) => errors::local_file(),
            Err(error) => error,
        }
    }

    /// Reads what is left of answers, to be free for the next command.
    ///
    /// # Errors
    /// The connection broke, too much is left, or something essential failed.
    pub(crate) fn settle(&mut self) -> Result<Settled, DbError> {
        let mut settled = Settled::Well;
        let mut skipped = 0;
        loop {
            if self.in_rows {
                let frame = self.wire.receive()?;
                let payload = self.wire.body(&frame);
                skipped += payload.len();
                match self.row_or_end(payload)? {
                    RowOrEnd::Row if skipped > MAX_SKIPPED => {
                        return Err(db_error(
                            ErrorCode::Protocol,
                            "the rest of the last result is too long to be skipped",
                        ));
                    }
                    RowOrEnd::Row => {}
                    RowOrEnd::End | RowOrEnd::Error(_) => self.in_rows = false,
                }
                continue;
            }
            let Some(sent) = self.pending.front().copied() else {
                return Ok(settled);
            };
            match self.read_reply()? {
                Reply::Ok(_) => {}
                Reply::Error(_) if sent.essential => {
                    return Err(db_error(
                        ErrorCode::Protocol,
                        "the server does not leave the transaction",
                    ));
                }
                Reply::Error(_) => settled = Settled::WithErrors,
                Reply::LocalFile => {
                    self.refuse_file();
                }
                Reply::Columns(count) => {
                    self.in_rows = true;
                    for _ in 0..count {
                        self.wire.receive()?;
                    }
                    self.skip_eof()?;
                }
            }
        }
    }
}

/// A payload among rows.
pub(crate) enum RowOrEnd {
    Row,
    End,
    Error(ServerError),
}

/// Results behind a result are never agreed on; a server that sends them all the same is not understood.
fn check_single(status: u16) -> Result<(), DbError> {
    if status & reply::MORE_RESULTS == 0 {
        Ok(())
    } else {
        Err(errors::unexpected("a single statement"))
    }
}
