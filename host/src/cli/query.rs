//! `datachat query`

use std::io::Read;

use http_body_util::BodyExt;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::argument;
use super::databases::find;
use super::ending::{Ending, Summary};
use super::failure::{Failure, causes};
use super::output::{self, Printer, cell, note, raw_cell};
use super::server::Server;
use crate::api::problem::Problem;
use crate::query::encode::{EncodeError, Format};

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

pub async fn run(server: &Server, args: Args, printer: Printer) -> Result<(), Failure> {
    let target = match &args.target_database {
        Some(target) => Some(find(server, target).await?),
        None => None,
    };
    let written = match (args.format, printer.format) {
        (Some(format), _) => Some(Format::from(format)),
        (None, output::Format::Json) => Some(Format::Json),
        (None, output::Format::Csv) => Some(Format::Csv),
        (None, output::Format::Table) => None,
    };
    let format = written.unwrap_or(Format::Ndjson);
    let request = request(args, target, format)?;
    let answer = server.stream("/api/v1/query", &request).await?;

    // JSON and NDJSON tell of a late error inside; the exit code has to tell as well.
    let mut ending = Ending::new(format, answer.headers());
    let mut body = answer.into_body();
    let mut table = Vec::new();
    let mut out = tokio::io::stdout();
    let mut broken = None;
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => {
                broken = Some(broken_off(&error));
                break;
            }
        };
        match frame.into_data() {
            Ok(piece) => {
                ending.read(&piece);
                if written.is_some() {
                    out.write_all(&piece).await?;
                } else {
                    table.extend_from_slice(&piece);
                }
            }
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    ending.trailers(&trailers);
                }
            }
        }
    }
    if written == Some(Format::Json) {
        out.write_all(b"\n").await?;
    }
    out.flush().await?;
    if written.is_none() {
        print_table(printer, &table)?;
    }
    if let Some(failure) = broken {
        return Err(failure);
    }
    tell(&ending.finish()?);
    Ok(())
}

/// The body of a query.
#[derive(Serialize)]
struct Request {
    sql: String,
    params: Vec<Box<RawValue>>,
    target_database: Option<Uuid>,
    limits: Limits,
    format: Format,
}

/// Null means the server's default.
#[derive(Serialize)]
struct Limits {
    max_rows: Option<u64>,
    timeout_ms: Option<u64>,
}

fn request(args: Args, target: Option<Uuid>, format: Format) -> Result<Request, Failure> {
    let mut sql = args.sql;
    if sql == "-" {
        sql.clear();
        std::io::stdin().lock().read_to_string(&mut sql)?;
    }
    let params = args.params.iter().map(|text| argument::value(text));
    Ok(Request {
        sql,
        params: params.collect::<Result<_, _>>()?,
        target_database: target,
        limits: Limits {
            max_rows: args.row_limit,
            timeout_ms: args.timeout_ms,
        },
        format,
    })
}

/// Why a body ended before its end. Only the server of this process can say it here; another one logs it.
fn broken_off(error: &axum::Error) -> Failure {
    match causes(error).find_map(|cause| cause.downcast_ref::<EncodeError>()) {
        Some(error) => Problem::from(error).into(),
        None => Failure::new("the result broke off").hint(
            "The log of the server says why. The formats json and ndjson have a place for it.",
        ),
    }
}

/// What a person wants to know beside the rows.
fn tell(summary: &Summary) {
    if let Some(rows) = summary.row_count {
        let time = summary.elapsed_ms;
        let time = time.map_or_else(String::new, |ms| format!(" in {ms} ms"));
        note(&format!("{rows} row(s) from {}{time}", summary.database));
    }
    if let Some(limit) = &summary.truncated_by {
        note(&format!("warning: cut off by {limit}"));
    }
    for warning in &summary.warnings {
        note(&format!("warning: {warning}"));
    }
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
