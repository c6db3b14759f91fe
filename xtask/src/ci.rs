//! `cargo xtask ci`: what a change must pass, in the order in which it fails fastest.

use anyhow::Result;

use crate::route::{Choice, Route};
use crate::workspace::{Workspace, cargo};
use crate::{command, plugins, prerequisites, rehearsal, test};

/// Format, lints (host natively, components for their own target), docs, tests, the release's way of carrying the
/// components, the demo.
///
/// # Errors
/// The first step that fails.
pub fn run() -> Result<()> {
    let workspace = Workspace::find()?;
    let cargo = |arguments: &[&str]| {
        let mut command = cargo();
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
    match Route::find(&workspace, Choice::Automatic)? {
        route @ Route::Rustup => command::run(&mut plugins::clippy(&route, &workspace))?,
        Route::Debian { .. } => {
            eprintln!("components: no lints for their target, for Debian's compiler has none");
        }
    }
    command::run(
        cargo(&["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    test::run(&[])?;
    // With the whole workspace's features otherwise, so that all dependencies are checked already.
    command::run(&mut cargo(&[
        "check",
        "--workspace",
        "--features",
        "datachat/embed-plugins,datachat-retrieval/rivals",
    ]))?;
    rehearsal::run()
}
