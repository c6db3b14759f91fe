//! What a sync is asked for, and what it answers.

use std::time::Duration;

use anyhow::{Context, Result};
use datachat_tests::stage::{keys, stage};
use datachat_tests::{ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::points::{
    DATAPOINTS, SYNC, all, codes, completed, ended, failed, for_connection, ids, metric, of, pairs,
    shared, table, write,
};
use crate::scene::Scene;

#[tokio::test]
async fn a_request_that_makes_no_sense_starts_nothing() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("sync-refused")).await?;
    let client = server.client();
    let idle = client.get(&format!("{SYNC}/status")).await?.expect(200)?;
    assert_eq!(
        keys(&idle),
        [
            "status",
            "job_id",
            "sync_type",
            "started_at",
            "finished_at",
            "total_datapoints",
            "processed_datapoints",
            "error",
            "scope",
            "connection_id",
            "skipped",
            "errors",
            "warnings",
            "changes"
        ]
    );
    assert_eq!(idle["status"], "idle");
    let nobody = "00000000-0000-4000-8000-000000000001";
    for (body, status, code) in [
        (
            json!({"scope": "database", "datapoints": []}),
            400,
            "connection_id_required",
        ),
        (
            json!({"scope": "global", "connection_id": nobody, "datapoints": []}),
            400,
            "connection_id_not_allowed",
        ),
        (
            json!({"connection_id": nobody, "datapoints": []}),
            400,
            "connection_id_not_allowed",
        ),
        (
            json!({"scope": "database", "connection_id": "x", "datapoints": []}),
            400,
            "invalid_connection_id",
        ),
        (
            json!({"scope": "database", "connection_id": nobody, "datapoints": []}),
            404,
            "connection_not_found",
        ),
        (
            json!({"scope": "all", "datapoints": []}),
            422,
            "validation_failed",
        ),
        (
            json!({"conflict_mode": "best", "datapoints": []}),
            422,
            "validation_failed",
        ),
        (json!({"datapoints": {}}), 422, "validation_failed"),
        (json!({"datapoint": []}), 422, "unknown_field"),
        (json!({}), 422, "validation_failed"),
        (json!({"datapoints_dir": "."}), 422, "validation_failed"),
    ] {
        client.post(SYNC, &body).await?.problem(status, code)?;
    }
    let odd = client.get(&format!("{SYNC}/status?job_id=x")).await?;
    odd.problem(400, "invalid_id")?;
    let unknown = client
        .get(&format!("{SYNC}/status?job_id={nobody}"))
        .await?;
    unknown.problem(404, "job_not_found")?;
    let idle = client.get(&format!("{SYNC}/status")).await?.expect(200)?;
    assert_eq!(idle["status"], "idle");
    Ok(())
}

#[tokio::test]
async fn a_folder_of_the_server_is_read_inside_the_configured_one_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let inside = folder.path().join("datapoints");
    let orders = table("table_orders", "orders");
    let sales = metric("metric_sales", "Sales");
    write(
        &inside,
        &[
            ("user/a/orders.json", &orders),
            ("managed/sales.json", &sales),
        ],
    )?;
    write(folder.path(), &[("outside/orders.json", &orders)])?;
    let options = ServerOptions::new("sync-folder")
        .variable("DATAPOINTS_DIR", inside.to_str().context("text")?);
    let server = TestServer::start(options).await?;
    let client = server.client();
    let outside = folder.path().join("outside");
    for name in [
        "..",
        "../outside",
        "missing",
        "/etc",
        outside.to_str().context("text")?,
    ] {
        let body = json!({"datapoints_dir": name});
        let problem = client
            .post(SYNC, &body)
            .await?
            .problem(422, "validation_failed")?;
        assert_eq!(problem["field"], "datapoints_dir", "{name}");
    }
    let status = completed(client, &json!({})).await?;
    assert_eq!(status["changes"]["written"], 2);
    let found = all(client, "").await?;
    let of = |at: usize| {
        let text = |name: &str| found[at][name].as_str().unwrap_or_default().to_owned();
        (
            text("datapoint_id"),
            text("source_tier"),
            text("source_path"),
        )
    };
    let sales = ("metric_sales", "managed", "managed/sales.json");
    let orders = ("table_orders", "user", "user/a/orders.json");
    for (at, expected) in [sales, orders].into_iter().enumerate() {
        let (id, tier, path) = of(at);
        assert_eq!((id.as_str(), tier.as_str(), path.as_str()), expected);
    }
    // What the tier warns about does not fail it.
    assert_eq!(codes(&status["warnings"]).len(), 8);
    let part = completed(client, &json!({"datapoints_dir": "user"})).await?;
    assert_eq!(part["changes"]["deleted"], 1, "it is the same scope");
    Ok(())
}

#[tokio::test]
async fn contracts_are_strict_unless_that_is_waived_and_the_demo_is_exempt() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("sync-contracts")).await?;
    let client = server.client();
    let mut gap = table("table_orders", "orders");
    gap["metadata"] = json!({});
    let body = |tier: &str, further: Value| {
        let mut body = json!({
            "datapoints": [gap],
            "sources": [{"path": "x/orders.json", "tier": tier}],
        });
        if let (Some(body), Value::Object(further)) = (body.as_object_mut(), further) {
            body.extend(further);
        }
        body
    };
    let status = failed(client, &body("examples", json!({}))).await?;
    assert_eq!(status["errors"][0]["path"], "x/orders.json");
    assert_eq!(status["errors"][0]["field"], "metadata.grain");
    assert!(status["errors"][0]["remedy"].is_string());
    assert_eq!(status["error"], "3 problems in 1 file; nothing was changed");
    let lenient = json!({"strict_contracts": false});
    let status = completed(client, &body("examples", lenient.clone())).await?;
    assert_eq!(codes(&status["warnings"]).len(), 3);
    assert_eq!(status["errors"], json!([]));
    completed(client, &body("demo", json!({}))).await?;
    let mut asked = lenient;
    asked["fail_on_contract_warnings"] = json!(true);
    failed(client, &body("examples", asked)).await?;
    let mut stale = table("table_orders", "orders");
    stale["freshness"] = Value::Null;
    stale["metadata"]["freshness"] = Value::Null;
    let body = json!({
        "datapoints": [stale],
        "sources": [{"path": "a.json", "tier": "demo"}],
        "strict_contracts": false,
    });
    let status = failed(client, &body).await?;
    assert_eq!(status["errors"][0]["code"], "missing_freshness");
    Ok(())
}

#[tokio::test]
async fn a_conflict_names_both_unless_a_mode_decides() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("sync-conflicts")).await?;
    let client = server.client();
    let at = |id: &str, day: &str| {
        let mut point = table(id, "orders");
        point["metadata"]["lifecycle"] = json!({"changed_at": day});
        point
    };
    let body = |mode: &str, second: &str| {
        json!({
            "scope": "global",
            "conflict_mode": mode,
            "datapoints": [at("table_u", "2026-01-01T00:00:00Z"), at("table_m", "2026-02-01T00:00:00Z")],
            "sources": [{"path": "user/u.json", "tier": "user"}, {"path": "x/m.json", "tier": second}],
        })
    };
    let status = failed(client, &body("error", "managed")).await?;
    let conflict = &status["errors"][0];
    assert_eq!(conflict["code"], "conflict");
    let message = conflict["message"].as_str().context("a message")?;
    for part in [
        "user/u.json (table_u)",
        "x/m.json (table_m)",
        "table::public.orders",
    ] {
        assert!(message.contains(part), "{message}");
    }
    for (mode, kept) in [
        ("prefer_user", "table_u"),
        ("prefer_managed", "table_m"),
        ("prefer_latest", "table_m"),
    ] {
        completed(client, &body(mode, "managed")).await?;
        assert_eq!(ids(client, "").await?, pairs(&[("global", kept)]), "{mode}");
    }
    completed(client, &body("error", "examples")).await?;
    assert_eq!(
        ids(client, "").await?.len(),
        2,
        "examples stand beside others"
    );

    // What the API made counts as well, and the same table of another scope does not.
    let by_hand = table("table_hand", "items");
    client.post(DATAPOINTS, &by_hand).await?.expect(201)?;
    let shared_items = shared(table("table_shared", "items"));
    completed(client, &json!({"datapoints": [shared_items]})).await?;
    let unscoped = json!({"datapoints": [table("table_file", "items")]});
    let status = failed(client, &unscoped).await?;
    let message = status["errors"][0]["message"]
        .as_str()
        .context("a message")?;
    assert!(
        message.contains("table_hand (stored, not from a file)"),
        "{message}"
    );
    Ok(())
}

#[tokio::test]
async fn while_a_scope_is_written_no_other_sync_of_it_starts() -> Result<()> {
    let Scene { server, one, two } = Scene::start("sync-busy").await?;
    let client = server.client();
    let many: Vec<Value> = (0..4_000)
        .map(|n| table(&format!("table_{n}"), &format!("t{n}")))
        .collect();
    let started = client
        .post(SYNC, &for_connection(&one, &many))
        .await?
        .expect(200)?;
    let job = started["job_id"].as_str().context("a job")?;
    let few = [table("table_a", "a")];
    let busy = client.post(SYNC, &for_connection(&one, &few)).await?;
    let problem = busy.problem(409, "sync_running")?;
    assert_eq!(problem["job_id"], job);
    let all_scopes = client.post(SYNC, &json!({"datapoints": few})).await?;
    all_scopes.problem(409, "sync_running")?;
    completed(client, &for_connection(&two, &few)).await?;
    assert_eq!(ended(client, job).await?["status"], "completed");
    completed(client, &for_connection(&one, &few)).await?;
    Ok(())
}

#[tokio::test]
async fn readers_see_the_old_set_or_the_new_one() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("sync-readers")).await?;
    let client = server.client();
    let set = |count: usize, note: &str| -> Value {
        let points: Vec<Value> = (0..count)
            .map(|n| {
                let mut point = of_note(n, note);
                point["metadata"]["scope"] = json!("global");
                point
            })
            .collect();
        json!({"datapoints": points})
    };
    let sets = [set(300, "old"), set(200, "new")];
    completed(client, &sets[0]).await?;
    let reader = tokio::spawn({
        let client = client.afresh();
        async move {
            let mut seen = std::collections::BTreeSet::new();
            for _ in 0..60 {
                let page = client
                    .get(&format!("{DATAPOINTS}?limit=1000&bodies=true"))
                    .await?;
                let page = page.expect(200)?;
                let list = page["datapoints"].as_array().context("a list")?.clone();
                let notes: std::collections::BTreeSet<String> = list
                    .iter()
                    .map(|entry| entry["datapoint"]["metadata"]["note"].to_string())
                    .collect();
                seen.insert((list.len(), notes));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            anyhow::Ok(seen)
        }
    });
    for round in 1..6 {
        completed(client, &sets[round % 2]).await?;
    }
    for (count, notes) in reader.await?? {
        let note = notes.first().cloned().unwrap_or_default();
        assert_eq!(notes.len(), 1, "{count} {notes:?}");
        let expected = if note.contains("old") { 300 } else { 200 };
        assert_eq!(count, expected);
    }
    Ok(())
}

fn of_note(n: usize, note: &str) -> Value {
    let mut point = table(&format!("table_{n}"), &format!("t{n}"));
    point["metadata"]["note"] = json!(note);
    point
}

#[tokio::test]
async fn the_environment_database_has_datapoints_as_well() -> Result<()> {
    let stage = stage().await?;
    let url = stage.postgres.superuser_url("alpha");
    let options = ServerOptions::new("sync-environment").variable("DATABASE_URL", &url);
    let server = TestServer::start(options).await?;
    let client = server.client();
    let id = datachat_tests::stage::ENVIRONMENT_ID;
    completed(
        client,
        &for_connection(id, &[table("table_orders", "orders")]),
    )
    .await?;
    client
        .post(DATAPOINTS, &of(id, metric("metric_a", "A")))
        .await?
        .expect(201)?;
    let shown = client
        .get(&format!("/api/v1/databases/{id}"))
        .await?
        .expect(200)?;
    assert_eq!(shown["datapoint_count"], 2);
    Ok(())
}
