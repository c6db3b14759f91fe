//! DataPoints one by one.

use anyhow::Result;
use datachat_tests::stage::{keys, stage};
use datachat_tests::{ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::points::{
    DATAPOINTS, all, completed, for_connection, ids, metric, of, pairs, query, shared, table,
};
use crate::scene::Scene;

async fn server(name: &str) -> Result<TestServer> {
    TestServer::start(ServerOptions::new(name)).await
}

fn path(id: &str) -> String {
    format!("{DATAPOINTS}/{id}")
}

#[tokio::test]
async fn a_datapoint_is_stored_shown_changed_and_deleted() -> Result<()> {
    let server = server("dp-single").await?;
    let client = server.client();
    let status = client.get("/api/v1/system/status").await?.expect(200)?;
    assert_eq!(status["has_datapoints"], false);
    let given = shared(table("table_orders", "orders"));
    let stored = client.post(DATAPOINTS, &given).await?.expect(201)?;
    let lifecycle = &stored["metadata"]["lifecycle"];
    assert_eq!(
        keys(lifecycle),
        [
            "version",
            "reviewer",
            "changed_by",
            "changed_reason",
            "changed_at"
        ]
    );
    assert_eq!(lifecycle["version"], "1.0.0");
    assert_eq!(lifecycle["changed_by"], "api");
    assert_eq!(lifecycle["changed_reason"], "created");
    assert_eq!(lifecycle["reviewer"], "pending-review");
    let shown = client.get(&path("table_orders")).await?.expect(200)?;
    assert_eq!(shown, stored);
    let status = client.get("/api/v1/system/status").await?.expect(200)?;
    assert_eq!(status["has_datapoints"], true);

    let mut change = shown;
    change["gotchas"] = json!(["Test orders are in it"]);
    change["metadata"]["lifecycle"]["version"] = json!("9.9.9");
    let changed = client
        .put(&path("table_orders"), &change)
        .await?
        .expect(200)?;
    assert_eq!(changed["metadata"]["lifecycle"]["version"], "1.0.1");
    assert_eq!(changed["gotchas"], json!(["Test orders are in it"]));
    assert_eq!(
        client.get(&path("table_orders")).await?.expect(200)?,
        changed
    );

    client.delete(&path("table_orders")).await?.expect(204)?;
    for answer in [
        client.get(&path("table_orders")).await?,
        client.delete(&path("table_orders")).await?,
        client.put(&path("table_orders"), &change).await?,
    ] {
        answer.problem(404, "datapoint_not_found")?;
    }
    Ok(())
}

#[tokio::test]
async fn whatever_is_wrong_is_told_at_once_and_nothing_is_stored() -> Result<()> {
    let server = server("dp-wrong").await?;
    let client = server.client();
    let mut wrong = table("Orders", "orders");
    wrong["owner"] = json!("somebody");
    wrong["key_columns"][0]["colour"] = json!("red");
    let problem = client
        .post(DATAPOINTS, &wrong)
        .await?
        .problem(422, "unknown_field")?;
    let errors: Vec<_> = problem["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| error["field"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(errors, ["datapoint_id", "owner", "key_columns[0].colour"]);
    let empty = client.post(DATAPOINTS, &json!({})).await?;
    empty.problem(422, "validation_failed")?;
    let request = client.request(
        hyper::Method::POST,
        DATAPOINTS,
        &[("content-type", "application/json")],
        None,
    )?;
    client.answer(request).await?.problem(400, "invalid_json")?;

    let mut gaps = metric("metric_revenue", "Revenue");
    gaps["metadata"] = json!({});
    gaps["unit"] = Value::Null;
    let problem = client
        .post(DATAPOINTS, &gaps)
        .await?
        .problem(400, "contract_failed")?;
    let gaps = problem["contract_errors"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert_eq!(keys(&gaps[0]), ["code", "message", "severity", "field"]);
    let codes: Vec<_> = gaps
        .iter()
        .map(|gap| (gap["code"].clone(), gap["severity"].clone()))
        .collect();
    let expected = [
        "missing_grain",
        "missing_exclusions",
        "missing_confidence_notes",
        "missing_units",
        "missing_freshness",
    ];
    assert_eq!(codes, expected.map(|code| (json!(code), json!("error"))));

    for sql in [
        "DELETE FROM orders WHERE id = {n}",
        "SELECT 1 AS a; DROP TABLE orders",
        "WITH d AS (DELETE FROM orders RETURNING id) SELECT id FROM d",
        "SELECT id FROM orders LIMIT {m}",
    ] {
        let writes = query("query_orders", "Orders", sql);
        let problem = client.post(DATAPOINTS, &writes).await?;
        let problem = problem.problem(422, "validation_failed")?;
        assert_eq!(problem["field"], "sql_template", "{sql}");
    }
    assert_eq!(ids(client, "").await?, []);
    Ok(())
}

#[tokio::test]
async fn one_id_in_two_databases_and_for_all_is_three_datapoints() -> Result<()> {
    let Scene { server, one, two } = Scene::start("dp-beside").await?;
    let client = server.client();
    let own = [
        of(&one, table("table_orders", "orders")),
        of(&two, table("table_orders", "orders")),
        shared(table("table_orders", "orders")),
        table("table_orders", "orders"),
    ];
    for point in &own {
        client.post(DATAPOINTS, point).await?.expect(201)?;
        let again = client.post(DATAPOINTS, point).await?;
        again.problem(409, "datapoint_exists")?;
    }
    let everywhere = pairs(&[
        (&one, "table_orders"),
        (&two, "table_orders"),
        ("global", "table_orders"),
        ("unscoped", "table_orders"),
    ]);
    assert_eq!(ids(client, "").await?, everywhere);

    let id = path("table_orders");
    let ambiguous = client.get(&id).await?.problem(409, "ambiguous_datapoint")?;
    assert_eq!(ambiguous["candidates"].as_array().map(Vec::len), Some(4));
    client
        .put(&id, &own[0])
        .await?
        .problem(409, "ambiguous_datapoint")?;
    client
        .delete(&id)
        .await?
        .problem(409, "ambiguous_datapoint")?;
    let of_one = format!("{id}?connection_id={one}");
    let shown = client.get(&of_one).await?.expect(200)?;
    assert_eq!(shown["metadata"]["connection_id"], one);
    let shown = client
        .get(&format!("{id}?scope=global"))
        .await?
        .expect(200)?;
    assert_eq!(shown["metadata"]["scope"], "global");
    for (parameters, status, code) in [
        ("connection_id=x", 400, "invalid_connection_id"),
        ("scope=mine", 422, "validation_failed"),
        (
            &*format!("scope=global&connection_id={one}"),
            422,
            "validation_failed",
        ),
    ] {
        let answer = client.get(&format!("{id}?{parameters}")).await?;
        answer.problem(status, code)?;
    }

    // A change and a deletion touch their own scope alone.
    let mut change = own[0].clone();
    change["gotchas"] = json!(["of one"]);
    client.put(&of_one, &change).await?.expect(200)?;
    let changed: Vec<_> = all(client, "")
        .await?
        .into_iter()
        .filter(|entry| entry["datapoint"]["gotchas"].is_array())
        .collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["connection_id"], one);
    client
        .delete(&format!("{id}?connection_id={two}"))
        .await?
        .expect(204)?;
    let left = pairs(&[
        (&one, "table_orders"),
        ("global", "table_orders"),
        ("unscoped", "table_orders"),
    ]);
    assert_eq!(ids(client, "").await?, left);

    // A DataPoint stays whose it is, and its id is that of the path.
    let moved = of(&two, table("table_orders", "orders"));
    let problem = client
        .put(&of_one, &moved)
        .await?
        .problem(422, "validation_failed")?;
    assert_eq!(problem["field"], "metadata");
    let unnamed = table("table_orders", "orders");
    let kept = client.put(&of_one, &unnamed).await?.expect(200)?;
    assert_eq!(kept["metadata"]["connection_id"], one);
    let other = table("table_items", "items");
    client
        .put(&of_one, &other)
        .await?
        .problem(400, "datapoint_id_mismatch")?;
    Ok(())
}

#[tokio::test]
async fn a_connection_must_be_there_and_takes_its_datapoints_along() -> Result<()> {
    let stage = stage().await?;
    let server = server("dp-connection").await?;
    let client = server.client();
    let nobody = "00000000-0000-4000-8000-000000000001";
    let orphan = of(nobody, table("table_orders", "orders"));
    let problem = client.post(DATAPOINTS, &orphan).await?;
    let problem = problem.problem(404, "connection_not_found")?;
    assert_eq!(problem["field"], "metadata.connection_id");
    let no_id = of("mine", table("table_orders", "orders"));
    let problem = client.post(DATAPOINTS, &no_id).await?;
    problem.problem(422, "validation_failed")?;

    let url = stage.postgres.superuser_url("alpha");
    let gone = server.register("gone", &url).await?;
    let kept = server.register("kept", &url).await?;
    for id in [&gone, &kept] {
        let points = [
            table("table_orders", "orders"),
            metric("metric_sales", "Sales"),
        ];
        completed(client, &for_connection(id, &points)).await?;
        let connection = client
            .get(&format!("/api/v1/databases/{id}"))
            .await?
            .expect(200)?;
        assert_eq!(connection["datapoint_count"], 2);
    }
    let odd = client
        .delete(&format!("/api/v1/databases/{gone}?datapoints=some"))
        .await?;
    odd.problem(422, "validation_failed")?;
    client
        .delete(&format!("/api/v1/databases/{gone}"))
        .await?
        .expect(204)?;
    client
        .delete(&format!("/api/v1/databases/{kept}?datapoints=keep"))
        .await?
        .expect(204)?;
    let left = pairs(&[(&kept, "metric_sales"), (&kept, "table_orders")]);
    assert_eq!(ids(client, "").await?, left);
    let path = format!("{DATAPOINTS}/table_orders?connection_id={kept}");
    client.delete(&path).await?.expect(204)?;
    Ok(())
}

#[tokio::test]
async fn a_list_is_filtered_paged_and_in_the_form_of_the_contract() -> Result<()> {
    let stage = stage().await?;
    let server = server("dp-list").await?;
    let client = server.client();
    let one = server
        .register("one", &stage.postgres.superuser_url("alpha"))
        .await?;
    for point in [
        of(&one, table("table_orders", "orders")),
        of(&one, metric("metric_revenue", "Net Revenue")),
        shared(metric("metric_margin", "Margin")),
        query("query_top", "Top", "SELECT id FROM orders LIMIT {n}"),
    ] {
        client.post(DATAPOINTS, &point).await?.expect(201)?;
    }
    let page = client.get(DATAPOINTS).await?.expect(200)?;
    assert_eq!(keys(&page), ["datapoints", "next_cursor"]);
    assert_eq!(
        keys(&page["datapoints"][0]),
        [
            "datapoint_id",
            "type",
            "name",
            "source_tier",
            "source_path",
            "lifecycle_version",
            "lifecycle_reviewer",
            "lifecycle_changed_by",
            "lifecycle_changed_reason",
            "lifecycle_changed_at",
            "connection_id",
            "scope"
        ]
    );
    assert_eq!(page["datapoints"][0]["source_tier"], "managed");
    for (filter, expected) in [
        (
            format!("connection_id={one}"),
            vec!["metric_revenue", "table_orders"],
        ),
        ("scope=global".to_owned(), vec!["metric_margin"]),
        (
            "scope=connection".to_owned(),
            vec!["metric_revenue", "table_orders"],
        ),
        ("scope=unscoped".to_owned(), vec!["query_top"]),
        (
            "type=Business".to_owned(),
            vec!["metric_margin", "metric_revenue"],
        ),
        ("q=REVENUE".to_owned(), vec!["metric_revenue"]),
        ("q=%25".to_owned(), vec![]),
        (
            format!("type=Schema&q=orders&connection_id={one}"),
            vec!["table_orders"],
        ),
        (
            "color=red&limit=1000".to_owned(),
            vec![
                "metric_margin",
                "metric_revenue",
                "query_top",
                "table_orders",
            ],
        ),
    ] {
        let mut found: Vec<_> = ids(client, &filter)
            .await?
            .into_iter()
            .map(|(_, id)| id)
            .collect();
        found.sort();
        assert_eq!(found, expected, "{filter}");
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{DATAPOINTS}?limit=1&cursor={cursor}");
        let page = client.get(&path).await?.expect(200)?;
        seen.push(page["datapoints"][0]["datapoint_id"].clone());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(
        seen,
        [
            "metric_margin",
            "metric_revenue",
            "query_top",
            "table_orders"
        ]
    );
    client
        .get(&format!("{DATAPOINTS}?cursor=x"))
        .await?
        .problem(400, "invalid_cursor")?;
    client
        .get(&format!("{DATAPOINTS}?type=Table"))
        .await?
        .problem(422, "validation_failed")?;
    Ok(())
}

#[tokio::test]
async fn whoever_is_no_administrator_reads_only() -> Result<()> {
    let options = ServerOptions::new("dp-roles").variable(
        "DATACHAT_API_KEYS",
        "ann:admin:key-of-ann,bob:user:key-of-bob",
    );
    let server = TestServer::start(options).await?;
    let ann = server.client().with_key("key-of-ann");
    let bob = server.client().with_key("key-of-bob");
    let point = shared(table("table_orders", "orders"));
    ann.post(DATAPOINTS, &point).await?.expect(201)?;
    bob.get(DATAPOINTS).await?.expect(200)?;
    bob.get(&path("table_orders")).await?.expect(200)?;
    bob.get("/api/v1/sync/status").await?.expect(200)?;
    for answer in [
        bob.post(DATAPOINTS, &point).await?,
        bob.put(&path("table_orders"), &point).await?,
        bob.delete(&path("table_orders")).await?,
        bob.post("/api/v1/sync", &json!({"datapoints": []})).await?,
    ] {
        answer.problem(403, "forbidden")?;
    }
    Ok(())
}
