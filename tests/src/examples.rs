//! The example databases on three engines, behind one server; loaded once for all tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::stage::{question, text};
use crate::{
    Auth, CANARY, ClickHouse, Client, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser, Options,
    Postgres, Role, ServerOptions, TestServer,
};

/// The bundles that describe a database, by its name.
pub const DATABASES: [&str; 2] = ["fintech_bank", "grocery_store"];

/// The types of databases, as `backend_variants` names them.
pub const ENGINES: [&str; 3] = ["postgresql", "mysql", "clickhouse"];

/// Whom the server logs in as.
const READER: &str = "reader";

/// The servers, and the connections' ids.
pub struct Servers {
    server: TestServer,
    /// By engine and database, in the order of [`ENGINES`] and [`DATABASES`].
    ids: Vec<(&'static str, &'static str, String)>,
    _engines: (Postgres, MariaDb, ClickHouse),
}

/// `datapoints`.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../datapoints")
}

/// The servers with all bundles synced: those of a database to its connections, the shared one for everybody.
pub async fn informed() -> Result<&'static Servers> {
    static SYNCED: OnceCell<()> = OnceCell::const_new();
    let servers = servers().await?;
    SYNCED.get_or_try_init(|| inform(servers)).await?;
    Ok(servers)
}

async fn inform(servers: &Servers) -> Result<()> {
    for (_, database, id) in &servers.ids {
        let body = json!({
            "scope": "database",
            "connection_id": id,
            "datapoints_dir": format!("examples/{database}"),
        });
        sync(servers, &body).await?;
    }
    sync(
        servers,
        &json!({"scope": "global", "datapoints_dir": "shared"}),
    )
    .await
}

async fn sync(servers: &Servers, body: &Value) -> Result<()> {
    let client = servers.client();
    let started = client.post("/api/v1/sync", body).await?.expect(200)?;
    let job = text(&started["job_id"])?;
    let path = format!("/api/v1/sync/status?job_id={job}");
    for _ in 0..600 {
        let status = client.get(&path).await?.expect(200)?;
        match status["status"].as_str() {
            Some("running") => tokio::time::sleep(Duration::from_millis(50)).await,
            Some("completed") => return Ok(()),
            _ => anyhow::bail!("{status}"),
        }
    }
    anyhow::bail!("the sync {job} does not end")
}

/// The labelled questions of a file under `datapoints/eval`, one a line.
pub fn labels(file: &str) -> Result<Vec<Value>> {
    fs::read_to_string(folder().join("eval").join(file))?
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect()
}

/// The servers, started by whoever comes first.
pub async fn servers() -> Result<&'static Servers> {
    static SERVERS: OnceCell<Servers> = OnceCell::const_new();
    SERVERS.get_or_try_init(start).await
}

impl Servers {
    /// A client with network connections of its own.
    pub fn client(&self) -> Client {
        self.server.client().afresh()
    }

    /// The id of a database on an engine.
    pub fn id(&self, engine: &str, database: &str) -> Result<&str> {
        self.ids
            .iter()
            .find(|row| row.0 == engine && row.1 == database)
            .map(|row| row.2.as_str())
            .with_context(|| format!("there is no {database} on {engine}"))
    }
}

async fn start() -> Result<Servers> {
    let postgres = spawn_blocking(postgres);
    let mariadb = spawn_blocking(mariadb);
    let clickhouse = spawn_blocking(clickhouse);
    let datapoints = folder().canonicalize()?.display().to_string();
    let options = ServerOptions::new("bundles").variable("DATAPOINTS_DIR", &datapoints);
    let server = TestServer::start(options).await?;
    let engines = (postgres.await??, mariadb.await??, clickhouse.await??);
    let mut ids = Vec::new();
    for database in DATABASES {
        let urls = [
            engines.0.url(READER, CANARY, database),
            engines.1.url(READER, CANARY, database),
            engines.2.url(database),
        ];
        for (engine, url) in ENGINES.into_iter().zip(urls) {
            let id = server
                .register(&format!("{database} on {engine}"), &url)
                .await?;
            ids.push((engine, database, id));
        }
    }
    Ok(Servers {
        server,
        ids,
        _engines: engines,
    })
}

/// The files that make a database, in their order.
fn files(database: &str, dialect: &str) -> [PathBuf; 2] {
    let folder = folder().join("examples").join(database);
    ["schema", "data"].map(|name| folder.join(format!("{name}{dialect}.sql")))
}

fn postgres() -> Result<Postgres> {
    let options = Options::new(CANARY).role(Role::new(READER, CANARY, Auth::Scram));
    let postgres = Postgres::start(DATABASES.into_iter().fold(options, Options::database))?;
    postgres.psql("postgres", &format!("GRANT pg_read_all_data TO {READER}"))?;
    for database in DATABASES {
        for file in files(database, "") {
            postgres.psql_file(database, &file)?;
        }
    }
    Ok(postgres)
}

fn mariadb() -> Result<MariaDb> {
    let mut user = MariaDbUser::new(READER, CANARY, MariaDbAuth::Native);
    let mut options = MariaDbOptions::default();
    for database in DATABASES {
        user = user.grant(&format!("SELECT ON {database}.*"));
        options = options.database(database);
    }
    let mariadb = MariaDb::start(options.user(user))?;
    for database in DATABASES {
        for file in files(database, ".mysql") {
            mariadb.sql(database, &fs::read_to_string(file)?)?;
        }
    }
    Ok(mariadb)
}

fn clickhouse() -> Result<ClickHouse> {
    let clickhouse = ClickHouse::engine()?;
    for database in DATABASES {
        // A server that somebody named may have it from the last time.
        clickhouse.sql(&format!("DROP DATABASE IF EXISTS {database}"))?;
        clickhouse.sql(&format!("CREATE DATABASE {database}"))?;
        for file in files(database, ".clickhouse") {
            // One statement a request; none of them has such a line end within.
            let script = fs::read_to_string(file)?;
            for statement in script.split(";\n").filter(|rest| !rest.trim().is_empty()) {
                let settings = format!("&database={database}");
                clickhouse
                    .fetch(statement, "TabSeparated", &settings)
                    .with_context(|| statement.to_owned())?;
            }
        }
    }
    Ok(clickhouse)
}

/// What a statement with bound parameters gives: names of columns, rows.
pub async fn ask(
    servers: &Servers,
    engine: &str,
    database: &str,
    sql: &str,
    params: Value,
) -> Result<(Vec<String>, Vec<Vec<String>>)> {
    let mut body = question(sql, servers.id(engine, database)?);
    body["params"] = params;
    let answer = servers.client().post("/api/v1/query", &body).await?;
    let answer = answer
        .expect(200)
        .with_context(|| format!("{engine} {database}: {sql}"))?;
    anyhow::ensure!(answer["truncated"] == false, "{sql} gives too much");
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let names = array(&answer["columns"])
        .iter()
        .map(|column| text(&column["name"]))
        .collect::<Result<_>>()?;
    let rows = array(&answer["rows"])
        .iter()
        .map(|row| array(row).iter().map(plain).collect())
        .collect();
    Ok((names, rows))
}

/// A value in a form that engines agree on: they differ in the digits of numbers and times, in whether a boolean
/// is a number, and in which numbers are texts.
fn plain(value: &Value) -> String {
    match value {
        Value::Bool(value) => plain(&Value::from(u8::from(*value))),
        Value::Number(number) => digits(&number.to_string()),
        Value::String(text) => {
            let time = text.strip_suffix('Z').unwrap_or(text);
            let time = time.strip_suffix(".000000").unwrap_or(time);
            digits(time)
        }
        other => other.to_string(),
    }
}

/// A number with four digits after the point; what is none stays.
fn digits(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => format!("{number:.4}"),
        _ => text.to_owned(),
    }
}

#[test]
fn a_value_is_compared_by_what_it_says_and_not_by_how() {
    for (one, other) in [
        (Value::from(true), Value::from(1)),
        (Value::from("1.50"), Value::from(1.5)),
        (
            Value::from("2026-01-01T00:00:00.000000Z"),
            Value::from("2026-01-01T00:00:00Z"),
        ),
    ] {
        assert_eq!(plain(&one), plain(&other));
    }
    assert_ne!(plain(&Value::Null), plain(&Value::from("")));
    assert_ne!(plain(&Value::from(0.25)), plain(&Value::from(0.26)));
}
