//! The search kept in step with the system database.
//!
//! The store counts every change of a scope. A follower looks at these counts, loads the scopes whose count has
//! changed, and puts all of them in force at once: a reader sees a scope as it was before a change or after it.
//! So does every question, before it is searched for; without questions a change is seen within
//! `index_poll_ms`, whichever process made it; on a PostgreSQL system database at once.
//!
//! DataPoints without a vector of the current embedder are searchable by their words at once. Their vectors are
//! computed beside, batch by batch, and kept in the store: nobody computes one twice, also after a restart, and
//! another embedder starts anew.
//!
//! While the system database is down, the last state stays in force.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Scope;
use super::kept_vectors::{from_bytes, made_by, to_bytes};
use super::search::embed::{Choice, EmbedError, Embedding, Identity, Source};
use super::search::{
    Allowed, BuildError, Catalogue, Change, Entry, IndexError, Options, Question, Retrieved, Shelf,
    TableName, Volume, retrieve,
};
use crate::limits::Limits;
use crate::plugins::RelationFilter;
use crate::registry::{Connection, Registry};
use crate::store::{DatapointRow, NewEmbedding, ScopeSnapshot, ScopeVersion, Store, StoreError};

/// DataPoints that are embedded at a time, each with its handful of texts.
const BATCH: usize = 16;
/// How long vectors are computed before those that are there are put in force.
const VECTORS: Duration = Duration::from_secs(2);
/// How long a question waits for what has changed.
const WAIT: Duration = Duration::from_secs(1);
/// How long a scope whose embedding failed is left alone.
const PAUSE: Duration = Duration::from_secs(30);

/// How searches are done, as the operator wants them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `None`: what the embedder deserves.
    pub vector_weight: Option<f32>,
    pub legacy_fallback: bool,
}

/// The search over the stored DataPoints. Cheap to clone.
#[derive(Clone)]
pub struct Index(Arc<Inner>);

struct Inner {
    store: Store,
    registry: Registry,
    source: Source,
    settings: Settings,
    limits: Arc<Limits>,
    shelf: Shelf,
    /// What is in force; only the follower and [`Index::refresh`] change it, one at a time.
    held: tokio::sync::Mutex<HashMap<Scope, Held>>,
    progress: RwLock<Progress>,
    catalogues: RwLock<HashMap<Uuid, Seen>>,
}

/// The live tables of a connection, if they could be read, and when that was.
type Seen = (Instant, Option<Arc<Catalogue>>);

/// A scope that is in force.
struct Held {
    version: ScopeVersion,
    datapoints: usize,
    /// Whose vectors were taken; `None` while that was not known.
    embedder: Option<Arc<Identity>>,
    /// DataPoints that have no vectors yet.
    pending: Vec<Pending>,
    /// Not to be tried before.
    embed_from: Instant,
}

#[derive(Clone)]
struct Pending {
    datapoint_id: String,
    content_hash: String,
    passages: Vec<String>,
}

/// How far the index is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    pub datapoints: usize,
    /// Still without a vector of this embedder.
    pub without_vector: usize,
    /// Why what is in force is old.
    pub unread: Option<String>,
    /// Why vectors are missing.
    pub not_embedded: Option<String>,
    /// Whether the stored DataPoints have been read at all.
    pub ready: bool,
}

/// Why nothing could be searched.
#[derive(Debug, thiserror::Error)]
pub enum RetrieveError {
    #[error("the DataPoints could not be read yet")]
    NotReady,
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Why a state could not be put in force.
#[derive(Debug, thiserror::Error)]
enum RefreshError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("the indexing broke off")]
    Lost,
}

impl Index {
    pub fn new(
        store: Store,
        registry: Registry,
        source: Source,
        settings: Settings,
        limits: Arc<Limits>,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            registry,
            source,
            settings,
            limits,
            shelf: Shelf::default(),
            held: tokio::sync::Mutex::default(),
            progress: RwLock::default(),
            catalogues: RwLock::default(),
        }))
    }

    /// Follows the store until `stop`.
    pub async fn follow(self, stop: CancellationToken) {
        let poll = Duration::from_millis(self.0.limits.index_poll_ms);
        let written = Notify::new();
        let listening = self.0.store.clone().listen(&written, stop.clone());
        tokio::join!(listening, self.follow_at(poll, &written, stop));
    }

    /// Looks whenever something may have been `written`, and from time to time.
    async fn follow_at(&self, poll: Duration, written: &Notify, stop: CancellationToken) {
        loop {
            self.refresh().await;
            let started = Instant::now();
            let mut more = true;
            // Each look that finds new vectors makes a scope anew, so several batches share one.
            while more && started.elapsed() < VECTORS && !stop.is_cancelled() {
                more = self.embed_some().await;
            }
            let wait = if more { Duration::ZERO } else { poll };
            tokio::select! {
                () = stop.cancelled() => return,
                () = written.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Puts the stored state in force now. A failure is noted and leaves the last state.
    pub async fn refresh(&self) {
        let outcome = self.0.refresh().await;
        let mut progress = self
            .0
            .progress
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => {
                progress.ready = true;
                progress.unread = None;
            }
            Err(error) => {
                tracing::warn!(%error, "the DataPoints could not be read anew");
                progress.unread = Some(error.to_string());
            }
        }
    }

    /// How far the index is.
    pub fn progress(&self) -> Progress {
        let progress = self.0.progress.read();
        progress.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Which embedder makes the vectors, and why that one.
    pub fn choice(&self) -> &Choice {
        self.0.source.choice()
    }

    /// What a question finds for a resolved connection.
    ///
    /// # Errors
    /// [`RetrieveError`].
    pub async fn retrieve(
        &self,
        connection: &Connection,
        question: &str,
        top_k: usize,
    ) -> Result<Retrieved, RetrieveError> {
        let inner = &self.0;
        let embedder = inner.source.embedder().await;
        // What was written before the question counts for it, unless that is long work: then the last state does.
        if self.progress().ready {
            let _ = tokio::time::timeout(WAIT, self.refresh()).await;
        } else {
            // A server that has just started, or a command that lives for one question.
            self.refresh().await;
        }
        if !self.progress().ready {
            return Err(RetrieveError::NotReady);
        }
        let id = connection.key.id;
        let equivalent = inner.registry.equivalent(connection).await;
        let allowed = Allowed::new(id, equivalent);
        let question = match embedder {
            Ok(embedder) => Question::ask(question, embedder).await,
            Err(error) => Question::of_words(question, error.to_string()),
        };
        let options = Options {
            top_k,
            vector_weight: inner.settings.vector_weight,
            legacy_fallback: inner.settings.legacy_fallback,
            catalogue: inner.catalogue(connection).await,
            ..Options::default()
        };
        let set = inner.shelf.current();
        let found =
            tokio::task::spawn_blocking(move || retrieve(&set, &allowed, &question, &options));
        match found.await {
            Ok(found) => Ok(found?),
            Err(error) => {
                tracing::error!(%error, "a search broke off");
                Err(RetrieveError::NotReady)
            }
        }
    }

    /// Computes vectors of one batch; whether there is more to do.
    async fn embed_some(&self) -> bool {
        let inner = &self.0;
        let next = {
            let held = inner.held.lock().await;
            let now = Instant::now();
            held.iter()
                .find(|(_, held)| !held.pending.is_empty() && held.embed_from <= now)
                .map(|(scope, held)| {
                    let batch: Vec<Pending> = held.pending.iter().take(BATCH).cloned().collect();
                    (*scope, batch)
                })
        };
        let Some((scope, batch)) = next else {
            return false;
        };
        if inner.identity().is_none() {
            // Now that its identity is known, the vectors that are stored already can be taken.
            let opened = inner.source.embedder().await;
            if opened.is_ok() && inner.identity().is_some() {
                self.refresh().await;
                return true;
            }
        }
        let texts: Vec<String> = batch
            .iter()
            .flat_map(|pending| pending.passages.iter().cloned())
            .collect();
        let problem = match inner.embed(&texts).await {
            Ok(embeddings) => inner
                .keep(scope, &batch, &embeddings)
                .await
                .err()
                .map(|error| error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(problem) = &problem {
            tracing::warn!(%scope, problem, "DataPoints could not be embedded; they are found by their words");
            let mut held = inner.held.lock().await;
            if let Some(held) = held.get_mut(&scope) {
                held.embed_from = Instant::now() + PAUSE;
            }
        }
        let more = problem.is_none();
        inner
            .progress
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .not_embedded = problem;
        more
    }
}

impl Inner {
    /// Who makes vectors at the moment; `None` while that is not known. Nobody waits for a model here.
    fn identity(&self) -> Option<Arc<Identity>> {
        self.source.opened()?.identity()
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError> {
        self.source.embedder().await?.embed(texts).await
    }

    async fn refresh(&self) -> Result<(), RefreshError> {
        let mut held = self.held.lock().await;
        let identity = self.identity();
        let versions: HashMap<Scope, ScopeVersion> = self
            .store
            .scope_versions()
            .await?
            .into_iter()
            .filter_map(|(key, version)| Some((Scope::from_key(&key)?, version)))
            .collect();
        let mut changes = Vec::new();
        let mut loaded = Vec::new();
        for (scope, version) in &versions {
            let is_current = |held: &Held| {
                held.version == *version && (held.datapoints == 0 || held.embedder == identity)
            };
            if held.get(scope).is_some_and(is_current) {
                continue;
            }
            let snapshot = self.store.scope(&scope.to_string()).await?;
            let (volume, state) = Self::build(*scope, *version, snapshot, identity.clone()).await?;
            changes.push(Change::Replace(Box::new(volume)));
            loaded.push((*scope, state));
        }
        for scope in held.keys().filter(|scope| !versions.contains_key(scope)) {
            changes.push(Change::Remove(*scope));
        }
        if changes.is_empty() {
            return Ok(());
        }
        self.shelf.publish(changes);
        held.retain(|scope, _| versions.contains_key(scope));
        held.extend(loaded);
        let mut progress = self
            .progress
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        progress.without_vector = held.values().map(|held| held.pending.len()).sum();
        progress.datapoints = held.values().map(|held| held.datapoints).sum();
        Ok(())
    }

    async fn build(
        scope: Scope,
        version: ScopeVersion,
        snapshot: ScopeSnapshot,
        identity: Option<Arc<Identity>>,
    ) -> Result<(Volume, Held), RefreshError> {
        let built = tokio::task::spawn_blocking(move || {
            let mut entries = Vec::with_capacity(snapshot.rows.len());
            let mut pending = Vec::new();
            for (row, stored) in snapshot.rows {
                let Some(mut entry) = entry(scope, &row) else {
                    continue;
                };
                let passages = entry.passages();
                let kept = stored.and_then(|stored| {
                    let identity = identity.as_ref()?;
                    let comparable = stored.embedder == made_by(identity);
                    let embeddings = comparable.then(|| from_bytes(identity, &stored.vector))??;
                    (embeddings.len() == passages.len()).then_some(embeddings)
                });
                if let Some(embeddings) = kept {
                    entry.embeddings = embeddings;
                } else {
                    pending.push(Pending {
                        passages,
                        datapoint_id: row.datapoint_id,
                        content_hash: row.content_hash,
                    });
                }
                entries.push(entry);
            }
            let volume = Volume::build(scope, entries, identity.as_deref())?;
            let held = Held {
                version,
                datapoints: volume.len(),
                embedder: identity,
                pending,
                embed_from: Instant::now(),
            };
            Ok::<_, BuildError>((volume, held))
        });
        Ok(built.await.map_err(|_| RefreshError::Lost)??)
    }

    /// Stores vectors: the store counts that, too, and followers take them over, here and elsewhere.
    async fn keep(
        &self,
        scope: Scope,
        batch: &[Pending],
        embeddings: &[Embedding],
    ) -> Result<(), StoreError> {
        let Some(first) = embeddings.first() else {
            return Ok(());
        };
        let mut rest = embeddings.iter();
        let vectors: Vec<NewEmbedding> = batch
            .iter()
            .map(|pending| NewEmbedding {
                datapoint_id: pending.datapoint_id.clone(),
                content_hash: pending.content_hash.clone(),
                vector: to_bytes(rest.by_ref().take(pending.passages.len())),
            })
            .collect();
        let embedder = made_by(&first.identity);
        self.store
            .keep_embeddings(&scope.to_string(), &embedder, &vectors)
            .await?;
        // Rows that changed meanwhile have kept nothing, and come back with the next look.
        let mut held = self.held.lock().await;
        if let Some(held) = held.get_mut(&scope) {
            held.pending.drain(..batch.len().min(held.pending.len()));
        }
        Ok(())
    }

    /// The live tables, as they were a moment ago; `None` while they can't be read.
    async fn catalogue(&self, connection: &Connection) -> Option<Arc<Catalogue>> {
        let id = connection.key.id;
        let fresh = Duration::from_millis(self.limits.catalogue_fresh_ms);
        {
            let known = self
                .catalogues
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some((_, catalogue)) = known.get(&id).filter(|(at, _)| at.elapsed() < fresh) {
                return catalogue.clone();
            }
        }
        let tables = live_tables(connection).await;
        let catalogue = tables.map(|tables| Arc::new(tables.into_iter().collect::<Catalogue>()));
        let mut known = self
            .catalogues
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (at, _)| at.elapsed() < fresh);
        known.insert(id, (Instant::now(), catalogue.clone()));
        catalogue
    }
}

async fn live_tables(connection: &Connection) -> Option<Vec<TableName>> {
    let filter = RelationFilter {
        schema: None,
        name: None,
        columns: false,
    };
    let relations = match connection.session().await {
        Ok(mut session) => session.relations(filter).await,
        Err(error) => Err(error),
    };
    match relations {
        Ok(relations) => Some(
            relations
                .iter()
                .map(|relation| TableName::new(Some(&relation.schema), &relation.name))
                .collect(),
        ),
        Err(error) => {
            tracing::debug!(%error, connection = %connection.key.id, "the live tables can't be read");
            None
        }
    }
}

/// A stored DataPoint as the search sees it; one that was spoilt by hand is passed over.
fn entry(scope: Scope, row: &DatapointRow) -> Option<Entry> {
    let body = serde_json::from_str(&row.body).ok()?;
    match Entry::of_datapoint(scope, &body) {
        Ok(entry) => Some(entry),
        Err(error) => {
            tracing::error!(%scope, id = row.datapoint_id, %error, "a stored DataPoint can't be searched");
            None
        }
    }
}
