//! Runs one permitted statement and yields its batches within the limits.
//!
//! Order: the policy judges the text, the connection gives a session, the engine runs the statement
//! read-only and is asked for one row more than the limit (so that "there was more" is known, not guessed).
//! Where the same text reads differently in different sessions, the session comes first and says how.
//! [`execute`] answers when the first rows are there or the statement has ended, so that what fails at once
//! fails before an answer has begun. The time limit covers all of it, from the first step to the last row.
//!
//! Rows are cut exactly; bytes are Arrow data and cut at a row. A dropped [`QueryStream`] drops the cursor,
//! and that stops the statement on the server.

use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;

use super::intake::{Intake, Item, Malformed};
use super::policy::{self, Permitted, Refusal};
use super::{OnLimit, QueryLimits, QueryRequest};
use crate::limits::Limits;
use crate::plugins::tool::BoxFuture;
use crate::plugins::{Cursor, Dialect, PluginError, Statement};
use crate::registry::{Connection, DatabaseRef};

/// What is left of a result whose server has stopped at the row limit: the rest of a batch and the end of
/// the stream. A connector that has more to say than this is stopped instead.
const READS_AFTER_LAST_ROW: usize = 8;

/// Statements up to this long are judged where they are; longer ones may keep a thread busy for
/// milliseconds.
const JUDGED_IN_PLACE_BYTES: usize = 8 << 10;

/// How much of what is wrong with a stream goes to the log.
const LOGGED_CHARACTERS: usize = 300;

/// Why a statement gave no (further) rows.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// `on_limit: error`, and the limit was reached.
    #[error("the result is larger than {limit} ({value})")]
    ResultLimit { limit: &'static str, value: u64 },
    /// The connector's Arrow stream is malformed.
    #[error("the connector's result can't be read")]
    Malformed { detail: String },
}

impl From<Malformed> for QueryError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed {
            detail: malformed.0,
        }
    }
}

/// Where the bytes of a result come from.
pub trait Chunks: Send {
    /// The next piece of the Arrow IPC stream; `None` at its end.
    fn read(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, PluginError>>;
}

impl Chunks for Cursor {
    fn read(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, PluginError>> {
        Box::pin(Cursor::read(self))
    }
}

/// A result on its way: schema first, then batches.
pub struct QueryStream {
    database: DatabaseRef,
    schema: SchemaRef,
    /// `None` when nothing more is to be read.
    chunks: Option<Box<dyn Chunks>>,
    intake: Intake,
    /// The batch that was read in order to know how the statement begins.
    first: Option<RecordBatch>,
    limits: QueryLimits,
    rows: u64,
    bytes: u64,
    truncated_by: Option<&'static str>,
    warnings: Vec<String>,
    started: Instant,
    elapsed: Option<Duration>,
}

/// What is known at the end.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    pub row_count: u64,
    pub truncated: bool,
    /// `max_rows` or `max_bytes`.
    pub truncated_by: Option<&'static str>,
    pub elapsed_ms: u64,
    pub warnings: Vec<String>,
}

/// Judges the statement, runs it on the connection and answers once its first rows or its end are known.
///
/// # Errors
/// See [`QueryError`].
pub async fn execute(
    connection: &Connection,
    request: QueryRequest,
    limits: &Limits,
) -> Result<QueryStream, QueryError> {
    let started = Instant::now();
    let timeout = Duration::from_millis(request.limits.timeout_ms);
    let deadline = started + timeout;
    let dialect = connection.connector.info().dialect;
    let timed_out = || PluginError::Timeout {
        limit: "timeout_ms",
        millis: request.limits.timeout_ms,
    };
    let take_session = async || {
        let session = tokio::time::timeout_at(deadline.into(), connection.session()).await;
        session.map_err(|_| timed_out())?
    };
    let (permitted, session) = if policy::depends_on_session(dialect) {
        let mut session = take_session().await?;
        let server = tokio::time::timeout_at(deadline.into(), session.server()).await;
        let server = server.map_err(|_| timed_out())??;
        let permitted = judge(dialect, server.reading, request.sql, limits).await?;
        (permitted, session)
    } else {
        let permitted = judge(dialect, Vec::new(), request.sql, limits).await?;
        (permitted, take_session().await?)
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let statement = Statement {
        sql: permitted.sql,
        params: request.params,
        read_only: true,
        max_rows: Some(request.limits.max_rows.saturating_add(1)),
        max_bytes: Some(request.limits.max_bytes),
        // The engine's own limit; 0 would mean none.
        timeout_ms: u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1),
    };
    let cursor = session.query(statement, deadline).await?;
    QueryStream::begin(
        Box::new(cursor),
        connection.reference(),
        request.limits,
        limits,
        started,
    )
    .await
}

async fn judge(
    dialect: Dialect,
    reading: Vec<(String, String)>,
    sql: String,
    limits: &Limits,
) -> Result<Permitted, QueryError> {
    if sql.len() <= JUDGED_IN_PLACE_BYTES {
        return Ok(policy::judge(dialect, &reading, &sql, limits)?);
    }
    let limits = limits.clone();
    let judged =
        tokio::task::spawn_blocking(move || policy::judge(dialect, &reading, &sql, &limits)).await;
    Ok(judged.map_err(|_| PluginError::Cancelled)??)
}

impl QueryStream {
    /// Reads up to the first rows of a stream.
    ///
    /// # Errors
    /// What [`execute`] gives after the statement has started.
    pub async fn begin(
        chunks: Box<dyn Chunks>,
        database: DatabaseRef,
        limits: QueryLimits,
        server: &Limits,
        started: Instant,
    ) -> Result<Self, QueryError> {
        let mut stream = Self {
            database,
            schema: SchemaRef::new(arrow_schema::Schema::empty()),
            chunks: Some(chunks),
            intake: Intake::new(server),
            first: None,
            limits,
            rows: 0,
            bytes: 0,
            truncated_by: None,
            warnings: Vec::new(),
            started,
            elapsed: None,
        };
        stream.first = stream.advance().await?;
        Ok(stream)
    }

    /// Which database answers.
    pub fn database(&self) -> &DatabaseRef {
        &self.database
    }

    /// The columns, with the database's type names in the field metadata.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// Whether [`QueryStream::next`] is likely to answer without waiting for the database.
    pub fn is_ready(&self) -> bool {
        self.first.is_some() || self.chunks.is_none() || self.intake.has_input()
    }

    /// The next batch, cut to the limits; `None` at the end, after which [`QueryStream::summary`] is final.
    ///
    /// # Errors
    /// What went wrong on the way. Nothing follows it.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        match self.first.take() {
            Some(batch) => Ok(Some(batch)),
            None => self.advance().await,
        }
    }

    /// How much there was. Final once [`QueryStream::next`] has given `None` or an error.
    pub fn summary(&self) -> Summary {
        let elapsed = self.elapsed.unwrap_or_else(|| self.started.elapsed());
        Summary {
            row_count: self.rows,
            truncated: self.truncated_by.is_some(),
            truncated_by: self.truncated_by,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            warnings: self.warnings.clone(),
        }
    }

    async fn advance(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        let batch = self.read().await;
        if let Err(QueryError::Malformed { detail }) = &batch {
            // It may quote the component; Debug escapes it.
            let detail: String = detail.chars().take(LOGGED_CHARACTERS).collect();
            tracing::warn!(connection = %self.database.id, ?detail, "a connector's result is malformed");
        }
        if !matches!(batch, Ok(Some(_))) {
            self.elapsed.get_or_insert_with(|| self.started.elapsed());
            self.chunks = None;
        }
        batch
    }

    async fn read(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        loop {
            let Some(chunks) = &mut self.chunks else {
                return Ok(None);
            };
            match self.intake.next_item()? {
                Some(Item::Schema(schema)) => self.schema = schema,
                Some(Item::Batch { batch, .. }) if batch.num_rows() == 0 => {}
                Some(Item::Batch { batch, bytes }) => return self.admit(batch, bytes),
                Some(Item::End) => {}
                None => {
                    let Some(chunk) = chunks.read().await? else {
                        self.intake.finish()?;
                        return Ok(None);
                    };
                    self.intake.feed(chunk);
                }
            }
        }
    }

    /// Cuts a batch to what the limits leave.
    fn admit(&mut self, batch: RecordBatch, bytes: u64) -> Result<Option<RecordBatch>, QueryError> {
        let all = batch.num_rows();
        let room = self.limits.max_rows - self.rows;
        let mut keep = usize::try_from(room).map_or(all, |room| room.min(all));
        let mut limit = (keep < all).then_some(("max_rows", self.limits.max_rows));
        let left = self.limits.max_bytes - self.bytes;
        let mut used = bytes;
        if bytes > left {
            let fitting = rows_within(&batch, left, keep);
            if fitting < keep {
                keep = fitting;
                limit = Some(("max_bytes", self.limits.max_bytes));
            }
            used = left;
        }
        self.rows += keep as u64;
        self.bytes += used;
        let Some((limit, value)) = limit else {
            return Ok(Some(batch));
        };
        let chunks = self.chunks.take();
        if self.limits.on_limit == OnLimit::Error {
            return Err(QueryError::ResultLimit { limit, value });
        }
        self.truncated_by = Some(limit);
        self.elapsed = Some(self.started.elapsed());
        // At the row limit the server has stopped by itself: reading to the end keeps the session.
        if let (Some(mut chunks), "max_rows") = (chunks, limit) {
            tokio::spawn(async move {
                for _ in 0..READS_AFTER_LAST_ROW {
                    if !matches!(chunks.read().await, Ok(Some(_))) {
                        break;
                    }
                }
            });
        }
        Ok((keep > 0).then(|| batch.slice(0, keep)))
    }
}

/// How many of the first `most` rows have at most `bytes` bytes of Arrow data.
fn rows_within(batch: &RecordBatch, bytes: u64, most: usize) -> usize {
    let size = |rows: usize| -> u64 {
        let batch = batch.slice(0, rows);
        let sizes = batch.columns().iter().map(|column| {
            column
                .to_data()
                .get_slice_memory_size()
                .unwrap_or(usize::MAX) as u64
        });
        sizes.fold(0, u64::saturating_add)
    };
    let (mut fits, mut beyond) = (0, most + 1);
    while beyond - fits > 1 {
        let middle = fits + (beyond - fits) / 2;
        if size(middle) <= bytes {
            fits = middle;
        } else {
            beyond = middle;
        }
    }
    fits
}

#[cfg(test)]
#[path = "execute_tests.rs"]
pub(crate) mod tests;
