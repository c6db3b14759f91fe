//! The command line. One file a command; a command is a request to the `Server` of the API, which is another
//! process's or this one's, and the printing of its answer.
//!
//! What concerns the files of this machine (`serve`, `keys`, `limits`) goes to no server.
//! Results go to standard output, errors with their hint to standard error. Exit codes: 0 done, 1 failed,
//! 2 not understood.

mod argument;
mod ask;
mod catalog;
mod chat;
mod conversations;
mod databases;
mod dp;
mod ending;
mod failure;
mod job;
mod keys;
mod limits;
mod logs;
mod output;
mod plugin;
mod profile;
mod query;
mod remote;
mod serve;
mod server;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::api::panics::log_places;
use crate::config::{Config, Overrides};
use failure::Failure;
use output::{Format, Printer, note};
use server::Server;

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
    /// Ask a question about the data of a connection
    Ask(ask::Args),
    /// Ask one question after the other
    Chat(chat::Args),
    /// Your conversations: what was asked and answered
    #[command(subcommand)]
    Conversations(conversations::Args),
    /// DataPoints: what tables, metrics and processes mean
    #[command(subcommand)]
    Dp(dp::Args),
    /// What the tables of a connection look like
    #[command(subcommand)]
    Profile(profile::Args),
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
    // Before anything that could quote a credential.
    log_places();
    // Answers help, version and usage errors itself, the latter with 2.
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            note(&format!("error: no runtime: {error}"));
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
    let serves = matches!(cli.command, Command::Serve(_));
    let names_folder = cli.data_dir.is_some();
    let mut overrides = Overrides {
        data_dir: cli.data_dir,
        ..Overrides::default()
    };
    if let Command::Serve(args) = &cli.command {
        overrides.host.clone_from(&args.host);
        overrides.port = args.port;
    }
    let config = Config::from_process(overrides)?;
    logs::start(&config, serves)?;
    if names_folder && !serves {
        only_here(&config, "`--data-dir`")?;
    }
    match cli.command {
        Command::Serve(_) => serve::run(config).await,
        Command::Keys(args) => Box::pin(keys::run(config, &args, printer)).await,
        Command::Limits => limits::run(&config, printer),
        Command::Databases(args) => {
            let server = Server::open(config).await?;
            with(server, async |server| {
                databases::run(server, args, printer).await
            })
            .await
        }
        Command::Ask(args) => {
            let server = Server::open(config).await?;
            with(server, async |server| ask::run(server, args, printer).await).await
        }
        Command::Chat(args) => {
            let data_folder = config.data_dir.clone();
            let server = Server::open(config).await?;
            with(server, async |server| {
                chat::run(server, &args, &data_folder, printer).await
            })
            .await
        }
        Command::Conversations(args) => {
            let server = Server::open(config).await?;
            with(server, async |server| {
                conversations::run(server, args, printer).await
            })
            .await
        }
        Command::Dp(args) => Box::pin(dp::run(config, args, printer)).await,
        Command::Profile(args) => {
            let server = Server::open(config).await?;
            with(server, async |server| {
                profile::run(server, args, printer).await
            })
            .await
        }
        Command::Query(args) => {
            let server = Server::open(config).await?;
            with(server, async |server| {
                query::run(server, args, printer).await
            })
            .await
        }
        Command::Tools(args) => {
            let server = match args {
                // They wait in the memory of the server that refused them.
                tools::Args::Approve { .. } => Server::running(&config)?,
                _ => Server::open(config).await?,
            };
            with(server, async |server| {
                tools::run(server, args, printer).await
            })
            .await
        }
        Command::Plugin(args) => plugin::run(config, args, printer).await,
        Command::Catalog(args) => {
            let server = Server::open(config).await?;
            with(server, async |server| {
                catalog::run(server, &args, printer).await
            })
            .await
        }
    }
}

/// Runs a command, and takes leave of the databases after it.
async fn with(
    server: Server,
    command: impl AsyncFnOnce(&Server) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let result = command(&server).await;
    server.close().await;
    result
}

/// Refuses what concerns this machine alone while `DATA_CHAT_API_URL` names another place.
fn only_here(config: &Config, what: &str) -> Result<(), Failure> {
    if config.api_url.is_none() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{what} is about this machine, and DATA_CHAT_API_URL names a server"
    ))
    .hint("An empty DATA_CHAT_API_URL (`DATA_CHAT_API_URL= datachat …`) makes commands work here."))
}
