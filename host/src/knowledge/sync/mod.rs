//! Bringing the DataPoints of files into the system database.
//!
//! A sync is a job: it reads all files, judges them, works out what changes in which scope (`plan`) and writes
//! that in one transaction. Readers see the old set or the new one; a file that is wrong, a conflict, an empty
//! folder or a crash changes nothing. Jobs are rows, so that every server of a system database can tell how one
//! is getting on, and that one whose process is gone has ended.
//!
//! That is a full sync. An incremental one, which the [`Watcher`] starts, applies the files that are right and names
//! the others; what came from those, or from files that it has not seen, stays.

mod files;
mod job;
mod lint;
mod plan;
mod watch;

pub use lint::{Linted, lint};
pub use plan::ScopeMode;
pub use watch::Watcher;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use self::job::{Job, Progress};
use super::finding::Finding;
use super::folder::SourceFile;
use super::{ConflictMode, Contracts, Library, Tier, store_form};
use crate::registry::{RegistryError, Unavailable};
use crate::store::{NewSyncJob, StoreError, SyncJobRow};

/// What to sync, and how.
#[derive(Debug, Clone)]
pub struct SyncRequest {
    pub source: Source,
    pub rules: SyncRules,
}

/// How a sync treats what it finds.
#[derive(Debug, Clone, Copy)]
pub struct SyncRules {
    pub scope: ScopeMode,
    pub conflicts: ConflictMode,
    pub contracts: Contracts,
}

/// Where DataPoints come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A folder of this machine.
    Folder(PathBuf),
    /// What somebody has read already.
    Texts(Vec<Text>),
    /// What has changed in a folder since somebody looked: only good files count.
    Changes(FolderChanges),
}

/// A folder that somebody has read again.
#[derive(Debug, Clone)]
pub struct FolderChanges {
    pub files: Vec<SourceFile>,
    /// What is wrong with the files that are not among these.
    pub findings: Vec<Finding>,
    /// Paths of files that were there and are no more.
    pub gone: Vec<String>,
}

impl Source {
    /// Whether files that are wrong keep the others from being applied, and what is in none goes.
    fn is_full(&self) -> bool {
        !matches!(self, Self::Changes(_))
    }
}

/// The text of a file, and where it came from.
#[derive(Debug, Clone)]
pub struct Text {
    pub path: String,
    pub tier: Tier,
    pub text: String,
}

impl From<Text> for SourceFile {
    fn from(text: Text) -> Self {
        Self {
            path: text.path,
            tier: text.tier,
            text: text.text,
        }
    }
}

/// How a job is getting on.
#[derive(Debug, Clone)]
pub struct JobView {
    pub row: SyncJobRow,
    /// `errors`, `warnings` and `changes`, as the job wrote them.
    pub report: Value,
}

/// Why a sync was not started.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error("Connection not found: {id}")]
    ConnectionNotFound { id: Uuid },
    #[error("A sync of the same scope is running.")]
    Running { job: Uuid },
    #[error("Sync job not found: {id}")]
    JobNotFound { id: Uuid },
    #[error("No folder is configured.")]
    NoFolder,
    #[error("The folder lies outside of the configured one, or is not there.")]
    OutsideFolder,
    #[error("The registry is unavailable: {0}.")]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for SyncError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::ConnectionMissing { id } => Self::ConnectionNotFound { id },
            StoreError::SyncRunning { job } => Self::Running { job },
            other => Self::Unavailable(other.into()),
        }
    }
}

/// Runs syncs. Cheap to clone.
#[derive(Clone)]
pub struct Syncs {
    library: Library,
    /// `DATAPOINTS_DIR`.
    folder: Option<Arc<Path>>,
    /// This process, among all that share the system database.
    process: Uuid,
    running: TaskTracker,
    stop: CancellationToken,
}

impl Syncs {
    pub fn new(library: Library, folder: Option<PathBuf>) -> Self {
        Self {
            library,
            folder: folder.map(Arc::from),
            process: Uuid::new_v4(),
            running: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// A folder inside of `DATAPOINTS_DIR`; that one itself without a name.
    ///
    /// # Errors
    /// [`SyncError::NoFolder`], [`SyncError::OutsideFolder`].
    pub fn folder(&self, name: Option<&str>) -> Result<PathBuf, SyncError> {
        let root = self.folder.as_deref().ok_or(SyncError::NoFolder)?;
        let outside = |_| SyncError::OutsideFolder;
        let root = std::fs::canonicalize(root).map_err(outside)?;
        let wanted = match name {
            Some(name) => std::fs::canonicalize(root.join(name)).map_err(outside)?,
            None => root.clone(),
        };
        if wanted.starts_with(&root) {
            Ok(wanted)
        } else {
            Err(SyncError::OutsideFolder)
        }
    }

    /// Starts a sync and gives its job.
    ///
    /// # Errors
    /// [`SyncError`]. What is wrong with the files is the job's to say.
    pub async fn start(&self, request: SyncRequest) -> Result<Uuid, SyncError> {
        let scope = request.rules.scope;
        if let Some(id) = scope.connection() {
            match self.library.registry.engine(id).await {
                Ok(_) => {}
                Err(RegistryError::Unavailable(reason)) => return Err(reason.into()),
                Err(_) => return Err(SyncError::ConnectionNotFound { id }),
            }
        }
        let connection_id = scope.connection();
        let new = NewSyncJob {
            id: Uuid::new_v4(),
            owner: self.process,
            sync_type: if request.source.is_full() {
                "full"
            } else {
                "incremental"
            },
            scope: scope.name(),
            connection_id,
            claim: scope.scope().map(|scope| scope.to_string()),
        };
        let needs_row = connection_id.is_some_and(store_form::is_row);
        self.library.store.start_sync(&new, needs_row).await?;
        let job = Job {
            id: new.id,
            library: self.library.clone(),
            request,
            progress: Arc::new(Progress::default()),
        };
        self.running.spawn(job.run(self.stop.clone()));
        Ok(new.id)
    }

    /// A job, or the one that was started last; `None`: there was none yet.
    ///
    /// # Errors
    /// [`SyncError::JobNotFound`], [`SyncError::Unavailable`].
    pub async fn status(&self, id: Option<Uuid>) -> Result<Option<JobView>, SyncError> {
        let row = self.library.store.sync_job(id).await?;
        match (row, id) {
            (None, Some(id)) => Err(SyncError::JobNotFound { id }),
            (row, _) => Ok(row.map(|row| JobView {
                report: serde_json::from_str(&row.report).unwrap_or_default(),
                row,
            })),
        }
    }

    /// Marks what processes that have ended left behind.
    pub async fn tidy(&self) {
        if let Err(error) = self.library.store.expire_syncs().await {
            tracing::debug!(%error, "sync jobs are looked through later");
        }
    }

    /// Interrupts what runs and waits until that is noted.
    pub async fn close(&self) {
        self.stop.cancel();
        self.running.close();
        self.running.wait().await;
    }
}
