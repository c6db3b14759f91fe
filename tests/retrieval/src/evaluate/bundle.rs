//! The bundles, as a server would have them: one connection for each example, and the shared one for all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use datachat::knowledge::Scope;
use datachat::knowledge::search::embed::Embedder;
use datachat::knowledge::search::{Allowed, Change, Entry, Set, Shelf, Volume};
use serde_json::Value;
use uuid::Uuid;

use crate::labels::Label;

/// All DataPoints.
pub struct Library {
    databases: BTreeMap<String, Uuid>,
    entries: BTreeMap<Scope, Vec<Entry>>,
}

impl Library {
    /// Reads `examples/*` and `shared`.
    ///
    /// # Errors
    /// With the file that is no DataPoint.
    pub fn read(root: &Path) -> Result<Self> {
        let examples = root.join("examples");
        let mut databases = BTreeMap::new();
        let mut entries = BTreeMap::new();
        for folder in sorted(&examples)? {
            let name = folder.file_name().context("a folder without a name")?;
            let id = Uuid::from_u128(databases.len() as u128 + 1);
            databases.insert(name.to_string_lossy().into_owned(), id);
            let scope = Scope::Connection(id);
            entries.insert(scope, datapoints(&folder, scope)?);
        }
        let shared = root.join("shared");
        if shared.exists() {
            entries.insert(Scope::Global, datapoints(&shared, Scope::Global)?);
        }
        let library = Self { databases, entries };
        ensure!(
            library.len() > 0,
            "there is no DataPoint under {}",
            root.display()
        );
        Ok(library)
    }

    /// How many DataPoints there are.
    pub fn len(&self) -> usize {
        self.entries.values().map(Vec::len).sum()
    }

    /// Everything, embedded and indexed.
    ///
    /// # Errors
    /// When something can't be embedded, or two DataPoints of a bundle have one id.
    pub async fn set(&self, embedder: &Embedder) -> Result<Arc<Set>> {
        let identity = embedder.identity();
        let shelf = Shelf::default();
        for (scope, entries) in &self.entries {
            let mut entries = entries.clone();
            for entry in &mut entries {
                entry.embeddings = embedder.embed(&entry.passages()).await?;
            }
            let volume = Volume::build(*scope, entries, identity.as_deref())?;
            shelf.publish([Change::Replace(Box::new(volume))]);
        }
        Ok(shelf.current())
    }

    /// What a question to this database may see.
    ///
    /// # Errors
    /// When there is no such bundle.
    pub fn allowed(&self, database: &str) -> Result<Allowed> {
        let id = self
            .databases
            .get(database)
            .with_context(|| format!("there is no bundle {database}"))?;
        Ok(Allowed::new(*id, []))
    }

    /// Compares what a label calls relevant with what its database can see.
    ///
    /// # Errors
    /// With the first id that is not there.
    pub fn check(&self, label: &Label) -> Result<()> {
        let allowed = self.allowed(&label.database)?;
        let known: BTreeSet<&str> = allowed
            .scopes()
            .iter()
            .flat_map(|scope| self.entries.get(scope).into_iter().flatten())
            .map(|entry| entry.id.as_str())
            .collect();
        for id in &label.relevant {
            if !known.contains(id.as_str()) {
                bail!(
                    "{} has no {id}, which {:?} wants",
                    label.database,
                    label.question
                );
            }
        }
        Ok(())
    }
}

/// The DataPoints in a folder and the folders inside.
fn datapoints(folder: &Path, scope: Scope) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for path in sorted(folder)? {
        if path.is_dir() {
            entries.extend(datapoints(&path, scope)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let read = || -> Result<Vec<Entry>> {
                let json: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
                let many = match json {
                    Value::Array(many) => many,
                    one => vec![one],
                };
                let entry = |datapoint| Ok(Entry::of_datapoint(scope, datapoint)?);
                many.iter().map(entry).collect()
            };
            entries.extend(read().with_context(|| path.display().to_string())?);
        }
    }
    Ok(entries)
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = std::fs::read_dir(folder)
        .with_context(|| format!("{} can't be read", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
