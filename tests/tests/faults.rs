//! What the registry does when the server or its system database dies: nothing half-written, no answer from
//! another database, and service again by itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use datachat_tests::{
    Answer, Auth, CANARY, Client, Options, Postgres, Role, ServerOptions, TestServer,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const ENVIRONMENT_ID: &str = "00000000-0000-0000-0000-00000000dada";

/// The key of servers that share a system database.
const KEY: &str = "fSVPbQpbgyXxbAlXaRmwlUSPZbKN4XtDU0QMrgFBAEo=";

/// How long an outage may echo after its end.
const RECOVERY: Duration = Duration::from_secs(20);

fn databases(names: &[&str]) -> Result<Postgres> {
    let mut options = Options::new(CANARY)
        .role(Role::new("reader", CANARY, Auth::Scram))
        .setting("synchronous_commit", "on");
    for name in names {
        options = options.database(name);
    }
    let server = Postgres::start(options)?;
    for name in names {
        server.psql(
            name,
            &format!(
                "CREATE TABLE marker (name text); INSERT INTO marker VALUES ('{name}'); \
                 GRANT SELECT ON marker TO reader"
            ),
        )?;
    }
    Ok(server)
}

async fn marker(client: &Client, target: Option<&str>) -> Result<Answer> {
    let body = json!({"sql": "SELECT name FROM marker", "target_database": target});
    client.post("/api/v1/query", &body).await
}

/// The database that answered.
async fn answered_by(client: &Client, target: Option<&str>) -> Result<Value> {
    let body = marker(client, target).await?.expect(200)?;
    Ok(body["rows"][0][0].clone())
}

/// Tries until it succeeds.
async fn eventually<T>(what: &str, attempt: impl AsyncFn() -> Result<T>) -> Result<T> {
    let end = Instant::now() + RECOVERY;
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() > end => return Err(error.context(what.to_owned())),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn shared(name: &str, system: &Postgres) -> ServerOptions {
    ServerOptions::new(name)
        .variable("SYSTEM_DATABASE_URL", &system.superuser_url("system"))
        .variable("DATABASE_CREDENTIALS_KEY", KEY)
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_system_database_is_down_no_request_reaches_another_database() -> Result<()> {
    let targets = databases(&["one", "two", "env"])?;
    let mut system = Postgres::start(
        Options::new(CANARY)
            .database("system")
            .setting("synchronous_commit", "on"),
    )?;
    let url = |name: &str| targets.url("reader", CANARY, name);
    let server =
        TestServer::start(shared("outage", &system).variable("DATABASE_URL", &url("env"))).await?;
    let client = server.client();
    let one = server.register("one", &url("one")).await?;
    let two = server
        .register_with("two", &url("two"), json!({"is_default": true}))
        .await?;

    // Requests of all kinds run through the whole outage.
    let stop = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicU32::new(0));
    let mut requests = JoinSet::new();
    let cases = [
        (Some(one.clone()), "one"),
        (Some(two.clone()), "two"),
        (None, "two"),
        (Some(ENVIRONMENT_ID.to_owned()), "env"),
    ];
    for (target, name) in cases.clone() {
        let (client, stop, served) = (client.clone(), stop.clone(), served.clone());
        requests.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let answer = marker(&client, target.as_deref()).await?;
                if answer.status == 503 && name != "env" {
                    answer.problem(503, "registry_unavailable")?;
                } else {
                    ensure!(answer.expect(200)?["rows"][0][0] == name, "{target:?}");
                    served.fetch_add(1, Ordering::Relaxed);
                }
            }
            anyhow::Ok(())
        });
    }
    eventually("every kind is served", async || {
        ensure!(served.load(Ordering::Relaxed) > 20);
        Ok(())
    })
    .await?;

    system.stop()?;
    for target in [Some(one.as_str()), Some(two.as_str()), None] {
        let problem = marker(client, target)
            .await?
            .problem(503, "registry_unavailable")?;
        ensure!(problem["hint"].is_string(), "{problem}");
    }
    assert_eq!(answered_by(client, Some(ENVIRONMENT_ID)).await?, "env");
    let listed = client.get("/api/v1/databases").await?.expect(200)?;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(listed[0]["connection_id"], ENVIRONMENT_ID);
    for path in [
        one.as_str(),
        &format!("{one}/schema"),
        &format!("{one}/health"),
    ] {
        let answer = client.get(&format!("/api/v1/databases/{path}")).await?;
        answer.problem(503, "registry_unavailable")?;
    }
    let body = json!({"name": "x", "database_url": url("one"), "database_type": "postgresql"});
    let answer = client.post("/api/v1/databases", &body).await?;
    answer.problem(503, "registry_unavailable")?;
    let answer = client.delete(&format!("/api/v1/databases/{one}")).await?;
    answer.problem(503, "registry_unavailable")?;
    let ready = client.get("/ready").await?;
    assert_eq!(ready.status, 503, "{}", ready.text());
    assert_eq!(client.get("/health").await?.status, 200);

    system.launch()?;
    for (target, name) in &cases {
        let found = eventually("service resumes", async || {
            answered_by(client, target.as_deref()).await
        })
        .await?;
        assert_eq!(found, *name);
    }
    assert_eq!(client.get("/ready").await?.status, 200);
    stop.store(true, Ordering::Relaxed);
    while let Some(outcome) = requests.join_next().await {
        outcome??;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_before_its_system_database_serves_when_that_comes() -> Result<()> {
    let targets = databases(&["one", "env"])?;
    let mut system = Postgres::start(Options::new(CANARY).database("system"))?;
    system.stop()?;
    let environment = targets.url("reader", CANARY, "env");
    let server =
        TestServer::start(shared("late", &system).variable("DATABASE_URL", &environment)).await?;
    let client = server.client();
    // Nothing is known of the default yet, so nothing is assumed.
    marker(client, None)
        .await?
        .problem(503, "registry_unavailable")?;
    assert_eq!(answered_by(client, Some(ENVIRONMENT_ID)).await?, "env");

    system.launch()?;
    let url = targets.url("reader", CANARY, "one");
    let one = eventually("the registry works", async || {
        server.register("one", &url).await
    })
    .await?;
    assert_eq!(answered_by(client, Some(&one)).await?, "one");
    assert_eq!(answered_by(client, None).await?, "env");

    // There was no default, but another server of this system database may have chosen one since.
    system.stop()?;
    marker(client, None)
        .await?
        .problem(503, "registry_unavailable")?;
    assert_eq!(answered_by(client, Some(ENVIRONMENT_ID)).await?, "env");
    marker(client, Some(&one))
        .await?
        .problem(503, "registry_unavailable")?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_of_one_system_database_need_its_key_and_see_each_others_connections() -> Result<()>
{
    let targets = databases(&["one", "system"])?;
    let options = |name: &str| {
        ServerOptions::new(name).variable("SYSTEM_DATABASE_URL", &targets.superuser_url("system"))
    };
    let first =
        TestServer::start(options("first").variable("DATABASE_CREDENTIALS_KEY", KEY)).await?;
    let url = targets.url("reader", CANARY, "one");
    let one = first
        .register_with("one", &url, json!({"is_default": true}))
        .await?;

    let second =
        TestServer::start(options("second").variable("DATABASE_CREDENTIALS_KEY", KEY)).await?;
    assert_eq!(answered_by(second.client(), Some(&one)).await?, "one");
    assert_eq!(answered_by(second.client(), None).await?, "one");

    for key in [None, Some("canary-is-no-key")] {
        let options = match key {
            Some(key) => options("wrong-key").variable("DATABASE_CREDENTIALS_KEY", key),
            None => options("no-key"),
        };
        let server = TestServer::start(options).await?;
        let problem = marker(server.client(), Some(&one))
            .await?
            .problem(503, "registry_unavailable")?;
        let text = problem.to_string();
        ensure!(text.contains("DATABASE_CREDENTIALS_KEY"), "{text}");
        ensure!(!text.contains("canary-is-no-key"), "{text}");
    }

    let other_key = "aGVsbG8taGVsbG8taGVsbG8taGVsbG8taGVsbG8tMDE=";
    let other =
        TestServer::start(options("other-key").variable("DATABASE_CREDENTIALS_KEY", other_key))
            .await?;
    marker(other.client(), None)
        .await?
        .problem(503, "credentials_unreadable")?;
    let path = format!("/api/v1/databases/{one}");
    let shown = other.client().get(&path).await?.expect(200)?;
    assert_eq!(shown["status"], "credentials_unreadable");
    let mended = other
        .client()
        .patch(&path, &json!({"database_url": url}))
        .await?
        .expect(200)?;
    assert_eq!(mended["status"], "ok");
    assert_eq!(answered_by(other.client(), None).await?, "one");
    Ok(())
}

/// What a writer knows of one of its connections.
#[derive(Clone)]
struct Known {
    /// The text that its description and tag were last known to hold.
    text: String,
    /// What a request that was not answered would have made of it.
    pending: Option<Pending>,
}

#[derive(Clone)]
enum Pending {
    Text(String),
    Gone,
}

/// Writes until the server is gone or `stop` is set, and says what it was told.
async fn write(
    client: Client,
    url: String,
    writer: u32,
    stop: Arc<AtomicBool>,
) -> Result<HashMap<String, Known>> {
    let mut known: HashMap<String, Known> = HashMap::new();
    for round in 0u32.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let text = format!("{writer}-{round}");
        let ids: Vec<String> = known.keys().cloned().collect();
        let own = ids.get(round as usize % ids.len().max(1)).cloned();
        let (status, id, wanted) = match (round % 5, own) {
            (1, Some(id)) => {
                let body = json!({"description": text, "tags": [text]});
                let wanted = Pending::Text(text);
                note(&mut known, &id, Some(wanted.clone()));
                let path = format!("/api/v1/databases/{id}");
                let answer = client.patch(&path, &body).await;
                (answer, id, wanted)
            }
            (2, Some(id)) => {
                let path = format!("/api/v1/databases/{id}/default");
                match client.put(&path, &json!({})).await {
                    Ok(answer) if answer.status == 204 || answer.status == 503 => continue,
                    Ok(answer) => bail!("{}", answer.text()),
                    Err(_) => break,
                }
            }
            (4, Some(id)) if ids.len() > 3 => {
                note(&mut known, &id, Some(Pending::Gone));
                let path = format!("/api/v1/databases/{id}");
                let answer = client.delete(&path).await;
                (answer, id, Pending::Gone)
            }
            _ => {
                let body = json!({
                    "name": text, "database_url": url, "database_type": "postgresql",
                    "description": text, "tags": [text], "is_default": round % 2 == 0,
                });
                match client.post("/api/v1/databases", &body).await {
                    Ok(answer) if answer.status == 201 => {
                        let id = answer.json()["connection_id"]
                            .as_str()
                            .context("an id")?
                            .to_owned();
                        let pending = None;
                        known.insert(id, Known { text, pending });
                        continue;
                    }
                    Ok(answer) if answer.status == 503 => continue,
                    Ok(answer) => bail!("{}", answer.text()),
                    Err(_) => break,
                }
            }
        };
        match status {
            Ok(answer) if answer.status.is_success() => match wanted {
                Pending::Gone => {
                    known.remove(&id);
                }
                Pending::Text(text) => {
                    known.insert(
                        id,
                        Known {
                            text,
                            pending: None,
                        },
                    );
                }
            },
            // What became of the write is not known; this connection is left alone from here on.
            Ok(answer) if answer.status == 503 => break,
            Ok(answer) => bail!("{}", answer.text()),
            Err(_) => break,
        }
    }
    Ok(known)
}

fn note(known: &mut HashMap<String, Known>, id: &str, pending: Option<Pending>) {
    if let Some(entry) = known.get_mut(id) {
        entry.pending = pending;
    }
}

/// Every row is whole, every answered write is there, and at most one row is the default.
async fn check_registry(client: &Client, known: &HashMap<String, Known>) -> Result<()> {
    let listed = client.get("/api/v1/databases").await?.expect(200)?;
    let rows = listed.as_array().context("a list")?;
    let mut by_id = HashMap::new();
    for row in rows {
        ensure!(row["status"] == "ok", "{row}");
        ensure!(
            row["description"] == row["tags"][0],
            "half of a change: {row}"
        );
        by_id.insert(row["connection_id"].as_str().context("an id")?, row);
    }
    let defaults = rows.iter().filter(|row| row["is_default"] == true).count();
    ensure!(defaults <= 1, "{defaults} defaults");
    for (id, entry) in known {
        match (by_id.get(id.as_str()), &entry.pending) {
            (Some(row), pending) => {
                let text = row["description"].as_str().context("a description")?;
                let possible = text == entry.text
                    || matches!(pending, Some(Pending::Text(pending)) if pending == text);
                ensure!(possible, "{text} instead of {}", entry.text);
            }
            (None, Some(Pending::Gone)) => {}
            (None, _) => bail!("{id} was stored and is lost"),
        }
    }
    Ok(())
}

async fn hammer<T>(
    server: &mut TestServer,
    url: &str,
    known: &mut HashMap<String, Known>,
    length: Duration,
    strike: impl FnOnce(&mut TestServer) -> Result<T>,
) -> Result<T> {
    static WRITERS: AtomicU32 = AtomicU32::new(0);
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for _ in 0..4 {
        let writer = WRITERS.fetch_add(1, Ordering::Relaxed);
        let client = server.client().clone();
        writers.spawn(write(client, url.to_owned(), writer, stop.clone()));
    }
    tokio::time::sleep(length).await;
    let struck = strike(server)?;
    stop.store(true, Ordering::Relaxed);
    while let Some(outcome) = writers.join_next().await {
        known.extend(outcome??);
    }
    Ok(struck)
}

/// Kills a server again and again in the middle of writes, and looks at what it then finds.
async fn kill_while_it_writes(targets: &Postgres, options: ServerOptions) -> Result<()> {
    let url = targets.url("reader", CANARY, "one");
    let mut server = TestServer::start(options).await?;
    let mut known = HashMap::new();
    for round in 0..6 {
        let length = Duration::from_millis(700 + round * 137);
        hammer(&mut server, &url, &mut known, length, TestServer::kill_9).await?;
        server.launch().await?;
        check_registry(server.client(), &known).await?;
    }
    ensure!(known.len() > 6, "too few writes to tell: {}", known.len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_while_it_writes_leaves_sqlite_whole() -> Result<()> {
    let targets = databases(&["one"])?;
    kill_while_it_writes(&targets, ServerOptions::new("kill-sqlite")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_while_it_writes_leaves_postgresql_whole() -> Result<()> {
    let targets = databases(&["one", "system"])?;
    kill_while_it_writes(&targets, shared("kill-postgresql", &targets)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_database_killed_while_it_is_written_is_whole_and_used_again() -> Result<()> {
    let targets = databases(&["one"])?;
    let url = targets.url("reader", CANARY, "one");
    let mut system = Postgres::start(
        Options::new(CANARY)
            .database("system")
            .setting("synchronous_commit", "on"),
    )?;
    let mut server = TestServer::start(shared("kill-system", &system)).await?;
    let mut known = HashMap::new();
    for round in 0..3 {
        let length = Duration::from_millis(900 + round * 137);
        hammer(&mut server, &url, &mut known, length, |_| system.kill_9()).await?;
        system.launch()?;
        eventually("the registry works again", async || {
            check_registry(server.client(), &known).await
        })
        .await?;
    }
    ensure!(known.len() > 3, "too few writes to tell: {}", known.len());
    Ok(())
}
