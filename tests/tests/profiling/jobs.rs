//! Ways to run jobs and to wait for their end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use datachat_tests::Client;
use serde_json::{Value, json};

pub const JOBS: &str = "/api/v1/profiling/jobs";
pub const GENERATE: &str = "/api/v1/datapoints/generate";
pub const PENDING: &str = "/api/v1/datapoints/pending";
pub const DATAPOINTS: &str = "/api/v1/datapoints";

/// How long a job may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// The job at a path when it has ended.
pub async fn ended(client: &Client, path: &str) -> Result<Value> {
    let end = Instant::now() + PATIENCE;
    loop {
        let job = client.get(path).await?.expect(200)?;
        if job["status"] != "pending" && job["status"] != "running" {
            return Ok(job);
        }
        ensure!(Instant::now() < end, "the job does not end: {job}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Profiles a connection and gives the job when it has ended.
pub async fn profile(client: &Client, connection: &str, body: &Value) -> Result<Value> {
    let path = format!("/api/v1/databases/{connection}/profile");
    let job = client.post(&path, body).await?.expect(202)?;
    let id = job["job_id"].as_str().context("a job")?;
    ended(client, &format!("{JOBS}/{id}")).await
}

/// The id of a profile that must have been made.
pub async fn profiled(client: &Client, connection: &str, body: &Value) -> Result<String> {
    let job = profile(client, connection, body).await?;
    ensure!(job["status"] == "completed", "{job}");
    Ok(job["profile_id"].as_str().context("a profile")?.to_owned())
}

/// The tables of a profile.
pub async fn tables(client: &Client, profile: &str) -> Result<Vec<Value>> {
    let path = format!("/api/v1/profiling/profiles/{profile}/tables");
    let shown = client.get(&path).await?.expect(200)?;
    ensure!(shown["profile_id"] == *profile, "{shown}");
    Ok(shown["tables"].as_array().context("a list")?.clone())
}

/// Makes proposals that must have been made.
pub async fn generated(client: &Client, profile: &str, further: Value) -> Result<Value> {
    let job = generation(client, profile, further).await?;
    ensure!(job["status"] == "completed", "{job}");
    Ok(job)
}

/// A generation, when it has ended.
pub async fn generation(client: &Client, profile: &str, further: Value) -> Result<Value> {
    let mut body = json!({"profile_id": profile});
    if let (Some(body), Value::Object(further)) = (body.as_object_mut(), further) {
        body.extend(further);
    }
    let job = client.post(GENERATE, &body).await?.expect(200)?;
    let id = job["job_id"].as_str().context("a job")?;
    ended(client, &format!("{GENERATE}/jobs/{id}")).await
}

/// What a list of proposals shows.
pub async fn pending(client: &Client, filter: &str) -> Result<Vec<Value>> {
    let path = format!("{PENDING}?limit=1000&{filter}");
    let page = client.get(&path).await?.expect(200)?;
    Ok(page["pending"].as_array().context("a list")?.clone())
}

/// The ids of DataPoints of proposals.
pub fn datapoint_ids(proposals: &[Value]) -> Vec<&str> {
    proposals
        .iter()
        .filter_map(|proposal| proposal["datapoint"]["datapoint_id"].as_str())
        .collect()
}

/// The proposal of a DataPoint.
pub fn of<'a>(proposals: &'a [Value], id: &str) -> Result<&'a Value> {
    proposals
        .iter()
        .find(|proposal| proposal["datapoint"]["datapoint_id"] == id)
        .with_context(|| format!("no proposal {id} in {:?}", datapoint_ids(proposals)))
}

/// The ids of the stored DataPoints of a connection.
pub async fn stored(client: &Client, connection: &str) -> Result<Vec<String>> {
    let path = format!("{DATAPOINTS}?limit=1000&connection_id={connection}");
    let page = client.get(&path).await?.expect(200)?;
    let list = page["datapoints"].as_array().context("a list")?;
    list.iter()
        .map(|entry| {
            let id = entry["datapoint_id"].as_str().context("an id")?;
            Ok(id.to_owned())
        })
        .collect()
}
