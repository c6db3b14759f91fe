//! `datachat keys`, with a server that runs meanwhile.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use datachat_tests::{CANARY, Options, Postgres, ServerOptions, TestServer, shows_canary};
use serde_json::{Value, json};

/// Runs a command of the program and gives the JSON that it prints.
fn run(mut command: Command, arguments: &[&str]) -> Result<Value> {
    let output = command
        .args(arguments)
        .args(["--output", "json"])
        .output()?;
    ensure!(
        !shows_canary(&output.stdout) && !shows_canary(&output.stderr),
        "{arguments:?} shows a credential"
    );
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

async fn answers(server: &TestServer, id: &str) -> Result<()> {
    let body = json!({"sql": "SELECT 7 AS seven", "target_database": id});
    let answer = server.client().post("/api/v1/query", &body).await?;
    ensure!(
        answer.expect(200)?["rows"] == json!([[7]]),
        "{}",
        answer.text()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_is_rotated_under_a_server_that_goes_on() -> Result<()> {
    let database = Postgres::start(Options::new(CANARY))?;
    let url = database.superuser_url("postgres");
    let mut server = TestServer::start(ServerOptions::new("rotate-file")).await?;
    let before = server.register("before", &url).await?;
    let file = server.data_folder().join("credentials.key");
    let first = fs::read_to_string(&file)?;

    for _ in 0..2 {
        let rotation = run(server.command()?, &["keys", "rotate"])?;
        assert_eq!(rotation, json!({"rotated": 1, "unreadable": 0}));
        answers(&server, &before).await?;
    }
    ensure!(
        !fs::read_to_string(&file)?.contains(first.trim()),
        "the first key is still there"
    );
    let after = server.register("after", &url).await?;
    server.stop()?;
    server.launch().await?;
    answers(&server, &before).await?;
    answers(&server, &after).await
}

#[tokio::test(flavor = "multi_thread")]
async fn configured_keys_are_rotated_and_the_old_one_is_then_superfluous() -> Result<()> {
    let database = Postgres::start(Options::new(CANARY).database("system"))?;
    let system = database.superuser_url("system");
    let options = |name: &str, keys: &str| {
        ServerOptions::new(name)
            .variable("SYSTEM_DATABASE_URL", &system)
            .variable("DATABASE_CREDENTIALS_KEY", keys)
    };
    let any = TestServer::start(ServerOptions::new("any")).await?;
    let generate = || -> Result<String> {
        let printed = run(any.command()?, &["keys", "generate"])?;
        Ok(printed["key"].as_str().context("a key")?.to_owned())
    };
    let (old, new) = (generate()?, generate()?);
    ensure!(old != new, "two keys are alike");

    let server = TestServer::start(options("old-key", &old)).await?;
    let id = server
        .register("one", &database.superuser_url("postgres"))
        .await?;
    drop(server);
    let server = TestServer::start(options("both-keys", &format!("{new},{old}"))).await?;
    answers(&server, &id).await?;
    let rotation = run(server.command()?, &["keys", "rotate"])?;
    assert_eq!(rotation, json!({"rotated": 1, "unreadable": 0}));
    answers(&server, &id).await?;
    for key in [&old, &new] {
        ensure!(
            !server.log_text().contains(key.as_str()),
            "the log shows a key"
        );
    }
    drop(server);
    let server = TestServer::start(options("new-key", &new)).await?;
    answers(&server, &id).await
}
