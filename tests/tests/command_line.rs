//! The command line on the files of a running server, and settings that keep one from starting.

use std::process::{Command, Output};

use anyhow::Result;
use datachat_tests::{CANARY, Options, Postgres, ServerOptions, TestServer};
use serde_json::{Value, json};

fn run(server: &TestServer, arguments: &[&str]) -> Result<Output> {
    let mut command: Command = server.command()?;
    command.env("DATACHAT_LOG", "error").args(arguments);
    Ok(command.output()?)
}

#[tokio::test]
async fn the_command_line_works_on_the_same_connections_and_its_exit_code_tells() -> Result<()> {
    let postgres = Postgres::start(Options::new(CANARY))?;
    postgres.psql(
        "postgres",
        r#"CREATE TABLE orders AS SELECT 1 AS id, '{"a": 12345678901234567890}'::json AS note"#,
    )?;
    let server = TestServer::start(ServerOptions::new("command-line")).await?;
    let url = postgres.superuser_url("postgres");
    let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();

    let unset = run(&server, &["query", "SELECT 1"])?;
    assert_eq!(unset.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&unset.stderr).contains("hint: "),
        "{unset:?}"
    );
    let added = run(
        &server,
        &["databases", "add", &url, "--name", "Mine", "--default"],
    )?;
    assert_eq!(added.status.code(), Some(0), "{added:?}");
    let listed = server
        .client()
        .get("/api/v1/databases")
        .await?
        .expect(200)?;
    assert_eq!(listed[0]["name"], "Mine");

    let sql = "SELECT 1.10 AS a, NULL AS b, 'x,y' AS c";
    let csv = run(
        &server,
        &["--output", "csv", "query", sql, "--target-database", "mine"],
    )?;
    assert_eq!(text(&csv), "a,b,c\r\n1.10,,\"x,y\"\r\n");
    let json = run(
        &server,
        &[
            "--output",
            "json",
            "query",
            "SELECT $1::int AS n",
            "--param",
            "7",
        ],
    )?;
    let json: Value = serde_json::from_str(&text(&json))?;
    assert_eq!(json["rows"], json!([[7]]));
    assert_eq!(json["database"]["chosen_by"], "default");
    let tool = run(
        &server,
        &[
            "--output",
            "json",
            "tools",
            "run",
            "get_table_sample",
            "--arg",
            "table=orders",
            "--arg",
            "limit=1",
        ],
    )?;
    assert!(text(&tool).contains("12345678901234567890"), "{tool:?}");

    for (arguments, code) in [
        (vec!["query", "SELECT 1/0"], 1),
        (vec!["query", "DROP TABLE orders"], 1),
        (vec!["query", "SELECT 1", "--target-database", "yours"], 1),
        (vec!["tools", "run", "list_columns"], 1),
        (vec!["tools", "run", "list_columns", "--arg", "table"], 2),
        (vec!["databases", "frobnicate"], 2),
        (vec!["databases", "test", "mine"], 0),
        (vec!["keys", "rotate"], 0),
        (vec!["databases", "remove", "mine"], 0),
        (vec!["databases", "remove", "mine"], 1),
    ] {
        let output = run(&server, &arguments)?;
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        let shown = [output.stdout, output.stderr].concat();
        assert!(!datachat_tests::shows_canary(&shown), "{arguments:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_misspelt_setting_and_an_open_door_stop_the_server_before_it_starts() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("settings")).await?;
    for (name, value, arguments, words) in [
        (
            "DATACHAT_PROT",
            "1",
            vec!["limits"],
            "did you mean DATACHAT_PORT?",
        ),
        (
            "DATACHAT_HOST",
            "0.0.0.0",
            vec!["serve"],
            "is not a loopback address",
        ),
        (
            "DATACHAT_TOOL_TIMEOUT_MS",
            "soon",
            vec!["serve"],
            "is not a whole number",
        ),
        (
            "DATACHAT_EGRESS_DENY",
            "10.0.0.0/99",
            vec!["plugins", "list"],
            "DATACHAT_EGRESS_DENY",
        ),
        (
            "TOOLS_POLICY_FILE",
            "/nowhere",
            vec!["tools", "list"],
            "can't be read",
        ),
    ] {
        let output = server
            .command()?
            .env(name, value)
            .args(&arguments)
            .output()?;
        assert_eq!(output.status.code(), Some(1), "{name}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(words), "{name}: {text}");
    }
    std::fs::write(server.folder().join(".env"), "DATABASE_URI=x\n")?;
    let output = server.command()?.arg("limits").output()?;
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("DATABASE_URL?"),
        "{output:?}"
    );
    Ok(())
}
