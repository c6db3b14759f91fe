//! A loaded tool component, and what it may ask of the host.

use std::time::Instant;

pub use super::bindings::tool::datachat::plugin::database::{Info as DatabaseInfo, ResultColumn};
pub use super::bindings::tool::exports::datachat::plugin::tool::{
    Definition, ToolError, ToolErrorCode,
};
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
pub struct ToolPlugin {}

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
    /// Its tools.
    pub fn definitions(&self) -> &[Definition] {
        unimplemented!()
    }

    /// Calls one tool on a fresh instance; `deadline` ends it.
    pub async fn call(
        &self,
        name: &str,
        arguments: &str,
        context: Box<dyn ToolContext>,
        deadline: Instant,
    ) -> Result<String, ToolCallError> {
        let _ = (name, arguments, context, deadline);
        unimplemented!()
    }
}
