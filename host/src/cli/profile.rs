//! `datachat profile`: what the tables of a connection look like.

use axum::http::Method;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::databases::find;
use super::failure::Failure;
use super::job::{completed, follow};
use super::output::{Format, Printer, cell};
use super::server::{Server, parse};

#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Look at the tables of a connection, and wait until that is done
    Start(Start),
    /// How a profiling is getting on
    Status {
        /// The job
        #[arg(required_unless_present = "connection_id")]
        job: Option<Uuid>,
        /// The latest job of a connection, by its id or name
        #[arg(long, value_name = "DATABASE", conflicts_with = "job")]
        connection_id: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
pub struct Start {
    /// The id or name of a connection
    #[arg(long, value_name = "DATABASE")]
    connection_id: String,
    /// Rows that are looked at of each table, from 1 to 1000 [default: 100]
    #[arg(long, value_name = "ROWS")]
    sample_size: Option<u64>,
    /// The most tables, from 1 to 500, or `all` [default: 50]
    #[arg(long, value_name = "TABLES")]
    max_tables: Option<String>,
    /// The most columns of a table, from 1 to 500 [default: 100]
    #[arg(long, value_name = "COLUMNS")]
    max_columns_per_table: Option<u64>,
    /// From 1 to 60 [default: 5]
    #[arg(long, value_name = "SECONDS")]
    query_timeout_seconds: Option<u64>,
    /// From 1 to 300 [default: 20]
    #[arg(long, value_name = "SECONDS")]
    per_table_timeout_seconds: Option<u64>,
    /// From 10 to 1800 [default: 180]
    #[arg(long, value_name = "SECONDS")]
    total_timeout_seconds: Option<u64>,
    /// End with the first table that can't be looked at
    #[arg(long)]
    fail_fast: bool,
    /// Only this table, as `orders` or `shop.orders`. May be given several times
    #[arg(long = "table", value_name = "TABLE")]
    tables: Vec<String>,
}

const JOBS: &str = "/api/v1/profiling/jobs";

pub async fn run(server: &Server, args: Args, printer: Printer) -> Result<(), Failure> {
    let job = match args {
        Args::Start(start) => {
            let id = find(server, &start.connection_id).await?;
            let path = format!("/api/v1/databases/{id}/profile");
            let started = server
                .call(Method::POST, &path, Some(&start.body()?))
                .await?;
            let started = parse(&started)?;
            follow(server, &format!("{JOBS}/{}", cell(&started["job_id"]))).await?
        }
        Args::Status { job: Some(job), .. } => server.get(&format!("{JOBS}/{job}")).await?,
        Args::Status { connection_id, .. } => {
            let target = connection_id.unwrap_or_default();
            latest(server, &target).await?
        }
    };
    tell(&job, printer)
}

/// The latest profiling of a connection.
///
/// # Errors
/// The server's problem, or that there was none.
pub async fn latest(server: &Server, target: &str) -> Result<Value, Failure> {
    let id = find(server, target).await?;
    let job = server
        .get(&format!("{JOBS}/connection/{id}/latest"))
        .await?;
    if job.is_null() {
        return Err(Failure::new(format!("{target} was never profiled"))
            .hint("`datachat profile start` does that."));
    }
    Ok(job)
}

impl Start {
    /// What was said; the server has the defaults.
    fn body(&self) -> Result<Value, Failure> {
        let mut body = Map::new();
        let numbers = [
            ("sample_size", self.sample_size),
            ("max_columns_per_table", self.max_columns_per_table),
            ("query_timeout_seconds", self.query_timeout_seconds),
            ("per_table_timeout_seconds", self.per_table_timeout_seconds),
            ("total_timeout_seconds", self.total_timeout_seconds),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                body.insert(name.to_owned(), number.into());
            }
        }
        if let Some(most) = &self.max_tables {
            body.insert("max_tables".to_owned(), number_or_all(most)?);
        }
        if !self.tables.is_empty() {
            body.insert("tables".to_owned(), self.tables.clone().into());
        }
        body.insert("fail_fast".to_owned(), self.fail_fast.into());
        Ok(Value::Object(body))
    }
}

/// A number of tables, or null for `all`.
///
/// # Errors
/// For what is neither.
pub fn number_or_all(text: &str) -> Result<Value, Failure> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(Value::Null);
    }
    let number: u64 = text.parse().map_err(|_| {
        Failure::usage(format!(
            "--max-tables: {text:?} is neither a number nor `all`"
        ))
    })?;
    Ok(number.into())
}

fn tell(job: &Value, printer: Printer) -> Result<(), Failure> {
    if printer.format == Format::Json {
        Printer::json(job)?;
        return completed("profiling", job);
    }
    completed("profiling", job)?;
    let count = |name: &str| cell(&job["progress"][name]);
    printer.say(&format!(
        "{}: {} of {} tables profiled, {} failed, {} skipped. Profile {}, job {}.",
        cell(&job["status"]),
        count("tables_completed"),
        count("total_tables"),
        count("tables_failed"),
        count("tables_skipped"),
        match &job["profile_id"] {
            Value::Null => "none yet".to_owned(),
            id => cell(id),
        },
        cell(&job["job_id"]),
    ))?;
    Ok(())
}
