//! A session: running statements, one at a time, in as few round trips as the protocol allows.
//!
//! A statement that is prepared costs one: `BEGIN`, the time limit, the statement and the transaction's end
//! go out together with a single `Sync`. A new one costs one more, in which the server describes it, and
//! another when its result has types of this database's own. After an error the server skips to the `Sync`,
//! so the transaction's end was skipped too and is sent once more; nobody is in a hurry then.
//!
//! A reading statement's transaction is always rolled back: whatever it managed to do inside of a read-only
//! transaction (a large object, a notification, a setting) is undone.
//!
//! Only the extended protocol is used: it takes exactly one statement per message, whatever the text says.

use std::collections::HashSet;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use datachat_sdk::connector::types::{DbError, ErrorCode, Value};
use datachat_sdk::connector::{Statement, Target};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;

use crate::errors::{self, Phase};
use crate::options::Options;
use crate::params::{self, Bound};
use crate::protocol::backend::{Message, Status};
use crate::protocol::fields::Fields;
use crate::rows::Rows;
use crate::startup::{self, Key};
use crate::statement::{Prepared, Statements};
use crate::types::{ColumnSpec, TypeCatalog, plan};
use crate::wire::Wire;

/// A session of one PostgreSQL server.
pub struct Session<T> {
    pub(crate) wire: Wire<T>,
    key: Option<Key>,
    status: Status,
    /// Something was sent whose answer has not been read to its end.
    pub(crate) pending: bool,
    /// Whether the server looks if we are still there.
    pub(crate) is_watched: bool,
    statements: Statements,
    /// Which of our own small statements the server knows.
    helpers: HashSet<&'static str>,
    /// Names to close with the next message.
    closing: Vec<String>,
    pub(crate) catalog: TypeCatalog,
}

/// A small statement of ours that every query needs, kept prepared under a fixed name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Helper {
    name: &'static str,
    sql: &'static str,
}

pub(crate) const BEGIN_READ_ONLY: Helper = Helper {
    name: "datachat_begin_read_only",
    sql: "BEGIN READ ONLY",
};
const BEGIN_READ_WRITE: Helper = Helper {
    name: "datachat_begin_read_write",
    sql: "BEGIN READ WRITE",
};
const COMMIT: Helper = Helper {
    name: "datachat_commit",
    sql: "COMMIT",
};
const ROLLBACK: Helper = Helper {
    name: "datachat_rollback",
    sql: "ROLLBACK",
};

/// Every second; the unit is the millisecond.
pub(crate) const WATCH: &str = "SET client_connection_check_interval = 1000";

/// What a session is told before its first statement, and what it was told about one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub read_only: bool,
    pub timeout: Option<Duration>,
    pub max_rows: Option<u64>,
}

/// How a statement came to nothing.
enum Failure {
    /// The server says so; the session goes on.
    Server(Box<Fields>),
    /// The session may not go on.
    Other(Box<DbError>),
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Other(error.into())
    }
}

impl<T: Transport> Session<T> {
    /// Secures and authenticates a connection that stands.
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
        let key = startup::start(&mut wire, target, &options, password, deadline)?;
        let mut session = Self {
            wire,
            key,
            status: Status::Idle,
            pending: false,
            is_watched: false,
            statements: Statements::default(),
            helpers: HashSet::new(),
            closing: Vec::new(),
            catalog: TypeCatalog::new(),
        };
        session.ask_to_be_watched();
        Ok(session)
    }

    /// Has the server look every second whether we are still there. A cancel request that comes before its statement
    /// has begun is lost, and without this a server that computes notices only at its end that its client has left.
    /// Servers before version 14 can't, nor can those on some systems.
    fn ask_to_be_watched(&mut self) {
        if self.major_version() >= 14 {
            // What else is wrong, the next statement will say.
            self.is_watched = self.fetch(WATCH, &[]).is_ok();
        }
    }

    /// What a cancel request names.
    pub fn cancel_token(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    /// The server's version as it reports it, such as `15.14 (Debian 15.14-0+deb12u1)`.
    pub fn server_version(&self) -> &str {
        self.wire.parameter("server_version").unwrap_or_default()
    }

    /// The server's major version; 0 when it does not say.
    pub(crate) fn major_version(&self) -> u32 {
        let digits = self
            .server_version()
            .split(|c: char| !c.is_ascii_digit())
            .next();
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }

    /// Starts a statement and waits until the server has its first row, or its end.
    ///
    /// # Errors
    /// What the server says about the statement, or what is wrong with its parameters.
    pub fn query(&mut self, request: Statement) -> Result<Rows, DbError> {
        let limits = Limits {
            read_only: request.read_only,
            timeout: (request.timeout_ms > 0)
                .then(|| Duration::from_millis(request.timeout_ms.into())),
            max_rows: request.max_rows,
        };
        let values = params::positional(request.params)?;
        self.settle()?;
        let started = Instant::now();
        // A prepared statement may have become useless since: once more, from the start, then.
        let mut last_chance = false;
        let mut hints: Vec<u32> = Vec::new();
        loop {
            let failure = match self.try_query(&request.sql, &hints, &values, limits) {
                Ok(prepared) => {
                    return Rows::new(&prepared, limits, started);
                }
                Err(failure) => failure,
            };
            let fields = match failure {
                Failure::Server(fields) => fields,
                Failure::Other(error) => {
                    if error.code != ErrorCode::Protocol {
                        self.roll_back()?;
                    }
                    return Err(*error);
                }
            };
            if matches!(fields.severity.as_str(), "FATAL" | "PANIC") {
                return Err(errors::from_server(*fields, phase(started, limits)));
            }
            self.recover()?;
            if hints.is_empty() && !values.is_empty() && fields.sqlstate == "42P18" {
                // The server can't tell a parameter's type from the text; the values can.
                hints = values.iter().map(params::natural_type).collect();
                continue;
            }
            if !last_chance && is_stale(&fields) {
                last_chance = true;
                let names = self.statements.take_names();
                self.closing.extend(names);
                self.helpers.clear();
                self.catalog = TypeCatalog::new();
                continue;
            }
            return Err(errors::from_server(*fields, phase(started, limits)));
        }
    }

    /// Runs a statement up to its first row or its end, which the next message received will be.
    fn try_query(
        &mut self,
        sql: &str,
        hints: &[u32],
        values: &[Value],
        limits: Limits,
    ) -> Result<Rc<Prepared>, Failure> {
        let (prepared, bound, completions) =
            if let Some(prepared) = self.statements.find(sql, hints) {
                // Before anything is queued: a bad value costs no round trip.
                let bound = params::bind(values, &prepared.parameters)?;
                (prepared, bound, self.enter(limits))
            } else {
                let prepared = self.prepare(sql, hints, limits)?;
                let bound = params::bind(values, &prepared.parameters)?;
                (prepared, bound, 0)
            };
        bind(
            &prepared.name,
            &bound,
            &prepared.plan.formats(),
            &mut self.wire.out,
        )?;
        let max_rows = limits
            .max_rows
            .and_then(|rows| i32::try_from(rows).ok())
            .unwrap_or(0);
        frontend::execute("", max_rows, &mut self.wire.out).map_err(unwritable)?;
        self.run_helper(if limits.read_only { ROLLBACK } else { COMMIT });
        self.send_and_sync()?;
        self.await_rows(completions)?;
        Ok(prepared)
    }

    /// Queues the transaction's begin and its time limit. Gives how many commands will complete before the
    /// statement's own.
    fn enter(&mut self, limits: Limits) -> usize {
        for name in std::mem::take(&mut self.closing) {
            let _ = frontend::close(b'S', &name, &mut self.wire.out);
        }
        self.run_helper(if limits.read_only {
            BEGIN_READ_ONLY
        } else {
            BEGIN_READ_WRITE
        });
        let Some(timeout) = limits.timeout else {
            return 1;
        };
        let sql = format!("SET LOCAL statement_timeout = {}", timeout.as_millis());
        let out = &mut self.wire.out;
        // None of these can fail: there is no NUL in any of the texts.
        let _ = frontend::parse("", &sql, None, out);
        let _ = bind("", &[], &[], out);
        let _ = frontend::execute("", 0, out);
        2
    }

    /// Queues one of our own statements, and its preparation the first time.
    pub(crate) fn run_helper(&mut self, helper: Helper) {
        let out = &mut self.wire.out;
        if self.helpers.insert(helper.name) {
            // It may be there after all, from a time when something else in the message went wrong.
            let _ = frontend::close(b'S', helper.name, out);
            let _ = frontend::parse(helper.name, helper.sql, None, out);
        }
        let _ = bind(helper.name, &[], &[], out);
        let _ = frontend::execute("", 0, out);
    }

    pub(crate) fn send_and_sync(&mut self) -> Result<(), DbError> {
        frontend::sync(&mut self.wire.out);
        self.pending = true;
        self.wire.send()
    }

    /// Begins the transaction and has the server parse and describe a statement in it.
    fn prepare(
        &mut self,
        sql: &str,
        hints: &[u32],
        limits: Limits,
    ) -> Result<Rc<Prepared>, Failure> {
        if sql.contains('\0') {
            return Err(db_error(
                ErrorCode::Syntax,
                "the statement contains the character NUL",
            )
            .into());
        }
        let name = self.statements.new_name();
        let mut completions = self.enter(limits);
        frontend::parse(&name, sql, hints.iter().copied(), &mut self.wire.out)
            .map_err(unwritable)?;
        frontend::describe(b'S', &name, &mut self.wire.out).map_err(unwritable)?;
        self.send_and_sync()?;

        let mut parameters = Vec::new();
        let mut columns: Vec<ColumnSpec> = Vec::new();
        loop {
            let frame = self.wire.receive()?;
            match self.wire.message(&frame)? {
                Message::ParseComplete
                | Message::BindComplete
                | Message::CloseComplete
                | Message::NoData => {}
                Message::CommandComplete(_) if completions > 0 => completions -= 1,
                Message::ParameterDescription(types) => parameters = types,
                Message::RowDescription(described) => {
                    columns = described
                        .into_iter()
                        .map(|column| ColumnSpec {
                            name: column.name.to_owned(),
                            type_oid: column.type_oid,
                            type_modifier: column.type_modifier,
                        })
                        .collect();
                }
                Message::ReadyForQuery(status) => {
                    self.ready(status);
                    break;
                }
                Message::Error(fields) => return Err(Failure::Server(fields.into())),
                _ => {
                    return Err(
                        errors::unexpected(frame.tag, "the preparation of a statement").into(),
                    );
                }
            }
        }
        let oids: Vec<u32> = columns.iter().map(|column| column.type_oid).collect();
        self.learn_types(&oids)?;
        let prepared = Rc::new(Prepared {
            name,
            parameters,
            plan: plan(&self.catalog, &columns),
        });
        let gone = self
            .statements
            .insert(sql, hints.to_vec(), Rc::clone(&prepared));
        self.closing.extend(gone);
        Ok(prepared)
    }

    /// Waits for the statement's first row or its end; `completions` other commands complete before.
    fn await_rows(&mut self, mut completions: usize) -> Result<(), Failure> {
        let mut bound = false;
        loop {
            let frame = self.wire.receive()?;
            if bound && frame.tag == b'D' {
                self.wire.put_back(&frame);
                return Ok(());
            }
            match self.wire.message(&frame)? {
                Message::ParseComplete | Message::CloseComplete => {}
                Message::CommandComplete(_) if completions > 0 => completions -= 1,
                Message::BindComplete => bound = completions == 0,
                Message::CommandComplete(_) | Message::EmptyQuery | Message::PortalSuspended
                    if bound =>
                {
                    self.wire.put_back(&frame);
                    return Ok(());
                }
                Message::Error(fields) => return Err(Failure::Server(fields.into())),
                Message::Copy => {
                    return Err(db_error(
                        ErrorCode::Unsupported,
                        "COPY can't be run as a statement with a result",
                    )
                    .into());
                }
                _ => return Err(errors::unexpected(frame.tag, "a statement").into()),
            }
        }
    }

    pub(crate) fn ready(&mut self, status: Status) {
        self.status = status;
        self.pending = false;
    }

    /// Reads what is left of an answer, to be free for the next statement.
    ///
    /// # Errors
    /// The connection broke.
    pub(crate) fn settle(&mut self) -> Result<(), DbError> {
        if !self.wire.out.is_empty() {
            // Something was queued and then given up.
            self.wire.out.clear();
            self.helpers.clear();
        }
        while self.pending {
            let frame = self.wire.receive()?;
            if frame.tag == b'Z'
                && let Message::ReadyForQuery(status) = self.wire.message(&frame)?
            {
                self.ready(status);
            }
        }
        self.roll_back()
    }

    /// After an error: reads to the end of the answer and leaves the transaction.
    pub(crate) fn recover(&mut self) -> Result<(), DbError> {
        // Which of the small statements were prepared before the error is not worth knowing.
        self.helpers.clear();
        self.settle()
    }

    /// Leaves the transaction if there is one.
    pub(crate) fn roll_back(&mut self) -> Result<(), DbError> {
        if self.pending {
            return self.settle();
        }
        if self.status == Status::Idle {
            return Ok(());
        }
        self.run_helper(ROLLBACK);
        self.send_and_sync()?;
        while self.pending {
            let frame = self.wire.receive()?;
            match self.wire.message(&frame)? {
                Message::ReadyForQuery(status) => self.ready(status),
                Message::Error(fields) => {
                    return Err(errors::from_server(fields, Phase::Startup));
                }
                _ => {}
            }
        }
        if self.status == Status::Idle {
            Ok(())
        } else {
            Err(db_error(
                ErrorCode::Protocol,
                "the server does not leave the transaction",
            ))
        }
    }

    /// Tells the server goodbye. Whether it hears that does not matter.
    pub fn close(&mut self) {
        self.wire.out.clear();
        frontend::terminate(&mut self.wire.out);
        let _ = self.wire.send();
    }

    /// The server has forgotten every statement.
    pub(crate) fn forget_statements(&mut self) {
        self.statements.clear();
        self.helpers.clear();
        self.closing.clear();
    }

    /// A row could not be decoded: what we believe about types may be out of date.
    pub(crate) fn distrust_types(&mut self) {
        self.catalog = TypeCatalog::new();
        let names = self.statements.take_names();
        self.closing.extend(names);
    }
}

/// The phase for an error of a statement that started at `started`.
pub(crate) fn phase(started: Instant, limits: Limits) -> Phase {
    Phase::Statement {
        elapsed: started.elapsed(),
        timeout: limits.timeout,
    }
}

/// Whether an error says that a prepared statement is no longer what it was: its tables have changed, or
/// somebody has deallocated it.
fn is_stale(fields: &Fields) -> bool {
    match fields.sqlstate.as_str() {
        "0A000" => fields.routine == "RevalidateCachedQuery",
        // There is none of this name; there is one already.
        "26000" | "42P05" => fields.message.contains("datachat_"),
        _ => false,
    }
}

/// Queues a Bind to the unnamed portal.
fn bind(
    statement: &str,
    parameters: &[Bound],
    formats: &[i16],
    out: &mut BytesMut,
) -> Result<(), DbError> {
    bind_portal("", statement, parameters, formats, out)
}

pub(crate) fn bind_portal(
    portal: &str,
    statement: &str,
    parameters: &[Bound],
    formats: &[i16],
    out: &mut BytesMut,
) -> Result<(), DbError> {
    frontend::bind(
        portal,
        statement,
        parameters.iter().map(|bound| bound.format),
        parameters,
        |bound, out| {
            Ok(match &bound.bytes {
                None => IsNull::Yes,
                Some(bytes) => {
                    out.extend_from_slice(bytes);
                    IsNull::No
                }
            })
        },
        formats.iter().copied(),
        out,
    )
    .map_err(|_| {
        out.clear();
        db_error(
            ErrorCode::ResourceLimit,
            "the parameters are too large or too many for one message",
        )
    })
}

#[allow(clippy::needless_pass_by_value)] // as map_err passes it
pub(crate) fn unwritable(error: io::Error) -> DbError {
    db_error(ErrorCode::Internal, error.to_string())
}
