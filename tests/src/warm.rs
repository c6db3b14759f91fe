//! Compiled components, shared by all servers of the tests.
//!
//! Every test server has a data folder of its own and would compile the components again, for seconds each
//! time. So what the first one compiled is kept under the target folder and put into the data folders of
//! later ones. The server trusts only artifacts under its own key: the key of whoever came first goes along.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

const KEY: &str = "cache.key";
const ARTIFACTS: &str = "cache";

/// Puts what `shared` has into a new data folder.
pub(crate) fn seed(shared: &Path, data: &Path) -> io::Result<()> {
    if !shared.join(KEY).exists() {
        return Ok(());
    }
    make(&data.join(ARTIFACTS))?;
    fs::copy(shared.join(KEY), data.join(KEY))?;
    for artifact in artifacts(shared)? {
        let artifact = Path::new(ARTIFACTS).join(artifact);
        fs::copy(shared.join(&artifact), data.join(&artifact))?;
    }
    Ok(())
}

/// Keeps what a server compiled, unless its artifacts are under another key than the shared ones.
pub(crate) fn keep(data: &Path, shared: &Path) -> io::Result<()> {
    make(&shared.join(ARTIFACTS))?;
    let key = shared.join(KEY);
    publish(&data.join(KEY), &key)?;
    if fs::read(data.join(KEY))? != fs::read(&key)? {
        return Ok(());
    }
    for artifact in artifacts(data)? {
        let artifact = Path::new(ARTIFACTS).join(artifact);
        publish(&data.join(&artifact), &shared.join(&artifact))?;
    }
    Ok(())
}

/// Copies a file whole or not at all; one that is there already stays.
fn publish(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        return Ok(());
    }
    let temporary = to.with_extension(format!("{}.tmp", uuid::Uuid::new_v4()));
    fs::copy(from, &temporary)?;
    let linked = fs::hard_link(&temporary, to);
    fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The names of finished artifacts.
fn artifacts(folder: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.join(ARTIFACTS))? {
        let name = entry?.file_name();
        if name.to_string_lossy().ends_with(".cwasm") {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_go_along_with_the_key_of_whoever_came_first() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let server = |name: &str, key: &str, artifact: &str| {
            make(&place(name).join(ARTIFACTS)).unwrap();
            fs::write(place(name).join(KEY), key).unwrap();
            fs::write(place(name).join(ARTIFACTS).join(artifact), artifact).unwrap();
        };
        server("first", "key 1", "a.cwasm");
        server("stranger", "key 2", "b.cwasm");
        seed(&place("shared"), &place("first")).unwrap();
        for name in ["first", "stranger", "first"] {
            keep(&place(name), &place("shared")).unwrap();
        }
        seed(&place("shared"), &place("third")).unwrap();
        assert_eq!(
            fs::read_to_string(place("third").join(KEY)).unwrap(),
            "key 1"
        );
        assert_eq!(artifacts(&place("third")).unwrap(), ["a.cwasm"]);
    }
}
