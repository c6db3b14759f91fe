//! `cargo xtask fuzz`: throws random bytes at everything that reads what comes from outside.
//!
//! What a run learns stays under the target folder. `--keep` then takes over into `fuzz/corpus`, which is
//! committed, what reaches code that nothing there reached, as long as it is small.

use std::path::Path;
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
    ("clickhouse_type", &[]),
    ("clickhouse_rows", &[]),
    ("model_events", &[]),
    ("arrow_intake", &["--features", "host"]),
];

/// The longest input that is kept, in bytes.
const LONGEST_KEPT: usize = 256;

/// What to fuzz, and for how long each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// One of [`TARGETS`]; all of them without.
    pub target: Option<String>,
    pub seconds: u32,
    /// Take what was learnt over into the committed corpus.
    pub keep: bool,
}

impl Options {
    /// Reads the command line; `None` when it makes no sense.
    pub fn parse(mut arguments: &[&str]) -> Option<Self> {
        let mut options = Self {
            target: None,
            seconds: 600,
            keep: false,
        };
        loop {
            arguments = match arguments {
                [] => return Some(options),
                ["--keep", rest @ ..] => {
                    options.keep = true;
                    rest
                }
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
            let kept = workspace.root.join("fuzz/corpus").join(target);
            let learnt = workspace.target.join("fuzz-corpus").join(target);
            std::fs::create_dir_all(&kept)?;
            std::fs::create_dir_all(&learnt)?;
            let run = |folders: [&Path; 2], arguments: &[String]| {
                command::run(
                    nightly(&workspace)
                        .args(["fuzz", "run"])
                        .args(*flags)
                        .arg(target)
                        .args(folders)
                        .arg("--")
                        .args(arguments),
                )
            };
            // New inputs go to the first folder.
            let time = format!("-max_total_time={}", options.seconds);
            run([&learnt, &kept], &[time])?;
            if options.keep {
                let longest = format!("-max_len={LONGEST_KEPT}");
                run([&kept, &learnt], &["-merge=1".to_owned(), longest])?;
            }
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
        let options = Options::parse(&["pg_row", "--seconds", "5", "--keep"]).unwrap();
        assert_eq!(options.target.as_deref(), Some("pg_row"));
        assert_eq!(options.seconds, 5);
        assert!(options.keep);
        let all = Options::parse(&[]).unwrap();
        assert_eq!((all.target, all.seconds, all.keep), (None, 600, false));
        assert_eq!(Options::parse(&["--seconds", "0"]), None);
        assert_eq!(Options::parse(&["no_such_target"]), None);
    }
}
