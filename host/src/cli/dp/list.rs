//! `datachat dp list`

use serde_json::Value;

use super::Selection;
use crate::cli::failure::Failure;
use crate::cli::output::Printer;
use crate::cli::server::Server;

const COLUMNS: [&str; 8] = [
    "datapoint_id",
    "type",
    "name",
    "scope",
    "connection_id",
    "source_tier",
    "source_path",
    "lifecycle_version",
];

pub async fn run(server: &Server, selection: &Selection, printer: Printer) -> Result<(), Failure> {
    let all = selection.all(server, &[]).await?;
    printer.records(&COLUMNS, &Value::Array(all))?;
    Ok(())
}
