//! What servers said, kept for a search after the tests.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// The folder of the profile that was built: programs stand in it, tests in `deps` below it.
pub(crate) fn profile_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program
        .parent()
        .context("this program does not run from cargo's target folder")?;
    Ok(match folder.file_name() {
        Some(name) if name == "deps" => folder.with_file_name(""),
        _ => folder.to_owned(),
    })
}

/// Cargo's target folder.
pub(crate) fn target_folder() -> Result<PathBuf> {
    profile_folder()?
        .parent()
        .map(PathBuf::from)
        .context("this program does not run from cargo's target folder")
}

/// Where tests leave what servers logged and answered.
///
/// # Errors
/// When it can't be made.
pub fn log_folder() -> Result<PathBuf> {
    let folder = target_folder()?.join("test-logs");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
