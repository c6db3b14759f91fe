//! `datachat catalog`: over the API of `DATA_CHAT_API_URL` if that is set, else what this program would serve.

use hyper::Method;
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::Printer;
use super::remote::Remote;
use crate::api::catalog::{entries, one};
use crate::app::open_plugins;
use crate::config::Config;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show everything about one database type
    #[arg(value_name = "TYPE")]
    database_type: Option<String>,
}

const COLUMNS: [&str; 5] = ["type", "title", "status", "url_schemes", "url_form"];

pub async fn run(config: &Config, args: Args, printer: Printer) -> Result<(), Failure> {
    let found = match Remote::configured(config)? {
        Some(server) => over(&server, args.database_type.as_deref()).await?,
        None => {
            let plugins = open_plugins(config).await?;
            let entries = entries(&plugins);
            plugins.shutdown().await;
            match &args.database_type {
                Some(database_type) => json!(one(&entries, database_type)?),
                None => json!(entries),
            }
        }
    };
    match args.database_type {
        Some(_) => printer.record(&found)?,
        None => printer.records(&COLUMNS, &found)?,
    }
    Ok(())
}

async fn over(server: &Remote, database_type: Option<&str>) -> Result<Value, Failure> {
    let Some(database_type) = database_type else {
        let request = server.request(Method::GET, "/api/v1/catalog");
        return Ok(server.send(request, "").await?["entries"].take());
    };
    let name =
        percent_encoding::utf8_percent_encode(database_type, percent_encoding::NON_ALPHANUMERIC);
    let request = server.request(Method::GET, &format!("/api/v1/catalog/{name}"));
    server.send(request, "").await
}
