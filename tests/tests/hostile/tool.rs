//! A tool reaches the database of its call and nothing else, and ends at its limits.

use std::time::{Duration, Instant};

use datachat::plugins::tool::{BoxFuture, DatabaseInfo, ResultColumn};
use datachat::plugins::{
    DbError, ErrorCode, Parameters, PluginError, Relation, RelationFilter, ToolCallError,
    ToolContext, ToolRows,
};

use crate::{assert_limit, load};

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
    assert_eq!(tool.definitions().len(), 6);
    let call = async |name: &str, arguments: &str| {
        let deadline = Instant::now() + Duration::from_millis(700);
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
