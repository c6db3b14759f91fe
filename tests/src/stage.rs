//! What the tests of one program share: one server and one PostgreSQL with TLS, started by whoever comes first.
//!
//! They end with the test program. A test gets a [`Client`] of its own and registers its own connections.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::{
    Answer, Auth, Authority, CANARY, Client, Options, Postgres, Role, ServerOptions, TestServer,
};

/// The id of the database that `DATABASE_URL` names.
pub const ENVIRONMENT_ID: &str = "00000000-0000-0000-0000-00000000dada";

/// A role that may read everything and is nothing special.
pub const READER: &str = "reader";

/// A server without connections, and a PostgreSQL with databases for them.
pub struct Stage {
    pub server: TestServer,
    pub postgres: Postgres,
}

/// The shared servers.
///
/// # Errors
/// When one does not start.
pub async fn stage() -> Result<&'static Stage> {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    STAGE
        .get_or_try_init(|| async {
            let authority = Authority::new()?;
            // Not valid for 127.0.0.1, which is the address it can also be reached at.
            let tls = authority.server(&["localhost"])?;
            let postgres = postgres_with(
                Options::new(CANARY)
                    .role(Role::new(READER, CANARY, Auth::Scram))
                    .role(Role::new("digest", CANARY, Auth::Md5))
                    .role(Role::new("clear", CANARY, Auth::Cleartext))
                    .role(Role::new("trusted", CANARY, Auth::Trust))
                    .role(Role::new("encrypted", CANARY, Auth::Scram).tls_only())
                    .tls(tls),
            )?;
            let server = TestServer::start(ServerOptions::new("stage")).await?;
            std::fs::write(server.folder().join("roots.pem"), authority.pem())?;
            Ok(Stage { server, postgres })
        })
        .await
}

impl Stage {
    /// A client with network connections of its own.
    pub fn client(&self) -> Client {
        self.server.client().afresh()
    }

    /// Registers a database of the shared PostgreSQL for the reader; a name of its own each time.
    pub async fn register(&self, client: &Client, database: &str) -> Result<String> {
        register(client, &reader_url(&self.postgres, database)).await
    }
}

/// A PostgreSQL with the databases `alpha` and `beta`, which tell who they are.
pub fn postgres_with(options: Options) -> Result<Postgres> {
    let postgres = Postgres::start(options.database("alpha").database("beta"))?;
    for (database, own_column) in [("alpha", "price numeric(10,2)"), ("beta", "colour text")] {
        postgres.psql(
            database,
            &format!(
                "CREATE TABLE whoami (marker text NOT NULL);
                 INSERT INTO whoami VALUES ('{database}');
                 CREATE TABLE orders (id integer PRIMARY KEY, marker text NOT NULL, {own_column});
                 INSERT INTO orders (id, marker) SELECT n, '{database}' FROM generate_series(1, 50) n;
                 GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
                 ANALYZE"
            ),
        )?;
    }
    Ok(postgres)
}

/// A PostgreSQL of the test's own, with the reader and without TLS.
pub fn own_postgres() -> Result<Postgres> {
    postgres_with(Options::new(CANARY).role(Role::new(READER, CANARY, Auth::Scram)))
}

/// The reader's URL of a database.
pub fn reader_url(postgres: &Postgres, database: &str) -> String {
    postgres.url(READER, CANARY, database)
}

/// A name that no other test uses.
pub fn unique(what: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{what} {}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The body of a `POST /databases` with a name of its own. The URL's scheme is the type's name.
pub fn registration(database_url: &str) -> Value {
    json!({
        "name": unique("database"),
        "database_url": database_url,
        "database_type": database_url.split(':').next(),
    })
}

/// Registers a database under a name of its own and gives its id.
pub async fn register(client: &Client, database_url: &str) -> Result<String> {
    let answer = client
        .post("/api/v1/databases", &registration(database_url))
        .await?;
    text(&answer.expect(201)?["connection_id"])
}

/// The body of a `POST /query`; `target` null means none.
pub fn question(sql: &str, target: impl Into<Value>) -> Value {
    json!({ "sql": sql, "target_database": target.into() })
}

/// Runs a statement on an explicit connection.
pub async fn query(client: &Client, target: &str, sql: &str) -> Result<Answer> {
    client.post("/api/v1/query", &question(sql, target)).await
}

/// Sends the body of a query as a client that reads trailers.
pub async fn ask(client: &Client, body: &Value) -> Result<Answer> {
    let headers = [("te", "trailers")];
    let request = client.request(Method::POST, "/api/v1/query", &headers, Some(body))?;
    client.answer(request).await
}

/// The id of the database that gave an answer in a format that has no place for it.
pub fn header_database(answer: &Answer) -> Result<Value> {
    let database: Value = serde_json::from_str(answer.header("x-datachat-database"))?;
    anyhow::ensure!(keys(&database) == ["id", "name", "type", "chosen_by"]);
    Ok(database["id"].clone())
}

/// The first value of the first row.
pub async fn scalar(client: &Client, target: &str, sql: &str) -> Result<Value> {
    let mut body = query(client, target, sql).await?.expect(200)?;
    Ok(body["rows"][0][0].take())
}

/// Runs a tool on an explicit connection.
pub async fn tool(client: &Client, target: &str, name: &str, arguments: Value) -> Result<Answer> {
    let body = json!({ "name": name, "arguments": arguments, "target_database": target });
    client.post("/api/v1/tools/execute", &body).await
}

/// The names of all connections that the server lists.
pub async fn listed_names(client: &Client) -> Result<Vec<String>> {
    let list = client.get("/api/v1/databases").await?.expect(200)?;
    list.as_array()
        .context("no array")?
        .iter()
        .map(|connection| text(&connection["name"]))
        .collect()
}

/// A connection without its warnings: they name connections of the same URL, which other tests add and remove
/// meanwhile.
pub fn itself(mut connection: Value) -> Value {
    if let Some(fields) = connection.as_object_mut() {
        fields.remove("warnings");
    }
    connection
}

/// A JSON string's text.
pub fn text(value: &Value) -> Result<String> {
    value
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("{value} is no string"))
}

/// The field names of an object, in their order.
pub fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .map(|object| object.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

/// A direct connection as superuser, to look at the database from the side.
pub async fn direct(postgres: &Postgres, database: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) =
        tokio_postgres::connect(&postgres.superuser_url(database), tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The processes of the server that run a statement which contains `part`, the asking one excluded.
pub async fn running(direct: &tokio_postgres::Client, part: &str) -> Result<Vec<i32>> {
    let rows = direct
        .query(
            "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND \
             position($1 in query) > 0",
            &[&part],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Waits until `part` runs on the server, and gives its process.
pub async fn until_running(direct: &tokio_postgres::Client, part: &str) -> Result<i32> {
    let processes = until_so_many_run(direct, part, 1).await?;
    processes.first().copied().context("no process")
}

/// Waits until `count` statements that contain `part` run on the server, and gives their processes.
pub async fn until_so_many_run(
    direct: &tokio_postgres::Client,
    part: &str,
    count: usize,
) -> Result<Vec<i32>> {
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        let processes = running(direct, part).await?;
        if processes.len() >= count {
            return Ok(processes);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("{part} never ran {count} times at once")
}

/// How long it takes until `part` no longer runs on the server.
pub async fn until_gone(direct: &tokio_postgres::Client, part: &str) -> Result<Duration> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        if running(direct, part).await?.is_empty() {
            return Ok(start.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("{part} still runs")
}
