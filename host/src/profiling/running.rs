//! The life of a job: it waits for its turn, gives signs of life, and ends with a result, an error or a stop.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::store::{Counts, JobStatus, Store, StoreError};

/// Signs of life in the time after which a job counts as dead.
const BEATS: u64 = 10;

/// How far a job is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Progress(Arc<Mutex<(JobStatus, Counts)>>);

impl Progress {
    /// Of a job that waits.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new((
            JobStatus::Pending,
            Counts::default(),
        ))))
    }

    /// The job has its turn.
    pub fn begin(&self) {
        self.change(|(status, _)| *status = JobStatus::Running);
    }

    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        self.change(|(_, counts)| change(counts));
    }

    pub fn counts(&self) -> Counts {
        self.now().1
    }

    fn now(&self) -> (JobStatus, Counts) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut (JobStatus, Counts))) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Why a job has no result.
#[derive(Debug)]
pub enum Ended {
    /// For people.
    Failed(String),
    /// It counts as dead already, and may not even say so.
    Lost,
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::JobInterrupted => Self::Lost,
            StoreError::ConnectionMissing { .. } => {
                Self::Failed("the connection was deleted meanwhile; nothing was stored".to_owned())
            }
            other => Self::Failed(format!(
                "the system database failed ({other}); nothing was stored"
            )),
        }
    }
}

/// A job that is in the system database.
pub struct Running {
    pub id: Uuid,
    pub store: Store,
    pub progress: Progress,
    /// After which it counts as dead without a sign, in milliseconds.
    pub lease_ms: u64,
}

impl Running {
    /// Lets `work` run to an end that is noted in the job's row, unless the process dies.
    pub async fn run(self, stop: CancellationToken, work: impl Future<Output = Result<(), Ended>>) {
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = self.beat() => Err(Ended::Lost),
            () = stop.cancelled() => {
                self.end(JobStatus::Interrupted, "the server was stopped; nothing was stored, run it again").await;
                return;
            }
        };
        match outcome {
            Ok(()) => tracing::info!(job = %self.id, "a job is completed"),
            Err(Ended::Failed(error)) => self.end(JobStatus::Failed, &error).await,
            Err(Ended::Lost) => {
                tracing::warn!(job = %self.id, "a job gave no sign of life in time and was given up");
            }
        }
    }

    async fn end(&self, status: JobStatus, error: &str) {
        tracing::info!(job = %self.id, status = status.name(), error, "a job ended");
        let counts = self.progress.counts();
        let ended = self.store.end_job(self.id, status, counts, error).await;
        if let Err(error) = ended {
            tracing::error!(job = %self.id, %error, "the end of a job could not be noted");
        }
    }

    /// Gives signs of life until the job counts as dead.
    async fn beat(&self) {
        let pause = Duration::from_millis((self.lease_ms / BEATS).max(1));
        loop {
            let (status, counts) = self.progress.now();
            if let Ok(false) = self.store.beat_job(self.id, status, counts).await {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    }
}
