//! The API as a client meets it: refusals, access, formats, tools and their policy, the last request.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use datachat_tests::{Answer, CANARY, Client, Options, Postgres, ServerOptions, TestServer};
use http_body_util::Full;
use hyper::{Method, Request};
use serde_json::{Value, json};

const QUERY: &str = "/api/v1/query";
const EXECUTE: &str = "/api/v1/tools/execute";

/// Two schemas, a repeated name, a name in mixed case, and rows enough for several pieces.
fn example() -> Result<Postgres> {
    let postgres = Postgres::start(Options::new(CANARY))?;
    postgres.psql(
        "postgres",
        r#"CREATE TABLE orders (id int PRIMARY KEY, total numeric(10,2), note json);
           INSERT INTO orders SELECT g, g * 1.10, '{"b": 1.10, "a": 12345678901234567890}'
             FROM generate_series(1, 50000) AS g;
           CREATE SCHEMA risk; CREATE SCHEMA archive;
           CREATE TABLE risk."Order Lines" (id int, "Net" text NOT NULL);
           CREATE TABLE risk.items (id int); CREATE TABLE archive.items (id int);
           ANALYZE"#,
    )?;
    Ok(postgres)
}

/// The example as the default database of a server, and its id there.
async fn served(name: &str) -> Result<(Postgres, TestServer, String)> {
    let postgres = example()?;
    let server = TestServer::start(ServerOptions::new(name)).await?;
    let url = postgres.superuser_url("postgres");
    let id = server
        .register_with("A", &url, json!({"is_default": true}))
        .await?;
    Ok((postgres, server, id))
}

/// Starts a server with a key for an administrator, ann, and one for a user, bob; gives a client for each.
async fn with_keys(options: ServerOptions) -> Result<(TestServer, Client, Client)> {
    let keys = format!("ann:admin:{CANARY}-a,bob:user:{CANARY}-b");
    let server = TestServer::start(options.variable("DATACHAT_API_KEYS", &keys)).await?;
    let ann = server.client().with_key(&format!("{CANARY}-a"));
    let bob = server.client().with_key(&format!("{CANARY}-b"));
    Ok((server, ann, bob))
}

async fn raw(
    client: &Client,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Answer> {
    let mut request: Request<Full<Bytes>> = client.request(Method::POST, path, headers, None)?;
    *request.body_mut() = Full::new(body.into());
    client.answer(request).await
}

#[tokio::test]
async fn whoever_is_refused_sees_why_however_much_he_still_sends() -> Result<()> {
    let (_server, _, bob) = with_keys(ServerOptions::new("unread")).await?;
    let stranger = bob.with_key("no-key");
    let body = Bytes::from(vec![b' '; 30 << 20]);
    for _ in 0..5 {
        raw(&stranger, QUERY, &[], body.clone())
            .await?
            .problem(401, "unauthorized")?;
        raw(&bob, "/api/v1/plugins", &[], body.clone())
            .await?
            .problem(403, "forbidden")?;
        raw(&bob, "/api/v1/nowhere", &[], body.clone())
            .await?
            .problem(404, "not_found")?;
        raw(
            &bob,
            QUERY,
            &[("content-type", "application/json")],
            body.clone(),
        )
        .await?
        .problem(413, "request_too_large")?;
    }
    Ok(())
}

#[tokio::test]
async fn whatever_is_wrong_with_a_request_is_a_problem_that_says_so() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("refusals")).await?;
    let client = server.client();
    let json_type = [("content-type", "application/json")];

    client.get("/nowhere").await?.problem(404, "not_found")?;
    client
        .put(QUERY, &json!({}))
        .await?
        .problem(405, "method_not_allowed")?;
    raw(client, QUERY, &[], "{}")
        .await?
        .problem(415, "unsupported_media_type")?;
    raw(client, QUERY, &json_type, "{")
        .await?
        .problem(400, "invalid_json")?;
    raw(client, QUERY, &json_type, vec![b' '; (10 << 20) + 1])
        .await?
        .problem(413, "request_too_large")?;
    let unknown = client
        .post(QUERY, &json!({"sql": "SELECT 1", "limits": {"rows": 5}}))
        .await?
        .problem(422, "unknown_field")?;
    assert_eq!(unknown["field"], "limits.rows");
    let several = client
        .post("/api/v1/databases", &json!({"name": 5, "tags": "x"}))
        .await?
        .problem(422, "validation_failed")?;
    let fields: Vec<&str> = several["errors"]
        .as_array()
        .context("errors")?
        .iter()
        .filter_map(|error| error["field"].as_str())
        .collect();
    assert_eq!(fields, ["name", "database_url", "database_type", "tags"]);
    client
        .get("/api/v1/databases/not-an-id")
        .await?
        .problem(400, "invalid_connection_id")?;
    client
        .get("/api/v1/databases?limit=0")
        .await?
        .problem(422, "validation_failed")?;
    let unset = client
        .post(QUERY, &json!({"sql": "SELECT 1"}))
        .await?
        .problem(400, "system_not_initialized")?;
    assert_eq!(unset["setup_steps"][0]["step"], 1);
    let unacceptable = [json_type[0], ("accept", "text/html")];
    raw(client, QUERY, &unacceptable, r#"{"sql": "SELECT 1"}"#)
        .await?
        .problem(406, "not_acceptable")?;
    Ok(())
}

#[tokio::test]
async fn without_keys_foreign_names_and_pages_are_refused() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("loopback")).await?;
    let client = server.client();
    for headers in [
        [("host", "rebound.example")],
        [("origin", "https://elsewhere.example")],
    ] {
        let request = client.request(Method::GET, "/api/v1/databases", &headers, None)?;
        client.answer(request).await?.problem(403, "forbidden")?;
    }
    let own = [("origin", "http://localhost:3000")];
    let request = client.request(Method::GET, "/api/v1/databases", &own, None)?;
    assert_eq!(client.answer(request).await?.expect(200)?, json!([]));

    let id = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    let given = [("x-request-id", "6F9619FF8B864D01B42D00CF4FC964FF")];
    let request = client.request(Method::GET, "/nowhere", &given, None)?;
    let answer = client.answer(request).await?;
    assert_eq!(answer.header("x-request-id"), id);
    answer.problem(404, "not_found")?;
    Ok(())
}

#[tokio::test]
async fn with_keys_users_read_and_only_administrators_change() -> Result<()> {
    let (server, admin, user) = with_keys(ServerOptions::new("keys")).await?;
    let nobody = server.client();

    nobody.get("/health").await?.expect(200)?;
    for path in ["/ready", "/metrics", "/api/v1/databases", "/openapi.json"] {
        let answer = nobody.get(path).await?;
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{path}");
        answer.problem(401, "unauthorized")?;
        user.get(path).await?.expect(200)?;
    }
    nobody
        .with_key("wrong")
        .get("/ready")
        .await?
        .problem(401, "unauthorized")?;
    let id = "/api/v1/databases/6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    user.delete(id).await?.problem(403, "forbidden")?;
    admin
        .delete(id)
        .await?
        .problem(404, "connection_not_found")?;
    user.get("/api/v1/plugins")
        .await?
        .problem(403, "forbidden")?;
    admin.get("/api/v1/plugins").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn every_format_tells_which_database_answered_and_how_it_ended() -> Result<()> {
    let postgres = example()?;
    let server = TestServer::start(ServerOptions::new("formats")).await?;
    let client = server.client();
    let name = "Zürich";
    let id = server
        .register(name, &postgres.superuser_url("postgres"))
        .await?;
    let database = json!({"id": id, "name": name, "type": "postgresql", "chosen_by": "explicit"});
    let ask = |format: &str| {
        json!({
            "sql": "SELECT id, note FROM orders ORDER BY id", "target_database": id, "format": format,
            "limits": {"max_rows": 3},
        })
    };

    let answer = client.post(QUERY, &ask("json")).await?;
    let text = answer.text();
    let body = answer.expect(200)?;
    assert_eq!(body["database"], database);
    assert_eq!(body["row_count"], 3);
    assert_eq!(body["truncated_by"], "max_rows");
    assert!(
        text.contains(r#"[1,{"b": 1.10, "a": 12345678901234567890}]"#),
        "{text}"
    );
    let keys: Vec<&String> = body.as_object().context("an object")?.keys().collect();
    let order = [
        "database",
        "columns",
        "rows",
        "row_count",
        "truncated",
        "truncated_by",
        "elapsed_ms",
        "warnings",
    ];
    assert_eq!(keys, order);

    let lines: Vec<Value> = client
        .post(QUERY, &ask("ndjson"))
        .await?
        .text()
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    assert_eq!(lines[0]["database"], database);
    assert_eq!(lines[4]["row_count"], 3);

    for format in ["csv", "arrow", "parquet"] {
        let headers = [("te", "trailers"), ("connection", "te")];
        let request = client.request(Method::POST, QUERY, &headers, Some(&ask(format)))?;
        let answer = client.answer(request).await?;
        let header: Value = serde_json::from_str(answer.header("x-datachat-database"))?;
        assert_eq!(header, database, "{format}");
        assert_eq!(answer.trailers["x-datachat-row-count"], "3", "{format}");
        assert_eq!(
            answer.trailers["x-datachat-truncated"], "max_rows",
            "{format}"
        );
        let plain = client.post(QUERY, &ask(format)).await?;
        assert!(plain.trailers.is_empty(), "{format}");
        assert_eq!(plain.body, answer.body, "{format}");
    }
    Ok(())
}

#[tokio::test]
async fn an_error_after_the_first_rows_ends_json_with_a_problem_and_breaks_csv_off() -> Result<()> {
    let (_postgres, server, id) = served("late-errors").await?;
    let client = server.client();
    let ask = |format: &str| {
        json!({
            "sql": "SELECT id, repeat('x', 100), 1 / (id - 40000) FROM orders ORDER BY id",
            "limits": {"max_rows": 100_000}, "format": format,
        })
    };
    let body = client.post(QUERY, &ask("json")).await?.expect(200)?;
    assert_eq!(body["error"]["code"], "data_exception");
    assert_eq!(body["error"]["sqlstate"], "22012");
    assert_eq!(body["error"]["connection_id"], id);
    let rows = body["rows"].as_array().context("rows")?.len();
    assert!((1..40_000).contains(&rows), "{rows}");
    let mut csv = client
        .stream(Method::POST, QUERY, &[], Some(&ask("csv")))
        .await?;
    assert_eq!(csv.status, 200);
    let end = loop {
        match csv.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    assert!(end.is_err(), "a cut-off CSV looks whole");
    Ok(())
}

#[tokio::test]
async fn tools_find_tables_and_hand_values_on_untouched() -> Result<()> {
    let (_postgres, server, id) = served("tools").await?;
    let client = server.client();
    let call = |name: &str, arguments: Value| {
        let body = json!({"name": name, "arguments": arguments});
        async move { client.post(EXECUTE, &body).await }
    };

    let tables = call("list_tables", json!({"schema": "risk"}))
        .await?
        .expect(200)?;
    assert_eq!(tables["database"]["id"], id);
    assert_eq!(tables["result"]["tables"][0]["table"], "Order Lines");
    assert_eq!(tables["truncated"], false);
    let columns = call("list_columns", json!({"table": "order lines"}))
        .await?
        .expect(200)?;
    assert_eq!(
        columns["result"],
        json!({"table": "risk.Order Lines", "columns": [
            {"name": "id", "type": "integer", "nullable": true},
            {"name": "Net", "type": "text", "nullable": false},
        ]})
    );
    let sample = call(
        "get_table_sample",
        json!({"table": "public.ORDERS", "limit": 1000}),
    )
    .await?;
    assert!(
        sample
            .text()
            .contains(r#"{"b": 1.10, "a": 12345678901234567890}"#)
    );
    let sample = sample.expect(200)?;
    assert_eq!(sample["result"]["row_count"], 100);
    assert_eq!(sample["result"]["limit"], 100);
    let ran = call(
        "run_sql",
        json!({"query": "SELECT id, id, total FROM orders ORDER BY 1"}),
    )
    .await?;
    let ran = ran.expect(200)?;
    assert_eq!(ran["truncated"], true, "10,000 of 50,000 rows");
    assert_eq!(ran["result"]["data"]["id_2"][9999], 10_000);
    assert_eq!(ran["result"]["data"]["total"][0], "1.10");
    assert_eq!(
        ran["result"]["validation_warnings"][0]["warning_type"],
        "truncated"
    );

    call("nothing", json!({}))
        .await?
        .problem(404, "unknown_tool")?;
    call("list_columns", json!({"table": "nothing"}))
        .await?
        .problem(404, "table_not_found")?;
    let ambiguous = call("list_columns", json!({"table": "items"}))
        .await?
        .problem(409, "ambiguous_table")?;
    assert_eq!(
        ambiguous["candidates"],
        json!(["archive.items", "risk.items"])
    );
    let wrong = call("get_table_sample", json!({"table": "orders", "limit": "5"}))
        .await?
        .problem(422, "validation_failed")?;
    assert_eq!(wrong["field"], "arguments.limit");
    let refused = call("run_sql", json!({"query": "SELECT 1; DELETE FROM orders"}))
        .await?
        .problem(400, "multiple_statements")?;
    assert_eq!(refused["connection_id"], id);
    call("run_sql", json!({"query": "DELETE FROM orders"}))
        .await?
        .problem(403, "read_only_violation")?;
    let failed = call("run_sql", json!({"query": "SELECT nothing FROM orders"}))
        .await?
        .problem(400, "undefined_object")?;
    assert_eq!(
        (&failed["sqlstate"], &failed["position"]),
        (&json!("42703"), &json!(8))
    );
    Ok(())
}

#[tokio::test]
async fn the_servers_policy_decides_who_runs_what() -> Result<()> {
    let postgres = example()?;
    let folder = tempfile::tempdir()?;
    let policy = folder.path().join("policy.json");
    std::fs::write(
        &policy,
        r#"{"tools": {
            "list_tables": {"enabled": false}, "list_columns": {"allowed_users": ["ann"]},
            "get_table_sample": {"approval": "confirm"},
            "run_sql": {"approval": "operator", "max_execution_time_seconds": 1}}}"#,
    )?;
    let options = ServerOptions::new("policy")
        .variable("DATABASE_URL", &postgres.superuser_url("postgres"))
        .variable("TOOLS_POLICY_FILE", &policy.display().to_string());
    let (server, ann, bob) = with_keys(options).await?;
    let call = |body: Value| {
        let bob = bob.clone();
        async move { bob.post(EXECUTE, &body).await }
    };

    call(json!({"name": "list_tables"}))
        .await?
        .problem(403, "tool_disabled")?;
    call(json!({"name": "list_columns", "arguments": {"table": "orders"}}))
        .await?
        .problem(403, "user_not_allowed")?;
    let sample = json!({"name": "get_table_sample", "arguments": {"table": "orders"}});
    call(sample.clone())
        .await?
        .problem(403, "approval_required")?;
    let mut approved = sample;
    approved["approved"] = json!(true);
    let answer = call(approved).await?.expect(200)?;
    assert_eq!(answer["database"]["chosen_by"], "environment");

    // Somebody else's word counts for that very call, once.
    let count =
        |sql: &str| json!({"name": "run_sql", "arguments": {"query": sql}, "approved": true});
    let waiting = call(count("SELECT 1"))
        .await?
        .problem(403, "approval_required")?;
    let id = waiting["approval_id"].as_str().context("an id")?.to_owned();
    bob.post(&format!("/api/v1/tools/approvals/{id}"), &json!({}))
        .await?
        .problem(403, "forbidden")?;
    let output = server
        .command()?
        .env("DATACHAT_PORT", server.port().to_string())
        .args(["tools", "approve", &id])
        .output()?;
    assert!(output.status.success(), "{output:?}");
    call(count("SELECT 2"))
        .await?
        .problem(403, "approval_required")?;
    call(count("SELECT 1")).await?.expect(200)?;
    call(count("SELECT 1"))
        .await?
        .problem(403, "approval_required")?;

    // The rule's time holds for the whole call.
    let slow = call(count("SELECT pg_sleep(60)"))
        .await?
        .problem(403, "approval_required")?;
    let path = format!(
        "/api/v1/tools/approvals/{}",
        slow["approval_id"].as_str().context("id")?
    );
    ann.send(Method::POST, &path, None).await?.expect(200)?;
    let started = Instant::now();
    call(count("SELECT pg_sleep(60)"))
        .await?
        .problem(504, "timeout")?;
    assert!(started.elapsed() < Duration::from_secs(10));
    Ok(())
}

#[tokio::test]
async fn a_stop_waits_for_short_requests_and_cancels_long_ones() -> Result<()> {
    let postgres = example()?;
    let options = ServerOptions::new("stop").variable("DATACHAT_SHUTDOWN_GRACE_MS", "2000");
    let mut server = TestServer::start(options).await?;
    let id = server
        .register("A", &postgres.superuser_url("postgres"))
        .await?;
    let client = server.client().clone();
    let ask = |seconds: u32| {
        let client = client.clone();
        let body = json!({"sql": format!("SELECT pg_sleep({seconds})"), "target_database": id});
        tokio::spawn(async move { client.post(QUERY, &body).await })
    };
    let (short, long) = (ask(1), ask(600));
    let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(%'";
    let end = Instant::now() + Duration::from_secs(20);
    while postgres.psql("postgres", running)?.trim() != "2" && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::task::spawn_blocking(move || server.stop()).await??;
    short.await??.expect(200)?;
    long.await??.problem(503, "cancelled")?;
    let gone = Instant::now() + Duration::from_secs(1);
    while postgres.psql("postgres", running)?.trim() != "0" {
        assert!(Instant::now() < gone, "the statement outlived the server");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
