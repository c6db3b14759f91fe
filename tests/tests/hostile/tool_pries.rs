//! A tool that may read DataPoints reads those of its call's database and the global ones, whatever it asks for.

use anyhow::Result;
use datachat_tests::components::{built, install};
use datachat_tests::stage::stage;
use datachat_tests::{Answer, ServerOptions, TestServer};
use serde_json::{Value, json};

fn metric(id: &str, name: &str, metadata: Value) -> Value {
    let mut point = json!({
        "datapoint_id": id, "type": "Business", "name": name, "owner": "team@example.com",
        "calculation": "SUM(amount)", "unit": "USD", "related_tables": ["public.orders"],
        "metadata": {
            "grain": "one row", "exclusions": "none", "confidence_notes": "made for a test", "freshness": "T-1",
        },
    });
    if let (Some(of_point), Value::Object(further)) = (point["metadata"].as_object_mut(), metadata)
    {
        of_point.extend(further);
    }
    point
}

#[tokio::test]
async fn a_tool_sees_no_datapoint_of_another_connection_however_it_asks() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(ServerOptions::new("hostile-pries")).await?;
    let client = server.client();
    let own = server
        .register("own", &stage.postgres.superuser_url("alpha"))
        .await?;
    let other = server
        .register("other", &stage.postgres.superuser_url("beta"))
        .await?;
    for point in [
        metric("metric_same", "Own revenue", json!({"connection_id": own})),
        metric(
            "metric_same",
            "Other revenue",
            json!({"connection_id": other}),
        ),
        metric(
            "metric_secret",
            "Secret revenue",
            json!({"connection_id": other}),
        ),
        metric("metric_group", "Group revenue", json!({"scope": "global"})),
        metric("metric_nobody", "Old revenue", json!({})),
    ] {
        client
            .post("/api/v1/datapoints", &point)
            .await?
            .expect(201)?;
    }
    let wasm = std::fs::read(built("plugins-hostile/tool_pries.wasm")?)?;
    install(client, wasm, "name=pries", &[])
        .await?
        .expect(201)?;
    let call = async |tool: &str, text: &str| -> Result<Answer> {
        let body = json!({"name": tool, "arguments": {"text": text}, "target_database": own});
        client.post("/api/v1/tools/execute", &body).await
    };
    let seen = async |tool: &str, text: &str| -> Result<Value> {
        Ok(call(tool, text).await?.expect(200)?["result"]["seen"].take())
    };
    assert_eq!(
        seen("get_by_id", "metric_same").await?,
        json!(["Own revenue"])
    );
    assert_eq!(
        seen("get_by_id", "metric_group").await?,
        json!(["Group revenue"])
    );
    assert_eq!(seen("get_by_id", "metric_secret").await?, json!([]));
    assert_eq!(seen("get_by_id", "metric_nobody").await?, json!([]));
    let both = json!(["Own revenue", "Group revenue"]);
    assert_eq!(seen("ask_about", "revenue").await?, both);
    assert_eq!(seen("ask_about", "secret revenue of other").await?, both);
    assert_eq!(seen("page_after", "").await?, both);
    assert_eq!(
        seen("page_after", &format!("connection:{own} metric_same")).await?,
        json!(["Group revenue"])
    );
    for place in [
        format!("connection:{other} "),
        format!("connection:{other} metric_same"),
        "unscoped ".to_owned(),
        "anywhere".to_owned(),
    ] {
        let refused = call("page_after", &place).await?;
        let refused = refused.problem(502, "plugin_failed")?;
        let detail = refused["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("ends there"), "{place}: {detail}");
    }
    Ok(())
}
