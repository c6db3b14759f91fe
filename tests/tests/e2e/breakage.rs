//! A database that dies in the middle of a result: never a short result that looks whole.

use std::io::Cursor;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use arrow_ipc::reader::StreamReader;
use datachat_tests::{Client, Postgres, Streaming};
use hyper::Method;
use serde_json::{Value, json};

use crate::stage::{
    direct, own_postgres, query, reader_url, register, scalar, stage, until_running,
};

/// Far more than the buffers between database and client hold.
const LONG: &str = "SELECT n, repeat(md5(n::text), 60) AS padding FROM (SELECT generate_series(1, 3000000) AS n) AS numbers";

/// A body up to where it ended, and whether it ended properly.
struct Body {
    bytes: Vec<u8>,
    whole: bool,
}

async fn start(client: &Client, id: &str, format: &str) -> Result<Streaming> {
    let body = json!({
        "sql": LONG,
        "target_database": id,
        "format": format,
        "limits": {"max_rows": 3_000_000, "max_bytes": 8_000_000_000_u64, "timeout_ms": 120_000},
    });
    let mut stream = client
        .stream(Method::POST, "/api/v1/query", &[], Some(&body))
        .await?;
    if stream.status != 200 {
        let text = stream.chunk().await?.unwrap_or_default();
        bail!("{}: {}", stream.status, String::from_utf8_lossy(&text));
    }
    Ok(stream)
}

async fn rest(mut stream: Streaming, mut bytes: Vec<u8>) -> Body {
    loop {
        match stream.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Body { bytes, whole: true },
            Err(_) => {
                return Body {
                    bytes,
                    whole: false,
                };
            }
        }
    }
}

/// Kills the database's process with signal 9 when the first bytes have arrived.
async fn broken(client: &Client, postgres: &Postgres, id: &str, format: &str) -> Result<Body> {
    let aside = direct(postgres, "alpha").await?;
    let mut stream = start(client, id, format).await?;
    let first = stream.chunk().await?.context("no first byte")?;
    let process = until_running(&aside, "AS padding").await?;
    let killed = Command::new("kill")
        .args(["-9", &process.to_string()])
        .status()?;
    ensure!(killed.success());
    Ok(rest(stream, first.to_vec()).await)
}

/// PostgreSQL restarts itself when one of its processes was killed.
async fn until_back(client: &Client, id: &str) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = query(client, id, "SELECT 1").await?;
        if answer.status == 200 {
            return Ok(());
        }
        let code = answer.json()["code"].clone();
        let expected = [
            "connection_refused",
            "protocol",
            "internal",
            "cancelled",
            "busy",
        ];
        ensure!(
            expected.iter().any(|known| code == *known),
            "{}",
            answer.text()
        );
        ensure!(Instant::now() < end, "{}", answer.text());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_database_that_dies_in_the_middle_of_a_result_is_an_error_in_every_format() -> Result<()>
{
    let stage = stage().await?;
    let client = stage.client();
    let postgres = own_postgres()?;
    let id = register(&client, &reader_url(&postgres, "alpha")).await?;
    for format in ["json", "ndjson", "csv", "arrow", "parquet"] {
        until_back(&client, &id).await?;
        let body = broken(&client, &postgres, &id, format)
            .await
            .context(format)?;
        match format {
            "json" => {
                ensure!(body.whole, "JSON says what happened, it does not break off");
                let value: Value = serde_json::from_slice(&body.bytes).context("JSON")?;
                assert_error(&value["error"], &id);
                let rows = value["rows"].as_array().context("no rows")?.len();
                ensure!((1..3_000_000).contains(&rows));
            }
            "ndjson" => {
                ensure!(
                    body.whole,
                    "NDJSON says what happened, it does not break off"
                );
                let text = String::from_utf8(body.bytes)?;
                let last = text.lines().last().context("empty")?;
                let last: Value = serde_json::from_str(last)?;
                assert_error(&last["error"], &id);
                ensure!(
                    last.get("row_count")
                        .is_none_or(|_| last["error"].is_object())
                );
            }
            "arrow" => {
                ensure!(!body.whole, "the Arrow stream looks complete");
                // Nor does what arrived end as an Arrow stream ends.
                ensure!(!body.bytes.ends_with(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
                if let Ok(reader) = StreamReader::try_new(Cursor::new(&body.bytes), None) {
                    let rows: usize = reader.map_while(Result::ok).map(|b| b.num_rows()).sum();
                    ensure!(rows < 3_000_000);
                }
            }
            _ => ensure!(!body.whole, "{format} looks complete"),
        }
    }
    until_back(&client, &id).await?;
    assert_eq!(
        scalar(&client, &id, "SELECT marker FROM whoami").await?,
        "alpha"
    );
    Ok(())
}

fn assert_error(problem: &Value, id: &str) {
    let code = problem["code"].as_str().unwrap_or_default();
    // What PostgreSQL manages to say to its other processes decides which of them it is.
    let expected = ["protocol", "connection_refused", "cancelled", "internal"];
    assert!(expected.contains(&code), "{problem}");
    assert_eq!(problem["type"], format!("/problems/{code}"));
    assert_eq!(problem["connection_id"], id);
}

#[tokio::test]
async fn a_session_that_an_administrator_ends_is_an_error_not_an_end() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let postgres = own_postgres()?;
    let aside = direct(&postgres, "alpha").await?;
    let id = register(&client, &reader_url(&postgres, "alpha")).await?;
    let mut stream = start(&client, &id, "json").await?;
    let first = stream.chunk().await?.context("no first byte")?;
    let process = until_running(&aside, "AS padding").await?;
    aside
        .execute("SELECT pg_terminate_backend($1)", &[&process])
        .await?;
    let body = rest(stream, first.to_vec()).await;
    ensure!(body.whole);
    let value: Value = serde_json::from_slice(&body.bytes)?;
    let error = &value["error"];
    assert_eq!(error["code"], "protocol");
    // Who is cut off while it sends can't say why any more.
    let reasons = [json!("57P01"), Value::Null];
    assert!(reasons.contains(&error["sqlstate"]), "{error}");
    // The very next request has a session that works.
    assert_eq!(
        scalar(&client, &id, "SELECT marker FROM whoami").await?,
        "alpha"
    );
    Ok(())
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_result_ends_it_with_that_error() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let id = stage.register(&client, "alpha").await?;
    let sql = "SELECT repeat('x', 2000), 1 / (100000 - n) FROM generate_series(1, 200000) n";
    let ask = |format: &str| json!({"sql": sql, "target_database": id, "format": format, "limits": {"max_rows": 200_000, "max_bytes": 1_000_000_000, "timeout_ms": 300_000}});
    let body = client
        .post("/api/v1/query", &ask("json"))
        .await?
        .expect(200)?;
    assert_eq!(body["error"]["code"], "data_exception");
    assert_eq!(body["error"]["sqlstate"], "22012");
    assert_eq!(body["error"]["connection_id"], id);
    assert!(
        body["rows"]
            .as_array()
            .is_some_and(|rows| rows.len() < 100_000)
    );
    for format in ["csv", "arrow"] {
        let answer = client.post("/api/v1/query", &ask(format)).await;
        assert!(answer.is_err(), "{format} looks complete");
    }
    // These rows are so alike that the first row group never fills: nothing has been sent.
    let answer = client.post("/api/v1/query", &ask("parquet")).await?;
    answer.problem(400, "data_exception")?;
    // The session is fit for use again.
    assert_eq!(
        scalar(&client, &id, "SELECT marker FROM whoami").await?,
        "alpha"
    );
    Ok(())
}
