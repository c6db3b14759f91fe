//! `datachat databases`

use std::io::Read;

use serde_json::json;
use uuid::Uuid;

use super::failure::Failure;
use super::output::Printer;
use crate::api::databases::health_json;
use crate::app::App;
use crate::registry::{Candidate, ConnectionView, NewConnection};
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
    /// Delete a connection
    Remove {
        /// An id or a name
        target: String,
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

pub async fn run(app: &App, args: Args, printer: Printer) -> Result<(), Failure> {
    match args {
        Args::List => {
            let (connections, _) = app.registry.list(None, None).await?;
            printer.records(&COLUMNS, &json!(connections))?;
        }
        Args::Add {
            url,
            name,
            database_type,
            description,
            tags,
            default,
        } => {
            let database_url = read_url(url)?;
            let new = NewConnection {
                name,
                database_type: type_of(app, database_type, &database_url)?,
                database_url,
                tags,
                description,
                is_default: default,
            };
            let view = app.registry.create(new).await?;
            printer.record(&json!(view))?;
            warn(&view);
        }
        Args::Test {
            target,
            database_type,
        } => {
            if target == "-" || target.contains("://") {
                let database_url = read_url(target)?;
                let candidate = Candidate {
                    name: None,
                    database_type: type_of(app, database_type, &database_url)?,
                    database_url,
                };
                printer.record(&json!(app.registry.test(candidate).await?))?;
            } else {
                let id = find(app, &target).await?;
                let health = app.registry.health(id).await?;
                printer.record(&health_json(&health, Uuid::new_v4()))?;
                if let Err(error) = &health.outcome {
                    return Err(Failure::new(error.to_string()));
                }
            }
        }
        Args::SetDefault { target } => {
            let id = find(app, &target).await?;
            app.registry.set_default(id).await?;
            printer.say(&format!("{id} is the default."))?;
        }
        Args::Remove { target } => {
            let id = find(app, &target).await?;
            app.registry.delete(id).await?;
            printer.say(&format!("{id} is deleted."))?;
        }
    }
    Ok(())
}

/// The connection that an id or a name (in any case) means.
pub async fn find(app: &App, target: &str) -> Result<Uuid, Failure> {
    if let Ok(id) = Uuid::try_parse(target) {
        return Ok(id);
    }
    let (connections, _) = app.registry.list(None, None).await?;
    let wanted = target.to_lowercase();
    connections
        .iter()
        .find(|view| view.name.to_lowercase() == wanted)
        .map(|view| view.connection_id)
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

/// The type that was given, else the first of the connector that takes the URL's scheme.
fn type_of(app: &App, given: Option<String>, url: &Secret<String>) -> Result<String, Failure> {
    if let Some(given) = given {
        return Ok(given);
    }
    let scheme = url
        .reveal()
        .split_once("://")
        .map_or("", |(scheme, _)| scheme);
    let scheme = scheme.split_once('+').map_or(scheme, |(scheme, _)| scheme);
    app.plugins
        .connector_for_scheme(scheme)
        .and_then(|connector| {
            let types = &connector.info().database_types;
            types
                .first()
                .map(|database_type| database_type.name.clone())
        })
        .ok_or_else(|| {
            Failure::usage("no connector takes this URL's scheme").hint(
                "`--type` names the database type; `datachat plugins list` shows the connectors.",
            )
        })
}

fn warn(view: &ConnectionView) {
    for warning in &view.warnings {
        eprintln!("warning: {} ({})", warning.message, warning.code);
    }
}
