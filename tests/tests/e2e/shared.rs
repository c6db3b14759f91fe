//! Several servers over one system database in PostgreSQL: one registry, seen by all at once.

use anyhow::{Context, Result};
use datachat_tests::{ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::door::{Door, assert_answered};
use crate::stage::{Stage, listed_names, reader_url, register, registration, stage};

const DATABASES: &str = "/api/v1/databases";
const KEY: &str = "bmV2ZXItdXNlLXRoaXMta2V5LWZvci1yZWFsLWRhdGE=";

fn options(stage: &Stage, name: &str, database: &str) -> ServerOptions {
    ServerOptions::new(name).variable(
        "SYSTEM_DATABASE_URL",
        &stage.postgres.superuser_url(database),
    )
}

#[tokio::test]
async fn what_one_server_stores_every_other_uses_at_once() -> Result<()> {
    let stage = stage().await?;
    stage.postgres.create_database("system_shared")?;
    let options =
        |name| options(stage, name, "system_shared").variable("DATABASE_CREDENTIALS_KEY", KEY);
    let (left, right) = tokio::join!(
        TestServer::start(options("left")),
        TestServer::start(options("right"))
    );
    let (left, right) = (left?, right?);
    let alpha = register(left.client(), &reader_url(&stage.postgres, "alpha")).await?;
    let beta = register(right.client(), &reader_url(&stage.postgres, "beta")).await?;
    for server in [&left, &right] {
        assert_eq!(listed_names(server.client()).await?.len(), 2);
        for door in Door::ALL {
            for (marker, id) in [("alpha", &alpha), ("beta", &beta)] {
                let answer = door.ask(server.client(), Some(json!(id))).await?;
                assert_answered(door, &answer, marker, id, "explicit");
            }
            let answer = door.ask(server.client(), None).await?;
            answer.problem(400, "system_not_initialized")?;
        }
    }
    // The default, a new URL and a deletion take effect on the server that was not asked.
    let empty = json!({});
    let default = format!("{DATABASES}/{beta}/default");
    left.client().put(&default, &empty).await?.expect(204)?;
    for door in Door::ALL {
        let answer = door.ask(right.client(), None).await?;
        assert_answered(door, &answer, "beta", &beta, "default");
    }
    let url = json!({"database_url": reader_url(&stage.postgres, "alpha")});
    let path = format!("{DATABASES}/{beta}");
    left.client().patch(&path, &url).await?.expect(200)?;
    for door in Door::ALL {
        let answer = door.ask(right.client(), None).await?;
        assert_answered(door, &answer, "alpha", &beta, "default");
    }
    left.client().delete(&path).await?.expect(204)?;
    for door in Door::ALL {
        let answer = door.ask(right.client(), Some(json!(beta))).await?;
        answer.problem(404, "connection_not_found")?;
    }

    // One name, registered on both at the same moment, is stored once; one default is left of many.
    let body = registration(&reader_url(&stage.postgres, "alpha"));
    let both = (0..8).map(|number| {
        let server = if number % 2 == 0 { &left } else { &right };
        server.client().post(DATABASES, &body)
    });
    let answers = futures_util::future::join_all(both).await;
    let mut stored = Vec::new();
    for answer in answers {
        let answer = answer?;
        if answer.status == 201 {
            stored.push(answer.json());
        } else {
            answer.problem(409, "duplicate_name")?;
        }
    }
    assert_eq!(stored.len(), 1);
    let other = stored[0]["connection_id"].as_str().context("no id")?;
    let paths = [alpha.as_str(), other].map(|id| format!("{DATABASES}/{id}/default"));
    let both = (0..16).map(|number| {
        let server = if number % 2 == 0 { &left } else { &right };
        server.client().put(&paths[number / 2 % 2], &empty)
    });
    for answer in futures_util::future::join_all(both).await {
        answer?.expect(204)?;
    }
    for server in [&left, &right] {
        let list = server.client().get(DATABASES).await?.expect(200)?;
        let defaults = list.as_array().context("no array")?;
        let defaults = defaults.iter().filter(|row| row["is_default"] == true);
        assert_eq!(defaults.count(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_shared_system_database_needs_a_key_and_says_so() -> Result<()> {
    let stage = stage().await?;
    stage.postgres.create_database("system_keyless")?;
    let alpha = reader_url(&stage.postgres, "alpha");
    let server = TestServer::start(
        options(stage, "shared-keyless", "system_keyless").variable("DATABASE_URL", &alpha),
    )
    .await?;
    let client = server.client();
    let answer = client.post(DATABASES, &registration(&alpha)).await?;
    let problem = answer.problem(503, "registry_unavailable")?;
    let hint = problem["hint"].as_str().unwrap_or_default();
    assert!(hint.contains("DATABASE_CREDENTIALS_KEY"), "{problem}");
    let ready = client.get("/ready").await?.expect(503)?;
    assert_eq!(ready["checks"]["registry"]["status"], "failed");
    for door in Door::ALL {
        let answer = door
            .ask(client, Some(json!(crate::stage::ENVIRONMENT_ID)))
            .await?;
        let (marker, _) = door.answered(&answer)?;
        assert_eq!(marker, Value::from("alpha"));
    }
    Ok(())
}
