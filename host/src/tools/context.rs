//! What a tool may ask of the host: the one database that its request was resolved to.
//!
//! Statements pass the same policy and limits as those of a person. Rows are handed out as JSON text; when
//! they add up to more than a tool could pass on, the result ends there. Whatever was cut off or left unread
//! marks the whole answer as truncated. Errors cross to the component as its contract has them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::knowledge::Knowledge;
use super::profiling::Profiler;
use super::trace::Trace;
use crate::knowledge::reader::Reader;
use crate::limits::Limits;
use crate::plugins::tool::{BoxFuture, DatabaseInfo, ResultColumn};
use crate::plugins::{
    DbError, ErrorCode, Parameters, PluginError, Relation, RelationFilter, ToolContext,
    ToolKnowledge, ToolProfiling, ToolRows,
};
use crate::profiling::Profiling;
use crate::query::encode::{Options, describe, json_rows};
use crate::query::identifier;
use crate::query::policy::Reason;
use crate::query::{QueryError, QueryLimits, QueryRequest, QueryStream, execute};
use crate::registry::Connection;

/// The request's database, and what is known of it.
pub struct Context {
    connection: Connection,
    knowledge: Knowledge,
    profiler: Profiler,
    limits: Arc<Limits>,
    deadline: Instant,
    trace: Trace,
}

impl Context {
    pub fn new(
        connection: Connection,
        reader: Reader,
        profiling: Profiling,
        limits: Arc<Limits>,
        deadline: Instant,
        trace: Trace,
    ) -> Self {
        let knowledge = Knowledge {
            reader,
            max_hits: u32::try_from(limits.retrieval_max_top_k).unwrap_or(u32::MAX),
            budget: budget(&limits),
            trace: trace.clone(),
        };
        let profiler = Profiler {
            profiling,
            connection: connection.clone(),
            deadline,
            trace: trace.clone(),
        };
        Self {
            connection,
            knowledge,
            profiler,
            limits,
            deadline,
            trace,
        }
    }

    fn give(&self, error: impl Into<QueryError>) -> DbError {
        give(&self.trace, error.into())
    }

    async fn describe(&self) -> Result<DatabaseInfo, PluginError> {
        let mut session = self.connection.session().await?;
        let server = session.server().await?;
        Ok(DatabaseInfo {
            name: self.connection.name.clone(),
            database_type: self.connection.database_type.clone(),
            product: server.product,
            version: server.version,
            default_schema: server.default_schema,
        })
    }

    async fn relations(&self, filter: RelationFilter) -> Result<Vec<Relation>, PluginError> {
        let mut session = self.connection.session().await?;
        session.relations(filter).await
    }

    async fn query(
        &self,
        sql: String,
        params: Parameters,
        max_rows: Option<u64>,
    ) -> Result<Rows, QueryError> {
        let ours = QueryLimits::unasked(&self.limits);
        let left = self.deadline.saturating_duration_since(Instant::now());
        let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let request = QueryRequest {
            sql,
            params,
            limits: QueryLimits {
                max_rows: max_rows.map_or(ours.max_rows, |wanted| wanted.min(ours.max_rows)),
                timeout_ms: ours.timeout_ms.min(left).max(1),
                ..ours
            },
        };
        let stream = execute(&self.connection, request, &self.limits).await?;
        Ok(Rows {
            columns: describe(&stream.schema())
                .into_iter()
                .map(|column| ResultColumn {
                    name: column.name,
                    db_type: column.db_type,
                    nullable: column.nullable,
                })
                .collect(),
            stream: Some(stream),
            ready: VecDeque::new(),
            budget: budget(&self.limits),
            // A tool that asked for fewer rows got what it wanted.
            own_limit: max_rows.is_some_and(|wanted| wanted < ours.max_rows),
            truncated_by: None,
            trace: self.trace.clone(),
        })
    }
}

impl ToolContext for Context {
    fn describe(&self) -> BoxFuture<'_, Result<DatabaseInfo, DbError>> {
        Box::pin(async { self.describe().await.map_err(|error| self.give(error)) })
    }

    fn relations(&self, filter: RelationFilter) -> BoxFuture<'_, Result<Vec<Relation>, DbError>> {
        Box::pin(async {
            self.relations(filter)
                .await
                .map_err(|error| self.give(error))
        })
    }

    fn query(
        &self,
        sql: String,
        params: Parameters,
        max_rows: Option<u64>,
    ) -> BoxFuture<'_, Result<Box<dyn ToolRows>, DbError>> {
        Box::pin(async move {
            match self.query(sql, params, max_rows).await {
                Ok(rows) => Ok(Box::new(rows) as Box<dyn ToolRows>),
                Err(error) => Err(self.give(error)),
            }
        })
    }

    fn quote_identifier(&self, name: &str) -> String {
        identifier::quote(self.connection.connector.info().dialect, name)
    }

    fn progress(&self, done: u32, total: Option<u32>, note: &str) {
        // The note is the component's text: as a field it is escaped.
        tracing::debug!(done, total, note, "tool progress");
    }

    fn knowledge(&self) -> &dyn ToolKnowledge {
        &self.knowledge
    }

    fn profiling(&self) -> &dyn ToolProfiling {
        &self.profiler
    }
}

/// How many bytes a tool may be given at a time: one that passes them on adds its own words to them.
fn budget(limits: &Limits) -> u64 {
    limits.tool_result_bytes - limits.tool_result_bytes / 4
}

/// The error as the tool is told of it.
fn give(trace: &Trace, error: QueryError) -> DbError {
    let given = to_db_error(&error);
    trace.failed_to_query(&given, error);
    given
}

/// A result on its way to a tool.
struct Rows {
    columns: Vec<ResultColumn>,
    /// `None` when it has ended.
    stream: Option<QueryStream>,
    /// Rows of the batch in hand.
    ready: VecDeque<String>,
    /// Bytes of JSON that may still be handed out.
    budget: u64,
    own_limit: bool,
    truncated_by: Option<&'static str>,
    trace: Trace,
}

impl Rows {
    async fn next(&mut self, max: u32) -> Result<Vec<String>, QueryError> {
        let mut rows = Vec::new();
        while rows.len() < max as usize {
            if let Some(row) = self.ready.pop_front() {
                let size = row.len() as u64;
                if size > self.budget {
                    self.stream = None;
                    self.ready.clear();
                    self.truncated_by = Some("tool_result_bytes");
                    self.trace.cut_off();
                    break;
                }
                self.budget -= size;
                rows.push(row);
                continue;
            }
            // What is there is handed out before more is waited for.
            let waits = |stream: &QueryStream| !rows.is_empty() && !stream.is_ready();
            let Some(stream) = self.stream.as_mut().filter(|stream| !waits(stream)) else {
                break;
            };
            match stream.next().await {
                Ok(Some(batch)) => self.ready = json_rows(&batch, &json_options()),
                Ok(None) => {
                    self.truncated_by = stream.summary().truncated_by;
                    self.stream = None;
                    if self.truncated_by.is_some() && !self.own_limit {
                        self.trace.cut_off();
                    }
                }
                Err(error) => {
                    self.stream = None;
                    return Err(error);
                }
            }
        }
        Ok(rows)
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        if self.stream.is_some() || !self.ready.is_empty() {
            self.trace.cut_off();
        }
    }
}

impl ToolRows for Rows {
    fn columns(&self) -> Vec<ResultColumn> {
        self.columns.clone()
    }

    fn next(&mut self, max: u32) -> BoxFuture<'_, Result<Vec<String>, DbError>> {
        Box::pin(async move {
            let trace = self.trace.clone();
            self.next(max).await.map_err(|error| give(&trace, error))
        })
    }

    fn truncated_by(&self) -> Option<String> {
        self.truncated_by.map(str::to_owned)
    }
}

/// Errors reach a tool as [`DbError`]s, so nothing is ever written as a problem here.
fn json_options() -> Options {
    Options::new(Arc::new(|_| serde_json::Value::Null))
}

/// An error as the contract of tools has it.
fn to_db_error(error: &QueryError) -> DbError {
    let plain = |code, retryable| DbError {
        code,
        message: error.to_string(),
        vendor_code: None,
        detail: None,
        hint: None,
        position: None,
        retryable,
    };
    match error {
        QueryError::Refused(refusal) => DbError {
            position: refusal.position,
            ..plain(
                match refusal.reason {
                    Reason::EmptySql | Reason::MultipleStatements | Reason::Syntax => {
                        ErrorCode::Syntax
                    }
                    Reason::TooLong | Reason::TooDeep => ErrorCode::ResourceLimit,
                    _ => ErrorCode::ReadOnlyViolation,
                },
                false,
            )
        },
        QueryError::Plugin(PluginError::Database(error)) => error.clone(),
        QueryError::Plugin(PluginError::Timeout { .. }) => plain(ErrorCode::Timeout, true),
        QueryError::Plugin(PluginError::Cancelled) => plain(ErrorCode::Cancelled, true),
        QueryError::Plugin(
            PluginError::HostNotFound { .. } | PluginError::FolderMissing { .. },
        ) => plain(ErrorCode::ConnectionRefused, true),
        QueryError::Plugin(
            PluginError::AddressNotAllowed { .. } | PluginError::FolderNotGranted { .. },
        ) => plain(ErrorCode::PermissionDenied, false),
        QueryError::Plugin(PluginError::Busy { .. } | PluginError::Limit { .. })
        | QueryError::ResultLimit { .. } => plain(ErrorCode::ResourceLimit, true),
        QueryError::Plugin(PluginError::Failed { .. } | PluginError::Quarantined { .. })
        | QueryError::Malformed { .. } => plain(ErrorCode::Internal, false),
    }
}
