//! A PostgreSQL with everything that the corpus speaks of, and a server that reads it.

use anyhow::{Context, Result};
use datachat_tests::{
    Answer, Auth, CANARY, Client, Options, Postgres, Role, ServerOptions, TestServer,
};
use serde_json::{Value, json};

use crate::corpus::POSTGRESQL;
use crate::inspection::Facts;

/// A role with no rights but to read the tables of `app`.
pub const READER: &str = "reader";

/// A PostgreSQL that changes nothing by itself and logs every statement.
pub fn postgres() -> Result<Postgres> {
    let postgres = Postgres::start(
        Options::new(CANARY)
            .role(Role::new(READER, CANARY, Auth::Scram))
            .database("app")
            .database("other")
            .setting("autovacuum", "off")
            .setting("log_statement", "all")
            .setting("wal_level", "logical")
            .setting("max_prepared_transactions", "4")
            .setting("max_parallel_workers_per_gather", "0")
            // Neither checkpoints nor temporary files in the middle of a test.
            .setting("checkpoint_timeout", "1h"),
    )?;
    postgres.psql("app", POSTGRESQL.setup)?;
    postgres.psql("other", "CREATE TABLE neighbours AS SELECT 1 AS id")?;
    settle(&postgres)?;
    Ok(postgres)
}

/// Does beforehand what reading might otherwise do in passing.
fn settle(postgres: &Postgres) -> Result<()> {
    for database in ["app", "other", "postgres", "template1"] {
        postgres.psql(database, "VACUUM (FREEZE)")?;
    }
    postgres.psql("postgres", "CHECKPOINT").map(drop)
}

/// A server with one session a connection, so that each request meets what the one before left there.
pub struct Scene {
    pub server: TestServer,
    pub id: String,
}

impl Scene {
    pub async fn of_postgres(postgres: &Postgres, role: &str) -> Result<Self> {
        Self::start(&postgres.url(role, CANARY, "app")).await
    }

    pub async fn start(url: &str) -> Result<Self> {
        let server = TestServer::start(
            ServerOptions::new("read-only").variable("DATACHAT_SESSIONS_PER_CONNECTION", "1"),
        )
        .await?;
        let id = server.register("app", url).await?;
        Ok(Self { server, id })
    }

    pub fn client(&self) -> &Client {
        self.server.client()
    }

    /// Runs a statement, for at most two seconds and a thousand rows.
    pub async fn query(&self, sql: &str) -> Result<Answer> {
        let mut body = json!({
            "sql": sql,
            "target_database": self.id,
            "limits": {"timeout_ms": 2000, "max_rows": 1000},
        });
        if sql.contains("$1::int") || sql.contains("? +") {
            body["params"] = json!([1]);
        }
        self.client().post("/api/v1/query", &body).await
    }

    /// What the pooled session has that others would not see.
    pub async fn session_of_postgres(&self) -> Result<Facts> {
        self.facts(&[
            // The time limit of each statement is what is left of its request's; plpgsql has its own from
            // when it is first used.
            (
                "setting",
                "SELECT name, setting FROM pg_settings WHERE name !~ '^(statement_timeout$|plpgsql)'",
            ),
            (
                "statement",
                "SELECT name, statement FROM pg_prepared_statements WHERE name NOT LIKE 'datachat%'",
            ),
            (
                "channel",
                "SELECT c, 'listening' FROM pg_listening_channels() c",
            ),
            (
                "cursor",
                "SELECT name, statement FROM pg_cursors WHERE name <> ''",
            ),
            (
                "advisory lock",
                "SELECT objid, mode FROM pg_locks WHERE locktype = 'advisory'",
            ),
            ("user", "SELECT current_user, session_user"),
            ("temporary schema", "SELECT 'oid', pg_my_temp_schema()"),
        ])
        .await
    }

    /// What the connection itself answers: rows of (what, value).
    pub async fn facts(&self, questions: &[(&str, &str)]) -> Result<Facts> {
        let mut facts = Facts::new();
        for (name, sql) in questions {
            let body = self
                .query(sql)
                .await?
                .expect(200)
                .context((*name).to_owned())?;
            for row in body["rows"].as_array().context("no rows")? {
                facts.insert(format!("session's {name} {}", row[0]), text(&row[1]));
            }
        }
        Ok(facts)
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or(value.to_string(), str::to_owned)
}
