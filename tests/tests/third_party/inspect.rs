//! `datachat plugin inspect`: of components that would be loaded, and of some that would not.

use anyhow::{Context, Result};
use datachat_tests::components::built;
use datachat_tests::{ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::{run, run_json};

fn inspect(server: &TestServer, place: &str) -> Result<Value> {
    let file = built(place)?;
    let file = file.to_str().context("a path in UTF-8")?;
    run_json(server, &["plugin", "inspect", file], 0)
}

#[tokio::test]
async fn a_component_says_what_it_is_and_what_it_asks_for() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("inspect")).await?;
    let connector = inspect(&server, "plugins/postgres.wasm")?;
    assert_eq!(connector["kind"], "connector");
    assert_eq!(connector["contract"], "0.1.0");
    assert_eq!(
        (&connector["loadable"], &connector["refused"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(connector["says"]["database_types"][0]["name"], "postgresql");
    assert_eq!(connector["says"]["transport"], "tcp");
    assert!(
        connector["memory_bytes"]
            .as_u64()
            .is_some_and(|bytes| bytes > 0)
    );
    let imports = connector["imports"].as_array().context("imports")?;
    let asks = |words: &str| imports.iter().any(|import| import["asks_for"] == words);
    assert!(
        asks("TCP to the addresses of its one connection"),
        "{imports:?}"
    );
    assert!(asks("the password of its one connection"));
    assert!(imports.iter().all(|import| import["granted"] == true));

    let tool = inspect(&server, "plugins-examples/column-stats.wasm")?;
    assert_eq!(
        (&tool["kind"], &tool["says"][0]["name"]),
        (&json!("tool"), &json!("column_stats"))
    );
    assert_eq!(
        tool["says"][0]["parameters"]["required"],
        json!(["table", "column"])
    );

    let file = built("plugins/postgres.wasm")?;
    let file = file.to_str().context("a path in UTF-8")?;
    let table = run(&server, &["plugin", "inspect", file], 0)?;
    for words in ["datachat:plugin@0.1.0", "sha256:", "postgresql", "loadable"] {
        assert!(table.contains(words), "{words} in {table}");
    }
    Ok(())
}

#[tokio::test]
async fn what_would_be_refused_is_shown_with_the_reason() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("inspect-refused")).await?;
    let refused = inspect(&server, "plugins-hostile/tool_with_network.wasm")?;
    assert_eq!(
        (&refused["loadable"], &refused["kind"]),
        (&json!(false), &json!("tool"))
    );
    let why = refused["refused"].as_str().context("a reason")?;
    assert!(why.contains("wasi:sockets"), "{why}");
    let imports = refused["imports"].as_array().context("imports")?;
    assert!(
        imports.iter().any(|import| import["granted"] == false),
        "{imports:?}"
    );
    assert_eq!(refused["says"], Value::Null);

    let none = server.folder().join("none.wasm");
    std::fs::write(&none, "no component")?;
    let path = none.to_str().context("a path in UTF-8")?;
    let seen = run_json(&server, &["plugin", "inspect", path], 0)?;
    assert_eq!(
        (&seen["loadable"], &seen["size"]),
        (&json!(false), &json!(12))
    );
    assert!(
        seen["refused"]
            .as_str()
            .is_some_and(|why| why.contains("no valid"))
    );
    run(&server, &["plugin", "inspect", "/nowhere.wasm"], 1)?;
    Ok(())
}
