//! Requests that the server sends for itself: to an embeddings endpoint, to a language model.
//!
//! One `POST` after another to one address, over HTTP/1.1 and TLS where it says so. Certificates are checked against
//! the system's roots; redirects are not followed, because the key is for this address alone. Nothing is tried twice
//! here, and time is the caller's to limit. What a connector or a tool sends goes another way: see `plugins`.

mod said;

pub use said::{retry_after, words};

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use url::Url;

use crate::secret::Secret;

/// Without TLS no root certificates are needed, nor read.
#[derive(Debug)]
enum Pool {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// Where requests go, and the key that goes with them.
#[derive(Debug)]
pub struct Address {
    pool: Pool,
    uri: Uri,
    /// For messages.
    origin: String,
    key: Option<HeaderValue>,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no answer. No variant holds the key.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("the address can't be used: {0}")]
    Address(String),
    #[error("the API key has characters that HTTP can't carry")]
    Key,
    #[error("there is nobody to speak to at {origin}: {problem}")]
    Unreachable { origin: String, problem: String },
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
}

impl Address {
    /// Prepares the way; nothing is sent yet. `connect` limits how long a connection may take to open.
    ///
    /// # Errors
    /// An address or key that can't be used, or no root certificates.
    pub fn new(
        url: &Url,
        key: Option<&Secret<String>>,
        connect: Option<Duration>,
    ) -> Result<Self, SendError> {
        let uri = url
            .as_str()
            .parse()
            .map_err(|_| SendError::Address("it is no address of a web server".to_owned()))?;
        let builder = Client::builder(TokioExecutor::new());
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(connect);
        let pool = if url.scheme() == "https" {
            tcp.enforce_http(false);
            let connector = HttpsConnectorBuilder::new()
                .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
                .map_err(|error| SendError::Address(format!("no root certificates: {error}")))?
                .https_only()
                .enable_http1()
                .wrap_connector(tcp);
            Pool::Tls(builder.build(connector))
        } else {
            Pool::Plain(builder.build(tcp))
        };
        Ok(Self {
            pool,
            uri,
            origin: url.origin().ascii_serialization(),
            key: key.map(bearer).transpose()?,
        })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Sends a body, and gives the answer as it begins.
    ///
    /// # Errors
    /// [`SendError::Unreachable`].
    pub async fn open(&self, body: &Value) -> Result<Response<Incoming>, SendError> {
        let mut request = Request::post(self.uri.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| SendError::Address(error.to_string()))?;
        if let Some(key) = &self.key {
            request.headers_mut().insert(AUTHORIZATION, key.clone());
        }
        let response = match &self.pool {
            Pool::Plain(client) => client.request(request).await,
            Pool::Tls(client) => client.request(request).await,
        };
        response.map_err(|error| self.silence(&error))
    }

    /// Sends a body and reads the whole answer, of at most `max` bytes.
    ///
    /// # Errors
    /// [`SendError::Unreachable`], [`SendError::TooLarge`].
    pub async fn post(&self, body: &Value, max: usize) -> Result<Answer, SendError> {
        self.whole(self.open(body).await?, max).await
    }

    /// Reads the rest of an answer that has begun, of at most `max` bytes.
    ///
    /// # Errors
    /// As [`Address::post`].
    pub async fn whole(
        &self,
        response: Response<Incoming>,
        max: usize,
    ) -> Result<Answer, SendError> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, max)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    SendError::TooLarge(max)
                } else {
                    self.silence(error.as_ref())
                }
            })?
            .to_bytes();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    /// The innermost cause says what a person can do something about.
    fn silence(&self, error: &(dyn std::error::Error + 'static)) -> SendError {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        SendError::Unreachable {
            origin: self.origin.clone(),
            problem: innermost.to_string(),
        }
    }
}

fn bearer(key: &Secret<String>) -> Result<HeaderValue, SendError> {
    let text = Secret::new(format!("Bearer {}", key.reveal()));
    let mut value = HeaderValue::from_str(text.reveal()).map_err(|_| SendError::Key)?;
    value.set_sensitive(true);
    Ok(value)
}
