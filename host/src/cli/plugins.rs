//! `datachat plugins`

use super::failure::Failure;
use super::output::Printer;
use super::server::Server;

#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Every installed plugin and how it is
    List,
}

const COLUMNS: [&str; 6] = ["name", "version", "kind", "state", "digest", "detail"];

pub async fn run(server: &Server, args: &Args, printer: Printer) -> Result<(), Failure> {
    match args {
        Args::List => {
            let answer = server.get("/api/v1/plugins").await?;
            printer.records(&COLUMNS, &answer["plugins"])?;
        }
    }
    Ok(())
}
