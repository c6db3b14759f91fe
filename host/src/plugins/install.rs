//! Plugins come, are upgraded, get folders and go, while requests run.
//!
//! Everything that can be wrong with a component is found before anything is stored: its digest against the one
//! that was asked for, its signature, its size, version, imports and memory, whether it links and says what it
//! is, and whether another plugin serves the same names. Only then file and record change, and the snapshot
//! with them. So an upgrade that fails leaves the old version stored and running.

use std::sync::Arc;

use chrono::{SubsecRound, Utc};

use super::folders::{self, FolderError, Folders};
use super::loader::{Callable, LoadError, Loaded, Wanted, is_name};
use super::record::{Record, Recorded, file_name};
use super::shelf::{New, ShelfError, digest};
use super::snapshot::{Entry, Snapshot};
use super::status::{Origin, PluginView};
use super::trust::Refusal;
use super::{Inner, Plugins, Transport, blocking};

/// A component to be installed.
#[derive(Debug, Clone, Default)]
pub struct Install {
    pub wasm: Vec<u8>,
    /// Names a tool component; without it, its first tool does. A connector says its name itself.
    pub name: Option<String>,
    /// The digest that it must have: `sha256:` and 64 hex digits.
    pub digest: Option<String>,
    /// The text of its `.minisig` file.
    pub signature: Option<String>,
}

/// What an operator decides about an installed plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// All the folders that it may read, by name.
    pub folders: Folders,
    /// Whether it is loaded.
    pub enabled: bool,
}

/// Why the plugins stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("{given:?} is not of the form sha256: and 64 hex digits")]
    DigestForm { given: String },
    #[error("the component's digest is {found}, not {wanted}")]
    Digest { wanted: String, found: String },
    #[error("the component is refused: {0}")]
    Refused(#[from] LoadError),
    #[error(
        "{name:?} can't name a plugin: a letter, then letters, digits, - and _, all lower case"
    )]
    Name { name: String },
    #[error("there is no plugin {name:?}")]
    Unknown { name: String },
    #[error("the plugin {name} comes with the server; it is not for this to change")]
    Shipped { name: String },
    #[error("{0}")]
    Folder(#[from] FolderError),
    #[error("the plugin {name} reads no folders: it is no connector with the transport files")]
    NoFolders { name: String },
    #[error("the plugin {name} is not recorded; install it first")]
    Unrecorded { name: String },
    #[error("the components of this process are fixed")]
    Fixed,
    #[error("{0}")]
    Shelf(#[from] ShelfError),
}

impl From<Refusal> for ChangeError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}

impl Plugins {
    /// Installs a component, or upgrades the installed plugin of its name. Gives how it then is, and whether it
    /// took the place of an older one. Goes on to its end if the caller goes away.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing has changed then.
    pub async fn install(&self, new: Install) -> Result<(PluginView, bool), ChangeError> {
        let inner = Arc::clone(&self.inner);
        finish(async move { inner.install(new).await }).await
    }

    /// Removes an installed plugin. Running statements and calls finish.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub async fn remove(&self, name: &str) -> Result<(), ChangeError> {
        let (inner, name) = (Arc::clone(&self.inner), name.to_owned());
        finish(async move { inner.remove(name).await }).await
    }

    /// Changes what an installed plugin was granted, and gives how it then is. New sessions have the new rights;
    /// running statements finish with the old ones.
    ///
    /// # Errors
    /// [`ChangeError`], and what `change` says.
    pub async fn grant(
        &self,
        name: &str,
        change: impl FnOnce(&mut Grants) + Send + 'static,
    ) -> Result<PluginView, ChangeError> {
        let (inner, name) = (Arc::clone(&self.inner), name.to_owned());
        finish(async move { inner.grant(name, change).await }).await
    }
}

/// Runs it to its end even if nobody waits any more: what is stored and what is loaded change together.
async fn finish<T: Send + 'static>(change: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(change).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

impl Inner {
    async fn install(self: Arc<Self>, new: Install) -> Result<(PluginView, bool), ChangeError> {
        self.require_managed()?;
        let _turn = self.installing.lock().await;
        if let Some(name) = new.name.as_ref().filter(|name| !is_name(name, &['-', '_'])) {
            return Err(ChangeError::Name { name: name.clone() });
        }
        let found = digest(&new.wasm);
        check_digest(new.digest.as_deref(), &found)?;
        let signed = self.admission.signed(&new.wasm, new.signature.as_deref());
        self.admission.judge(Some(&found), &found, &signed)?;
        let mut wanted = Wanted {
            name: new.name,
            ..Wanted::default()
        };
        let mut loaded = self.loader.load(&wanted, new.wasm.clone()).await?;
        let name = loaded.plugin().name.to_string();
        // Somebody else may change the folder between our look at it and our change.
        for _ in 0..ATTEMPTS {
            let seen = self.refresh(None).await?;
            let old = seen.named(&name).cloned();
            // An upgrade keeps what was granted.
            let granted = old.as_ref().map(|old| old.folders.clone());
            let granted = granted
                .filter(|_| reads_folders(&loaded))
                .unwrap_or_default();
            if wanted.folders != granted {
                wanted.folders = granted;
                loaded = self.loader.load(&wanted, new.wasm.clone()).await?;
            }
            let recorded = Recorded {
                name: name.clone(),
                file: file_name(&name, &found),
                digest: found.clone(),
                installed_at: Utc::now().trunc_subsecs(0),
                signer: signed.signer().map(str::to_owned),
                folders: wanted.folders.clone(),
                enabled: true,
            };
            self.refuse_clash(&loaded, &recorded)?;
            let (this, wasm) = (Arc::clone(&self), new.wasm.clone());
            let signature = new.signature.clone();
            let stored = blocking(move || {
                let new = New {
                    file: &recorded.file.clone(),
                    wasm: &wasm,
                    signature: signature.as_deref(),
                };
                this.shelf.change(Some(&new), |record| {
                    unchanged(record, &seen)?;
                    record.put(recorded);
                    Ok::<_, Changed>(())
                })
            })
            .await;
            match stored {
                Ok(()) => {
                    self.refresh(Some(&loaded)).await?;
                    tracing::info!(plugin = name, digest = found, "a plugin was installed");
                    return Ok((self.view(&name)?, old.is_some()));
                }
                Err(Changed::Meanwhile) => {}
                Err(Changed::Shelf(error)) => return Err(error.into()),
            }
        }
        Err(self.busy())
    }

    /// An installed plugin takes nothing from any other, except from the one that it replaces.
    fn refuse_clash(&self, loaded: &Loaded, recorded: &Recorded) -> Result<(), ChangeError> {
        let snapshot = self.snapshot();
        let kind = loaded.plugin().kind;
        let replaced = |entry: &Entry| {
            entry.origin == Origin::Installed
                && entry.name() == recorded.name
                && entry.loaded.plugin().kind == kind
        };
        let others = Snapshot {
            entries: snapshot
                .entries
                .iter()
                .filter(|e| !replaced(e))
                .cloned()
                .collect(),
            ..Snapshot::default()
        };
        let new = Entry {
            loaded: loaded.clone(),
            origin: Origin::Installed,
            file: Some(recorded.file.clone()),
            installed_at: None,
            signer: None,
        };
        others.clash(&new).map_or(Ok(()), |clash| Err(clash.into()))
    }

    async fn remove(self: Arc<Self>, name: String) -> Result<(), ChangeError> {
        self.require_managed()?;
        self.refresh(None).await?;
        let view = self.view(&name);
        let this = Arc::clone(&self);
        let wanted = name.clone();
        let taken = blocking(move || {
            this.shelf
                .change(None, |record| Ok::<_, ShelfError>(record.take(&wanted)))
        })
        .await?;
        if taken.is_none() {
            // One that lies in the folder and that nobody recorded.
            let view = view?;
            let Some(file) = view.file else {
                return Err(ChangeError::Shipped { name });
            };
            let this = Arc::clone(&self);
            blocking(move || this.shelf.discard(&file)).await?;
        }
        self.refresh(None).await?;
        tracing::info!(plugin = name, "a plugin was removed");
        Ok(())
    }

    async fn grant(
        self: Arc<Self>,
        name: String,
        change: impl FnOnce(&mut Grants) + Send + 'static,
    ) -> Result<PluginView, ChangeError> {
        self.require_managed()?;
        self.refresh(None).await?;
        let view = self.view(&name)?;
        if view.origin == Origin::Shipped {
            return Err(ChangeError::Shipped { name });
        }
        // One that is not loaded can't be asked; what it was granted before stays possible.
        let reads = self
            .reads_folders(&name)
            .unwrap_or(!view.folders.is_empty());
        let (this, wanted) = (Arc::clone(&self), name.clone());
        blocking(move || {
            this.shelf.change(None, |record| {
                let Some(recorded) = record.named_mut(&wanted) else {
                    return Err(ChangeError::Unrecorded { name: wanted });
                };
                let mut grants = Grants {
                    folders: recorded.folders.clone(),
                    enabled: recorded.enabled,
                };
                change(&mut grants);
                if !reads && !grants.folders.is_empty() {
                    return Err(ChangeError::NoFolders { name: wanted });
                }
                // One that was granted and is gone must not keep another from being changed.
                let (same, new): (Folders, Folders) = grants
                    .folders
                    .into_iter()
                    .partition(|(name, path)| recorded.folders.get(name) == Some(path));
                recorded.folders = folders::check(&new, &this.data_dir)?;
                recorded.folders.extend(same);
                recorded.enabled = grants.enabled;
                Ok(())
            })
        })
        .await?;
        self.refresh(None).await?;
        self.view(&name)
    }

    fn view(&self, name: &str) -> Result<PluginView, ChangeError> {
        let views = self.snapshot().views();
        let mut named = views.iter().filter(|view| view.status.name == name);
        // An installed one that could not be loaded has left its place to the shipped one of its name.
        let installed = |view: &&&PluginView| view.origin == Origin::Installed;
        let found = named.clone().find(|view| installed(&view));
        found
            .or_else(|| named.next())
            .cloned()
            .ok_or_else(|| ChangeError::Unknown {
                name: name.to_owned(),
            })
    }

    /// Whether a loaded plugin reads folders.
    fn reads_folders(&self, name: &str) -> Option<bool> {
        let snapshot = self.snapshot();
        let entry = snapshot.entries.iter().find(|entry| entry.name() == name)?;
        Some(reads_folders(&entry.loaded))
    }

    fn require_managed(&self) -> Result<(), ChangeError> {
        self.managed.then_some(()).ok_or(ChangeError::Fixed)
    }

    fn busy(&self) -> ChangeError {
        ChangeError::Shelf(ShelfError::Locked {
            path: self.shelf.path(""),
        })
    }
}

/// How often a change is tried again because others keep changing the folder.
const ATTEMPTS: usize = 20;

/// Why a change of the folder was not made.
enum Changed {
    /// Somebody else was faster.
    Meanwhile,
    Shelf(ShelfError),
}

impl From<ShelfError> for Changed {
    fn from(error: ShelfError) -> Self {
        Self::Shelf(error)
    }
}

fn unchanged(record: &Record, seen: &Record) -> Result<(), Changed> {
    (record == seen).then_some(()).ok_or(Changed::Meanwhile)
}

fn reads_folders(loaded: &Loaded) -> bool {
    match &loaded.callable {
        Callable::Connector(connector) => connector.info().transport == Transport::Files,
        Callable::Tool(_) => false,
    }
}

/// Whether a component has the digest that somebody asked for, if anybody did.
fn check_digest(wanted: Option<&str>, found: &str) -> Result<(), ChangeError> {
    let Some(given) = wanted else { return Ok(()) };
    let wanted = given.trim().to_ascii_lowercase();
    let hex = wanted.strip_prefix("sha256:").unwrap_or_default();
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(ChangeError::DigestForm {
            given: given.to_owned(),
        });
    }
    if wanted != found {
        return Err(ChangeError::Digest {
            wanted,
            found: found.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_digest_is_compared_in_any_case_and_its_form_is_checked() {
        let found = digest(b"x");
        assert!(check_digest(None, &found).is_ok());
        assert!(check_digest(Some(&found), &found).is_ok());
        assert!(check_digest(Some(&found.to_uppercase()), &found).is_ok());
        let other = digest(b"y");
        let refused = check_digest(Some(&other), &found);
        assert!(matches!(refused, Err(ChangeError::Digest { .. })));
        for bad in [
            "",
            "sha256:",
            "sha256:ab",
            &found[7..],
            &format!("{found}0"),
        ] {
            let refused = check_digest(Some(bad), &found);
            assert!(
                matches!(refused, Err(ChangeError::DigestForm { .. })),
                "{bad}"
            );
        }
    }
}
