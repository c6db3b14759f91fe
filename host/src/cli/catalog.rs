//! `datachat catalog`

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::failure::Failure;
use super::output::Printer;
use super::server::Server;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show everything about one database type
    #[arg(value_name = "TYPE")]
    database_type: Option<String>,
}

const PATH: &str = "/api/v1/catalog";

const COLUMNS: [&str; 5] = ["type", "title", "status", "url_schemes", "url_form"];

pub async fn run(server: &Server, args: &Args, printer: Printer) -> Result<(), Failure> {
    if let Some(database_type) = &args.database_type {
        let name = utf8_percent_encode(database_type, NON_ALPHANUMERIC);
        printer.record(&server.get(&format!("{PATH}/{name}")).await?)?;
    } else {
        let answer = server.get(PATH).await?;
        printer.records(&COLUMNS, &answer["entries"])?;
    }
    Ok(())
}
