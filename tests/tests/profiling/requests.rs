//! What a request must not be, and who may send it.

use anyhow::{Context, Result};
use datachat_tests::stage::stage;
use datachat_tests::{CANARY, ServerOptions, TestServer};
use serde_json::json;

use crate::jobs::{GENERATE, JOBS, PENDING, generated, pending, profiled};

const NOBODY: &str = "00000000-0000-4000-8000-000000000001";

#[tokio::test]
async fn a_request_that_makes_no_sense_starts_nothing() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(ServerOptions::new("profile-refused")).await?;
    let client = server.client();
    let id = server
        .register("alpha", &stage.postgres.superuser_url("alpha"))
        .await?;
    let path = format!("/api/v1/databases/{id}/profile");
    for (body, code, field) in [
        (
            json!({"sample_size": 0}),
            "validation_failed",
            "sample_size",
        ),
        (
            json!({"max_tables": 501}),
            "validation_failed",
            "max_tables",
        ),
        (
            json!({"total_timeout_seconds": 9}),
            "validation_failed",
            "total_timeout_seconds",
        ),
        (json!({"tables": [1]}), "validation_failed", "tables"),
        (json!({"sample": 10}), "unknown_field", "sample"),
    ] {
        let problem = client.post(&path, &body).await?.problem(422, code)?;
        assert_eq!(problem["field"], field);
    }
    let unknown = client
        .post(&format!("/api/v1/databases/{NOBODY}/profile"), &json!({}))
        .await?;
    unknown.problem(404, "connection_not_found")?;
    let odd = client
        .post("/api/v1/databases/x/profile", &json!({}))
        .await?;
    odd.problem(400, "invalid_connection_id")?;
    for (path, status, code) in [
        (format!("{JOBS}/{NOBODY}"), 404, "job_not_found"),
        (format!("{JOBS}/x"), 400, "invalid_id"),
        (
            format!("{JOBS}/connection/{NOBODY}/latest"),
            404,
            "connection_not_found",
        ),
        (
            format!("/api/v1/profiling/profiles/{NOBODY}/tables"),
            404,
            "profile_not_found",
        ),
        (format!("{GENERATE}/jobs/{NOBODY}"), 404, "job_not_found"),
        (
            format!("{GENERATE}/profiles/{NOBODY}"),
            404,
            "profile_not_found",
        ),
        (
            format!("{PENDING}?status_filter=new"),
            422,
            "validation_failed",
        ),
        (
            format!("{PENDING}?connection_id=x"),
            400,
            "invalid_connection_id",
        ),
        (format!("{PENDING}?cursor=x"), 400, "invalid_cursor"),
    ] {
        client.get(&path).await?.problem(status, code)?;
    }
    let none = client
        .get(&format!("{JOBS}/connection/{id}/latest"))
        .await?
        .expect(200)?;
    assert!(none.is_null(), "{none}");
    Ok(())
}

#[tokio::test]
async fn a_generation_needs_a_profile_its_tables_and_for_thought_a_language_model() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(ServerOptions::new("generate-refused")).await?;
    let client = server.client();
    let id = server
        .register("alpha", &stage.postgres.superuser_url("alpha"))
        .await?;
    let profile = profiled(client, &id, &json!({})).await?;
    for (body, status, code, field) in [
        (json!({}), 422, "validation_failed", "profile_id"),
        (
            json!({"profile_id": 7}),
            422,
            "validation_failed",
            "profile_id",
        ),
        (
            json!({"profile_id": profile, "depth": "deep"}),
            422,
            "validation_failed",
            "depth",
        ),
        (
            json!({"profile_id": profile, "batch_size": 51}),
            422,
            "validation_failed",
            "batch_size",
        ),
        (
            json!({"profile_id": profile, "llm": true}),
            422,
            "unknown_field",
            "llm",
        ),
        (
            json!({"profile_id": profile, "tables": ["x"]}),
            404,
            "table_not_found",
            "tables",
        ),
        (
            json!({"profile_id": profile, "depth": "metrics_full"}),
            503,
            "llm_not_configured",
            "depth",
        ),
    ] {
        let problem = client.post(GENERATE, &body).await?.problem(status, code)?;
        assert_eq!(problem["field"], field, "{body}");
    }
    let unknown = client
        .post(GENERATE, &json!({"profile_id": NOBODY}))
        .await?;
    unknown.problem(404, "profile_not_found")?;
    let none = client
        .get(&format!("{GENERATE}/profiles/{profile}"))
        .await?
        .expect(200)?;
    assert!(none.is_null(), "{none}");
    let job = generated(client, &profile, json!({})).await?;
    let latest = client
        .get(&format!("{GENERATE}/profiles/{profile}"))
        .await?
        .expect(200)?;
    assert_eq!(latest, job);
    Ok(())
}

#[tokio::test]
async fn whoever_is_no_administrator_sees_and_changes_nothing_but_reads() -> Result<()> {
    let stage = stage().await?;
    let keys = format!("ann:admin:{CANARY}-a,bob:user:{CANARY}-b");
    let options = ServerOptions::new("profile-keys").variable("DATACHAT_API_KEYS", &keys);
    let server = TestServer::start(options).await?;
    let ann = server.client().with_key(&format!("{CANARY}-a"));
    let bob = server.client().with_key(&format!("{CANARY}-b"));
    let url = stage.postgres.superuser_url("alpha");
    let body = json!({"name": "alpha", "database_url": url, "database_type": "postgresql"});
    let connection = ann.post("/api/v1/databases", &body).await?.expect(201)?;
    let id = connection["connection_id"].as_str().context("an id")?;
    let profile = profiled(&ann, id, &json!({})).await?;
    generated(&ann, &profile, json!({})).await?;
    let shown = pending(&bob, "").await?;
    let one = shown[0]["pending_id"].as_str().context("an id")?;
    for path in [
        format!("/api/v1/databases/{id}/profile"),
        GENERATE.to_owned(),
        format!("{PENDING}/{one}/approve"),
        format!("{PENDING}/{one}/reject"),
        format!("{PENDING}/bulk-approve"),
    ] {
        bob.post(&path, &json!({}))
            .await?
            .problem(403, "forbidden")?;
    }
    assert_eq!(pending(&bob, "").await?, shown);
    Ok(())
}
