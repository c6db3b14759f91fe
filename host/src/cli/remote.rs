//! The way to a server in another process: HTTP/1.1, over TLS where its address says so.
//!
//! Certificates are checked against the system's roots. Redirects are not followed: the key is for this server
//! alone. Only connecting has a time limit; for everything else the server has its own.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::failure::{Failure, causes};
use crate::config::{ApiKey, Config, Role};
use crate::secret::Secret;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How soon a server that has vanished without a word is noticed.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// One server.
pub struct Remote {
    pool: Pool,
    /// Without a slash at its end.
    base: String,
    key: Option<HeaderValue>,
    /// What to do when there is no server.
    remedy: &'static str,
}

/// Without TLS no root certificates are needed, nor read.
enum Pool {
    Plain(Client<HttpConnector, Body>),
    Tls(Client<HttpsConnector<HttpConnector>, Body>),
}

impl Remote {
    /// The server at `DATA_CHAT_API_URL`, if it is set. `DATACHAT_API_KEYS` are another server's.
    ///
    /// # Errors
    /// A key that can't be sent, or no root certificates.
    pub fn configured(config: &Config) -> Result<Option<Self>, Failure> {
        let Some(url) = &config.api_url else {
            return Ok(None);
        };
        let remedy = "DATA_CHAT_API_URL says where the server is.";
        Self::new(url.as_str(), config.api_key.as_ref(), remedy).map(Some)
    }

    /// The server that was started with this configuration, called with the key of one of its administrators.
    ///
    /// # Errors
    /// As [`Remote::configured`].
    pub fn beside(config: &Config) -> Result<Self, Failure> {
        let host = match config.host.as_str() {
            "0.0.0.0" => "127.0.0.1".to_owned(),
            "::" | "[::]" => "[::1]".to_owned(),
            host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
            host => host.to_owned(),
        };
        let admin = config.api_keys.iter().find(|key| key.role == Role::Admin);
        Self::new(
            &format!("http://{host}:{}", config.port),
            admin.map(ApiKey::key),
            "Set DATACHAT_HOST and DATACHAT_PORT as the server has them, or DATA_CHAT_API_URL.",
        )
    }

    fn new(
        base: &str,
        key: Option<&Secret<String>>,
        remedy: &'static str,
    ) -> Result<Self, Failure> {
        let key = key.map(bearer).transpose()?;
        let base = base.trim_end_matches('/').to_owned();
        let pool = pool(base.starts_with("https:"))?;
        Ok(Self {
            pool,
            base,
            key,
            remedy,
        })
    }

    /// Sends a request for a path of the API, and gives the answer, whatever its status.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>, Failure> {
        let uri = format!("{}{}", self.base, request.uri());
        *request.uri_mut() = uri
            .parse()
            .map_err(|_| Failure::new(format!("{} is no usable address", self.base)))?;
        if let Some(key) = &self.key {
            let headers = request.headers_mut();
            headers.insert(header::AUTHORIZATION, key.clone());
        }
        let answer = match &self.pool {
            Pool::Plain(client) => client.request(request).await,
            Pool::Tls(client) => client.request(request).await,
        };
        answer
            .map(|answer| answer.map(Body::new))
            .map_err(|error| self.silence(&error))
    }

    fn silence(&self, error: &hyper_util::client::legacy::Error) -> Failure {
        let cause = causes(error)
            .last()
            .map(ToString::to_string)
            .unwrap_or_default();
        let what = if error.is_connect() {
            "there is no server to speak to at"
        } else {
            "there was no answer from"
        };
        Failure::new(format!("{what} {}: {cause}", self.base)).hint(self.remedy)
    }
}

fn bearer(key: &Secret<String>) -> Result<HeaderValue, Failure> {
    let text = Secret::new(format!("Bearer {}", key.reveal()));
    let mut value = HeaderValue::from_str(text.reveal())
        .map_err(|_| Failure::new("the API key has characters that HTTP can't carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn pool(tls: bool) -> Result<Pool, Failure> {
    let mut tcp = HttpConnector::new();
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_nodelay(true);
    let builder = Client::builder(TokioExecutor::new());
    if !tls {
        return Ok(Pool::Plain(builder.build(tcp)));
    }
    tcp.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(|error| Failure::new(format!("no root certificates: {error}")))?
        .https_only()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(Pool::Tls(builder.build(connector)))
}
