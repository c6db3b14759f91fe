//! Rows, bytes and time: what was cut off says so, and what may not be cut off fails.

use anyhow::{Context, Result};
use datachat_tests::{Answer, Client, ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::stage::{self, question, reader_url, register, stage};

const NUMBERS: &str = "SELECT n FROM generate_series(1, 20000) AS n";

async fn ask(client: &Client, id: &str, sql: &str, limits: Value, format: &str) -> Result<Answer> {
    let mut body = question(sql, id);
    body["limits"] = limits;
    body["format"] = json!(format);
    stage::ask(client, &body).await
}

async fn connection() -> Result<(Client, String)> {
    let stage = stage().await?;
    let client = stage.client();
    let id = stage.register(&client, "alpha").await?;
    Ok((client, id))
}

/// A problem, whether it came before the first byte or after it.
fn failure(answer: &Answer, status: u16, code: &str) -> Result<Value> {
    if answer.status == 200 {
        let problem = answer.json()["error"].clone();
        assert_eq!(problem["code"], code, "{}", answer.text());
        assert_eq!(problem["status"], status);
        return Ok(problem);
    }
    answer.problem(status, code)
}

#[tokio::test]
async fn rows_are_cut_at_max_rows_and_the_answer_says_so() -> Result<()> {
    let (client, id) = connection().await?;
    for (sql, max_rows, rows, truncated) in [
        ("SELECT n FROM generate_series(1, 10) n", 3, 3, true),
        ("SELECT n FROM generate_series(1, 10) n", 9, 9, true),
        // Exactly as many as allowed: nothing was cut.
        ("SELECT n FROM generate_series(1, 10) n", 10, 10, false),
        ("SELECT n FROM generate_series(1, 10) n", 11, 10, false),
        (NUMBERS, 8192, 8192, true),
        (NUMBERS, 19_999, 19_999, true),
        (NUMBERS, 20_000, 20_000, false),
    ] {
        let body = ask(&client, &id, sql, json!({"max_rows": max_rows}), "json")
            .await?
            .expect(200)?;
        let seen = body["rows"].as_array().context("no rows")?;
        assert_eq!(seen.len(), rows, "{max_rows}");
        assert_eq!(seen[rows - 1], json!([rows]), "{max_rows}");
        assert_eq!(body["row_count"], rows, "{max_rows}");
        assert_eq!(body["truncated"], truncated, "{max_rows}");
        let by = if truncated {
            json!("max_rows")
        } else {
            Value::Null
        };
        assert_eq!(body["truncated_by"], by, "{max_rows}");
        for format in ["csv", "arrow", "parquet"] {
            let answer = ask(&client, &id, sql, json!({"max_rows": max_rows}), format).await?;
            answer.expect(200)?;
            let trailer = |name: &str| answer.trailers.get(name).cloned();
            let count = trailer("x-datachat-row-count").context("no trailer")?;
            assert_eq!(count, rows.to_string(), "{format} {max_rows}");
            let cut = trailer("x-datachat-truncated").context("no trailer")?;
            let by = if truncated { "max_rows" } else { "false" };
            assert_eq!(cut, by, "{format} {max_rows}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn without_limits_ten_thousand_rows_are_the_most() -> Result<()> {
    let (client, id) = connection().await?;
    let body = client
        .post("/api/v1/query", &question(NUMBERS, id.as_str()))
        .await?
        .expect(200)?;
    assert_eq!(body["row_count"], 10_000);
    assert_eq!(body["truncated_by"], "max_rows");
    Ok(())
}

#[tokio::test]
async fn bytes_are_cut_at_max_bytes_between_two_rows() -> Result<()> {
    let (client, id) = connection().await?;
    let sql = "SELECT n, repeat('x', 1000) FROM generate_series(1, 5000) AS n";
    for max_bytes in [100_000, 1_000_000, 3_000_000] {
        let body = ask(&client, &id, sql, json!({"max_bytes": max_bytes}), "json")
            .await?
            .expect(200)?;
        let rows = body["rows"].as_array().context("no rows")?;
        assert_eq!(body["truncated"], true);
        assert_eq!(body["truncated_by"], "max_bytes");
        assert_eq!(body["row_count"], rows.len());
        // A row is a little over 1,000 bytes of Arrow data.
        let most = max_bytes / 1000;
        assert!(
            rows.len() <= most && rows.len() > most / 2,
            "{max_bytes}: {}",
            rows.len()
        );
        assert!(
            rows.iter()
                .all(|row| row[1].as_str().is_some_and(|text| text.len() == 1000))
        );
    }
    Ok(())
}

#[tokio::test]
async fn where_cutting_is_not_allowed_the_request_fails() -> Result<()> {
    let (client, id) = connection().await?;
    for (limits, named) in [
        (json!({"max_rows": 5, "on_limit": "error"}), "max_rows"),
        (
            json!({"max_bytes": 10_000, "on_limit": "error"}),
            "max_bytes",
        ),
    ] {
        let answer = ask(&client, &id, NUMBERS, limits.clone(), "json").await?;
        let problem = failure(&answer, 422, "resource_limit")?;
        assert_eq!(problem["limit"], named);
        assert_eq!(problem["connection_id"], json!(id));
        let ten = "SELECT n FROM generate_series(1, 5) n";
        let fits = ask(&client, &id, ten, limits.clone(), "json")
            .await?
            .expect(200)?;
        assert_eq!(fits["row_count"], 5);
        assert_eq!(fits.get("error"), None);
        for format in ["csv", "arrow", "parquet"] {
            // A status, or a body that breaks off; never a short result that looks whole.
            if let Ok(answer) = ask(&client, &id, NUMBERS, limits.clone(), format).await {
                answer.problem(422, "resource_limit").context(format)?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn limits_that_are_none_or_beyond_the_operators_are_refused() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(
        ServerOptions::new("ceilings")
            .variable("DATACHAT_QUERY_MAX_ROWS", "1000")
            .variable("DATACHAT_QUERY_DEFAULT_ROWS", "10")
            .variable("DATACHAT_QUERY_MAX_BYTES", "1000000")
            .variable("DATACHAT_QUERY_DEFAULT_BYTES", "1000000")
            .variable("DATACHAT_QUERY_MAX_TIMEOUT_MS", "5000")
            .variable("DATACHAT_QUERY_DEFAULT_TIMEOUT_MS", "5000"),
    )
    .await?;
    let client = server.client();
    let id = register(client, &reader_url(&stage.postgres, "alpha")).await?;
    for (limits, field) in [
        (json!({"max_rows": 1001}), "limits.max_rows"),
        (json!({"max_rows": 0}), "limits.max_rows"),
        (json!({"max_rows": -1}), "limits.max_rows"),
        (json!({"max_rows": "10"}), "limits.max_rows"),
        (json!({"max_bytes": 1_000_001}), "limits.max_bytes"),
        (json!({"timeout_ms": 5001}), "limits.timeout_ms"),
        (json!({"timeout_ms": 0}), "limits.timeout_ms"),
        (json!({"on_limit": "ignore"}), "limits.on_limit"),
        (json!([]), "limits"),
    ] {
        let answer = ask(client, &id, NUMBERS, limits.clone(), "json").await?;
        let problem = answer
            .problem(422, "validation_failed")
            .or_else(|_| answer.problem(422, "resource_limit"))
            .with_context(|| limits.to_string())?;
        assert_eq!(problem["field"], field, "{limits}");
    }
    let answer = ask(client, &id, NUMBERS, json!({"rows": 1}), "json").await?;
    assert_eq!(
        answer.problem(422, "unknown_field")?["field"],
        "limits.rows"
    );
    let all = ask(client, &id, NUMBERS, json!({"max_rows": 1000}), "json")
        .await?
        .expect(200)?;
    assert_eq!(all["row_count"], 1000);
    let default = ask(client, &id, NUMBERS, json!({}), "json")
        .await?
        .expect(200)?;
    assert_eq!(default["row_count"], 10);
    Ok(())
}

#[tokio::test]
async fn a_statement_beyond_the_largest_length_is_refused() -> Result<()> {
    let (client, id) = connection().await?;
    let sql = format!("SELECT '{}'", "x".repeat(200_000));
    let answer = client
        .post("/api/v1/query", &question(&sql, id.as_str()))
        .await?;
    let code = answer.json()["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(
        [
            "resource_limit",
            "read_only_violation",
            "request_too_large",
            "validation_failed"
        ]
        .contains(&code.as_str()),
        "{code}"
    );
    answer.problem(answer.status.as_u16(), &code)?;
    assert!(answer.status.is_client_error());
    Ok(())
}

#[tokio::test]
async fn when_every_session_is_busy_the_answer_is_busy() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(
        ServerOptions::new("busy")
            .variable("DATACHAT_SESSIONS_PER_CONNECTION", "2")
            .variable("DATACHAT_SESSION_WAIT_MS", "300"),
    )
    .await?;
    let client = server.client();
    let alpha = register(client, &reader_url(&stage.postgres, "alpha")).await?;
    let beta = register(client, &reader_url(&stage.postgres, "beta")).await?;
    let aside = stage::direct(&stage.postgres, "alpha").await?;
    let slow = question("SELECT pg_sleep(5), 'one of the crowd'", alpha.as_str());
    let (path, quick) = (
        "/api/v1/query",
        question("SELECT marker FROM whoami", alpha.as_str()),
    );
    let other = question("SELECT marker FROM whoami", beta.as_str());
    let (first, second, beside) =
        tokio::join!(client.post(path, &slow), client.post(path, &slow), async {
            stage::until_so_many_run(&aside, "one of the crowd", 2).await?;
            let (third, neighbour) =
                tokio::join!(client.post(path, &quick), client.post(path, &other));
            anyhow::Ok((third?, neighbour?))
        });
    first?.expect(200)?;
    second?.expect(200)?;
    let (third, neighbour) = beside?;
    let problem = third.problem(503, "busy")?;
    assert_eq!(problem["connection_id"], json!(alpha));
    assert_eq!(problem["retryable"], true);
    // One connection's crowd is not another's.
    assert_eq!(neighbour.expect(200)?["rows"][0][0], "beta");
    assert_eq!(
        client.post(path, &quick).await?.expect(200)?["rows"][0][0],
        "alpha"
    );
    Ok(())
}
