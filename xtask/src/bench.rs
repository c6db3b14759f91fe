//! `cargo xtask bench`: measures an optimised build and writes `docs/benchmarks.md`; with `retrieval` the page about the
//! search for DataPoints, with `chat` the part of the page about questions.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::route::Choice;
use crate::workspace::{Workspace, cargo};
use crate::{command, plugins, prerequisites, test};

/// Downloading some wheels; without a network there is no such baseline.
const PIP_PATIENCE: Duration = Duration::from_mins(5);

const INTRODUCTION: &str = "\
# Benchmarks

How fast DataPoints are found stands in [benchmarks-retrieval.md](benchmarks-retrieval.md).

`cargo xtask bench` writes this page. Component and native driver read the same rows of the same server into the same
Arrow columns, taking turns within one run; each figure is a median. \"Native ÷ component\" above 1 means that the
component is faster. The component's time includes the statement's policy, its read-only transaction, the sandbox, and
the host's check of the Arrow stream; the native driver (`tokio-postgres`) has its statement prepared and does none of
that.

What limits: a short statement pays for its transaction and its time limit; a converted ClickHouse column is decoded
and encoded once more, where Arrow's own reader leaves it as it is. A server that compiles its components, at its first start, holds about
100 MiB more than the one of the JSON case, which takes them from the cache.

";

/// Builds, measures, writes the page; `quick` only shows that it runs, and writes nothing.
///
/// # Errors
/// When something can't be built or a case fails.
pub fn run(quick: bool) -> Result<()> {
    let workspace = Workspace::find()?;
    prerequisites::libclang()?;
    prerequisites::postgres()?;
    prerequisites::mariadb()?;
    prerequisites::clickhouse(&workspace)?;
    plugins::run(plugins::Options {
        hostile: false,
        examples: false,
        choice: Choice::Automatic,
    })?;
    command::run(
        cargo()
            .args(["build", "--release", "--workspace"])
            .args(["--bin", "datachat", "--bin", "datachat-bench"])
            .current_dir(&workspace.root),
    )?;
    let mut bench = Command::new(workspace.target.join("release/datachat-bench"));
    if quick {
        bench.arg("--quick");
    }
    if let Some(python) = python(&workspace) {
        bench.env("BENCH_PYTHON", python);
    }
    eprintln!("$ datachat-bench");
    let report = command::output(&mut bench)?;
    print!("{report}");
    if !quick {
        let questions = questions(&page(&workspace)?);
        write(&workspace, &format!("{INTRODUCTION}{report}{questions}"))?;
    }
    Ok(())
}

/// What the part of the page about questions begins with.
const QUESTIONS: &str = "## Questions\n";

const ABOUT_QUESTIONS: &str = "
`cargo xtask bench chat` writes this part. Each labelled question for tuning that is planned takes turns with its own
statement, sent to `/query` of the same server: the difference is what it costs to read, plan and say it. The first
event is the first piece of the stream, on an open connection.

";

/// Builds, measures, and writes the part of the page about questions; `quick` only shows that it runs.
///
/// # Errors
/// When something can't be built or a server does not start.
pub fn chat(quick: bool) -> Result<()> {
    let workspace = Workspace::find()?;
    test::prepare(&workspace)?;
    command::run(
        cargo()
            .args(["build", "--release", "--workspace"])
            .args(["--bin", "measure-chat", "--bin", "datachat-under-test"])
            .current_dir(&workspace.root),
    )?;
    let report = measured(&workspace, "measure-chat", quick)?;
    if !quick {
        let page = page(&workspace)?;
        let rest = page.replace(&questions(&page), "");
        let rest = rest.trim_end();
        write(
            &workspace,
            &format!("{rest}\n\n{QUESTIONS}{ABOUT_QUESTIONS}{report}"),
        )?;
    }
    Ok(())
}

/// What an optimised program prints.
fn measured(workspace: &Workspace, program: &str, quick: bool) -> Result<String> {
    let mut bench = Command::new(workspace.target.join("release").join(program));
    if quick {
        bench.arg("--quick");
    }
    eprintln!("$ {program}");
    let report = command::output(&mut bench)?;
    print!("{report}");
    Ok(report)
}

/// The page as it is.
fn page(workspace: &Workspace) -> Result<String> {
    Ok(std::fs::read_to_string(
        workspace.root.join("docs/benchmarks.md"),
    )?)
}

/// Its part about questions, which is the last; empty if there is none.
fn questions(page: &str) -> String {
    page.find(QUESTIONS)
        .map(|at| page[at..].to_owned())
        .unwrap_or_default()
}

fn write(workspace: &Workspace, page: &str) -> Result<()> {
    let path = workspace.root.join("docs/benchmarks.md");
    std::fs::write(&path, page)?;
    eprintln!("written: {}", path.display());
    Ok(())
}

const RETRIEVAL: &str = "\
# Benchmarks of retrieval

`cargo xtask bench retrieval` writes this page. Our search and the others are asked the same questions, one after the
other. Entries and vectors are made up, of 200 topics; the sizes of scopes are skewed as 1 / rank.
\"Ours\" is the same search that a request gets, restricted to vectors where it is compared with indexes of vectors.

";

/// Builds, measures, writes the page about retrieval; `quick` only shows that it runs, and writes nothing.
///
/// # Errors
/// When something can't be built or a case fails.
pub fn retrieval(quick: bool) -> Result<()> {
    let workspace = Workspace::find()?;
    prerequisites::libclang()?;
    command::run(
        cargo()
            .args(["build", "--release", "--workspace"])
            .args(["--features", "datachat-retrieval/rivals"])
            .args(["--bin", "measure-retrieval"])
            .current_dir(&workspace.root),
    )?;
    let report = measured(&workspace, "measure-retrieval", quick)?;
    if !quick {
        let page = workspace.root.join("docs/benchmarks-retrieval.md");
        std::fs::write(&page, format!("{RETRIEVAL}{report}"))?;
        eprintln!("written: {}", page.display());
    }
    Ok(())
}

/// What is measured in Python: the modules, and the packages that have them.
const RIVALS: [(&str, &[&str]); 2] = [
    (
        "adbc_driver_postgresql",
        &["adbc-driver-postgresql", "pyarrow"],
    ),
    ("connectorx", &["connectorx", "pyarrow"]),
];

/// A Python with the drivers that are measured there, in a virtual environment of its own, if one can be made.
fn python(workspace: &Workspace) -> Option<PathBuf> {
    let folder = workspace.target.join("bench-python");
    let python = folder.join("bin/python");
    let has = |module: &str| {
        let import = format!("import {module}, pyarrow");
        command::output(Command::new(&python).args(["-c", &import])).is_ok()
    };
    if !RIVALS.iter().all(|(module, _)| has(module)) {
        command::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .inspect_err(|error| eprintln!("without drivers in Python: {error:#}"))
            .ok()?;
        for (module, packages) in RIVALS {
            command::succeeds_within(
                Command::new(&python)
                    .args(["-m", "pip", "install", "--quiet"])
                    .args(packages),
                PIP_PATIENCE,
            );
            if !has(module) {
                eprintln!("without {module}: pip can't install it");
            }
        }
    }
    RIVALS
        .iter()
        .any(|(module, _)| has(module))
        .then_some(python)
}
