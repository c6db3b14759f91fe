//! Rows of sync jobs.
//!
//! A job belongs to the process that runs it and beats for as long as that lives. Whoever looks marks a job that
//! has missed its beats as interrupted; a process that was merely slow finds that out when it wants to write,
//! and writes nothing. What a job changes, and that it is completed, is one transaction.
//!
//! Beats are compared by one clock: that of a shared database, or of the machine that has the file.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::scopes::{ScopeChange, apply_change, require_connection};
use super::{Pool, Store, StoreError, in_transaction, on_pool};

/// A sync job as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncJobRow {
    pub id: Uuid,
    pub status: JobStatus,
    pub sync_type: String,
    /// `auto`, `database` or `global`.
    pub scope: String,
    pub connection_id: Option<Uuid>,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub progress: JobProgress,
    pub error: Option<String>,
    /// JSON, as the layer above wrote it.
    pub report: String,
}

/// How far a job is, in DataPoints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobProgress {
    pub total: i64,
    pub processed: i64,
    pub skipped: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// Waits for its turn.
    Pending,
    Running,
    Completed,
    Failed,
    /// Its process ended before it did.
    Interrupted,
}

impl JobStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [
            Self::Pending,
            Self::Running,
            Self::Completed,
            Self::Failed,
            Self::Interrupted,
        ]
        .into_iter()
        .find(|status| status.name() == name)
    }
}

/// A job to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSyncJob {
    pub id: Uuid,
    /// The process that runs it.
    pub owner: Uuid,
    pub sync_type: &'static str,
    pub scope: &'static str,
    pub connection_id: Option<Uuid>,
    /// The scope that no other job may write meanwhile; `None` for all.
    pub claim: Option<String>,
}

/// The claim to every scope.
const EVERYTHING: &str = "*";

/// Jobs that are remembered.
const KEPT: i64 = 100;

type Columns = (
    String,
    String,
    String,
    String,
    Option<String>,
    i64,
    Option<i64>,
    i64,
    i64,
    i64,
    Option<String>,
    String,
);

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT job_id, status, sync_type, scope, connection_id, started_at, finished_at, total, processed, skipped, error, report FROM datachat_sync_jobs ",
            $rest
        )
    };
}

/// Marks the jobs whose last beat is older than a moment.
const STALE: &str =
    "SELECT job_id FROM datachat_sync_jobs WHERE status = 'running' AND heartbeat_at < $1 LIMIT 1";
const EXPIRE: &str = "UPDATE datachat_sync_jobs SET status = 'interrupted', finished_at = $1, \
     error = 'the process that ran it ended; nothing was changed, run it again' \
     WHERE status = 'running' AND heartbeat_at < $2";

impl Store {
    /// Microseconds since 1970, by the clock that all processes share.
    pub(super) fn clock(&self) -> &'static str {
        match self.inner.pool {
            Pool::Sqlite(_) => {
                "SELECT CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)"
            }
            Pool::Postgres(_) => {
                "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
            }
        }
    }

    /// Starts a job, unless a living one writes the same scope.
    ///
    /// # Errors
    /// [`StoreError::SyncRunning`], [`StoreError::ConnectionMissing`], else [`StoreError`].
    pub async fn start_sync(&self, new: &NewSyncJob, needs_row: bool) -> Result<(), StoreError> {
        let claim = new.claim.as_deref().unwrap_or(EVERYTHING);
        let scope = super::ScopeRef {
            key: claim.to_owned(),
            connection_id: new.connection_id,
            needs_row,
        };
        self.call(Box::pin(async {
            in_transaction!(self, transaction => {
                let (now,): (i64,) = sqlx::query_as(self.clock()).fetch_one(&mut *transaction).await?;
                sqlx::query(EXPIRE)
                    .bind(now)
                    .bind(now - self.lease_micros())
                    .execute(&mut *transaction)
                    .await?;
                require_connection!(transaction, scope);
                let busy: Option<(String,)> = sqlx::query_as(
                    "SELECT job_id FROM datachat_sync_jobs WHERE status = 'running' \
                     AND (claim = $1 OR claim = '*' OR $1 = '*') ORDER BY started_at LIMIT 1",
                )
                .bind(claim)
                .fetch_optional(&mut *transaction)
                .await?;
                if let Some((job,)) = busy {
                    let job = job.parse().unwrap_or_default();
                    return Err(StoreError::SyncRunning { job }.into());
                }
                sqlx::query(
                    "INSERT INTO datachat_sync_jobs (job_id, status, sync_type, scope, connection_id, claim, \
                     owner, heartbeat_at, started_at, total, processed, skipped, report) \
                     VALUES ($1, 'running', $2, $3, $4, $5, $6, $7, $7, 0, 0, 0, '{}')",
                )
                .bind(new.id.to_string())
                .bind(new.sync_type)
                .bind(new.scope)
                .bind(new.connection_id.map(|id| id.to_string()))
                .bind(claim)
                .bind(new.owner.to_string())
                .bind(now)
                .execute(&mut *transaction)
                .await?;
                sqlx::query(
                    "DELETE FROM datachat_sync_jobs WHERE status <> 'running' AND job_id NOT IN \
                     (SELECT job_id FROM datachat_sync_jobs ORDER BY started_at DESC, job_id LIMIT $1)",
                )
                .bind(KEPT)
                .execute(&mut *transaction)
                .await?;
            });
            Ok(())
        }))
        .await
    }

    /// A job, or the one that was started last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sync_job(&self, id: Option<Uuid>) -> Result<Option<SyncJobRow>, StoreError> {
        self.expire_syncs().await?;
        let id = id.map(|id| id.to_string());
        let found: Option<Columns> = self
            .call(async {
                Ok(on_pool!(self, pool => {
                    sqlx::query_as(select!(
                        "WHERE ($1 IS NULL OR job_id = $1) ORDER BY started_at DESC, job_id LIMIT 1"
                    ))
                    .bind(&id)
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
    pub async fn expire_syncs(&self) -> Result<(), StoreError> {
        self.expire(STALE, EXPIRE).await
    }

    /// Says that a job lives and how far it is; false if it counts as interrupted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn beat_sync(&self, id: Uuid, progress: JobProgress) -> Result<bool, StoreError> {
        self.call(async {
            Ok(on_pool!(self, pool => {
                let (now,): (i64,) = sqlx::query_as(self.clock()).fetch_one(pool).await?;
                sqlx::query(
                    "UPDATE datachat_sync_jobs SET heartbeat_at = $2, total = $3, processed = $4, skipped = $5 \
                     WHERE job_id = $1 AND status = 'running'",
                )
                .bind(id.to_string())
                .bind(now)
                .bind(progress.total)
                .bind(progress.processed)
                .bind(progress.skipped)
                .execute(pool)
                .await?
                .rows_affected()
                    > 0
            }))
        })
        .await
    }

    /// Does all that a job is to change, and completes it: both or neither.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when a scope has moved on, [`StoreError::JobInterrupted`],
    /// [`StoreError::ConnectionMissing`], else [`StoreError`].
    pub async fn complete_sync(
        &self,
        id: Uuid,
        changes: &[ScopeChange],
        progress: JobProgress,
        report: &str,
    ) -> Result<(), StoreError> {
        self.call_at_length(Box::pin(async {
            in_transaction!(self, transaction => {
                // The job's row comes last, so that it can be read and beat until then.
                for change in changes {
                    apply_change!(transaction, change);
                }
                let (now,): (i64,) = sqlx::query_as(self.clock()).fetch_one(&mut *transaction).await?;
                let completed = sqlx::query(
                    "UPDATE datachat_sync_jobs SET status = 'completed', finished_at = $2, heartbeat_at = $2, \
                     total = $3, processed = $4, skipped = $5, report = $6 \
                     WHERE job_id = $1 AND status = 'running'",
                )
                .bind(id.to_string())
                .bind(now)
                .bind(progress.total)
                .bind(progress.processed)
                .bind(progress.skipped)
                .bind(report)
                .execute(&mut *transaction)
                .await?
                .rows_affected();
                if completed == 0 {
                    return Err(StoreError::JobInterrupted.into());
                }
            });
            Ok(())
        }))
        .await
    }

    /// Ends a job that changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_sync(
        &self,
        id: Uuid,
        status: JobStatus,
        progress: JobProgress,
        error: &str,
        report: &str,
    ) -> Result<(), StoreError> {
        self.call(async {
            on_pool!(self, pool => {
                let (now,): (i64,) = sqlx::query_as(self.clock()).fetch_one(pool).await?;
                sqlx::query(
                    "UPDATE datachat_sync_jobs SET status = $2, finished_at = $3, total = $4, processed = $5, \
                     skipped = $6, error = $7, report = $8 WHERE job_id = $1 AND status = 'running'",
                )
                .bind(id.to_string())
                .bind(status.name())
                .bind(now)
                .bind(progress.total)
                .bind(progress.processed)
                .bind(progress.skipped)
                .bind(error)
                .bind(report)
                .execute(pool)
                .await?;
            });
            Ok(())
        })
        .await
    }

    /// Marks jobs without a recent beat: `stale` finds one, given the moment before which a beat is too old;
    /// `expire` marks all, given now and that moment.
    pub(super) async fn expire(
        &self,
        stale: &'static str,
        expire: &'static str,
    ) -> Result<(), StoreError> {
        self.call(async {
            on_pool!(self, pool => {
                let (now,): (i64,) = sqlx::query_as(self.clock()).fetch_one(pool).await?;
                let found: Option<(String,)> = sqlx::query_as(stale)
                    .bind(now - self.lease_micros())
                    .fetch_optional(pool)
                    .await?;
                // Most often there is none, and then nothing is written.
                if found.is_some() {
                    sqlx::query(expire)
                        .bind(now)
                        .bind(now - self.lease_micros())
                        .execute(pool)
                        .await?;
                }
            });
            Ok(())
        })
        .await
    }

    /// How long a job is believed to live without a beat.
    pub(super) fn lease_micros(&self) -> i64 {
        i64::try_from(self.inner.lease.as_micros()).unwrap_or(i64::MAX)
    }
}

fn row(columns: Columns) -> Option<SyncJobRow> {
    Some(SyncJobRow {
        id: columns.0.parse().ok()?,
        status: JobStatus::from_name(&columns.1)?,
        sync_type: columns.2,
        scope: columns.3,
        connection_id: columns.4.and_then(|id| id.parse().ok()),
        started_at: DateTime::from_timestamp_micros(columns.5)?,
        finished_at: columns.6.and_then(DateTime::from_timestamp_micros),
        progress: JobProgress {
            total: columns.7,
            processed: columns.8,
            skipped: columns.9,
        },
        error: columns.10,
        report: columns.11,
    })
}
