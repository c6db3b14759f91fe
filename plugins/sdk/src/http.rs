//! Blocking HTTP for connectors, over `wasi:http`.
//!
//! Solves: a connector wants "send this, read the answer piece by piece"; WASI offers futures, bodies and
//! streams with an order in which they must be dropped. [`Client`] hides those, and [`Http`] is the seam
//! behind which protocol code is tested natively with any other HTTP client.
//!
//! How it decides: requests go to the target's origin, the only one that the host lets through. A body is read
//! in large pieces, because a host call costs more than copying what it brings. An answer that stops before
//! its end is an error, never a short body.
//!
//! What it does not do: redirects, cookies, content codings. The host keeps connections alive and does TLS.

use std::time::{Duration, Instant};

use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode as WasiError, Fields, FutureIncomingResponse, IncomingBody, Method as WasiMethod,
    OutgoingBody, OutgoingRequest, RequestOptions, Scheme, http_error_code,
};
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{InputStream, StreamError};

use crate::connector::types::{DbError, ErrorCode};
use crate::connector::{Target, TlsMode};
use crate::error::db_error;

/// How many bytes a read may bring, when the caller has no reason to want less.
pub const READ_SIZE: usize = 1 << 20;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

/// A request to the target's origin.
pub struct Request<'a> {
    pub method: Method,
    /// `/?a=b`, percent-encoded.
    pub path_and_query: &'a str,
    /// Without `host` and `content-length`.
    pub headers: &'a [(&'a str, &'a str)],
    /// In pieces that are sent one after the other.
    pub body: &'a mut dyn Iterator<Item = &'a [u8]>,
}

/// The head of an answer, and its body to read.
pub struct Response<B> {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: B,
}

impl<B> Response<B> {
    /// The first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer, or no whole one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpError {
    /// Nothing answers at the addresses.
    Refused(&'static str),
    /// There is no TLS, or the certificate was not accepted; why.
    Tls(String),
    /// The time that was set has passed.
    TimedOut,
    /// The connection broke, before the answer or in the middle of it.
    Broken(&'static str),
    /// What came is not HTTP.
    NotHttp,
    /// The host does not let the request through, or can't send it.
    Denied(String),
}

impl HttpError {
    /// The contract's error for it.
    pub fn into_db_error(self, target_name: &str) -> DbError {
        let (code, message, retryable) = match self {
            Self::Refused(why) => (
                ErrorCode::ConnectionRefused,
                format!("could not connect to {target_name}: {why}"),
                true,
            ),
            Self::Tls(why) => (ErrorCode::TlsFailed, why, false),
            Self::TimedOut => (
                ErrorCode::Timeout,
                "the server did not answer in time".to_owned(),
                true,
            ),
            Self::Broken(how) => (
                ErrorCode::Protocol,
                format!("the connection to the server broke: {how}"),
                true,
            ),
            Self::NotHttp => (
                ErrorCode::Protocol,
                "the server does not speak HTTP".to_owned(),
                false,
            ),
            Self::Denied(why) => (ErrorCode::Internal, why, false),
        };
        let mut error = db_error(code, message);
        error.retryable = retryable;
        error
    }
}

/// Sends requests to one origin, one at a time.
///
/// Implemented by [`Client`] in a component and by whatever a native test likes.
pub trait Http {
    type Body: Body;

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// [`HttpError`]; a status that is no success is an answer, not an error.
    fn send(&mut self, request: Request<'_>) -> Result<Response<Self::Body>, HttpError>;

    /// From now on, sends and reads fail when they would wait past `deadline`; `None` lifts it.
    fn set_deadline(&mut self, deadline: Option<Instant>);
}

/// The body of an answer. Dropping it before its end tells the server that nobody listens.
pub trait Body: 'static {
    /// Waits for bytes and returns at most `max` of them; empty at the end.
    ///
    /// # Errors
    /// [`HttpError::Broken`] if the connection ends before the body does.
    fn read(&mut self, max: usize) -> Result<Vec<u8>, HttpError>;

    /// From now on, reads fail when they would wait past `deadline`; `None` lifts it.
    fn set_deadline(&mut self, deadline: Option<Instant>);
}

/// The HTTP client of a component.
pub struct Client {
    encrypted: bool,
    authority: String,
    connect_timeout: Duration,
    deadline: Option<Instant>,
}

impl Client {
    /// A client of the target's origin. Connects with the first request.
    pub fn new(target: &Target, connect_timeout: Duration) -> Self {
        Self {
            encrypted: !matches!(target.tls, TlsMode::Disable | TlsMode::Prefer),
            authority: authority(target),
            connect_timeout,
            deadline: None,
        }
    }

    fn request(&self, request: &Request<'_>) -> Result<OutgoingRequest, HttpError> {
        let unusable = |what: &str| HttpError::Denied(format!("the {what} can't be sent"));
        let headers = Fields::new();
        for (name, value) in request.headers {
            headers
                .append(name, value.as_bytes())
                .map_err(|_| unusable("header"))?;
        }
        let outgoing = OutgoingRequest::new(headers);
        let scheme = if self.encrypted {
            Scheme::Https
        } else {
            Scheme::Http
        };
        outgoing
            .set_scheme(Some(&scheme))
            .map_err(|()| unusable("scheme"))?;
        outgoing
            .set_authority(Some(&self.authority))
            .map_err(|()| unusable("host name"))?;
        outgoing
            .set_path_with_query(Some(request.path_and_query))
            .map_err(|()| unusable("path"))?;
        let method = match request.method {
            Method::Get => WasiMethod::Get,
            Method::Post => WasiMethod::Post,
        };
        outgoing
            .set_method(&method)
            .map_err(|()| unusable("method"))?;
        Ok(outgoing)
    }

    fn write(
        &self,
        body: &OutgoingBody,
        pieces: &mut dyn Iterator<Item = &[u8]>,
    ) -> Result<(), HttpError> {
        let broken = |_| HttpError::Broken("it was closed while the request was sent");
        let stream = body
            .write()
            .map_err(|()| HttpError::Denied("the body can't be sent".to_owned()))?;
        for mut piece in pieces {
            while !piece.is_empty() {
                let permit = stream.check_write().map_err(broken)?;
                let permit = usize::try_from(permit).unwrap_or(usize::MAX);
                if permit == 0 {
                    wait(&stream.subscribe(), self.deadline)?;
                    continue;
                }
                let (now, later) = piece.split_at(permit.min(piece.len()));
                stream.write(now).map_err(broken)?;
                piece = later;
            }
        }
        Ok(())
    }
}

impl Http for Client {
    type Body = Incoming;

    fn send(&mut self, request: Request<'_>) -> Result<Response<Incoming>, HttpError> {
        let outgoing = self.request(&request)?;
        let body = outgoing
            .body()
            .map_err(|()| HttpError::Denied("the body can't be sent".to_owned()))?;
        let options = RequestOptions::new();
        // A host that does not know them has limits of its own.
        let _ = options.set_connect_timeout(Some(nanos(self.connect_timeout)));
        let future = handle(outgoing, Some(options)).map_err(from_wasi)?;
        let written = self.write(&body, request.body);
        let written = written.and_then(|()| OutgoingBody::finish(body, None).map_err(from_wasi));
        // A server that refuses early answers without reading: its answer says more than the failed write.
        match answer(&future, self.deadline) {
            Ok(response) => Ok(response),
            Err(error) => match (written, error) {
                (Err(unwritten), HttpError::Broken(_)) => Err(unwritten),
                (_, error) => Err(error),
            },
        }
    }

    fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }
}

fn answer(
    future: &FutureIncomingResponse,
    deadline: Option<Instant>,
) -> Result<Response<Incoming>, HttpError> {
    let response = loop {
        if let Some(answer) = future.get() {
            break answer
                .map_err(|()| HttpError::Broken("the answer was taken before"))?
                .map_err(from_wasi)?;
        }
        wait(&future.subscribe(), deadline)?;
    };
    let headers = response
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| {
            (
                name.to_lowercase(),
                String::from_utf8_lossy(&value).into_owned(),
            )
        })
        .collect();
    let taken = HttpError::Broken("the body was taken before");
    let body = response.consume().map_err(|()| taken.clone())?;
    let stream = body.stream().map_err(|()| taken)?;
    Ok(Response {
        status: response.status(),
        headers,
        body: Incoming {
            stream,
            _body: body,
            deadline,
        },
    })
}

/// A body that arrives.
pub struct Incoming {
    // Order matters: the stream is a child of the body and must go first.
    stream: InputStream,
    _body: IncomingBody,
    deadline: Option<Instant>,
}

impl Body for Incoming {
    fn read(&mut self, max: usize) -> Result<Vec<u8>, HttpError> {
        let max = max as u64;
        loop {
            let result = if self.deadline.is_some() {
                wait(&self.stream.subscribe(), self.deadline)?;
                self.stream.read(max)
            } else {
                self.stream.blocking_read(max)
            };
            match result {
                // Ready without bytes: woken too early.
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Ok(bytes),
                Err(StreamError::Closed) => return Ok(Vec::new()),
                Err(StreamError::LastOperationFailed(error)) => {
                    return Err(match http_error_code(&error) {
                        Some(code) => from_wasi(code),
                        None => HttpError::Broken("its body can't be read"),
                    });
                }
            }
        }
    }

    fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }
}

/// `db.example:8123`, `[::1]:8123`.
pub fn authority(target: &Target) -> String {
    if target.host.contains(':') {
        format!("[{}]:{}", target.host, target.port)
    } else {
        format!("{}:{}", target.host, target.port)
    }
}

fn wait(ready: &Pollable, deadline: Option<Instant>) -> Result<(), HttpError> {
    let Some(deadline) = deadline else {
        ready.block();
        return Ok(());
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let timer = subscribe_duration(nanos(left));
    if poll(&[ready, &timer]).contains(&0) {
        Ok(())
    } else {
        Err(HttpError::TimedOut)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn from_wasi(error: WasiError) -> HttpError {
    match error {
        WasiError::ConnectionRefused => HttpError::Refused("connection refused"),
        WasiError::ConnectionTimeout => HttpError::Refused("no answer in time"),
        WasiError::DestinationNotFound => HttpError::Refused("the host gave no address"),
        WasiError::DestinationUnavailable | WasiError::DestinationIpUnroutable => {
            HttpError::Refused("host unreachable")
        }
        WasiError::TlsAlertReceived(alert) => HttpError::Tls(
            alert
                .alert_message
                .unwrap_or_else(|| "the TLS handshake failed".to_owned()),
        ),
        WasiError::TlsProtocolError | WasiError::TlsCertificateError => {
            HttpError::Tls("the TLS handshake failed".to_owned())
        }
        WasiError::ConnectionReadTimeout
        | WasiError::ConnectionWriteTimeout
        | WasiError::HttpResponseTimeout => HttpError::TimedOut,
        WasiError::ConnectionTerminated => HttpError::Broken("it was closed by the server"),
        WasiError::HttpResponseIncomplete => HttpError::Broken("the answer stops before its end"),
        WasiError::HttpProtocolError => HttpError::NotHttp,
        other => HttpError::Denied(format!("the request can't be sent: {other:?}")),
    }
}
