//! A session: running statements, one at a time, in as few round trips as the protocol allows.
//!
//! A statement costs one: the transaction's begin, the execution and the transaction's end go out together, and
//! with them the statement's limits where they are others than the last one's. MySQL needs one more for a
//! statement that is new, in which it prepares it; MariaDB prepares it along with the rest. The server answers
//! commands in their order and goes on after an error, so a transaction is ended whatever became of the
//! statement in it.
//!
//! A reading statement runs in a read-only transaction that is rolled back. Should that not begin, because
//! something interrupted just its begin, the session's own transactions can't write either.
//!
//! How a result is kept to its limit of rows: `sql_select_limit` makes the server stop by itself, without a
//! temporary table as a cursor would need; subqueries and views are not touched by it. A statement with a
//! `LIMIT` of its own is not bound by it. Then no more is read than asked for, what little is left is skipped
//! before the next use, and if it is much the session is given up: the closed connection stops the server,
//! for the price that a second connection for a `KILL` would have had.
//!
//! Statements run prepared: the server takes exactly one statement then, whatever the text says.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::connector::{Statement, Target};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;

use crate::errors::{self, Phase, number};
use crate::exchange::{Exchange, Settled};
use crate::options::Options;
use crate::params;
use crate::protocol::command::{self, Bound};
use crate::protocol::reply::{Column, PrepareOk, Reply, ServerError};
use crate::rows::Rows;
use crate::settings::{self, Limits, Server};
use crate::startup;
use crate::statement::{Layout, Prepared, Statements};
use crate::types::{Plan, ZeroDates, plan};
use crate::wire::Wire;

/// A session of one MySQL or MariaDB server.
pub struct Session<T> {
    pub(crate) exchange: Exchange<T>,
    pub(crate) server: Server,
    pub(crate) sql_mode: String,
    /// The target's.
    pub(crate) database: Option<String>,
    /// The longest command that the server takes, in bytes.
    max_packet: usize,
    zero_dates: ZeroDates,
    token: [u8; 4],
    statements: Statements,
    /// Numbers to close with the next message.
    closing: Vec<u32>,
    /// The limits that the server has been told; `None`: it is not sure.
    told: Option<Limits>,
}

/// How a statement came to nothing.
enum Failure {
    /// The server says so; the session goes on.
    Server(ServerError),
    /// Something else.
    Other(Box<DbError>),
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Other(error.into())
    }
}

impl<T: Transport> Session<T> {
    /// Secures and authenticates a connection that stands, and sets the session up.
    ///
    /// # Errors
    /// As the contract lists for `open`.
    pub fn open(
        transport: T,
        target: &Target,
        password: Option<&str>,
        deadline: Instant,
    ) -> Result<Self, DbError> {
        let options = Options::read(target)?;
        let mut wire = Wire::new(transport);
        let started = startup::start(&mut wire, target, &options, password, deadline)?;
        let server = Server::new(&started.version, started.is_mariadb);
        server.check()?;
        let mut session = Self {
            exchange: Exchange::new(wire, started.agreed),
            token: started.connection_id.to_le_bytes(),
            server,
            sql_mode: String::new(),
            database: target.database.clone(),
            max_packet: usize::MAX,
            zero_dates: options.zero_dates,
            statements: Statements::default(),
            closing: Vec::new(),
            told: None,
        };
        session.exchange.wire.set_deadline(Some(deadline));
        let result = session.set_up();
        session.exchange.wire.set_deadline(None);
        result.map_err(|error| startup::refine(error, target))?;
        Ok(session)
    }

    fn set_up(&mut self) -> Result<(), DbError> {
        self.exchange.queue(&self.server.set_up(None));
        self.exchange.queue(settings::READ_ONLY);
        self.exchange
            .queue("SELECT @@SESSION.sql_mode, @@max_allowed_packet");
        self.exchange.wire.send()?;
        self.exchange.expect_ok()?;
        self.exchange.expect_ok()?;
        let rows = self.exchange.read_text_result()?;
        let mut values = rows.into_iter().flatten();
        let (Some(Some(mode)), Some(Some(max_packet))) = (values.next(), values.next()) else {
            return Err(errors::unexpected("a question for sql_mode"));
        };
        self.sql_mode = mode;
        self.max_packet = max_packet.parse().unwrap_or(usize::MAX);
        settings::check_mode(&self.sql_mode)?;
        self.told = Some(Limits::default());
        Ok(())
    }

    /// What a cancel names: the connection's number.
    pub fn cancel_token(&self) -> &[u8] {
        &self.token
    }

    /// Starts a statement and waits until the server has its first row, or its end.
    ///
    /// # Errors
    /// What the server says about the statement, or what is wrong with its parameters.
    pub fn query(&mut self, request: Statement) -> Result<Rows, DbError> {
        if request.read_only {
            return self.start(request);
        }
        // The server looks at this even when it prepares a statement. The statement's end takes it back.
        self.settle()?;
        self.set_transactions(settings::READ_WRITE)?;
        let started = self.start(request);
        if started.is_err() {
            self.settle()?;
            self.set_transactions(settings::READ_ONLY)?;
        }
        started
    }

    fn set_transactions(&mut self, sql: &str) -> Result<(), DbError> {
        self.exchange.queue(sql);
        self.exchange.wire.send()?;
        self.exchange.expect_ok()
    }

    fn start(&mut self, request: Statement) -> Result<Rows, DbError> {
        let limits = Limits {
            timeout_ms: request.timeout_ms,
            max_rows: request.max_rows,
        };
        let phase = |started: Instant| Phase::Statement {
            elapsed: started.elapsed(),
            timeout: (limits.timeout_ms > 0)
                .then(|| Duration::from_millis(limits.timeout_ms.into())),
        };
        let values = params::positional(request.params)?;
        let bound = params::bind(&values)?;
        if request.sql.contains('\0') {
            return Err(db_error(
                ErrorCode::Syntax,
                "the statement contains the character NUL",
            ));
        }
        self.check_size(&request.sql, &bound)?;
        self.settle()?;
        let started = Instant::now();
        // A prepared statement may have become useless since: once more, from the start, then.
        let mut last_chance = false;
        loop {
            let failure = match self.try_query(&request.sql, &bound, request.read_only, limits) {
                Ok(plan) => return Rows::new(plan, limits, started),
                Err(failure) => failure,
            };
            let error = match failure {
                Failure::Server(error) => error,
                Failure::Other(error) => {
                    if error.code != ErrorCode::Protocol {
                        // Should that fail, the next use will tell.
                        let _ = self.settle();
                    }
                    return Err(*error);
                }
            };
            let number = error.number;
            let described = errors::of_statement(error, phase(started), &request.sql);
            if described.code == ErrorCode::Protocol {
                return Err(described);
            }
            // Should the session be over, its next use will tell; what is said here is why.
            if self.settle().is_err() {
                return Err(described);
            }
            if !last_chance && matches!(number, number::UNKNOWN_STATEMENT | number::NEED_REPREPARE)
            {
                last_chance = true;
                self.closing.extend(self.statements.remove(&request.sql));
                continue;
            }
            return Err(described);
        }
    }

    /// Refuses what the server would answer by hanging up.
    fn check_size(&self, sql: &str, parameters: &[Bound]) -> Result<(), DbError> {
        let values: usize = parameters.iter().map(|bound| bound.bytes.len() + 3).sum();
        let longest = sql.len().max(values) + 32;
        if longest <= self.max_packet {
            return Ok(());
        }
        let mut error = db_error(
            ErrorCode::ResourceLimit,
            format!(
                "the statement or its parameters have {longest} bytes, more than the server's max_allowed_packet ({})",
                self.max_packet
            ),
        );
        error.vendor_code = Some("1153".to_owned());
        Err(error)
    }

    /// Runs a statement up to its first row or its end. `None`: it has no result.
    fn try_query(
        &mut self,
        sql: &str,
        parameters: &[Bound],
        read_only: bool,
        limits: Limits,
    ) -> Result<Option<Rc<Plan>>, Failure> {
        let mut known = self.statements.find(sql);
        if known.is_none() {
            self.queue_prepare(sql);
            // MariaDB runs the statement that was prepared last without being told its number.
            if !self.server.runs_last_prepared() {
                self.exchange.wire.send()?;
                known = Some(self.read_prepared(sql)?);
            }
        }
        if let Some(prepared) = &known {
            params::check_count(parameters.len(), prepared.parameters)?;
        }
        let mut before = self.tell(limits);
        self.exchange.queue(if read_only {
            settings::BEGIN_READ_ONLY
        } else {
            settings::BEGIN_READ_WRITE
        });
        before += 1;
        let id = known
            .as_ref()
            .map_or(command::LAST_PREPARED, |prepared| prepared.id);
        let parts = command::execute(id, parameters, &mut self.exchange.wire.out);
        self.exchange.sent(parts);
        self.exchange.queue_essential(if read_only {
            settings::ROLLBACK
        } else {
            settings::COMMIT
        });
        if !read_only {
            self.exchange.queue_essential(settings::READ_ONLY);
        }
        self.exchange.wire.send()?;

        let prepared = match known {
            Some(prepared) => prepared,
            None => self.read_prepared(sql)?,
        };
        params::check_count(parameters.len(), prepared.parameters)?;
        for _ in 0..before {
            match self.exchange.read_reply()? {
                Reply::Ok(_) => {}
                Reply::Error(error) => {
                    self.told = None;
                    return Err(Failure::Server(error));
                }
                Reply::LocalFile | Reply::Columns(_) => {
                    return Err(errors::unexpected("a setting of the connector").into());
                }
            }
        }
        match self.exchange.read_reply()? {
            Reply::Ok(_) => Ok(None),
            Reply::Error(error) => Err(Failure::Server(error)),
            Reply::LocalFile => Err(self.exchange.refuse_file().into()),
            Reply::Columns(count) => {
                self.exchange.rows_begin();
                let plan = self.read_layout(&prepared, count)?;
                self.await_row()?;
                Ok(Some(plan))
            }
        }
    }

    /// Queues that the server parses a statement.
    fn queue_prepare(&mut self, sql: &str) {
        self.queue_closing();
        let parts = command::prepare(sql, &mut self.exchange.wire.out);
        self.exchange.sent(parts);
    }

    /// The answer to that.
    fn read_prepared(&mut self, sql: &str) -> Result<Rc<Prepared>, Failure> {
        self.exchange.begin_answer();
        let frame = self.exchange.wire.receive()?;
        let payload = self.exchange.wire.body(&frame);
        if payload.first() == Some(&0xFF) {
            let error = ServerError::parse(payload).map_err(errors::malformed)?;
            return Err(Failure::Server(error));
        }
        let answer = PrepareOk::parse(payload).map_err(errors::malformed)?;
        // What it says about parameters and columns is not needed: an execution says it again, and better.
        for count in [answer.parameters, answer.columns] {
            let eof = u32::from(count > 0 && !self.exchange.agreed.deprecate_eof());
            for _ in 0..u32::from(count) + eof {
                self.exchange.wire.receive()?;
            }
        }
        let prepared = Rc::new(Prepared {
            id: answer.statement,
            parameters: answer.parameters,
            layout: RefCell::new(None),
        });
        let gone = self.statements.insert(sql, Rc::clone(&prepared));
        self.closing.extend(gone);
        Ok(prepared)
    }

    /// Reads the columns of a result. Their plan is made anew only if they are others than the last time.
    fn read_layout(&mut self, prepared: &Prepared, count: u64) -> Result<Rc<Plan>, DbError> {
        let (mut described, mut ends) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let frame = self.exchange.wire.receive()?;
            described.extend_from_slice(self.exchange.wire.body(&frame));
            ends.push(described.len());
        }
        self.exchange.skip_eof()?;
        let mut layout = prepared.layout.borrow_mut();
        if let Some(layout) = layout.as_ref()
            && layout.described == described
        {
            return Ok(Rc::clone(&layout.plan));
        }
        let extended = self.exchange.agreed.extended_metadata();
        let mut columns = Vec::with_capacity(ends.len());
        let mut start = 0;
        for end in ends {
            let column = Column::parse(&described[start..end], extended);
            columns.push(column.map_err(errors::malformed)?);
            start = end;
        }
        let plan = plan(&columns, self.zero_dates).map_err(|kind| {
            db_error(
                ErrorCode::Protocol,
                format!(
                    "the server sends values of the type {kind}, which the protocol does not have"
                ),
            )
        })?;
        let plan = Rc::new(plan);
        *layout = Some(Layout {
            described,
            plan: Rc::clone(&plan),
        });
        Ok(plan)
    }

    /// Waits for the first row or the end, which will be received next.
    fn await_row(&mut self) -> Result<(), Failure> {
        let frame = self.exchange.wire.receive()?;
        let payload = self.exchange.wire.body(&frame);
        if payload.first() == Some(&0xFF) {
            let error = ServerError::parse(payload).map_err(errors::malformed)?;
            self.exchange.rows_ended();
            return Err(Failure::Server(error));
        }
        self.exchange.wire.put_back(frame);
        Ok(())
    }

    fn queue_closing(&mut self) {
        for id in std::mem::take(&mut self.closing) {
            command::close(id, &mut self.exchange.wire.out);
        }
    }

    /// Queues the limits of the next statement, if the server knows others. Gives how many answers that adds.
    pub(crate) fn tell(&mut self, limits: Limits) -> usize {
        self.queue_closing();
        if self.told == Some(limits) {
            return 0;
        }
        self.exchange.queue(&self.server.limits(limits));
        self.told = Some(limits);
        1
    }

    /// Reads what is left of answers, to be free for the next statement.
    ///
    /// # Errors
    /// The connection broke, or too much is left.
    pub(crate) fn settle(&mut self) -> Result<(), DbError> {
        if self.exchange.settle()? == Settled::WithErrors {
            self.told = None;
        }
        Ok(())
    }

    /// Tells the server goodbye. Whether it hears that does not matter.
    pub fn close(&mut self) {
        self.exchange.wire.out.clear();
        command::quit(&mut self.exchange.wire.out);
        let _ = self.exchange.wire.send();
    }

    /// The server has forgotten everything about the session.
    pub(crate) fn forget(&mut self) {
        self.statements.clear();
        self.closing.clear();
        self.told = None;
    }

    /// The server has been told what a new session is told.
    pub(crate) fn is_set_up(&mut self) {
        self.told = Some(Limits::default());
    }
}
