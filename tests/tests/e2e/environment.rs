//! The environment database, and how the default stands before it.

use anyhow::{Context, Result};
use datachat_tests::{Client, ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::door::{Door, assert_answered};
use crate::stage::{ENVIRONMENT_ID, reader_url, register, registration, stage};

const DATABASES: &str = "/api/v1/databases";

async fn list(client: &Client) -> Result<Vec<Value>> {
    let list = client.get(DATABASES).await?.expect(200)?;
    list.as_array().cloned().context("no array")
}

async fn assert_chosen(client: &Client, marker: &str, id: &str, chosen_by: &str) -> Result<()> {
    for door in Door::ALL {
        for target in [None, Some(Value::Null)] {
            let answer = door.ask(client, target).await?;
            assert_answered(door, &answer, marker, id, chosen_by);
        }
        let answer = door.ask(client, Some(json!(ENVIRONMENT_ID))).await?;
        assert_answered(door, &answer, "alpha", ENVIRONMENT_ID, "explicit");
    }
    Ok(())
}

#[tokio::test]
async fn the_environment_database_answers_while_no_row_is_the_default() -> Result<()> {
    let stage = stage().await?;
    let url = reader_url(&stage.postgres, "alpha");
    let server =
        TestServer::start(ServerOptions::new("environment").variable("DATABASE_URL", &url)).await?;
    let client = server.client();
    assert_chosen(client, "alpha", ENVIRONMENT_ID, "environment").await?;

    let listed = list(client).await?;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["connection_id"], ENVIRONMENT_ID);
    assert_eq!(listed[0]["name"], "Environment Database");
    assert_eq!(listed[0]["tags"], json!(["env"]));
    assert_eq!(listed[0]["is_default"], true);
    assert_eq!(listed[0]["database_url"], "**********");
    assert_eq!(listed[0]["database_type"], "postgresql");

    // A default stands before it, on both doors, and it can still be named.
    let beta = register(client, &reader_url(&stage.postgres, "beta")).await?;
    let default = format!("{DATABASES}/{beta}/default");
    assert_chosen(client, "alpha", ENVIRONMENT_ID, "environment").await?;
    client.put(&default, &json!({})).await?.expect(204)?;
    assert_chosen(client, "beta", &beta, "default").await?;
    let listed = list(client).await?;
    assert_eq!(listed[0]["connection_id"], beta);
    assert_eq!(listed[0]["is_default"], true);
    assert_eq!(listed[1]["connection_id"], ENVIRONMENT_ID);
    assert_eq!(listed[1]["is_default"], false);

    // Deleting the default leaves none: the environment database answers again.
    client
        .delete(&format!("{DATABASES}/{beta}"))
        .await?
        .expect(204)?;
    assert_chosen(client, "alpha", ENVIRONMENT_ID, "environment").await?;
    assert_eq!(list(client).await?[0]["is_default"], true);

    // A row with its URL takes its place in the list, not as a target.
    let same = register(client, &url).await?;
    let listed = list(client).await?;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["connection_id"], same);
    assert_chosen(client, "alpha", ENVIRONMENT_ID, "environment").await?;
    Ok(())
}

#[tokio::test]
async fn the_environment_database_can_t_be_changed_over_http() -> Result<()> {
    let stage = stage().await?;
    let url = reader_url(&stage.postgres, "alpha");
    let server =
        TestServer::start(ServerOptions::new("constant").variable("DATABASE_URL", &url)).await?;
    let client = server.client();
    let path = format!("{DATABASES}/{ENVIRONMENT_ID}");
    for answer in [
        client.patch(&path, &json!({"name": "mine"})).await?,
        client.put(&format!("{path}/default"), &json!({})).await?,
        client.delete(&path).await?,
    ] {
        let problem = answer.problem(400, "environment_database")?;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("Environment Database"), "{detail}");
    }
    let shown = client.get(&path).await?.expect(200)?;
    assert_eq!(shown["name"], "Environment Database");
    // Its health and its schema are like any other's.
    let health = client.get(&format!("{path}/health")).await?.expect(200)?;
    assert_eq!(health["status"], "healthy");
    let schema = client.get(&format!("{path}/schema")).await?.expect(200)?;
    assert_eq!(schema["tables"][0]["table_name"], "orders");
    Ok(())
}

#[tokio::test]
async fn a_malformed_database_url_stops_nothing() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(
        ServerOptions::new("malformed").variable("DATABASE_URL", "postgresql://:no/thing@at all"),
    )
    .await?;
    let client = server.client();
    client.get("/ready").await?.expect(200)?;
    client.get(DATABASES).await?.expect(200)?;
    let body = json!({"is_default": true});
    let mut registration = registration(&reader_url(&stage.postgres, "beta"));
    registration["is_default"] = body["is_default"].clone();
    let row = client.post(DATABASES, &registration).await?.expect(201)?;
    let id = row["connection_id"].as_str().context("no id")?;
    for door in Door::ALL {
        let answer = door.ask(client, None).await?;
        assert_answered(door, &answer, "beta", id, "default");
        let answer = door.ask(client, Some(json!(ENVIRONMENT_ID))).await?;
        let refused = [400, 404, 503].contains(&answer.status.as_u16());
        assert!(refused, "{}", answer.text());
        answer.problem(
            answer.status.as_u16(),
            answer.json()["code"].as_str().unwrap_or(""),
        )?;
    }
    Ok(())
}
