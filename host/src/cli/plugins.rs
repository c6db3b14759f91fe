//! `datachat plugins`

use serde_json::json;

use super::failure::Failure;
use super::output::Printer;
use crate::app::App;

#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Every installed plugin and how it is
    List,
}

pub fn run(app: &App, args: &Args, printer: Printer) -> Result<(), Failure> {
    match args {
        Args::List => printer.records(
            &["name", "version", "kind", "state", "digest", "detail"],
            &json!(app.plugins.status()),
        )?,
    }
    Ok(())
}
