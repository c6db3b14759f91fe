//! From what lies on the shelf to the next snapshot.
//!
//! The folder of installed plugins is the truth: whoever changes it, this process, another server or a command,
//! every server on it makes the same snapshot of it. What is loaded already and unchanged stays loaded, with its
//! sessions; what was replaced or removed keeps serving whoever holds it and keeps no idle session. A server
//! looks every `plugin_watch_ms` whether anything in the folder has changed.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use super::lease;
use super::loader::{Callable, LoadError, Loaded, Wanted};
use super::record::{Record, Recorded};
use super::shelf::{Content, Contents, ShelfError, Shelved, Stamp};
use super::snapshot::{Entry, Snapshot};
use super::status::{Origin, PluginView};
use super::{Inner, blocking};

impl Inner {
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// Makes the next snapshot, if there is news. `fresh` was just loaded and need not be loaded again. Gives
    /// the record that the snapshot is of.
    ///
    /// # Errors
    /// When the folder can't be read; the last snapshot stays in force then.
    pub(crate) async fn refresh(
        self: &Arc<Self>,
        fresh: Option<&Loaded>,
    ) -> Result<Record, ShelfError> {
        let _turn = self.changes.lock().await;
        let before = self.snapshot();
        let loaded: Vec<Loaded> = before
            .entries
            .iter()
            .filter(|entry| entry.origin == Origin::Installed)
            .map(|entry| &entry.loaded)
            .chain(fresh)
            .cloned()
            .collect();
        let known: HashSet<String> = loaded
            .iter()
            .map(|loaded| loaded.plugin().digest.clone())
            .collect();
        let this = Arc::clone(self);
        let max = self.limits.plugin_wasm_bytes;
        let contents = blocking(move || this.shelf.read(max, &this.admission, &known)).await?;
        let record = contents.record.clone();
        let (installed, mut absent) = self.installed(contents, &loaded).await;
        absent.extend(self.unloadable.iter().cloned());
        let after = Snapshot::of(before.generation + 1, &self.shipped, installed, absent);
        if !after.same_as(&before) {
            self.put_in_force(&before, after);
        }
        Ok(record)
    }

    /// Judges and loads what lies in the folder, and says why the rest is not loaded.
    async fn installed(
        &self,
        contents: Contents,
        loaded: &[Loaded],
    ) -> (Vec<Entry>, Vec<PluginView>) {
        let mut entries = Vec::new();
        let mut absent = Vec::new();
        let record = &contents.record;
        for gone in &record.plugins {
            if !contents.files.iter().any(|file| file.file == gone.file) {
                let why = "its file is gone; install it again".to_owned();
                absent.push(not_loaded(Some(gone), &gone.file, &gone.digest, Some(why)));
            }
        }
        for Shelved { file, content } in contents.files {
            let recorded = record.of_file(&file);
            let (digest, outcome) = match content {
                Err(error) => (String::new(), Err(LoadError::from(error))),
                Ok(content) => (
                    content.digest.clone(),
                    self.admit(recorded, &file, content, loaded).await,
                ),
            };
            match outcome {
                Ok(Some(entry)) => entries.push(entry),
                Ok(None) => absent.push(not_loaded(recorded, &file, &digest, None)),
                Err(error) => {
                    tracing::error!(plugin = file, %error, "a plugin could not be loaded");
                    let why = Some(error.to_string());
                    absent.push(not_loaded(recorded, &file, &digest, why));
                }
            }
        }
        (entries, absent)
    }

    /// One file; none if its plugin is disabled.
    async fn admit(
        &self,
        recorded: Option<&Recorded>,
        file: &str,
        content: Content,
        loaded: &[Loaded],
    ) -> Result<Option<Entry>, LoadError> {
        let Content {
            digest,
            signed,
            wasm,
        } = content;
        self.admission
            .judge(recorded.map(|r| r.digest.as_str()), &digest, &signed)?;
        if recorded.is_some_and(|recorded| !recorded.enabled) {
            return Ok(None);
        }
        // What was granted was granted to those bytes.
        let granted = recorded.filter(|recorded| recorded.digest == digest);
        let wanted = Wanted {
            name: Some(name_of(recorded, file)),
            shipped: false,
            folders: granted.map(|g| g.folders.clone()).unwrap_or_default(),
        };
        let known = loaded
            .iter()
            .find(|loaded| loaded.is(&digest, &wanted))
            .cloned();
        let loaded = match (known, wasm) {
            (Some(loaded), _) => loaded,
            (None, Some(wasm)) => self.loader.load(&wanted, wasm).await?,
            // Loaded with other grants: the compiled form is at hand.
            (None, None) => {
                let (shelf, max) = (self.shelf.clone(), self.limits.plugin_wasm_bytes);
                let path = shelf.path(file);
                let wasm =
                    blocking(move || super::shelf::read(&path, max.saturating_add(1))).await?;
                if super::shelf::digest(&wasm) != digest {
                    return Err(std::io::Error::other("it changed while it was read").into());
                }
                self.loader.load(&wanted, wasm).await?
            }
        };
        Ok(Some(Entry {
            loaded,
            origin: Origin::Installed,
            file: Some(file.to_owned()),
            installed_at: granted.map(|granted| granted.installed_at),
            signer: signed.signer().map(str::to_owned),
        }))
    }

    fn put_in_force(&self, before: &Snapshot, after: Snapshot) {
        for entry in &after.entries {
            entry.loaded.plugin().owner.revive();
        }
        let gone: Vec<Loaded> = before
            .entries
            .iter()
            .map(|entry| &entry.loaded)
            .filter(|old| {
                let stays = |new: &Entry| std::ptr::eq(new.loaded.plugin(), old.plugin());
                !after.entries.iter().any(stays)
            })
            .cloned()
            .collect();
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(after);
        for old in gone {
            let plugin = old.plugin();
            tracing::info!(plugin = %plugin.name, digest = plugin.digest, "a plugin was replaced or removed");
            let idle = self.pool.retire(&plugin.owner);
            tokio::spawn(lease::close(idle, self.patience));
        }
    }
}

impl Loaded {
    /// Whether loading these bytes as this would give the same.
    fn is(&self, digest: &str, wanted: &Wanted) -> bool {
        let named = match &self.callable {
            Callable::Connector(_) => true,
            Callable::Tool(tool) => wanted.name.as_deref() == Some(tool.name()),
        };
        named && self.plugin().digest == digest && self.folders() == wanted.folders
    }
}

/// The recorded name, else the file's.
fn name_of(recorded: Option<&Recorded>, file: &str) -> String {
    match recorded {
        Some(recorded) => recorded.name.clone(),
        None => file.trim_end_matches(".wasm").to_owned(),
    }
}

fn not_loaded(
    recorded: Option<&Recorded>,
    file: &str,
    digest: &str,
    why: Option<String>,
) -> PluginView {
    let name = name_of(recorded, file);
    let mut view = PluginView::absent(name, digest.to_owned(), Origin::Installed, why);
    view.file = Some(file.to_owned());
    if let Some(recorded) = recorded {
        view.installed_at = Some(recorded.installed_at);
        view.folders.clone_from(&recorded.folders);
    }
    view
}

/// Looks after the folder until the runtime is gone.
pub(crate) async fn watch(inner: Weak<Inner>, pause: Duration, mut applied: Stamp) {
    let mut last = applied.clone();
    loop {
        tokio::time::sleep(pause).await;
        let Some(inner) = inner.upgrade() else { return };
        let shelf = inner.shelf.clone();
        let now = blocking(move || shelf.stamp()).await;
        // A file that is still being written is not news yet.
        if now == last && now != applied {
            match inner.refresh(None).await {
                Ok(_) => tracing::debug!("the folder of plugins was read again"),
                Err(error) => {
                    tracing::error!(%error, "the installed plugins stay as they were");
                    if matches!(error, ShelfError::Locked { .. }) {
                        continue;
                    }
                }
            }
            applied.clone_from(&now);
        }
        last = now;
    }
}
