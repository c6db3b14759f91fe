//! docs/plugins.md, followed as a stranger would: the commands of its first section, in order, in an empty
//! folder.

use std::process::Command;

use anyhow::{Context, Result};
use datachat_tests::{ServerOptions, TestServer, shows_canary};

use crate::scaffold::{own_lock, strangers_environment, target_folder};

/// The commands of a section.
fn commands(page: &str, section: &str) -> String {
    let text = page
        .split("\n## ")
        .find(|text| text.starts_with(section))
        .unwrap_or_default();
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .filter_map(|block| block.split("```").next())
        .collect()
}

#[tokio::test]
async fn a_stranger_gets_from_nothing_to_an_answer() -> Result<()> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/plugins.md");
    let page = std::fs::read_to_string(page)?;
    let commands = commands(&page, "A connector, step by step");
    assert_eq!(commands.lines().count(), 11, "{commands}");
    let server = TestServer::start(ServerOptions::new("plugin-page")).await?;
    let target = target_folder()?;
    // What is compiled already need not be compiled again: our versions, and folders that stay.
    let script = format!(
        "set -eu\n\
         datachat() {{ echo \"$ datachat $*\"; \"$PROGRAM\" \"$@\"; }}\n\
         cargo() {{ cp {lock:?} Cargo.lock; CARGO_TARGET_DIR={native:?} command cargo \"$@\"; }}\n\
         {commands}",
        lock = own_lock(),
        native = target.join("plugin-new"),
    );
    let ours = server.command()?;
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script]).current_dir(server.folder());
    for (name, value) in ours.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    strangers_environment(&mut shell);
    let output = shell
        .env("PROGRAM", ours.get_program())
        .env("CARGO_TARGET_DIR", &target)
        .env("DATACHAT_LOG", "error")
        .output()?;
    let said = String::from_utf8(output.stdout).context("text")?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(!shows_canary(said.as_bytes()));
    for (after, expected) in [
        ("plugin inspect", "datachat:plugin@0.1.0"),
        ("plugin test", " passed, 0 failed, "),
        ("plugin install", "my-store"),
        ("query", "Mercury"),
        ("plugin list", "my-store"),
        ("plugin remove", "my-store is removed."),
    ] {
        let part = said
            .split("$ datachat ")
            .find(|part| part.starts_with(after))
            .unwrap_or_default();
        assert!(part.contains(expected), "{after}: {said}");
    }
    Ok(())
}

#[test]
fn commands_are_those_of_the_section_alone() {
    let page =
        "# x\n\n## A\n\n```sh\none\n```\ntext\n```sh\ntwo\nthree\n```\n## B\n```sh\nfour\n```\n";
    assert_eq!(commands(page, "A"), "one\ntwo\nthree\n");
}
