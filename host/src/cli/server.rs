//! The API that a command speaks to: that of the server at `DATA_CHAT_API_URL`, else the one in this process, on
//! the system database.
//!
//! Both take the same requests and give the same answers, so a command is written once: it sends a request and
//! prints the answer. Which of the two it was matters only where a remedy depends on it.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tower::ServiceExt;

use super::failure::Failure;
use super::remote::Remote;
use crate::api::local_router;
use crate::app::App;
use crate::config::Config;

/// The largest answer that is read as a whole; results of statements are streamed. A tool's answer, which may be
/// the largest, has a limit of the operator's own.
const ANSWER_BYTES: usize = 256 << 20;

/// No body.
pub const NOTHING: Option<&()> = None;

/// Where requests go.
pub enum Server {
    Here(Box<Here>),
    There(Box<Remote>),
}

/// The parts of a server that is only this process's.
pub struct Here {
    app: App,
    routes: Router,
}

impl Server {
    /// The server of the configuration. Its own parts are opened, a remote one is not called yet.
    ///
    /// # Errors
    /// What keeps the parts from being opened, or an unusable key.
    pub async fn open(config: Config) -> Result<Self, Failure> {
        if let Some(remote) = Remote::configured(&config)? {
            return Ok(Self::There(Box::new(remote)));
        }
        let app = App::open(config, None).await?;
        let routes = local_router(app.clone());
        Ok(Self::Here(Box::new(Here { app, routes })))
    }

    /// The server that runs already, for what is in its memory only.
    ///
    /// # Errors
    /// An unusable key.
    pub fn running(config: &Config) -> Result<Self, Failure> {
        let remote = match Remote::configured(config)? {
            Some(remote) => remote,
            None => Remote::beside(config)?,
        };
        Ok(Self::There(Box::new(remote)))
    }

    /// Takes leave of the databases.
    pub async fn close(self) {
        if let Self::Here(here) = self {
            here.app.close().await;
        }
    }

    /// Whether this process does the work itself, and its user's word is an administrator's.
    pub fn is_here(&self) -> bool {
        matches!(self, Self::Here(_))
    }

    /// The database type of a URL's scheme. Elsewhere the scheme has to be the type's name or alias: connectors
    /// are the other server's.
    pub fn database_type(&self, scheme: &str) -> Option<String> {
        match self {
            Self::There(_) => (!scheme.is_empty()).then(|| scheme.to_owned()),
            Self::Here(here) => {
                let connector = here.app.plugins.connector_for_scheme(scheme)?;
                let database_type = connector.info().database_types.first()?;
                Some(database_type.name.clone())
            }
        }
    }

    /// `GET path`, as JSON.
    ///
    /// # Errors
    /// See [`Server::send`].
    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        parse(&self.call(Method::GET, path, NOTHING).await?)
    }

    /// `GET path?query`, page after page: everything of the list that the answers call `name`.
    ///
    /// # Errors
    /// See [`Server::send`].
    pub async fn pages(&self, path: &str, query: &str, name: &str) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self
                .get(&format!("{path}?limit=1000&cursor={cursor}&{query}"))
                .await?;
            if let Some(entries) = page[name].as_array_mut() {
                all.append(entries);
            }
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return Ok(all),
            }
        }
    }

    /// A request with a JSON body or none, and its whole answer as the server wrote it; null when it is empty.
    ///
    /// # Errors
    /// See [`Server::send`].
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Box<RawValue>, Failure> {
        self.answer(json_request(method, path, body)?).await
    }

    /// Any request, and its whole answer as the server wrote it; null when it is empty.
    ///
    /// # Errors
    /// See [`Server::send`].
    pub async fn answer(&self, request: Request<Body>) -> Result<Box<RawValue>, Failure> {
        let answer = self.send(request).await?;
        let bytes = whole(answer.into_body()).await?;
        if bytes.is_empty() {
            return Ok(RawValue::NULL.to_owned());
        }
        serde_json::from_slice(&bytes).map_err(|_| not_ours())
    }

    /// `GET path`, as text.
    ///
    /// # Errors
    /// See [`Server::send`].
    pub async fn text(&self, path: &str) -> Result<String, Failure> {
        let answer = self.send(json_request(Method::GET, path, NOTHING)?).await?;
        let bytes = whole(answer.into_body()).await?;
        String::from_utf8(bytes.to_vec()).map_err(|_| not_ours())
    }

    /// `POST path` with a JSON body, for an answer that is read as it comes. Says that it reads trailers.
    ///
    /// # Errors
    /// See [`Server::send`].
    pub async fn stream(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Response<Body>, Failure> {
        let mut request = json_request(Method::POST, path, Some(body))?;
        let trailers = header::HeaderValue::from_static("trailers");
        request.headers_mut().insert(header::TE, trailers);
        self.send(request).await
    }

    /// Any request to a path of the API, and its answer if that is a success.
    ///
    /// # Errors
    /// The problem that the server answers, or why it does not answer.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Failure> {
        let answer = match self {
            Self::There(remote) => remote.send(request).await?,
            Self::Here(here) => {
                let answer: Result<_, Infallible> = here.routes.clone().oneshot(request).await;
                match answer {
                    Ok(answer) => answer,
                    Err(never) => match never {},
                }
            }
        };
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let problem: Option<Value> = serde_json::from_slice(&whole(answer.into_body()).await?).ok();
        Err(problem
            .as_ref()
            .and_then(Failure::from_problem)
            .unwrap_or_else(|| {
                Failure::new(format!("the answer is {status}, and not one of DataChat"))
                    .hint(WRONG_ADDRESS)
            }))
    }
}

const WRONG_ADDRESS: &str = "Is DATA_CHAT_API_URL the address of a DataChat server?";

fn not_ours() -> Failure {
    Failure::new("the answer is not one of DataChat").hint(WRONG_ADDRESS)
}

fn json_request(
    method: Method,
    path: &str,
    body: Option<&impl Serialize>,
) -> Result<Request<Body>, Failure> {
    let request = Request::builder().method(method).uri(path);
    let request = match body {
        Some(body) => {
            let body = serde_json::to_vec(body).map_err(|error| Failure::new(error.to_string()))?;
            request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body))
        }
        None => request.body(Body::empty()),
    };
    request.map_err(|error| Failure::new(error.to_string()))
}

async fn whole(body: Body) -> Result<Bytes, Failure> {
    let collected = Limited::new(body, ANSWER_BYTES).collect().await;
    collected
        .map(http_body_util::Collected::to_bytes)
        .map_err(|_| Failure::new("the server's answer broke off"))
}

/// A raw answer, for what has to look inside.
///
/// # Errors
/// When it is nested too deeply.
pub fn parse(raw: &RawValue) -> Result<Value, Failure> {
    serde_json::from_str(raw.get()).map_err(|_| not_ours())
}
