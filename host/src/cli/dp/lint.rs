//! `datachat dp lint`
//!
//! It concerns the files and the connectors of this machine and asks no server: connections that files name are not
//! looked up.

use std::path::PathBuf;

use serde_json::json;

use super::{Contracts, folder, refused};
use crate::app::open_plugins;
use crate::cli::failure::Failure;
use crate::cli::output::{Format, Printer, note};
use crate::config::Config;
use crate::knowledge::ConflictMode;
use crate::knowledge::sync::lint;
use crate::plugins::Dialect;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder; without it, that of `DATAPOINTS_DIR`
    #[arg(long, value_name = "DIR")]
    datapoints_dir: Option<PathBuf>,

    #[command(flatten)]
    contracts: Contracts,
}

pub async fn run(config: Config, args: Args, printer: Printer) -> Result<(), Failure> {
    let folder = folder(args.datapoints_dir, &config)?;
    let plugins = open_plugins(&config).await?;
    let contracts = args.contracts.into();
    let limits = config.limits.clone();
    // Reads files, and parses.
    let linted = tokio::task::spawn_blocking(move || {
        let dialect_of = |database_type: &str| -> Option<Dialect> {
            let connector = plugins.connector(database_type)?;
            Some(connector.info().dialect)
        };
        lint(
            &folder,
            ConflictMode::Error,
            contracts,
            &dialect_of,
            &limits,
        )
    });
    let linted = linted
        .await
        .map_err(|error| Failure::new(error.to_string()))?;
    if printer.format == Format::Json {
        Printer::json(&json!({
            "datapoints": linted.datapoints,
            "errors": linted.errors,
            "warnings": linted.warnings,
        }))?;
    } else {
        for warning in &linted.warnings {
            note(&format!("warning: {warning}"));
        }
    }
    let (errors, warnings) = (linted.errors.len(), linted.warnings.len());
    if errors > 0 {
        let message = format!("{errors} error(s) and {warnings} warning(s)");
        return Err(refused(message, &linted.errors));
    }
    if printer.format != Format::Json {
        let datapoints = linted.datapoints;
        printer.say(&format!(
            "{datapoints} DataPoint(s), {warnings} warning(s)."
        ))?;
    }
    Ok(())
}
