//! `datachat plugin test`: the conformance kit on a component and a database that somebody names.

use std::path::PathBuf;

use super::read;
use crate::app::plugin_options;
use crate::cli::databases::read_url;
use crate::cli::failure::Failure;
use crate::cli::output::{Format, Printer};
use crate::config::Config;
use crate::conformance::{self, Report};
use crate::plugins::{Components, Folders, PluginOptions, Plugins};
use crate::registry::url::Parts;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The connector
    file: PathBuf,
    /// The database to try it on; `-` reads the URL from standard input, where no other user can see it
    #[arg(long)]
    url: String,
    /// A folder that it may read, by name and path. May be given several times
    #[arg(long, value_name = "NAME=PATH")]
    read: Vec<String>,
    /// How the report is written; as `--output` says if it is not given
    #[arg(long, value_enum)]
    report: Option<ReportFormat>,
}

/// `--report`
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ReportFormat {
    Text,
    Json,
}

pub async fn run(config: &Config, args: Args, printer: Printer) -> Result<(), Failure> {
    // A file that is not there is told as such, and not as a plugin that can't be loaded.
    read(&args.file)?;
    let url = read_url(args.url)?;
    let trial = Components::Trial {
        file: args.file,
        folders: folders(&args.read)?,
    };
    let options = PluginOptions {
        limits: conformance::limits(&config.limits),
        ..plugin_options(config, trial)?
    };
    let limits = options.limits.clone();
    let plugins = Plugins::load(options)
        .await
        .map_err(|error| Failure::new(error.to_string()))?;
    let Some(connector) = plugins.connectors().into_iter().next() else {
        let status = plugins.status();
        let why = status.first().and_then(|plugin| plugin.detail.clone());
        let why = why.unwrap_or_else(|| "it has tools; the kit is for connectors".to_owned());
        return Err(Failure::new(format!(
            "it is no connector that can be tried: {why}"
        )));
    };
    let refused = |error: crate::registry::url::UrlError| Failure::new(format!("the URL: {error}"));
    let parts = Parts::parse(url.reveal()).map_err(refused)?;
    let info = connector.info();
    if !info.url_schemes.contains(&parts.scheme) {
        return Err(Failure::new(format!(
            "the URL's scheme is none of {}",
            info.url_schemes.join(", ")
        )));
    }
    let target = parts.target(info).map_err(refused)?;
    let report = conformance::run(connector, target, limits).await;
    plugins.shutdown().await;
    let report = report.map_err(|error| {
        Failure::new(format!(
            "no session could be opened, so nothing was tried: {error}"
        ))
    })?;
    print(&report, args.report, printer)?;
    if report.passed {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} check(s) failed",
        report.totals.failed
    )))
}

fn print(report: &Report, format: Option<ReportFormat>, printer: Printer) -> Result<(), Failure> {
    let format = format.unwrap_or(match printer.format {
        Format::Json => ReportFormat::Json,
        Format::Table | Format::Csv => ReportFormat::Text,
    });
    match format {
        ReportFormat::Json => Printer::json(report)?,
        ReportFormat::Text => {
            use std::io::Write as _;
            writeln!(std::io::stdout().lock(), "{report}")?;
        }
    }
    Ok(())
}

/// `NAME=PATH` pairs, with real paths.
fn folders(pairs: &[String]) -> Result<Folders, Failure> {
    pairs
        .iter()
        .map(|pair| {
            let (name, path) = pair
                .split_once('=')
                .ok_or_else(|| Failure::usage(format!("{pair:?} is not of the form NAME=PATH")))?;
            let real = PathBuf::from(path)
                .canonicalize()
                .map_err(|error| Failure::new(format!("{path} can't be read: {error}")))?;
            Ok((name.to_owned(), real))
        })
        .collect()
}
