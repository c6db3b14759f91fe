//! The folder of installed plugins, `<data_dir>/plugins`: components, their signatures, the record.
//!
//! Several servers and commands may work on one folder. Whoever changes it holds a lock on `.lock` meanwhile,
//! whoever reads it holds it with other readers; the lock goes with the process. Files are written under
//! another name, flushed and renamed, the record after the component that it names and before the one that it
//! no longer names is removed: whenever a process dies, the record leads to whole files. A component is
//! hashed and verified from the very bytes that are then compiled.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::cache::hex;
use super::record::{Record, is_file};
use super::trust::{Admission, Signed};

const RECORD: &str = "installed.json";
const LOCK: &str = ".lock";
/// A signature has four lines; whatever is longer is none.
const SIGNATURE_BYTES: u64 = 8 << 10;

/// Why the folder could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    #[error("the folder of plugins {}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the record of plugins {} can't be read: {problem}", .path.display())]
    Record { path: PathBuf, problem: String },
    #[error("another process has held the folder of plugins {} for too long", .path.display())]
    Locked { path: PathBuf },
}

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    folder: PathBuf,
    /// How long somebody else may hold the lock.
    patience: Duration,
}

/// What lies in it.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) record: Record,
    /// Every `.wasm` file, by name.
    pub(crate) files: Vec<Shelved>,
}

/// One component, not yet judged.
#[derive(Debug)]
pub(crate) struct Shelved {
    pub(crate) file: String,
    pub(crate) content: io::Result<Content>,
}

#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) digest: String,
    pub(crate) signed: Signed,
    /// Absent if the digest is one that was said to be known.
    pub(crate) wasm: Option<Vec<u8>>,
}

/// Tells whether anything in the folder was changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Stamp(Vec<(std::ffi::OsString, u64, u64, i64, i64)>);

/// A component to be put on the shelf.
pub(crate) struct New<'a> {
    pub(crate) file: &'a str,
    pub(crate) wasm: &'a [u8],
    pub(crate) signature: Option<&'a str>,
}

impl Shelf {
    pub(crate) fn of(data_dir: &Path, patience: Duration) -> Self {
        Self {
            folder: data_dir.join("plugins"),
            patience,
        }
    }

    /// Where a file lies, for messages.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// The record, and every component with its digest and what its signature is worth; at most `max` bytes
    /// of each. A folder that does not exist is empty.
    ///
    /// # Errors
    /// [`ShelfError`]
    pub(crate) fn read(
        &self,
        max: u64,
        admission: &Admission,
        known: &HashSet<String>,
    ) -> Result<Contents, ShelfError> {
        if !self.folder.is_dir() {
            return Ok(Contents {
                record: Record::default(),
                files: Vec::new(),
            });
        }
        let _lock = self.lock(Lock::Shared)?;
        let record = self.record()?;
        let mut names: Vec<String> = self
            .entries()
            .map_err(|source| self.io(source))?
            .into_iter()
            .filter(|name| is_file(name))
            .collect();
        names.sort();
        let files = names.into_iter().map(|file| Shelved {
            content: self.content(&file, max, admission, known),
            file,
        });
        Ok(Contents {
            files: files.collect(),
            record,
        })
    }

    /// Changes the record, and puts `new` beside it. Files that the record named before and names no longer
    /// are removed. Nothing is changed if `change` fails.
    ///
    /// # Errors
    /// [`ShelfError`], and what `change` says.
    pub(crate) fn change<T, E: From<ShelfError>>(
        &self,
        new: Option<&New<'_>>,
        change: impl FnOnce(&mut Record) -> Result<T, E>,
    ) -> Result<T, E> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|source| self.io(source))?;
        let _lock = self.lock(Lock::Exclusive)?;
        let before = self.record()?;
        let mut after = before.clone();
        let result = change(&mut after)?;
        let written = || -> io::Result<()> {
            if let Some(new) = new {
                self.write(new.file, new.wasm)?;
                match new.signature {
                    Some(text) => self.write(&signature_of(new.file), text.as_bytes())?,
                    None => remove(&self.path(&signature_of(new.file)))?,
                }
            }
            if after != before {
                self.write(RECORD, after.text().as_bytes())?;
            }
            for gone in &before.plugins {
                if after.of_file(&gone.file).is_none() {
                    remove(&self.path(&gone.file))?;
                    remove(&self.path(&signature_of(&gone.file)))?;
                }
            }
            for name in self.entries()?.iter().filter(|name| is_draft(name)) {
                remove(&self.path(name))?;
            }
            // The names themselves.
            File::open(&self.folder)?.sync_all()
        };
        written().map_err(|source| self.io(source))?;
        Ok(result)
    }

    /// Removes a component that the record does not name.
    ///
    /// # Errors
    /// [`ShelfError`]
    pub(crate) fn discard(&self, file: &str) -> Result<(), ShelfError> {
        let _lock = self.lock(Lock::Exclusive)?;
        remove(&self.path(file))
            .and_then(|()| remove(&self.path(&signature_of(file))))
            .map_err(|source| self.io(source))
    }

    /// What to compare with later.
    pub(crate) fn stamp(&self) -> Stamp {
        let mut stamp = Stamp::default();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') {
                continue;
            }
            if let Ok(data) = entry.metadata() {
                let seen = (
                    name,
                    data.len(),
                    data.ino(),
                    data.mtime(),
                    data.mtime_nsec(),
                );
                stamp.0.push(seen);
            }
        }
        stamp.0.sort();
        stamp
    }

    fn record(&self) -> Result<Record, ShelfError> {
        let path = self.path(RECORD);
        match fs::read_to_string(&path) {
            Ok(text) => {
                Record::parse(&text).map_err(|problem| ShelfError::Record { path, problem })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Record::default()),
            Err(error) => Err(ShelfError::Record {
                path,
                problem: error.to_string(),
            }),
        }
    }

    fn content(
        &self,
        file: &str,
        max: u64,
        admission: &Admission,
        known: &HashSet<String>,
    ) -> io::Result<Content> {
        let wasm = read(&self.path(file), max.saturating_add(1))?;
        let signature = match read(&self.path(&signature_of(file)), SIGNATURE_BYTES) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let digest = digest(&wasm);
        Ok(Content {
            signed: admission.signed(&wasm, signature.as_deref()),
            wasm: (!known.contains(&digest)).then_some(wasm),
            digest,
        })
    }

    fn entries(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // Hidden, and ending in nothing that anybody reads.
        let temporary = self.path(&format!(".{name}.{}", uuid::Uuid::new_v4()));
        let written = || -> io::Result<()> {
            let mut file = File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, self.path(name))
        };
        written().inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
    }

    /// Held until it is dropped.
    fn lock(&self, lock: Lock) -> Result<Option<File>, ShelfError> {
        let opened = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.path(LOCK));
        let file = match (opened, lock) {
            (Ok(file), _) => file,
            // A folder that nobody here can write to is not changed by us either.
            (Err(error), Lock::Shared) => {
                tracing::debug!(%error, "the folder of plugins is read without a lock");
                return Ok(None);
            }
            (Err(error), Lock::Exclusive) => return Err(self.io(error)),
        };
        let end = Instant::now() + self.patience;
        loop {
            let taken = match lock {
                Lock::Shared => file.try_lock_shared(),
                Lock::Exclusive => file.try_lock(),
            };
            match taken {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::Error(error)) => return Err(self.io(error)),
                Err(TryLockError::WouldBlock) if Instant::now() > end => {
                    return Err(ShelfError::Locked {
                        path: self.folder.clone(),
                    });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn io(&self, source: io::Error) -> ShelfError {
        ShelfError::Io {
            path: self.folder.clone(),
            source,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Lock {
    Shared,
    Exclusive,
}

/// `sha256:` and 64 hex digits.
pub(crate) fn digest(wasm: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(wasm)))
}

/// What a write leaves when its process dies. Whoever holds the folder alone may remove it.
fn is_draft(name: &str) -> bool {
    let tail = name.rsplit('.').next().unwrap_or_default();
    name.starts_with('.') && uuid::Uuid::try_parse(tail).is_ok()
}

fn signature_of(file: &str) -> String {
    format!("{file}.minisig")
}

/// At most `max` bytes of a file.
pub(crate) fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "shelf_tests.rs"]
mod tests;
