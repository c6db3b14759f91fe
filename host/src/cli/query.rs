//! `datachat query`

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::databases::find;
use super::failure::Failure;
use super::output::{self, Printer, cell, raw_cell};
use crate::api::problem::Problem;
use crate::app::App;
use crate::query::encode::{self, Format, Numbers, Options};
use crate::query::{QueryError, QueryLimits, QueryRequest, execute, params};
use crate::registry::Connection;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// One statement that only reads; `-` reads it from standard input
    sql: String,

    /// The id or name of a connection; without it, the default
    #[arg(long, value_name = "DATABASE")]
    target_database: Option<String>,

    /// The value of `$1`, `$2`, …: JSON, or else text. May be given several times
    #[arg(long = "param", value_name = "VALUE")]
    params: Vec<String>,

    /// The most rows
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    row_limit: Option<u64>,

    /// The longest time
    #[arg(long, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout_ms: Option<u64>,

    /// Write the result as the server would, in place of `--output`
    #[arg(long, value_enum)]
    format: Option<RawFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum RawFormat {
    Json,
    Ndjson,
    Csv,
    Arrow,
    Parquet,
}

impl From<RawFormat> for Format {
    fn from(format: RawFormat) -> Self {
        match format {
            RawFormat::Json => Self::Json,
            RawFormat::Ndjson => Self::Ndjson,
            RawFormat::Csv => Self::Csv,
            RawFormat::Arrow => Self::Arrow,
            RawFormat::Parquet => Self::Parquet,
        }
    }
}

/// The connection that an option means.
pub async fn resolve(app: &App, target: Option<&str>) -> Result<Connection, Failure> {
    let id = match target {
        None => None,
        Some(target) => Some(find(app, target).await?.to_string()),
    };
    Ok(app.registry.resolve(id.as_deref()).await?)
}

pub async fn run(app: &App, args: Args, printer: Printer) -> Result<(), Failure> {
    let connection = resolve(app, args.target_database.as_deref()).await?;
    let request = request(app, &args)?;
    let format = match (args.format, printer.format) {
        (Some(format), _) => Some(Format::from(format)),
        (None, output::Format::Json) => Some(Format::Json),
        (None, output::Format::Csv) => Some(Format::Csv),
        (None, output::Format::Table) => None,
    };
    let stream = execute(&connection, request, &app.limits)
        .await
        .map_err(|error| Problem::from(&error))?;

    // JSON and NDJSON tell of a late error inside; the exit code has to tell as well.
    let late: Arc<Mutex<Option<Problem>>> = Arc::default();
    let noted = Arc::clone(&late);
    let mut options = Options::new(Arc::new(move |error: &QueryError| {
        let problem = Problem::from(error);
        let json = problem.to_json(Uuid::new_v4());
        *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
        json
    }));
    options.numbers = Numbers::Number;
    let encoded = encode::encode(stream, format.unwrap_or(Format::Ndjson), options)
        .await
        .map_err(|error| Problem::from(&error))?;
    let mut body = encoded.body;
    let mut table = Vec::new();
    let mut out = tokio::io::stdout();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| Problem::from(&error))?;
        if format.is_some() {
            out.write_all(&piece).await?;
        } else {
            table.extend_from_slice(&piece);
        }
    }
    if format == Some(Format::Json) {
        out.write_all(b"\n").await?;
    }
    out.flush().await?;
    if format.is_none() {
        print_table(printer, &table)?;
    }
    let late = late.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(problem) = late {
        return Err(problem.into());
    }
    if let Some(summary) = encoded.outcome.get() {
        eprintln!(
            "{} row(s) from {} in {} ms",
            summary.row_count, connection.name, summary.elapsed_ms
        );
        if let Some(limit) = summary.truncated_by {
            eprintln!("warning: cut off by {limit}");
        }
        for warning in &summary.warnings {
            eprintln!("warning: {warning}");
        }
    }
    Ok(())
}

fn request(app: &App, args: &Args) -> Result<QueryRequest, Failure> {
    let limits = &app.limits;
    let unasked = QueryLimits::unasked(limits);
    let mut sql = args.sql.clone();
    if sql == "-" {
        sql.clear();
        std::io::stdin().lock().read_to_string(&mut sql)?;
    }
    let within = |name: &str, value: u64, max: u64| {
        if value > max {
            Err(Failure::usage(format!("--{name} can be {max} at most")))
        } else {
            Ok(value)
        }
    };
    let values = args
        .params
        .iter()
        .map(|text| {
            RawValue::from_string(text.clone()).or_else(|_| serde_json::value::to_raw_value(text))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::usage(error.to_string()))?;
    let values: Vec<&RawValue> = values.iter().map(AsRef::as_ref).collect();
    Ok(QueryRequest {
        sql,
        params: params::positional(&values).map_err(|error| Failure::usage(error.to_string()))?,
        limits: QueryLimits {
            max_rows: within(
                "row-limit",
                args.row_limit.unwrap_or(unasked.max_rows),
                limits.query_max_rows,
            )?,
            timeout_ms: within(
                "timeout-ms",
                args.timeout_ms.unwrap_or(unasked.timeout_ms),
                limits.query_max_timeout_ms,
            )?,
            ..unasked
        },
    })
}

/// `NDJSON` as a table: the first line has the columns, the arrays are the rows.
fn print_table(printer: Printer, ndjson: &[u8]) -> Result<(), Failure> {
    let mut columns: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for line in ndjson.split(|byte| *byte == b'\n') {
        if let Ok(values) = serde_json::from_slice::<Vec<Box<RawValue>>>(line) {
            rows.push(values.iter().map(|value| raw_cell(value)).collect());
        } else if let Ok(object) = serde_json::from_slice::<Value>(line)
            && let Some(list) = object["columns"].as_array()
        {
            columns = list.iter().map(|column| cell(&column["name"])).collect();
        }
    }
    printer.rows(&columns, &rows)?;
    Ok(())
}
