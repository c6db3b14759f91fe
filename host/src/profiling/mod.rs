//! What the tables of a database look like, and the DataPoints that this suggests.
//!
//! A profiling samples the tables of one connection, on every engine alike, and stores a profile: counts, null
//! rates, ranges, candidate keys and joins. A generation makes DataPoints of a profile, as proposals: nothing that is
//! generated is used before somebody has approved it ([`crate::knowledge::Proposals`]).
//!
//! Both are jobs: rows that every server of the system database can look at, whose result is stored in the
//! transaction that completes them, and which count as interrupted when their process is gone.

mod family;
mod joins;
mod propose;
mod request;
mod running;
mod sample;
mod statement;
mod survey;
mod table;
#[cfg(test)]
mod testing;
mod words;

pub use request::{Depth, GenerateRequest, Generating, ProfileRequest};
pub use table::{TableProfile, TableStatus};

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use self::propose::Generation;
use self::running::{Progress, Running};
use self::survey::Survey;
use crate::limits::Limits;
use crate::llm::Client;
use crate::registry::{Connection, ENVIRONMENT_ID, Registry, RegistryError, Unavailable};
use crate::store::{JobKind, JobRow, JobStatus, LatestJob, NewJob, ProfileRow, Store, StoreError};

/// Why there is no job or no profile to show.
#[derive(Debug, thiserror::Error)]
pub enum ProfilingError {
    #[error("Connection not found: {id}")]
    ConnectionNotFound { id: Uuid },
    #[error("Job not found: {id}")]
    JobNotFound { id: Uuid },
    #[error("Profile not found: {id}")]
    ProfileNotFound { id: Uuid },
    #[error("The profile has no table {}.", .names.join(", "))]
    TablesNotFound { names: Vec<String> },
    #[error("Metrics of this depth are thought of by a language model, and none is configured.")]
    LlmNotConfigured,
    /// Only of [`Profiling::profile_and_generate`], which waits for the end of its jobs.
    #[error("The profiling came to nothing: {message}.")]
    Failed { message: String },
    #[error("The registry is unavailable: {0}.")]
    Unavailable(#[from] Unavailable),
}

/// What was made of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    pub profile: Uuid,
    /// Proposals of this profile that wait for review.
    pub pending: u64,
}

/// How often a job that is waited for is looked at.
const PAUSE: Duration = Duration::from_millis(50);

impl From<StoreError> for ProfilingError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::ConnectionMissing { id } => Self::ConnectionNotFound { id },
            other => Self::Unavailable(other.into()),
        }
    }
}

/// Profiles connections and makes proposals of profiles. Cheap to clone.
#[derive(Clone)]
pub struct Profiling {
    store: Store,
    registry: Registry,
    limits: Arc<Limits>,
    /// `None`: no language model is configured.
    model: Option<Arc<Client>>,
    /// This process, among all that share the system database.
    process: Uuid,
    turns: Arc<Semaphore>,
    running: TaskTracker,
    stop: CancellationToken,
}

impl Profiling {
    pub fn new(
        store: Store,
        registry: Registry,
        model: Option<Arc<Client>>,
        limits: Arc<Limits>,
    ) -> Self {
        let turns = usize::try_from(limits.profile_jobs).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            store,
            registry,
            limits,
            model,
            process: Uuid::new_v4(),
            turns: Arc::new(Semaphore::new(turns.min(Semaphore::MAX_PERMITS))),
            running: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Starts to profile a connection.
    ///
    /// # Errors
    /// [`ProfilingError::ConnectionNotFound`], [`ProfilingError::Unavailable`]. What is wrong with the database is
    /// the job's to say.
    pub async fn profile(
        &self,
        connection: Connection,
        request: ProfileRequest,
    ) -> Result<JobRow, ProfilingError> {
        let asked = serde_json::to_string(&request).unwrap_or_default();
        let id = connection.key.id;
        let new = self.new_job(JobKind::Profile, id, None, asked);
        self.store.start_job(&new).await?;
        let progress = Progress::new();
        let survey = Survey {
            job: new.id,
            profile: Uuid::new_v4(),
            connection,
            request,
            registry: self.registry.clone(),
            store: self.store.clone(),
            limits: Arc::clone(&self.limits),
            progress: progress.clone(),
            turns: Arc::clone(&self.turns),
        };
        self.spawn(new.id, progress, survey.run());
        self.job(new.id).await
    }

    /// A profiling.
    ///
    /// # Errors
    /// [`ProfilingError::JobNotFound`], [`ProfilingError::Unavailable`].
    pub async fn job(&self, id: Uuid) -> Result<JobRow, ProfilingError> {
        let row = self.store.job(JobKind::Profile, id).await?;
        row.ok_or(ProfilingError::JobNotFound { id })
    }

    /// The profiling of a connection that was started last.
    ///
    /// # Errors
    /// [`ProfilingError::ConnectionNotFound`], [`ProfilingError::Unavailable`].
    pub async fn latest(&self, connection: Uuid) -> Result<Option<JobRow>, ProfilingError> {
        match self.registry.engine(connection).await {
            Ok(_) => {}
            Err(RegistryError::Unavailable(reason)) => return Err(reason.into()),
            Err(_) => return Err(ProfilingError::ConnectionNotFound { id: connection }),
        }
        let of = LatestJob::OfConnection(connection);
        Ok(self.store.latest_job(JobKind::Profile, of).await?)
    }

    /// The tables of a profile, as they are stored.
    ///
    /// # Errors
    /// [`ProfilingError::ProfileNotFound`], [`ProfilingError::Unavailable`].
    pub async fn tables(&self, profile: Uuid) -> Result<Vec<Box<RawValue>>, ProfilingError> {
        self.profile_row(profile).await?;
        let bodies = self.store.profile_tables(profile).await?;
        let tables = bodies.into_iter();
        Ok(tables
            .filter_map(|body| RawValue::from_string(body).ok())
            .collect())
    }

    /// Starts to make proposals of a profile.
    ///
    /// # Errors
    /// [`ProfilingError`].
    pub async fn generate(&self, request: GenerateRequest) -> Result<JobRow, ProfilingError> {
        let profile = self.profile_row(request.profile_id).await?;
        let model = self.model_for(request.depth)?;
        let tables = self.read(profile.id).await?;
        let there: Vec<(&str, &str)> = tables
            .iter()
            .map(|table| (table.schema_name.as_str(), table.table_name.as_str()))
            .collect();
        let missing = request::unknown(request.tables.as_deref(), &there);
        if !missing.is_empty() {
            let names = missing.into_iter().map(str::to_owned).collect();
            return Err(ProfilingError::TablesNotFound { names });
        }
        let id = profile.connection_id;
        let engine = match self.registry.engine(id).await {
            Ok(engine) => engine,
            Err(RegistryError::Unavailable(reason)) => return Err(reason.into()),
            Err(_) => return Err(ProfilingError::ConnectionNotFound { id }),
        };
        let asked = serde_json::to_string(&request).unwrap_or_default();
        let new = self.new_job(JobKind::Generate, id, Some(profile.id), asked);
        self.store.start_job(&new).await?;
        let progress = Progress::new();
        let generation = Generation {
            job: new.id,
            profile,
            tables,
            request,
            dialect: engine.dialect,
            store: self.store.clone(),
            progress: progress.clone(),
            model,
        };
        self.spawn(new.id, progress, generation.run());
        self.generation(new.id).await
    }

    /// Who suggests what a generation of a depth is to have, and for how long it is asked about a table.
    fn model_for(&self, depth: Depth) -> Result<Option<(Arc<Client>, Duration)>, ProfilingError> {
        if depth != Depth::MetricsFull {
            return Ok(None);
        }
        let model = self.model.clone().ok_or(ProfilingError::LlmNotConfigured)?;
        Ok(Some((
            model,
            Duration::from_millis(self.limits.llm_turn_ms),
        )))
    }

    /// A generation.
    ///
    /// # Errors
    /// [`ProfilingError::JobNotFound`], [`ProfilingError::Unavailable`].
    pub async fn generation(&self, id: Uuid) -> Result<JobRow, ProfilingError> {
        let row = self.store.job(JobKind::Generate, id).await?;
        row.ok_or(ProfilingError::JobNotFound { id })
    }

    /// The generation from a profile that was started last.
    ///
    /// # Errors
    /// [`ProfilingError::ProfileNotFound`], [`ProfilingError::Unavailable`].
    pub async fn latest_generation(&self, profile: Uuid) -> Result<Option<JobRow>, ProfilingError> {
        self.profile_row(profile).await?;
        let of = LatestJob::OfProfile(profile);
        Ok(self.store.latest_job(JobKind::Generate, of).await?)
    }

    /// Profiles a connection, makes proposals of that, and waits for both.
    ///
    /// # Errors
    /// [`ProfilingError`]; what was profiled before a generation fails stays.
    pub async fn profile_and_generate(
        &self,
        connection: Connection,
        profile: ProfileRequest,
        generating: Generating,
    ) -> Result<Made, ProfilingError> {
        self.model_for(generating.depth)?;
        let job = self.profile(connection, profile).await?;
        let job = self.ended(JobKind::Profile, job.id).await?;
        let Some(profile) = job.profile_id else {
            let message = job.error.unwrap_or_default();
            return Err(ProfilingError::Failed { message });
        };
        let job = self.generate(generating.of(profile)).await?;
        let job = self.ended(JobKind::Generate, job.id).await?;
        if job.status != JobStatus::Completed {
            let message = job.error.unwrap_or_default();
            return Err(ProfilingError::Failed { message });
        }
        let pending = self.store.count_pending(profile).await?;
        Ok(Made { profile, pending })
    }

    /// A job when it has ended.
    async fn ended(&self, kind: JobKind, id: Uuid) -> Result<JobRow, ProfilingError> {
        loop {
            let row = self.store.job(kind, id).await?;
            let row = row.ok_or(ProfilingError::JobNotFound { id })?;
            if !matches!(row.status, JobStatus::Pending | JobStatus::Running) {
                return Ok(row);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Marks what processes that have ended left behind.
    pub async fn tidy(&self) {
        if let Err(error) = self.store.expire_jobs().await {
            tracing::debug!(%error, "jobs are looked through later");
        }
    }

    /// Interrupts what runs and waits until that is noted.
    pub async fn close(&self) {
        self.stop.cancel();
        self.running.close();
        self.running.wait().await;
    }

    fn new_job(
        &self,
        kind: JobKind,
        connection_id: Uuid,
        profile_id: Option<Uuid>,
        request: String,
    ) -> NewJob {
        NewJob {
            id: Uuid::new_v4(),
            kind,
            owner: self.process,
            connection_id,
            needs_row: connection_id != ENVIRONMENT_ID,
            profile_id,
            request,
        }
    }

    fn spawn(
        &self,
        id: Uuid,
        progress: Progress,
        work: impl Future<Output = Result<(), running::Ended>> + Send + 'static,
    ) {
        let running = Running {
            id,
            store: self.store.clone(),
            progress,
            lease_ms: self.limits.sync_lease_ms,
        };
        self.running.spawn(running.run(self.stop.clone(), work));
    }

    async fn profile_row(&self, id: Uuid) -> Result<ProfileRow, ProfilingError> {
        let row = self.store.profile(id).await?;
        row.ok_or(ProfilingError::ProfileNotFound { id })
    }

    /// The tables of a profile; one that was spoilt by hand is passed over, and the log says so.
    async fn read(&self, profile: Uuid) -> Result<Vec<TableProfile>, ProfilingError> {
        let bodies = self.store.profile_tables(profile).await?;
        let read = bodies.into_iter().filter_map(|body| {
            let table = serde_json::from_str(&body);
            table
                .inspect_err(|error| {
                    tracing::error!(%profile, %error, "a table of a profile can't be read");
                })
                .ok()
        });
        Ok(read.collect())
    }
}
