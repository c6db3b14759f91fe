//! What a question finds for a connection: its own and the global DataPoints, and never another's.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use datachat_tests::stage::stage;
use datachat_tests::{
    CANARY, ClickHouse, Client, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser, ServerOptions,
    TestServer,
};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::points::{DATAPOINTS, completed, for_connection, metric, shared, table};
use crate::scene::Scene;

async fn retrieve(client: &Client, connection: &str, query: &str) -> Result<Value> {
    let body = json!({"query": query, "target_database": connection, "top_k": 50});
    client.post("/api/v1/retrieve", &body).await?.expect(200)
}

/// Whose hits an answer has, in its order: `own`, `global`, `unscoped` or the id of a connection.
fn hits(found: &Value) -> Vec<(String, String)> {
    let own = &found["database"]["id"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let hits = found["hits"].as_array().into_iter().flatten();
    hits.map(|hit| {
        let owner = match &hit["connection_id"] {
            Value::Null => text(&hit["scope"]),
            id if id == own => "own".to_owned(),
            id => text(id),
        };
        (owner, text(&hit["datapoint_id"]))
    })
    .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(owner, id)| ((*owner).to_owned(), (*id).to_owned()))
        .collect()
}

async fn create(client: &Client, point: Value) -> Result<()> {
    client.post(DATAPOINTS, &point).await?.expect(201)?;
    Ok(())
}

#[tokio::test]
async fn a_connection_finds_its_own_then_the_global_ones_and_never_anothers() -> Result<()> {
    let Scene { server, one, two } = Scene::start("retrieval").await?;
    let client = server.client();
    for (connection, name) in [
        (&one, "Net revenue of alpha"),
        (&two, "Net revenue of beta"),
    ] {
        let points = [
            metric("metric_revenue_a", name),
            metric("metric_margin_a", "Margin"),
        ];
        completed(client, &for_connection(connection, &points)).await?;
    }
    create(
        client,
        shared(metric("metric_group_revenue", "Group revenue")),
    )
    .await?;
    create(client, metric("metric_old_revenue", "Old revenue")).await?;
    for (connection, name) in [
        (&one, "Net revenue of alpha"),
        (&two, "Net revenue of beta"),
    ] {
        let found = retrieve(client, connection, "revenue").await?;
        let expected = pairs(&[
            ("own", "metric_revenue_a"),
            ("global", "metric_group_revenue"),
        ]);
        assert_eq!(hits(&found), expected);
        assert_eq!(found["hits"][0]["name"], name);
        assert_eq!(found["scope_used"], "connection+global");
        assert_eq!(found["database"]["id"], **connection);
        let signals = found["hits"][0]["signals"].as_array().context("signals")?;
        assert!(
            signals.iter().any(|signal| signal["signal"] == "lexical"),
            "{found}"
        );
    }
    let found = retrieve(client, &one, "group").await?;
    assert_eq!(hits(&found), pairs(&[("global", "metric_group_revenue")]));
    assert_eq!(found["scope_used"], "global");
    Ok(())
}

#[tokio::test]
async fn what_has_no_scope_is_found_only_where_nothing_else_is_and_an_operator_can_forbid_it()
-> Result<()> {
    for (setting, expected) in [("on", "legacy_fallback"), ("off", "none")] {
        let options = ServerOptions::new(&format!("legacy-{setting}"))
            .variable("RETRIEVAL_LEGACY_FALLBACK", setting);
        let Scene { server, one, .. } = Scene::start_with(options).await?;
        let client = server.client();
        create(client, metric("metric_old_churn", "Churn")).await?;
        let found = retrieve(client, &one, "churn").await?;
        assert_eq!(found["scope_used"], expected);
        let unscoped = pairs(&[("unscoped", "metric_old_churn")]);
        assert_eq!(
            hits(&found),
            if setting == "on" {
                unscoped
            } else {
                Vec::new()
            }
        );
        create(client, shared(metric("metric_churn_rate", "Churn rate"))).await?;
        let found = retrieve(client, &one, "churn").await?;
        assert_eq!(hits(&found), pairs(&[("global", "metric_churn_rate")]));
    }
    Ok(())
}

#[tokio::test]
async fn what_is_about_tables_that_are_not_there_is_not_found() -> Result<()> {
    let Scene { server, one, .. } = Scene::start("live-tables").await?;
    let client = server.client();
    let points = [
        table("table_orders", "orders"),
        table("table_orders_archive", "orders_archive"),
        metric("metric_orders", "Orders placed"),
    ];
    completed(client, &for_connection(&one, &points)).await?;
    let found = retrieve(client, &one, "orders").await?;
    let mut ids: Vec<_> = hits(&found).into_iter().map(|(_, id)| id).collect();
    ids.sort();
    assert_eq!(ids, ["metric_orders", "table_orders"]);
    Ok(())
}

#[tokio::test]
async fn tables_of_the_schema_public_are_found_on_engines_that_have_no_such_schema() -> Result<()> {
    let reader = MariaDbUser::new("reader", CANARY, MariaDbAuth::Native);
    let options = MariaDbOptions::default().database("shop");
    let mariadb = MariaDb::start(options.user(reader.grant("SELECT ON shop.*")))?;
    mariadb.sql("shop", "CREATE TABLE orders (id int PRIMARY KEY)")?;
    let clickhouse = ClickHouse::engine()?;
    clickhouse.sql("CREATE DATABASE shop")?;
    clickhouse.sql("CREATE TABLE shop.orders (id UInt32) ENGINE = MergeTree ORDER BY id")?;
    let server = TestServer::start(ServerOptions::new("schema-public")).await?;
    let client = server.client();
    for (database_type, url) in [
        ("mysql", mariadb.url("reader", CANARY, "shop")),
        ("clickhouse", clickhouse.url("shop")),
    ] {
        let further = json!({"database_type": database_type});
        let id = server.register_with(database_type, &url, further).await?;
        let points = [
            table("table_orders", "orders"),
            table("table_orders_archive", "orders_archive"),
            metric("metric_orders", "Orders placed"),
        ];
        completed(client, &for_connection(&id, &points)).await?;
        let found = retrieve(client, &id, "orders").await?;
        let mut ids: Vec<_> = hits(&found).into_iter().map(|(_, id)| id).collect();
        ids.sort();
        assert_eq!(ids, ["metric_orders", "table_orders"], "{database_type}");
    }
    Ok(())
}

#[tokio::test]
async fn a_change_counts_for_the_next_question() -> Result<()> {
    let Scene { server, one, .. } = Scene::start("changes").await?;
    let client = server.client();
    let path = format!("{DATAPOINTS}/metric_refunds?connection_id={one}");
    let mut point = metric("metric_refunds", "Refunds");
    point["metadata"]["connection_id"] = json!(one);
    for round in 0..5 {
        assert_eq!(
            hits(&retrieve(client, &one, "refunds").await?),
            [],
            "{round}"
        );
        create(client, point.clone()).await?;
        let found = retrieve(client, &one, "refunds").await?;
        assert_eq!(hits(&found), pairs(&[("own", "metric_refunds")]), "{round}");
        client.delete(&path).await?.expect(204)?;
    }
    Ok(())
}

#[tokio::test]
async fn two_connections_to_the_very_same_database_share_what_is_known() -> Result<()> {
    let Scene { server, one, two } = Scene::start("equivalent").await?;
    let client = server.client();
    let url = stage().await?.postgres.superuser_url("alpha");
    let again = server
        .register("again", &format!("{url}?sslmode=disable"))
        .await?;
    completed(
        client,
        &for_connection(&one, &[metric("metric_debt", "Debt")]),
    )
    .await?;
    let found = retrieve(client, &again, "debt").await?;
    assert_eq!(hits(&found), pairs(&[(&one, "metric_debt")]));
    assert_eq!(hits(&retrieve(client, &two, "debt").await?), []);
    Ok(())
}

#[tokio::test]
async fn a_term_is_defined_by_the_connections_own_datapoint_else_the_global_one() -> Result<()> {
    let Scene { server, one, two } = Scene::start("definitions").await?;
    let client = server.client();
    let mut own = metric("metric_aov", "Average order value");
    own["calculation"] = json!("SUM(amount) / COUNT(DISTINCT id)");
    own["synonyms"] = json!(["AOV"]);
    completed(client, &for_connection(&one, &[own])).await?;
    create(
        client,
        shared(metric("metric_gmv", "Gross merchandise value")),
    )
    .await?;
    let ask = async |connection: &str, message: &str| -> Result<Value> {
        let body = json!({"message": message, "target_database": connection});
        client.post("/api/v1/chat", &body).await?.expect(200)
    };
    let reply = ask(&one, "What does AOV mean?").await?;
    assert_eq!(reply["answer_source"], "context");
    assert_eq!(reply["answer_confidence"], 0.6);
    let answer = reply["answer"].as_str().context("an answer")?;
    let calculation = "Average order value: SUM(amount) / COUNT(DISTINCT id).";
    assert!(answer.starts_with(calculation), "{answer}");
    assert_eq!(reply["sources"][0]["datapoint_id"], "metric_aov");
    assert_eq!(reply["evidence"][0]["type"], "Business");
    assert_eq!(reply["sql"], Value::Null);
    let reply = ask(&two, "What does AOV mean?").await?;
    assert_eq!(reply["answer_source"], "clarification");
    assert!(!reply.to_string().contains("COUNT(DISTINCT id)"), "{reply}");
    let reply = ask(&two, "define gross merchandise value").await?;
    assert_eq!(reply["answer_source"], "context");
    assert_eq!(reply["scope_used"], "global");
    // What is near is a choice, not an answer.
    let reply = ask(&two, "define gross value").await?;
    assert_eq!(reply["answer_source"], "clarification");
    assert_eq!(
        reply["clarifying_questions"],
        json!(["Gross merchandise value"])
    );
    Ok(())
}

#[tokio::test]
async fn a_thousand_questions_during_syncs_of_every_scope_see_no_foreign_hit_and_no_half_set()
-> Result<()> {
    const SIZE: usize = 12;
    let Scene { server, one, two } = Scene::start("swaps").await?;
    let client = server.client();
    // Every DataPoint says in its name whose it is and of which version.
    let set = |owner: &str, version: usize| -> Vec<Value> {
        (0..SIZE)
            .map(|n| {
                metric(
                    &format!("metric_{owner}_{}", letters(n)),
                    &format!("Turnover {owner} version{version} {}", letters(n)),
                )
            })
            .collect()
    };
    let sync = async |connection: &str, owner: &str, version: usize| {
        let body = for_connection(connection, &set(owner, version));
        completed(&client.afresh(), &body).await
    };
    let share = async |version: usize| {
        let body = json!({"scope": "global", "datapoints": set("everybody", version)});
        completed(&client.afresh(), &body).await
    };
    sync(&one, "alpha", 0).await?;
    sync(&two, "beta", 0).await?;
    share(0).await?;
    let writing = async {
        for version in 1..=8 {
            sync(&one, "alpha", version).await?;
            sync(&two, "beta", version).await?;
            share(version).await?;
        }
        anyhow::Ok(())
    };
    let reading = try_join_all((0..10).map(|reader| {
        let (client, one, two) = (client.afresh(), one.clone(), two.clone());
        async move {
            for round in 0..100 {
                let own = (reader + round) % 2 == 0;
                let (connection, owner) = if own { (&one, "alpha") } else { (&two, "beta") };
                let found = retrieve(&client, connection, "turnover").await?;
                let names: Vec<&str> = found["hits"]
                    .as_array()
                    .context("hits")?
                    .iter()
                    .filter_map(|hit| hit["name"].as_str())
                    .collect();
                for of in [owner, "everybody"] {
                    let of_one: Vec<&str> = names
                        .iter()
                        .copied()
                        .filter(|name| name.contains(of))
                        .collect();
                    let versions: BTreeSet<&str> = of_one
                        .iter()
                        .filter_map(|name| name.split(' ').nth(2))
                        .collect();
                    ensure!(
                        (of_one.len(), versions.len()) == (SIZE, 1),
                        "{of}: {names:?}"
                    );
                }
                ensure!(names.len() == 2 * SIZE, "{names:?}");
            }
            Ok(())
        }
    }));
    let (written, read) = tokio::join!(writing, reading);
    written?;
    read?;
    Ok(())
}

fn letters(n: usize) -> String {
    let letter = u8::try_from(n).map_or('z', |n| char::from(b'a' + n));
    format!("{letter}{letter}")
}

#[tokio::test]
async fn servers_with_one_system_database_see_each_others_changes_within_a_second() -> Result<()> {
    let stage = stage().await?;
    stage
        .postgres
        .psql("postgres", "CREATE DATABASE shared_knowledge")?;
    let system = stage.postgres.superuser_url("shared_knowledge");
    let key = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    let start = async |name: &str| {
        let options = ServerOptions::new(name)
            .variable("SYSTEM_DATABASE_URL", &system)
            .variable("DATABASE_CREDENTIALS_KEY", key);
        TestServer::start(options).await
    };
    let (left, right) = (start("left").await?, start("right").await?);
    let one = left
        .register("one", &stage.postgres.superuser_url("alpha"))
        .await?;
    completed(
        left.client(),
        &for_connection(&one, &[metric("metric_yield", "Yield")]),
    )
    .await?;
    let written = Instant::now();
    let found = retrieve(right.client(), &one, "yield").await?;
    assert_eq!(hits(&found), pairs(&[("own", "metric_yield")]));
    assert!(written.elapsed() < Duration::from_secs(1));
    Ok(())
}
