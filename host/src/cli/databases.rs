//! `datachat databases`

use std::io::Read;

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::failure::Failure;
use super::output::{Printer, cell, note};
use super::server::{NOTHING, Server, parse};
use crate::secret::Secret;

#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Every connection, newest first
    List,
    /// Check a connection and store it
    Add {
        /// The database URL; `-` reads it from standard input, where no other user can see it
        url: String,
        #[arg(long)]
        name: String,
        /// The database type; without it, the URL's scheme tells
        #[arg(long = "type", value_name = "TYPE")]
        database_type: Option<String>,
        #[arg(long)]
        description: Option<String>,
        /// May be given several times
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
        /// Requests that name no target go to this connection
        #[arg(long)]
        default: bool,
    },
    /// Connect once: to a stored connection, or to a URL, of which nothing is stored
    Test {
        /// An id, a name, a database URL, or `-` for a URL on standard input
        target: String,
        #[arg(long = "type", value_name = "TYPE")]
        database_type: Option<String>,
    },
    /// Make a connection the default
    SetDefault {
        /// An id or a name
        target: String,
    },
    /// Delete a connection, with its DataPoints
    Remove {
        /// An id or a name
        target: String,
        /// Leave its DataPoints stored, where no request finds them
        #[arg(long)]
        keep_datapoints: bool,
    },
}

const COLUMNS: [&str; 7] = [
    "connection_id",
    "name",
    "database_type",
    "is_default",
    "status",
    "tags",
    "warnings",
];

const PATH: &str = "/api/v1/databases";

pub async fn run(server: &Server, args: Args, printer: Printer) -> Result<(), Failure> {
    match args {
        Args::List => {
            printer.records(&COLUMNS, &server.get(PATH).await?)?;
        }
        Args::Add {
            url,
            name,
            database_type,
            description,
            tags,
            default,
        } => {
            let url = read_url(url)?;
            let body = json!({
                "name": name,
                "database_type": type_of(server, database_type, &url)?,
                "database_url": url.reveal(),
                "tags": tags,
                "description": description,
                "is_default": default,
            });
            let view = parse(&server.call(Method::POST, PATH, Some(&body)).await?)?;
            printer.record(&view)?;
            warn(&view);
        }
        Args::Test {
            target,
            database_type,
        } => {
            if target == "-" || target.contains("://") {
                let url = read_url(target)?;
                let body = json!({
                    "database_type": type_of(server, database_type, &url)?,
                    "database_url": url.reveal(),
                });
                let path = format!("{PATH}/test");
                let report = parse(&server.call(Method::POST, &path, Some(&body)).await?)?;
                printer.record(&report)?;
                warn(&report);
            } else {
                let id = find(server, &target).await?;
                let health = server.get(&format!("{PATH}/{id}/health")).await?;
                printer.record(&health)?;
                if let Some(failure) = Failure::from_problem(&health["error"]) {
                    return Err(failure);
                }
            }
        }
        Args::SetDefault { target } => {
            let id = find(server, &target).await?;
            let path = format!("{PATH}/{id}/default");
            server.call(Method::PUT, &path, Some(&json!({}))).await?;
            printer.say(&format!("{id} is the default."))?;
        }
        Args::Remove {
            target,
            keep_datapoints,
        } => {
            let id = find(server, &target).await?;
            let fate = if keep_datapoints { "keep" } else { "delete" };
            let path = format!("{PATH}/{id}?datapoints={fate}");
            server.call(Method::DELETE, &path, NOTHING).await?;
            printer.say(&format!("{id} is deleted."))?;
        }
    }
    Ok(())
}

/// The connection that an id or a name (in any case) means.
pub async fn find(server: &Server, target: &str) -> Result<Uuid, Failure> {
    if let Ok(id) = Uuid::try_parse(target) {
        return Ok(id);
    }
    let connections = server.get(PATH).await?;
    let wanted = target.to_lowercase();
    connections
        .as_array()
        .into_iter()
        .flatten()
        .find(|view| cell(&view["name"]).to_lowercase() == wanted)
        .and_then(|view| view["connection_id"].as_str())
        .and_then(|id| Uuid::try_parse(id).ok())
        .ok_or_else(|| {
            Failure::new(format!("there is no connection of the name {target:?}"))
                .hint("`datachat databases list` shows them.")
        })
}

/// A URL as it was given; `-` reads it from standard input.
pub fn read_url(argument: String) -> Result<Secret<String>, Failure> {
    if argument != "-" {
        return Ok(Secret::new(argument));
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text)?;
    let url = Secret::new(text.trim().to_owned());
    zeroize::Zeroize::zeroize(&mut text);
    Ok(url)
}

/// The type that was given, else the one that the URL's scheme tells.
fn type_of(
    server: &Server,
    given: Option<String>,
    url: &Secret<String>,
) -> Result<String, Failure> {
    if let Some(given) = given {
        return Ok(given);
    }
    let scheme = url
        .reveal()
        .split_once("://")
        .map_or("", |(scheme, _)| scheme);
    let scheme = scheme.split_once('+').map_or(scheme, |(scheme, _)| scheme);
    server.database_type(scheme).ok_or_else(|| {
        Failure::usage("no connector takes this URL's scheme")
            .hint("`--type` names the database type; `datachat plugins list` shows the connectors.")
    })
}

fn warn(shown: &Value) {
    for warning in shown["warnings"].as_array().into_iter().flatten() {
        note(&format!(
            "warning: {} ({})",
            cell(&warning["message"]),
            cell(&warning["code"])
        ));
    }
}
