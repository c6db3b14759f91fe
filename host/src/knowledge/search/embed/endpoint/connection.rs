//! One `POST` after another to one address, over HTTP/1.1 and TLS where it says so.
//!
//! Certificates are checked against the system's roots; redirects are not followed, because the key is for
//! this address alone.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use url::Url;

use super::EndpointError;

/// Without TLS no root certificates are needed, nor read.
#[derive(Debug)]
enum Pool {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

#[derive(Debug)]
pub(super) struct Connection {
    pool: Pool,
    uri: Uri,
    /// For messages.
    origin: String,
    key: Option<HeaderValue>,
}

/// What came back, whatever its status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Connection {
    pub(super) fn new(url: &Url, key: Option<HeaderValue>) -> Result<Self, EndpointError> {
        let uri = url
            .as_str()
            .parse()
            .map_err(|_| EndpointError::Address("it is no address of a web server".to_owned()))?;
        let builder = Client::builder(TokioExecutor::new());
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        let pool = if url.scheme() == "https" {
            tcp.enforce_http(false);
            let connector = HttpsConnectorBuilder::new()
                .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
                .map_err(|error| EndpointError::Address(format!("no root certificates: {error}")))?
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
            key,
        })
    }

    /// Sends a body and reads the whole answer, of at most `max` bytes. The time is the caller's to limit.
    pub(super) async fn post(&self, body: &Value, max: usize) -> Result<Answer, EndpointError> {
        let mut request = Request::post(self.uri.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| EndpointError::Address(error.to_string()))?;
        if let Some(key) = &self.key {
            request.headers_mut().insert(AUTHORIZATION, key.clone());
        }
        let response = match &self.pool {
            Pool::Plain(client) => client.request(request).await,
            Pool::Tls(client) => client.request(request).await,
        };
        let response: Response<_> = response.map_err(|error| self.silence(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, max)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    EndpointError::TooLarge(max)
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
    fn silence(&self, error: &(dyn std::error::Error + 'static)) -> EndpointError {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        EndpointError::Unreachable {
            origin: self.origin.clone(),
            problem: innermost.to_string(),
        }
    }
}
