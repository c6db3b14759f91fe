//! Rows of jobs that look through a connection's tables: profiling, and generation from a profile.
//!
//! They live and die as sync jobs do: a job beats for as long as its process lives, whoever looks marks one that
//! has missed its beats as interrupted, and a job's result is written in the transaction that completes it. Any
//! number may run at once.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::scopes::require_connection;
use super::{JobStatus, ScopeRef, Store, StoreError, in_transaction, on_pool};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    Profile,
    Generate,
}

impl JobKind {
    fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Generate => "generate",
        }
    }
}

/// How far a job is, in tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub total: i64,
    pub completed: i64,
    pub failed: i64,
    pub skipped: i64,
}

/// A job to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    pub id: Uuid,
    pub kind: JobKind,
    /// The process that runs it.
    pub owner: Uuid,
    pub connection_id: Uuid,
    /// Whether the connection is a row, which must be there.
    pub needs_row: bool,
    /// The profile that it reads.
    pub profile_id: Option<Uuid>,
    /// JSON.
    pub request: String,
}

/// A job as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    pub id: Uuid,
    pub status: JobStatus,
    pub connection_id: Uuid,
    pub profile_id: Option<Uuid>,
    /// JSON, as the layer above wrote it.
    pub request: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub counts: Counts,
    pub error: Option<String>,
}

/// Which job is meant by its latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatestJob {
    OfConnection(Uuid),
    OfProfile(Uuid),
}

/// Jobs of a kind that are remembered.
const KEPT: i64 = 100;

type Columns = (
    String,
    String,
    String,
    Option<String>,
    String,
    i64,
    Option<i64>,
    i64,
    i64,
    i64,
    i64,
    Option<String>,
);

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT job_id, status, connection_id, profile_id, request, started_at, finished_at, total, completed, \
             failed, skipped, error FROM datachat_jobs ",
            $rest
        )
    };
}

/// Marks the jobs whose last beat is older than a moment.
const STALE: &str = "SELECT job_id FROM datachat_jobs WHERE status IN ('pending', 'running') \
     AND heartbeat_at < $1 LIMIT 1";
const EXPIRE: &str = "UPDATE datachat_jobs SET status = 'interrupted', finished_at = $1, \
     error = 'the process that ran it ended; nothing was stored, run it again' \
     WHERE status IN ('pending', 'running') AND heartbeat_at < $2";

/// Completes a job within the transaction that writes its result.
macro_rules! complete_job {
    ($transaction:ident, $store:expr, $id:expr, $profile:expr, $counts:expr) => {{
        let (now,): (i64,) = sqlx::query_as($store.clock())
            .fetch_one(&mut *$transaction)
            .await?;
        let completed = sqlx::query(
            "UPDATE datachat_jobs SET status = 'completed', finished_at = $2, heartbeat_at = $2, profile_id = $3, \
             total = $4, completed = $5, failed = $6, skipped = $7 \
             WHERE job_id = $1 AND status IN ('pending', 'running')",
        )
        .bind($id.to_string())
        .bind(now)
        .bind($profile.to_string())
        .bind($counts.total)
        .bind($counts.completed)
        .bind($counts.failed)
        .bind($counts.skipped)
        .execute(&mut *$transaction)
        .await?
        .rows_affected();
        if completed == 0 {
            return Err(StoreError::JobInterrupted.into());
        }
        now
    }};
}

pub(super) use complete_job;

impl Store {
    /// Writes down that a job waits for its turn.
    ///
    /// # Errors
    /// [`StoreError::ConnectionMissing`], else [`StoreError`].
    pub async fn start_job(&self, new: &NewJob) -> Result<(), StoreError> {
        let scope = ScopeRef {
            key: String::new(),
            connection_id: Some(new.connection_id),
            needs_row: new.needs_row,
        };
        self.call(Box::pin(async {
            in_transaction!(self, transaction => {
                require_connection!(transaction, scope);
                let (now,): (i64,) = sqlx::query_as(self.clock()).fetch_one(&mut *transaction).await?;
                sqlx::query(
                    "INSERT INTO datachat_jobs (job_id, kind, status, connection_id, profile_id, request, owner, \
                     heartbeat_at, started_at, total, completed, failed, skipped) \
                     VALUES ($1, $2, 'pending', $3, $4, $5, $6, $7, $7, 0, 0, 0, 0)",
                )
                .bind(new.id.to_string())
                .bind(new.kind.name())
                .bind(new.connection_id.to_string())
                .bind(new.profile_id.map(|id| id.to_string()))
                .bind(&new.request)
                .bind(new.owner.to_string())
                .bind(now)
                .execute(&mut *transaction)
                .await?;
                sqlx::query(
                    "DELETE FROM datachat_jobs WHERE kind = $1 AND status NOT IN ('pending', 'running') \
                     AND job_id NOT IN \
                     (SELECT job_id FROM datachat_jobs WHERE kind = $1 ORDER BY started_at DESC, job_id LIMIT $2)",
                )
                .bind(new.kind.name())
                .bind(KEPT)
                .execute(&mut *transaction)
                .await?;
            });
            Ok(())
        }))
        .await
    }

    /// A job of a kind.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn job(&self, kind: JobKind, id: Uuid) -> Result<Option<JobRow>, StoreError> {
        self.expire_jobs().await?;
        let found: Option<Columns> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(select!("WHERE kind = $1 AND job_id = $2"))
                        .bind(kind.name())
                        .bind(id.to_string())
                        .fetch_optional(pool)
                        .await?
                }))
            })
            .await?;
        Ok(found.and_then(row))
    }

    /// The job of a kind that was started last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn latest_job(
        &self,
        kind: JobKind,
        of: LatestJob,
    ) -> Result<Option<JobRow>, StoreError> {
        self.expire_jobs().await?;
        let (connection, profile) = match of {
            LatestJob::OfConnection(id) => (Some(id.to_string()), None),
            LatestJob::OfProfile(id) => (None, Some(id.to_string())),
        };
        let found: Option<Columns> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(select!(
                        "WHERE kind = $1 AND ($2 IS NULL OR connection_id = $2) \
                         AND ($3 IS NULL OR profile_id = $3) ORDER BY started_at DESC, job_id LIMIT 1"
                    ))
                    .bind(kind.name())
                    .bind(&connection)
                    .bind(&profile)
                    .fetch_optional(pool)
                    .await?
                }))
            })
            .await?;
        Ok(found.and_then(row))
    }

    /// Marks the jobs of processes that have ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expire_jobs(&self) -> Result<(), StoreError> {
        self.expire(STALE, EXPIRE).await
    }

    /// Says that a job lives, whether it has its turn (`status`) and how far it is; false if it counts as
    /// interrupted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn beat_job(
        &self,
        id: Uuid,
        status: JobStatus,
        counts: Counts,
    ) -> Result<bool, StoreError> {
        self.call(async {
            Ok(on_pool!(self, pool => {
                let (now,): (i64,) = sqlx::query_as(self.clock()).fetch_one(pool).await?;
                sqlx::query(
                    "UPDATE datachat_jobs SET heartbeat_at = $2, status = $3, total = $4, completed = $5, \
                     failed = $6, skipped = $7 WHERE job_id = $1 AND status IN ('pending', 'running')",
                )
                .bind(id.to_string())
                .bind(now)
                .bind(status.name())
                .bind(counts.total)
                .bind(counts.completed)
                .bind(counts.failed)
                .bind(counts.skipped)
                .execute(pool)
                .await?
                .rows_affected()
                    > 0
            }))
        })
        .await
    }

    /// Ends a job that has no result.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_job(
        &self,
        id: Uuid,
        status: JobStatus,
        counts: Counts,
        error: &str,
    ) -> Result<(), StoreError> {
        self.call(async {
            on_pool!(self, pool => {
                let (now,): (i64,) = sqlx::query_as(self.clock()).fetch_one(pool).await?;
                sqlx::query(
                    "UPDATE datachat_jobs SET status = $2, finished_at = $3, total = $4, completed = $5, failed = $6, \
                     skipped = $7, error = $8 WHERE job_id = $1 AND status IN ('pending', 'running')",
                )
                .bind(id.to_string())
                .bind(status.name())
                .bind(now)
                .bind(counts.total)
                .bind(counts.completed)
                .bind(counts.failed)
                .bind(counts.skipped)
                .bind(error)
                .execute(pool)
                .await?;
            });
            Ok(())
        })
        .await
    }
}

fn row(columns: Columns) -> Option<JobRow> {
    Some(JobRow {
        id: columns.0.parse().ok()?,
        status: JobStatus::from_name(&columns.1)?,
        connection_id: columns.2.parse().ok()?,
        profile_id: columns.3.and_then(|id| id.parse().ok()),
        request: columns.4,
        started_at: DateTime::from_timestamp_micros(columns.5)?,
        finished_at: columns.6.and_then(DateTime::from_timestamp_micros),
        counts: Counts {
            total: columns.7,
            completed: columns.8,
            failed: columns.9,
            skipped: columns.10,
        },
        error: columns.11,
    })
}
