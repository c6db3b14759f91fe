//! The HTTP client of one session: connections to vetted addresses, kept while they can be used again.
//!
//! A session has one request at a time, so one idle connection is kept. It is taken only if the answer to its
//! last request was read to the end: dropping it otherwise tells the server that nobody listens. If the
//! server had closed it unnoticed, the request, not sent yet, goes out on a new one.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::plugins::Tls;
use crate::plugins::egress::{self, EgressPolicy};
use crate::plugins::instance::Violations;

/// The most that is read ahead of the guest, in bytes.
const READ: usize = 512 << 10;

/// Where a client connects to.
pub(super) struct Endpoint {
    /// The name in the certificate.
    pub(super) host: String,
    pub(super) tls: Option<Tls>,
    pub(super) addresses: Arc<[SocketAddr]>,
    pub(super) egress: Arc<EgressPolicy>,
}

pub(super) struct Client {
    endpoint: Endpoint,
    idle: Mutex<Option<SendRequest<WasiBody>>>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Client {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            idle: Mutex::new(None),
        }
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &self,
        mut request: Request<WasiBody>,
        connect_timeout: Duration,
        answer_timeout: Duration,
        violations: &Violations,
    ) -> Result<Response<Incoming>, Error> {
        *request.uri_mut() = origin_form(request.uri());
        let kept = self.take_idle();
        let reused = kept.is_some();
        let mut sender = match kept {
            Some(sender) => sender,
            None => self.connect(connect_timeout, violations).await?,
        };
        let answered = tokio::time::timeout(answer_timeout, async {
            let unsent = match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, sender)),
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) if reused => unsent,
                    _ => return Err(broken(failed.error())),
                },
            };
            let mut sender = self.connect(connect_timeout, violations).await?;
            let response = sender.send_request(unsent).await;
            response
                .map(|response| (response, sender))
                .map_err(|error| broken(&error))
        });
        let (response, sender) = answered.await.map_err(|_| Error::HttpResponseTimeout)??;
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        Ok(response)
    }

    fn take_idle(&self) -> Option<SendRequest<WasiBody>> {
        let kept = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        kept.filter(SendRequest::is_ready)
    }

    async fn connect(
        &self,
        timeout: Duration,
        violations: &Violations,
    ) -> Result<SendRequest<WasiBody>, Error> {
        let connecting = async {
            let stream = self.reach(timeout, violations).await?;
            let (sender, connection) = http1::Builder::new()
                .max_buf_size(READ)
                .handshake(TokioIo::new(stream))
                .await
                .map_err(|error| broken(&error))?;
            // Ends by itself once the sender and the body that is being read are gone.
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "an HTTP connection of a plugin ended");
                }
            });
            Ok(sender)
        };
        tokio::time::timeout(timeout, connecting)
            .await
            .map_err(|_| Error::ConnectionTimeout)?
    }

    /// A stream to the first address that takes one.
    async fn reach(
        &self,
        timeout: Duration,
        violations: &Violations,
    ) -> Result<Box<dyn Stream>, Error> {
        let endpoint = &self.endpoint;
        let share = timeout / u32::try_from(endpoint.addresses.len().max(1)).unwrap_or(u32::MAX);
        let mut last = Error::DestinationNotFound;
        for address in endpoint.addresses.iter() {
            // Judged when the session was opened; again, because this is where it counts.
            if let Err(reason) = egress::judge(address.ip(), &endpoint.egress) {
                violations.record(address.to_string(), reason);
                return Err(Error::DestinationIpProhibited);
            }
            let stream = match tokio::time::timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    last = unreachable(&error);
                    continue;
                }
                Err(_) => {
                    last = Error::ConnectionTimeout;
                    continue;
                }
            };
            let _ = stream.set_nodelay(true);
            let Some(tls) = &endpoint.tls else {
                return Ok(Box::new(stream));
            };
            // Another address of the same name would have the same certificate: no second attempt.
            return match crate::plugins::tls::connect(&endpoint.host, tls, stream).await {
                Ok(stream) => Ok(Box::new(stream)),
                Err(message) => Err(Error::TlsAlertReceived {
                    alert_id: None,
                    alert_message: Some(message),
                }),
            };
        }
        Err(last)
    }
}

/// As a request line to an origin has it: without scheme and authority.
fn origin_form(uri: &Uri) -> Uri {
    uri.path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"))
        .into()
}

fn unreachable(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Error::DestinationUnavailable
        }
        _ => Error::ConnectionTerminated,
    }
}

/// Whether the connection broke or the peer speaks something else.
pub(super) fn broken(error: &hyper::Error) -> Error {
    if error.is_parse() || error.is_parse_status() || error.is_parse_too_large() {
        Error::HttpProtocolError
    } else {
        Error::ConnectionTerminated
    }
}
