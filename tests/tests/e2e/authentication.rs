//! How a role proves who it is, and every way in which a connection does not come about.

use std::time::{Duration, Instant};

use anyhow::Result;
use datachat_tests::{CANARY, Client, ServerOptions, TestServer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::door::Door;
use crate::stage::{
    ENVIRONMENT_ID, READER, listed_names, reader_url, register, registration, scalar, stage, text,
};

/// Refused while it is checked: 400, the phrase, nothing stored.
async fn refusal(client: &Client, url: &str, code: &str) -> Result<Value> {
    let body = registration(url);
    let answer = client.post("/api/v1/databases", &body).await?;
    let problem = answer.problem(400, code)?;
    let detail = text(&problem["detail"])?;
    assert!(
        detail.starts_with("Failed to connect to database: "),
        "{detail}"
    );
    let names = listed_names(client).await?;
    assert!(!names.contains(&text(&body["name"])?), "it was stored");
    let test = json!({"database_url": url, "database_type": "postgresql"});
    let answer = client.post("/api/v1/databases/test", &test).await?;
    answer.problem(400, code)?;
    Ok(problem)
}

#[tokio::test]
async fn every_method_of_authentication_leads_in() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    for role in [READER, "digest", "trusted"] {
        let url = stage.postgres.url(role, CANARY, "alpha") + "?sslmode=disable";
        let id = register(&client, &url).await?;
        assert_eq!(scalar(&client, &id, "SELECT current_user").await?, role);
    }
    Ok(())
}

#[tokio::test]
async fn a_password_of_special_characters_leads_in_percent_encoded() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let password = format!("{CANARY}/?#[]@!$&'()*+,;=% :äß漢");
    let sql = format!(
        "CREATE ROLE \"odd one\" LOGIN PASSWORD {}",
        datachat_tests::literal(&password)
    );
    stage.postgres.psql("postgres", &sql)?;
    let encoded: Vec<String> = password
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    let encoded = encoded.concat();
    let port = stage.postgres.port();
    let url = format!("postgresql://odd%20one:{encoded}@127.0.0.1:{port}/alpha");
    let id = register(&client, &url).await?;
    assert_eq!(
        scalar(&client, &id, "SELECT current_user").await?,
        "odd one"
    );
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_is_told_by_each_method() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let wrong = format!("{CANARY}-but-wrong");
    for role in [READER, "digest", "nobody"] {
        let url = stage.postgres.url(role, &wrong, "alpha");
        let problem = refusal(&client, &url, "authentication_failed").await?;
        assert!(
            ["28P01", "28000"].contains(&problem["sqlstate"].as_str().unwrap_or("")),
            "{problem}"
        );
    }
    // No password at all.
    let port = stage.postgres.port();
    let url = format!("postgresql://{READER}@127.0.0.1:{port}/alpha");
    refusal(&client, &url, "authentication_failed").await?;
    Ok(())
}

#[tokio::test]
async fn a_password_that_was_changed_later_is_503() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let role = |sql: &str| stage.postgres.psql("postgres", sql);
    role(&format!("CREATE ROLE changing LOGIN PASSWORD '{CANARY}'"))?;
    let id = register(&client, &stage.postgres.url("changing", CANARY, "alpha")).await?;
    role(&format!("ALTER ROLE changing PASSWORD '{CANARY}-2'"))?;
    for door in Door::ALL {
        let answer = door.ask(&client, Some(json!(id))).await?;
        let problem = answer.problem(503, "authentication_failed")?;
        assert_eq!(problem["connection_id"], id);
    }
    Ok(())
}

#[tokio::test]
async fn a_missing_database_is_named() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let url = reader_url(&stage.postgres, "nowhere");
    let problem = refusal(&client, &url, "database_missing").await?;
    assert_eq!(problem["sqlstate"], "3D000");
    // Missing only later.
    stage.postgres.create_database("passing")?;
    let id = register(&client, &reader_url(&stage.postgres, "passing")).await?;
    stage
        .postgres
        .psql("postgres", "DROP DATABASE passing WITH (FORCE)")?;
    for door in Door::ALL {
        let answer = door.ask(&client, Some(json!(id))).await?;
        answer.problem(503, "database_missing")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_refused() -> Result<()> {
    let client = stage().await?.client();
    let free = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let url = format!("postgresql://{READER}:{CANARY}@127.0.0.1:{free}/alpha");
    refusal(&client, &url, "connection_refused").await?;
    Ok(())
}

#[tokio::test]
async fn a_host_without_an_address_is_not_found() -> Result<()> {
    let client = stage().await?.client();
    let url = format!("postgresql://{READER}:{CANARY}@no-such-host.invalid/alpha");
    refusal(&client, &url, "host_not_found").await?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_hangs_in_the_handshake_is_given_up_in_time() -> Result<()> {
    // The system takes the connection; nobody ever reads from it.
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let silent_url = format!(
        "postgresql://{READER}:{CANARY}@127.0.0.1:{}/alpha",
        silent.local_addr()?.port()
    );
    let server = TestServer::start(
        ServerOptions::new("hanging")
            .variable("DATACHAT_CONNECT_TIMEOUT_MS", "1000")
            .variable("DATABASE_URL", &silent_url),
    )
    .await?;
    let client = server.client();

    for mode in ["disable", "prefer", "require"] {
        let start = Instant::now();
        let answer = client
            .post(
                "/api/v1/databases",
                &registration(&format!("{silent_url}?sslmode={mode}")),
            )
            .await?;
        let took = start.elapsed();
        answer.problem(400, "timeout")?;
        assert!(took >= Duration::from_millis(900), "{mode}: after {took:?}");
        assert!(took < Duration::from_secs(4), "{mode}: after {took:?}");
    }
    for door in Door::ALL {
        let start = Instant::now();
        let answer = door.ask(client, Some(json!(ENVIRONMENT_ID))).await?;
        let took = start.elapsed();
        let problem = answer.problem(504, "timeout")?;
        assert_eq!(problem["connection_id"], ENVIRONMENT_ID);
        assert!(took < Duration::from_secs(4), "{door:?}: after {took:?}");
    }
    // It stays quiet after it agreed to TLS.
    let agreeing = TcpListener::bind("127.0.0.1:0").await?;
    let port = agreeing.local_addr()?.port();
    let hold = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut peer, _)) = agreeing.accept().await {
            let mut request = [0; 8];
            if peer.read_exact(&mut request).await.is_ok() {
                let _ = peer.write_all(b"S").await;
            }
            held.push(peer);
        }
    });
    let url = format!("postgresql://{READER}:{CANARY}@127.0.0.1:{port}/alpha?sslmode=require");
    let start = Instant::now();
    let answer = client
        .post("/api/v1/databases", &registration(&url))
        .await?;
    answer.problem(400, "timeout")?;
    assert!(start.elapsed() < Duration::from_secs(4));
    hold.abort();
    Ok(())
}

#[tokio::test]
async fn something_that_is_no_postgresql_is_told_apart() -> Result<()> {
    let client = stage().await?.client();
    for (says, codes) in [
        // Closes at once.
        (&b""[..], &["connection_refused", "protocol"][..]),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", &["protocol"]),
        (b"N\0\0\0\0\0\0\0\0\0", &["protocol"]),
        // An authentication request that claims to be 2 GiB long.
        (b"NR\x7f\xff\xff\xff\0\0\0\0", &["protocol"]),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let peer = tokio::spawn(async move {
            while let Ok((mut peer, _)) = listener.accept().await {
                let mut start = [0; 8];
                if says.is_empty() || peer.read_exact(&mut start).await.is_err() {
                    continue;
                }
                let _ = peer.write_all(says).await;
                let mut rest = [0; 512];
                let _ = tokio::time::timeout(Duration::from_secs(2), peer.read(&mut rest)).await;
            }
        });
        let url = format!("postgresql://{READER}:{CANARY}@127.0.0.1:{port}/alpha");
        let answer = client
            .post("/api/v1/databases", &registration(&url))
            .await?;
        let code = text(&answer.json()["code"])?;
        assert!(
            codes.contains(&code.as_str()),
            "{code} for {:?}",
            String::from_utf8_lossy(says)
        );
        answer.problem(400, &code)?;
        peer.abort();
    }
    Ok(())
}
