//! Compiled components on disk, so that a start does not compile again.
//!
//! wasmtime checks that an artifact fits its version and configuration, not who made it; a forged one is
//! native code. So each file carries a MAC under a key that lies outside the folder, bound to the
//! component's digest and the engine's configuration. The bytes that were verified are the bytes that are
//! loaded. A file that does not verify is ignored and written anew; nothing from outside is ever accepted.
//!
//! Every version of a component and of the engine leaves an artifact that nothing asks for any more. A use
//! sets a file's time of modification; opening the cache removes what has not been used for [`KEPT`].

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::secret::Secret;

const TAG: usize = 32;
const KEY: usize = 32;
/// How long an artifact is kept after its last use: going back to an older release soon stays cheap.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// The folder of artifacts and the key to it.
pub(crate) struct Cache {
    folder: PathBuf,
    key: Secret<[u8; KEY]>,
}

impl Cache {
    /// Opens `<data_dir>/cache`, with its key in `<data_dir>/cache.key`; makes both when missing. Removes
    /// artifacts that were not used for [`KEPT`].
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let folder = data_dir.join("cache");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        let key = key(&data_dir.join("cache.key"))?;
        if let Err(error) = prune(&folder) {
            tracing::warn!(%error, "old compiled components could not be removed");
        }
        Ok(Self { folder, key })
    }

    /// The compiled component, if an artifact of ours is there.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let name = Self::name(engine, digest);
        let path = self.folder.join(&name);
        let file = fs::read(&path).ok()?;
        let (tag, artifact) = file.split_at_checked(TAG)?;
        if self.mac(&name, artifact).verify_slice(tag).is_err() {
            tracing::warn!(
                artifact = name,
                "a compiled component was changed, compiling it again"
            );
            return None;
        }
        // SAFETY: `deserialize` needs bytes that `precompile_component` made. The MAC proves that this server
        // wrote exactly these bytes, under this name, with a key that only its owner can read; they are
        // in memory already, so they can't change between the check and the use.
        #[allow(unsafe_code)]
        let component = unsafe { Component::deserialize(engine, artifact) };
        component
            .inspect(|_| {
                if let Err(error) = touch(&path, SystemTime::now()) {
                    tracing::debug!(%error, artifact = name, "the use of an artifact was not noted");
                }
            })
            .inspect_err(|error| tracing::debug!(%error, artifact = name, "artifact not usable"))
            .ok()
    }

    /// Keeps a compiled component. Replaces the file whole.
    pub(crate) fn store(&self, engine: &Engine, digest: &str, artifact: &[u8]) -> io::Result<()> {
        let name = Self::name(engine, digest);
        let tag = self.mac(&name, artifact).finalize().into_bytes();
        let temporary = self.folder.join(format!("{name}.{}", uuid::Uuid::new_v4()));
        let written = (|| {
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&temporary)?;
            file.write_all(&tag)?;
            file.write_all(artifact)?;
            fs::rename(&temporary, self.folder.join(&name))
        })();
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn name(engine: &Engine, digest: &str) -> String {
        let mut hasher = Sha256Hasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let configuration = hex(&hasher.0.finalize());
        let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
        format!("{digest}-{}.cwasm", &configuration[..16])
    }

    fn mac(&self, name: &str, artifact: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.reveal())
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(&(name.len() as u64).to_be_bytes());
        mac.update(name.as_bytes());
        mac.update(artifact);
        mac
    }
}

fn touch(path: &Path, time: SystemTime) -> io::Result<()> {
    fs::File::options()
        .write(true)
        .open(path)?
        .set_modified(time)
}

/// Removes what has not been used for [`KEPT`]: artifacts, and what a write that broke off has left.
fn prune(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let removed: io::Result<()> = (|| {
            let metadata = entry.metadata()?;
            let unused = metadata.modified()?.elapsed().unwrap_or_default();
            if metadata.is_file() && name.to_string_lossy().contains(".cwasm") && unused > KEPT {
                fs::remove_file(entry.path())?;
            }
            Ok(())
        })();
        match removed {
            // Another server on the same folder was faster.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Reads the key, or makes one with rights for its owner only.
fn key(path: &Path) -> io::Result<Secret<[u8; KEY]>> {
    let mut key = [0; KEY];
    match fs::File::open(path) {
        Ok(mut file) => {
            if file.metadata()?.permissions().mode() & 0o077 != 0 {
                // Who can read it can make native code that this server would run.
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "cache.key could be read or written by others; remove it and the compiled components beside it",
                ));
            }
            file.read_exact(&mut key)?;
            return Ok(Secret::new(key));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut key)
        .map_err(|_| io::Error::other("no random numbers"))?;
    // Written whole under another name first: a second server that starts now must not read half a key.
    let temporary = path.with_extension(uuid::Uuid::new_v4().to_string());
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(&key)?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    match linked {
        Ok(()) => Ok(Secret::new(key)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::File::open(path)?.read_exact(&mut key)?;
            Ok(Secret::new(key))
        }
        Err(error) => Err(error),
    }
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Gives a `Hash` value a digest that is the same in every process.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn stored() -> (tempfile::TempDir, Cache, Engine, PathBuf) {
        let folder = tempfile::tempdir().expect("folder");
        let cache = Cache::open(folder.path()).expect("cache");
        let engine = Engine::default();
        let artifact = engine.precompile_component(EMPTY).expect("compiles");
        cache
            .store(&engine, "sha256:ab", &artifact)
            .expect("stored");
        let file = cache.folder.join(Cache::name(&engine, "sha256:ab"));
        (folder, cache, engine, file)
    }

    #[test]
    fn an_artifact_is_found_again_also_by_the_next_process() {
        let (folder, cache, engine, _) = stored();
        assert!(cache.load(&engine, "sha256:ab").is_some());
        assert!(cache.load(&engine, "sha256:cd").is_none());
        let next = Cache::open(folder.path()).expect("cache");
        assert!(next.load(&engine, "sha256:ab").is_some());
    }

    #[test]
    fn an_artifact_with_one_changed_bit_is_refused() {
        let (_folder, cache, engine, file) = stored();
        let good = fs::read(&file).expect("there");
        for at in [0, TAG, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&file, bad).expect("written");
            assert!(cache.load(&engine, "sha256:ab").is_none(), "byte {at}");
        }
        fs::write(&file, &good[..TAG - 1]).expect("written");
        assert!(
            cache.load(&engine, "sha256:ab").is_none(),
            "shorter than a MAC"
        );
    }

    #[test]
    fn an_artifact_under_the_name_of_another_component_is_refused() {
        let (_folder, cache, engine, file) = stored();
        fs::copy(&file, cache.folder.join(Cache::name(&engine, "sha256:cd"))).expect("copied");
        assert!(cache.load(&engine, "sha256:cd").is_none());
    }

    #[test]
    fn artifacts_unused_for_thirty_days_go_when_the_cache_opens() {
        let (folder, cache, engine, used) = stored();
        let day = Duration::from_hours(24);
        let aged = |name: &str, days: u32| {
            let path = cache.folder.join(name);
            if !path.exists() {
                fs::write(&path, name).expect("written");
            }
            touch(&path, SystemTime::now() - day * days).expect("touched");
            path
        };
        aged(&Cache::name(&engine, "sha256:ab"), 31);
        assert!(
            cache.load(&engine, "sha256:ab").is_some(),
            "this use counts"
        );
        let recent = aged("recent.cwasm", 29);
        let foreign = aged("notes.txt", 31);
        let old = aged("old.cwasm", 31);
        let broken_off = aged("old.cwasm.6f9619ff-8b86-4d01-b42d-00cf4fc964ff", 31);
        Cache::open(folder.path()).expect("cache");
        for kept in [&used, &recent, &foreign] {
            assert!(kept.exists(), "{}", kept.display());
        }
        for gone in [&old, &broken_off] {
            assert!(!gone.exists(), "{}", gone.display());
        }
    }

    #[test]
    fn a_key_that_others_could_read_is_not_used() {
        let (folder, ..) = stored();
        let key = folder.path().join("cache.key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("set");
        let error = Cache::open(folder.path()).err().expect("refused");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        fs::remove_file(&key).expect("removed");
        assert!(Cache::open(folder.path()).is_ok(), "a new one is made");
    }

    #[test]
    fn folder_and_key_are_the_owners_alone() {
        let (folder, cache, _, _) = stored();
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&cache.folder), 0o700);
        assert_eq!(mode(&folder.path().join("cache.key")), 0o600);
        assert!(!cache.folder.join("cache.key").exists());
    }
}
