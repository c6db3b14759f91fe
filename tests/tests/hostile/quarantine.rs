//! A plugin that fails again and again is left alone for a while.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use datachat::plugins::{PluginError, Plugins};
use datachat_tests::sandbox::ask;
use datachat_tests::{CANARY, ServerOptions, TestServer};

use crate::{component, load, target};

#[tokio::test]
async fn a_plugin_that_traps_again_and_again_is_quarantined_and_let_back() {
    let plugins = load(&["traps", "neighbour"], |limits| {
        limits.plugin_failures = 5;
        limits.plugin_quarantine_ms = 2000;
    })
    .await;
    let traps = plugins.connector("traps").expect("loaded");
    for _ in 0..5 {
        let error = ask(&traps, &target(1, ""), "war").await.expect_err("traps");
        assert!(matches!(error, PluginError::Failed { .. }), "{error:?}");
    }
    let status = |plugins: &Plugins| {
        let all = plugins.status();
        let one = all.iter().find(|s| s.name == "traps").expect("listed");
        (one.state, one.detail.clone())
    };
    let (state, detail) = status(&plugins);
    assert_eq!(state, "quarantined");
    let detail = detail.expect("why");
    assert!(detail.contains("after 5 failures in a row"), "{detail}");
    let error = ask(&traps, &target(1, ""), "peace")
        .await
        .expect_err("refused");
    assert!(
        matches!(
            error,
            PluginError::Quarantined {
                retry_after_secs: 1..=2,
                ..
            }
        ),
        "{error:?}"
    );
    let neighbour = plugins.connector("neighbour").expect("loaded");
    assert_eq!(
        ask(&neighbour, &target(2, ""), "").await.expect("pong"),
        b"pong"
    );
    let end = Instant::now() + Duration::from_secs(20);
    let answer = loop {
        match ask(&traps, &target(1, ""), "peace").await {
            Err(PluginError::Quarantined { .. }) if Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            answer => break answer,
        }
    };
    assert_eq!(answer.expect("it is let back"), b"pong");
    assert_eq!(status(&plugins).0, "ready");
}

#[tokio::test]
async fn a_hundred_traps_in_a_row_quarantine_the_plugin_and_readiness_says_so() -> anyhow::Result<()>
{
    let options = ServerOptions::new("quarantine").variable("DATACHAT_PLUGIN_POLICY", "any");
    let mut server = TestServer::start(options).await?;
    server.stop()?;
    let folder = server.data_folder().join("plugins");
    std::fs::create_dir_all(&folder)?;
    std::fs::copy(component("traps"), folder.join("traps.wasm"))?;
    server.launch().await?;
    let url = format!("traps://user:{CANARY}@127.0.0.1:9/war");
    let body = serde_json::json!({"name": "w", "database_url": url, "database_type": "traps"});
    for _ in 0..100 {
        let answer = server
            .client()
            .post("/api/v1/databases/test", &body)
            .await?;
        answer.problem(502, "plugin_failed")?;
    }
    let plugin = async || -> anyhow::Result<serde_json::Value> {
        let ready = server.client().get("/ready").await?.expect(200)?;
        let all = ready["checks"]["plugins"].clone();
        assert_eq!(all["status"], "degraded");
        let mut all = all["plugins"]
            .as_array()
            .cloned()
            .unwrap_or_default()
            .into_iter();
        all.find(|plugin| plugin["name"] == "traps")
            .context("listed")
    };
    let state = plugin().await?;
    assert_eq!(state["state"], "quarantined");
    let detail = state["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("after 100 failures in a row"), "{detail}");
    let refused = server
        .client()
        .post("/api/v1/databases/test", &body)
        .await?;
    refused.problem(503, "connector_unavailable")?;
    Ok(())
}
