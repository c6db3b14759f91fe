//! Values that are bound to a statement, never spliced into it.

use anyhow::{Context, Result};
use datachat_tests::{Answer, Client};
use serde_json::{Value, json};

use crate::stage::{question, stage};

async fn ask(client: &Client, id: &str, sql: &str, params: Value) -> Result<Answer> {
    let mut body = question(sql, id);
    body["params"] = params;
    client.post("/api/v1/query", &body).await
}

async fn connection() -> Result<(Client, String)> {
    let stage = stage().await?;
    let client = stage.client();
    let id = stage.register(&client, "alpha").await?;
    Ok((client, id))
}

#[tokio::test]
async fn scalars_and_typed_values_come_back_as_they_were() -> Result<()> {
    let (client, id) = connection().await?;
    for (sql, param, expected) in [
        ("SELECT $1::int4", json!(7), json!(7)),
        ("SELECT $1::int8", json!(i64::MIN), json!(i64::MIN)),
        (
            "SELECT $1::int8",
            json!({"type": "integer", "value": 9}),
            json!(9),
        ),
        ("SELECT $1::bool", json!(true), json!(true)),
        ("SELECT $1::float8", json!(0.1), json!(0.1)),
        (
            "SELECT $1::text",
            json!("it's; DROP TABLE orders --"),
            json!("it's; DROP TABLE orders --"),
        ),
        ("SELECT $1::text", json!(""), json!("")),
        ("SELECT $1::text", Value::Null, Value::Null),
        (
            "SELECT $1::numeric",
            json!({"type": "decimal", "value": "12345678901234567890.10"}),
            json!("12345678901234567890.10"),
        ),
        (
            "SELECT $1::bytea",
            json!({"type": "bytes", "value": "AP8="}),
            json!("AP8="),
        ),
        (
            "SELECT $1::date",
            json!({"type": "date", "value": "2024-02-29"}),
            json!("2024-02-29"),
        ),
        (
            "SELECT $1::timestamptz",
            json!({"type": "timestamp", "value": "2024-02-29T12:00:00+02:00"}),
            json!("2024-02-29T10:00:00.000000Z"),
        ),
        (
            "SELECT $1::uuid",
            json!({"type": "uuid", "value": "00000000-0000-0000-0000-000000000001"}),
            json!("00000000-0000-0000-0000-000000000001"),
        ),
        (
            "SELECT $1::uuid",
            json!("00000000-0000-0000-0000-000000000001"),
            json!("00000000-0000-0000-0000-000000000001"),
        ),
        (
            "SELECT $1::jsonb",
            json!({"type": "json", "value": "{\"a\":[1]}"}),
            json!({"a": [1]}),
        ),
        ("SELECT $1::date", json!("2024-02-29"), json!("2024-02-29")),
    ] {
        let body = ask(&client, &id, sql, json!([param])).await?;
        let body = body.expect(200).with_context(|| format!("{sql} {param}"))?;
        assert_eq!(body["rows"], json!([[expected]]), "{sql} {param}");
    }
    Ok(())
}

#[tokio::test]
async fn a_parameter_selects_rows_by_position() -> Result<()> {
    let (client, id) = connection().await?;
    let sql = "SELECT id FROM orders WHERE id BETWEEN $2 AND $1 ORDER BY id";
    for (params, expected) in [
        (json!([4, 2]), json!([[2], [3], [4]])),
        (json!([1, 1]), json!([[1]])),
        (json!([1, 2]), json!([])),
    ] {
        let body = ask(&client, &id, sql, params).await?.expect(200)?;
        assert_eq!(body["rows"], expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_parameter_that_can_t_be_bound_is_named() -> Result<()> {
    let (client, id) = connection().await?;
    for (sql, params, field) in [
        ("SELECT $1::int4", json!([[1]]), "params[0]"),
        (
            "SELECT $1::int4, $2::int4",
            json!([1, {"type": "integer", "value": "x"}]),
            "params[1].value",
        ),
        (
            "SELECT $1::int4",
            json!([{"type": "number", "value": 1}]),
            "params[0].type",
        ),
        ("SELECT $1::int4", json!("1"), "params"),
    ] {
        let answer = ask(&client, &id, sql, params.clone()).await?;
        let problem = answer
            .problem(422, "validation_failed")
            .with_context(|| params.to_string())?;
        assert_eq!(problem["field"], field, "{params}");
    }
    // Well-formed, but not what the statement takes.
    for (params, hint) in [
        (json!([]), "parameter"),
        (json!([1, 2]), "parameter"),
        (json!(["seven"]), "$1"),
        (json!([3_000_000_000_i64]), "$1"),
        (json!({"one": 1}), ""),
    ] {
        let answer = ask(&client, &id, "SELECT $1::int4", params.clone()).await?;
        assert!(
            answer.status.is_client_error(),
            "{params}: {}",
            answer.text()
        );
        let code = answer.json()["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let problem = answer.problem(answer.status.as_u16(), &code)?;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(hint), "{params}: {detail}");
    }
    // The session is none the worse for it.
    let body = ask(&client, &id, "SELECT $1::int4", json!([5]))
        .await?
        .expect(200)?;
    assert_eq!(body["rows"], json!([[5]]));
    Ok(())
}

#[tokio::test]
async fn comments_and_a_semicolon_at_the_end_are_part_of_one_statement() -> Result<()> {
    let (client, id) = connection().await?;
    for sql in [
        "SELECT 1;",
        "SELECT 1 ; ;\n",
        "-- first\nSELECT 1 -- last; SELECT 2",
        "/* a /* nested */ comment; */ SELECT /* here */ 1;",
        "TABLE one_row",
        "VALUES (1)",
        "(SELECT 1) LIMIT 1",
        "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT min(i) FROM n",
    ] {
        let sql = sql.replace("TABLE one_row", "WITH one_row AS (SELECT 1) TABLE one_row");
        let body = client
            .post("/api/v1/query", &question(&sql, id.as_str()))
            .await?
            .expect(200)
            .context(sql)?;
        assert_eq!(body["rows"], json!([[1]]));
    }
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_statement_has_its_code_and_its_place() -> Result<()> {
    let (client, id) = connection().await?;
    let postgres = &stage().await?.postgres;
    postgres.psql("alpha", "CREATE TABLE private (notes text)")?;
    for (sql, status, code, position) in [
        ("", 400, "empty_sql", None),
        ("  -- nothing\n", 400, "empty_sql", None),
        ("SELECT 1; SELECT 2", 400, "multiple_statements", None),
        ("SELEC 1", 400, "syntax", Some(1)),
        // Counted in characters, not bytes.
        ("SELECT 'äöü😀', nothing", 400, "undefined_object", Some(16)),
        ("SELECT * FROM nowhere", 400, "undefined_object", Some(15)),
        ("SELECT nofunction(1)", 400, "undefined_object", Some(8)),
        ("SELECT 1/0", 400, "data_exception", None),
        ("SELECT 'x'::int4", 400, "data_exception", Some(8)),
        (
            "INSERT INTO orders VALUES (1)",
            403,
            "read_only_violation",
            Some(1),
        ),
        (
            "SELECT pg_read_file('/etc/passwd')",
            403,
            "read_only_violation",
            Some(8),
        ),
        (
            "CREATE TABLE x (y int)",
            403,
            "read_only_violation",
            Some(1),
        ),
        ("SELECT * FROM private", 403, "permission_denied", None),
    ] {
        let answer = client
            .post("/api/v1/query", &question(sql, id.as_str()))
            .await?;
        let problem = answer.problem(status, code).context(sql)?;
        if let Some(position) = position {
            assert_eq!(problem["position"], position, "{sql}");
        }
        if code == "read_only_violation" {
            assert!(problem["reason"].is_string(), "{problem}");
        }
        assert_eq!(problem["connection_id"], json!(id), "{sql}");
    }
    Ok(())
}

#[tokio::test]
async fn the_body_of_a_query_is_checked_before_anything_runs() -> Result<()> {
    let (client, id) = connection().await?;
    for (body, code, field) in [
        (json!({"target_database": id}), "validation_failed", "sql"),
        (
            json!({"sql": 1, "target_database": id}),
            "validation_failed",
            "sql",
        ),
        (
            json!({"sql": null, "target_database": id}),
            "validation_failed",
            "sql",
        ),
        (
            json!({"sql": "SELECT 1", "target_database": id, "query": "x"}),
            "unknown_field",
            "query",
        ),
        (
            json!({"sql": "SELECT 1", "database": id}),
            "unknown_field",
            "database",
        ),
        (
            json!({"sql": "SELECT 1", "targetDatabase": id}),
            "unknown_field",
            "targetDatabase",
        ),
    ] {
        let problem = client
            .post("/api/v1/query", &body)
            .await?
            .problem(422, code)?;
        assert_eq!(problem["field"], field);
    }
    Ok(())
}
