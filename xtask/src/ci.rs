//! `cargo xtask ci`: what a change must pass, in the order in which it fails fastest.

use std::process::Command;

use anyhow::Result;

use crate::workspace::{Workspace, cargo};
use crate::{command, prerequisites, test};

/// Format, lints, tests, docs.
///
/// # Errors
/// The first step that fails.
pub fn run() -> Result<()> {
    let workspace = Workspace::find()?;
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(cargo());
        command.args(arguments).current_dir(&workspace.root);
        command
    };
    command::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    prerequisites::libclang()?;
    command::run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    test::run(&[])?;
    command::run(
        cargo(&["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"),
    )
}
