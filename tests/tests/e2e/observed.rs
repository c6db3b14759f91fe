//! What an operator sees: metrics that move with what happens, and log lines that a machine reads and that say
//! whose they are.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use datachat_tests::{Client, Postgres, ServerOptions, TestServer};
use hyper::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::stage::{own_postgres, query, question, reader_url, register, tool};

/// A server with one connection, to a PostgreSQL whose functions say something.
async fn server(name: &str, log: &str) -> Result<(TestServer, Postgres, String)> {
    let postgres = own_postgres()?;
    postgres.psql(
        "alpha",
        "CREATE FUNCTION noisy(n int) RETURNS int LANGUAGE plpgsql AS
         $$ BEGIN RAISE NOTICE 'noise %', n; RETURN n; END $$",
    )?;
    let server = TestServer::start(ServerOptions::new(name).variable("DATACHAT_LOG", log)).await?;
    let id = register(server.client(), &reader_url(&postgres, "alpha")).await?;
    Ok((server, postgres, id))
}

/// The value of every series that counts something.
async fn metrics(client: &Client) -> Result<BTreeMap<String, u64>> {
    let answer = client.get("/metrics").await?;
    answer.expect(200)?;
    let mut counts = BTreeMap::new();
    for line in answer.text().lines() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').context("a line without a value")?;
        value.parse::<f64>().with_context(|| line.to_owned())?;
        if let Ok(count) = value.parse() {
            counts.insert(series.to_owned(), count);
        }
    }
    Ok(counts)
}

/// How much the series of a name with all these labels grew, in all.
fn growth(
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
    name: &str,
    labels: &[&str],
) -> u64 {
    let sum = |all: &BTreeMap<String, u64>| -> u64 {
        all.iter()
            .filter(|(series, _)| {
                series.split('{').next() == Some(name)
                    && labels.iter().all(|label| series.contains(label))
            })
            .map(|(_, value)| value)
            .sum()
    };
    sum(after) - sum(before)
}

#[tokio::test]
async fn every_request_and_every_call_of_a_plugin_is_counted_by_how_it_ended() -> Result<()> {
    let (server, _postgres, id) = server("metrics", "info").await?;
    let client = server.client();
    query(client, &id, "SELECT 1").await?.expect(200)?;
    let before = metrics(client).await?;
    for _ in 0..3 {
        query(client, &id, "SELECT * FROM orders")
            .await?
            .expect(200)?;
    }
    query(client, &id, "SELECT nothing")
        .await?
        .problem(400, "undefined_object")?;
    query(client, &id, "DELETE FROM orders")
        .await?
        .problem(403, "read_only_violation")?;
    let mut late = question("SELECT pg_sleep(5)", id.as_str());
    late["limits"] = json!({"timeout_ms": 300});
    client
        .post("/api/v1/query", &late)
        .await?
        .problem(504, "timeout")?;
    tool(client, &id, "list_tables", json!({}))
        .await?
        .expect(200)?;
    client
        .get("/api/v1/nothing")
        .await?
        .problem(404, "not_found")?;
    let after = metrics(client).await?;

    let requests =
        |labels: &[&str]| growth(&before, &after, "datachat_http_requests_total", labels);
    let route = r#"route="/api/v1/query""#;
    for (status, count) in [("200", 3), ("400", 1), ("403", 1), ("504", 1)] {
        let status = format!("status=\"{status}\"");
        assert_eq!(
            requests(&[r#"method="POST""#, route, &status]),
            count,
            "{status}"
        );
    }
    let tools = [r#"route="/api/v1/tools/execute""#, r#"status="200""#];
    assert_eq!(requests(&tools), 1);
    // One series for all paths that don't exist.
    assert_eq!(requests(&[r#"route="unknown""#, r#"status="404""#]), 1);
    let timed = growth(
        &before,
        &after,
        "datachat_http_request_seconds_count",
        &[route],
    );
    assert_eq!(timed, 6);

    let calls = |labels: &[&str]| growth(&before, &after, "datachat_plugin_calls_total", labels);
    let postgres = r#"plugin="postgres""#;
    // What the policy refuses never gets there.
    let started = calls(&[postgres, r#"call="query""#]);
    ensure!(started >= 4, "{started} calls");
    assert_eq!(calls(&[r#"plugin="sql-tools""#, r#"outcome="ok""#]), 1);
    assert_eq!(calls(&[postgres, r#"outcome="trap""#]), 0);
    let read = growth(
        &before,
        &after,
        "datachat_plugin_bytes_read_total",
        &[postgres],
    );
    ensure!(read > 1000, "{read} bytes");
    let open = after
        .get("datachat_plugin_sessions_open")
        .context("open sessions")?;
    ensure!(*open >= 1, "{open}");
    Ok(())
}

/// Asks under an id of the caller's own.
async fn ask_as(client: &Client, request_id: &str, path: &str, body: &Value) -> Result<u16> {
    let headers = [("x-request-id", request_id)];
    let request = client.request(Method::POST, path, &headers, Some(body))?;
    Ok(client.answer(request).await?.status.as_u16())
}

/// The value of a field of a line, wherever it stands: in the line, or in one of the spans around it.
fn field<'a>(line: &'a Value, name: &str) -> Option<&'a str> {
    let spans = line["spans"].as_array().into_iter().flatten();
    std::iter::once(&line["fields"])
        .chain(spans)
        .find_map(|place| place[name].as_str())
}

/// The id of the request that a line belongs to.
fn request_of(line: &Value) -> Option<&str> {
    let mut spans = line["spans"].as_array().into_iter().flatten();
    spans.find(|span| span["name"] == "request")?["id"].as_str()
}

#[tokio::test]
async fn every_line_of_the_log_is_json_and_says_whose_it_is() -> Result<()> {
    let (mut server, _postgres, id) = server("log-lines", "debug").await?;
    let client = server.client().clone();
    let ids: Vec<String> = (0..4).map(|_| Uuid::new_v4().to_string()).collect();
    let long = "SELECT noisy(n), repeat(md5(n::text), 300) FROM generate_series(1, 1000) n";
    let mut body = question(long, id.as_str());
    body["limits"] = json!({"max_bytes": 1_000_000_000, "timeout_ms": 300_000});
    for (request, path, body, status) in [
        (
            &ids[0],
            "/api/v1/query",
            question("SELECT noisy(-7)", id.as_str()),
            200,
        ),
        // Most of it is read while the body is on its way.
        (&ids[1], "/api/v1/query", body, 200),
        (
            &ids[2],
            "/api/v1/query",
            question("SELECT nothing", id.as_str()),
            400,
        ),
        (
            &ids[3],
            "/api/v1/tools/execute",
            json!({"name": "list_tables", "arguments": {}, "target_database": id}),
            200,
        ),
    ] {
        assert_eq!(ask_as(&client, request, path, &body).await?, status);
    }
    let text = server.log_text();
    server.stop()?;

    let mut lines: Vec<Value> = Vec::new();
    for line in text.lines() {
        match serde_json::from_str(line) {
            Ok(line) => lines.push(line),
            // What standard output says to a person.
            Err(_) => ensure!(line.contains(" listens on http://"), "no JSON: {line}"),
        }
    }
    for line in &lines {
        for member in ["timestamp", "level", "target", "fields"] {
            ensure!(!line[member].is_null(), "no {member}: {line}");
        }
    }
    let message = |line: &Value, text: &str| {
        line["fields"]["message"]
            .as_str()
            .is_some_and(|message| message.contains(text))
    };
    let of = |request: &str, text: &str| -> Vec<&Value> {
        let own = lines
            .iter()
            .filter(|line| request_of(line) == Some(request));
        own.filter(|line| message(line, text)).collect()
    };

    // What the database says is logged under plugin, connection and request, from the first row to the last.
    let first = of(&ids[0], "noise -7");
    ensure!(first.len() == 1, "a short result: {first:?}");
    let last = of(&ids[1], "noise 1000");
    ensure!(last.len() == 1, "a long result: {last:?}");
    for line in lines.iter().filter(|line| message(line, "noise")) {
        ensure!(field(line, "plugin") == Some("postgres"), "{line}");
        ensure!(field(line, "connection") == Some(id.as_str()), "{line}");
        ensure!(request_of(line).is_some(), "{line}");
    }
    let refused = of(&ids[2], "refused or failed");
    ensure!(refused.len() == 1, "a refusal: {refused:?}");
    assert_eq!(field(refused[0], "code"), Some("undefined_object"));
    let called = of(&ids[3], "tool call");
    ensure!(called.len() == 1, "a tool call: {called:?}");
    assert_eq!(field(called[0], "tool"), Some("list_tables"));
    assert_eq!(field(called[0], "connection"), Some(id.as_str()));
    for request in &ids {
        ensure!(of(request, "request answered").len() == 1, "{request}");
    }
    Ok(())
}
