//! A loaded tool component, and what it may ask of the host.

use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::bindings::tool::ToolPluginPre;
pub use super::bindings::tool::datachat::plugin::database::{Info as DatabaseInfo, ResultColumn};
pub use super::bindings::tool::exports::datachat::plugin::tool::{
    Definition, ToolError, ToolErrorCode,
};
use super::egress::EgressPolicy;
use super::instance::{Deadline, Instance, Rights, State};
use super::knowledge::ToolKnowledge;
use super::plugin::Plugin;
use super::profiling::ToolProfiling;
use super::{DbError, Parameters, PluginError, Relation, RelationFilter};

/// A boxed future, so that [`ToolContext`] can be a trait object.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The one database of the request, as a tool sees it. Implemented by the layer above the runtime.
pub trait ToolContext: Send + Sync + 'static {
    fn describe(&self) -> BoxFuture<'_, Result<DatabaseInfo, DbError>>;
    fn relations(&self, filter: RelationFilter) -> BoxFuture<'_, Result<Vec<Relation>, DbError>>;
    fn query(
        &self,
        sql: String,
        params: Parameters,
        max_rows: Option<u64>,
    ) -> BoxFuture<'_, Result<Box<dyn ToolRows>, DbError>>;
    fn quote_identifier(&self, name: &str) -> String;
    fn progress(&self, done: u32, total: Option<u32>, note: &str);
    /// What is known of that database.
    fn knowledge(&self) -> &dyn ToolKnowledge;
    /// What it may do about that database's tables.
    fn profiling(&self) -> &dyn ToolProfiling;
}

/// Rows on their way to a tool. Dropping it stops the statement.
pub trait ToolRows: Send + 'static {
    fn columns(&self) -> Vec<ResultColumn>;
    /// At most `max` rows, each a JSON array; empty at the end.
    fn next(&mut self, max: u32) -> BoxFuture<'_, Result<Vec<String>, DbError>>;
    fn truncated_by(&self) -> Option<String>;
}

/// The resource behind `database.rows`.
pub struct RowsHandle {
    pub(crate) rows: Box<dyn ToolRows>,
}

/// A loaded tool component.
pub struct ToolPlugin {
    definitions: Vec<Definition>,
    plugin: Arc<Plugin>,
    pre: ToolPluginPre<State>,
    egress: Arc<EgressPolicy>,
    shipped: bool,
}

/// Why a tool gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ToolCallError {
    /// The tool itself said no.
    #[error("{}", .0.message)]
    Tool(ToolError),
    /// The component failed.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}

impl ToolPlugin {
    pub(crate) fn new(
        plugin: Arc<Plugin>,
        definitions: Vec<Definition>,
        pre: ToolPluginPre<State>,
        egress: Arc<EgressPolicy>,
        shipped: bool,
    ) -> Self {
        Self {
            definitions,
            plugin,
            pre,
            egress,
            shipped,
        }
    }

    pub(crate) fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// The name of the component.
    pub fn name(&self) -> &str {
        &self.plugin.name
    }

    /// Whether it came with the server; one that an operator added asks for more consent.
    pub fn is_shipped(&self) -> bool {
        self.shipped
    }

    /// `sha256:` and 64 hex digits.
    pub fn digest(&self) -> &str {
        &self.plugin.digest
    }

    /// Its tools.
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    /// Calls one tool on a fresh instance; `deadline` ends it.
    ///
    /// # Errors
    /// What the tool says, a limit, the deadline (`tool_timeout_ms`), or a failure of the plugin.
    pub async fn call(
        &self,
        name: &str,
        arguments: &str,
        context: Box<dyn ToolContext>,
        deadline: Instant,
    ) -> Result<String, ToolCallError> {
        self.plugin.admit()?;
        let deadline = Deadline::until("tool_timeout_ms", deadline);
        let never = CancellationToken::new();
        let making = Instance::new(
            Arc::clone(&self.plugin),
            None,
            Rights::Tool(context),
            &self.egress,
        );
        let mut instance = tokio::time::timeout_at(deadline.at.into(), making)
            .await
            .map_err(|_| deadline.passed())?;
        let answer = instance
            .call("tool", deadline, &never, async |store| {
                let bindings = self.pre.instantiate_async(&mut *store).await?;
                bindings
                    .datachat_plugin_tool()
                    .call_call(store, name, arguments)
                    .await
            })
            .await?;
        self.plugin.proved();
        let answer = answer.map_err(ToolCallError::Tool)?;
        let max = self.plugin.runtime.limits.tool_result_bytes;
        if answer.len() as u64 > max {
            return Err(ToolCallError::Plugin(PluginError::Limit {
                plugin: self.plugin.name.to_string(),
                limit: "tool_result_bytes",
            }));
        }
        Ok(answer)
    }
}
