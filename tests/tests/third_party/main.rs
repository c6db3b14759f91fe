//! The third party's way: the catalog, the examples, the conformance kit, inspection, and a new plugin from
//! its first file to its first answer.

mod catalog;
mod examples;
mod inspect;
mod kit;
mod page;
mod scaffold;

use std::process::Output;

use anyhow::{Context, Result, bail};
use datachat_tests::{TestServer, shows_canary};
use serde_json::Value;

/// What a command wrote to standard output, after a look for credentials; fails when its exit code is another.
fn run(server: &TestServer, arguments: &[&str], code: i32) -> Result<String> {
    let output: Output = server
        .command()?
        .env("DATACHAT_LOG", "error")
        .args(arguments)
        .output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for said in [&output.stdout, &output.stderr] {
        assert!(!shows_canary(said), "{arguments:?} shows a credential");
    }
    if output.status.code() != Some(code) {
        bail!(
            "{arguments:?} ended with {:?}: {}{}",
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr)
        );
    }
    Ok(text(&output.stdout))
}

/// The JSON that a command printed.
fn run_json(server: &TestServer, arguments: &[&str], code: i32) -> Result<Value> {
    let text = run(server, &[arguments, &["--output", "json"]].concat(), code)?;
    serde_json::from_str(&text).with_context(|| text.clone())
}
