//! `datachat dp generate` and `dp generate-status`

use axum::http::Method;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::cli::failure::Failure;
use crate::cli::job::{completed, follow};
use crate::cli::output::{Format, Printer, cell};
use crate::cli::profile::{latest, number_or_all};
use crate::cli::server::{Server, parse};
use crate::profiling::Depth;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The profile that DataPoints are made of
    #[arg(long, value_name = "ID", required_unless_present = "connection_id")]
    profile_id: Option<Uuid>,

    /// The latest profile of a connection, by its id or name
    #[arg(long, value_name = "DATABASE", conflicts_with = "profile_id")]
    connection_id: Option<String>,

    /// How much is made
    #[arg(long, default_value = "metrics_basic", value_parser = Depth::ALL.map(|(name, _)| name))]
    depth: String,

    /// Only this table, as `orders` or `shop.orders`. May be given several times
    #[arg(long = "table", value_name = "TABLE")]
    tables: Vec<String>,

    /// The most tables, from 1 to 500, or `all` [default: all]
    #[arg(long, value_name = "TABLES")]
    max_tables: Option<String>,

    /// From 1 to 10 [default: 3]
    #[arg(long, value_name = "METRICS")]
    max_metrics_per_table: Option<u64>,

    /// Tables between two reports of progress, from 1 to 50 [default: 10]
    #[arg(long, value_name = "TABLES")]
    batch_size: Option<u64>,

    /// Keep what waits for review already instead of what is new
    #[arg(long)]
    keep_existing: bool,
}

const PATH: &str = "/api/v1/datapoints/generate";

pub async fn run(server: &Server, args: Args, printer: Printer) -> Result<(), Failure> {
    let profile = match (&args.profile_id, &args.connection_id) {
        (Some(id), _) => id.to_string(),
        (None, target) => {
            let target = target.as_deref().unwrap_or_default();
            let job = latest(server, target).await?;
            completed("latest profiling", &job)?;
            cell(&job["profile_id"])
        }
    };
    let body = args.body(&profile)?;
    let started = parse(&server.call(Method::POST, PATH, Some(&body)).await?)?;
    let job = cell(&started["job_id"]);
    let ended = follow(server, &format!("{PATH}/jobs/{job}")).await?;
    tell(&ended, printer)
}

pub async fn status(server: &Server, job: Uuid, printer: Printer) -> Result<(), Failure> {
    let job = server.get(&format!("{PATH}/jobs/{job}")).await?;
    tell(&job, printer)
}

impl Args {
    fn body(&self, profile: &str) -> Result<Value, Failure> {
        let mut body = Map::new();
        body.insert("profile_id".to_owned(), profile.into());
        body.insert("depth".to_owned(), self.depth.clone().into());
        body.insert("replace_existing".to_owned(), (!self.keep_existing).into());
        if let Some(most) = &self.max_tables {
            body.insert("max_tables".to_owned(), number_or_all(most)?);
        }
        let numbers = [
            ("max_metrics_per_table", self.max_metrics_per_table),
            ("batch_size", self.batch_size),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                body.insert(name.to_owned(), number.into());
            }
        }
        if !self.tables.is_empty() {
            body.insert("tables".to_owned(), self.tables.clone().into());
        }
        Ok(Value::Object(body))
    }
}

fn tell(job: &Value, printer: Printer) -> Result<(), Failure> {
    if printer.format == Format::Json {
        Printer::json(job)?;
        return completed("generation", job);
    }
    completed("generation", job)?;
    let count = |name: &str| cell(&job["progress"][name]);
    printer.say(&format!(
        "{}: proposals of {} of {} tables, job {}. `datachat dp pending list` shows what waits for review.",
        cell(&job["status"]),
        count("tables_completed"),
        count("total_tables"),
        cell(&job["job_id"]),
    ))?;
    Ok(())
}
