//! `datachat conversations`: what was asked and answered.

use std::fs;
use std::path::PathBuf;

use axum::http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::{Format, Printer, cell};
use super::server::{NOTHING, Server, parse};

#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Your conversations, the latest first
    List,
    /// The questions and answers of a conversation
    Show { id: String },
    /// Give a conversation another title
    Rename { id: String, title: String },
    /// Delete a conversation with all that was said
    Delete { id: String },
    /// Write a conversation down
    Export {
        id: String,
        #[arg(long, default_value = "markdown", value_parser = ["json", "markdown"])]
        format: String,
        /// The file; without it, standard output
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

const PATH: &str = "/api/v1/conversations";

const COLUMNS: [&str; 5] = [
    "conversation_id",
    "title",
    "turns",
    "database",
    "updated_at",
];

const TURN_COLUMNS: [&str; 5] = ["asked_at", "database", "question", "answer", "sql"];

pub async fn run(server: &Server, args: Args, printer: Printer) -> Result<(), Failure> {
    match args {
        Args::List => list(server, printer).await,
        Args::Show { id } => {
            let conversation = server.get(&path(&id)).await?;
            if printer.format == Format::Json {
                Printer::json(&conversation)?;
                return Ok(());
            }
            let turns = conversation["turns"].as_array().into_iter().flatten();
            let flat = |turn: &Value| {
                let mut turn = turn.clone();
                turn["database"] = turn["database"]["name"].take();
                turn
            };
            printer.records(&TURN_COLUMNS, &turns.map(flat).collect())?;
            Ok(())
        }
        Args::Rename { id, title } => {
            let body = json!({ "title": title });
            let renamed = server.call(Method::PATCH, &path(&id), Some(&body)).await?;
            let renamed = parse(&renamed)?;
            if printer.format == Format::Json {
                Printer::json(&renamed)?;
            } else {
                let title = cell(&renamed["title"]);
                printer.say(&format!("{id} is called \"{title}\" now."))?;
            }
            Ok(())
        }
        Args::Delete { id } => {
            server.call(Method::DELETE, &path(&id), NOTHING).await?;
            printer.say(&format!("{id} is deleted."))?;
            Ok(())
        }
        Args::Export { id, format, file } => {
            let path = format!("{}/export?format={format}", path(&id));
            let text = server.text(&path).await?;
            match file {
                Some(file) => fs::write(&file, text).map_err(|error| {
                    Failure::new(format!("{} can't be written: {error}", file.display()))
                }),
                None => Ok(Printer::document(&text)?),
            }
        }
    }
}

async fn list(server: &Server, printer: Printer) -> Result<(), Failure> {
    let mut all = server.pages(PATH, "", "conversations").await?;
    if printer.format != Format::Json {
        for conversation in &mut all {
            conversation["database"] = conversation["database"]["name"].take();
            conversation["turns"] = conversation["turn_count"].take();
        }
    }
    printer.records(&COLUMNS, &Value::Array(all))?;
    Ok(())
}

/// The path of a conversation: its id may be any text.
pub fn path(id: &str) -> String {
    format!("{PATH}/{}", utf8_percent_encode(id, NON_ALPHANUMERIC))
}
