//! What a profile says and what is made of it, on every engine alike.

use anyhow::{Context, Result};
use datachat_tests::engines::Engine;
use datachat_tests::on_every_engine;
use datachat_tests::stage::keys;
use datachat_tests::{Client, ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::jobs::{JOBS, datapoint_ids, generated, of, pending, profile, profiled, tables};
use crate::shop::{schema, shop};

on_every_engine!(
    a_profile_tells_what_the_tables_hold,
    a_profile_suggests_tables_and_metrics,
);

async fn start(engine: Engine, name: &str) -> Result<(TestServer, Client, String)> {
    let house = shop(engine).await?;
    let server = TestServer::start(ServerOptions::new(name)).await?;
    let id = server.register("shop", &house.url("alpha")).await?;
    let client = server.client().clone();
    Ok((server, client, id))
}

fn table<'a>(tables: &'a [Value], name: &str) -> Result<&'a Value> {
    tables
        .iter()
        .find(|table| table["table_name"] == name)
        .with_context(|| format!("no table {name}"))
}

fn column<'a>(table: &'a Value, name: &str) -> Result<&'a Value> {
    let columns = table["columns"].as_array().context("columns")?;
    columns
        .iter()
        .find(|column| column["name"] == name)
        .with_context(|| format!("no column {name} in {table}"))
}

async fn a_profile_tells_what_the_tables_hold(engine: Engine) -> Result<()> {
    let (_server, client, id) = start(engine, "profile").await?;
    let before = client
        .get(&format!("/api/v1/databases/{id}"))
        .await?
        .expect(200)?;
    assert_eq!(before["last_profiled"], Value::Null);
    let none = client
        .get(&format!("{JOBS}/connection/{id}/latest"))
        .await?
        .expect(200)?;
    assert_eq!(none, Value::Null);

    let job = profile(&client, &id, &json!({})).await?;
    assert_eq!(
        keys(&job),
        [
            "job_id",
            "connection_id",
            "status",
            "error",
            "profile_id",
            "progress"
        ]
    );
    assert_eq!(
        (&job["status"], &job["error"]),
        (&json!("completed"), &Value::Null),
        "{job}"
    );
    assert_eq!(
        job["progress"],
        json!({"total_tables": 6, "tables_completed": 6, "tables_failed": 0, "tables_skipped": 0})
    );
    let latest = client
        .get(&format!("{JOBS}/connection/{id}/latest"))
        .await?
        .expect(200)?;
    assert_eq!(latest, job);
    let after = client
        .get(&format!("/api/v1/databases/{id}"))
        .await?
        .expect(200)?;
    assert!(after["last_profiled"].is_string(), "{after}");

    let profile = job["profile_id"].as_str().context("a profile")?;
    let tables = tables(&client, profile).await?;
    let mut names: Vec<&str> = tables
        .iter()
        .filter_map(|table| table["table_name"].as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "Odd Name",
            "customers",
            "nothing",
            "orders",
            "purchases",
            "whoami"
        ]
    );

    let purchases = table(&tables, "purchases")?;
    assert_eq!(purchases["schema_name"], schema(engine));
    assert_eq!(
        (&purchases["sampled_rows"], &purchases["sample_is_whole"]),
        (&json!(100), &json!(false))
    );
    // InnoDB guesses.
    let rows = purchases["row_count"].as_u64().context("a number")?;
    assert!((300..=700).contains(&rows), "{rows}");
    // The old ClickHouse keeps no count.
    let counted = engine == Engine::ClickHouse;
    let basis = if counted { "counted" } else { "estimated" };
    assert_eq!(purchases["row_count_basis"], basis);
    let note = column(purchases, "note")?;
    assert_eq!(
        (&note["null_rate"], &note["nullable"]),
        (&json!(0.5), &json!(true))
    );
    assert_eq!(note["sampled_distinct"], 50);
    let quantity = column(purchases, "quantity")?;
    assert_eq!(
        [
            &quantity["family"],
            &quantity["distinct_estimate"],
            &quantity["min"],
            &quantity["max"]
        ],
        [&json!("integer"), &json!(5), &json!(0), &json!(4)]
    );
    let amount = column(purchases, "amount_eur")?;
    assert_eq!(
        [
            &amount["family"],
            &amount["min"],
            &amount["max"],
            &amount["range_basis"]
        ],
        [
            &json!("number"),
            &json!("1.50"),
            &json!("750.00"),
            &json!("table")
        ]
    );
    let created = column(purchases, "created_at")?;
    let newest = created["max"].as_str().context("a time")?;
    assert!(newest.starts_with("2026-01-01T08:20:00"), "{newest}");
    let declares = !matches!(engine, Engine::ClickHouse | Engine::NewClickHouse);
    let (key, join) = if declares {
        ("declared", "declared")
    } else {
        ("sample", "inferred")
    };
    assert_eq!(
        purchases["candidate_keys"][0],
        json!({"columns": ["id"], "basis": key})
    );
    assert_eq!(
        purchases["relationships"],
        json!([{
            "columns": ["customer_id"],
            "target_schema": schema(engine),
            "target_table": "customers",
            "target_columns": ["id"],
            "basis": join,
            "is_one_to_one": false,
        }])
    );

    let customers = table(&tables, "customers")?;
    assert_eq!(
        [
            &customers["row_count"],
            &customers["row_count_basis"],
            &customers["sample_is_whole"]
        ],
        [&json!(20), &json!("counted"), &json!(true)]
    );
    let joined = column(customers, "joined_on")?;
    assert_eq!(
        [&joined["family"], &joined["min"], &joined["max"]],
        [&json!("date"), &json!("2026-01-02"), &json!("2026-01-21")]
    );
    let keys = customers["candidate_keys"].as_array().context("keys")?;
    assert!(
        keys.contains(&json!({"columns": ["email"], "basis": "sample"})),
        "{customers}"
    );

    let odd = table(&tables, "Odd Name")?;
    assert_eq!(odd["row_count"], 2);
    assert_eq!(column(odd, "order")?["max"], 1);
    assert_eq!(odd["notes"], json!([]));

    let nothing = table(&tables, "nothing")?;
    assert_eq!(nothing["row_count"], 0);
    let since = column(nothing, "since")?;
    assert_eq!([&since["null_rate"], &since["min"]], [&Value::Null; 2]);
    Ok(())
}

async fn a_profile_suggests_tables_and_metrics(engine: Engine) -> Result<()> {
    let (_server, client, id) = start(engine, "generate").await?;
    let schema = schema(engine);
    let body = json!({"tables": ["customers", format!("{schema}.purchases")]});
    let profile = profiled(&client, &id, &body).await?;
    let job = generated(&client, &profile, json!({"batch_size": 1})).await?;
    assert_eq!(
        keys(&job),
        ["job_id", "profile_id", "status", "progress", "error"]
    );
    assert_eq!(
        job["progress"],
        json!({"total_tables": 2, "tables_completed": 2, "tables_skipped": 0, "batch_size": 1})
    );
    let proposals = pending(&client, &format!("connection_id={id}")).await?;
    let table_of = |name: &str| format!("table_{schema}_{name}");
    let metric_of = |name: &str| format!("metric_{schema}_purchases_{name}");
    let mut expected = [
        metric_of("total_amount_eur"),
        metric_of("total_quantity"),
        table_of("customers"),
        table_of("purchases"),
    ];
    expected.sort();
    assert_eq!(datapoint_ids(&proposals), expected);

    let purchases = of(&proposals, &table_of("purchases"))?;
    assert_eq!(
        keys(purchases),
        [
            "pending_id",
            "profile_id",
            "datapoint",
            "confidence",
            "status",
            "review_note"
        ]
    );
    assert_eq!(purchases["profile_id"], *profile);
    let point = &purchases["datapoint"];
    assert_eq!(point["metadata"]["connection_id"], *id);
    assert_eq!(point["metadata"]["grain"], "one row per id");
    assert_eq!(
        point["business_purpose"],
        "Rows of purchases, one per id; they refer to customers. Said by names and keys alone."
    );
    let declares = !matches!(engine, Engine::ClickHouse | Engine::NewClickHouse);
    assert_eq!(
        point["relationships"],
        json!([{
            "target_table": format!("{schema}.customers"),
            "join_column": "customer_id",
            "cardinality": "N:1",
            "relationship_type": if declares { "foreign_key" } else { "logical" },
        }])
    );
    let freshness = point["freshness"].as_str().context("text")?;
    assert!(
        freshness.starts_with("the newest created_at is 2026-01-01T08:20:00"),
        "{freshness}"
    );
    let confidence = purchases["confidence"].as_f64().context("a number")?;
    assert!(
        (confidence - if declares { 0.7 } else { 0.6 }).abs() < 1e-9,
        "{confidence}"
    );

    let amount = &of(&proposals, &metric_of("total_amount_eur"))?["datapoint"];
    assert_eq!(
        [
            &amount["type"],
            &amount["calculation"],
            &amount["unit"],
            &amount["aggregation"]
        ],
        [
            &json!("Business"),
            &json!("SUM(purchases.amount_eur)"),
            &json!("EUR"),
            &json!("SUM")
        ]
    );
    assert_eq!(
        amount["related_tables"],
        json!([format!("{schema}.purchases")])
    );

    if declares {
        let customers = &of(&proposals, &table_of("customers"))?["datapoint"];
        assert_eq!(
            customers["business_purpose"],
            "Everybody who has an account"
        );
    }
    let only = generated(
        &client,
        &profile,
        json!({"depth": "schema_only", "max_tables": 1}),
    )
    .await?;
    assert_eq!(only["progress"]["tables_completed"], 1);
    assert_eq!(only["progress"]["tables_skipped"], 1);
    Ok(())
}
