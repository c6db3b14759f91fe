//! `wasi:http` for connectors: requests to the one origin of their connection, and to nothing else.
//!
//! The guest builds a request; [`judge`] decides whether it goes to the origin, scheme, host and port, before
//! anything is sent. [`client`] connects to the addresses that the host resolved and vetted, never by the
//! name in the request, and keeps the connection for the session's next request. TLS is that of the
//! connection ([`super::tls`]); no redirect is followed: a 302 is an answer like any other, and a request to
//! where it points is judged again.
//!
//! What it does not do: HTTP/2, proxies, trailers towards the server.

mod body;
mod client;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HOST, HeaderValue};
use hyper::http::uri::Scheme;
use hyper::{Request, Response, Uri};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpHooks};

use super::egress::{EgressPolicy, Reason};
use super::instance::Violations;
use super::{Target, TlsMode};
use crate::limits::Limits;
use client::Client;

/// What stands before the path of every request of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    tls: bool,
    /// As in the target: lower case, an IPv6 address without brackets.
    host: String,
    port: u16,
}

impl Origin {
    fn of(target: &Target) -> Self {
        Self {
            tls: encrypts(target.tls.mode),
            host: target.host.clone(),
            port: target.port,
        }
    }

    fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Whether requests are encrypted. HTTP has no upgrade that could be preferred.
fn encrypts(mode: TlsMode) -> bool {
    match mode {
        TlsMode::Disable | TlsMode::Prefer => false,
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => true,
    }
}

/// Whether a request goes to the origin.
fn judge(uri: &Uri, origin: &Origin) -> Result<(), Reason> {
    let tls = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP => false,
        Some(scheme) if *scheme == Scheme::HTTPS => true,
        _ => return Err(Reason::OtherOrigin),
    };
    let authority = uri.authority().ok_or(Reason::OtherOrigin)?;
    let host = authority.host();
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let port = match authority.port() {
        Some(port) => port.as_u16(),
        None if authority.as_str().ends_with(':') => return Err(Reason::OtherOrigin),
        None if tls => 443,
        None => 80,
    };
    // What stands before an @ would be a credential in a place of its own.
    let fits = tls == origin.tls
        && host.eq_ignore_ascii_case(&origin.host)
        && port == origin.port
        && !authority.as_str().contains('@');
    if fits {
        Ok(())
    } else {
        Err(Reason::OtherOrigin)
    }
}

/// What an instance has of HTTP.
pub(crate) struct Http {
    pub(super) ctx: WasiHttpCtx,
    pub(super) hooks: Hooks,
}

impl Http {
    /// HTTP for the connection of an `http` connector.
    pub(crate) fn to(
        target: &Target,
        addresses: &Arc<[SocketAddr]>,
        egress: &Arc<EgressPolicy>,
        limits: &Limits,
        violations: Violations,
    ) -> Self {
        let origin = Origin::of(target);
        let client = Client::new(client::Endpoint {
            host: target.host.clone(),
            tls: origin.tls.then(|| target.tls.clone()),
            addresses: Arc::clone(addresses),
            egress: Arc::clone(egress),
        });
        Self::with(
            Some(Connection {
                origin,
                client: Arc::new(client),
                connect_timeout: Duration::from_millis(limits.connect_timeout_ms),
                answer_timeout: Duration::from_millis(limits.query_max_timeout_ms),
            }),
            violations,
        )
    }

    /// None: whatever is asked for breaks a rule.
    pub(crate) fn none(violations: Violations) -> Self {
        Self::with(None, violations)
    }

    fn with(connection: Option<Connection>, violations: Violations) -> Self {
        Self {
            ctx: WasiHttpCtx::new(),
            hooks: Hooks {
                connection,
                violations,
            },
        }
    }
}

struct Connection {
    origin: Origin,
    client: Arc<Client>,
    connect_timeout: Duration,
    answer_timeout: Duration,
}

/// Where `wasi:http` asks what to do.
pub(crate) struct Hooks {
    connection: Option<Connection>,
    violations: Violations,
}

type Sent = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _body_consumed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let judged = match &self.connection {
            Some(connection) => judge(request.uri(), &connection.origin).map(|()| connection),
            None => Err(Reason::NotOfTransport),
        };
        let connection = match judged {
            Ok(connection) => connection,
            Err(reason) => {
                let origin = request.uri().authority().map(|authority| {
                    // Not the user information: it may be a credential.
                    let at = authority.as_str().rsplit_once('@');
                    at.map_or(authority.as_str(), |(_, host)| host).to_owned()
                });
                self.violations.record(origin.unwrap_or_default(), reason);
                return Box::new(async { Err(Error::HttpRequestDenied) });
            }
        };
        let Ok(host) = HeaderValue::from_str(&connection.origin.authority()) else {
            return Box::new(async { Err(Error::HttpRequestUriInvalid) });
        };
        request.headers_mut().insert(HOST, host);
        let options = options.unwrap_or_default();
        let shorter = |asked: Option<Duration>, most: Duration| asked.map_or(most, |t| t.min(most));
        let connect_timeout = shorter(options.connect_timeout, connection.connect_timeout);
        let answer_timeout = shorter(options.first_byte_timeout, connection.answer_timeout);
        let pause = shorter(options.between_bytes_timeout, connection.answer_timeout);
        let client = Arc::clone(&connection.client);
        let violations = self.violations.clone();
        Box::new(async move {
            let sending = client.send(request, connect_timeout, answer_timeout, &violations);
            let response = sending.await?;
            let idle: Box<dyn Future<Output = Result<(), Error>> + Send> =
                Box::new(async { Ok(()) });
            Ok((
                response.map(|incoming| body::bounded(incoming, pause)),
                idle,
            ))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        256 << 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(uri: &str, tls: bool, host: &str, port: u16) -> Result<(), Reason> {
        let origin = Origin {
            tls,
            host: host.to_owned(),
            port,
        };
        judge(&uri.parse().expect(uri), &origin)
    }

    #[test]
    fn a_request_to_the_origin_passes_in_any_spelling_of_it() {
        assert_eq!(judged("http://db:8123/?a=b", false, "db", 8123), Ok(()));
        assert_eq!(judged("http://DB:8123/", false, "db", 8123), Ok(()));
        assert_eq!(judged("http://db/", false, "db", 80), Ok(()));
        assert_eq!(judged("https://db/ping", true, "db", 443), Ok(()));
        assert_eq!(judged("https://[::1]:8443/", true, "::1", 8443), Ok(()));
    }

    #[test]
    fn another_scheme_host_or_port_is_another_origin() {
        for uri in [
            "https://db:8123/",
            "http://db:8124/",
            "http://db/",
            "http://db.evil:8123/",
            "http://127.0.0.1:8123/",
            "http://169.254.169.254/latest/meta-data/",
            "http://user@db:8123/",
            "http://db:8123@169.254.169.254/",
            "ftp://db:8123/",
            "/relative",
        ] {
            assert_eq!(
                judged(uri, false, "db", 8123),
                Err(Reason::OtherOrigin),
                "{uri}"
            );
        }
    }

    #[test]
    fn a_connection_that_asks_for_tls_has_no_unencrypted_origin() {
        assert_eq!(
            judged("http://db:8443/", true, "db", 8443),
            Err(Reason::OtherOrigin)
        );
        for mode in [TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull] {
            assert!(encrypts(mode), "{mode:?}");
        }
    }
}
