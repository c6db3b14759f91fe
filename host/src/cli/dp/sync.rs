//! `datachat dp sync`
//!
//! On the system database of this machine the server's own code reads the folder. A server elsewhere is sent what
//! the folder holds: it is read here, and what can't be read is told here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::Method;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Contracts, Owner, folder, refused};
use crate::cli::failure::Failure;
use crate::cli::output::{Format, Printer, cell, note};
use crate::cli::server::{Server, parse};
use crate::cli::with;
use crate::config::Config;
use crate::knowledge::finding::Finding;
use crate::knowledge::folder::{self as files, SourceFile};
use crate::knowledge::{ConflictMode, datapoint};
use crate::limits::Limits;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder; without it, that of `DATAPOINTS_DIR`
    #[arg(long, value_name = "DIR")]
    datapoints_dir: Option<PathBuf>,

    #[command(flatten)]
    owner: Owner,

    /// What happens to DataPoints about the same table, metric, query or process
    #[arg(long, default_value = "error", value_parser = ConflictMode::ALL.map(ConflictMode::name))]
    conflict_mode: String,

    #[command(flatten)]
    contracts: Contracts,
}

const PATH: &str = "/api/v1/sync";

/// How often the job is looked at.
const PAUSE: Duration = Duration::from_millis(100);

pub async fn run(config: Config, args: Args, printer: Printer) -> Result<(), Failure> {
    let folder = folder(args.datapoints_dir.clone(), &config)?;
    let limits = config.limits.clone();
    let server = Server::open(config).await?;
    with(server, async |server| {
        let connection = args.owner.connection(server).await?;
        let scope = match (connection, args.owner.global_scope) {
            (Some(_), _) => "database",
            (None, true) => "global",
            (None, false) => "auto",
        };
        let source = if server.is_here() {
            Source::folder(&folder)?
        } else {
            Source::read(&folder, &limits)?
        };
        let request = Request {
            scope,
            connection_id: connection,
            conflict_mode: &args.conflict_mode,
            strict_contracts: args.contracts.strict(),
            fail_on_contract_warnings: args.contracts.fail_on_warnings,
            source,
        };
        let started = server.call(Method::POST, PATH, Some(&request)).await;
        let started = started.map_err(|failure| {
            if failure.is("request_too_large") {
                failure.hint(
                    "Sync subfolders that belong to scopes of their own, or put the folder into DATAPOINTS_DIR of \
                     the server and POST /api/v1/sync there.",
                )
            } else {
                failure
            }
        })?;
        let started = parse(&started)?;
        let job = cell(&started["job_id"]);
        let ended = follow(server, &job).await?;
        tell(&ended, printer)
    })
    .await
}

/// The body of a sync.
#[derive(Serialize)]
struct Request<'a> {
    scope: &'static str,
    connection_id: Option<uuid::Uuid>,
    conflict_mode: &'a str,
    strict_contracts: bool,
    fail_on_contract_warnings: bool,
    #[serde(flatten)]
    source: Source,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Source {
    Folder {
        datapoints_dir: String,
    },
    Read {
        datapoints: Vec<Box<RawValue>>,
        sources: Vec<Value>,
    },
}

impl Source {
    /// The folder itself, for the server of this process.
    fn folder(folder: &Path) -> Result<Self, Failure> {
        let datapoints_dir = folder
            .to_str()
            .ok_or_else(|| Failure::new(format!("{} is not a UTF-8 path", folder.display())))?;
        Ok(Self::Folder {
            datapoints_dir: datapoints_dir.to_owned(),
        })
    }

    /// What the folder holds, for a server that can't see it.
    fn read(folder: &Path, limits: &Limits) -> Result<Self, Failure> {
        let files = files::read(folder, limits)
            .map_err(|findings| refused("the folder can't be read", &findings))?;
        let mut findings = Vec::new();
        let (mut datapoints, mut sources) = (Vec::new(), Vec::new());
        for file in files {
            match items(&file) {
                Ok(items) => {
                    for item in items {
                        datapoints.push(item);
                        sources.push(json!({ "path": file.path, "tier": file.tier.name() }));
                    }
                }
                Err(found) => findings.extend(found),
            }
        }
        if findings.is_empty() {
            Ok(Self::Read {
                datapoints,
                sources,
            })
        } else {
            let message = format!("{} problem(s); nothing was changed", findings.len());
            Err(refused(message, &findings))
        }
    }
}

/// The DataPoints of a file, as they are written there.
fn items(file: &SourceFile) -> Result<Vec<Box<RawValue>>, Vec<Finding>> {
    if let Err(problems) = datapoint::read_all(&file.text) {
        let problems = problems.into_iter();
        return Err(problems
            .map(|problem| Finding::problem(&file.path, None, problem))
            .collect());
    }
    // It was read, so it is one or the other.
    let items = serde_json::from_str::<Vec<Box<RawValue>>>(&file.text);
    items
        .or_else(|_| serde_json::from_str::<Box<RawValue>>(&file.text).map(|item| vec![item]))
        .map_err(|error| {
            vec![Finding::error(
                "invalid_json",
                Some(&file.path),
                error.to_string(),
            )]
        })
}

/// Waits for the end of a job, with a bar where somebody can see it.
async fn follow(server: &Server, job: &str) -> Result<Value, Failure> {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} DataPoints") {
        bar.set_style(style);
    }
    loop {
        let status = server.get(&format!("{PATH}/status?job_id={job}")).await?;
        let count = |name: &str| status[name].as_u64().unwrap_or(0);
        if count("total_datapoints") > 0 {
            bar.set_length(count("total_datapoints"));
            bar.set_position(count("processed_datapoints"));
        }
        if status["status"] != "running" {
            bar.finish_and_clear();
            return Ok(status);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Prints how a job has ended; an end that is none of success is a failure.
fn tell(status: &Value, printer: Printer) -> Result<(), Failure> {
    if printer.format == Format::Json {
        Printer::json(status)?;
    }
    for warning in lines(&status["warnings"]) {
        note(&format!("warning: {warning}"));
    }
    if status["status"] != "completed" {
        let error = cell(&status["error"]);
        let how = cell(&status["status"]);
        return Err(
            Failure::new(format!("the sync is {how}: {error}")).lines(lines(&status["errors"]))
        );
    }
    if printer.format == Format::Json {
        return Ok(());
    }
    let change = |name: &str| cell(&status["changes"][name]);
    printer.say(&format!(
        "{} written, {} unchanged, {} deleted, {} skipped.",
        change("written"),
        change("unchanged"),
        change("deleted"),
        cell(&status["skipped"])
    ))?;
    Ok(())
}

/// Findings as they come from a server, a line each.
fn lines(findings: &Value) -> Vec<String> {
    let findings = findings.as_array().into_iter().flatten();
    findings
        .map(
            |finding| match serde_json::from_value::<Finding>(finding.clone()) {
                Ok(finding) => finding.to_string(),
                Err(_) => finding.to_string(),
            },
        )
        .collect()
}
