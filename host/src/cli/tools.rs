//! `datachat tools`

use hyper::Method;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::failure::Failure;
use super::output::{Format, Printer, raw_cell};
use super::query::resolve;
use super::remote::Remote;
use super::with_app;
use crate::api::body;
use crate::api::problem::Problem;
use crate::app::App;
use crate::config::Config;
use crate::registry::Connection;
use crate::tools::{Call, Caller, RunError, ToolAnswer, ToolView};

#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Every tool
    List,
    /// Run a tool
    Run {
        name: String,
        /// An argument, as in `--arg limit=5`. May be given several times
        #[arg(long = "arg", value_name = "NAME=VALUE")]
        arguments: Vec<String>,
        /// Agree to what the tool does
        #[arg(long)]
        approve: bool,
        /// The id or name of a connection; without it, the default
        #[arg(long, value_name = "DATABASE")]
        target_database: Option<String>,
    },
    /// Consent to a call that waits on the running server, at `DATA_CHAT_API_URL`, else at `DATACHAT_HOST` and
    /// `DATACHAT_PORT`
    Approve {
        /// The `approval_id` of the refusal
        id: Uuid,
    },
}

pub async fn run(config: Config, args: Args, printer: Printer) -> Result<(), Failure> {
    match args {
        Args::List => with_app(config, async |app| list(app, printer)).await,
        Args::Run {
            name,
            arguments,
            approve,
            target_database,
        } => {
            with_app(config, async |app| {
                let connection = resolve(app, target_database.as_deref()).await?;
                call(app, connection, &name, &arguments, approve, printer).await
            })
            .await
        }
        Args::Approve { id } => approve(&config, id, printer).await,
    }
}

fn list(app: &App, printer: Printer) -> Result<(), Failure> {
    let columns = [
        "name",
        "category",
        "requires_approval",
        "enabled",
        "description",
    ];
    printer.records(&columns, &json!(app.tools.list()))?;
    Ok(())
}

async fn call(
    app: &App,
    connection: Connection,
    name: &str,
    arguments: &[String],
    approved: bool,
    printer: Printer,
) -> Result<(), Failure> {
    let view = app.tools.list().into_iter().find(|tool| tool.name == name);
    let arguments = read_arguments(arguments, view.as_ref())?;
    let call = Call {
        name,
        arguments: &arguments,
        approved,
        caller: &Caller::Local,
    };
    let answer = app.tools.run(connection, call).await.map_err(|error| {
        let asks = matches!(
            error,
            RunError::NeedsConfirmation { .. } | RunError::NeedsOperator { .. }
        );
        let failure = Failure::from(Problem::from(error));
        if asks {
            failure.hint("`--approve` agrees.")
        } else {
            failure
        }
    })?;
    print(printer, &answer)?;
    if answer.truncated {
        eprintln!("warning: the result was cut off");
    }
    Ok(())
}

/// `name=value` pairs as an object; the tool's schema says which values are text.
fn read_arguments(pairs: &[String], tool: Option<&ToolView>) -> Result<Box<RawValue>, Failure> {
    let mut object = Map::new();
    for pair in pairs {
        let (name, text) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("{pair:?} is not of the form NAME=VALUE")))?;
        let kind = tool.map(|tool| &tool.parameters_schema["properties"][name]["type"]);
        let value = if kind.is_some_and(|kind| kind == "string") {
            Value::String(text.to_owned())
        } else {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
        };
        if object.insert(name.to_owned(), value).is_some() {
            return Err(Failure::usage(format!(
                "the argument {name:?} is given twice"
            )));
        }
    }
    RawValue::from_string(Value::Object(object).to_string())
        .map_err(|error| Failure::new(error.to_string()))
}

/// The list in a result as a table; a result without one member by member.
fn print(printer: Printer, answer: &ToolAnswer) -> Result<(), Failure> {
    if printer.format == Format::Json {
        Printer::json(answer)?;
    } else {
        let (columns, rows) = table(&answer.result);
        printer.rows(&columns, &rows)?;
    }
    Ok(())
}

/// A result as columns and rows: `data` by column, else the first list of objects, else the members.
fn table(result: &RawValue) -> (Vec<String>, Vec<Vec<String>>) {
    let members = body::members(result);
    if let Some((_, data)) = members.iter().find(|(name, _)| name == "data") {
        let (names, columns): (Vec<String>, Vec<_>) = body::members(data)
            .into_iter()
            .map(|(name, values)| (name, items(&values)))
            .unzip();
        let count = columns.iter().map(Vec::len).max().unwrap_or(0);
        let cell = |column: &Vec<Box<RawValue>>, row: usize| -> String {
            column.get(row).map(|raw| raw_cell(raw)).unwrap_or_default()
        };
        let rows = (0..count)
            .map(|row| columns.iter().map(|column| cell(column, row)).collect())
            .collect();
        return (names, rows);
    }
    for (_, value) in &members {
        let rows: Vec<Members> = items(value)
            .iter()
            .map(|item| body::members(item))
            .collect();
        if let Some(first) = rows.first().filter(|first| !first.is_empty()) {
            let names = first.iter().map(|(name, _)| name.clone()).collect();
            let rows = rows
                .iter()
                .map(|row| row.iter().map(|(_, value)| raw_cell(value)).collect())
                .collect();
            return (names, rows);
        }
    }
    let rows = members
        .into_iter()
        .map(|(name, value)| vec![name, raw_cell(&value)])
        .collect();
    (vec!["field".to_owned(), "value".to_owned()], rows)
}

type Members = Vec<(String, Box<RawValue>)>;

/// The items of a raw array; none of anything else.
fn items(raw: &RawValue) -> Vec<Box<RawValue>> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// Asks the running server, which holds the waiting calls in its memory.
async fn approve(config: &Config, id: Uuid, printer: Printer) -> Result<(), Failure> {
    let server = match Remote::configured(config)? {
        Some(server) => server,
        None => Remote::beside(config)?,
    };
    let request = server.request(Method::POST, &format!("/api/v1/tools/approvals/{id}"));
    let answer = server.send(request, "").await?;
    printer.record(&answer)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> ToolView {
        ToolView {
            name: "t".to_owned(),
            description: String::new(),
            category: String::new(),
            requires_approval: false,
            enabled: true,
            parameters_schema: json!({ "properties": {
                "table": { "type": "string" }, "limit": { "type": "integer" },
            } }),
        }
    }

    fn arguments(pairs: &[&str]) -> Result<String, String> {
        let pairs: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        read_arguments(&pairs, Some(&tool()))
            .map(|raw| raw.get().to_owned())
            .map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn the_schema_says_which_values_are_text() {
        assert_eq!(
            arguments(&["table=2024", "limit=5", "other=x=y"]),
            Ok(r#"{"table":"2024","limit":5,"other":"x=y"}"#.to_owned())
        );
    }

    #[test]
    fn a_result_is_a_table_whose_values_keep_their_digits() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
        let by_column = raw(r#"{"sql": "", "data": {"b": [1.10, null], "a": ["x", 2]}}"#);
        assert_eq!(
            table(&by_column),
            (
                vec!["b".to_owned(), "a".to_owned()],
                vec![
                    vec!["1.10".to_owned(), "x".to_owned()],
                    vec![String::new(), "2".to_owned()]
                ]
            )
        );
        let by_row = raw(r#"{"columns": ["id"], "rows": [{"id": 1.0}]}"#);
        assert_eq!(
            table(&by_row),
            (vec!["id".to_owned()], vec![vec!["1.0".to_owned()]])
        );
        let plain = raw(r#"{"answer": 42}"#);
        assert_eq!(
            table(&plain).1,
            vec![vec!["answer".to_owned(), "42".to_owned()]]
        );
    }

    #[test]
    fn a_pair_without_an_equals_sign_or_given_twice_is_refused() {
        assert!(arguments(&["table"]).is_err());
        assert!(arguments(&["limit=1", "limit=2"]).is_err());
    }
}
