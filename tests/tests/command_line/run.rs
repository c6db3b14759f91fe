//! Runs commands by both ways, and looks for the canary in whatever they print.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use datachat_tests::{CANARY, Options, Postgres, ServerOptions, TestServer, shows_canary};
use serde_json::{Value, json};

/// Where a command finds its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In the system database that the server uses as well.
    Here,
    /// At the server, by `DATA_CHAT_API_URL`.
    There,
}

pub const WAYS: [Way; 2] = [Way::Here, Way::There];

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: Vec<u8>,
    pub err: String,
}

impl Ran {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.out).with_context(|| format!("{self:?}"))
    }
}

/// The program, ready to work on the server's connections.
pub fn command(server: &TestServer, way: Way) -> Result<Command> {
    let mut command = server.command()?;
    command.env("DATACHAT_LOG", "error");
    if way == Way::There {
        command
            .env("DATA_CHAT_API_URL", server.base())
            .env("DATACHAT_DATA_DIR", unused_folder(server));
    }
    Ok(command)
}

/// A data folder that must not come into being.
pub fn unused_folder(server: &TestServer) -> std::path::PathBuf {
    server.folder().join("unused")
}

/// Runs a command with these arguments.
pub fn run(command: Command, arguments: &[&str]) -> Result<Ran> {
    run_with(command, arguments, "")
}

/// Runs a command that reads `input`.
pub fn run_with(mut command: Command, arguments: &[&str], input: &str) -> Result<Ran> {
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // One that fails early reads nothing.
    let _ = child
        .stdin
        .take()
        .context("no input")?
        .write_all(input.as_bytes());
    let output = child.wait_with_output()?;
    ensure!(
        !shows_canary(&output.stdout) && !shows_canary(&output.stderr),
        "{arguments:?} shows a credential"
    );
    Ok(Ran {
        code: output.status.code(),
        out: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// A PostgreSQL with one table, and a server that has it as its default under the name `Mine`.
pub async fn registered(options: ServerOptions) -> Result<(Postgres, TestServer)> {
    let postgres = Postgres::start(Options::new(CANARY))?;
    postgres.psql(
        "postgres",
        "CREATE TABLE orders (id integer PRIMARY KEY, note json);
         INSERT INTO orders VALUES (1, '{\"a\": 12345678901234567890}');
         ANALYZE",
    )?;
    let server = TestServer::start(options).await?;
    let url = postgres.superuser_url("postgres");
    server
        .register_with("Mine", &url, json!({ "is_default": true }))
        .await?;
    Ok((postgres, server))
}
