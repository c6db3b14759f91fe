//! What handlers ask of a request: ids in paths, parameters in query strings, bodies, an administrator's key.
//! Each comes with our own complaints; a handler's are made in the order of its parameters.

use std::convert::Infallible;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use uuid::Uuid;

use super::auth::require_admin;
use super::body::{Fields, read_object, read_text};
use super::problem::{Code, Problem};
use super::request_id::RequestId;
use crate::app::App;
use crate::tools::Caller;

/// The `{id}` of a connection, in any spelling of a UUID.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionId(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for ConnectionId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        path_uuid(parts, state).await.map(Self).ok_or_else(|| {
            Problem::new(Code::InvalidConnectionId, "Invalid connection ID.")
                .with("field", "connection_id")
        })
    }
}

/// The `{id}` of anything else.
#[derive(Debug, Clone, Copy)]
pub struct AnyId(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for AnyId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        path_uuid(parts, state)
            .await
            .map(Self)
            .ok_or_else(|| Problem::new(Code::InvalidId, "The id is not a UUID."))
    }
}

async fn path_uuid<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<Uuid> {
    let Path(text) = Path::<String>::from_request_parts(parts, state)
        .await
        .ok()?;
    Uuid::try_parse(text.trim()).ok()
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let id = parts.extensions.get::<Self>().copied();
        Ok(id.unwrap_or_else(|| Self(Uuid::new_v4())))
    }
}

/// A caller who is an administrator.
#[derive(Debug, Clone)]
pub struct Admin(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>();
        let caller = caller.cloned().unwrap_or(Caller::Nobody);
        require_admin(&caller)?;
        Ok(Self(caller))
    }
}

/// A body that is one JSON object.
#[derive(Debug)]
pub struct Object(pub Fields);

impl FromRequest<App> for Object {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        read_object(&parts.headers, body, app.limits.request_max_bytes)
            .await
            .map(Self)
    }
}

/// A body of JSON that is read elsewhere, with its places.
#[derive(Debug)]
pub struct JsonText(pub String);

impl FromRequest<App> for JsonText {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        read_text(&parts.headers, body, app.limits.request_max_bytes)
            .await
            .map(Self)
    }
}

/// The parameters of the query string; of a repeated one the last counts, and an empty one is absent.
#[derive(Debug, Clone)]
pub struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Parameters {
    fn parse(query: &str) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        Self(pairs.into_owned().collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// One of a few words.
    pub fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| Some(*value)).ok_or_else(|| {
            let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Problem::field(name, "value", format!("must be one of {}", list.join(", ")))
        })
    }

    /// The id of a connection.
    pub fn connection_id(&self) -> Result<Option<Uuid>, Problem> {
        let text = self.get("connection_id");
        let id = text.map(|text| Uuid::try_parse(text.trim())).transpose();
        id.map_err(|_| {
            Problem::new(Code::InvalidConnectionId, "Invalid connection ID.")
                .with("field", "connection_id")
        })
    }
}

/// `limit` and `cursor`; other parameters are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// The most entries of a page.
const PAGE_MAX: u32 = 1000;

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

impl Page {
    /// Where the page begins, as `decode` reads it from the cursor.
    ///
    /// # Errors
    /// 400 for a cursor that can't be read.
    pub fn after<T>(&self, decode: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        decode(cursor).map(Some).ok_or_else(|| {
            Problem::new(
                Code::InvalidCursor,
                "The cursor is not one that this server gave.",
            )
        })
    }

    fn parse(query: &str) -> Result<Self, Problem> {
        let mut page = Self {
            limit: None,
            cursor: None,
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "limit" => {
                    let limit = value.parse().ok().filter(|n| (1..=PAGE_MAX).contains(n));
                    page.limit = Some(limit.ok_or_else(|| {
                        let message = format!("must be a whole number from 1 to {PAGE_MAX}");
                        Problem::field("limit", "range", message)
                    })?);
                }
                "cursor" if !value.is_empty() => page.cursor = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_a_word_that_is_known_or_a_problem_of_its_name() {
        let parameters = Parameters::parse("scope=a&scope=global&type=&q=x%20y&connection_id=7");
        let words = [("global", 1), ("unscoped", 2)];
        assert_eq!(parameters.word("scope", &words).expect("known"), Some(1));
        assert_eq!(parameters.word("type", &words).expect("absent"), None);
        assert_eq!(parameters.get("q"), Some("x y"));
        let problem = parameters.word("q", &words).expect_err("unknown");
        assert_eq!(problem.detail(), "q: must be one of global, unscoped");
        let problem = parameters.connection_id().expect_err("no id");
        assert_eq!(problem.code, Code::InvalidConnectionId);
    }

    #[test]
    fn limits_are_checked_and_strangers_ignored() {
        let page = Page::parse("limit=2&cursor=a%2Fb&color=red").expect("valid");
        assert_eq!(page.limit, Some(2));
        assert_eq!(page.cursor.as_deref(), Some("a/b"));
        for query in ["limit=0", "limit=1001", "limit=x", "limit=", "limit=-1"] {
            let problem = Page::parse(query).expect_err(query);
            assert_eq!(problem.code, Code::ValidationFailed, "{query}");
        }
    }
}
