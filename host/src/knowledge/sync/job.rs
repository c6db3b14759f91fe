//! One sync, from its files to the end of its job.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::finding::Finding;
use super::super::{Library, Scope, Severity, folder, store_form};
use super::files::{self, World};
use super::plan::{Candidate, Clash, Old, by_scope, plan};
use super::{FolderChanges, Source, SyncRequest};
use crate::registry::{Engine, RegistryError, Unavailable};
use crate::store::{JobProgress, JobStatus, Origin, ScopeChange, StoreError};

/// How often the change is worked out again when somebody else writes to the same scope meanwhile.
const ATTEMPTS: usize = 5;

/// Signs of life in the time after which a job counts as dead.
const BEATS: u64 = 10;

/// What a job tells about itself while it runs.
#[derive(Debug, Default)]
pub(super) struct Progress {
    total: AtomicI64,
    processed: AtomicI64,
    skipped: AtomicI64,
}

impl Progress {
    fn now(&self) -> JobProgress {
        JobProgress {
            total: self.total.load(Ordering::Relaxed),
            processed: self.processed.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
        }
    }
}

/// A sync that is in the system database as running.
pub(super) struct Job {
    pub id: Uuid,
    pub library: Library,
    pub request: SyncRequest,
    pub progress: Arc<Progress>,
}

/// Why a job changed nothing.
enum Failed {
    /// At least one is an error.
    Findings(Vec<Finding>),
    Unavailable(Unavailable),
    /// It counts as dead already, and may not even say so.
    Lost,
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::JobInterrupted => Self::Lost,
            StoreError::ConnectionMissing { id } => {
                let message = format!("the connection {id} was deleted meanwhile");
                Self::Findings(vec![Finding::error("connection_not_found", None, message)])
            }
            other => Self::Unavailable(other.into()),
        }
    }
}

impl From<tokio::task::JoinError> for Failed {
    fn from(error: tokio::task::JoinError) -> Self {
        tracing::error!(%error, "a sync broke");
        let message = "the server failed; its log says why";
        Self::Findings(vec![Finding::error("internal", None, message)])
    }
}

impl Job {
    /// Runs to an end that is noted in the job's row, unless the process dies.
    pub async fn run(self, stop: CancellationToken) {
        let outcome = tokio::select! {
            outcome = self.work() => outcome,
            () = self.beat() => Err(Failed::Lost),
            () = stop.cancelled() => {
                self.end(JobStatus::Interrupted, "the server was stopped; nothing was changed, run it again", &[])
                    .await;
                return;
            }
        };
        match outcome {
            Ok(()) => tracing::info!(job = %self.id, "sync completed"),
            Err(Failed::Findings(findings)) => {
                self.end(JobStatus::Failed, &summary(&findings), &findings)
                    .await;
            }
            Err(Failed::Unavailable(reason)) => {
                let error = format!("the system database failed ({reason}); nothing was changed");
                self.end(JobStatus::Failed, &error, &[]).await;
            }
            Err(Failed::Lost) => {
                tracing::warn!(job = %self.id, "a sync gave no sign of life in time and was given up");
            }
        }
    }

    async fn end(&self, status: JobStatus, error: &str, findings: &[Finding]) {
        let report = report(findings.to_vec(), &Changes::default()).to_string();
        let progress = self.progress.now();
        tracing::info!(job = %self.id, status = status.name(), error, "sync ended");
        let ended = self
            .library
            .store
            .end_sync(self.id, status, progress, error, &report)
            .await;
        if let Err(error) = ended {
            tracing::error!(job = %self.id, %error, "the end of a sync could not be noted");
        }
    }

    /// Gives signs of life until the job counts as dead.
    async fn beat(&self) {
        let pause = Duration::from_millis((self.library.limits.sync_lease_ms / BEATS).max(1));
        loop {
            tokio::time::sleep(pause).await;
            if let Ok(false) = self
                .library
                .store
                .beat_sync(self.id, self.progress.now())
                .await
            {
                return;
            }
        }
    }

    async fn work(&self) -> Result<(), Failed> {
        if let Source::Changes(changes) = &self.request.source {
            return self.apply(changes).await;
        }
        let read = self.read().await?;
        let skipped = i64::try_from(read.skipped).unwrap_or(i64::MAX);
        let total = i64::try_from(read.candidates.len()).unwrap_or(i64::MAX);
        self.progress.skipped.store(skipped, Ordering::Relaxed);
        self.progress.total.store(total, Ordering::Relaxed);
        let (candidates, mut findings) = self.judge(read).await?;
        let candidates = by_scope(candidates);
        // What is wrong in one file doesn't hide what two files have in common.
        for attempt in 1..=ATTEMPTS {
            let (changes, clashes) = self.plan(&candidates, None).await?;
            findings.extend(clashes.iter().map(Clash::finding));
            let (errors, warnings) = files::sort(std::mem::take(&mut findings));
            if !errors.is_empty() {
                return Err(Failed::Findings(
                    errors.into_iter().chain(warnings).collect(),
                ));
            }
            findings = warnings;
            let report = report(findings.clone(), &Changes::of(&changes)).to_string();
            let changes: Vec<ScopeChange> = changes.into_iter().map(|(change, _)| change).collect();
            let completed = self
                .library
                .store
                .complete_sync(self.id, &changes, self.progress.now(), &report)
                .await;
            match completed {
                Err(StoreError::Changed) if attempt < ATTEMPTS => {}
                other => return Ok(other?),
            }
        }
        Err(Failed::Unavailable(Unavailable::Store))
    }

    async fn read(&self) -> Result<files::Read, Failed> {
        let source = self.request.source.clone();
        let limits = Arc::clone(&self.library.limits);
        let mode = self.request.rules.scope;
        tokio::task::spawn_blocking(move || {
            let files = match source {
                Source::Folder(path) => folder::read(&path, &limits).map_err(Failed::Findings)?,
                Source::Texts(texts) => texts.into_iter().map(Into::into).collect(),
                Source::Changes(changes) => changes.files,
            };
            Ok(files::read(files, mode).refuse_nothing())
        })
        .await?
    }

    /// What there is to say about each DataPoint, beside what was found before.
    async fn judge(&self, read: files::Read) -> Result<(Vec<Candidate>, Vec<Finding>), Failed> {
        let connections: HashSet<Uuid> = read
            .candidates
            .iter()
            .filter_map(|candidate| candidate.scope.connection())
            .collect();
        let mut engines: HashMap<Uuid, Engine> = HashMap::new();
        for id in connections {
            match self.library.registry.engine(id).await {
                Ok(engine) => {
                    engines.insert(id, engine);
                }
                Err(RegistryError::Unavailable(reason)) => return Err(Failed::Unavailable(reason)),
                Err(_) => {}
            }
        }
        let library = self.library.clone();
        let contracts = self.request.rules.contracts;
        let progress = Arc::clone(&self.progress);
        let judged = tokio::task::spawn_blocking(move || {
            let mut findings = read.findings;
            let world = World {
                engines: &engines,
                dialect_of: &|database_type| library.registry.dialect_of(database_type),
                contracts,
                limits: &library.limits,
            };
            for candidate in &read.candidates {
                findings.extend(files::judge(candidate, &world));
                progress.processed.fetch_add(1, Ordering::Relaxed);
            }
            (read.candidates, findings)
        });
        Ok(judged.await?)
    }

    /// Applies the good files of a folder, and lets stay what comes from the others.
    async fn apply(&self, changes: &FolderChanges) -> Result<(), Failed> {
        let mut findings = changes.findings.clone();
        let read = {
            let (files, mode) = (changes.files.clone(), self.request.rules.scope);
            tokio::task::spawn_blocking(move || files::read(files, mode)).await?
        };
        let total = i64::try_from(read.candidates.len()).unwrap_or(i64::MAX);
        self.progress.total.store(total, Ordering::Relaxed);
        let (mut candidates, found) = self.judge(read).await?;
        findings.extend(found);
        let mut touched: HashSet<String> = changes.gone.iter().cloned().collect();
        touched.extend(changes.files.iter().map(|file| file.path.clone()));
        for finding in &findings {
            if let (Severity::Error, Some(path)) = (finding.severity, &finding.path) {
                touched.remove(path);
            }
        }
        candidates.retain(|candidate| touched.contains(&candidate.path));
        let mut attempt = 1;
        loop {
            let mut by_scope = by_scope(candidates.clone());
            // A scope whose last file is gone has no candidate.
            for (scope, path) in self.library.store.file_places().await? {
                if let (true, Some(scope)) = (touched.contains(&path), Scope::from_key(&scope)) {
                    by_scope.entry(scope).or_default();
                }
            }
            let (planned, clashes) = self.plan(&by_scope, Some(&touched)).await?;
            if !clashes.is_empty() {
                findings.extend(clashes.iter().map(Clash::finding));
                let before = candidates.len();
                for path in clashes.iter().flat_map(|clash| &clash.paths) {
                    touched.remove(path);
                }
                candidates.retain(|candidate| touched.contains(&candidate.path));
                if candidates.len() == before {
                    // What clashes is stored already.
                    return Err(Failed::Findings(findings));
                }
                continue;
            }
            let report = report(findings.clone(), &Changes::of(&planned)).to_string();
            let planned: Vec<ScopeChange> = planned.into_iter().map(|(change, _)| change).collect();
            let completed = self
                .library
                .store
                .complete_sync(self.id, &planned, self.progress.now(), &report)
                .await;
            match completed {
                Err(StoreError::Changed) if attempt < ATTEMPTS => attempt += 1,
                other => return Ok(other?),
            }
        }
    }

    /// What changes in each scope, with the number of what stays as it is; and what conflicts. What comes from other
    /// files than those that are `touched` stays as well, unless one of these has its id; without such a set every
    /// file is this sync's.
    async fn plan(
        &self,
        candidates: &BTreeMap<Scope, Vec<Candidate>>,
        touched: Option<&HashSet<String>>,
    ) -> Result<(Vec<(ScopeChange, usize)>, Vec<Clash>), Failed> {
        let is_others = |old: &Old| {
            let path = old.path.as_ref();
            touched.is_some_and(|touched| path.is_none_or(|path| !touched.contains(path)))
        };
        let mut changes = Vec::new();
        let mut clashes = Vec::new();
        for (&scope, candidates) in candidates {
            let snapshot = self.library.store.scope(&scope.to_string()).await?;
            let ids: HashSet<&str> = candidates.iter().map(|new| new.point.id.as_str()).collect();
            let old: Vec<Old> = snapshot
                .rows
                .iter()
                .map(|(row, _)| {
                    let mut old = Old::new(row, store_form::point(row).as_ref());
                    old.stays |= is_others(&old) && !ids.contains(old.claim.id.as_str());
                    old
                })
                .collect();
            let plan = match plan(candidates, &old, self.request.rules.conflicts) {
                Ok(plan) => plan,
                Err(found) => {
                    clashes.extend(found);
                    continue;
                }
            };
            let write = plan.write.iter().map(|at| {
                let candidate = &candidates[*at];
                let path = Some(candidate.path.as_str());
                store_form::row(&candidate.point, candidate.tier, path, Origin::File)
            });
            let change = ScopeChange {
                scope: store_form::scope(scope),
                base_revision: snapshot.revision,
                write: write.collect(),
                delete: plan.delete,
            };
            changes.push((change, plan.unchanged));
        }
        Ok((changes, clashes))
    }
}

/// How much changes.
#[derive(Debug, Default)]
struct Changes {
    written: usize,
    deleted: usize,
    unchanged: usize,
}

impl Changes {
    fn of(changes: &[(ScopeChange, usize)]) -> Self {
        Self {
            written: changes.iter().map(|(change, _)| change.write.len()).sum(),
            deleted: changes.iter().map(|(change, _)| change.delete.len()).sum(),
            unchanged: changes.iter().map(|(_, unchanged)| unchanged).sum(),
        }
    }
}

fn report(findings: Vec<Finding>, changes: &Changes) -> Value {
    let (errors, warnings) = files::sort(findings);
    json!({
        "errors": errors,
        "warnings": warnings,
        "changes": {
            "written": changes.written,
            "deleted": changes.deleted,
            "unchanged": changes.unchanged,
        },
    })
}

fn summary(findings: &[Finding]) -> String {
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    let count = errors.clone().count();
    let files: HashSet<&String> = errors.filter_map(|finding| finding.path.as_ref()).collect();
    let places = match files.len() {
        0 => String::new(),
        1 => " in 1 file".to_owned(),
        files => format!(" in {files} files"),
    };
    let problems = if count == 1 { "problem" } else { "problems" };
    format!("{count} {problems}{places}; nothing was changed")
}
