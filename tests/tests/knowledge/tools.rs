//! The shipped tools over DataPoints: what they say of one database, and never of another.

use anyhow::{Context, Result};
use datachat_tests::stage::{keys, tool};
use datachat_tests::{Client, ServerOptions};
use serde_json::{Value, json};

use crate::points::{DATAPOINTS, completed, for_connection, metric, process, shared, table};
use crate::scene::Scene;

async fn result(client: &Client, connection: &str, name: &str, arguments: Value) -> Result<Value> {
    let mut answer = tool(client, connection, name, arguments)
        .await?
        .expect(200)?;
    assert_eq!(answer["database"]["id"], connection);
    Ok(answer["result"].take())
}

fn ids(list: &Value) -> Vec<&str> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|item| item["datapoint_id"].as_str())
        .collect()
}

#[tokio::test]
async fn an_answer_quotes_the_databases_own_definition_and_never_anothers() -> Result<()> {
    let Scene { server, one, two } = Scene::start("context-answer").await?;
    let client = server.client();
    for (connection, calculation) in [(&one, "SUM(alpha)"), (&two, "SUM(beta)")] {
        let mut revenue = metric("metric_revenue_net", "Net revenue");
        revenue["calculation"] = json!(calculation);
        completed(client, &for_connection(connection, &[revenue])).await?;
    }
    let only_two = metric("metric_secret_bonus", "Secret bonus");
    let points = [only_two, table("table_orders_two", "orders")];
    for mut point in points {
        point["metadata"]["connection_id"] = json!(two);
        client.post(DATAPOINTS, &point).await?.expect(201)?;
    }
    let group = shared(metric("metric_group_margin", "Group margin"));
    client.post(DATAPOINTS, &group).await?.expect(201)?;

    for (connection, calculation) in [(&one, "SUM(alpha)"), (&two, "SUM(beta)")] {
        let arguments = json!({"query": "What does net revenue mean?"});
        let answer = result(client, connection, "context_answer", arguments).await?;
        assert_eq!(
            keys(&answer),
            [
                "answer",
                "confidence",
                "needs_sql",
                "evidence",
                "retrieved_datapoints",
                "answer_source",
                "scope_used"
            ]
        );
        assert_eq!(
            answer["answer"],
            format!("Net revenue: {calculation}. Unit: USD. Tables: public.orders.")
        );
        assert_eq!(ids(&answer["evidence"]), ["metric_revenue_net"]);
        assert_eq!(answer["answer_source"], "context");
        assert_eq!(answer["needs_sql"], false);
    }
    let arguments = json!({"query": "What is the secret bonus?"});
    let answer = result(client, &one, "context_answer", arguments.clone()).await?;
    let text = answer.to_string();
    assert!(
        !text.contains("bonus") && !text.contains("beta") && !text.contains("orders_two"),
        "{text}"
    );
    let answer = result(client, &two, "context_answer", arguments).await?;
    assert_eq!(ids(&answer["evidence"]), ["metric_secret_bonus"]);

    let arguments = json!({"query": "Group margin per month"});
    let answer = result(client, &one, "context_answer", arguments).await?;
    assert_eq!(ids(&answer["evidence"]), ["metric_group_margin"]);
    assert_eq!(answer["retrieved_datapoints"][0]["scope"], "global");
    assert_eq!(answer["needs_sql"], true);
    Ok(())
}

#[tokio::test]
async fn a_report_counts_the_databases_own_and_the_global_datapoints_over_all_pages() -> Result<()>
{
    let Scene { server, one, two } = Scene::start("quality-report").await?;
    let client = server.client();
    let many: Vec<Value> = (0..620)
        .map(|n| {
            let mut point = metric(&format!("metric_n_{n}"), &format!("Metric {n}"));
            point["calculation"] = json!(format!("SUM(column_{n})"));
            point["aggregation"] = json!("SUM");
            point["synonyms"] = json!([format!("m{n}")]);
            point
        })
        .chain([process("process_load", "Load")])
        .collect();
    completed(client, &for_connection(&one, &many)).await?;
    let poor = [
        table("table_orders_only", "orders"),
        metric("metric_a_same", "Same"),
        metric("metric_b_same", "The same again"),
    ];
    completed(client, &for_connection(&two, &poor)).await?;
    let global = shared(metric("metric_a_same", "The same everywhere"));
    client.post(DATAPOINTS, &global).await?.expect(201)?;

    let report = result(client, &one, "datapoint_quality_report", json!({})).await?;
    assert_eq!(
        keys(&report),
        [
            "total_datapoints",
            "schema_datapoints",
            "business_datapoints",
            "weak_schema",
            "weak_business",
            "duplicate_metrics",
            "duplicate_ids"
        ]
    );
    let counts = |report: &Value| {
        let count = |field: &str| report[field].as_u64().context("a count");
        anyhow::Ok([
            count("total_datapoints")?,
            count("schema_datapoints")?,
            count("business_datapoints")?,
        ])
    };
    assert_eq!(counts(&report)?, [622, 0, 621]);
    assert_eq!(ids(&report["weak_business"]), ["metric_a_same"]);
    assert_eq!(report["weak_business"][0]["scope"], "global");
    assert_eq!(report["duplicate_ids"], json!([]));

    let report = result(
        client,
        &two,
        "datapoint_quality_report",
        json!({"limit": 1}),
    )
    .await?;
    assert_eq!(counts(&report)?, [4, 1, 3]);
    assert_eq!(ids(&report["weak_schema"]), ["table_orders_only"]);
    assert_eq!(ids(&report["weak_business"]), ["metric_a_same"]);
    assert_eq!(
        report["duplicate_metrics"][0]["datapoint_ids"],
        json!(["metric_a_same", "metric_b_same", "metric_a_same"])
    );
    assert_eq!(
        report["duplicate_ids"],
        json!([{"datapoint_id": "metric_a_same", "count": 2}])
    );
    Ok(())
}

#[tokio::test]
async fn an_answer_from_datapoints_without_a_scope_says_so() -> Result<()> {
    let options = ServerOptions::new("context-legacy");
    let Scene { server, one, .. } = Scene::start_with(options).await?;
    let client = server.client();
    let arguments = json!({"query": "churn"});
    let answer = result(client, &one, "context_answer", arguments.clone()).await?;
    assert_eq!(answer["answer_source"], "clarification");
    assert_eq!(answer["scope_used"], "none");
    let churn = metric("metric_old_churn", "Churn");
    client.post(DATAPOINTS, &churn).await?.expect(201)?;
    let answer = result(client, &one, "context_answer", arguments).await?;
    assert_eq!(answer["scope_used"], "legacy_fallback");
    assert_eq!(ids(&answer["evidence"]), ["metric_old_churn"]);
    // A report is about what belongs to the database.
    let report = result(client, &one, "datapoint_quality_report", json!({})).await?;
    assert_eq!(report["total_datapoints"], 0);
    Ok(())
}
