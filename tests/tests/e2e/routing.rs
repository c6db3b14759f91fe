//! Which database answers: what an explicit `target_database` means, on a server that has no default.

use anyhow::Result;
use datachat_tests::{Client, ServerOptions, TestServer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::door::{Door, assert_answered};
use crate::stage::{self, ENVIRONMENT_ID, keys, query, stage, text};

#[tokio::test]
async fn an_explicit_id_is_answered_by_its_own_database() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let alpha = stage.register(&client, "alpha").await?;
    let beta = stage.register(&client, "beta").await?;
    for door in Door::ALL {
        for (marker, id) in [("alpha", &alpha), ("beta", &beta)] {
            let answer = door.ask(&client, Some(json!(id))).await?;
            assert_answered(door, &answer, marker, id, "explicit");
        }
    }
    Ok(())
}

#[tokio::test]
async fn other_spellings_of_an_id_are_normalised() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let alpha = stage.register(&client, "alpha").await?;
    for spelling in [
        alpha.to_uppercase(),
        alpha.replace('-', ""),
        format!("{{{alpha}}}"),
        format!("urn:uuid:{alpha}"),
    ] {
        for door in Door::ALL {
            let answer = door.ask(&client, Some(json!(spelling))).await?;
            assert_answered(door, &answer, "alpha", &alpha, "explicit");
        }
        let shown = client.get(&format!("/api/v1/databases/{spelling}")).await;
        // Braces and colons are no characters of a path everywhere; where they arrive they mean the same.
        if let Ok(shown) = shown {
            assert_eq!(shown.expect(200)?["connection_id"], alpha, "{spelling}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_target_that_is_no_id_is_refused_and_never_the_default() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    for door in Door::ALL {
        for target in ["", " ", "\t\n ", "alpha", "1", "../x", "null", "default"] {
            let answer = door.ask(&client, Some(json!(target))).await?;
            let problem = answer.problem(400, "invalid_connection_id")?;
            let detail = text(&problem["detail"])?;
            assert!(detail.contains("Invalid connection ID."), "{detail}");
        }
        for target in [json!(1), json!(true), json!(["x"]), json!({"id": "x"})] {
            let answer = door.ask(&client, Some(target)).await?;
            let problem = answer.problem(422, "validation_failed")?;
            assert_eq!(problem["field"], "target_database");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_and_a_deleted_id_are_not_found() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let deleted = stage.register(&client, "alpha").await?;
    for door in Door::ALL {
        // A session of it is in the pool from here on.
        let answer = door.ask(&client, Some(json!(deleted))).await?;
        assert_answered(door, &answer, "alpha", &deleted, "explicit");
    }
    client
        .delete(&format!("/api/v1/databases/{deleted}"))
        .await?
        .expect(204)?;
    let unknown = Uuid::new_v4().to_string();
    for door in Door::ALL {
        for id in [&unknown, &deleted] {
            let answer = door.ask(&client, Some(json!(id))).await?;
            let problem = answer.problem(404, "connection_not_found")?;
            let detail = text(&problem["detail"])?;
            assert!(
                detail.contains("Database connection not found:") && detail.contains(id.as_str()),
                "{detail}"
            );
            assert_eq!(problem["connection_id"], **id);
        }
    }
    Ok(())
}

#[tokio::test]
async fn errors_of_the_database_name_the_connection() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let alpha = stage.register(&client, "alpha").await?;
    let answer = query(&client, &alpha, "SELECT nothing FROM whoami").await?;
    let problem = answer.problem(400, "undefined_object")?;
    assert_eq!(problem["connection_id"], alpha);
    assert_eq!(problem["sqlstate"], "42703");
    assert_eq!(problem["position"], 8);
    let answer = stage::tool(&client, &alpha, "list_columns", json!({"table": "nowhere"})).await?;
    let problem = answer.problem(404, "table_not_found")?;
    assert_eq!(problem["connection_id"], alpha);
    Ok(())
}

#[tokio::test]
async fn without_a_default_and_an_environment_database_the_server_says_how_to_set_up() -> Result<()>
{
    let stage = stage().await?;
    let server = TestServer::start(ServerOptions::new("fresh")).await?;
    let client = server.client();
    assert_not_initialized(client).await?;
    let status = client.get("/api/v1/system/status").await?.expect(200)?;
    assert_eq!(status["has_databases"], false);

    // The first connection is no default because it is the first.
    let alpha = stage.register(client, "alpha").await?;
    assert_not_initialized(client).await?;
    for door in Door::ALL {
        let answer = door.ask(client, Some(json!(alpha))).await?;
        assert_answered(door, &answer, "alpha", &alpha, "explicit");
        // No environment database: its id is one like any other.
        let answer = door.ask(client, Some(json!(ENVIRONMENT_ID))).await?;
        answer.problem(404, "connection_not_found")?;
    }
    Ok(())
}

async fn assert_not_initialized(client: &Client) -> Result<()> {
    for door in Door::ALL {
        for target in [None, Some(Value::Null)] {
            let answer = door.ask(client, target).await?;
            let problem = answer.problem(400, "system_not_initialized")?;
            assert!(problem["error"].is_string(), "{problem}");
            assert!(problem["message"].is_string(), "{problem}");
            let steps = problem["setup_steps"].as_array();
            assert!(steps.is_some_and(|steps| !steps.is_empty()), "{problem}");
            for step in steps.into_iter().flatten() {
                assert_eq!(keys(step), ["step", "title", "description", "action"]);
            }
        }
    }
    Ok(())
}
