//! A folder of DataPoints that the server follows.
//!
//! When something changes below the folder and then nothing for a while, the whole folder is read again and an
//! incremental sync applies what is good in it; what has not changed is not written. A file that was there at the last
//! look and is not any more takes its DataPoints along. What is deleted while no server runs is not noticed: the next
//! full sync does that.
//!
//! Where the system gives no notice (some network file systems), the folder is looked at in turns.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{
    Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher as _,
};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::finding::Finding;
use super::super::folder::{Reading, read_what_is_good};
use super::{
    ConflictMode, Contracts, FolderChanges, JobView, ScopeMode, Source, SyncError, SyncRequest,
    SyncRules, Syncs,
};
use crate::store::JobStatus;

/// How many times as long as the pause it waits for the folder may keep changing before it is read.
const PATIENCE: u32 = 20;
/// How long after a look that came to nothing the next one is.
const RETRY: Duration = Duration::from_secs(5);
/// How often a folder without notice is looked at.
const POLL: Duration = Duration::from_secs(2);
/// How often a job is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Keeps the stored DataPoints in step with a folder.
pub struct Watcher {
    syncs: Syncs,
    folder: PathBuf,
    settle: Duration,
    /// The files that were there at the last look.
    known: HashSet<String>,
    /// What the log says of a folder that can't be read.
    told: Vec<Finding>,
}

/// What gives notice for as long as it lives; `None` while there is no folder.
type Notice = Option<Box<dyn notify::Watcher + Send>>;

/// How a look at the folder ended.
enum Look {
    Done,
    /// It is to be repeated, whether or not something changes.
    Again,
}

impl Watcher {
    /// Watches `folder`, and reads it when nothing has changed for as long as `settle`.
    pub fn new(syncs: Syncs, folder: PathBuf, settle: Duration) -> Self {
        Self {
            syncs,
            folder,
            settle,
            known: HashSet::new(),
            told: Vec::new(),
        }
    }

    /// Follows the folder until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let changed = Arc::new(Notify::new());
        let mut notice = self.watch(&changed);
        tracing::info!(folder = %self.folder.display(), "following what changes in the folder of DataPoints");
        loop {
            let look = tokio::select! {
                () = stop.cancelled() => return,
                look = self.look() => look,
            };
            let again = matches!(look, Look::Again) || notice.is_none();
            tokio::select! {
                () = stop.cancelled() => return,
                () = changed.notified() => self.settled(&changed).await,
                () = tokio::time::sleep(RETRY), if again => {}
            }
            if again {
                // A folder that was replaced gives no notice any more.
                notice = self.watch(&changed);
            }
        }
    }

    /// Asks to be told of changes.
    fn watch(&self, changed: &Arc<Notify>) -> Notice {
        let handler = |changed: Arc<Notify>| {
            move |event: notify::Result<Event>| match event {
                Ok(event) if !is_change(event.kind) => {}
                // Whatever an error means, a look at the folder tells.
                _ => changed.notify_one(),
            }
        };
        let system = RecommendedWatcher::new(handler(Arc::clone(changed)), Config::default());
        let problem = match system {
            Ok(mut system) => match system.watch(&self.folder, RecursiveMode::Recursive) {
                Ok(()) => return Some(Box::new(system)),
                Err(error) => error,
            },
            Err(error) => error,
        };
        if !self.folder.is_dir() {
            return None;
        }
        tracing::warn!(%problem, "the system gives no notice of changes; the folder is looked at in turns");
        let config = Config::default().with_poll_interval(POLL);
        let turns = PollWatcher::new(handler(Arc::clone(changed)), config);
        let turns = turns.and_then(|mut turns| {
            turns.watch(&self.folder, RecursiveMode::Recursive)?;
            Ok(turns)
        });
        Some(Box::new(turns.ok()?))
    }

    /// Waits until nothing changes for a while, but not for ever.
    async fn settled(&self, changed: &Notify) {
        let end = Instant::now() + self.settle * PATIENCE;
        while Instant::now() < end {
            tokio::select! {
                () = changed.notified() => {}
                () = tokio::time::sleep(self.settle) => return,
            }
        }
    }

    /// Reads the folder and applies what is good in it.
    async fn look(&mut self) -> Look {
        let (folder, limits) = (self.folder.clone(), Arc::clone(&self.syncs.library.limits));
        let reading = tokio::task::spawn_blocking(move || read_what_is_good(&folder, &limits));
        let Ok(reading) = reading.await else {
            return Look::Again;
        };
        if !reading.is_whole {
            // What was not seen is not gone.
            if self.told != reading.findings {
                for finding in &reading.findings {
                    tracing::warn!(%finding, "the folder of DataPoints can't be read");
                }
                self.told = reading.findings;
            }
            return Look::Again;
        }
        self.told.clear();
        let there: HashSet<String> = paths(&reading);
        let gone = self.known.difference(&there).cloned().collect();
        let request = SyncRequest {
            source: Source::Changes(FolderChanges {
                files: reading.files,
                findings: reading.findings,
                gone,
            }),
            rules: SyncRules {
                scope: ScopeMode::Auto,
                conflicts: ConflictMode::default(),
                contracts: Contracts::default(),
            },
        };
        match self.sync(request).await {
            Ok(job) if job.row.status == JobStatus::Completed => {
                self.known = there;
                tell(&job);
                Look::Done
            }
            Ok(job) => {
                let error = job.row.error.unwrap_or_default();
                tracing::warn!(error, "the folder of DataPoints was not applied");
                // What is wrong with files is not mended by another look.
                let by_files = job.report["errors"]
                    .as_array()
                    .is_some_and(|all| !all.is_empty());
                if by_files { Look::Done } else { Look::Again }
            }
            Err(error) => {
                tracing::info!(%error, "the folder of DataPoints is read again");
                Look::Again
            }
        }
    }

    /// Runs a sync to its end.
    async fn sync(&self, request: SyncRequest) -> Result<JobView, SyncError> {
        let id = self.syncs.start(request).await?;
        loop {
            if let Some(job) = self.syncs.status(Some(id)).await?
                && job.row.status != JobStatus::Running
            {
                return Ok(job);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The files of a folder, the bad ones too.
fn paths(reading: &Reading) -> HashSet<String> {
    let good = reading.files.iter().map(|file| file.path.clone());
    let bad = reading
        .findings
        .iter()
        .filter_map(|finding| finding.path.clone());
    good.chain(bad).collect()
}

/// Whether something may be different; reading the folder is none of that.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

fn tell(job: &JobView) {
    let errors = job.report["errors"].as_array();
    for error in errors.into_iter().flatten() {
        tracing::warn!(
            path = error["path"].as_str(),
            code = error["code"].as_str(),
            message = error["message"].as_str(),
            "a file of DataPoints was not applied"
        );
    }
    let change = |name: &str| job.report["changes"][name].as_u64().unwrap_or_default();
    tracing::info!(
        written = change("written"),
        deleted = change("deleted"),
        unchanged = change("unchanged"),
        "the folder of DataPoints was applied"
    );
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, ModifyKind, RemoveKind};

    use super::*;

    #[test]
    fn reading_a_file_is_no_change_of_it() {
        for (kind, expected) in [
            (EventKind::Access(AccessKind::Open(AccessMode::Any)), false),
            (
                EventKind::Access(AccessKind::Close(AccessMode::Read)),
                false,
            ),
            (
                EventKind::Access(AccessKind::Close(AccessMode::Write)),
                true,
            ),
            (EventKind::Create(CreateKind::File), true),
            (EventKind::Modify(ModifyKind::Any), true),
            (EventKind::Remove(RemoveKind::File), true),
        ] {
            assert_eq!(is_change(kind), expected, "{kind:?}");
        }
    }
}
