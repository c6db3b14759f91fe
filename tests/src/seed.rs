//! Compiled components, shared between the servers of all tests.
//!
//! A server keeps them in its data folder, and every test has a new one; without this each would compile for
//! seconds. The cache and its key are copied in before a start, and what a start has added is copied out. A
//! server trusts only artifacts under its own key: the key of whoever came first goes along.
//!
//! Every version of a component leaves an artifact, and each is copied for every server: only the
//! [`KEPT`] that were used last stay.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Result;

use crate::evidence::target_folder;

/// The key, and the folder that it guards.
const KEY: &str = "cache.key";
const CACHE: &str = "cache";

/// More than there are components, the hostile ones included.
const KEPT: usize = 48;

/// How old a planted artifact looks: a server that uses one sets its time to now, and removes those of weeks
/// ago.
const PLANTED: Duration = Duration::from_hours(24);

fn seed() -> Result<PathBuf> {
    Ok(target_folder()?.join("test-seed"))
}

/// Fills a new data folder.
pub(crate) fn plant(data: &Path) -> Result<()> {
    plant_from(&seed()?, data)
}

/// Keeps what a server has compiled.
pub(crate) fn harvest(data: &Path) -> Result<()> {
    harvest_to(&seed()?, data)
}

fn plant_from(seed: &Path, data: &Path) -> Result<()> {
    if !seed.join(KEY).exists() || data.exists() {
        return Ok(());
    }
    fs::create_dir_all(data.join(CACHE))?;
    fs::copy(seed.join(KEY), data.join(KEY))?;
    for artifact in artifacts(&seed.join(CACHE))? {
        // Another test program may have removed it meanwhile.
        let Some(name) = artifact.file_name() else {
            continue;
        };
        let copy = data.join(CACHE).join(name);
        if fs::copy(&artifact, &copy).is_ok() {
            set_modified(&copy, SystemTime::now() - PLANTED)?;
        }
    }
    Ok(())
}

fn harvest_to(seed: &Path, data: &Path) -> Result<()> {
    if !data.join(KEY).exists() {
        return Ok(());
    }
    if !seed.exists() {
        // Key and cache belong together: the folder appears whole or not at all.
        let draft = draft_of(seed);
        fs::create_dir_all(draft.join(CACHE))?;
        fs::copy(data.join(KEY), draft.join(KEY))?;
        if fs::rename(&draft, seed).is_err() {
            fs::remove_dir_all(&draft)?;
        }
    }
    if fs::read(seed.join(KEY))? != fs::read(data.join(KEY))? {
        return Ok(());
    }
    for artifact in artifacts(&data.join(CACHE))? {
        let used = fs::metadata(&artifact)?.modified()?;
        let is_used = used > SystemTime::now() - PLANTED / 2;
        let Some(name) = artifact.file_name().filter(|_| is_used) else {
            continue;
        };
        let kept = seed.join(CACHE).join(name);
        if !kept.exists() {
            let draft = draft_of(&kept);
            fs::copy(&artifact, &draft)?;
            fs::rename(&draft, &kept)?;
        }
        // Another test program may have removed it meanwhile.
        let _ = set_modified(&kept, used);
    }
    prune(&seed.join(CACHE))
}

/// Removes all but the artifacts that were used last.
fn prune(cache: &Path) -> Result<()> {
    let mut artifacts: Vec<(SystemTime, PathBuf)> = artifacts(cache)?
        .into_iter()
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    artifacts.sort_unstable();
    let old = artifacts.len().saturating_sub(KEPT);
    for (_, path) in &artifacts[..old] {
        // Another test program may have been faster.
        let _ = fs::remove_file(path);
    }
    Ok(())
}

/// The finished artifacts of a folder.
fn artifacts(cache: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for file in fs::read_dir(cache)? {
        let path = file?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "cwasm")
        {
            found.push(path);
        }
    }
    Ok(found)
}

fn set_modified(path: &Path, time: SystemTime) -> std::io::Result<()> {
    fs::File::options()
        .write(true)
        .open(path)?
        .set_modified(time)
}

/// A name beside `path` that no other test uses.
fn draft_of(path: &Path) -> PathBuf {
    path.with_extension(format!("{}.new", uuid::Uuid::new_v4()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data folder under a key, with one artifact that was used so many seconds ago.
    fn used(data: &Path, key: &str, artifact: &str, seconds: u64) {
        fs::create_dir_all(data.join(CACHE)).unwrap();
        fs::write(data.join(KEY), key).unwrap();
        let path = data.join(CACHE).join(artifact);
        fs::write(&path, artifact).unwrap();
        set_modified(&path, SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    }

    fn names(data: &Path) -> Vec<String> {
        let mut names: Vec<String> = artifacts(&data.join(CACHE))
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn artifacts_go_along_with_the_key_of_whoever_came_first() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let seed = place("seed");
        plant_from(&seed, &place("first")).unwrap();
        assert!(!place("first").exists(), "there is nothing to plant yet");
        used(&place("first"), "key 1", "a.cwasm", 1);
        used(&place("stranger"), "key 2", "b.cwasm", 2);
        for name in ["first", "stranger", "first"] {
            harvest_to(&seed, &place(name)).unwrap();
        }
        plant_from(&seed, &place("third")).unwrap();
        assert_eq!(
            fs::read_to_string(place("third").join(KEY)).unwrap(),
            "key 1"
        );
        assert_eq!(names(&place("third")), ["a.cwasm"]);
        let artifact = artifacts(&place("third").join(CACHE)).unwrap().remove(0);
        let age = fs::metadata(artifact)
            .unwrap()
            .modified()
            .unwrap()
            .elapsed();
        assert!(age.unwrap() >= PLANTED, "a use of it would not show");
    }

    #[test]
    fn of_many_artifacts_those_stay_that_were_used_last() {
        let folder = tempfile::tempdir().unwrap();
        let (seed, data) = (folder.path().join("seed"), folder.path().join("data"));
        let name = |number: u64| format!("{number:03}.cwasm");
        let all = KEPT as u64 + 10;
        for number in 1..=all {
            used(&data, "key", &name(number), 1000 - number);
        }
        // The oldest is used once more.
        used(&data, "key", &name(1), 0);
        harvest_to(&seed, &data).unwrap();
        let kept = names(&seed);
        assert_eq!(kept.len(), KEPT);
        assert_eq!(kept[..2], [name(1), name(12)]);
    }
}
