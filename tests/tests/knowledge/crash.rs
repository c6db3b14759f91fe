//! A server that is killed while it syncs: the set is the old one or the new one, and the job has ended.
//!
//! `TEST_CRASHES` sets how often each store goes through it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use datachat_tests::stage::stage;
use datachat_tests::{Client, ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::points::{SYNC, all, completed, ended, table, write};

/// DataPoints of a set.
const SIZE: usize = 300;

fn crashes() -> u32 {
    let asked = std::env::var("TEST_CRASHES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(10)
}

/// Two sets that share most ids, and differ in every DataPoint.
fn write_sets(folder: &Path) -> Result<()> {
    for (name, first) in [("a", 0), ("b", 20)] {
        for n in first..first + SIZE {
            let mut point = table(&format!("table_{n}"), &format!("t{n}"));
            point["metadata"]["set"] = json!(name);
            write(folder, &[(&format!("{name}/{n}.json"), &point)])?;
        }
    }
    Ok(())
}

/// Which set is stored; an error if it is none of the two.
async fn stored(client: &Client) -> Result<String> {
    let mut sets: BTreeMap<String, usize> = BTreeMap::new();
    for entry in all(client, "scope=global").await? {
        let set = entry["datapoint"]["metadata"]["set"].as_str();
        *sets.entry(set.unwrap_or_default().to_owned()).or_default() += 1;
    }
    let (set, count) = sets.pop_first().context("nothing is stored")?;
    ensure!(
        sets.is_empty() && count == SIZE,
        "{count} of {set}, and {sets:?}"
    );
    Ok(set)
}

fn body(set: &str) -> Value {
    json!({"scope": "global", "datapoints_dir": set})
}

async fn latest(client: &Client) -> Result<Value> {
    client.get(&format!("{SYNC}/status")).await?.expect(200)
}

/// Waits until the latest job no longer counts as running.
async fn until_ended(client: &Client) -> Result<Value> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let status = latest(client).await?;
        if status["status"] != "running" {
            return Ok(status);
        }
        ensure!(Instant::now() < end, "{status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A number below `below` that nobody chose.
fn random(below: u128) -> u128 {
    uuid::Uuid::new_v4().as_u128() % below.max(1)
}

/// Kills the server in the middle of syncs. `other` uses the same system database, if it can be shared.
async fn crash(mut server: TestServer, other: Option<&TestServer>) -> Result<()> {
    completed(server.client(), &body("a")).await?;
    let started = Instant::now();
    completed(server.client(), &body("b")).await?;
    let length = started.elapsed();
    let mut now = "b".to_owned();
    let (mut interrupted, mut written) = (0, 0);
    for _ in 0..crashes() {
        let next = if now == "a" { "b" } else { "a" };
        let before = latest(server.client()).await?["job_id"].clone();
        let client = server.client().afresh();
        let request = tokio::spawn(async move { client.post(SYNC, &body(next)).await });
        let pause = random(length.as_micros() + 1_000);
        tokio::time::sleep(Duration::from_micros(u64::try_from(pause)?)).await;
        server.kill_9()?;
        // It may have been answered or not.
        let _ = request.await?;
        if let Some(other) = other {
            let seen = until_ended(other.client()).await?;
            ensure!(seen["status"] != "failed", "{seen}");
            stored(other.client()).await?;
        }
        server.launch().await?;
        let status = until_ended(server.client()).await?;
        let set = stored(server.client()).await?;
        if status["job_id"] == before {
            ensure!(set == now, "nothing had begun, and {set} is stored");
        } else if status["status"] == "completed" {
            ensure!(set == next, "the job is completed, and {set} is stored");
            written += 1;
        } else {
            ensure!(status["status"] == "interrupted", "{status}");
            ensure!(set == now, "the job is interrupted, and {set} is stored");
            interrupted += 1;
        }
        now = set;
    }
    eprintln!("{interrupted} interrupted, {written} completed");
    let next = if now == "a" { "b" } else { "a" };
    completed(server.client(), &body(next)).await?;
    assert_eq!(stored(server.client()).await?, next);
    Ok(())
}

fn options(name: &str, folder: &Path) -> Result<ServerOptions> {
    Ok(ServerOptions::new(name)
        .variable("DATAPOINTS_DIR", folder.to_str().context("text")?)
        .variable("DATACHAT_SYNC_LEASE_MS", "1000"))
}

#[tokio::test]
async fn a_killed_sync_leaves_a_whole_set_in_sqlite() -> Result<()> {
    let folder = tempfile::tempdir()?;
    write_sets(folder.path())?;
    let server = TestServer::start(options("crash-sqlite", folder.path())?).await?;
    crash(server, None).await
}

#[tokio::test]
async fn a_killed_sync_leaves_a_whole_set_in_postgresql_and_another_server_sees_it() -> Result<()> {
    let stage = stage().await?;
    stage.postgres.create_database("system_crash")?;
    let folder = tempfile::tempdir()?;
    write_sets(folder.path())?;
    let key = "bmV2ZXItdXNlLXRoaXMta2V5LWZvci1yZWFsLWRhdGE=";
    let url = stage.postgres.superuser_url("system_crash");
    let options = |name| -> Result<ServerOptions> {
        Ok(options(name, folder.path())?
            .variable("SYSTEM_DATABASE_URL", &url)
            .variable("DATABASE_CREDENTIALS_KEY", key))
    };
    let server = TestServer::start(options("crash-postgres")?).await?;
    let other = TestServer::start(options("crash-witness")?).await?;
    crash(server, Some(&other)).await
}

#[tokio::test]
async fn a_server_that_is_stopped_interrupts_its_sync_and_says_so() -> Result<()> {
    let folder = tempfile::tempdir()?;
    write_sets(folder.path())?;
    let mut server = TestServer::start(options("crash-stopped", folder.path())?).await?;
    completed(server.client(), &body("a")).await?;
    let answer = server.client().post(SYNC, &body("b")).await?.expect(200)?;
    let job = answer["job_id"].as_str().context("a job")?.to_owned();
    server.stop()?;
    server.launch().await?;
    let path = format!("{SYNC}/status?job_id={job}");
    let status = server.client().get(&path).await?.expect(200)?;
    let set = stored(server.client()).await?;
    match status["status"].as_str() {
        Some("interrupted") => assert_eq!(set, "a"),
        // It was quicker.
        Some("completed") => assert_eq!(set, "b"),
        _ => anyhow::bail!("{status}"),
    }
    let again = completed(server.client(), &body("b")).await?;
    let again = again["job_id"].as_str().context("a job")?;
    assert_eq!(ended(server.client(), again).await?["status"], "completed");
    assert_eq!(stored(server.client()).await?, "b");
    Ok(())
}
