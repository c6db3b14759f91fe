//! A server that is killed while it profiles and generates: what is there is whole, and every job has ended.
//!
//! `TEST_CRASHES` sets how often each store goes through it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use datachat_tests::stage::stage;
use datachat_tests::{Client, ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::jobs::{GENERATE, JOBS, generated, pending, profile, profiled, tables};

/// Tables of the database that is profiled.
const TABLES: usize = 40;

fn crashes() -> u32 {
    let asked = std::env::var("TEST_CRASHES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(10)
}

/// A number below `below` that nobody chose.
fn random(below: u128) -> u128 {
    uuid::Uuid::new_v4().as_u128() % below.max(1)
}

/// The job at a path, once it no longer counts as running.
async fn until_ended(client: &Client, path: &str) -> Result<Value> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let job = client.get(path).await?.expect(200)?;
        if job["status"] != "pending" && job["status"] != "running" {
            return Ok(job);
        }
        ensure!(Instant::now() < end, "{job}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// When the connection was last profiled.
async fn last_profiled(client: &Client, id: &str) -> Result<Value> {
    let shown = client
        .get(&format!("/api/v1/databases/{id}"))
        .await?
        .expect(200)?;
    Ok(shown["last_profiled"].clone())
}

/// Sends a request and kills the server within `length` of it.
async fn kill_during(
    server: &mut TestServer,
    path: &str,
    body: Value,
    length: Duration,
) -> Result<()> {
    let client = server.client().afresh();
    let path = path.to_owned();
    let request = tokio::spawn(async move { client.post(&path, &body).await });
    let pause = random(length.as_micros() + 1_000);
    tokio::time::sleep(Duration::from_micros(u64::try_from(pause)?)).await;
    server.kill_9()?;
    // It may have been answered or not.
    let _ = request.await?;
    Ok(())
}

/// Kills the server in the middle of profilings and generations. `other` uses the same system database, if it can be
/// shared.
async fn crash(mut server: TestServer, other: Option<&TestServer>, url: &str) -> Result<()> {
    let id = server.register("many", url).await?;
    let started = Instant::now();
    profiled(server.client(), &id, &json!({})).await?;
    let length = started.elapsed();
    let path = format!("/api/v1/databases/{id}/profile");
    let latest = format!("{JOBS}/connection/{id}/latest");
    let (mut interrupted, mut completed) = (0, 0);
    for _ in 0..crashes() {
        let before = server.client().get(&latest).await?.expect(200)?;
        let profiled_before = last_profiled(server.client(), &id).await?;
        kill_during(&mut server, &path, json!({}), length).await?;
        if let Some(other) = other {
            let seen = until_ended(other.client(), &latest).await?;
            ensure!(seen["status"] != "failed", "{seen}");
        }
        server.launch().await?;
        let client = server.client();
        let job = until_ended(client, &latest).await?;
        let profiled_now = last_profiled(client, &id).await?;
        if job["job_id"] == before["job_id"] {
            ensure!(profiled_now == profiled_before, "nothing had begun");
        } else if job["status"] == "completed" {
            let profile = job["profile_id"].as_str().context("a profile")?;
            let tables = tables(client, profile).await?;
            ensure!(tables.len() == TABLES, "{} tables", tables.len());
            ensure!(tables.iter().all(|table| table["status"] == "completed"));
            ensure!(profiled_now != profiled_before, "it is not counted");
            completed += 1;
        } else {
            ensure!(job["status"] == "interrupted", "{job}");
            ensure!(job["profile_id"].is_null(), "{job}");
            ensure!(profiled_now == profiled_before, "a part of it is there");
            interrupted += 1;
        }
    }
    eprintln!("profilings: {interrupted} interrupted, {completed} completed");

    let profile = profiled(server.client(), &id, &json!({})).await?;
    let latest = format!("{GENERATE}/profiles/{profile}");
    let (mut interrupted, mut completed) = (0, 0);
    for _ in 0..crashes() {
        let before = server.client().get(&latest).await?.expect(200)?;
        let waiting = pending(server.client(), "").await?;
        let body = json!({"profile_id": profile, "batch_size": 1});
        kill_during(&mut server, GENERATE, body, Duration::from_millis(50)).await?;
        server.launch().await?;
        let client = server.client();
        let job = until_ended(client, &latest).await?;
        let waiting_now = pending(client, "").await?;
        if job["job_id"] == before["job_id"] || job["status"] == "interrupted" {
            ensure!(waiting_now == waiting, "a part of it is there");
            interrupted += 1;
        } else {
            ensure!(job["status"] == "completed", "{job}");
            ensure!(waiting_now.len() == TABLES, "{}", waiting_now.len());
            ensure!(
                waiting_now
                    .iter()
                    .all(|proposal| !waiting.contains(proposal))
            );
            completed += 1;
        }
    }
    eprintln!("generations: {interrupted} not done, {completed} completed");
    generated(server.client(), &profile, json!({})).await?;
    assert_eq!(pending(server.client(), "").await?.len(), TABLES);
    let again = self::profile(server.client(), &id, &json!({})).await?;
    assert_eq!(again["status"], "completed");
    Ok(())
}

/// A database with many tables, and its URL.
async fn many(name: &str) -> Result<String> {
    let stage = stage().await?;
    stage.postgres.create_database(name)?;
    let tables: Vec<String> = (0..TABLES)
        .map(|n| {
            format!("CREATE TABLE t{n} (id integer PRIMARY KEY); INSERT INTO t{n} VALUES (1), (2);")
        })
        .collect();
    stage.postgres.psql(name, &tables.concat())?;
    Ok(stage.postgres.superuser_url(name))
}

#[tokio::test]
async fn a_killed_profiling_leaves_no_half_profile_in_sqlite() -> Result<()> {
    let url = many("crash_many_sqlite").await?;
    let options = ServerOptions::new("profile-crash").variable("DATACHAT_SYNC_LEASE_MS", "2000");
    crash(TestServer::start(options).await?, None, &url).await
}

#[tokio::test]
async fn a_killed_profiling_leaves_no_half_profile_in_postgresql_and_another_server_sees_it()
-> Result<()> {
    let url = many("crash_many_postgres").await?;
    let stage = stage().await?;
    stage.postgres.create_database("system_profile_crash")?;
    let system = stage.postgres.superuser_url("system_profile_crash");
    let options = |name| {
        ServerOptions::new(name)
            .variable("DATACHAT_SYNC_LEASE_MS", "2000")
            .variable("SYSTEM_DATABASE_URL", &system)
            .variable(
                "DATABASE_CREDENTIALS_KEY",
                "bmV2ZXItdXNlLXRoaXMta2V5LWZvci1yZWFsLWRhdGE=",
            )
    };
    let server = TestServer::start(options("profile-crash-postgres")).await?;
    let other = TestServer::start(options("profile-crash-witness")).await?;
    crash(server, Some(&other), &url).await
}

#[tokio::test]
async fn a_server_that_is_stopped_interrupts_its_profiling_and_says_so() -> Result<()> {
    let stage = stage().await?;
    stage.postgres.create_database("profile_stopped")?;
    stage.postgres.psql(
        "profile_stopped",
        "CREATE VIEW slow AS SELECT pg_sleep(60)::text AS a",
    )?;
    let mut server = TestServer::start(ServerOptions::new("profile-stopped")).await?;
    let id = server
        .register("slow", &stage.postgres.superuser_url("profile_stopped"))
        .await?;
    let body = json!({"query_timeout_seconds": 60, "per_table_timeout_seconds": 60});
    let path = format!("/api/v1/databases/{id}/profile");
    let started = server.client().post(&path, &body).await?.expect(202)?;
    let job = format!("{JOBS}/{}", started["job_id"].as_str().context("a job")?);
    let end = Instant::now() + Duration::from_secs(30);
    while server.client().get(&job).await?.expect(200)?["status"] != "running" {
        ensure!(Instant::now() < end, "it does not begin");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.stop()?;
    server.launch().await?;
    let ended = server.client().get(&job).await?.expect(200)?;
    assert_eq!(ended["status"], "interrupted", "{ended}");
    let error = ended["error"].as_str().context("text")?;
    assert!(error.starts_with("the server was stopped"), "{error}");
    Ok(())
}
