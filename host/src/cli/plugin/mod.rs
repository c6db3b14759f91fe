//! `datachat plugin`: the installed plugins, and what somebody needs who writes one.

mod inspect;
mod installed;
mod new;
mod test;

use std::path::Path;

use super::failure::Failure;
use super::output::Printer;
use super::server::Server;
use super::with;
use crate::config::Config;

#[derive(Debug, clap::Subcommand)]
pub enum Args {
    #[command(flatten)]
    Installed(installed::Args),
    /// Write the sources of a new plugin into a folder
    New(new::Args),
    /// Show what a component asks for and says of itself, also of one that would be refused
    Inspect(inspect::Args),
    /// Try a connector on a real database, with everything that the server relies on
    Test(test::Args),
}

pub async fn run(config: Config, args: Args, printer: Printer) -> Result<(), Failure> {
    match args {
        Args::Installed(args) => {
            let server = Server::open(config).await?;
            with(server, async |server| {
                installed::run(server, args, printer).await
            })
            .await
        }
        Args::New(args) => new::run(&args, printer),
        Args::Inspect(args) => inspect::run(&config, &args, printer).await,
        Args::Test(args) => test::run(&config, args, printer).await,
    }
}

/// The bytes of a file that somebody named.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file)
        .map_err(|error| Failure::new(format!("{} can't be read: {error}", file.display())))
}
