//! `cargo xtask eval`: how well something is done, on examples that people have labelled.

use std::process::Command;

use anyhow::Result;

use crate::workspace::{Workspace, cargo};
use crate::{command, model, prerequisites, test};

/// Asks the labelled questions of `datapoints/eval/retrieval.jsonl` that are for tuning and prints how well they
/// were answered. `--sweep` tries many weights on them, `--holdout` asks the others, too.
///
/// # Errors
/// When it can't be built, or a label is wrong.
pub fn retrieval(mode: Option<&str>) -> Result<()> {
    let workspace = Workspace::find()?;
    prerequisites::libclang()?;
    model::if_possible();
    command::run(
        cargo()
            .args(["build", "--workspace", "--bin", "evaluate-retrieval"])
            .current_dir(&workspace.root),
    )?;
    let mut evaluate = Command::new(workspace.target.join("debug/evaluate-retrieval"));
    evaluate.arg(workspace.root.join("datapoints")).args(mode);
    command::run(&mut evaluate)
}

/// Asks the labelled questions of `datapoints/eval/chat.jsonl` and prints how well they were answered, on three
/// engines: those for tuning with what went wrong, with `--holdout` those held out, with nothing but numbers. With
/// `--set DIR` the questions are those of that folder.
///
/// # Errors
/// When it can't be built, a server does not start, or the set is none.
pub fn chat(arguments: &[&str]) -> Result<()> {
    let workspace = Workspace::find()?;
    test::prepare(&workspace)?;
    command::run(
        cargo()
            .args([
                "build",
                "--workspace",
                "--bin",
                "evaluate-chat",
                "--bin",
                "datachat-under-test",
            ])
            .current_dir(&workspace.root),
    )?;
    let mut evaluate = Command::new(workspace.target.join("debug/evaluate-chat"));
    command::run(evaluate.args(arguments))
}
