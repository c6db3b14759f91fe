//! `cargo xtask test`: the components, then every test.

use std::process::Command;

use anyhow::Result;

use crate::route::Choice;
use crate::workspace::{Workspace, cargo};
use crate::{command, plugins, prerequisites};

/// Builds the components and runs the tests of the whole workspace, the guests' protocol code natively.
/// `arguments` go to `cargo test`.
///
/// # Errors
/// When something can't be built or a test fails.
pub fn run(arguments: &[&str]) -> Result<()> {
    let workspace = Workspace::find()?;
    prerequisites::libclang()?;
    plugins::run(plugins::Options {
        hostile: true,
        choice: Choice::Automatic,
    })?;
    command::run(
        Command::new(cargo())
            .args(["test", "--workspace"])
            .args(arguments)
            .current_dir(&workspace.root),
    )
}
