//! `datachat dp`: DataPoints, in files and stored.

mod add;
mod export;
mod generate;
mod lint;
mod list;
mod pending;
mod sync;

use std::path::PathBuf;

use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::databases::find;
use super::failure::Failure;
use super::output::Printer;
use super::server::Server;
use super::with;
use crate::config::Config;
use crate::knowledge;
use crate::knowledge::finding::Finding;

#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Make the DataPoints of a scope those of a folder
    Sync(sync::Args),
    /// Stored DataPoints
    List(Selection),
    /// Store DataPoints, one a file
    Add(add::Args),
    /// Look through a folder as a sync would, without storing anything
    Lint(lint::Args),
    /// Write stored DataPoints into a new folder
    Export(export::Args),
    /// Propose DataPoints that a profile suggests
    Generate(generate::Args),
    /// How a generation is getting on
    GenerateStatus { job: Uuid },
    /// Proposed DataPoints: see, approve, reject
    #[command(subcommand)]
    Pending(pending::Args),
}

const PATH: &str = "/api/v1/datapoints";

/// Which DataPoints; all conditions together.
#[derive(Debug, clap::Args)]
pub struct Selection {
    /// Those of a connection, by its id or name
    #[arg(long, value_name = "DATABASE")]
    connection_id: Option<String>,

    #[arg(long, value_parser = ["connection", "global", "unscoped"])]
    scope: Option<String>,

    #[arg(long = "type", value_name = "TYPE", value_parser = ["Schema", "Business", "Process", "Query"])]
    kind: Option<String>,

    /// A part of the id, name, tags or tables
    #[arg(long, value_name = "TEXT")]
    q: Option<String>,
}

/// Whose DataPoints are that do not say so themselves.
#[derive(Debug, clap::Args)]
pub struct Owner {
    /// A connection's, by its id or name
    #[arg(long, value_name = "DATABASE", conflicts_with = "global_scope")]
    connection_id: Option<String>,

    /// Every connection's
    #[arg(long)]
    global_scope: bool,
}

/// How contracts are applied.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Contracts {
    /// What a contract warns about is an error (the default)
    #[arg(long = "strict-contracts", overrides_with = "lenient")]
    strict: bool,

    /// What a contract warns about is a warning
    #[arg(long = "no-strict-contracts", overrides_with = "strict")]
    lenient: bool,

    /// Fail also where only warnings are left
    #[arg(long = "fail-on-contract-warnings")]
    fail_on_warnings: bool,
}

impl Contracts {
    fn strict(self) -> bool {
        self.strict || !self.lenient
    }
}

impl From<Contracts> for knowledge::Contracts {
    fn from(contracts: Contracts) -> Self {
        Self {
            strict: contracts.strict(),
            fail_on_warnings: contracts.fail_on_warnings,
        }
    }
}

pub async fn run(config: Config, args: Args, printer: Printer) -> Result<(), Failure> {
    match args {
        Args::Sync(args) => sync::run(config, args, printer).await,
        Args::List(selection) => {
            let server = Server::open(config).await?;
            with(server, async |server| {
                list::run(server, &selection, printer).await
            })
            .await
        }
        Args::Add(args) => {
            let server = Server::open(config).await?;
            with(server, async |server| add::run(server, args, printer).await).await
        }
        Args::Lint(args) => lint::run(config, args, printer).await,
        Args::Generate(args) => {
            let server = Server::open(config).await?;
            with(server, async |server| {
                generate::run(server, args, printer).await
            })
            .await
        }
        Args::GenerateStatus { job } => {
            let server = Server::open(config).await?;
            with(server, async |server| {
                generate::status(server, job, printer).await
            })
            .await
        }
        Args::Pending(args) => {
            let server = Server::open(config).await?;
            with(server, async |server| {
                pending::run(server, args, printer).await
            })
            .await
        }
        Args::Export(args) => {
            let server = Server::open(config).await?;
            with(server, async |server| {
                export::run(server, args, printer).await
            })
            .await
        }
    }
}

/// The folder that was named, else that of the configuration.
fn folder(given: Option<PathBuf>, config: &Config) -> Result<PathBuf, Failure> {
    given
        .or_else(|| config.datapoints_dir.clone())
        .ok_or_else(|| {
            Failure::usage("no folder is named")
                .hint("`--datapoints-dir DIR` or DATAPOINTS_DIR names one.")
        })
}

impl Selection {
    /// The query string of a list.
    async fn query(&self, server: &Server, further: &[(&str, &str)]) -> Result<String, Failure> {
        let mut query = Serializer::new(String::new());
        if let Some(target) = &self.connection_id {
            let id = find(server, target).await?;
            query.append_pair("connection_id", &id.to_string());
        }
        let named = [("scope", &self.scope), ("type", &self.kind), ("q", &self.q)];
        for (name, value) in named {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        for (name, value) in further {
            query.append_pair(name, value);
        }
        Ok(query.finish())
    }

    /// Everything that is selected, page after page.
    async fn all(
        &self,
        server: &Server,
        further: &[(&str, &str)],
    ) -> Result<Vec<serde_json::Value>, Failure> {
        let query = self.query(server, further).await?;
        server.pages(PATH, &query, "datapoints").await
    }
}

impl Owner {
    async fn connection(&self, server: &Server) -> Result<Option<Uuid>, Failure> {
        match &self.connection_id {
            Some(target) => Ok(Some(find(server, target).await?)),
            None => Ok(None),
        }
    }
}

/// A failure that lists what is wrong with files.
fn refused(message: impl Into<String>, findings: &[Finding]) -> Failure {
    Failure::new(message).lines(findings.iter().map(ToString::to_string))
}
