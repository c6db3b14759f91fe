//! A server that follows a folder.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use datachat_tests::stage::stage;
use datachat_tests::{Client, ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::points::{
    DATAPOINTS, SYNC, all, codes, completed, for_connection, ids, metric, of, pairs, shared, table,
    write,
};

/// How long a change may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until what is stored is what it should be.
async fn until(client: &Client, expected: &[(&str, &str)]) -> Result<()> {
    let expected = pairs(expected);
    let end = Instant::now() + PATIENCE;
    loop {
        let now = ids(client, "").await?;
        if now == expected {
            return Ok(());
        }
        if Instant::now() > end {
            bail!("{now:?} instead of {expected:?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until a DataPoint has a note.
async fn until_noted(client: &Client, id: &str, note: &str) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        let list = all(client, "").await?;
        let found = list.iter().find(|entry| entry["datapoint_id"] == id);
        if found.is_some_and(|entry| entry["datapoint"]["metadata"]["note"] == note) {
            return Ok(());
        }
        if Instant::now() > end {
            bail!("{found:?} is without the note {note}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn noted(mut point: Value, note: &str) -> Value {
    point["metadata"]["note"] = json!(note);
    point
}

fn watching(name: &str, folder: &Path) -> Result<ServerOptions> {
    Ok(ServerOptions::new(name)
        .variable("DATAPOINTS_DIR", folder.to_str().context("text")?)
        .variable("SYNC_WATCHER_ENABLED", "on")
        .variable("DATACHAT_SYNC_SETTLE_MS", "100"))
}

#[tokio::test]
async fn the_set_follows_what_is_written_changed_broken_and_deleted_in_the_folder() -> Result<()> {
    let stage = stage().await?;
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("datapoints");
    write(
        &root,
        &[(
            "shared/sales.json",
            &shared(metric("metric_sales", "Sales")),
        )],
    )?;
    let server = TestServer::start(watching("watcher", &root)?).await?;
    let client = server.client();
    let id = server
        .register("shop", &stage.postgres.superuser_url("alpha"))
        .await?;
    // What was there when the server started.
    until(client, &[("global", "metric_sales")]).await?;

    // What comes by other ways is none of the folder's.
    let by_api = of(&id, table("table_hand", "hand"));
    client.post(DATAPOINTS, &by_api).await?.expect(201)?;
    completed(
        client,
        &for_connection(
            &id,
            &[table("table_sent", "sent"), table("table_orders", "orders")],
        ),
    )
    .await?;

    // Of one id with what another folder brought, the file takes its place.
    let orders = of(&id, table("table_orders", "orders"));
    write(&root, &[("examples/shop/orders.json", &orders)])?;
    let everything = [
        (id.as_str(), "table_hand"),
        (&id, "table_orders"),
        (&id, "table_sent"),
        ("global", "metric_sales"),
    ];
    until(client, &everything).await?;
    write(
        &root,
        &[(
            "examples/shop/orders.json",
            &noted(orders.clone(), "changed"),
        )],
    )?;
    until_noted(client, "table_orders", "changed").await?;

    // A file that is wrong is named, what came from it stays, and the others are applied.
    fs::write(
        root.join("examples/shop/orders.json"),
        "{\n \"datapoint_id\": 7,",
    )?;
    let sales = shared(metric("metric_sales", "Sales"));
    write(
        &root,
        &[("shared/sales.json", &noted(sales.clone(), "beside"))],
    )?;
    until_noted(client, "metric_sales", "beside").await?;
    until_noted(client, "table_orders", "changed").await?;
    let status = client.get(&format!("{SYNC}/status")).await?.expect(200)?;
    assert_eq!(
        (&status["status"], &status["sync_type"]),
        (&json!("completed"), &json!("incremental"))
    );
    assert_eq!(
        codes(&status["errors"]),
        [(
            "examples/shop/orders.json".to_owned(),
            "invalid_json".to_owned()
        )]
    );

    // So is one that conflicts with what is stored.
    write(
        &root,
        &[
            ("examples/shop/orders.json", &noted(orders, "mended")),
            (
                "examples/shop/again.json",
                &of(&id, table("table_hand", "other")),
            ),
        ],
    )?;
    until_noted(client, "table_orders", "mended").await?;
    until(client, &everything).await?;
    let status = client.get(&format!("{SYNC}/status")).await?.expect(200)?;
    assert_eq!(codes(&status["errors"]).len(), 1, "{status}");
    let message = status["errors"][0]["message"].as_str().context("text")?;
    assert!(
        message.contains("examples/shop/again.json (table_hand)"),
        "{message}"
    );

    // The last file of a scope, and one that takes another scope.
    fs::remove_file(root.join("examples/shop/again.json"))?;
    fs::remove_file(root.join("shared/sales.json"))?;
    until(
        client,
        &[
            (&id, "table_hand"),
            (&id, "table_orders"),
            (&id, "table_sent"),
        ],
    )
    .await?;
    write(
        &root,
        &[(
            "examples/shop/orders.json",
            &shared(table("table_orders", "orders")),
        )],
    )?;
    until(
        client,
        &[
            (&id, "table_hand"),
            (&id, "table_sent"),
            ("global", "table_orders"),
        ],
    )
    .await?;
    fs::remove_dir_all(root.join("examples"))?;
    until(client, &[(&id, "table_hand"), (&id, "table_sent")]).await?;
    Ok(())
}

#[tokio::test]
async fn a_folder_that_is_not_there_deletes_nothing_and_is_followed_when_it_comes_back()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("datapoints");
    let server = TestServer::start(watching("watcher-gone", &root)?).await?;
    let client = server.client();
    let sales = shared(metric("metric_sales", "Sales"));
    write(&root, &[("sales.json", &sales)])?;
    until(client, &[("global", "metric_sales")]).await?;
    let away = folder.path().join("away");
    fs::rename(&root, &away)?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    until(client, &[("global", "metric_sales")]).await?;
    fs::rename(&away, &root)?;
    write(&root, &[("sales.json", &noted(sales, "back"))])?;
    until_noted(client, "metric_sales", "back").await?;
    Ok(())
}
