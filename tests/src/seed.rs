//! Compiled components, shared between the servers of all tests.
//!
//! A server keeps them in its data folder, and every test has a new one; without this each would compile for
//! seconds. The cache and its key are copied in before a start, and what a start has added is copied out.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::evidence::target_folder;

/// The key, and the folder that it guards.
const KEY: &str = "cache.key";
const CACHE: &str = "cache";

fn seed() -> Result<PathBuf> {
    Ok(target_folder()?.join("test-seed"))
}

/// Fills a new data folder.
pub(crate) fn plant(data: &Path) -> Result<()> {
    let seed = seed()?;
    if !seed.join(KEY).exists() || data.exists() {
        return Ok(());
    }
    fs::create_dir_all(data.join(CACHE))?;
    fs::copy(seed.join(KEY), data.join(KEY))?;
    for file in fs::read_dir(seed.join(CACHE))? {
        let file = file?;
        // Another test program may be about to rename it.
        if file
            .path()
            .extension()
            .is_none_or(|extension| extension != "new")
        {
            fs::copy(file.path(), data.join(CACHE).join(file.file_name()))?;
        }
    }
    Ok(())
}

/// Keeps what a server has compiled.
pub(crate) fn harvest(data: &Path) -> Result<()> {
    let seed = seed()?;
    if !data.join(KEY).exists() {
        return Ok(());
    }
    if !seed.exists() {
        // Key and cache belong together: the folder appears whole or not at all.
        let draft = draft_of(&seed);
        fs::create_dir_all(draft.join(CACHE))?;
        fs::copy(data.join(KEY), draft.join(KEY))?;
        if fs::rename(&draft, &seed).is_err() {
            fs::remove_dir_all(&draft)?;
        }
    }
    if fs::read(seed.join(KEY))? != fs::read(data.join(KEY))? {
        return Ok(());
    }
    for file in fs::read_dir(data.join(CACHE))? {
        let file = file?;
        let kept = seed.join(CACHE).join(file.file_name());
        if !kept.exists() {
            let draft = draft_of(&kept);
            fs::copy(file.path(), &draft)?;
            fs::rename(&draft, &kept)?;
        }
    }
    Ok(())
}

/// A name beside `path` that no other test uses.
fn draft_of(path: &Path) -> PathBuf {
    path.with_extension(format!("{}.new", uuid::Uuid::new_v4()))
}
