//! `cargo xtask test`: the components, every test, and a search for leaked credentials.
//!
//! Tests give servers passwords that contain one known text. Afterwards everything that was said while they
//! ran is searched for it: the tests' own output, and what servers logged and answered, which the tests
//! leave in a folder.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use datachat_throwaway::shows_canary;

use crate::route::Choice;
use crate::workspace::{Workspace, cargo};
use crate::{model, plugins, prerequisites};

/// Builds the components and runs the tests of the whole workspace, the guests' protocol code natively.
/// `arguments` go to `cargo test`.
///
/// # Errors
/// When something can't be built, a test fails, or a credential was seen.
pub fn run(arguments: &[&str]) -> Result<()> {
    let workspace = Workspace::find()?;
    prepare(&workspace)?;
    let logs = workspace.test_logs();
    if logs.exists() {
        fs::remove_dir_all(&logs)?;
    }
    fs::create_dir_all(&logs)?;
    let tested = run_recorded(
        cargo()
            // The hostile components have no tests of their own, and a component's exports have names that a
            // native linker refuses.
            .args(["test", "--workspace", "--exclude", plugins::HOSTILE])
            .args(arguments)
            .current_dir(&workspace.root),
        &logs.join("cargo-test.log"),
    );
    let searched = search(&logs);
    match (tested, searched) {
        // A leak is told even when a test has failed, too.
        (Err(tested), Err(leaked)) => Err(tested.context(leaked)),
        (tested, searched) => tested.and(searched),
    }
}

/// Sees to servers, model and components.
///
/// # Errors
/// What is missing, and how to get it.
pub fn prepare(workspace: &Workspace) -> Result<()> {
    prerequisites::libclang()?;
    prerequisites::postgres()?;
    prerequisites::mariadb()?;
    prerequisites::clickhouse(workspace)?;
    model::if_possible();
    plugins::run(plugins::Options {
        hostile: true,
        examples: true,
        choice: Choice::Automatic,
    })
}

/// Runs a command, its output on ours and in a file.
fn run_recorded(command: &mut Command, file: &Path) -> Result<()> {
    eprintln!("$ cargo test --workspace");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("can't start cargo")?;
    let record = fs::File::create(file)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        let record = &record;
        scope.spawn(move || tee(stdout, std::io::stdout(), record));
        scope.spawn(move || tee(stderr, std::io::stderr(), record));
    });
    let status = child.wait()?;
    if !status.success() {
        bail!("`cargo test` failed ({status})");
    }
    Ok(())
}

/// Copies as it comes: what a test prints must not wait for the end of the test.
fn tee(from: Option<impl Read>, mut to: impl Write, mut record: &fs::File) {
    let Some(mut from) = from else { return };
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        // A closed terminal must not keep the record from being written, nor the reverse.
        let _ = to.write_all(&buffer[..read]).and_then(|()| to.flush());
        let _ = record.write_all(&buffer[..read]);
    }
}

/// Fails when a file under `folder` shows the credential.
fn search(folder: &Path) -> Result<()> {
    let mut files = 0;
    let mut leaks: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            files += 1;
            if shows_canary(&fs::read(&path)?) {
                leaks.push(path);
            }
        }
    }
    if !leaks.is_empty() {
        bail!("a credential was seen in {leaks:?}");
    }
    eprintln!(
        "no credential in {files} logs and records ({})",
        folder.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datachat_throwaway::{CANARY, Folder, Owner};

    #[test]
    fn a_credential_in_any_file_of_the_folder_fails_the_search() {
        let folder = Folder::create("datachat-search", Owner::Ourselves).unwrap();
        fs::write(folder.path().join("clean.log"), "nothing").unwrap();
        assert!(search(folder.path()).is_ok());
        fs::write(folder.path().join("leak.log"), format!("url=x:{CANARY}@y")).unwrap();
        assert!(
            search(folder.path())
                .unwrap_err()
                .to_string()
                .contains("leak.log")
        );
    }
}
