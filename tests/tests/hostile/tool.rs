//! A tool reaches the database of its call and nothing else, and ends at its limits.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use datachat::plugins::knowledge::{self, Datapoint, Findings, Page};
use datachat::plugins::profiling;
use datachat::plugins::tool::{BoxFuture, DatabaseInfo, ResultColumn};
use datachat::plugins::{
    DbError, ErrorCode, Parameters, PluginError, Relation, RelationFilter, ToolCallError,
    ToolContext, ToolKnowledge, ToolProfiling, ToolRows,
};

use datachat_tests::{CANARY, Client, ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::{assert_limit, component, load};

/// A database of three rows and two relations.
struct Context;

struct Rows(Vec<String>);

impl ToolContext for Context {
    fn describe(&self) -> BoxFuture<'_, Result<DatabaseInfo, DbError>> {
        Box::pin(async { Err(no("describe")) })
    }

    fn relations(&self, _: RelationFilter) -> BoxFuture<'_, Result<Vec<Relation>, DbError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn query(
        &self,
        sql: String,
        _: Parameters,
        _: Option<u64>,
    ) -> BoxFuture<'_, Result<Box<dyn ToolRows>, DbError>> {
        Box::pin(async move {
            if sql == "bad" {
                return Err(no("bad"));
            }
            Ok(Box::new(Rows(vec!["[1]".to_owned(); 3])) as Box<dyn ToolRows>)
        })
    }

    fn quote_identifier(&self, name: &str) -> String {
        format!("\"{name}\"")
    }

    fn progress(&self, _: u32, _: Option<u32>, note: &str) {
        assert_eq!(note, "done\\n", "escaped");
    }

    fn knowledge(&self) -> &dyn ToolKnowledge {
        self
    }

    fn profiling(&self) -> &dyn ToolProfiling {
        self
    }
}

impl ToolProfiling for Context {
    fn profile_and_generate(
        &self,
        _: profiling::Request,
    ) -> BoxFuture<'_, Result<profiling::Outcome, profiling::Error>> {
        Box::pin(async {
            Err(profiling::Error {
                message: "nothing is looked at here".to_owned(),
            })
        })
    }
}

impl ToolKnowledge for Context {
    fn search(&self, _: String, _: u32) -> BoxFuture<'_, Result<Findings, knowledge::Error>> {
        Box::pin(async { Err(unknown()) })
    }

    fn get(&self, _: String) -> BoxFuture<'_, Result<Option<Datapoint>, knowledge::Error>> {
        Box::pin(async { Err(unknown()) })
    }

    fn list(&self, _: Option<String>, _: u32) -> BoxFuture<'_, Result<Page, knowledge::Error>> {
        Box::pin(async { Err(unknown()) })
    }
}

fn unknown() -> knowledge::Error {
    knowledge::Error {
        code: knowledge::ErrorCode::Unavailable,
        message: "nothing is known here".to_owned(),
    }
}

impl ToolRows for Rows {
    fn columns(&self) -> Vec<ResultColumn> {
        Vec::new()
    }

    fn next(&mut self, max: u32) -> BoxFuture<'_, Result<Vec<String>, DbError>> {
        let count = self.0.len().min(max as usize);
        Box::pin(async move { Ok(self.0.drain(..count).collect()) })
    }

    fn truncated_by(&self) -> Option<String> {
        None
    }
}

fn no(message: &str) -> DbError {
    DbError {
        code: ErrorCode::Syntax,
        message: message.to_owned(),
        vendor_code: None,
        detail: None,
        hint: None,
        position: None,
        retryable: false,
    }
}

#[tokio::test]
async fn a_tool_reaches_its_database_and_ends_at_its_limits() {
    let plugins = load(&["tool_lists"], |limits| {
        limits.plugin_cpu_ms = 60_000;
        limits.tool_result_bytes = 1 << 20;
    })
    .await;
    let tools = plugins.tools();
    let tool = tools.first().expect("loaded");
    assert_eq!(tool.definitions().len(), 9);
    let call = async |name: &str, arguments: &str| {
        let millis = if name == "spin" { 700 } else { 10_000 };
        let deadline = Instant::now() + Duration::from_millis(millis);
        tool.call(name, arguments, Box::new(Context), deadline)
            .await
    };
    assert_eq!(call("echo", "{\"a\":1}").await.expect("echo"), "{\"a\":1}");
    assert_eq!(call("count", "select").await.expect("count"), "3");
    assert_eq!(call("relations", "").await.expect("none"), "0");
    let error = call("count", "bad")
        .await
        .expect_err("the database's error");
    assert!(
        matches!(&error, ToolCallError::Tool(e) if e.database.as_ref().is_some_and(|d| d.message == "bad")),
        "{error:?}"
    );
    let end = async |name: &str| match call(name, "").await {
        Err(ToolCallError::Plugin(error)) => error,
        other => panic!("{name} was not ended: {other:?}"),
    };
    let error = end("spin").await;
    let PluginError::Timeout { limit, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(limit, "tool_timeout_ms");
    assert_limit(&end("flood").await, "tool_result_bytes");
    let error = end("fall").await;
    assert!(matches!(error, PluginError::Failed { .. }), "{error:?}");
    assert_eq!(call("echo", "{}").await.expect("a fresh instance"), "{}");
}

/// A server with the hostile tool and the neighbour, called by a user and an administrator, and the id of a
/// connection of the neighbour's.
async fn server_with_the_tool() -> anyhow::Result<(TestServer, Client, Client, String)> {
    let (user, admin) = (format!("{CANARY}-ann"), format!("{CANARY}-root"));
    let mut server = TestServer::start(
        ServerOptions::new("hostile-tool")
            .variable("DATACHAT_PLUGIN_POLICY", "any")
            .variable("DATACHAT_TOOL_TIMEOUT_MS", "1000")
            .variable(
                "DATACHAT_API_KEYS",
                &format!("ann:user:{user},root:admin:{admin}"),
            ),
    )
    .await?;
    server.stop()?;
    let folder = server.data_folder().join("plugins");
    std::fs::create_dir_all(&folder)?;
    for name in ["tool_lists", "neighbour"] {
        std::fs::copy(component(name), folder.join(name).with_extension("wasm"))?;
    }
    server.launch().await?;
    let ann = server.client().with_key(&user);
    let root = server.client().with_key(&admin);
    let body = json!({
        "name": "n",
        "database_url": format!("neighbour://user:{CANARY}@127.0.0.1:9/n"),
        "database_type": "neighbour",
    });
    let stored = root.post("/api/v1/databases", &body).await?.expect(201)?;
    let id = stored["connection_id"]
        .as_str()
        .context("an id")?
        .to_owned();
    Ok((server, ann, root, id))
}

#[tokio::test]
async fn a_tool_that_fails_is_a_problem_that_says_so_and_serves_again() -> anyhow::Result<()> {
    let (_server, ann, root, id) = server_with_the_tool().await?;
    let call = async |name: &str| {
        let body = json!({"name": name, "arguments": {"a": 1}, "target_database": id});
        ann.post("/api/v1/tools/execute", &body).await
    };
    for (name, status, code) in [
        ("fall", 502, "plugin_failed"),
        ("mutter", 502, "plugin_failed"),
        ("stray", 502, "plugin_failed"),
        ("flood", 422, "resource_limit"),
        ("spin", 504, "timeout"),
    ] {
        let problem = call(name).await?.problem(status, code).context(name)?;
        assert_eq!(problem["connection_id"], json!(id), "{name}");
        if status == 502 {
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert!(detail.contains("tool_lists"), "{name}: {detail}");
            assert!(!detail.contains("on purpose"), "{name}: {detail}");
        }
        let answer = call("echo").await?.expect(200)?;
        assert_eq!(answer["result"], json!({"a": 1}), "after {name}");
    }
    let metrics = root.get("/metrics").await?.text();
    // A call that came back counts as one, whatever the host then makes of what it brought.
    for (outcome, count) in [("ok", 8), ("trap", 1), ("timeout", 1)] {
        let series = format!(
            "datachat_plugin_calls_total{{plugin=\"tool_lists\",call=\"tool\",outcome=\"{outcome}\"}} {count}"
        );
        assert!(
            metrics.lines().any(|line| line == series),
            "{series}: {metrics}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_tool_that_is_not_shipped_and_asks_for_consent_waits_for_an_administrator()
-> anyhow::Result<()> {
    let (_server, ann, root, id) = server_with_the_tool().await?;
    let tools = ann.get("/api/v1/tools").await?.expect(200)?;
    let asks = |name: &str| -> Value {
        let mut tools = tools.as_array().into_iter().flatten();
        let tool = tools.find(|tool| tool["name"] == name);
        tool.map_or(Value::Null, |tool| tool["requires_approval"].clone())
    };
    assert_eq!((asks("ask"), asks("echo")), (json!(true), json!(false)));

    // That the caller approves changes nothing.
    let call = async |arguments: Value| {
        let body = json!({
            "name": "ask", "arguments": arguments, "target_database": id, "approved": true,
        });
        ann.post("/api/v1/tools/execute", &body).await
    };
    let waiting = call(json!({"a": 1})).await?;
    let waiting = waiting.problem(403, "approval_required")?;
    let approval = waiting["approval_id"].as_str().context("an id")?;
    let grant = format!("/api/v1/tools/approvals/{approval}");
    let refused = ann.post(&grant, &json!({})).await?;
    refused.problem(403, "forbidden")?;
    root.post(&grant, &json!({})).await?.expect(200)?;

    // It holds for that very call, once.
    let other = call(json!({"a": 2})).await?;
    other.problem(403, "approval_required")?;
    let answer = call(json!({"a": 1})).await?.expect(200)?;
    assert_eq!(answer["result"], json!({"a": 1}));
    let again = call(json!({"a": 1})).await?;
    again.problem(403, "approval_required")?;
    Ok(())
}
