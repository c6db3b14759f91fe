//! Which scopes a sync writes, and that it writes no others.

use anyhow::Result;
use serde_json::json;

use crate::points::{
    DATAPOINTS, all, completed, failed, for_connection, ids, metric, of, pairs, process, query,
    shared, table,
};
use crate::scene::Scene;

#[tokio::test]
async fn two_bundles_and_the_shared_one_are_all_there_afterwards() -> Result<()> {
    let Scene { server, one, two } = Scene::start("sync-recipe").await?;
    let client = server.client();
    let bundle = [
        table("table_orders", "orders"),
        metric("metric_revenue", "Revenue"),
        query("query_top", "Top", "SELECT id FROM orders LIMIT {n}"),
    ];
    completed(client, &for_connection(&one, &bundle)).await?;
    completed(client, &for_connection(&two, &bundle)).await?;
    let common = [
        metric("metric_revenue", "Revenue"),
        process("process_load", "Load"),
    ];
    let status = completed(client, &json!({"scope": "global", "datapoints": common})).await?;
    assert_eq!(status["total_datapoints"], 2);
    assert_eq!(status["processed_datapoints"], 2);
    let everything = pairs(&[
        (&one, "table_orders"),
        (&one, "metric_revenue"),
        (&one, "query_top"),
        (&two, "table_orders"),
        (&two, "metric_revenue"),
        (&two, "query_top"),
        ("global", "metric_revenue"),
        ("global", "process_load"),
    ]);
    assert_eq!(ids(client, "").await?, everything);
    // The scope is a part of what is stored, so that it goes where the DataPoint goes.
    for entry in all(client, &format!("connection_id={one}")).await? {
        assert_eq!(entry["datapoint"]["metadata"]["connection_id"], one);
    }
    Ok(())
}

#[tokio::test]
async fn a_sync_of_one_scope_replaces_its_files_and_touches_no_other() -> Result<()> {
    let Scene { server, one, two } = Scene::start("sync-replace").await?;
    let client = server.client();
    let first = [
        table("table_a", "a"),
        table("table_b", "b"),
        table("table_c", "c"),
    ];
    completed(client, &for_connection(&one, &first)).await?;
    completed(client, &for_connection(&two, &first)).await?;
    let by_hand = of(&one, table("table_own", "own"));
    client.post(DATAPOINTS, &by_hand).await?.expect(201)?;
    let before = all(client, &format!("connection_id={two}")).await?;

    let mut changed = table("table_b", "b");
    changed["gotchas"] = json!(["changed"]);
    let second = [table("table_a", "a"), changed, table("table_d", "d")];
    let status = completed(client, &for_connection(&one, &second)).await?;
    assert_eq!(
        status["changes"],
        json!({"written": 2, "deleted": 1, "unchanged": 1})
    );
    let of_one = pairs(&[
        (&one, "table_a"),
        (&one, "table_b"),
        (&one, "table_d"),
        (&one, "table_own"),
    ]);
    assert_eq!(ids(client, &format!("connection_id={one}")).await?, of_one);
    assert_eq!(all(client, &format!("connection_id={two}")).await?, before);
    let status = completed(client, &for_connection(&one, &second)).await?;
    assert_eq!(
        status["changes"],
        json!({"written": 0, "deleted": 0, "unchanged": 3})
    );
    Ok(())
}

#[tokio::test]
async fn auto_keeps_the_scopes_of_the_files_and_the_others_skip_what_names_another() -> Result<()> {
    let Scene { server, one, two } = Scene::start("sync-auto").await?;
    let client = server.client();
    let mixed = [
        of(&one, table("table_a", "a")),
        of(&two, table("table_a", "a")),
        shared(table("table_a", "a")),
        table("table_a", "a"),
    ];
    let status = completed(client, &json!({"datapoints": mixed})).await?;
    assert_eq!(status["scope"], "auto");
    assert_eq!(status["skipped"], 0);
    let everywhere = pairs(&[
        (&one, "table_a"),
        (&two, "table_a"),
        ("global", "table_a"),
        ("unscoped", "table_a"),
    ]);
    assert_eq!(ids(client, "").await?, everywhere);

    let further = [
        of(&one, table("table_b", "b")),
        of(&two, table("table_c", "c")),
        shared(table("table_d", "d")),
        table("table_e", "e"),
    ];
    let status = completed(client, &for_connection(&one, &further)).await?;
    assert_eq!(
        (&status["skipped"], &status["total_datapoints"]),
        (&json!(2), &json!(2))
    );
    let now = pairs(&[
        (&one, "table_b"),
        (&one, "table_e"),
        (&two, "table_a"),
        ("global", "table_a"),
        ("unscoped", "table_a"),
    ]);
    assert_eq!(ids(client, "").await?, now);
    let status = completed(client, &json!({"scope": "global", "datapoints": further})).await?;
    assert_eq!(status["skipped"], 2);
    let shared_now = pairs(&[("global", "table_d"), ("global", "table_e")]);
    assert_eq!(ids(client, "scope=global").await?, shared_now);
    Ok(())
}

#[tokio::test]
async fn whatever_is_wrong_changes_nothing_anywhere() -> Result<()> {
    let Scene { server, one, two } = Scene::start("sync-whole").await?;
    let client = server.client();
    let good = [
        of(&one, table("table_a", "a")),
        of(&two, table("table_a", "a")),
    ];
    completed(client, &json!({"datapoints": good})).await?;
    let before = all(client, "").await?;
    let mut changed = of(&one, table("table_a", "a"));
    changed["gotchas"] = json!(["changed"]);
    let mut bad = of(&two, table("table_b", "b"));
    bad["name"] = json!("");
    let mut gap = of(&two, table("table_c", "c"));
    gap["metadata"]["grain"] = json!("");
    let nobody = "00000000-0000-4000-8000-000000000001";
    for (wrong, code) in [
        (vec![bad], "length"),
        (vec![gap], "missing_grain"),
        (
            vec![of(nobody, table("table_b", "b"))],
            "connection_not_found",
        ),
        (
            vec![of(
                &two,
                query("query_b", "b", "DELETE FROM orders WHERE id = {n}"),
            )],
            "statement",
        ),
        (
            vec![
                of(&two, table("table_b", "b")),
                of(&two, table("table_b_2", "b")),
            ],
            "conflict",
        ),
    ] {
        let mut points = vec![changed.clone()];
        points.extend(wrong);
        let status = failed(client, &json!({"datapoints": points})).await?;
        assert_eq!(status["errors"][0]["code"], code, "{status}");
        assert_eq!(all(client, "").await?, before, "{code}");
    }
    let nothing = failed(client, &json!({"datapoints": []})).await?;
    assert_eq!(nothing["errors"][0]["code"], "empty");
    let not_mine = for_connection(&one, &[of(&two, table("table_a", "a"))]);
    let nothing = failed(client, &not_mine).await?;
    assert_eq!(nothing["errors"][0]["code"], "empty");
    assert_eq!(all(client, "").await?, before);
    Ok(())
}
