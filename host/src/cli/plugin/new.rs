//! `datachat plugin new`

use std::path::PathBuf;

use crate::cli::failure::Failure;
use crate::cli::output::Printer;
use crate::scaffold::{self, Kind, Name};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What it is for: a kind of database, or something that can be done with any
    #[arg(value_enum)]
    kind: WhichKind,
    /// Names the crate, the plugin and, of a connector, its URL scheme
    name: String,
    /// The folder, which must be new or empty; without it, one of the plugin's name
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum WhichKind {
    Connector,
    Tool,
}

pub fn run(args: &Args, printer: Printer) -> Result<(), Failure> {
    let kind = match args.kind {
        WhichKind::Connector => Kind::Connector,
        WhichKind::Tool => Kind::Tool,
    };
    let name = Name::parse(&args.name).map_err(|error| Failure::usage(error.to_string()))?;
    let folder = args
        .path
        .clone()
        .unwrap_or_else(|| PathBuf::from(name.as_str()));
    scaffold::write(&folder, &scaffold::files(kind, &name))
        .map_err(|error| Failure::new(error.to_string()))?;
    printer.say(&format!(
        "{} has a plugin that works. Its README.md says how to build, test and install it:\n\
         cd {} && cargo test && ./build.sh",
        folder.display(),
        folder.display()
    ))?;
    Ok(())
}
