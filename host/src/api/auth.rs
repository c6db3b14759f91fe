//! Who calls, and whether they may at all.
//!
//! With API keys every request but `GET /health` carries `Authorization: Bearer`. Without any the server is on
//! loopback only, and everyone who reaches it is an administrator: then a foreign `Host` (a name that was
//! rebound to this machine) or `Origin` (another site's page in a browser here) is refused instead.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{Code, Problem};
use crate::config::{Config, Role, is_loopback};
use crate::tools::Caller;

/// What needs no key: what a load balancer asks, in both its places.
const OPEN_PATHS: [&str; 2] = ["/health", "/api/v1/health"];

/// Puts the [`Caller`] into the request, or refuses it.
pub async fn layer(
    State(config): State<Arc<Config>>,
    mut request: Request,
    next: Next,
) -> Response {
    match identify(&config, request.uri(), request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => {
            let unauthorized = problem.code == Code::Unauthorized;
            let mut response = problem.into_response();
            if unauthorized {
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}

/// Decides who calls.
///
/// # Errors
/// 401 without a valid key, 403 for a foreign host or origin.
pub fn identify(config: &Config, uri: &Uri, headers: &HeaderMap) -> Result<Caller, Problem> {
    if config.api_keys.is_empty() {
        check_host(uri, headers)?;
        check_origin(config, headers)?;
        return Ok(Caller::Loopback);
    }
    if OPEN_PATHS.contains(&uri.path()) {
        return Ok(Caller::Nobody);
    }
    let presented = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, key)| key.trim());
    let key = presented.and_then(|key| config.api_key(key));
    key.map(|key| Caller::Key {
        name: key.name.clone(),
        admin: key.role == Role::Admin,
    })
    .ok_or_else(|| {
        Problem::new(
            Code::Unauthorized,
            if presented.is_some() {
                "The API key is not valid."
            } else {
                "This server needs an API key."
            },
        )
        .with("hint", "Send the header `Authorization: Bearer <key>`.")
    })
}

/// Lets only administrators pass.
///
/// # Errors
/// 403 for everyone else.
pub fn require_admin(caller: &Caller) -> Result<(), Problem> {
    if caller.is_admin() {
        Ok(())
    } else {
        Err(Problem::new(
            Code::Forbidden,
            "This needs the key of an administrator.",
        ))
    }
}

fn check_host(uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let host = match headers.get(header::HOST) {
        Some(value) => value.to_str().ok().map(without_port),
        None => uri.host(),
    };
    if host.is_some_and(is_loopback) {
        return Ok(());
    }
    Err(Problem::new(
        Code::Forbidden,
        "Without API keys this server answers to its loopback name only.",
    )
    .with(
        "hint",
        "Call http://127.0.0.1 or http://localhost, or set DATACHAT_API_KEYS.",
    ))
}

fn check_origin(config: &Config, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let own = origin.split_once("://").is_some_and(|(scheme, authority)| {
        matches!(scheme, "http" | "https") && is_loopback(without_port(authority))
    });
    if own || config.cors_origins.iter().any(|known| known == origin) {
        return Ok(());
    }
    Err(Problem::new(
        Code::Forbidden,
        "Pages of this origin may not call the server.",
    )
    .with("hint", "Name the origin in CORS_ORIGINS."))
}

/// The host of `host[:port]`; the brackets of an IPv6 address stay.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (!host.contains(':') || host.ends_with(']')) =>
        {
            host
        }
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Overrides;

    fn config(entries: &[(&str, &str)]) -> Config {
        let mut environment: BTreeMap<String, String> = entries
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        environment.insert("HOME".to_owned(), "/h".to_owned());
        Config::load(Overrides::default(), &environment, &BTreeMap::new()).expect("valid")
    }

    fn headers(entries: &[(header::HeaderName, &str)]) -> HeaderMap {
        entries
            .iter()
            .map(|(name, value)| {
                (
                    name.clone(),
                    HeaderValue::from_str(value).expect("a header"),
                )
            })
            .collect()
    }

    fn code(config: &Config, path: &str, entries: &[(header::HeaderName, &str)]) -> Option<Code> {
        let uri: Uri = path.parse().expect("a path");
        identify(config, &uri, &headers(entries))
            .err()
            .map(|problem| problem.code)
    }

    #[test]
    fn without_keys_a_foreign_host_is_refused_and_every_loopback_spelling_is_not() {
        let config = config(&[]);
        for host in [
            "localhost:8000",
            "127.0.0.1",
            "127.0.0.1:8000",
            "[::1]:8000",
            "LOCALHOST",
        ] {
            assert_eq!(code(&config, "/x", &[(header::HOST, host)]), None, "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example:8000",
            "192.0.2.1",
            "",
            "a:b:c",
        ] {
            assert_eq!(
                code(&config, "/x", &[(header::HOST, host)]),
                Some(Code::Forbidden),
                "{host}"
            );
        }
        assert_eq!(code(&config, "/x", &[]), Some(Code::Forbidden));
    }

    #[test]
    fn without_keys_a_foreign_origin_is_refused_unless_it_is_configured() {
        let host = (header::HOST, "localhost");
        let plain = config(&[]);
        let open = config(&[("CORS_ORIGINS", "https://app.example/")]);
        for (origin, refused) in [
            ("http://localhost:3000", false),
            ("http://[::1]:3000", false),
            ("https://app.example", true),
            ("null", true),
            ("file://localhost", true),
        ] {
            let entries = [host.clone(), (header::ORIGIN, origin)];
            let expected = refused.then_some(Code::Forbidden);
            assert_eq!(code(&plain, "/x", &entries), expected, "{origin}");
        }
        let entries = [host, (header::ORIGIN, "https://app.example")];
        assert_eq!(code(&open, "/x", &entries), None);
    }

    #[test]
    fn with_keys_only_health_is_open() {
        let config = config(&[("DATACHAT_API_KEYS", "ann:user:k1,bob:admin:k2")]);
        assert_eq!(code(&config, "/health", &[]), None);
        assert_eq!(code(&config, "/ready", &[]), Some(Code::Unauthorized));
        assert_eq!(code(&config, "/health/x", &[]), Some(Code::Unauthorized));
        for wrong in ["Bearer k3", "Bearer ", "Basic k1", "k1", "Bearer k1x"] {
            assert_eq!(
                code(&config, "/ready", &[(header::AUTHORIZATION, wrong)]),
                Some(Code::Unauthorized),
                "{wrong}"
            );
        }
    }

    #[test]
    fn the_key_gives_name_and_role() {
        let config = config(&[("DATACHAT_API_KEYS", "ann:user:k1,bob:admin:k2")]);
        let uri: Uri = "/x".parse().expect("a path");
        let who = |key: &str| identify(&config, &uri, &headers(&[(header::AUTHORIZATION, key)]));
        let ann = who("bearer k1").expect("known");
        assert_eq!((ann.name(), ann.is_admin()), (Some("ann"), false));
        assert!(require_admin(&ann).is_err());
        let bob = who("Bearer k2").expect("known");
        assert_eq!((bob.name(), bob.is_admin()), (Some("bob"), true));
        assert!(require_admin(&bob).is_ok());
    }
}
