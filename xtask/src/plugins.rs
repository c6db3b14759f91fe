//! `cargo xtask plugins`: builds the components and puts them where the server looks.
//!
//! Cargo decides what is out of date. A component is copied only when its bytes changed, so that a server
//! that watches or caches by content sees no spurious news.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;
use crate::route::{Choice, Route, TARGET};
use crate::workspace::Workspace;

/// The shipped components: the package, and the name of its file.
const SHIPPED: &[(&str, &str)] = &[
    ("datachat-clickhouse", "clickhouse"),
    ("datachat-knowledge-tools", "knowledge-tools"),
    ("datachat-mysql", "mysql"),
    ("datachat-postgres", "postgres"),
    ("datachat-profiling-tools", "profiling-tools"),
    ("datachat-sql-tools", "sql-tools"),
];

/// Components that show how one is written; they are not part of the server.
const EXAMPLES: &[(&str, &str)] = &[
    ("datachat-example-csv", "csv"),
    ("datachat-example-column-stats", "column-stats"),
];

/// The package whose examples are the components that attack the host.
pub const HOSTILE: &str = "datachat-hostile";

/// The profile of `Cargo.toml` that components are built with.
const PROFILE: &str = "plugin";

/// What to build, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The hostile fixtures too.
    pub hostile: bool,
    /// The example plugins too.
    pub examples: bool,
    pub choice: Choice,
}

impl Options {
    /// Reads the command line; `None` when it makes no sense.
    pub fn parse(mut arguments: &[&str]) -> Option<Self> {
        let mut options = Self {
            hostile: false,
            examples: false,
            choice: Choice::Automatic,
        };
        loop {
            arguments = match arguments {
                [] => return Some(options),
                ["--hostile", rest @ ..] => {
                    options.hostile = true;
                    rest
                }
                ["--examples", rest @ ..] => {
                    options.examples = true;
                    rest
                }
                ["--route", "rustup", rest @ ..] => {
                    options.choice = Choice::Rustup;
                    rest
                }
                ["--route", "debian", rest @ ..] => {
                    options.choice = Choice::Debian;
                    rest
                }
                _ => return None,
            };
        }
    }
}

/// Builds and collects.
///
/// # Errors
/// When there is no way to compile for the target, or cargo fails.
pub fn run(options: Options) -> Result<()> {
    let workspace = Workspace::find()?;
    let route = Route::find(&workspace, options.choice)?;
    let built = workspace.target.join("guests").join(TARGET).join(PROFILE);
    build_libraries(&workspace, &route, &built, SHIPPED, &workspace.plugins())?;
    if options.examples {
        // A call of its own: what is built together shares features, and so do the shipped ones' bytes.
        let folder = workspace.example_plugins();
        build_libraries(&workspace, &route, &built, EXAMPLES, &folder)?;
    }
    if options.hostile {
        build_hostile(&workspace, &route, &built)?;
    }
    Ok(())
}

/// Builds packages and collects their components in a folder.
fn build_libraries(
    workspace: &Workspace,
    route: &Route,
    built: &Path,
    packages: &[(&str, &str)],
    folder: &Path,
) -> Result<()> {
    let mut build = route.cargo(workspace, "build");
    build.args(["--profile", PROFILE, "--lib"]);
    for (package, _) in packages {
        build.args(["--package", package]);
    }
    command::run(&mut build)?;
    for (package, name) in packages {
        let file = built.join(package.replace('-', "_")).with_extension("wasm");
        collect(&file, &folder.join(name).with_extension("wasm"))?;
    }
    Ok(())
}

/// The lints of everything that is built for the components' target.
pub fn clippy(route: &Route, workspace: &Workspace) -> Command {
    let mut command = route.cargo(workspace, "clippy");
    command.args(["--profile", PROFILE, "--lib", "--examples"]);
    for (package, _) in SHIPPED.iter().chain(EXAMPLES) {
        command.args(["--package", package]);
    }
    command.args(["--package", HOSTILE, "--", "-D", "warnings"]);
    command
}

/// Builds the fixtures, and removes those whose source is gone.
fn build_hostile(workspace: &Workspace, route: &Route, built: &Path) -> Result<()> {
    let sources = workspace.root.join("tests/hostile/examples");
    let names = names_of(&sources, "rs")?;
    let folder = workspace.hostile_plugins();
    for stale in names_of(&folder, "wasm")? {
        if !names.contains(&stale) {
            std::fs::remove_file(folder.join(&stale).with_extension("wasm"))?;
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    command::run(route.cargo(workspace, "build").args([
        "--profile",
        PROFILE,
        "--package",
        HOSTILE,
        "--examples",
    ]))?;
    for name in names {
        collect(
            &built.join("examples").join(&name).with_extension("wasm"),
            &folder.join(&name).with_extension("wasm"),
        )?;
    }
    Ok(())
}

/// The stems of the files in a folder with an extension; none when there is no folder.
fn names_of(folder: &Path, extension: &str) -> Result<Vec<String>> {
    let Ok(files) = std::fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for file in files {
        let path = file?.path();
        if path.extension().is_some_and(|found| found == extension) {
            names.extend(
                path.file_stem()
                    .map(|stem| stem.to_string_lossy().into_owned()),
            );
        }
    }
    names.sort();
    Ok(names)
}

/// Copies a built component to its place if its bytes differ.
fn collect(built: &Path, place: &Path) -> Result<()> {
    let bytes = std::fs::read(built)
        .with_context(|| format!("cargo made no component {}", built.display()))?;
    // The first bytes of a component; a core module differs in the last four.
    if !bytes.starts_with(b"\0asm\x0d\0\x01\0") {
        bail!("{} is not a component", built.display());
    }
    if std::fs::read(place).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = place.parent().context("a place without a folder")?;
    std::fs::create_dir_all(folder)?;
    // Renamed into place: a server that starts meanwhile reads the old file or the new one, never half.
    let temporary = place.with_extension("wasm.new");
    std::fs::write(&temporary, &bytes)?;
    std::fs::rename(&temporary, place)?;
    eprintln!("  {} ({} KiB)", place.display(), bytes.len() / 1024);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_any_order_and_nonsense_is_refused() {
        let all = Options {
            hostile: true,
            examples: true,
            choice: Choice::Debian,
        };
        assert_eq!(
            Options::parse(&["--hostile", "--examples", "--route", "debian"]),
            Some(all)
        );
        assert_eq!(
            Options::parse(&["--route", "debian", "--examples", "--hostile"]),
            Some(all)
        );
        assert_eq!(Options::parse(&["--route"]), None);
        assert_eq!(Options::parse(&["--route", "npm"]), None);
        assert_eq!(Options::parse(&["all"]), None);
    }
}
