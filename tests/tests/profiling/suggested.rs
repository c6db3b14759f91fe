//! Metrics that a language model suggests: proposed where they can be computed, and waiting like any other.

use anyhow::Result;
use datachat_tests::model::{Model, fails, says, told};
use datachat_tests::stage::stage;
use datachat_tests::{ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::jobs::{datapoint_ids, generated, generation, of, pending, profiled};

async fn scene(name: &str) -> Result<(TestServer, Model, String)> {
    let model = Model::start().await?;
    let options = ServerOptions::new(name)
        .variable("LLM_BASE_URL", &model.url)
        .variable("DATACHAT_LLM_FAILURES", "100");
    let server = TestServer::start(options).await?;
    let url = stage().await?.postgres.superuser_url("alpha");
    let connection = server.register("one", &url).await?;
    let profile = profiled(server.client(), &connection, &json!({})).await?;
    Ok((server, model, profile))
}

#[tokio::test]
async fn a_suggested_metric_is_proposed_if_it_can_be_computed() -> Result<()> {
    let (server, model, profile) = scene("suggested").await?;
    let client = server.client();
    let metric = |name: &str, calculation: &str, unit: Value| json!({"name": name, "calculation": calculation, "unit": unit, "synonyms": ["spread"], "rule": null});
    let suggested = json!({"metrics": [
        metric("Price range", "MAX(price) - MIN(price)", json!("USD")),
        metric("Hostile", "pg_sleep(10)", json!(null)),
        metric("Foreign", "SUM(customers.amount)", json!(null)),
        metric("average price of orders", "AVG(price)", json!(null)),
    ]});
    model.script("orders", [says(&suggested)]);
    model.script("whoami", [says(&json!({"metrics": []}))]);
    generated(client, &profile, json!({"depth": "metrics_full"})).await?;
    let proposals = pending(client, "").await?;
    assert_eq!(
        datapoint_ids(&proposals),
        [
            "metric_public_orders_average_price",
            "metric_public_orders_price_range",
            "table_public_orders",
            "table_public_whoami",
        ]
    );
    let range = of(&proposals, "metric_public_orders_price_range")?;
    let point = &range["datapoint"];
    assert_eq!(point["calculation"], "MAX(price) - MIN(price)");
    assert_eq!(
        (&point["unit"], &point["synonyms"]),
        (&json!("USD"), &json!(["spread"]))
    );
    let notes = point["metadata"]["confidence_notes"].to_string();
    assert!(notes.contains("suggested by a language model"), "{notes}");
    let asked = model.asked("orders");
    assert_eq!(asked.len(), 1);
    assert_eq!(
        told(&asked[0])["known"],
        json!(["orders", "average price of orders"])
    );
    Ok(())
}

#[tokio::test]
async fn a_generation_whose_model_fails_says_why_and_stores_nothing() -> Result<()> {
    let (server, model, profile) = scene("suggested-fails").await?;
    let client = server.client();
    for table in ["orders", "whoami"] {
        model.script(table, [fails("401 Unauthorized", "{}")]);
    }
    let job = generation(client, &profile, json!({"depth": "metrics_full"})).await?;
    assert_eq!(job["status"], "failed");
    let error = job["error"].as_str().unwrap_or_default();
    assert!(
        error.contains("LLM_API_KEY") && error.contains("nothing was stored"),
        "{error}"
    );
    assert_eq!(pending(client, "").await?.len(), 0);
    Ok(())
}
