//! Build automation: everything that takes more than one cargo call.
//!
//! One file a command. It depends on next to nothing, so that a fresh clone has it within seconds,
//! and it asks the machine what it has instead of assuming: each tool that is missing is either installed
//! (where we may) or named with the command that installs it.

mod apt;
mod bench;
mod ci;
mod command;
mod demo;
mod eval;
mod fuzz;
mod http;
mod model;
mod plugins;
mod prerequisites;
mod rehearsal;
mod route;
mod signals;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;

const USAGE: &str = "\
cargo xtask <command>

  demo [--once]
             build everything, start a throw-away PostgreSQL and the server, show both at work
             and stay up until Ctrl-C (with --once: end there)
  plugins [--examples] [--hostile] [--route rustup|debian]
             build the WebAssembly components into <target>/plugins (the examples into
             <target>/plugins-examples)
  model      put the embedding model into the user's cache, where servers look for it
  test [-- ARGS]
             build the components and run every test; ARGS go to `cargo test`
  bench [--quick]
             measure an optimised build against native drivers and write docs/benchmarks.md
  bench retrieval [--quick]
             measure the search for DataPoints against others and write docs/benchmarks-retrieval.md
  bench chat [--quick]
             measure what planned questions cost over their statements and write that part of
             docs/benchmarks.md
  eval retrieval [--sweep|--holdout]
             ask the labelled questions of datapoints/eval that are for tuning and say how well they
             were answered (--sweep: with many weights; --holdout: the others, too)
  eval chat [--holdout]
             ask the labelled questions of the chat that are for tuning, on three engines
             (--holdout: the others, for their numbers)
  eval chat --set DIR [--format spider|bird|sql-eval] [--evidence]
             ask the questions of a folder in the format of Spider, BIRD or sql-eval, on PostgreSQL
             (--evidence: with what the set tells beside them)
  fuzz [TARGET] [--seconds N] [--keep]
             throw random bytes at what reads foreign bytes, 600 s a target
  ci         format, lints, tests, the demo and docs: what a change must pass
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command; `false` when the arguments name none.
fn dispatch(arguments: &[&str]) -> Result<bool> {
    let Some((&name, rest)) = arguments.split_first() else {
        return Ok(false);
    };
    match name {
        "demo" if rest.is_empty() || rest == ["--once"] => {
            demo::run(!rest.is_empty()).map(|()| true)
        }
        "bench" if rest.is_empty() || rest == ["--quick"] => {
            bench::run(!rest.is_empty()).map(|()| true)
        }
        "bench" if matches!(rest, ["retrieval"] | ["retrieval", "--quick"]) => {
            bench::retrieval(rest.len() > 1).map(|()| true)
        }
        "bench" if matches!(rest, ["chat"] | ["chat", "--quick"]) => {
            bench::chat(rest.len() > 1).map(|()| true)
        }
        "eval"
            if matches!(
                rest,
                ["chat"] | ["chat", "--holdout"] | ["chat", "--set", _, ..]
            ) =>
        {
            eval::chat(&rest[1..]).map(|()| true)
        }
        "eval" if matches!(rest, ["retrieval"] | ["retrieval", "--sweep" | "--holdout"]) => {
            eval::retrieval(rest.get(1).copied()).map(|()| true)
        }
        "fuzz" => match fuzz::Options::parse(rest) {
            Some(options) => fuzz::run(&options).map(|()| true),
            None => Ok(false),
        },
        "model" if rest.is_empty() => model::run().map(|()| true),
        "plugins" => match plugins::Options::parse(rest) {
            Some(options) => plugins::run(options).map(|()| true),
            None => Ok(false),
        },
        "test" => test::run(rest.strip_prefix(&["--"]).unwrap_or(rest)).map(|()| true),
        "ci" if rest.is_empty() => ci::run().map(|()| true),
        _ => Ok(false),
    }
}
