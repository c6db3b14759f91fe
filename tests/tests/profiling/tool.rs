//! The tool `profile_and_generate_datapoints`, which asks for consent and serves its target alone.

use anyhow::{Context, Result};
use datachat_tests::engines::Engine;
use datachat_tests::on_every_engine;
use datachat_tests::stage::{keys, stage};
use datachat_tests::{Client, ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::jobs::{JOBS, datapoint_ids, pending, stored};
use crate::shop::{schema, shop};

on_every_engine!(a_tool_looks_at_its_target_and_proposes_what_it_sees);

const NAME: &str = "profile_and_generate_datapoints";

fn call(target: &str, arguments: &Value) -> Value {
    json!({"name": NAME, "arguments": arguments, "target_database": target, "approved": true})
}

async fn execute(client: &Client, body: &Value) -> Result<datachat_tests::Answer> {
    client.post("/api/v1/tools/execute", body).await
}

async fn a_tool_looks_at_its_target_and_proposes_what_it_sees(engine: Engine) -> Result<()> {
    let house = shop(engine).await?;
    let server = TestServer::start(ServerOptions::new("profile-tool")).await?;
    let client = server.client();
    let id = server.register("shop", &house.url("alpha")).await?;
    let other = server.register("other", &house.url("beta")).await?;
    let arguments = json!({"tables": ["purchases"], "connection_id": id.to_uppercase()});
    let answer = execute(client, &call(&id, &arguments)).await?.expect(200)?;
    assert_eq!(answer["database"]["id"], id);
    let result = &answer["result"];
    assert_eq!(keys(result), ["profile_id", "pending_count", "depth"]);
    assert_eq!(
        (&result["pending_count"], &result["depth"]),
        (&json!(3), &json!("metrics_basic"))
    );
    let proposals = pending(client, &format!("connection_id={id}")).await?;
    let schema = schema(engine);
    assert_eq!(
        datapoint_ids(&proposals),
        [
            format!("metric_{schema}_purchases_total_amount_eur"),
            format!("metric_{schema}_purchases_total_quantity"),
            format!("table_{schema}_purchases"),
        ]
    );
    assert!(
        proposals
            .iter()
            .all(|proposal| proposal["profile_id"] == result["profile_id"])
    );
    assert_eq!(
        stored(client, &id).await?,
        [""; 0],
        "nobody has approved it"
    );
    assert_eq!(
        pending(client, &format!("connection_id={other}")).await?,
        [Value::Null; 0]
    );
    let job = client
        .get(&format!("{JOBS}/connection/{id}/latest"))
        .await?
        .expect(200)?;
    assert_eq!(job["profile_id"], result["profile_id"]);

    let conflict = execute(client, &call(&id, &json!({"connection_id": other}))).await?;
    let problem = conflict.problem(422, "target_conflict")?;
    assert_eq!(
        (&problem["field"], &problem["connection_id"]),
        (&json!("arguments.connection_id"), &json!(id))
    );
    Ok(())
}

#[tokio::test]
async fn without_consent_or_with_nonsense_nothing_is_looked_at() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(ServerOptions::new("profile-tool-refused")).await?;
    let client = server.client();
    let id = server
        .register("alpha", &stage.postgres.superuser_url("alpha"))
        .await?;
    let mut unapproved = call(&id, &json!({}));
    unapproved["approved"] = json!(false);
    let refused = execute(client, &unapproved).await?;
    refused.problem(403, "approval_required")?;
    for (arguments, status, code) in [
        (json!({"sample_size": 0}), 422, "validation_failed"),
        (json!({"depth": "deep"}), 422, "validation_failed"),
        (json!({"profile": true}), 422, "unknown_field"),
        (json!({"connection_id": "x"}), 422, "target_conflict"),
        (json!({"depth": "metrics_full"}), 503, "llm_not_configured"),
    ] {
        let answer = execute(client, &call(&id, &arguments)).await?;
        answer
            .problem(status, code)
            .with_context(|| arguments.to_string())?;
    }
    let none = client
        .get(&format!("{JOBS}/connection/{id}/latest"))
        .await?
        .expect(200)?;
    assert!(none.is_null(), "{none}");

    let missing = execute(client, &call(&id, &json!({"tables": ["x"]}))).await?;
    let problem = missing.problem(502, "database_failed")?;
    let detail = problem["detail"].as_str().context("text")?;
    assert!(detail.contains("the database has no x"), "{detail}");
    Ok(())
}
