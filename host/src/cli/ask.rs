//! `datachat ask`

use hyper::Method;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::databases::find;
use super::failure::Failure;
use super::output::{Format, Printer, note};
use super::server::{Server, parse};
use super::tools::table;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A question about the data; with `--execution-mode direct_sql` a statement that only reads
    question: String,

    /// The id or name of a connection; without it, the default
    #[arg(long, value_name = "DATABASE")]
    target_database: Option<String>,

    /// What the question is
    #[arg(long, value_enum, default_value = "natural_language")]
    execution_mode: ExecutionMode,

    /// Show each step with its reason
    #[arg(long)]
    evidence: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
enum ExecutionMode {
    NaturalLanguage,
    DirectSql,
}

/// The body of a question.
#[derive(Serialize)]
struct Body<'a> {
    message: &'a str,
    execution_mode: ExecutionMode,
    target_database: Option<Uuid>,
}

pub async fn run(server: &Server, args: Args, printer: Printer) -> Result<(), Failure> {
    let target_database = match &args.target_database {
        Some(target) => Some(find(server, target).await?),
        None => None,
    };
    let body = Body {
        message: &args.question,
        execution_mode: args.execution_mode,
        target_database,
    };
    let answer = server
        .call(Method::POST, "/api/v1/chat", Some(&body))
        .await?;
    show(&answer, printer, args.evidence)
}

/// Prints a reply: its sentence, its rows, and what else its reader should know.
///
/// # Errors
/// When standard output is closed, or the reply is none.
pub fn show(answer: &RawValue, printer: Printer, evidence: bool) -> Result<(), Failure> {
    if printer.format == Format::Json {
        Printer::json(&answer)?;
        return Ok(());
    }
    let reply = parse(answer)?;
    // The sentence is for people: with CSV it stays out of the rows.
    let text = reply["answer"].as_str().unwrap_or_default();
    if printer.format == Format::Table {
        printer.say(text)?;
    } else {
        note(text);
    }
    let (columns, rows) = table(answer);
    if !reply["data"].is_null() && !columns.is_empty() {
        printer.rows(&columns, &rows)?;
    }
    for warning in list(&reply["validation_warnings"]) {
        let text = |name: &str| warning[name].as_str().unwrap_or_default();
        note(&format!(
            "warning: {} {}",
            text("message"),
            text("suggestion")
        ));
    }
    if evidence {
        for step in list(&reply["decision_trace"]) {
            let text = |name: &str| step[name].as_str().unwrap_or_default();
            note(&format!(
                "{}: {} ({})",
                text("stage"),
                text("decision"),
                text("reason")
            ));
        }
        if let Some(sql) = reply["sql"].as_str() {
            note(&format!("sql: {sql}"));
        }
    }
    if reply["truncated"] == true {
        note("warning: the result was cut off");
    }
    Ok(())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
