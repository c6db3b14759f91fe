//! The work of a profiling: asks a connection about its tables, one after the other, within the time there is.
//!
//! Statements go the way of every statement: policy, a read-only session, limits. Of each table a sample is taken;
//! what it does not tell (how many rows there are, the least and the greatest values) is asked of the database, and
//! what that does not answer in time is left out and noted. Nothing is stored before all is known.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::family::Family;
use super::joins;
use super::request::{ProfileRequest, names, unknown};
use super::running::{Ended, Progress};
use super::sample::Sample;
use super::statement::Table;
use super::table::{
    CandidateKey, ColumnProfile, CountBasis, KeyBasis, Seen, TableProfile, TableStatus,
};
use crate::limits::Limits;
use crate::plugins::{Dialect, Parameters, PluginError, Relation, RelationFilter, RelationKind};
use crate::query::encode::{Column, Options, describe, json_rows};
use crate::query::{OnLimit, QueryError, QueryLimits, QueryRequest, Summary, execute};
use crate::registry::{Connection, ENVIRONMENT_ID, Registry, ResolveError};
use crate::store::{ScopeRef, Store};

/// Characters of a database's message that are kept.
const MESSAGE: usize = 500;

/// One profiling.
pub struct Survey {
    pub job: Uuid,
    pub profile: Uuid,
    pub connection: Connection,
    pub request: ProfileRequest,
    pub registry: Registry,
    pub store: Store,
    pub limits: Arc<Limits>,
    pub progress: Progress,
    /// Jobs that may run at a time.
    pub turns: Arc<Semaphore>,
}

/// Why a table was not profiled.
enum Fault {
    /// The connection is gone or another one.
    Gone,
    Message(String),
}

impl From<QueryError> for Fault {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Plugin(PluginError::Cancelled) => Self::Gone,
            other => Self::Message(other.to_string().chars().take(MESSAGE).collect()),
        }
    }
}

/// How long things may take.
#[derive(Clone, Copy)]
struct Time {
    /// When all of it ends.
    end: Instant,
    query: Duration,
}

impl Time {
    fn left(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    fn is_up(self) -> bool {
        self.left().is_zero()
    }

    /// What a part of it has, that may take `longest`.
    fn part(self, longest: Duration) -> Self {
        Self {
            end: self.end.min(Instant::now() + longest),
            ..self
        }
    }
}

impl Survey {
    /// Does it all, and stores the profile.
    ///
    /// # Errors
    /// Nothing is stored then.
    pub async fn run(self) -> Result<(), Ended> {
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await.map_err(|_| Ended::Lost)?;
        self.progress.begin();
        let time = Time {
            end: Instant::now() + Duration::from_secs(self.request.total_timeout_seconds),
            query: Duration::from_secs(self.request.query_timeout_seconds),
        };
        let chosen = self.choose(time).await?;
        let mut tables = Vec::with_capacity(chosen.len());
        for relation in &chosen {
            if time.is_up() {
                tables.push(blank(
                    relation,
                    TableStatus::Skipped,
                    "total_timeout_seconds is over",
                ));
                self.progress.count(|counts| counts.skipped += 1);
                continue;
            }
            self.check_connection().await?;
            let table_time = Duration::from_secs(self.request.per_table_timeout_seconds);
            match self.table(relation, time.part(table_time)).await {
                Ok(table) => {
                    tables.push(table);
                    self.progress.count(|counts| counts.completed += 1);
                }
                Err(Fault::Gone) => return Err(gone()),
                Err(Fault::Message(message)) => {
                    self.progress.count(|counts| counts.failed += 1);
                    if self.request.fail_fast {
                        let name = full_name(relation);
                        return Err(Ended::Failed(format!("{name}: {message}")));
                    }
                    tables.push(blank(relation, TableStatus::Failed, &message));
                }
            }
        }
        if let Some(error) = nothing_but_failures(&tables) {
            return Err(Ended::Failed(error));
        }
        joins::infer(&mut tables);
        let tables: Vec<String> = tables
            .iter()
            .map(serde_json::to_string)
            .collect::<Result<_, _>>()
            .map_err(|error| Ended::Failed(format!("the profile can't be written: {error}")))?;
        let id = self.connection.key.id;
        let scope = ScopeRef {
            key: String::new(),
            connection_id: Some(id),
            needs_row: id != ENVIRONMENT_ID,
        };
        let kept = i64::try_from(self.limits.profiles_kept).unwrap_or(i64::MAX);
        let counts = self.progress.counts();
        self.store
            .complete_profile(self.job, self.profile, &scope, &tables, counts, kept)
            .await?;
        Ok(())
    }

    /// The tables that are looked at, in the order of schema and name.
    async fn choose(&self, time: Time) -> Result<Vec<Relation>, Ended> {
        let filter = RelationFilter {
            schema: None,
            name: None,
            columns: true,
        };
        let listing = async {
            let mut session = self.connection.session().await?;
            session.relations(filter).await
        };
        let listed = tokio::time::timeout(time.left(), listing).await;
        let mut relations = match listed {
            Ok(Ok(relations)) => relations,
            Ok(Err(PluginError::Cancelled)) => return Err(gone()),
            Ok(Err(error)) => {
                return Err(Ended::Failed(format!(
                    "the tables can't be listed: {error}"
                )));
            }
            Err(_) => {
                let message = "the tables were not listed within total_timeout_seconds";
                return Err(Ended::Failed(message.to_owned()));
            }
        };
        // A partition is a part of what its parent shows.
        relations.retain(|relation| relation.kind != RelationKind::Partition);
        let wanted = self.request.tables.as_deref();
        let there: Vec<(&str, &str)> = relations
            .iter()
            .map(|relation| (relation.schema.as_str(), relation.name.as_str()))
            .collect();
        let missing = unknown(wanted, &there);
        if !missing.is_empty() {
            let list = missing.join(", ");
            return Err(Ended::Failed(format!(
                "tables: the database has no {list}; names are taken exactly, with or without a schema"
            )));
        }
        relations.retain(|relation| names(wanted, &relation.schema, &relation.name));
        relations.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        let all = relations.len();
        if let Some(most) = self.request.max_tables {
            relations.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        }
        let beyond = all - relations.len();
        self.progress.count(|counts| {
            counts.total = i64::try_from(all).unwrap_or(i64::MAX);
            counts.skipped = i64::try_from(beyond).unwrap_or(i64::MAX);
        });
        Ok(relations)
    }

    /// Whether what was asked for is still there, and still the same database.
    async fn check_connection(&self) -> Result<(), Ended> {
        let id = self.connection.key.id;
        match self.registry.resolve(Some(&id.to_string())).await {
            Ok(now) if now.key == self.connection.key => Ok(()),
            Ok(_) | Err(ResolveError::NotFound { .. }) => Err(gone()),
            Err(error) => Err(Ended::Failed(format!(
                "the connection can't be used: {error}"
            ))),
        }
    }

    /// What can be found out about a table.
    async fn table(&self, relation: &Relation, time: Time) -> Result<TableProfile, Fault> {
        let most = usize::try_from(self.request.max_columns_per_table).unwrap_or(usize::MAX);
        let columns = &relation.columns[..relation.columns.len().min(most)];
        if columns.is_empty() {
            return Err(Fault::Message("it has no columns".to_owned()));
        }
        let table = Table {
            dialect: self.dialect(),
            schema: &relation.schema,
            name: &relation.name,
        };
        let column_names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let (described, sample, is_whole) = self.sample(table, &column_names, time).await?;
        let mut profile = blank(relation, TableStatus::Completed, "");
        profile.error = None;
        profile.sampled_rows = sample.rows;
        profile.sample_is_whole = is_whole;
        profile.columns_skipped = (relation.columns.len() - columns.len()) as u64;
        self.count(table, relation, &mut profile, time).await?;
        for (at, (column, described)) in columns.iter().zip(&described).enumerate() {
            let Some(found) = sample.findings(at, profile.row_count) else {
                return Err(Fault::Message("the result has other columns".to_owned()));
            };
            let family = Family::of(&described.arrow_type, &column.db_type);
            if found.is_unique && family.identifies() {
                profile.candidate_keys.push(CandidateKey {
                    columns: vec![column.name.clone()],
                    basis: KeyBasis::Sample,
                });
            }
            profile.columns.push(ColumnProfile {
                name: column.name.clone(),
                data_type: column.db_type.clone(),
                family,
                nullable: column.nullable,
                is_primary_key: relation.primary_key.contains(&column.name),
                default_value: column.default_expression.clone(),
                comment: column
                    .comment
                    .clone()
                    .filter(|text| !text.trim().is_empty()),
                null_rate: found.null_rate,
                sampled_distinct: found.distinct,
                distinct_estimate: found.distinct_estimate,
                min: None,
                max: None,
                range_basis: None,
            });
        }
        joins::declare(relation, self.dialect(), &mut profile);
        self.ranges(table, &mut profile, time).await?;
        Ok(profile)
    }

    async fn sample(
        &self,
        table: Table<'_>,
        columns: &[&str],
        time: Time,
    ) -> Result<(Vec<Column>, Sample, bool), Fault> {
        let rows = self.request.sample_size;
        // One more says whether there are more.
        let sql = table.sample(columns, rows + 1);
        let mut sample = Sample::new(columns.len());
        let mut fits = true;
        let (described, summary) = self
            .read(sql, rows, time, |row| fits &= sample.add(row))
            .await?;
        if !fits || described.len() != columns.len() {
            return Err(Fault::Message("the result has other columns".to_owned()));
        }
        Ok((described, sample, !summary.truncated))
    }

    /// How many rows there are: as the sample, the database's statistics or a count say, in this order.
    async fn count(
        &self,
        table: Table<'_>,
        relation: &Relation,
        profile: &mut TableProfile,
        time: Time,
    ) -> Result<(), Fault> {
        let (count, basis) = if profile.sample_is_whole {
            (Some(profile.sampled_rows), CountBasis::Counted)
        } else if let Some(estimate) = relation
            .row_estimate
            .filter(|estimate| *estimate > profile.sampled_rows)
        {
            (Some(estimate), CountBasis::Estimated)
        } else {
            match self.row(table.count(), time).await {
                Ok(values) => (values.first().and_then(count_of), CountBasis::Counted),
                Err(Fault::Gone) => return Err(Fault::Gone),
                Err(Fault::Message(message)) => {
                    let note = format!("the rows were not counted: {message}");
                    profile.notes.push(note);
                    (None, CountBasis::Counted)
                }
            }
        };
        profile.row_count = count;
        profile.row_count_basis = count.map(|_| basis);
        Ok(())
    }

    /// The least and the greatest values: of the table, or of the sample if that takes too long.
    async fn ranges(
        &self,
        table: Table<'_>,
        profile: &mut TableProfile,
        time: Time,
    ) -> Result<(), Fault> {
        let ranged: Vec<String> = profile
            .columns
            .iter()
            .filter(|column| column.family.has_range())
            .map(|column| column.name.clone())
            .collect();
        // Of no rows ClickHouse would give the least values that there could be.
        if ranged.is_empty() || profile.sampled_rows == 0 {
            return Ok(());
        }
        let columns: Vec<&str> = ranged.iter().map(String::as_str).collect();
        let (values, basis) = match self.row(table.ranges(&columns), time).await {
            Ok(values) => (values, Seen::Table),
            Err(Fault::Gone) => return Err(Fault::Gone),
            Err(Fault::Message(first)) => {
                let sql = table.ranges_of_sample(&columns, self.request.sample_size);
                match self.row(sql, time).await {
                    Ok(values) => (values, Seen::Sample),
                    Err(Fault::Gone) => return Err(Fault::Gone),
                    Err(Fault::Message(_)) => {
                        profile
                            .notes
                            .push(format!("ranges were not found: {first}"));
                        return Ok(());
                    }
                }
            }
        };
        let mut pairs = values.into_iter();
        for column in profile
            .columns
            .iter_mut()
            .filter(|column| column.family.has_range())
        {
            column.min = pairs.next().filter(|value| !value.is_null());
            column.max = pairs.next().filter(|value| !value.is_null());
            column.range_basis = column.min.as_ref().map(|_| basis);
        }
        Ok(())
    }

    /// The only row of a result.
    async fn row(&self, sql: String, time: Time) -> Result<Vec<Value>, Fault> {
        let mut values = Vec::new();
        self.read(sql, 1, time, |row| {
            values = row
                .iter()
                .map(|cell| serde_json::from_str(cell.get()).unwrap_or_default())
                .collect();
        })
        .await?;
        Ok(values)
    }

    /// Reads a result to its end.
    async fn read(
        &self,
        sql: String,
        max_rows: u64,
        time: Time,
        mut seen: impl FnMut(&[&RawValue]),
    ) -> Result<(Vec<Column>, Summary), Fault> {
        let timeout = time.query.min(time.left());
        if timeout.is_zero() {
            return Err(Fault::Message("there was no time left".to_owned()));
        }
        let request = QueryRequest {
            sql,
            params: Parameters::Positional(Vec::new()),
            limits: QueryLimits {
                max_rows,
                max_bytes: self
                    .limits
                    .profile_sample_bytes
                    .min(self.limits.query_max_bytes),
                timeout_ms: u64::try_from(timeout.as_millis())
                    .unwrap_or(u64::MAX)
                    .max(1),
                on_limit: OnLimit::Truncate,
            },
        };
        let mut stream = execute(&self.connection, request, &self.limits).await?;
        // Errors are handed on, never written here.
        let options = Options::new(Arc::new(|_| Value::Null));
        let columns = describe(&stream.schema());
        while let Some(batch) = stream.next().await? {
            for text in json_rows(&batch, &options) {
                let row: Vec<&RawValue> =
                    serde_json::from_str(&text).map_err(|error| QueryError::Malformed {
                        detail: format!("a row is no JSON: {error}"),
                    })?;
                seen(&row);
            }
        }
        Ok((columns, stream.summary()))
    }

    fn dialect(&self) -> Dialect {
        self.connection.connector.info().dialect
    }
}

fn gone() -> Ended {
    let message = "the connection was changed or deleted meanwhile; nothing was stored";
    Ended::Failed(message.to_owned())
}

fn full_name(relation: &Relation) -> String {
    format!("{}.{}", relation.schema, relation.name)
}

/// What the first table failed of, if every table that was tried did.
fn nothing_but_failures(tables: &[TableProfile]) -> Option<String> {
    let completed = |table: &TableProfile| table.status == TableStatus::Completed;
    if tables.iter().any(completed) {
        return None;
    }
    let failed = tables
        .iter()
        .find(|table| table.status == TableStatus::Failed)?;
    let error = failed.error.as_deref().unwrap_or_default();
    Some(format!(
        "no table could be profiled; {}: {error}",
        failed.qualified_name()
    ))
}

/// A count as results show it: a number, or digits where it is wider.
fn count_of(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A table of which nothing is known but that it is there.
fn blank(relation: &Relation, status: TableStatus, error: &str) -> TableProfile {
    TableProfile {
        schema_name: relation.schema.clone(),
        table_name: relation.name.clone(),
        table_type: relation.kind.name().to_owned(),
        comment: relation
            .comment
            .clone()
            .filter(|text| !text.trim().is_empty()),
        status,
        error: Some(error.to_owned()),
        notes: Vec::new(),
        row_count: relation.row_estimate,
        row_count_basis: relation.row_estimate.map(|_| CountBasis::Estimated),
        sampled_rows: 0,
        sample_is_whole: false,
        columns: Vec::new(),
        columns_skipped: relation.columns.len() as u64,
        candidate_keys: Vec::new(),
        relationships: Vec::new(),
    }
}
