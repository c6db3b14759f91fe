//! No credential leaves the server, whatever goes wrong.
//!
//! Every password of these tests contains one known text. The client looks for it in every answer, the
//! harness in every log when its server goes; here the rest is looked at, after everything went wrong once.

use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result};
use datachat_tests::engines::{Engine, House};
use datachat_tests::{CANARY, Client, ServerOptions, TestServer, on_every_engine, shows_canary};
use serde_json::json;

use crate::stage::{query, registration, text};

const DATABASES: &str = "/api/v1/databases";

on_every_engine!(after_everything_went_wrong_no_credential_is_anywhere);

async fn everything_goes_wrong(client: &Client, house: &House) -> Result<()> {
    let (url, port, user) = (house.url("alpha"), house.port(), house.user());
    let scheme = house.engine().database_type();
    for bad in [
        url.replace("alpha", "nowhere"),
        url.replace(CANARY, &format!("{CANARY}-wrong")),
        url.replace(user, "nobody"),
        format!("{scheme}://{user}:{CANARY}@127.0.0.1:1/alpha"),
        format!("{scheme}://{user}:{CANARY}@no-such-host.invalid/alpha"),
        format!("{scheme}://{user}:{CANARY}@169.254.169.254/alpha"),
        // Of another protocol.
        format!(
            "{scheme}://{user}:{CANARY}@127.0.0.1:{}/alpha",
            other_port(house).await?
        ),
        format!("{url}?sslmode=verify-full"),
        format!("{url}?sslmode={CANARY}"),
        format!("{url}?{CANARY}"),
        format!("{url}?connect_timeout={CANARY}"),
        format!("{url}?options={CANARY}"),
        format!("{scheme}://{CANARY}"),
        format!("{scheme}://{user}:{CANARY}:{port}/alpha"),
        format!("{CANARY}://{user}@127.0.0.1/alpha"),
        format!("{scheme}://{user}:{CANARY}@[::1/alpha"),
    ] {
        for path in [DATABASES.to_owned(), format!("{DATABASES}/test")] {
            let mut body = registration(&bad);
            body["database_type"] = json!(scheme);
            let answer = client.post(&path, &body).await?;
            assert!(
                !answer.status.is_success() || bad.contains("options"),
                "{}",
                answer.text()
            );
        }
    }
    // The URL in a field where it does not belong.
    for body in [
        json!({"name": 1, "database_url": [url], "database_type": {"url": url}}),
        json!({"name": "x", "database_url": url, "database_type": scheme, "is_default": url}),
        json!([url]),
    ] {
        let answer = client.post(DATABASES, &body).await?;
        assert!(answer.status.is_client_error());
    }
    Ok(())
}

/// The port of a server of another engine.
async fn other_port(house: &House) -> Result<u16> {
    let other = match house.engine() {
        Engine::PostgreSql => Engine::MariaDb,
        _ => Engine::PostgreSql,
    };
    Ok(other.house().await?.port())
}

async fn after_everything_went_wrong_no_credential_is_anywhere(engine: Engine) -> Result<()> {
    if !engine.is_ours("after everything went wrong no credential is anywhere") {
        return Ok(());
    }
    let house = engine.house().await?;
    let url = house.url("alpha");
    let scheme = engine.database_type();
    let mut server = TestServer::start(
        ServerOptions::new(&format!("leaks-{scheme}"))
            .variable("DATABASE_URL", &format!("{url}?connect_timeout=60"))
            .variable("DATACHAT_LOG", "trace"),
    )
    .await?;
    let client = server.client().clone();
    everything_goes_wrong(&client, house).await?;
    let stored = client
        .post(DATABASES, &registration(&url))
        .await?
        .expect(201)?;
    let id = text(&stored["connection_id"])?;
    for sql in [
        "SELECT 1",
        "SELECT nothing",
        "SELECT 1/0",
        "DELETE FROM orders",
        engine.failing(),
    ] {
        query(&client, &id, sql).await?;
    }
    let long = json!({
        "sql": engine.long("cut off"), "target_database": id, "limits": {"timeout_ms": 500, "max_rows": 5_000_000},
    });
    client.post("/api/v1/query", &long).await?;
    let wrong = json!({"sql": "SELECT 1", "params": [[CANARY.len()]], "target_database": id});
    assert!(
        client
            .post("/api/v1/query", &wrong)
            .await?
            .status
            .is_client_error()
    );
    for path in [
        "/metrics",
        "/ready",
        "/openapi.json",
        "/api/v1/plugins",
        "/api/v1/tools",
        DATABASES,
    ] {
        client.get(path).await?.expect(200)?;
    }
    client
        .patch(
            &format!("{DATABASES}/{id}"),
            &json!({"database_url": format!("{url}x")}),
        )
        .await?;

    // The command line shows connections too.
    let name = text(&stored["name"])?;
    let nowhere = format!("{scheme}://x");
    for (arguments, code, shown) in [
        (
            &["databases", "list", "--output", "json"][..],
            0,
            name.as_str(),
        ),
        (&["databases", "list"], 0, &name),
        (&["databases", "test", &id], 0, "healthy"),
        (
            &["query", "SELECT 7 AS seven", "--target-database", &id],
            0,
            "seven",
        ),
        (&["query", "SELECT 7 AS seven"], 0, "seven"),
        (
            &["databases", "add", &url, "--name", &name],
            1,
            "duplicate_name",
        ),
        (
            &["databases", "add", &nowhere, "--name", "y"],
            1,
            "host_not_found",
        ),
    ] {
        let output = server.command()?.args(arguments).output()?;
        assert!(!shows_canary(&output.stdout), "{arguments:?}");
        assert!(!shows_canary(&output.stderr), "{arguments:?}");
        let mut said = String::from_utf8(output.stdout)?;
        let log = String::from_utf8(output.stderr)?;
        said.extend(log.lines().filter(|line| !line.starts_with('{')));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(shown), "{arguments:?}: {said}");
        assert!(log.len() > 10_000, "{arguments:?} had no log to search");
    }

    // Nor is it on the disk: the stored URL is encrypted, and the key is its owner's alone.
    server.stop()?;
    let mut files = vec![server.data_folder()];
    let mut seen = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                files.push(entry?.path());
            }
            continue;
        }
        seen += 1;
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        assert!(!shows_canary(&bytes), "{}", path.display());
    }
    assert!(seen > 1);
    for name in ["datachat.db", "credentials.key"] {
        let mode = std::fs::metadata(server.data_folder().join(name))?
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
    let key = std::fs::read_to_string(server.data_folder().join("credentials.key"))?;
    assert!(
        !server.log_text().contains(key.trim()),
        "the log shows the key"
    );
    Ok(())
}
