//! The system database: what the server itself remembers.
//!
//! A SQLite file in the data directory, or PostgreSQL for several servers that share one registry. There is
//! one implementation: every statement is a portable text with `$1` placeholders that both understand, and
//! the two pools differ only in how they connect and in how a writing transaction begins. Writers take turns
//! (SQLite's own write lock; an advisory lock on PostgreSQL), so a transaction sees what the one before left.
//!
//! Nothing connects at start. Each call connects if need be, and the first that gets through brings the
//! tables up to date; while the database is down every call answers [`StoreError::Unavailable`], at once if
//! another has only just waited in vain. What is stored here are rows; what they mean is the layers' above.

mod changes;
mod connections;
mod conversations;
mod datapoints;
mod jobs;
mod migrate;
mod open;
mod profiles;
mod proposals;
mod scopes;
mod sync_jobs;
#[cfg(test)]
mod tests;

pub use connections::{ConnectionChange, ConnectionRow, TargetChange};
pub use conversations::{ConversationPlace, ConversationRow, Kept, NewTurn, TurnRow};
pub use datapoints::{DatapointFilter, DatapointPlace, DatapointRow, NewDatapoint, Origin};
pub use jobs::{Counts, JobKind, JobRow, LatestJob, NewJob};
pub use open::{InvalidLocation, Location};
pub use profiles::ProfileRow;
pub use proposals::{Approval, NewProposal, ProposalPlace, ProposalRow, ProposalStatus};
pub use scopes::{Embedding, NewEmbedding, ScopeChange, ScopeRef, ScopeSnapshot, ScopeVersion};
pub use sync_jobs::{JobProgress, JobStatus, NewSyncJob, SyncJobRow};

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{PgPool, SqlitePool};
use uuid::Uuid;

/// Why the store gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached or used; the log says why.
    #[error("the system database can't be reached")]
    Unavailable,
    /// Its tables are of a later version than this program knows.
    #[error("the system database was written by a newer version of the server")]
    Newer,
    /// Another row has the name.
    #[error("the name is taken")]
    NameTaken { id: Uuid },
    /// The row was changed in the meantime.
    #[error("the row was changed by somebody else")]
    Changed,
    /// The scope has a DataPoint of this id.
    #[error("the DataPoint exists")]
    DatapointExists,
    /// A scope has a DataPoint of this id, and one that was to be approved has it too.
    #[error("the DataPoint {id} exists")]
    ProposalExists { id: String },
    /// There is no such proposal.
    #[error("the proposal {id} is gone")]
    ProposalMissing { id: Uuid },
    /// Somebody has approved or rejected it.
    #[error("the proposal {id} was reviewed")]
    ProposalReviewed { id: Uuid },
    /// There is no connection of this id any longer.
    #[error("the connection {id} is gone")]
    ConnectionMissing { id: Uuid },
    /// Another job writes the same scope.
    #[error("the sync job {job} is running")]
    SyncRunning { job: Uuid },
    /// The job counts as interrupted and may not write.
    #[error("the job was taken for dead")]
    JobInterrupted,
}

/// The system database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool,
    /// The SQLite file, made before the first connection so that its rights are ours to choose.
    file: Option<std::path::PathBuf>,
    /// Whether the tables were brought up to date since the last failure: after one, the database may be
    /// another than before.
    is_migrated: AtomicBool,
    migrating: tokio::sync::Mutex<()>,
    timeout: Duration,
    /// For calls that write or read many rows.
    long_timeout: Duration,
    /// How long a job is believed to live without a beat.
    lease: Duration,
    retry: Duration,
    failed_at: Mutex<Option<Instant>>,
    is_down: AtomicBool,
}

enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Runs one text of code on either pool.
macro_rules! on_pool {
    ($store:expr, $pool:ident => $body:expr) => {
        match &$store.inner.pool {
            crate::store::Pool::Sqlite($pool) => $body,
            crate::store::Pool::Postgres($pool) => $body,
        }
    };
}

/// Runs one text of code in a writing transaction of either pool; an early return undoes it.
macro_rules! in_transaction {
    ($store:expr, $transaction:ident => $body:expr) => {
        match &$store.inner.pool {
            crate::store::Pool::Sqlite(pool) => {
                let mut $transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
                let value = $body;
                $transaction.commit().await?;
                value
            }
            crate::store::Pool::Postgres(pool) => {
                let mut $transaction = pool.begin().await?;
                // Whoever listens hears of it when the transaction is committed.
                sqlx::query("SELECT pg_advisory_xact_lock($1), pg_notify($2, '')")
                    .bind(crate::store::WRITE_LOCK)
                    .bind(crate::store::changes::CHANNEL)
                    .execute(&mut *$transaction)
                    .await?;
                let value = $body;
                $transaction.commit().await?;
                value
            }
        }
    };
}

use {in_transaction, on_pool};

/// The advisory lock of writers on PostgreSQL; any number that nobody else is likely to take.
const WRITE_LOCK: i64 = 0x0064_6174_6163_6861;

/// What goes wrong inside a call, before it is told apart.
#[derive(Debug)]
enum Failure {
    Database(sqlx::Error),
    Io(std::io::Error),
    Known(StoreError),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Known(error)
    }
}

impl Store {
    /// Whether the database answers and its tables are usable.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Newer`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.call(async {
            on_pool!(self, pool => { sqlx::query("SELECT 1").execute(pool).await?; });
            Ok(())
        })
        .await
    }

    /// Closes all connections; every later call answers [`StoreError::Unavailable`]. The SQLite file is then
    /// whole by itself: what its log held has moved into it. Waits for calls no longer than a call may take.
    pub async fn close(&self) {
        let closing = async {
            // Closing does this too, but in a thread that nobody waits for.
            if let Pool::Sqlite(pool) = &self.inner.pool {
                let checkpoint = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
                if let Err(error) = checkpoint.execute(pool).await {
                    tracing::debug!(%error, "the log of the system database stays as it is");
                }
            }
            on_pool!(self, pool => pool.close().await);
        };
        let _ = tokio::time::timeout(self.inner.timeout, closing).await;
    }

    async fn migrate_once(&self) -> Result<(), Failure> {
        if self.inner.is_migrated.load(Ordering::Acquire) {
            return Ok(());
        }
        let _turn = self.inner.migrating.lock().await;
        if !self.inner.is_migrated.load(Ordering::Acquire) {
            migrate::run(self).await?;
            self.inner.is_migrated.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Runs one call: connects and migrates if need be, bounds its time, and keeps the state of the
    /// connection for the log.
    fn call<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> impl Future<Output = Result<T, StoreError>> {
        self.call_within(self.inner.timeout, work)
    }

    /// [`Store::call`] for work on many rows.
    fn call_at_length<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> impl Future<Output = Result<T, StoreError>> {
        self.call_within(self.inner.long_timeout, work)
    }

    async fn call_within<T>(
        &self,
        timeout: Duration,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, StoreError> {
        let inner = &*self.inner;
        if inner.failed_just_now() {
            return Err(StoreError::Unavailable);
        }
        let started = Instant::now();
        let whole = async {
            self.migrate_once().await?;
            work.await
        };
        match tokio::time::timeout(timeout, whole).await {
            Ok(Ok(value)) => {
                inner.note_success();
                Ok(value)
            }
            Ok(Err(Failure::Known(error))) => {
                inner.note_success();
                Err(error)
            }
            Ok(Err(Failure::Database(error))) => Err(inner.note_failure(started, &error)),
            Ok(Err(Failure::Io(error))) => Err(inner.note_failure(started, &error)),
            Err(_) => Err(inner.note_failure(started, &"no answer in time")),
        }
    }
}

impl Inner {
    fn failed_just_now(&self) -> bool {
        self.failed_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some_and(|at| at.elapsed() < self.retry)
    }

    fn note_success(&self) {
        if self.is_down.swap(false, Ordering::Relaxed) {
            *self
                .failed_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = None;
            tracing::info!("the system database answers again");
        }
    }

    /// Only a failure that kept its caller waiting spares the next ones the wait.
    fn note_failure(&self, started: Instant, error: &dyn std::fmt::Display) -> StoreError {
        self.is_migrated.store(false, Ordering::Release);
        if started.elapsed() >= self.retry {
            *self
                .failed_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        if !self.is_down.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the system database can't be used; it is tried again on every request");
        }
        StoreError::Unavailable
    }
}
