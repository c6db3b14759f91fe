//! When nobody waits any more, the statement is gone from the database within a second.
//!
//! A program of its own, so that no heavy test runs beside these bounds.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use datachat_tests::engines::Engine;
use datachat_tests::stage::{query, register, scalar, stage, unique};
use datachat_tests::{Client, ServerOptions, TestServer, on_every_engine};
use hyper::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// From the moment when nobody waits any more.
const BOUND: Duration = Duration::from_secs(1);

on_every_engine!(
    a_client_that_leaves_takes_its_statement_along,
    a_client_that_leaves_in_the_middle_of_a_result_takes_its_statement_along,
    at_the_time_limit_the_answer_is_504_and_the_statement_gone,
    the_time_limit_holds_in_the_middle_of_a_result_too,
    deleting_a_connection_cancels_what_runs_on_it,
    a_new_name_or_default_disturbs_no_statement,
    a_changed_url_takes_effect_at_once_and_on_every_session,
    a_stopping_server_lets_requests_finish_and_cancels_those_that_don_t,
);

/// A client of its own in a task: aborting it closes its connection, as a client that goes away does.
fn asking(client: &Client, path: &'static str, body: Value) -> JoinHandle<Result<()>> {
    let client = client.afresh();
    tokio::spawn(async move { client.post(path, &body).await.map(drop) })
}

async fn a_client_that_leaves_takes_its_statement_along(engine: Engine) -> Result<()> {
    let stage = stage().await?;
    let house = engine.house().await?;
    let client = stage.client();
    let id = register(&client, &house.url("alpha")).await?;
    for format in ["json", "arrow"] {
        let tag = format!("left waiting for {format}");
        let body = json!({"sql": engine.sleep(&tag), "target_database": id, "format": format});
        let request = asking(&client, "/api/v1/query", body);
        house.until_running(&tag).await?;
        request.abort();
        let took = house.until_gone(&tag).await?;
        assert!(took < BOUND, "{format}: after {took:?}");
    }
    let call = json!({
        "name": "run_sql", "arguments": {"query": engine.sleep("left a tool")}, "target_database": id,
    });
    let request = asking(&client, "/api/v1/tools/execute", call);
    house.until_running("left a tool").await?;
    request.abort();
    let took = house.until_gone("left a tool").await?;
    assert!(took < BOUND, "after {took:?}");
    assert_eq!(
        scalar(&client, &id, "SELECT marker FROM whoami").await?,
        "alpha"
    );
    Ok(())
}

async fn a_client_that_leaves_in_the_middle_of_a_result_takes_its_statement_along(
    engine: Engine,
) -> Result<()> {
    let stage = stage().await?;
    let house = engine.house().await?;
    let client = stage.client();
    let id = register(&client, &house.url("alpha")).await?;
    for format in ["json", "ndjson", "csv", "arrow", "parquet"] {
        let tag = format!("left reading {format}");
        let body = json!({
            "sql": engine.long(&tag),
            "target_database": id,
            "format": format,
            "limits": {"max_rows": 5_000_000, "max_bytes": 8_000_000_000_u64, "timeout_ms": 120_000},
        });
        let leaving = client.afresh();
        let mut stream = leaving
            .stream(Method::POST, "/api/v1/query", &[], Some(&body))
            .await?;
        stream.chunk().await?.context("no first byte")?;
        house.until_running(&tag).await?;
        drop(stream);
        drop(leaving);
        let took = house.until_gone(&tag).await?;
        assert!(took < BOUND, "{format}: after {took:?}");
    }
    Ok(())
}

async fn at_the_time_limit_the_answer_is_504_and_the_statement_gone(engine: Engine) -> Result<()> {
    let stage = stage().await?;
    let house = engine.house().await?;
    let client = stage.client();
    let id = register(&client, &house.url("alpha")).await?;
    let body = json!({
        "sql": engine.sleep("out of time"), "target_database": id, "limits": {"timeout_ms": 700},
    });
    let start = Instant::now();
    let answer = client.post("/api/v1/query", &body).await?;
    let took = start.elapsed();
    let problem = answer.problem(504, "timeout")?;
    assert_eq!(problem["connection_id"], id);
    assert!(took >= Duration::from_millis(700), "after {took:?}");
    assert!(took < Duration::from_millis(1700), "after {took:?}");
    let gone = house.until_gone("out of time").await?;
    assert!(gone < BOUND, "after {gone:?}");
    Ok(())
}

async fn the_time_limit_holds_in_the_middle_of_a_result_too(engine: Engine) -> Result<()> {
    let stage = stage().await?;
    let house = engine.house().await?;
    let client = stage.client();
    let id = register(&client, &house.url("alpha")).await?;
    let body = json!({
        "sql": engine.drip("drips"),
        "target_database": id,
        "limits": {"timeout_ms": 3000, "max_rows": 5_000_000, "max_bytes": 1_000_000_000},
    });
    let start = Instant::now();
    let answer = client.post("/api/v1/query", &body).await?;
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "after {:?}",
        start.elapsed()
    );
    // Whether rows were on their way already decides between the two forms.
    let problem = if answer.status == 200 {
        answer.json()["error"].clone()
    } else {
        answer.problem(504, "timeout")?
    };
    assert_eq!(problem["code"], "timeout");
    let gone = house.until_gone("drips").await?;
    assert!(gone < BOUND, "after {gone:?}");
    Ok(())
}

async fn deleting_a_connection_cancels_what_runs_on_it(engine: Engine) -> Result<()> {
    let stage = stage().await?;
    let house = engine.house().await?;
    let client = stage.client();
    let id = register(&client, &house.url("alpha")).await?;
    let other = register(&client, &house.url("alpha")).await?;
    let ask = |id: &str, tag: &str| {
        let (client, body) = (
            client.afresh(),
            json!({"sql": engine.sleep(tag), "target_database": id}),
        );
        tokio::spawn(async move { client.post("/api/v1/query", &body).await })
    };
    let doomed = ask(&id, "on the deleted one");
    let neighbour = ask(&other, "on its neighbour");
    house.until_running("on the deleted one").await?;
    house.until_running("on its neighbour").await?;
    client
        .delete(&format!("/api/v1/databases/{id}"))
        .await?
        .expect(204)?;
    let gone = house.until_gone("on the deleted one").await?;
    assert!(gone < BOUND, "after {gone:?}");
    let problem = doomed.await??.problem(503, "cancelled")?;
    assert_eq!(problem["connection_id"], id);
    // Same server, same role, same database, but another connection.
    assert!(house.running("on its neighbour")? > 0);
    neighbour.abort();
    Ok(())
}

async fn a_new_name_or_default_disturbs_no_statement(engine: Engine) -> Result<()> {
    let stage = stage().await?;
    let house = engine.house().await?;
    let client = stage.client();
    let id = register(&client, &house.url("alpha")).await?;
    let path = format!("/api/v1/databases/{id}");
    let sql = engine.slowly(1.5, "undisturbed");
    let (answer, changed) = tokio::join!(query(&client, &id, &sql), async {
        house.until_running("undisturbed").await?;
        let name = json!({"name": unique("renamed"), "tags": ["x"]});
        client.patch(&path, &name).await?.expect(200)
    });
    changed?;
    assert_eq!(answer?.expect(200)?["rows"][0][0], "alpha");
    Ok(())
}

async fn a_changed_url_takes_effect_at_once_and_on_every_session(engine: Engine) -> Result<()> {
    let stage = stage().await?;
    let house = engine.house().await?;
    let client = stage.client();
    let id = register(&client, &house.url("alpha")).await?;
    let slowly = engine.slowly(0.1, "on its own session");
    // Several idle sessions of the old URL.
    let warm = (0..6).map(|_| query(&client, &id, &slowly));
    for answer in futures_util::future::join_all(warm).await {
        assert_eq!(answer?.expect(200)?["rows"][0][0], "alpha");
    }
    let url = json!({"database_url": house.url("beta")});
    client
        .patch(&format!("/api/v1/databases/{id}"), &url)
        .await?
        .expect(200)?;
    let asked = (0..12).map(|_| query(&client, &id, &slowly));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer?.expect(200)?["rows"][0][0], "beta");
    }
    Ok(())
}

async fn a_stopping_server_lets_requests_finish_and_cancels_those_that_don_t(
    engine: Engine,
) -> Result<()> {
    let house = engine.house().await?;
    let mut server = TestServer::start(
        ServerOptions::new("stopping").variable("DATACHAT_SHUTDOWN_GRACE_MS", "3000"),
    )
    .await?;
    let client = server.client().clone();
    let id = register(&client, &house.url("alpha")).await?;
    let ask = |sql: &str| {
        let (client, body) = (client.afresh(), json!({"sql": sql, "target_database": id}));
        tokio::spawn(async move { client.post("/api/v1/query", &body).await })
    };
    let short = ask(&engine.slowly(1.5, "in good time"));
    let long = ask(&engine.sleep("never finishes"));
    house.until_running("in good time").await?;
    house.until_running("never finishes").await?;
    let start = Instant::now();
    tokio::task::spawn_blocking(move || server.stop().map(|()| server)).await??;
    let took = start.elapsed();
    assert_eq!(short.await??.expect(200)?["rows"][0][0], "alpha");
    if let Ok(answer) = long.await? {
        answer.problem(503, "cancelled")?;
    }
    assert!(took < Duration::from_secs(10), "after {took:?}");
    let gone = house.until_gone("never finishes").await?;
    assert!(gone < BOUND, "after {gone:?}");
    Ok(())
}

#[tokio::test]
async fn connections_that_say_nothing_hold_up_a_stop_no_longer_than_its_limits() -> Result<()> {
    use tokio::io::AsyncWriteExt;
    let mut server = TestServer::start(
        ServerOptions::new("silent")
            .variable("DATACHAT_SHUTDOWN_GRACE_MS", "2000")
            .variable("DATACHAT_CANCEL_TIMEOUT_MS", "1000"),
    )
    .await?;
    // One that waits for its next request, one in the middle of its head, one in the middle of its body.
    server.client().get("/health").await?.expect(200)?;
    let mut held = Vec::new();
    for part in [
        "GET /health HTT",
        "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n{\"sql\"",
    ] {
        let mut peer = tokio::net::TcpStream::connect(("127.0.0.1", server.port())).await?;
        peer.write_all(part.as_bytes()).await?;
        held.push(peer);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let start = Instant::now();
    server.stop()?;
    let took = start.elapsed();
    assert!(took < Duration::from_secs(6), "after {took:?}");
    Ok(())
}
