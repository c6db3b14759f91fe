//! What cannot be profiled is named, and nothing waits longer than it may.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use datachat_tests::engines::{Engine, House};
use datachat_tests::{Client, ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::jobs::{ended, profile, profiled, tables};

/// A server with a connection to a database of the test's own.
async fn scene(name: &str, sql: &str) -> Result<(House, TestServer, Client, String)> {
    let house = House::start(Engine::PostgreSql)?;
    house.sql("alpha", sql)?;
    let server = TestServer::start(ServerOptions::new(name)).await?;
    let id = server.register("alpha", &house.url("alpha")).await?;
    let client = server.client().clone();
    Ok((house, server, client, id))
}

fn status<'a>(tables: &'a [Value], name: &str) -> Result<(&'a str, &'a str)> {
    let table = tables
        .iter()
        .find(|table| table["table_name"] == name)
        .with_context(|| format!("no table {name}"))?;
    let text = |member: &str| table[member].as_str().unwrap_or_default();
    let (status, error): (&str, &str) = (text("status"), text("error"));
    Ok((status, error))
}

const TROUBLE: &str = "CREATE TABLE hidden (id integer PRIMARY KEY);
     CREATE VIEW slow AS SELECT pg_sleep(60)::text AS a;
     GRANT SELECT ON slow TO PUBLIC";

#[tokio::test]
async fn a_table_that_is_refused_or_too_slow_fails_alone() -> Result<()> {
    let (_house, _server, client, id) = scene("profile-trouble", TROUBLE).await?;
    let started = Instant::now();
    let body = json!({"query_timeout_seconds": 1, "per_table_timeout_seconds": 2});
    let job = profile(&client, &id, &body).await?;
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(job["status"], "completed", "{job}");
    assert_eq!(
        job["progress"],
        json!({"total_tables": 4, "tables_completed": 2, "tables_failed": 2, "tables_skipped": 0})
    );
    let tables = tables(&client, job["profile_id"].as_str().context("a profile")?).await?;
    let (failed, error) = status(&tables, "hidden")?;
    assert_eq!(failed, "failed");
    assert!(error.contains("permission denied"), "{error}");
    let (failed, error) = status(&tables, "slow")?;
    assert_eq!(failed, "failed", "{error}");
    assert_eq!(status(&tables, "orders")?, ("completed", ""));
    Ok(())
}

#[tokio::test]
async fn the_first_failure_ends_a_job_that_is_to_fail_fast_and_leaves_no_profile() -> Result<()> {
    let (_house, _server, client, id) = scene("profile-fast", TROUBLE).await?;
    let body = json!({"query_timeout_seconds": 1, "fail_fast": true});
    let job = profile(&client, &id, &body).await?;
    assert_eq!(
        (&job["status"], &job["profile_id"]),
        (&json!("failed"), &Value::Null)
    );
    let error = job["error"].as_str().context("text")?;
    assert!(
        error.starts_with("public.hidden: permission denied"),
        "{error}"
    );
    let only = profile(&client, &id, &json!({"tables": ["hidden"]})).await?;
    let error = only["error"].as_str().context("text")?;
    assert!(
        error.starts_with("no table could be profiled; public.hidden: "),
        "{error}"
    );
    let shown = client
        .get(&format!("/api/v1/databases/{id}"))
        .await?
        .expect(200)?;
    assert_eq!(shown["last_profiled"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn no_more_tables_columns_and_rows_are_looked_at_than_asked_for() -> Result<()> {
    let (_house, _server, client, id) = scene(
        "profile-bounds",
        "CREATE TABLE wide (a int, b int, c int); INSERT INTO wide SELECT n, n, n FROM generate_series(1, 50) n;
         GRANT SELECT ON wide TO PUBLIC",
    )
    .await?;
    let body = json!({"max_tables": 2, "max_columns_per_table": 2, "sample_size": 10});
    let job = profile(&client, &id, &body).await?;
    assert_eq!(
        job["progress"],
        json!({"total_tables": 3, "tables_completed": 2, "tables_failed": 0, "tables_skipped": 1})
    );
    let all = profiled(
        &client,
        &id,
        &json!({"max_tables": null, "tables": ["wide"],
        "max_columns_per_table": 2, "sample_size": 10}),
    )
    .await?;
    let tables = tables(&client, &all).await?;
    assert_eq!(tables.len(), 1);
    let wide = &tables[0];
    assert_eq!(wide["columns"].as_array().map(Vec::len), Some(2));
    assert_eq!(wide["columns_skipped"], 1);
    assert_eq!(wide["sampled_rows"], 10);
    // Nobody has analyzed it, so it is counted.
    assert_eq!(
        (&wide["row_count"], &wide["row_count_basis"]),
        (&json!(50), &json!("counted"))
    );
    let missing = profile(
        &client,
        &id,
        &json!({"tables": ["wide", "Wide", "public.x"]}),
    )
    .await?;
    assert_eq!(missing["status"], "failed");
    let error = missing["error"].as_str().context("text")?;
    assert!(
        error.starts_with("tables: the database has no Wide, public.x;"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn only_so_many_profilings_run_at_once_and_the_others_wait() -> Result<()> {
    let house = House::start(Engine::PostgreSql)?;
    house.sql("alpha", TROUBLE)?;
    let options = ServerOptions::new("profile-turns").variable("DATACHAT_PROFILE_JOBS", "1");
    let server = TestServer::start(options).await?;
    let client = server.client();
    let id = server.register("alpha", &house.url("alpha")).await?;
    let path = format!("/api/v1/databases/{id}/profile");
    let slow = json!({"tables": ["slow"], "query_timeout_seconds": 3});
    let first = client.post(&path, &slow).await?.expect(202)?;
    house.until_running("slow").await?;
    let second = client
        .post(&path, &json!({"tables": ["orders"]}))
        .await?
        .expect(202)?;
    let job = |job: &Value| {
        format!(
            "/api/v1/profiling/jobs/{}",
            job["job_id"].as_str().unwrap_or_default()
        )
    };
    let waiting = client.get(&job(&second)).await?.expect(200)?;
    assert_eq!(waiting["status"], "pending");
    let done = ended(client, &job(&second)).await?;
    assert_eq!(done["status"], "completed", "{done}");
    let failed = client.get(&job(&first)).await?.expect(200)?;
    assert_eq!(failed["status"], "failed", "{failed}");
    Ok(())
}

#[tokio::test]
async fn a_connection_that_is_deleted_ends_its_profiling_and_takes_its_profiles_along() -> Result<()>
{
    let (house, _server, client, id) = scene("profile-deleted", TROUBLE).await?;
    let made = profiled(&client, &id, &json!({"tables": ["orders"]})).await?;
    crate::jobs::generated(&client, &made, json!({})).await?;
    assert_eq!(
        crate::jobs::pending(&client, "status_filter=all")
            .await?
            .len(),
        2
    );
    let slow =
        json!({"tables": ["slow"], "query_timeout_seconds": 60, "per_table_timeout_seconds": 60});
    let path = format!("/api/v1/databases/{id}/profile");
    let started = client.post(&path, &slow).await?.expect(202)?;
    house.until_running("slow").await?;
    client
        .delete(&format!("/api/v1/databases/{id}"))
        .await?
        .expect(204)?;
    let job = started["job_id"].as_str().context("a job")?;
    let ended = ended(&client, &format!("/api/v1/profiling/jobs/{job}")).await?;
    assert_eq!(ended["status"], "failed");
    let error = ended["error"].as_str().context("text")?;
    assert!(error.contains("changed or deleted"), "{error}");
    assert!(house.until_gone("slow").await? < Duration::from_secs(2));
    client
        .get(&format!("/api/v1/profiling/profiles/{made}/tables"))
        .await?
        .problem(404, "profile_not_found")?;
    assert_eq!(
        crate::jobs::pending(&client, "status_filter=all").await?,
        [Value::Null; 0]
    );
    client
        .post(&path, &json!({}))
        .await?
        .problem(404, "connection_not_found")?;
    Ok(())
}
