//! Databases with a table of the same name, and many clients that ask all of them in every way at once.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use arrow_array::cast::AsArray;
use arrow_ipc::reader::StreamReader;
use datachat_tests::engines::{Engine, House};
use datachat_tests::{Answer, Client, ServerOptions, TestServer, on_every_engine};
use serde_json::{Value, json};

use crate::door::{Door, assert_answered_by};
use crate::stage::{header_database, reader_url, register, stage};

const CLIENTS: usize = 64;
/// How many requests each client makes of two databases of one server, whose sessions are alike.
const REQUESTS: usize = 200;
/// How many requests each client makes of eight databases of four servers.
const MIXED_REQUESTS: usize = 24;
/// How many of the command line's runs go on meanwhile.
const COMMANDS: usize = 24;
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

/// A database that is asked.
#[derive(Debug)]
struct Asked {
    engine: Engine,
    marker: &'static str,
    id: String,
}

impl Asked {
    async fn register(
        client: &Client,
        engine: Engine,
        marker: &'static str,
        url: &str,
    ) -> Result<Self> {
        let id = register(client, url).await?;
        Ok(Self { engine, marker, id })
    }
}

/// Lets all clients ask all databases; requests without a target must be answered by the first.
async fn everybody_asks(
    client: &Client,
    databases: &Arc<Vec<Asked>>,
    requests: usize,
) -> Result<()> {
    let default = format!("/api/v1/databases/{}/default", databases[0].id);
    client.put(&default, &json!({})).await?.expect(204)?;
    let start = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (client, databases) = (client.clone(), databases.clone());
            tokio::spawn(async move {
                for request in 0..requests {
                    ask(&client, &databases, number * requests + request).await?;
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
    eprintln!("{} requests in {took:.1?}", CLIENTS * requests);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_clients_get_every_answer_from_the_database_they_asked() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(ServerOptions::new("isolation")).await?;
    let mut databases = Vec::new();
    for marker in ["alpha", "beta"] {
        let url = reader_url(&stage.postgres, marker);
        databases.push(Asked::register(server.client(), Engine::PostgreSql, marker, &url).await?);
    }
    everybody_asks(server.client(), &Arc::new(databases), REQUESTS).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_engines_at_once_each_answers_what_it_was_asked_and_nothing_else() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("mixed-engines")).await?;
    let mut databases = Vec::new();
    // The second of each is registered after the first of all: neighbours in the registry are of other engines.
    for marker in ["alpha", "beta"] {
        for engine in [
            Engine::PostgreSql,
            Engine::MariaDb,
            Engine::ClickHouse,
            Engine::NewClickHouse,
        ] {
            let url = engine.house().await?.url(marker);
            databases.push(Asked::register(server.client(), engine, marker, &url).await?);
        }
    }
    let databases = Arc::new(databases);
    let (asked, commanded) = tokio::join!(
        everybody_asks(server.client(), &databases, MIXED_REQUESTS),
        the_command_line_asks(&server, &databases)
    );
    commanded?;
    asked
}

/// Runs the command line over the API, one command after the other.
async fn the_command_line_asks(server: &TestServer, databases: &Arc<Vec<Asked>>) -> Result<()> {
    let mut commands = Vec::new();
    for number in 0..COMMANDS {
        let mut command = server.command()?;
        command
            .env("DATA_CHAT_API_URL", server.base())
            .env("DATACHAT_LOG", "error")
            .args(["query", "SELECT marker FROM whoami", "--format", "json"])
            .args(["--target-database", &databases[number % databases.len()].id]);
        commands.push(command);
    }
    let databases = databases.clone();
    tokio::task::spawn_blocking(move || {
        for (number, mut command) in commands.into_iter().enumerate() {
            let asked = &databases[number % databases.len()];
            let output = command.output()?;
            let answer: Value = serde_json::from_slice(&output.stdout)
                .with_context(|| format!("{asked:?}: {output:?}"))?;
            ensure!(answer["database"]["id"] == asked.id, "{asked:?}: {answer}");
            ensure!(
                answer["rows"] == json!([[asked.marker]]),
                "{asked:?}: {answer}"
            );
        }
        Ok(())
    })
    .await?
}

on_every_engine!(a_database_that_comes_and_goes_harms_no_other);

async fn a_database_that_comes_and_goes_harms_no_other(engine: Engine) -> Result<()> {
    if !engine.is_ours("a database that comes and goes harms no other") {
        return Ok(());
    }
    let mut failing = House::start(engine)?;
    let server = TestServer::start(ServerOptions::new("coming-and-going")).await?;
    let client = server.client();
    let beta = Asked::register(client, engine, "beta", &failing.url("beta")).await?;
    let mut others = Vec::new();
    // One of them is of the same engine.
    for engine in [Engine::PostgreSql, Engine::MariaDb, Engine::ClickHouse] {
        let url = engine.house().await?.url("alpha");
        others.push(Asked::register(client, engine, "alpha", &url).await?);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let ask = |asked: &Asked, may_fail: bool| {
        let Asked { engine, marker, id } = asked;
        let (engine, marker, id) = (*engine, *marker, id.clone());
        let (client, stop) = (client.clone(), stop.clone());
        tokio::spawn(async move {
            let (mut answered, mut failed) = (0, 0);
            while !stop.load(Ordering::Relaxed) {
                let door = Door::ALL[answered % 2];
                let answer = door.ask(&client, Some(json!(id))).await?;
                if answer.status == 200 {
                    assert_answered_by(engine, door, &answer, marker, &id, "explicit");
                    answered += 1;
                    continue;
                }
                ensure!(may_fail, "{engine:?}: {}", answer.text());
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
    let steady: Vec<_> = (0..9)
        .map(|number| ask(&others[number % 3], false))
        .collect();
    let shaken: Vec<_> = (0..8).map(|_| ask(&beta, true)).collect();
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
        let answer = door.ask(client, Some(json!(beta.id))).await?;
        assert_answered_by(engine, door, &answer, "beta", &beta.id, "explicit");
    }
    drop(failing);
    Ok(())
}

async fn ask(client: &Client, databases: &[Asked], number: usize) -> Result<()> {
    // One target more than there are databases: none, which means the first. The number of ways is prime to it,
    // so that every way meets every target.
    let target = number % (databases.len() + 1);
    let asked = databases.get(target).unwrap_or(&databases[0]);
    let way = WAYS[number % WAYS.len()];
    let row = number % 50 + 1;
    let target = databases.get(target).map(|asked| asked.id.as_str());
    let answer = send(client, asked.engine, way, &json!(target), row).await?;
    check(way, &answer, asked.marker, &asked.id, row)
        .with_context(|| format!("{way:?} of {asked:?}: {}", answer.text()))
}

async fn send(
    client: &Client,
    engine: Engine,
    way: Way,
    target: &Value,
    row: usize,
) -> Result<Answer> {
    let tool = |name: &str, arguments: Value| json!({"name": name, "arguments": arguments, "target_database": target});
    let (path, body) = match way {
        Way::Json | Way::Ndjson | Way::Csv | Way::Arrow => {
            let mut body = engine.order(row);
            body["target_database"] = target.clone();
            body["format"] = json!(format!("{way:?}").to_lowercase());
            ("/api/v1/query", body)
        }
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
