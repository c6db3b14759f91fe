//! Two databases with a table of the same name, and many clients that ask both in every way at once.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use arrow_array::cast::AsArray;
use arrow_ipc::reader::StreamReader;
use datachat_tests::{Answer, Client, ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::door::{Door, assert_answered};
use crate::stage::{header_database, own_postgres, reader_url, register, stage};

const CLIENTS: usize = 64;
const REQUESTS: usize = 200;
/// Far more than it takes, also on two busy cores: nothing hangs.
const BOUND: Duration = Duration::from_mins(3);

/// What a request is about; the same statement text goes to both databases, so that a mix-up of sessions,
/// of prepared statements or of pools would show.
#[derive(Debug, Clone, Copy)]
enum Way {
    Json,
    Ndjson,
    Csv,
    Arrow,
    RunSql,
    Sample,
    Columns,
}

const WAYS: [Way; 7] = [
    Way::Json,
    Way::Ndjson,
    Way::Csv,
    Way::Arrow,
    Way::RunSql,
    Way::Sample,
    Way::Columns,
];

struct Databases {
    alpha: String,
    beta: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_clients_get_every_answer_from_the_database_they_asked() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(ServerOptions::new("isolation")).await?;
    let client = server.client();
    let databases = Arc::new(Databases {
        alpha: register(client, &reader_url(&stage.postgres, "alpha")).await?,
        beta: register(client, &reader_url(&stage.postgres, "beta")).await?,
    });
    let default = format!("/api/v1/databases/{}/default", databases.alpha);
    client.put(&default, &json!({})).await?.expect(204)?;

    let start = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (client, databases) = (client.clone(), databases.clone());
            tokio::spawn(async move {
                for request in 0..REQUESTS {
                    ask(&client, &databases, number * REQUESTS + request).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for client in clients {
        client.await??;
    }
    let took = start.elapsed();
    ensure!(took < BOUND, "it took {took:?}");
    eprintln!("{} requests in {took:.1?}", CLIENTS * REQUESTS);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_comes_and_goes_harms_no_other() -> Result<()> {
    let stage = stage().await?;
    let mut failing = own_postgres()?;
    let server = TestServer::start(ServerOptions::new("coming-and-going")).await?;
    let client = server.client();
    let alpha = register(client, &reader_url(&stage.postgres, "alpha")).await?;
    let beta = register(client, &reader_url(&failing, "beta")).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let ask = |id: &str, marker: &'static str, may_fail: bool| {
        let (client, id, stop) = (client.clone(), id.to_owned(), stop.clone());
        tokio::spawn(async move {
            let (mut answered, mut failed) = (0, 0);
            while !stop.load(Ordering::Relaxed) {
                let door = Door::ALL[answered % 2];
                let answer = door.ask(&client, Some(json!(id))).await?;
                if answer.status == 200 {
                    assert_answered(door, &answer, marker, &id, "explicit");
                    answered += 1;
                    continue;
                }
                ensure!(may_fail, "{}", answer.text());
                let problem = answer.json();
                let code = problem["code"].as_str().unwrap_or_default();
                let known = ["connection_refused", "protocol", "cancelled", "busy"];
                ensure!(known.contains(&code), "{problem}");
                ensure!(problem["connection_id"] == json!(id), "{problem}");
                failed += 1;
            }
            anyhow::Ok((answered, failed))
        })
    };
    let steady: Vec<_> = (0..8).map(|_| ask(&alpha, "alpha", false)).collect();
    let shaken: Vec<_> = (0..8).map(|_| ask(&beta, "beta", true)).collect();
    let failing = tokio::task::spawn_blocking(move || {
        for round in 0..4 {
            std::thread::sleep(Duration::from_millis(800));
            if round % 2 == 0 {
                failing.kill_9()?;
            } else {
                failing.stop()?;
            }
            std::thread::sleep(Duration::from_millis(400));
            failing.launch()?;
        }
        std::thread::sleep(Duration::from_millis(800));
        anyhow::Ok(failing)
    })
    .await??;
    stop.store(true, Ordering::Relaxed);
    let (mut answered, mut failed) = (0, 0);
    for client in steady {
        let (count, _) = client.await??;
        ensure!(count > 0);
    }
    for client in shaken {
        let counts = client.await??;
        answered += counts.0;
        failed += counts.1;
    }
    eprintln!("{answered} answers, {failed} failures of the one that came and went");
    ensure!(answered > 0 && failed > 0);
    for door in Door::ALL {
        let answer = door.ask(client, Some(json!(beta))).await?;
        assert_answered(door, &answer, "beta", &beta, "explicit");
    }
    drop(failing);
    Ok(())
}

async fn ask(client: &Client, databases: &Databases, number: usize) -> Result<()> {
    // Both factors have no common divisor with the number of ways: every way meets every target.
    let way = WAYS[number % WAYS.len()];
    let (target, marker, id) = match number % 3 {
        0 => (json!(databases.alpha), "alpha", &databases.alpha),
        1 => (json!(databases.beta), "beta", &databases.beta),
        _ => (Value::Null, "alpha", &databases.alpha),
    };
    let row = number % 50 + 1;
    let answer = send(client, way, &target, row).await?;
    check(way, &answer, marker, id, row)
        .with_context(|| format!("{way:?} of {target}: {}", answer.text()))
}

async fn send(client: &Client, way: Way, target: &Value, row: usize) -> Result<Answer> {
    let tool = |name: &str, arguments: Value| json!({"name": name, "arguments": arguments, "target_database": target});
    let (path, body) = match way {
        Way::Json | Way::Ndjson | Way::Csv | Way::Arrow => (
            "/api/v1/query",
            json!({
                "sql": "SELECT id, marker FROM orders WHERE id = $1",
                "params": [row],
                "target_database": target,
                "format": format!("{way:?}").to_lowercase(),
            }),
        ),
        Way::RunSql => {
            let sql = format!("SELECT id, marker FROM orders WHERE id = {row}");
            (
                "/api/v1/tools/execute",
                tool("run_sql", json!({"query": sql})),
            )
        }
        Way::Sample => (
            "/api/v1/tools/execute",
            tool("get_table_sample", json!({"table": "orders", "limit": 3})),
        ),
        Way::Columns => (
            "/api/v1/tools/execute",
            tool("list_columns", json!({"table": "orders"})),
        ),
    };
    client.post(path, &body).await
}

fn check(way: Way, answer: &Answer, marker: &str, id: &str, row: usize) -> Result<()> {
    ensure!(answer.status == 200);
    let body = answer.json();
    match way {
        Way::Json => {
            ensure!(body["database"]["id"] == id);
            ensure!(body["rows"] == json!([[row, marker]]));
            ensure!(body["truncated"] == false);
        }
        Way::Ndjson => {
            let text = answer.text();
            let mut lines = text.lines().map(serde_json::from_str::<Value>);
            let mut line = || lines.next().context("too short")?.context("not JSON");
            ensure!(line()?["database"]["id"] == id);
            ensure!(line()? == json!([row, marker]));
            ensure!(line()?["row_count"] == 1);
        }
        Way::Csv => {
            ensure!(header_database(answer)? == id);
            ensure!(answer.text() == format!("id,marker\r\n{row},{marker}\r\n"));
        }
        Way::Arrow => {
            ensure!(header_database(answer)? == id);
            let batches = StreamReader::try_new(Cursor::new(&answer.body), None)?
                .collect::<Result<Vec<_>, _>>()?;
            let [batch] = batches.as_slice() else {
                bail!("{} batches", batches.len());
            };
            ensure!(batch.num_rows() == 1);
            ensure!(batch.column(1).as_string::<i32>().value(0) == marker);
        }
        Way::RunSql => {
            ensure!(body["database"]["id"] == id);
            ensure!(body["result"]["data"] == json!({"id": [row], "marker": [marker]}));
        }
        Way::Sample => {
            ensure!(body["database"]["id"] == id);
            let rows = body["result"]["rows"].as_array().context("no rows")?;
            ensure!(rows.len() == 3);
            ensure!(rows.iter().all(|row| row["marker"] == marker));
        }
        Way::Columns => {
            ensure!(body["database"]["id"] == id);
            let own = if marker == "alpha" { "price" } else { "colour" };
            let columns = body["result"]["columns"].as_array().context("no columns")?;
            ensure!(columns.len() == 3);
            ensure!(columns[2]["name"] == own);
        }
    }
    Ok(())
}
