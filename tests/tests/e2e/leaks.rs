//! No credential leaves the server, whatever goes wrong.
//!
//! Every password of these tests contains one known text. The client looks for it in every answer, the
//! harness in every log when its server goes; here the rest is looked at, after everything went wrong once.

use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result};
use datachat_tests::{CANARY, Client, ServerOptions, TestServer, shows_canary};
use serde_json::json;

use crate::stage::{READER, query, reader_url, registration, stage, text};

const DATABASES: &str = "/api/v1/databases";

async fn everything_goes_wrong(client: &Client, url: &str, port: u16) -> Result<()> {
    let closed = "127.0.0.1:1";
    for bad in [
        url.replace("alpha", "nowhere"),
        url.replace(CANARY, &format!("{CANARY}-wrong")),
        url.replace(READER, "nobody"),
        format!("postgresql://{READER}:{CANARY}@{closed}/alpha"),
        format!("postgresql://{READER}:{CANARY}@no-such-host.invalid/alpha"),
        format!("postgresql://{READER}:{CANARY}@169.254.169.254/alpha"),
        format!("{url}?sslmode=verify-full"),
        format!("{url}?sslmode={CANARY}"),
        format!("{url}?{CANARY}"),
        format!("{url}?options={CANARY}"),
        format!("postgresql://{CANARY}"),
        format!("postgresql://{READER}:{CANARY}:{port}/alpha"),
        format!("{CANARY}://{READER}@127.0.0.1/alpha"),
        format!("postgresql://{READER}:{CANARY}@[::1/alpha"),
    ] {
        for path in [DATABASES.to_owned(), format!("{DATABASES}/test")] {
            let answer = client.post(&path, &registration(&bad)).await?;
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
        json!({"name": "x", "database_url": url, "database_type": "postgresql", "is_default": url}),
        json!([url]),
    ] {
        let answer = client.post(DATABASES, &body).await?;
        assert!(answer.status.is_client_error());
    }
    Ok(())
}

#[tokio::test]
async fn after_everything_went_wrong_no_credential_is_anywhere() -> Result<()> {
    let stage = stage().await?;
    let url = reader_url(&stage.postgres, "alpha");
    let mut server = TestServer::start(
        ServerOptions::new("leaks")
            .variable(
                "DATABASE_URL",
                &format!("{url}?application_name=environment"),
            )
            .variable("DATACHAT_LOG", "trace"),
    )
    .await?;
    let client = server.client().clone();
    everything_goes_wrong(&client, &url, stage.postgres.port()).await?;
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
        "SELECT repeat('x', 100000)",
    ] {
        query(&client, &id, sql).await?;
    }
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
            &["databases", "add", "postgresql://x", "--name", "y"],
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
