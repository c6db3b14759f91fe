//! Statements of our own: small results as text, and large ones page by page.
//!
//! They are parsed each time, run once in a while, and cost one round trip each.

use std::time::Duration;

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::net::Transport;
use postgres_protocol::message::frontend;

use crate::errors::{self, Phase};
use crate::params::Bound;
use crate::protocol::Reader;
use crate::protocol::backend::Message;
use crate::session::{BEGIN_READ_ONLY, Session, bind_portal, unwritable};

impl<T: Transport> Session<T> {
    /// Runs a statement of ours, outside of any transaction or inside the one that is open, and gives its
    /// rows as text. For results that are small.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) fn fetch(
        &mut self,
        sql: &str,
        parameters: &[Option<&str>],
    ) -> Result<Vec<Vec<Option<String>>>, DbError> {
        self.queue("", sql, parameters)?;
        frontend::execute("", 0, &mut self.wire.out).map_err(unwritable)?;
        self.send_and_sync()?;
        let mut rows = Vec::new();
        self.collect(|row| rows.push(row))?;
        Ok(rows)
    }

    /// Reads an answer to its end and gives its rows as text. True: there are more in the portal.
    pub(crate) fn collect(
        &mut self,
        mut row: impl FnMut(Vec<Option<String>>),
    ) -> Result<bool, DbError> {
        let mut failure = None;
        let mut more = false;
        while self.pending {
            let frame = self.wire.receive()?;
            match self.wire.message(&frame)? {
                Message::DataRow(body) => row(text_row(body)?),
                Message::PortalSuspended => more = true,
                Message::ReadyForQuery(status) => self.ready(status),
                Message::Error(fields) => {
                    failure.get_or_insert(fields);
                }
                Message::ParseComplete
                | Message::BindComplete
                | Message::CloseComplete
                | Message::NoData
                | Message::EmptyQuery
                | Message::CommandComplete(_) => {}
                _ => {
                    return Err(errors::unexpected(
                        frame.tag,
                        "a statement of the connector",
                    ));
                }
            }
        }
        match failure {
            None => Ok(more),
            Some(fields) => {
                let phase = Phase::Statement {
                    elapsed: Duration::ZERO,
                    timeout: None,
                };
                Err(errors::from_server(fields, phase))
            }
        }
    }

    /// Queues a statement of ours into a portal, from which [`fetch_page`](Self::fetch_page) reads. Begins
    /// the transaction in which the portal lives.
    pub(crate) fn open_portal(
        &mut self,
        portal: &str,
        sql: &str,
        parameters: &[Option<&str>],
    ) -> Result<(), DbError> {
        self.run_helper(BEGIN_READ_ONLY);
        self.queue(portal, sql, parameters)
    }

    /// Queues a statement, bound to a portal, with parameters and rows as text.
    pub(crate) fn queue(
        &mut self,
        portal: &str,
        sql: &str,
        parameters: &[Option<&str>],
    ) -> Result<(), DbError> {
        let bound: Vec<Bound> = parameters
            .iter()
            .map(|text| Bound {
                format: 0,
                bytes: text.map(|text| text.as_bytes().to_vec()),
            })
            .collect();
        frontend::parse("", sql, None, &mut self.wire.out).map_err(unwritable)?;
        bind_portal(portal, "", &bound, &[], &mut self.wire.out)
    }

    /// The next rows of a portal, at most `max` of them. False beside them: these were the last.
    pub(crate) fn fetch_page(
        &mut self,
        portal: &str,
        max: i32,
        row: impl FnMut(Vec<Option<String>>),
    ) -> Result<bool, DbError> {
        frontend::execute(portal, max, &mut self.wire.out).map_err(unwritable)?;
        self.send_and_sync()?;
        match self.collect(row) {
            Ok(true) => Ok(true),
            Ok(false) => self.roll_back().map(|()| false),
            Err(error) => {
                if error.code != ErrorCode::Protocol {
                    self.recover()?;
                }
                Err(error)
            }
        }
    }
}

/// The values of a row that was asked for in the text format.
fn text_row(body: &[u8]) -> Result<Vec<Option<String>>, DbError> {
    let mut reader = Reader::new(b'D', body);
    let mut read = || {
        let count = reader.u16()?;
        let mut row = Vec::new();
        for _ in 0..count {
            let length = reader.i32()?;
            row.push(match usize::try_from(length) {
                Err(_) => None,
                Ok(length) => Some(String::from_utf8_lossy(reader.take(length)?).into_owned()),
            });
        }
        Ok(row)
    };
    read().map_err(errors::malformed)
}
