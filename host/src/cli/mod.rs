//! The command line. One file a command; every command works on the system database through [`App`].
//!
//! Results go to standard output, errors with their hint to standard error. Exit codes: 0 done, 1 failed,
//! 2 not understood.

mod catalog;
mod databases;
mod failure;
mod keys;
mod limits;
mod logs;
mod output;
mod plugin;
mod plugins;
mod query;
mod remote;
mod serve;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::App;
use crate::config::{Config, Overrides};
use failure::Failure;
use output::{Format, Printer};

/// Many databases behind one server, each reached through a sandboxed component.
#[derive(Debug, Parser)]
#[command(name = "datachat", version, disable_help_subcommand = true)]
struct Cli {
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help = "Where the server keeps its files [env: DATACHAT_DATA_DIR]"
    )]
    data_dir: Option<PathBuf>,

    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    output: Format,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Args),
    /// The stored connections
    #[command(subcommand)]
    Databases(databases::Args),
    /// Run one reading statement
    Query(query::Args),
    /// What can be done with a database beyond a statement
    #[command(subcommand)]
    Tools(tools::Args),
    /// What drivers and tools there are; installing and removing them
    #[command(subcommand, visible_alias = "plugins")]
    Plugin(plugin::Args),
    /// Every database type: URLs, credentials, how tables are listed
    Catalog(catalog::Args),
    /// The keys that credentials are encrypted with
    #[command(subcommand)]
    Keys(keys::Args),
    /// Every limit, its variable and its value
    Limits,
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    // Answers help, version and usage errors itself, the latter with 2.
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(execute(cli));
    // A blocked helper thread must not keep the process.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.code()
        }
    }
}

async fn execute(cli: Cli) -> Result<(), Failure> {
    let printer = Printer::new(cli.output);
    let mut overrides = Overrides {
        data_dir: cli.data_dir,
        ..Overrides::default()
    };
    if let Command::Serve(args) = &cli.command {
        overrides.host.clone_from(&args.host);
        overrides.port = args.port;
    }
    let config = Config::from_process(overrides)?;
    logs::start(&config, matches!(cli.command, Command::Serve(_)))?;
    match cli.command {
        Command::Serve(_) => serve::run(config).await,
        Command::Databases(args) => {
            with_app(config, async |app| databases::run(app, args, printer).await).await
        }
        Command::Query(args) => {
            with_app(config, async |app| query::run(app, args, printer).await).await
        }
        Command::Tools(args) => tools::run(config, args, printer).await,
        Command::Plugin(args) => plugin::run(config, args, printer).await,
        Command::Catalog(args) => catalog::run(&config, args, printer).await,
        Command::Keys(args) => keys::run(config, &args, printer).await,
        Command::Limits => limits::run(&config, printer),
    }
}

/// Opens everything for one command, and takes leave of the databases after it.
async fn with_app(
    config: Config,
    command: impl AsyncFnOnce(&App) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let app = App::open(config, None).await?;
    let result = command(&app).await;
    app.close().await;
    result
}
