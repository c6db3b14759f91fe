//! The keys that keep database URLs unreadable in the system database.
//!
//! Tokens are Fernet, interchangeable with Python's `cryptography`. Of several keys the first encrypts and all
//! decrypt, so that a key can be replaced without a moment at which rows can't be read. Keys come from
//! `DATABASE_CREDENTIALS_KEY`; without it, a file in the data directory holds them, made on first use.
//!
//! The file is read again whenever a token doesn't open and before each encryption, so a server notices that
//! `datachat keys rotate` replaced its key. A token's age is never judged: stored credentials don't expire, and
//! the clock of the machine that wrote one may be ahead of ours.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use fernet::{Fernet, MultiFernet};
use zeroize::Zeroize;

use super::Unavailable;
use crate::secret::Secret;

/// A time that no token is younger than, and far from overflow where the crate adds its allowance.
const NEVER_TOO_YOUNG: u64 = u64::MAX / 2;

/// The keys in force. Cheap to clone.
#[derive(Clone)]
pub struct Credentials {
    keys: Arc<RwLock<Vec<Fernet>>>,
    /// Where the keys are kept, if not in the configuration.
    file: Option<Arc<PathBuf>>,
}

impl Credentials {
    /// The configured keys, else those of the file, else a new one that the file then holds. Without a
    /// configured key and without a file there are no keys.
    ///
    /// # Errors
    /// [`Unavailable::KeyMissing`], [`Unavailable::KeyMalformed`], [`Unavailable::KeyFile`].
    pub fn load(
        configured: Option<&Secret<String>>,
        key_file: Option<&Path>,
    ) -> Result<Self, Unavailable> {
        let configured = configured.filter(|keys| !keys.reveal().trim().is_empty());
        if let Some(keys) = configured {
            let keys =
                parse_keys(keys.reveal()).map_err(|index| Unavailable::KeyMalformed { index })?;
            return Ok(Self::new(keys, None));
        }
        let path = key_file.ok_or(Unavailable::KeyMissing)?;
        let keys = read_or_make(path)?;
        Ok(Self::new(keys, Some(Arc::new(path.to_owned()))))
    }

    fn new(keys: Vec<Fernet>, file: Option<Arc<PathBuf>>) -> Self {
        Self {
            keys: Arc::new(RwLock::new(keys)),
            file,
        }
    }

    /// Encrypts with the first key.
    pub fn encrypt(&self, text: &Secret<String>) -> String {
        self.reload();
        self.ring().encrypt(text.reveal().as_bytes())
    }

    /// What a token holds; `None` if no key opens it or it holds no text.
    pub fn decrypt(&self, token: &str) -> Option<Secret<String>> {
        self.open(token).or_else(|| {
            if self.reload() {
                self.open(token)
            } else {
                None
            }
        })
    }

    /// Starts a rotation. Configured keys stay: the operator has put the new one in front. A key file gets a
    /// new first key; its old ones go on decrypting.
    ///
    /// # Errors
    /// [`Unavailable::KeyFile`]; the file is then as it was.
    pub fn begin_rotation(&self) -> Result<(), Unavailable> {
        let Some(path) = self.file.as_deref() else {
            return Ok(());
        };
        let old = read_file(path)?;
        let text = Secret::new(format!("{}\n{}", generate_key().reveal(), old.reveal()));
        replace_file(path, &text).map_err(|e| key_file(path, &e))?;
        self.reload();
        Ok(())
    }

    /// Ends a rotation after which every row opens with the first key: a key file keeps that one and the one
    /// before it, with which a server that runs meanwhile may just have written a row.
    ///
    /// # Errors
    /// [`Unavailable::KeyFile`].
    pub fn finish_rotation(&self) -> Result<(), Unavailable> {
        let Some(path) = self.file.as_deref() else {
            return Ok(());
        };
        let old = read_file(path)?;
        let kept: Vec<&str> = split_keys(old.reveal()).take(2).collect();
        let text = Secret::new(kept.join("\n"));
        replace_file(path, &text).map_err(|e| key_file(path, &e))?;
        self.reload();
        Ok(())
    }

    fn ring(&self) -> MultiFernet {
        MultiFernet::new(
            self.keys
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        )
    }

    fn open(&self, token: &str) -> Option<Secret<String>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let bytes = keys
            .iter()
            .find_map(|key| key.decrypt_at_time(token, None, NEVER_TOO_YOUNG).ok())?;
        match String::from_utf8(bytes) {
            Ok(text) => Some(Secret::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                None
            }
        }
    }

    /// Takes over what the key file holds now; false if there is none or it can't be used.
    fn reload(&self) -> bool {
        let Some(path) = self.file.as_deref() else {
            return false;
        };
        let Ok(text) = read_file(path) else {
            return false;
        };
        let Ok(keys) = parse_keys(text.reveal()) else {
            return false;
        };
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        true
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([redacted])")
    }
}

/// A new random key, as `DATABASE_CREDENTIALS_KEY` takes it.
pub fn generate_key() -> Secret<String> {
    Secret::new(Fernet::generate_key())
}

fn split_keys(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '\n'])
        .map(str::trim)
        .filter(|key| !key.is_empty())
}

/// All keys, or the number (from 1) of the first that is none.
fn parse_keys(text: &str) -> Result<Vec<Fernet>, usize> {
    let keys = split_keys(text)
        .enumerate()
        .map(|(at, key)| Fernet::new(key).ok_or(at + 1))
        .collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Err(1) } else { Ok(keys) }
}

fn key_file(path: &Path, error: &io::Error) -> Unavailable {
    Unavailable::KeyFile {
        path: path.display().to_string(),
        problem: format!("can't be used: {error}"),
    }
}

fn read_file(path: &Path) -> Result<Secret<String>, Unavailable> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Secret::new(text)),
        Err(error) => Err(key_file(path, &error)),
    }
}

fn read_or_make(path: &Path) -> Result<Vec<Fernet>, Unavailable> {
    if !path.exists() {
        make(path).map_err(|e| key_file(path, &e))?;
    }
    close_to_others(path).map_err(|e| key_file(path, &e))?;
    parse_keys(read_file(path)?.reveal()).map_err(|index| Unavailable::KeyFile {
        path: path.display().to_string(),
        problem: format!("holds no Fernet key at place {index}"),
    })
}

/// Makes the file in one step that also two servers at once can take: whoever links first wins, and both
/// then read the winner's key.
fn make(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let draft = write_draft(path, &generate_key())?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => {
            sync_folder(path)?;
            tracing::warn!(
                path = %path.display(),
                "made a key for the credentials of stored connections; back it up, for without it they can't be read"
            );
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn replace_file(path: &Path, text: &Secret<String>) -> io::Result<()> {
    let draft = write_draft(path, text)?;
    fs::rename(&draft, path)?;
    sync_folder(path)
}

fn write_draft(path: &Path, text: &Secret<String>) -> io::Result<PathBuf> {
    let draft = path.with_extension(format!("{}.draft", uuid::Uuid::new_v4()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(text.reveal().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    Ok(draft)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn close_to_others(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the key file could be read by others; it no longer can");
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
