//! What the tests of the connector share: a plain HTTP client, targets, and results as batches.

#![allow(dead_code)] // every test file uses a part

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use datachat_clickhouse::session::Session;
use datachat_sdk::connector::types::{DbError, Parameters, Value};
use datachat_sdk::connector::{Statement, Target, TlsMode};
use datachat_sdk::http::{Body, Http, HttpError, Request, Response};
use datachat_throwaway::ClickHouse;

/// HTTP over a socket of the machine, without TLS and with a new connection for each request.
pub struct Plain {
    address: (String, u16),
    deadline: Option<Instant>,
    /// The head of every request, to look at.
    pub seen: std::rc::Rc<std::cell::RefCell<Vec<String>>>,
    /// The content coding of every answer.
    pub codings: std::rc::Rc<std::cell::RefCell<Vec<Option<String>>>>,
}

impl Plain {
    pub fn new(target: &Target) -> Self {
        Self {
            address: (target.host.clone(), target.port),
            deadline: None,
            seen: std::rc::Rc::default(),
            codings: std::rc::Rc::default(),
        }
    }
}

#[allow(clippy::needless_pass_by_value)] // as map_err passes it
fn http_error(error: io::Error) -> HttpError {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => HttpError::TimedOut,
        io::ErrorKind::ConnectionRefused => HttpError::Refused("connection refused"),
        _ => HttpError::Broken("the socket is closed"),
    }
}

impl Http for Plain {
    type Body = PlainBody;

    fn send(&mut self, request: Request<'_>) -> Result<Response<PlainBody>, HttpError> {
        let (host, port) = &self.address;
        let socket = TcpStream::connect((host.as_str(), *port)).map_err(http_error)?;
        let timeout = self.deadline.map(|deadline| {
            deadline
                .saturating_duration_since(Instant::now())
                .max(Duration::from_millis(1))
        });
        socket.set_read_timeout(timeout).map_err(http_error)?;
        let body: Vec<u8> = request.body.flatten().copied().collect();
        let mut head = format!(
            "POST {} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\nContent-Length: {}\r\n",
            request.path_and_query,
            body.len()
        );
        for (name, value) in request.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        self.seen.borrow_mut().push(head.clone());
        let mut writing = &socket;
        // A server may answer and close before it has read everything.
        let _ = writing
            .write_all(head.as_bytes())
            .and_then(|()| writing.write_all(&body));
        let mut reader = BufReader::new(socket);
        let mut line = String::new();
        reader.read_line(&mut line).map_err(http_error)?;
        let status = line
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok());
        let status = match status {
            Some(status) => status,
            None if line.is_empty() => return Err(HttpError::Broken("it was closed")),
            None => return Err(HttpError::NotHttp),
        };
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).map_err(http_error)?;
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                headers.push((name.to_lowercase(), value.trim().to_owned()));
            }
        }
        let coding = headers.iter().find(|(name, _)| name == "content-encoding");
        let coding = coding.map(|(_, value)| value.clone());
        self.codings.borrow_mut().push(coding);
        let is = |name: &str, value: &str| headers.iter().any(|(n, v)| n == name && v == value);
        let length = headers
            .iter()
            .find(|(name, _)| name == "content-length")
            .and_then(|(_, value)| value.parse().ok());
        let framing = if is("transfer-encoding", "chunked") {
            Framing::Chunks {
                left: 0,
                first: true,
            }
        } else if let Some(left) = length {
            Framing::Length(left)
        } else {
            Framing::Close
        };
        Ok(Response {
            status,
            headers,
            body: PlainBody { reader, framing },
        })
    }

    fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }
}

enum Framing {
    Chunks { left: usize, first: bool },
    Length(usize),
    Close,
    Ended,
}

pub struct PlainBody {
    reader: BufReader<TcpStream>,
    framing: Framing,
}

impl PlainBody {
    fn piece(&mut self, max: usize) -> Result<Vec<u8>, HttpError> {
        let mut piece = vec![0; max.min(64 << 10)];
        let length = self.reader.read(&mut piece).map_err(http_error)?;
        piece.truncate(length);
        Ok(piece)
    }

    fn line(&mut self) -> Result<String, HttpError> {
        let mut line = String::new();
        self.reader.read_line(&mut line).map_err(http_error)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Body for PlainBody {
    fn read(&mut self, max: usize) -> Result<Vec<u8>, HttpError> {
        const CUT: HttpError = HttpError::Broken("the answer stops before its end");
        match self.framing {
            Framing::Ended | Framing::Length(0) => Ok(Vec::new()),
            Framing::Close => self.piece(max),
            Framing::Length(left) => {
                let piece = self.piece(max.min(left))?;
                if piece.is_empty() {
                    return Err(CUT);
                }
                self.framing = Framing::Length(left - piece.len());
                Ok(piece)
            }
            Framing::Chunks { left: 0, first } => {
                if !first {
                    self.line()?;
                }
                let line = self.line()?;
                let left = usize::from_str_radix(&line, 16).map_err(|_| CUT)?;
                if left == 0 {
                    self.framing = Framing::Ended;
                    return Ok(Vec::new());
                }
                self.framing = Framing::Chunks { left, first: false };
                self.read(max)
            }
            Framing::Chunks { left, .. } => {
                let piece = self.piece(max.min(left))?;
                if piece.is_empty() {
                    return Err(CUT);
                }
                self.framing = Framing::Chunks {
                    left: left - piece.len(),
                    first: false,
                };
                Ok(piece)
            }
        }
    }

    fn set_deadline(&mut self, _: Option<Instant>) {}
}

pub fn target(host: &str, port: u16, user: &str) -> Target {
    Target {
        host: host.to_owned(),
        port,
        addresses: Vec::new(),
        database: None,
        user: Some(user.to_owned()),
        options: Vec::new(),
        tls: TlsMode::Disable,
        connect_timeout_ms: 60_000,
    }
}

/// The target of a server's tests, for the user that may do anything.
pub fn target_of(server: &ClickHouse) -> Target {
    Target {
        database: server.database().map(str::to_owned),
        ..target(server.host(), server.port(), server.user())
    }
}

pub fn open_target(target: &Target, password: &str) -> Result<Session<Plain>, DbError> {
    let password = password.to_owned();
    let deadline = Instant::now() + Duration::from_millis(target.connect_timeout_ms.into());
    Session::open(
        Plain::new(target),
        target,
        Box::new(move || Some(password.clone())),
        deadline,
    )
}

/// A session in a database of its own.
pub fn open_in(server: &ClickHouse, database: &str) -> Session<Plain> {
    server.create_database(database).expect("a database");
    let target = Target {
        database: Some(server.name_of(database)),
        ..target_of(server)
    };
    open_target(&target, server.password()).expect("a session")
}

pub fn open(server: &ClickHouse) -> Session<Plain> {
    open_target(&target_of(server), server.password()).expect("a session")
}

pub fn statement(sql: &str) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: Parameters::Positional(Vec::new()),
        read_only: true,
        max_rows: None,
        max_bytes: None,
        timeout_ms: 60_000,
    }
}

pub fn with(sql: &str, values: &[(&str, Value)]) -> Statement {
    let values = values.iter().map(|(n, v)| ((*n).to_owned(), v.clone()));
    Statement {
        params: Parameters::Named(values.collect()),
        ..statement(sql)
    }
}

/// Runs a statement to its end.
#[allow(clippy::needless_pass_by_value)] // statements are made where they are run
pub fn run<H: Http>(
    session: &mut Session<H>,
    statement: Statement,
) -> Result<Vec<RecordBatch>, DbError> {
    let mut rows = session.query(&statement)?;
    let mut bytes = Vec::new();
    loop {
        let piece = rows.read(1 << 20)?;
        if piece.is_empty() {
            break;
        }
        bytes.extend(piece);
    }
    let batches: Vec<RecordBatch> = StreamReader::try_new(bytes.as_slice(), None)
        .expect("a stream")
        .collect::<Result<_, _>>()
        .expect("batches");
    for batch in &batches {
        for column in batch.columns() {
            column.to_data().validate_full().expect("valid Arrow");
        }
    }
    Ok(batches)
}

pub fn query<H: Http>(session: &mut Session<H>, sql: &str) -> Result<Vec<RecordBatch>, DbError> {
    run(session, statement(sql))
}

pub fn rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// The first value of a result, as Arrow's own formatter shows it.
pub fn shown<H: Http>(session: &mut Session<H>, sql: &str) -> Result<String, DbError> {
    let batches = query(session, sql)?;
    let column = batches[0].column(0);
    Ok(arrow_cast::display::array_value_to_string(column, 0).expect("a value"))
}
