//! What the checks have in common: the connector, its database, and ways to ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::phrases::Phrases;
use crate::limits::Limits;
use crate::plugins::{
    ConnectionKey, Connector, Cursor, DbError, ErrorCode, Parameters, PluginError, Relation,
    RelationFilter, Statement, Target,
};
use crate::query::encode::{Column, Options, describe, json_rows};
use crate::query::identifier::quote;
use crate::query::{OnLimit, QueryError, QueryLimits, QueryRequest, QueryStream, Summary, execute};
use crate::registry::{ChosenBy, Connection};

/// How a check ended: passed, perhaps with what was seen, or not.
pub(super) type Verdict = Result<Option<String>, Objection>;

/// Why a check did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Objection {
    Failed(String),
    NotApplicable(String),
}

/// How long a statement may take when its time is not what is tried.
const PATIENCE_MS: u64 = 60_000;

/// The connector on its database.
pub(super) struct Kit {
    connector: Arc<Connector>,
    target: Target,
    limits: Limits,
    /// A table or view with columns, if there is one.
    sample: Option<Relation>,
    connections: AtomicU32,
}

/// A whole result.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) columns: Vec<Column>,
    /// Each a JSON array, as answers have it.
    pub(super) rows: Vec<String>,
    pub(super) summary: Summary,
}

impl Kit {
    pub(super) async fn new(
        connector: Arc<Connector>,
        target: Target,
        limits: Limits,
    ) -> Result<Self, PluginError> {
        let mut kit = Self {
            connector,
            target,
            limits,
            sample: None,
            connections: AtomicU32::new(1),
        };
        let relations = kit.relations(None, None, true).await?;
        kit.sample = relations
            .into_iter()
            .find(|relation| !relation.columns.is_empty());
        Ok(kit)
    }

    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn phrases(&self) -> &'static Phrases {
        Phrases::of(self.connector.info().dialect)
    }

    /// A table or view to read.
    pub(super) fn sample(&self) -> Result<&Relation, Objection> {
        self.sample
            .as_ref()
            .ok_or_else(|| not_applicable("the database has no table with columns"))
    }

    /// A name as the dialect writes it.
    pub(super) fn quote(&self, name: &str) -> String {
        quote(self.connector.info().dialect, name)
    }

    /// A relation as the dialect writes it.
    pub(super) fn name_of(&self, relation: &Relation) -> String {
        let name = self.quote(&relation.name);
        if relation.schema.is_empty() {
            return name;
        }
        format!("{}.{name}", self.quote(&relation.schema))
    }

    /// A connection that no other check uses, to this target.
    pub(super) fn another(&self, target: &Target) -> Connection {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        self.connection(u128::from(number), target)
    }

    fn connection(&self, id: u128, target: &Target) -> Connection {
        let types = &self.connector.info().database_types;
        Connection {
            key: ConnectionKey {
                id: Uuid::from_u128(id),
                revision: 0,
            },
            name: "conformance".to_owned(),
            database_type: types.first().map(|ty| ty.name.clone()).unwrap_or_default(),
            target: target.clone(),
            connector: Arc::clone(&self.connector),
            chosen_by: ChosenBy::Explicit,
        }
    }

    /// The connection that checks share.
    pub(super) fn main(&self) -> Connection {
        self.connection(0, &self.target)
    }

    /// The result of a statement, as a request gets it.
    pub(super) async fn ask(&self, sql: &str) -> Result<Answer, QueryError> {
        let none = Parameters::Positional(Vec::new());
        self.ask_with(sql, none, Self::unlimited()).await
    }

    /// As [`Kit::ask`], with parameters and limits.
    pub(super) async fn ask_with(
        &self,
        sql: &str,
        params: Parameters,
        limits: QueryLimits,
    ) -> Result<Answer, QueryError> {
        self.ask_on(&self.main(), sql, params, limits).await
    }

    /// As [`Kit::ask_with`], on a connection of the caller's.
    pub(super) async fn ask_on(
        &self,
        connection: &Connection,
        sql: &str,
        params: Parameters,
        limits: QueryLimits,
    ) -> Result<Answer, QueryError> {
        let request = QueryRequest {
            sql: sql.to_owned(),
            params,
            limits,
        };
        collect(execute(connection, request, &self.limits).await?).await
    }

    /// The result of a statement that the policy has not seen.
    pub(super) async fn direct(
        &self,
        connection: &Connection,
        sql: &str,
    ) -> Result<Answer, QueryError> {
        let started = Instant::now();
        let cursor = self.start(connection, sql).await?;
        let (reference, limits) = (connection.reference(), Self::unlimited());
        let stream =
            QueryStream::begin(Box::new(cursor), reference, limits, &self.limits, started).await?;
        collect(stream).await
    }

    /// Starts a statement that the policy has not seen.
    pub(super) async fn start(
        &self,
        connection: &Connection,
        sql: &str,
    ) -> Result<Cursor, PluginError> {
        let session = self
            .connector
            .session(connection.key, &connection.target)
            .await?;
        let statement = Statement {
            sql: sql.to_owned(),
            params: Parameters::Positional(Vec::new()),
            read_only: true,
            max_rows: None,
            max_bytes: None,
            timeout_ms: u32::try_from(PATIENCE_MS).unwrap_or(u32::MAX),
        };
        let deadline = Instant::now() + Duration::from_millis(PATIENCE_MS);
        session.query(statement, deadline).await
    }

    /// Starts a statement as a request does, to count its rows as they come.
    pub(super) async fn stream(
        &self,
        sql: &str,
        limits: QueryLimits,
    ) -> Result<QueryStream, QueryError> {
        let request = QueryRequest {
            sql: sql.to_owned(),
            params: Parameters::Positional(Vec::new()),
            limits,
        };
        execute(&self.main(), request, &self.limits).await
    }

    /// Everything that a statement gives.
    pub(super) fn unlimited() -> QueryLimits {
        QueryLimits {
            max_rows: u64::MAX >> 1,
            max_bytes: u64::MAX >> 1,
            timeout_ms: PATIENCE_MS,
            on_limit: OnLimit::Error,
        }
    }

    pub(super) async fn relations(
        &self,
        schema: Option<&str>,
        name: Option<&str>,
        columns: bool,
    ) -> Result<Vec<Relation>, PluginError> {
        let connection = self.main();
        let mut session = self
            .connector
            .session(connection.key, &connection.target)
            .await?;
        let filter = RelationFilter {
            schema: schema.map(str::to_owned),
            name: name.map(str::to_owned),
            columns,
        };
        session.relations(filter).await
    }
}

async fn collect(mut stream: QueryStream) -> Result<Answer, QueryError> {
    // Errors are values here, so none is ever written as a problem.
    let options = Options::new(Arc::new(|_| serde_json::Value::Null));
    let columns = describe(&stream.schema());
    let mut rows = Vec::new();
    while let Some(batch) = stream.next().await? {
        rows.extend(json_rows(&batch, &options));
    }
    Ok(Answer {
        columns,
        rows,
        summary: stream.summary(),
    })
}

/// The check failed.
pub(super) fn failed(seen: impl Into<String>) -> Objection {
    Objection::Failed(seen.into())
}

/// The check can't be made here.
pub(super) fn not_applicable(why: impl Into<String>) -> Objection {
    Objection::NotApplicable(why.into())
}

/// Fails unless something holds.
pub(super) fn require(holds: bool, seen: impl FnOnce() -> String) -> Result<(), Objection> {
    if holds { Ok(()) } else { Err(failed(seen())) }
}

/// A phrase that the dialect may not have.
pub(super) fn phrase<T>(phrase: Option<T>, what: &str) -> Result<T, Objection> {
    phrase.ok_or_else(|| not_applicable(format!("the dialect has no {what} that the kit knows")))
}

/// A code as the contract spells it: `undefined-object`.
pub(super) fn code(code: ErrorCode) -> String {
    let debug = format!("{code:?}");
    let name = debug.rsplit("::").next().unwrap_or_default();
    let mut spelt = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !spelt.is_empty() {
            spelt.push('-');
        }
        spelt.push(character.to_ascii_lowercase());
    }
    spelt
}

/// The error of a database, if it is one.
pub(super) fn database_error(error: &QueryError) -> Option<&DbError> {
    match error {
        QueryError::Plugin(PluginError::Database(error)) => Some(error),
        _ => None,
    }
}

/// What a statement that should have worked says instead.
#[allow(clippy::needless_pass_by_value)] // as map_err passes it
pub(super) fn unexpected(error: QueryError) -> Objection {
    let text = match &error {
        QueryError::Plugin(PluginError::Failed { detail, .. }) => {
            format!("the plugin failed: {detail}")
        }
        QueryError::Malformed { detail } => format!("the result is malformed: {detail}"),
        QueryError::Plugin(PluginError::Database(error)) => {
            format!("{}: {}", code(error.code), error.message)
        }
        other => other.to_string(),
    };
    failed(text)
}

/// As [`unexpected`], of a call into the runtime.
pub(super) fn unexpected_call(error: PluginError) -> Objection {
    unexpected(QueryError::Plugin(error))
}

/// A statement that the connector may say it does not support: that is no failure of the check.
pub(super) fn unless_unsupported(error: QueryError) -> Objection {
    match database_error(&error) {
        Some(told) if matches!(told.code, ErrorCode::Unsupported | ErrorCode::Syntax) => {
            not_applicable(format!("not supported: {}", told.message))
        }
        _ => unexpected(error),
    }
}

/// A statement with parameters, which the server may say it does not have.
pub(super) fn unless_without(error: QueryError) -> Objection {
    match database_error(&error) {
        Some(told) if told.code == ErrorCode::Unsupported => {
            not_applicable(format!("not supported: {}", told.message))
        }
        _ => unexpected(error),
    }
}

/// Fails unless the statement was refused by the database with one of these codes.
pub(super) fn refused_with(
    outcome: Result<Answer, QueryError>,
    wanted: &[ErrorCode],
) -> Result<DbError, Objection> {
    match outcome {
        Ok(answer) => Err(failed(format!(
            "it ran and gave {} row(s)",
            answer.rows.len()
        ))),
        Err(error) => match database_error(&error) {
            Some(told) if wanted.contains(&told.code) => Ok(told.clone()),
            Some(told) => Err(failed(format!(
                "the code is {} and not {}: {}",
                code(told.code),
                wanted
                    .iter()
                    .map(|wanted| code(*wanted))
                    .collect::<Vec<_>>()
                    .join(" or "),
                told.message
            ))),
            None => Err(unexpected(error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_spelt_as_in_the_contract() {
        assert_eq!(code(ErrorCode::UndefinedObject), "undefined-object");
        assert_eq!(code(ErrorCode::Syntax), "syntax");
        assert_eq!(code(ErrorCode::TlsFailed), "tls-failed");
    }
}
