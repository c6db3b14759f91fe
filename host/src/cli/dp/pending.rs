//! `datachat dp pending`: the review of proposed DataPoints.

use std::fs;
use std::path::PathBuf;

use axum::http::Method;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use crate::cli::databases::find;
use crate::cli::failure::Failure;
use crate::cli::output::{Format, Printer, cell};
use crate::cli::server::{NOTHING, Server, parse};

#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// What waits for review, or was reviewed
    List {
        #[arg(long, default_value = "pending", value_parser = ["pending", "approved", "rejected", "all"])]
        status: String,
        /// Those of a connection, by its id or name
        #[arg(long, value_name = "DATABASE")]
        connection_id: Option<String>,
    },
    /// Make a DataPoint of a proposal
    Approve {
        id: Uuid,
        /// A file with the DataPoint as it is to be, instead of as it was proposed
        #[arg(long, value_name = "FILE")]
        datapoint: Option<PathBuf>,
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Say that a proposal is not wanted
    Reject {
        id: Uuid,
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Make DataPoints of all proposals that wait, or of none if one can't be
    ApproveAll {
        /// Those of a connection, by its id or name
        #[arg(long, value_name = "DATABASE")]
        connection_id: Option<String>,
    },
}

const PATH: &str = "/api/v1/datapoints/pending";

const COLUMNS: [&str; 6] = [
    "pending_id",
    "datapoint_id",
    "type",
    "name",
    "confidence",
    "status",
];

/// The body of a review.
#[derive(Serialize)]
struct Review<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    review_note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datapoint: Option<Box<RawValue>>,
}

pub async fn run(server: &Server, args: Args, printer: Printer) -> Result<(), Failure> {
    match args {
        Args::List {
            status,
            connection_id,
        } => list(server, &status, connection_id.as_deref(), printer).await,
        Args::Approve {
            id,
            datapoint,
            note,
        } => {
            let review = Review {
                review_note: note.as_deref(),
                datapoint: datapoint.map(read).transpose()?,
            };
            let path = format!("{PATH}/{id}/approve");
            let answer = server.call(Method::POST, &path, Some(&review)).await?;
            tell(&parse(&answer)?, printer)
        }
        Args::Reject { id, note } => {
            let review = Review {
                review_note: note.as_deref(),
                datapoint: None,
            };
            let path = format!("{PATH}/{id}/reject");
            let answer = server.call(Method::POST, &path, Some(&review)).await?;
            tell(&parse(&answer)?, printer)
        }
        Args::ApproveAll { connection_id } => {
            let query = query(server, connection_id.as_deref(), &[]).await?;
            let path = format!("{PATH}/bulk-approve?{query}");
            let answer = parse(&server.call(Method::POST, &path, NOTHING).await?)?;
            if printer.format == Format::Json {
                Printer::json(&answer)?;
            } else {
                printer.say(&format!("{} approved.", cell(&answer["approved_count"])))?;
            }
            Ok(())
        }
    }
}

async fn list(
    server: &Server,
    status: &str,
    connection: Option<&str>,
    printer: Printer,
) -> Result<(), Failure> {
    let query = query(server, connection, &[("status_filter", status)]).await?;
    let mut all = server.pages(PATH, &query, "pending").await?;
    if printer.format != Format::Json {
        all = all.iter().map(flat).collect();
    }
    printer.records(&COLUMNS, &Value::Array(all))?;
    Ok(())
}

/// A proposal as a row.
fn flat(proposal: &Value) -> Value {
    let point = &proposal["datapoint"];
    json!({
        "pending_id": proposal["pending_id"],
        "datapoint_id": point["datapoint_id"],
        "type": point["type"],
        "name": point["name"],
        "confidence": proposal["confidence"],
        "status": proposal["status"],
    })
}

fn tell(proposal: &Value, printer: Printer) -> Result<(), Failure> {
    if printer.format == Format::Json {
        Printer::json(proposal)?;
        return Ok(());
    }
    printer.say(&format!(
        "{}: {}.",
        cell(&proposal["datapoint"]["datapoint_id"]),
        cell(&proposal["status"])
    ))?;
    Ok(())
}

async fn query(
    server: &Server,
    connection: Option<&str>,
    further: &[(&str, &str)],
) -> Result<String, Failure> {
    let mut query = Serializer::new(String::new());
    if let Some(target) = connection {
        let id = find(server, target).await?;
        query.append_pair("connection_id", &id.to_string());
    }
    for (name, value) in further {
        query.append_pair(name, value);
    }
    Ok(query.finish())
}

/// The DataPoint of a file, as it is written there.
fn read(path: PathBuf) -> Result<Box<RawValue>, Failure> {
    let shown = path.display().to_string();
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("{shown} can't be read: {error}")))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("{shown} is no JSON: {error}")))
}
