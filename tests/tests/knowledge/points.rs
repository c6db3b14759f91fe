//! DataPoints to test with, and ways to sync them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use datachat_tests::Client;
use serde_json::{Value, json};

pub const DATAPOINTS: &str = "/api/v1/datapoints";
pub const SYNC: &str = "/api/v1/sync";

/// How long a sync may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

fn complete(id: &str, kind: &str, name: &str) -> Value {
    json!({
        "datapoint_id": id,
        "type": kind,
        "name": name,
        "owner": "data-team@example.com",
        "tags": ["test"],
        "metadata": {
            "grain": "one row",
            "exclusions": "none",
            "confidence_notes": "made for a test",
            "freshness": "T-1",
        },
    })
}

fn with(mut point: Value, detail: Value) -> Value {
    if let (Some(point), Value::Object(detail)) = (point.as_object_mut(), detail) {
        point.extend(detail);
    }
    point
}

/// A table, of the schema `public`.
pub fn table(id: &str, table: &str) -> Value {
    with(
        complete(id, "Schema", table),
        json!({
            "table_name": table,
            "schema": "public",
            "business_purpose": format!("What {table} is for"),
            "key_columns": [
                {"name": "id", "type": "integer", "business_meaning": "The key", "nullable": false},
            ],
            "freshness": "T-1",
        }),
    )
}

pub fn metric(id: &str, name: &str) -> Value {
    with(
        complete(id, "Business", name),
        json!({"calculation": "SUM(amount)", "unit": "USD", "related_tables": ["public.orders"]}),
    )
}

pub fn process(id: &str, name: &str) -> Value {
    with(
        complete(id, "Process", name),
        json!({"schedule": "daily", "data_freshness": "T-1", "target_tables": ["public.orders"]}),
    )
}

pub fn query(id: &str, name: &str, sql: &str) -> Value {
    with(
        complete(id, "Query", name),
        json!({
            "sql_template": sql,
            "description": "A statement for a test",
            "related_tables": ["public.orders"],
            "parameters": {"n": {"type": "integer", "default": 3}},
        }),
    )
}

/// The same, for a connection.
pub fn of(connection: &str, mut point: Value) -> Value {
    point["metadata"]["connection_id"] = json!(connection);
    point
}

/// The same, for all connections.
pub fn shared(mut point: Value) -> Value {
    point["metadata"]["scope"] = json!("global");
    point
}

/// Writes files of a folder.
pub fn write(folder: &Path, files: &[(&str, &Value)]) -> Result<()> {
    for (path, point) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().context("a file has a folder")?)?;
        fs::write(path, serde_json::to_vec_pretty(point)?)?;
    }
    Ok(())
}

/// Starts a sync, waits for its end and gives its status.
pub async fn sync(client: &Client, body: &Value) -> Result<Value> {
    let started = client.post(SYNC, body).await?.expect(200)?;
    let job = started["job_id"].as_str().context("a job")?;
    ended(client, job).await
}

/// The status of a job when it has ended.
pub async fn ended(client: &Client, job: &str) -> Result<Value> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let path = format!("{SYNC}/status?job_id={job}");
        let status = client.get(&path).await?.expect(200)?;
        if status["status"] != "running" {
            return Ok(status);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("the sync {job} does not end")
}

/// A sync that must have been completed.
pub async fn completed(client: &Client, body: &Value) -> Result<Value> {
    let status = sync(client, body).await?;
    anyhow::ensure!(status["status"] == "completed", "{status}");
    Ok(status)
}

/// A sync that must have failed.
pub async fn failed(client: &Client, body: &Value) -> Result<Value> {
    let status = sync(client, body).await?;
    anyhow::ensure!(status["status"] == "failed", "{status}");
    Ok(status)
}

/// The body of a sync of a connection.
pub fn for_connection(connection: &str, points: &[Value]) -> Value {
    json!({"scope": "database", "connection_id": connection, "datapoints": points})
}

/// Everything that a list shows, with the whole DataPoints.
pub async fn all(client: &Client, filter: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{DATAPOINTS}?bodies=true&limit=1000&cursor={cursor}&{filter}");
        let page = client.get(&path).await?.expect(200)?;
        all.extend(page["datapoints"].as_array().context("a list")?.clone());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return Ok(all),
        }
    }
}

/// The ids of a list, as (scope or connection, id).
pub async fn ids(client: &Client, filter: &str) -> Result<Vec<(String, String)>> {
    let all = all(client, filter).await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut ids: Vec<_> = all
        .iter()
        .map(|entry| {
            let owner = match &entry["connection_id"] {
                Value::Null => &entry["scope"],
                id => id,
            };
            (text(owner), text(&entry["datapoint_id"]))
        })
        .collect();
    ids.sort();
    Ok(ids)
}

/// (owner, id) pairs as [`ids`] gives them.
pub fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = pairs
        .iter()
        .map(|(owner, id)| ((*owner).to_owned(), (*id).to_owned()))
        .collect();
    pairs.sort();
    pairs
}

/// The codes of findings with their files.
pub fn codes(findings: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = findings.as_array().into_iter().flatten();
    findings
        .map(|finding| (text(&finding["path"]), text(&finding["code"])))
        .collect()
}
