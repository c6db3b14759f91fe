//! `datachat dp add`

use std::io::Read;
use std::path::PathBuf;

use axum::http::Method;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::{Owner, PATH};
use crate::cli::failure::Failure;
use crate::cli::output::Printer;
use crate::cli::server::{Server, parse};
use crate::knowledge::Scope;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files of one DataPoint each; `-` reads one from standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    owner: Owner,
}

pub async fn run(server: &Server, args: Args, printer: Printer) -> Result<(), Failure> {
    let connection = args.owner.connection(server).await?;
    for file in &args.files {
        let mut text = String::new();
        if file.as_os_str() == "-" {
            std::io::stdin().lock().read_to_string(&mut text)?;
        } else {
            text = std::fs::read_to_string(file)
                .map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
        }
        let raw = RawValue::from_string(text)
            .map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
        let raw = owned(raw, connection, args.owner.global_scope)?;
        let stored = parse(&server.call(Method::POST, PATH, Some(&raw)).await?)?;
        printer.record(&stored)?;
    }
    Ok(())
}

/// The DataPoint with its owner, if it names none.
fn owned(
    raw: Box<RawValue>,
    connection: Option<Uuid>,
    is_global: bool,
) -> Result<Box<RawValue>, Failure> {
    let scope = match (connection, is_global) {
        (Some(id), _) => Scope::Connection(id),
        (None, true) => Scope::Global,
        (None, false) => return Ok(raw),
    };
    let mut json = parse(&raw)?;
    let Some(point) = json.as_object_mut() else {
        return Ok(raw);
    };
    let metadata = point
        .entry("metadata")
        .or_insert_with(|| Value::Object(serde_json::Map::new()));
    let Some(metadata) = metadata.as_object_mut() else {
        return Ok(raw);
    };
    match Scope::named_in(metadata) {
        Ok(Scope::Unscoped) => scope.write_into(metadata),
        Ok(named) if named == scope => {}
        Ok(named) => {
            return Err(Failure::usage(format!(
                "the DataPoint names the scope {named} and not {scope}"
            )));
        }
        Err(problem) => {
            return Err(Failure::new(format!(
                "{}: {}",
                problem.field, problem.message
            )));
        }
    }
    to_raw_value(&json).map_err(|error| Failure::new(error.to_string()))
}
