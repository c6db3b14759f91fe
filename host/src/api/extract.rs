//! What handlers ask of a request: ids in paths, parameters in query strings, bodies, an administrator's key.
//! Each comes with our own complaints; a handler's are made in the order of its parameters.

use std::convert::Infallible;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use uuid::Uuid;

use super::auth::require_admin;
use super::body::{Fields, read_object};
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
