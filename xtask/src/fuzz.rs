//! `cargo xtask fuzz`: throws random bytes at everything that reads what comes from outside.

use std::fs;
use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use crate::{command, prerequisites};

/// The targets of `fuzz/`, and what cargo needs to build each.
const TARGETS: &[(&str, &[&str])] = &[
    ("pg_row", &[]),
    ("pg_messages", &[]),
    ("mysql_row", &[]),
    ("mysql_packets", &[]),
    ("arrow_intake", &["--features", "host"]),
];

/// What to fuzz, and for how long each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// One of [`TARGETS`]; all of them without.
    pub target: Option<String>,
    pub seconds: u32,
}

impl Options {
    /// Reads the command line; `None` when it makes no sense.
    pub fn parse(mut arguments: &[&str]) -> Option<Self> {
        let mut options = Self {
            target: None,
            seconds: 600,
        };
        loop {
            arguments = match arguments {
                [] => return Some(options),
                ["--seconds", seconds, rest @ ..] => {
                    options.seconds = seconds.parse().ok().filter(|seconds| *seconds > 0)?;
                    rest
                }
                [target, rest @ ..] if TARGETS.iter().any(|(name, _)| name == target) => {
                    options.target = Some((*target).to_owned());
                    rest
                }
                _ => return None,
            };
        }
    }
}

/// Fuzzes. What is found stands under `fuzz/artifacts`, with the command that repeats it above it.
///
/// # Errors
/// A finding, or a missing tool.
pub fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::find()?;
    prerequisites::libclang()?;
    if command::output(nightly(&workspace).args(["fuzz", "--version"])).is_err() {
        bail!(
            "fuzzing takes a nightly compiler and cargo-fuzz: \
             `rustup toolchain install nightly` and `cargo install cargo-fuzz`"
        );
    }
    for (target, flags) in TARGETS {
        if options.target.as_deref().is_none_or(|only| only == *target) {
            let fuzz = workspace.root.join("fuzz");
            // What is found to be interesting goes into the first; what is known to be is in the second.
            let (corpus, seeds) = (
                fuzz.join("corpus").join(target),
                fuzz.join("seeds").join(target),
            );
            fs::create_dir_all(&corpus)?;
            command::run(
                nightly(&workspace)
                    .args(["fuzz", "run"])
                    .args(*flags)
                    .arg(target)
                    .arg(corpus)
                    .args(seeds.exists().then_some(seeds))
                    .arg("--")
                    .arg(format!("-max_total_time={}", options.seconds)),
            )?;
        }
    }
    Ok(())
}

/// `cargo` of the nightly toolchain.
fn nightly(workspace: &Workspace) -> Command {
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo"])
        .current_dir(&workspace.root)
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("LD_LIBRARY_PATH");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_and_a_time_are_read_and_anything_else_is_refused() {
        let options = Options::parse(&["pg_row", "--seconds", "5"]).unwrap();
        assert_eq!(options.target.as_deref(), Some("pg_row"));
        assert_eq!(options.seconds, 5);
        assert_eq!(Options::parse(&[]).unwrap().seconds, 600);
        assert_eq!(Options::parse(&["--seconds", "0"]), None);
        assert_eq!(Options::parse(&["no_such_target"]), None);
    }
}
