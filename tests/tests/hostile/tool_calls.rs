//! Tools that misbehave, called over the API of a server with two connections: each call ends in a typed
//! error or a bounded answer, and the shipped tools go on answering.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use datachat_tests::components::{built, install};
use datachat_tests::{Answer, CANARY, Client, Options, Postgres, ServerOptions, TestServer};
use serde_json::json;

const EXECUTE: &str = "/api/v1/tools/execute";

/// A server with the tools, and two databases of which one holds a table that the other does not.
struct Stage {
    postgres: Postgres,
    server: TestServer,
    own: String,
    elsewhere: String,
}

impl Stage {
    async fn start() -> Result<Self> {
        let postgres = Postgres::start(Options::new(CANARY).database("own").database("elsewhere"))?;
        postgres.psql("own", "CREATE TABLE orders AS SELECT 1 AS id")?;
        postgres.psql("elsewhere", "CREATE TABLE salaries AS SELECT 100 AS salary")?;
        let server = TestServer::start(ServerOptions::new("hostile-tools")).await?;
        let own = server
            .register("own", &postgres.superuser_url("own"))
            .await?;
        let elsewhere = server
            .register("elsewhere", &postgres.superuser_url("elsewhere"))
            .await?;
        let wasm = std::fs::read(built("plugins-hostile/tool_misbehaves.wasm")?)?;
        install(server.client(), wasm, "name=misbehaves", &[])
            .await?
            .expect(201)?;
        Ok(Self {
            postgres,
            server,
            own,
            elsewhere,
        })
    }

    async fn call(&self, tool: &str, sql: &str) -> Result<Answer> {
        call(self.server.client(), &self.own, tool, sql).await
    }

    /// The shipped tools work as before, on both connections.
    async fn neighbours_answer(&self) -> Result<()> {
        for (id, table) in [(&self.own, "orders"), (&self.elsewhere, "salaries")] {
            let body = json!({"name": "list_tables", "arguments": {}, "target_database": id});
            let answer = self
                .server
                .client()
                .post(EXECUTE, &body)
                .await?
                .expect(200)?;
            assert_eq!(answer["result"]["tables"][0]["table"], table);
        }
        Ok(())
    }
}

async fn call(client: &Client, target: &str, tool: &str, sql: &str) -> Result<Answer> {
    let body = json!({"name": tool, "arguments": {"sql": sql}, "target_database": target});
    client.post(EXECUTE, &body).await
}

#[tokio::test]
async fn a_tool_finds_no_way_to_another_connection() -> Result<()> {
    let stage = Stage::start().await?;
    let listed = stage.call("list_elsewhere", "").await?.expect(200)?;
    assert_eq!(listed["result"]["names"], json!(["orders"]));
    for (sql, status, code) in [
        ("SELECT * FROM salaries", 400, "undefined_object"),
        (
            "SELECT * FROM elsewhere.public.salaries",
            400,
            "unsupported",
        ),
        (
            "SELECT * FROM dblink('dbname=elsewhere', 'SELECT salary FROM salaries') AS t(s int)",
            403,
            "read_only_violation",
        ),
        (
            "SELECT pg_read_file('/etc/passwd')",
            403,
            "read_only_violation",
        ),
    ] {
        let answer = stage.call("ask_elsewhere", sql).await?;
        answer
            .problem(status, code)
            .with_context(|| sql.to_owned())?;
    }
    // The id of the other connection is nothing that a tool could pass.
    let target = format!("SELECT '{}'", stage.elsewhere);
    let answer = stage.call("ask_elsewhere", &target).await?.expect(200)?;
    assert_eq!(answer["database"]["id"], json!(stage.own));
    stage.neighbours_answer().await
}

#[tokio::test]
async fn ten_gibibytes_end_at_the_limit_and_leave_nothing_running() -> Result<()> {
    let stage = Stage::start().await?;
    let began = Instant::now();
    let sql = "SELECT repeat('x', 1048576) FROM generate_series(1, 10240)";
    let answer = stage.call("ten_gibibytes", sql).await?.expect(200)?;
    assert_eq!(answer["truncated"], true);
    let bytes = answer["result"]["bytes"].as_u64().context("a number")?;
    assert!(
        (1 << 20..=8 << 20).contains(&bytes),
        "{bytes} bytes were handed out"
    );
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
    let end = Instant::now() + Duration::from_secs(5);
    let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%1048576%' \
        AND pid <> pg_backend_pid()";
    while stage.postgres.psql("own", running)? != "0" {
        assert!(Instant::now() < end, "the statement still runs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stage.neighbours_answer().await
}

#[tokio::test]
async fn a_tool_that_breaks_its_contract_fails_as_a_plugin_and_alone() -> Result<()> {
    let stage = Stage::start().await?;
    for (tool, status, code) in [
        ("hoards", 422, "resource_limit"),
        ("recurses", 502, "plugin_failed"),
        ("not_json", 502, "plugin_failed"),
        ("off_schema", 502, "plugin_failed"),
        // It passes off as the database's what no database has said.
        ("wrong_error", 502, "plugin_failed"),
    ] {
        let problem = stage.call(tool, "").await?.problem(status, code);
        let problem = problem.with_context(|| tool.to_owned())?;
        if tool == "hoards" {
            assert_eq!(problem["limit"], "plugin_memory_bytes");
        }
        stage.neighbours_answer().await?;
    }
    Ok(())
}
