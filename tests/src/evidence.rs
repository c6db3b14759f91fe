//! What servers said, kept for a search after the tests.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// Cargo's target folder: test programs stand in `<target>/<profile>/deps`.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    program
        .ancestors()
        .nth(3)
        .map(PathBuf::from)
        .context("this test does not run from cargo's target folder")
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
