//! What the tests of the connector share: a plain transport, targets, and results as batches.

#![allow(dead_code)] // every test file uses a part

pub mod encrypted;
pub mod scripted;

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use datachat_mysql::session::Session;
use datachat_sdk::connector::tls::Channel;
use datachat_sdk::connector::types::{DbError, ErrorCode, Parameters, Value};
use datachat_sdk::connector::{Statement, Target, TlsMode};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;
use datachat_throwaway::MariaDb;

/// A socket of the machine, without TLS.
pub struct Plain {
    pub socket: TcpStream,
    /// How many writes there were: each is half a round trip.
    pub writes: Rc<Cell<usize>>,
}

impl Plain {
    pub fn connect(port: u16) -> io::Result<Self> {
        let socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            writes: Rc::default(),
        })
    }
}

impl Transport for Plain {
    fn read(&mut self, max: usize) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; max];
        let length = self
            .socket
            .read(&mut piece)
            .map_err(|error| match error.kind() {
                // Unix says "would block" where others say "timed out".
                io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
                _ => error,
            })?;
        piece.truncate(length);
        Ok(piece)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writes.set(self.writes.get() + 1);
        self.socket.write_all(bytes)
    }

    fn start_tls(&mut self) -> Result<Channel, DbError> {
        Err(db_error(ErrorCode::TlsFailed, "this transport has no TLS"))
    }

    fn set_deadline(&mut self, deadline: Option<Instant>) {
        let timeout = deadline.map(|deadline| {
            deadline
                .saturating_duration_since(Instant::now())
                .max(Duration::from_millis(1))
        });
        self.socket.set_read_timeout(timeout).expect("a socket");
    }
}

pub fn target(port: u16, user: &str, database: Option<&str>) -> Target {
    Target {
        host: "localhost".to_owned(),
        port,
        addresses: Vec::new(),
        database: database.map(str::to_owned),
        user: Some(user.to_owned()),
        options: Vec::new(),
        tls: TlsMode::Disable,
        connect_timeout_ms: 10_000,
    }
}

pub fn open(
    server: &MariaDb,
    user: &str,
    password: &str,
    database: &str,
) -> Result<Session<Plain>, DbError> {
    open_target(&target(server.port(), user, Some(database)), Some(password))
}

pub fn open_target(target: &Target, password: Option<&str>) -> Result<Session<Plain>, DbError> {
    let transport = Plain::connect(target.port).expect("a server");
    let deadline = Instant::now() + Duration::from_millis(target.connect_timeout_ms.into());
    Session::open(transport, target, password, deadline)
}

pub fn statement(sql: &str, values: Vec<Value>) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: Parameters::Positional(values),
        read_only: true,
        max_rows: None,
        max_bytes: None,
        timeout_ms: 20_000,
    }
}

/// Runs a statement to its end.
pub fn run<T: Transport>(
    session: &mut Session<T>,
    statement: Statement,
) -> Result<Vec<RecordBatch>, DbError> {
    let mut rows = session.query(statement)?;
    let mut bytes = Vec::new();
    loop {
        let piece = rows.read(session, 1 << 20)?;
        if piece.is_empty() {
            break;
        }
        bytes.extend(piece);
    }
    Ok(StreamReader::try_new(bytes.as_slice(), None)
        .expect("a stream")
        .collect::<Result<_, _>>()
        .expect("batches"))
}

pub fn query<T: Transport>(
    session: &mut Session<T>,
    sql: &str,
) -> Result<Vec<RecordBatch>, DbError> {
    run(session, statement(sql, Vec::new()))
}

/// The first value of a result that is a text.
pub fn text<T: Transport>(session: &mut Session<T>, sql: &str) -> Result<String, DbError> {
    let batches = query(session, sql)?;
    let column = batches[0].column(0);
    let texts = column
        .as_any()
        .downcast_ref::<arrow_array::StringArray>()
        .unwrap_or_else(|| panic!("{:?} is not text", column.data_type()));
    Ok(texts.value(0).to_owned())
}

/// The target and the password of `mysql://user:password@host:port/database`, without escapes.
pub fn from_url(url: &str) -> (Target, Option<String>) {
    let rest = url.split_once("://").expect("a URL").1;
    let (user_info, rest) = rest.rsplit_once('@').expect("a user");
    let (address, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, password) = match user_info.split_once(':') {
        Some((user, password)) => (user, Some(password.to_owned())),
        None => (user_info, None),
    };
    let (host, port) = address.split_once(':').unwrap_or((address, "3306"));
    assert!(
        matches!(host, "127.0.0.1" | "localhost"),
        "forward its port to this machine"
    );
    let database = Some(database).filter(|name| !name.is_empty());
    (
        target(port.parse().expect("a port"), user, database),
        password,
    )
}
