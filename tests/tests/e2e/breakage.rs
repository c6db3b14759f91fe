//! A database that dies in the middle of a result: never a short result that looks whole.

use std::io::Cursor;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use arrow_ipc::reader::StreamReader;
use datachat_tests::engines::{Engine, House};
use datachat_tests::{Client, Streaming, on_every_engine};
use hyper::Method;
use serde_json::{Value, json};

use crate::stage::{query, register, scalar, stage};

on_every_engine!(
    a_database_that_dies_in_the_middle_of_a_result_is_an_error_in_every_format,
    a_statement_that_an_administrator_ends_is_an_error_not_an_end,
    an_error_in_the_middle_of_a_result_ends_it_with_that_error,
);

/// The rows of a long statement.
const ROWS: usize = 5_000_000;

/// A body up to where it ended, and whether it ended properly.
struct Body {
    bytes: Vec<u8>,
    whole: bool,
}

async fn start(client: &Client, engine: Engine, id: &str, format: &str) -> Result<Streaming> {
    let body = json!({
        "sql": engine.long("goes on and on"),
        "target_database": id,
        "format": format,
        "limits": {"max_rows": ROWS, "max_bytes": 8_000_000_000_u64, "timeout_ms": 120_000},
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

/// Kills what runs the statement when the first bytes have arrived.
async fn broken(client: &Client, house: &mut House, id: &str, format: &str) -> Result<Body> {
    let mut stream = start(client, house.engine(), id, format).await?;
    let first = stream.chunk().await?.context("no first byte")?;
    house.until_running("goes on and on").await?;
    let (body, killed) = tokio::join!(rest(stream, first.to_vec()), async {
        tokio::task::block_in_place(|| house.kill_runner("goes on and on"))
    });
    killed?;
    Ok(body)
}

/// A database that was killed takes its time to come back.
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

async fn a_database_that_dies_in_the_middle_of_a_result_is_an_error_in_every_format(
    engine: Engine,
) -> Result<()> {
    if !engine.is_ours("a database that dies in the middle of a result is an error in every format")
    {
        return Ok(());
    }
    let client = stage().await?.client();
    let mut house = House::start(engine)?;
    let id = register(&client, &house.url("alpha")).await?;
    for format in ["json", "ndjson", "csv", "arrow", "parquet"] {
        until_back(&client, &id).await?;
        let body = broken(&client, &mut house, &id, format)
            .await
            .context(format)?;
        match format {
            "json" => {
                ensure!(body.whole, "JSON says what happened, it does not break off");
                let value: Value = serde_json::from_slice(&body.bytes).context("JSON")?;
                assert_error(&value["error"], &id);
                let rows = value["rows"].as_array().context("no rows")?.len();
                ensure!((1..ROWS).contains(&rows));
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
                    ensure!(rows < ROWS);
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
    // What a server manages to say before it dies decides which of them it is.
    let expected = ["protocol", "connection_refused", "cancelled", "internal"];
    assert!(expected.contains(&code), "{problem}");
    assert_eq!(problem["type"], format!("/problems/{code}"));
    assert_eq!(problem["connection_id"], id);
}

async fn a_statement_that_an_administrator_ends_is_an_error_not_an_end(
    engine: Engine,
) -> Result<()> {
    let client = stage().await?.client();
    let house = House::start(engine)?;
    let id = register(&client, &house.url("alpha")).await?;
    let mut stream = start(&client, engine, &id, "json").await?;
    let first = stream.chunk().await?.context("no first byte")?;
    house.until_running("goes on and on").await?;
    house.end("goes on and on")?;
    let body = rest(stream, first.to_vec()).await;
    ensure!(body.whole);
    let value: Value = serde_json::from_slice(&body.bytes)?;
    let error = &value["error"];
    // ClickHouse has no sessions: the statement alone is ended.
    let code = match engine {
        Engine::PostgreSql | Engine::MariaDb => "protocol",
        Engine::ClickHouse | Engine::NewClickHouse => "cancelled",
    };
    assert_eq!(error["code"], code, "{error}");
    if engine == Engine::PostgreSql {
        // Who is cut off while it sends can't say why any more.
        let reasons = [json!("57P01"), Value::Null];
        assert!(reasons.contains(&error["sqlstate"]), "{error}");
    }
    // The very next request has a session that works.
    assert_eq!(
        scalar(&client, &id, "SELECT marker FROM whoami").await?,
        "alpha"
    );
    Ok(())
}

async fn an_error_in_the_middle_of_a_result_ends_it_with_that_error(engine: Engine) -> Result<()> {
    let client = stage().await?.client();
    let id = register(&client, &engine.house().await?.url("alpha")).await?;
    let sql = engine.failing();
    let ask = |format: &str| json!({"sql": sql, "target_database": id, "format": format, "limits": {"max_rows": 200_000, "max_bytes": 1_000_000_000, "timeout_ms": 300_000}});
    let body = client
        .post("/api/v1/query", &ask("json"))
        .await?
        .expect(200)?;
    assert_eq!(body["error"]["code"], "data_exception");
    let (field, number) = match engine {
        Engine::PostgreSql => ("sqlstate", "22012"),
        Engine::MariaDb => ("vendor_code", "1242"),
        Engine::ClickHouse | Engine::NewClickHouse => ("vendor_code", "395"),
    };
    assert_eq!(body["error"][field], number, "{}", body["error"]);
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
