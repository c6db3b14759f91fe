//! A running server that a command works on, over its API.
//!
//! One request a command, so one connection a request; `https` is verified against the roots of the system. The
//! key is the first administrator's of `DATACHAT_API_KEYS`, as the server has them.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::http::request::Builder;
use hyper::rt::{Read, Write};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;
use url::Url;

use super::failure::Failure;
use crate::config::{Config, Role};
use crate::secret::Secret;

/// The largest answer that is read.
const ANSWER_BYTES: usize = 8 << 20;

/// The server, and who calls.
pub struct Remote {
    base: Url,
    key: Option<Secret<String>>,
}

impl Remote {
    /// The server that `DATA_CHAT_API_URL` names, if it names one.
    ///
    /// # Errors
    /// When it is no URL of a server.
    pub fn configured(config: &Config) -> Result<Option<Self>, Failure> {
        let Some(text) = &config.api_url else {
            return Ok(None);
        };
        let url = Url::parse(text.reveal()).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let base = url.ok_or_else(|| {
            Failure::new("DATA_CHAT_API_URL is not a URL such as http://127.0.0.1:8000")
        })?;
        Ok(Some(Self::at(base, config)))
    }

    /// The server that listens where this configuration says.
    ///
    /// # Errors
    /// When that is no address.
    pub fn beside(config: &Config) -> Result<Self, Failure> {
        let host = match config.host.as_str() {
            "0.0.0.0" => "127.0.0.1".to_owned(),
            "::" | "[::]" => "[::1]".to_owned(),
            host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
            host => host.to_owned(),
        };
        let base = Url::parse(&format!("http://{host}:{}", config.port));
        let base = base.map_err(|_| Failure::new("DATACHAT_HOST is no address"))?;
        Ok(Self::at(base, config))
    }

    fn at(base: Url, config: &Config) -> Self {
        let admin = config.api_keys.iter().find(|key| key.role == Role::Admin);
        Self {
            base,
            key: admin.map(|admin| admin.key().clone()),
        }
    }

    /// A request to `path`, which begins with a slash.
    pub fn request(&self, method: Method, path: &str) -> Builder {
        let prefix = self.base.path().trim_end_matches('/');
        let authority = self.base.authority().rsplit('@').next().unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{prefix}{path}"))
            .header(HOST, authority);
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, format!("Bearer {}", key.reveal()));
        }
        request
    }

    /// The JSON of an answer; null for one without a body.
    ///
    /// # Errors
    /// When there is no server, or it says no.
    pub async fn send(&self, request: Builder, body: impl Into<Bytes>) -> Result<Value, Failure> {
        let request = request
            .body(Full::new(body.into()))
            .map_err(|error| Failure::new(error.to_string()))?;
        let response = self.exchange(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES)
            .collect()
            .await
            .map_err(|_| Failure::new("the server's answer broke off"))?
            .to_bytes();
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        Err(refusal(status, &answer))
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<hyper::body::Incoming>, Failure> {
        let unreachable = || {
            let server = self.base.origin().ascii_serialization();
            Failure::new(format!("there is no server at {server}")).hint(
                "DATA_CHAT_API_URL names it; without that, DATACHAT_HOST and DATACHAT_PORT as the server has them.",
            )
        };
        let host = self.base.host_str().unwrap_or_default();
        let bare = host.trim_matches(['[', ']']).to_owned();
        let port = self.base.port_or_known_default().unwrap_or_default();
        let stream = TcpStream::connect((bare.as_str(), port))
            .await
            .map_err(|_| unreachable())?;
        if self.base.scheme() == "http" {
            return http(TokioIo::new(stream), request)
                .await
                .map_err(|_| unreachable());
        }
        let name = ServerName::try_from(bare).map_err(|_| unreachable())?;
        let secured = tls().connect(name, stream).await.map_err(|error| {
            Failure::new(format!("no secure connection to the server: {error}"))
        })?;
        http(TokioIo::new(secured), request)
            .await
            .map_err(|_| unreachable())
    }
}

async fn http(
    io: impl Read + Write + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Response<hyper::body::Incoming>> {
    let (mut sender, connection) = http1::handshake(io).await?;
    tokio::spawn(connection);
    sender.send_request(request).await
}

fn tls() -> tokio_rustls::TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|_| unreachable!("ring has the default versions"))
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config).into()
}

/// What the server's problem says, as the same command on the data folder would.
fn refusal(status: StatusCode, answer: &Value) -> Failure {
    let failure = match (answer["detail"].as_str(), answer["code"].as_str()) {
        (Some(detail), Some(code)) => Failure::new(format!("{detail} ({code})")),
        _ => Failure::new(format!("the server answered {status}")),
    };
    match answer["hint"].as_str() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
