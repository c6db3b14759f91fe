//! What HTTP itself can get wrong, and that every error is a problem with a code.

use anyhow::{Context, Result};
use bytes::Bytes;
use datachat_tests::{Answer, Client};
use http_body_util::Full;
use hyper::{Method, Request};
use serde_json::json;
use uuid::Uuid;

use crate::stage::{question, stage};

const QUERY: &str = "/api/v1/query";
const WITH_BODY: [(&str, &str); 5] = [
    ("POST", "/api/v1/databases"),
    ("POST", "/api/v1/databases/test"),
    (
        "PATCH",
        "/api/v1/databases/00000000-0000-4000-8000-000000000000",
    ),
    ("POST", QUERY),
    ("POST", "/api/v1/tools/execute"),
];

async fn send(
    client: &Client,
    method: &str,
    path: &str,
    content_type: Option<&str>,
    body: impl Into<Bytes>,
) -> Result<Answer> {
    let plain = client.request(Method::GET, path, &[], None)?;
    let mut request = Request::builder().method(method).uri(plain.uri());
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    client.answer(request.body(Full::new(body.into()))?).await
}

#[tokio::test]
async fn a_path_without_anything_at_it_is_404() -> Result<()> {
    let client = stage().await?.client();
    for path in [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/databases/",
        "/query",
        "/health/x",
    ] {
        let answer = client.get(path).await?;
        answer.problem(404, "not_found").context(path)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_405_and_names_those_it_does() -> Result<()> {
    let client = stage().await?.client();
    for (method, path, allowed) in [
        (Method::GET, QUERY, "POST"),
        (Method::PUT, QUERY, "POST"),
        (Method::DELETE, "/api/v1/databases", "GET"),
        (Method::POST, "/api/v1/tools", "GET"),
        (Method::GET, "/api/v1/tools/execute", "POST"),
        (Method::POST, "/health", "GET"),
        (Method::PATCH, "/metrics", "GET"),
    ] {
        let answer = client.send(method.clone(), path, None).await?;
        answer
            .problem(405, "method_not_allowed")
            .with_context(|| format!("{method} {path}"))?;
        let allow = answer.header("allow");
        assert!(allow.contains(allowed), "{method} {path}: {allow:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_not_called_json_is_415() -> Result<()> {
    let client = stage().await?.client();
    for (method, path) in WITH_BODY {
        for content_type in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
        ] {
            let answer = send(&client, method, path, content_type, "{}").await?;
            answer
                .problem(415, "unsupported_media_type")
                .with_context(|| format!("{path} {content_type:?}"))?;
        }
    }
    let body = question("SELECT 1", Uuid::new_v4().to_string()).to_string();
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let answer = send(&client, "POST", QUERY, Some(content_type), body.clone()).await?;
        answer.problem(404, "connection_not_found")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_not_json_is_400() -> Result<()> {
    let client = stage().await?.client();
    for (method, path) in WITH_BODY {
        for body in [
            &b""[..],
            b"{",
            b"{\"sql\": }",
            b"nothing",
            b"{} {}",
            b"{\"name\": \"\xff\"}",
            b"{'a': 1}",
        ] {
            let answer = send(&client, method, path, Some("application/json"), body).await?;
            answer
                .problem(400, "invalid_json")
                .with_context(|| format!("{path} {}", String::from_utf8_lossy(body)))?;
        }
        for body in ["[]", "1", "\"text\"", "null", "true"] {
            let answer = send(&client, method, path, Some("application/json"), body).await?;
            answer
                .problem(422, "validation_failed")
                .with_context(|| format!("{path} {body}"))?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_field_that_is_given_twice_is_refused() -> Result<()> {
    let client = stage().await?.client();
    let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
    let body = format!(
        "{{\"sql\": \"SELECT 1\", \"target_database\": \"{one}\", \"target_database\": \"{two}\"}}"
    );
    let answer = send(&client, "POST", QUERY, Some("application/json"), body).await?;
    answer.problem(422, "validation_failed")?;
    Ok(())
}

#[tokio::test]
async fn deeply_nested_json_is_refused_and_nothing_breaks() -> Result<()> {
    let client = stage().await?.client();
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let body = format!("{{\"sql\": \"SELECT 1\", \"params\": {deep}}}");
    let answer = send(&client, "POST", QUERY, Some("application/json"), body).await?;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    let code = answer.json()["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    answer.problem(answer.status.as_u16(), &code)?;
    client.get("/health").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn a_body_of_more_than_ten_mebibytes_is_413() -> Result<()> {
    let client = stage().await?.client();
    for (method, path) in WITH_BODY {
        let body = format!("{{\"sql\": \"{}\"}}", "x".repeat(10 * 1024 * 1024));
        let answer = send(&client, method, path, Some("application/json"), body).await?;
        answer.problem(413, "request_too_large").context(path)?;
    }
    Ok(())
}

#[tokio::test]
async fn the_request_id_of_the_caller_is_kept_and_a_bad_one_replaced() -> Result<()> {
    let client = stage().await?.client();
    let mine = Uuid::new_v4().to_string();
    for (sent, kept) in [(mine.as_str(), true), ("not-a-uuid", false), ("", false)] {
        let headers = [("x-request-id", sent)];
        let request = client.request(Method::GET, "/api/v1/nothing", &headers, None)?;
        let answer = client.answer(request).await?;
        // `problem` holds the header against `instance`.
        answer.problem(404, "not_found")?;
        let id = answer.header("x-request-id");
        assert_eq!(id == mine, kept, "{sent}");
        Uuid::parse_str(id)?;
    }
    let answer = client.get("/health").await?;
    Uuid::parse_str(answer.header("x-request-id"))?;
    Ok(())
}

#[tokio::test]
async fn bad_input_at_any_place_is_a_problem_and_never_500() -> Result<()> {
    let client = stage().await?.client();
    let odd = [
        json!(null),
        json!(1e308),
        json!(-1),
        json!("\u{0}"),
        json!("🙂".repeat(300)),
        json!({"a": {"b": []}}),
        json!([[[]]]),
        json!(u64::MAX),
    ];
    for (method, path) in WITH_BODY {
        for field in [
            "name",
            "database_url",
            "database_type",
            "tags",
            "description",
            "is_default",
            "sql",
            "params",
            "limits",
            "format",
            "numbers",
            "arguments",
            "target_database",
            "approved",
        ] {
            for value in &odd {
                let mut body = json!({"sql": "SELECT 1", "name": "run_sql"});
                body[field] = value.clone();
                let bytes = body.to_string();
                let answer = send(&client, method, path, Some("application/json"), bytes).await?;
                let shown = || format!("{path} {field} {value}: {}", answer.text());
                assert!(answer.status.is_client_error(), "{}", shown());
                let code = answer.json()["code"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                answer
                    .problem(answer.status.as_u16(), &code)
                    .with_context(shown)?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn health_ready_status_and_metrics_answer() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let id = stage.register(&client, "alpha").await?;
    client
        .post(QUERY, &question("SELECT 1", id.as_str()))
        .await?
        .expect(200)?;
    for path in ["/health", "/api/v1/health"] {
        let health = client.get(path).await?.expect(200)?;
        assert_eq!(
            crate::stage::keys(&health),
            ["status", "version", "timestamp"]
        );
    }
    for path in ["/ready", "/api/v1/ready"] {
        let ready = client.get(path).await?.expect(200)?;
        for check in ["database", "registry", "plugins"] {
            assert!(ready["checks"].get(check).is_some(), "{ready}");
        }
    }
    let status = client.get("/api/v1/system/status").await?.expect(200)?;
    assert_eq!(
        crate::stage::keys(&status),
        [
            "is_initialized",
            "has_databases",
            "has_system_database",
            "has_datapoints",
            "setup_required"
        ]
    );
    assert_eq!(status["has_databases"], true);
    let metrics = client.get("/metrics").await?;
    metrics.expect(200)?;
    assert!(metrics.header("content-type").starts_with("text/plain"));
    assert!(metrics.text().contains("# TYPE"), "{}", metrics.text());
    let openapi = client.get("/openapi.json").await?.expect(200)?;
    assert!(
        openapi["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3."))
    );
    for path in [
        QUERY,
        "/api/v1/databases",
        "/api/v1/databases/{id}",
        "/api/v1/tools/execute",
    ] {
        assert!(openapi["paths"].get(path).is_some(), "{path}");
    }
    Ok(())
}
