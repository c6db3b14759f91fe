//! Connections that can't be used: each says why, and none is replaced by another.

use anyhow::{Context, Result};
use datachat_tests::engines::{Engine, House};
use datachat_tests::{Client, ServerOptions, TestServer, on_every_engine};
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::door::{Door, assert_answered, assert_answered_by};
use crate::stage::{self, ENVIRONMENT_ID, reader_url, register, registration, stage, unique};

const DATABASES: &str = "/api/v1/databases";
const OLD_KEY: &str = "bmV2ZXItdXNlLXRoaXMta2V5LWZvci1yZWFsLWRhdGE=";
const NEW_KEY: &str = "YW5vdGhlci1rZXktb2YtdGhlLXRlc3RzLW9ubHktISE=";

async fn register_default(client: &Client, url: &str) -> Result<String> {
    let mut body = registration(url);
    body["is_default"] = json!(true);
    let row = client.post(DATABASES, &body).await?.expect(201)?;
    stage::text(&row["connection_id"])
}

/// Explicit or as the default, the answer is this problem.
async fn assert_unusable(client: &Client, id: &str, status: u16, code: &str) -> Result<()> {
    for door in Door::ALL {
        for target in [Some(json!(id)), None, Some(Value::Null)] {
            let answer = door.ask(client, target).await?;
            let problem = answer.problem(status, code)?;
            assert_eq!(problem["connection_id"], id, "{problem}");
        }
    }
    Ok(())
}

/// `DATABASE_URL` works, so a server that looks for a way out would find one.
async fn server_with_environment(name: &str) -> Result<TestServer> {
    let url = reader_url(&stage().await?.postgres, "alpha");
    TestServer::start(ServerOptions::new(name).variable("DATABASE_URL", &url)).await
}

async fn assert_environment_answers(client: &Client) -> Result<()> {
    for door in Door::ALL {
        let answer = door.ask(client, Some(json!(ENVIRONMENT_ID))).await?;
        assert_answered(door, &answer, "alpha", ENVIRONMENT_ID, "explicit");
    }
    Ok(())
}

#[tokio::test]
async fn a_row_that_no_key_opens_is_named_harms_no_other_and_can_be_mended() -> Result<()> {
    let stage = stage().await?;
    let mut server = server_with_environment("sealed").await?;
    server.stop()?;
    server.set_variable("DATABASE_CREDENTIALS_KEY", OLD_KEY);
    server.launch().await?;
    let sealed = register_default(server.client(), &reader_url(&stage.postgres, "beta")).await?;
    server.stop()?;
    server.set_variable("DATABASE_CREDENTIALS_KEY", NEW_KEY);
    server.launch().await?;
    let client = server.client();

    assert_unusable(client, &sealed, 503, "credentials_unreadable").await?;
    assert_environment_answers(client).await?;
    let other = register(client, &reader_url(&stage.postgres, "beta")).await?;
    for door in Door::ALL {
        let answer = door.ask(client, Some(json!(other))).await?;
        assert_answered(door, &answer, "beta", &other, "explicit");
    }
    let listed = client.get(DATABASES).await?.expect(200)?;
    let status = |id: &str| {
        let rows = listed.as_array()?;
        rows.iter().find(|row| row["connection_id"] == id)?["status"].as_str()
    };
    assert_eq!(status(&sealed), Some("credentials_unreadable"));
    assert_eq!(status(&other), Some("ok"));
    client.get("/ready").await?.expect(200)?;

    // A new name needs no credentials; a new URL brings them back.
    let path = format!("{DATABASES}/{sealed}");
    let renamed = json!({"name": unique("renamed")});
    let shown = client.patch(&path, &renamed).await?.expect(200)?;
    assert_eq!(shown["status"], "credentials_unreadable");
    let url = json!({"database_url": reader_url(&stage.postgres, "beta")});
    let shown = client.patch(&path, &url).await?.expect(200)?;
    assert_eq!(shown["status"], "ok");
    for door in Door::ALL {
        let answer = door.ask(client, None).await?;
        assert_answered(door, &answer, "beta", &sealed, "default");
    }
    Ok(())
}

#[tokio::test]
async fn a_row_whose_connector_is_not_installed_is_unavailable() -> Result<()> {
    let stage = stage().await?;
    let mut server = server_with_environment("connectorless").await?;
    let id = register_default(server.client(), &reader_url(&stage.postgres, "beta")).await?;
    server.stop()?;
    // As if the connector of its type had been removed.
    let file = server.data_folder().join("datachat.db");
    let mut store =
        sqlx::SqliteConnection::connect(&format!("sqlite://{}", file.display())).await?;
    let changed = sqlx::query("UPDATE datachat_connections SET database_type = 'sundialsql'")
        .execute(&mut store)
        .await?;
    assert_eq!(changed.rows_affected(), 1);
    store.close().await?;
    server.launch().await?;
    let client = server.client();
    assert_unusable(client, &id, 503, "connector_unavailable").await?;
    assert_environment_answers(client).await?;
    let shown = client
        .get(&format!("{DATABASES}/{id}"))
        .await?
        .expect(200)?;
    assert_eq!(shown["status"], "connector_missing");
    Ok(())
}

on_every_engine!(
    a_database_that_is_down_answers_with_its_class_and_comes_back_by_itself,
    a_restart_of_the_database_between_two_requests_is_not_noticed,
);

async fn a_database_that_is_down_answers_with_its_class_and_comes_back_by_itself(
    engine: Engine,
) -> Result<()> {
    if !engine.is_ours("a database that is down answers with its class and comes back by itself") {
        return Ok(());
    }
    let mut house = House::start(engine)?;
    let server = server_with_environment("down").await?;
    let client = server.client();
    let id = register_default(client, &house.url("beta")).await?;
    // Idle sessions are in the pool when it goes down.
    for door in Door::ALL {
        let answer = door.ask(client, None).await?;
        assert_answered_by(engine, door, &answer, "beta", &id, "default");
    }
    house.stop()?;
    assert_unusable(client, &id, 503, "connection_refused").await?;
    assert_environment_answers(client).await?;
    client.get("/ready").await?.expect(200)?;
    let health = client
        .get(&format!("{DATABASES}/{id}/health"))
        .await?
        .expect(200)?;
    assert_eq!(health["status"], "unhealthy");
    assert_eq!(health["error"]["code"], "connection_refused");

    house.launch()?;
    for door in Door::ALL {
        let answer = door.ask(client, None).await?;
        assert_answered_by(engine, door, &answer, "beta", &id, "default");
    }
    let health = client
        .get(&format!("{DATABASES}/{id}/health"))
        .await?
        .expect(200)?;
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["error"], Value::Null);
    Ok(())
}

async fn a_restart_of_the_database_between_two_requests_is_not_noticed(
    engine: Engine,
) -> Result<()> {
    if !engine.is_ours("a restart of the database between two requests is not noticed") {
        return Ok(());
    }
    let mut house = House::start(engine)?;
    let stage = stage().await?;
    let client = stage.client();
    let id = register(&client, &house.url("beta")).await?;
    for door in Door::ALL {
        let answer = door.ask(&client, Some(json!(id))).await?;
        assert_answered_by(engine, door, &answer, "beta", &id, "explicit");
        house.stop()?;
        house.launch()?;
        let answer = door.ask(&client, Some(json!(id))).await?;
        assert_answered_by(engine, door, &answer, "beta", &id, "explicit");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_usable_key_only_the_environment_database_can_be_used() -> Result<()> {
    let stage = stage().await?;
    let mut server = server_with_environment("keyless").await?;
    let row = register(server.client(), &reader_url(&stage.postgres, "beta")).await?;
    server.stop()?;
    server.set_variable("DATABASE_CREDENTIALS_KEY", "not a key");
    server.launch().await?;
    let client = server.client();
    for door in Door::ALL {
        let answer = door.ask(client, Some(json!(row))).await?;
        answer.problem(503, "registry_unavailable")?;
    }
    assert_environment_answers(client).await?;
    let listed = client.get(DATABASES).await?.expect(200)?;
    let environment = listed
        .as_array()
        .and_then(|rows| rows.last())
        .context("nothing listed")?;
    assert_eq!(environment["connection_id"], ENVIRONMENT_ID);
    let refused = client
        .post(
            DATABASES,
            &registration(&reader_url(&stage.postgres, "beta")),
        )
        .await?;
    refused.problem(503, "registry_unavailable")?;
    let ready = client.get("/ready").await?.expect(503)?;
    assert_eq!(ready["checks"]["registry"]["status"], "failed");
    Ok(())
}
