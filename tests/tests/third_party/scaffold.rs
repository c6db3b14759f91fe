//! A stranger's tool: written by `plugin new`, built on the route that this machine has, tested, inspected,
//! installed and used. Compiled code is kept in the target folder, so that only the first run takes minutes.
//! The connector's way is that of `page.rs`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use datachat_tests::{CANARY, Options, Postgres, ServerOptions, TestServer};
use serde_json::json;

use crate::{run, run_json};

/// Cargo's target folder.
pub fn target_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.ancestors().nth(3);
    folder
        .map(PathBuf::from)
        .context("not in cargo's target folder")
}

/// The versions that this project builds with.
pub fn own_lock() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock")
}

/// Takes away what cargo tells the tests that it runs; a stranger's shell has none of it.
pub fn strangers_environment(command: &mut Command) {
    for (name, value) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let told = ["CARGO_", "RUSTC", "RUSTFLAGS", "LD_LIBRARY_PATH"];
        let tool = ["CARGO_HOME", "RUSTUP_HOME", "HOME"].contains(&text.as_ref());
        if tool {
            command.env(&name, value);
        } else if told.iter().any(|begin| text.starts_with(begin)) || text == "CARGO" {
            command.env_remove(&name);
        }
    }
}

/// Runs a program in the plugin's folder.
fn shell(folder: &Path, target: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    strangers_environment(&mut command);
    let output = command
        .args(arguments)
        .env("CARGO_TARGET_DIR", target)
        .current_dir(folder)
        .output()?;
    if !output.status.success() {
        bail!(
            "{program} {arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_new_tool_builds_and_answers() -> Result<()> {
    let postgres = Postgres::start(Options::new(CANARY).database("shop"))?;
    postgres.psql(
        "shop",
        "CREATE TABLE orders AS SELECT generate_series(1, 42) AS id",
    )?;
    let server = TestServer::start(ServerOptions::new("plugin-new")).await?;
    let shop = server
        .register("shop", &postgres.superuser_url("shop"))
        .await?;
    let folder = server.folder().join("row-count");
    let path = folder.to_str().context("a path in UTF-8")?;
    let new = ["plugin", "new", "tool", "row-count", "--path", path];
    run(&server, &new, 0)?;
    // What is there is left alone.
    run(&server, &new, 1)?;
    run(&server, &["plugin", "new", "tool", "Row Count"], 2)?;
    std::fs::copy(own_lock(), folder.join("Cargo.lock"))?;
    let target = target_folder()?;
    shell(
        &folder,
        &target.join("plugin-new"),
        "cargo",
        &["test", "--quiet"],
    )?;
    shell(&folder, &target, "./build.sh", &[])?;

    let component = format!("{path}/row-count.wasm");
    let seen = run_json(&server, &["plugin", "inspect", &component], 0)?;
    assert_eq!(seen["says"][0]["name"], "row_count");
    run(
        &server,
        &["plugin", "install", &component, "--name", "row-count"],
        0,
    )?;
    let arguments = [
        "tools",
        "run",
        "row_count",
        "--arg",
        "table=orders",
        "--target-database",
        &shop,
    ];
    let answer = run_json(&server, &arguments, 0)?;
    assert_eq!(answer["result"], json!({"table": "orders", "rows": 42}));
    Ok(())
}
