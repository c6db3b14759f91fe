//! A small JSON client. Every answer is searched for the canary before a test sees it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::shows_canary;

/// The part of a body that is kept in the record.
const RECORDED: usize = 64 * 1024;

/// Calls one server. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    base: String,
    key: Option<String>,
    record: PathBuf,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: HeaderMap,
}

/// An answer whose body is still coming. Dropping it closes the connection.
pub struct Streaming {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Incoming,
}

impl Client {
    /// A client of `base` (`http://127.0.0.1:8000`) that appends answers to the file `record`.
    pub fn new(base: String, record: PathBuf) -> Self {
        Self {
            pool: Pool::builder(TokioExecutor::new()).build_http(),
            base,
            key: None,
            record,
        }
    }

    /// The same client with an API key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..self.clone()
        }
    }

    /// The same client with network connections of its own: those of a client belong to the runtime of the
    /// test that used it first.
    #[must_use]
    pub fn afresh(&self) -> Self {
        Self {
            pool: Pool::builder(TokioExecutor::new()).build_http(),
            ..self.clone()
        }
    }

    /// `GET path`.
    ///
    /// # Errors
    /// When the server does not answer. A status of failure is an answer.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(Method::GET, path, None).await
    }

    /// `POST path` with a JSON body.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// `PUT path` with a JSON body.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// `PATCH path` with a JSON body.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// `DELETE path`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.send(Method::DELETE, path, None).await
    }

    /// Any request with a JSON body or none.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let request = self.request(method, path, &[], body)?;
        self.answer(request).await
    }

    /// Starts a request and leaves the body to the caller.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn stream(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Streaming> {
        let request = self.request(method, path, headers, body)?;
        let (head, body) = self.pool.request(request).await?.into_parts();
        refuse_canary(path, format!("{:?}", head.headers).as_bytes())?;
        Ok(Streaming {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    /// A request that the caller made: for bodies that are not JSON and headers that are not ours.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Answer> {
        let shown = format!("{} {}", request.method(), request.uri());
        let (head, body) = self
            .pool
            .request(request)
            .await
            .with_context(|| shown.clone())?
            .into_parts();
        let collected = body.collect().await.with_context(|| shown.clone())?;
        let trailers = collected.trailers().cloned().unwrap_or_default();
        let answer = Answer {
            status: head.status,
            headers: head.headers,
            body: collected.to_bytes(),
            trailers,
        };
        self.keep(&shown, &answer)?;
        Ok(answer)
    }

    /// A request to `path` with our key, for [`Client::answer`].
    ///
    /// # Errors
    /// When path or headers are not valid HTTP.
    pub fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(value) => {
                request = request.header("content-type", "application/json");
                Bytes::from(serde_json::to_vec(value)?)
            }
            None => Bytes::new(),
        };
        Ok(request.body(Full::new(body))?)
    }

    fn keep(&self, request: &str, answer: &Answer) -> Result<()> {
        let head = format!(
            "{request}\n{} {:?} {:?}\n",
            answer.status, answer.headers, answer.trailers
        );
        refuse_canary(request, head.as_bytes())?;
        refuse_canary(request, &answer.body)?;
        let mut entry = head.into_bytes();
        entry.extend_from_slice(&answer.body[..answer.body.len().min(RECORDED)]);
        entry.push(b'\n');
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.record)?
            .write_all(&entry)?;
        Ok(())
    }
}

impl Answer {
    /// The body as JSON; `Null` when it is none, so that an assertion on it shows the difference.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The JSON body of an answer with this status.
    ///
    /// # Errors
    /// With the whole answer when the status is another.
    pub fn expect(&self, status: u16) -> Result<Value> {
        if self.status.as_u16() != status {
            bail!("{} instead of {status}: {}", self.status, self.text());
        }
        Ok(self.json())
    }

    /// The body of a problem with this status and code, after checking that it is one in every respect.
    ///
    /// # Errors
    /// With the whole answer when it is not.
    pub fn problem(&self, status: u16, code: &str) -> Result<Value> {
        let body = self.expect(status)?;
        let request_id = self.header("x-request-id");
        let is_problem = self.header("content-type") == "application/problem+json"
            && body["code"] == code
            && body["type"] == format!("/problems/{code}")
            && body["status"] == status
            && body["title"].is_string()
            && body["detail"].is_string()
            && body["instance"] == format!("urn:uuid:{request_id}");
        if !is_problem {
            bail!("not a problem `{code}`: {:?} {}", self.headers, self.text());
        }
        Ok(body)
    }
}

impl Streaming {
    /// The next piece of the body; none at its end.
    ///
    /// # Errors
    /// When the server breaks off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(data) = frame?.into_data() {
                refuse_canary("a stream", &data)?;
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

fn refuse_canary(place: &str, bytes: &[u8]) -> Result<()> {
    if shows_canary(bytes) {
        bail!("the answer to {place} shows a credential");
    }
    Ok(())
}
