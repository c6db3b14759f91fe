//! `datachat tools`

use axum::http::Method;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::argument;
use super::databases::find;
use super::failure::Failure;
use super::output::{Format, Object, Printer, note, raw_cell};
use super::server::{NOTHING, Server, parse};
use crate::query::members;

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
    /// Consent to a call that waits on the running server, at `DATA_CHAT_API_URL` or else `DATACHAT_HOST` and
    /// `DATACHAT_PORT`
    Approve {
        /// The `approval_id` of the refusal
        id: Uuid,
    },
}

const PATH: &str = "/api/v1/tools";

const COLUMNS: [&str; 5] = [
    "name",
    "category",
    "requires_approval",
    "enabled",
    "description",
];

pub async fn run(server: &Server, args: Args, printer: Printer) -> Result<(), Failure> {
    match args {
        Args::List => {
            printer.records(&COLUMNS, &server.get(PATH).await?)?;
        }
        Args::Run {
            name,
            arguments,
            approve,
            target_database,
        } => {
            let target = match target_database {
                Some(target) => Some(find(server, &target).await?),
                None => None,
            };
            let tools = server.get(PATH).await?;
            let tool = tools
                .as_array()
                .and_then(|tools| tools.iter().find(|tool| tool["name"] == *name));
            let call = Call {
                name: &name,
                arguments: Object(&read_arguments(&arguments, tool)?),
                target_database: target,
                approved: approve,
            };
            let path = format!("{PATH}/execute");
            let answer = server.call(Method::POST, &path, Some(&call)).await;
            let answer = answer.map_err(|failure| {
                if server.is_here() && failure.is("approval_required") {
                    failure.hint("`--approve` agrees.")
                } else {
                    failure
                }
            })?;
            print(printer, &answer)?;
        }
        Args::Approve { id } => {
            let path = format!("{PATH}/approvals/{id}");
            let answer = server.call(Method::POST, &path, NOTHING).await?;
            printer.record(&parse(&answer)?)?;
        }
    }
    Ok(())
}

/// The body of a call.
#[derive(Serialize)]
struct Call<'a> {
    name: &'a str,
    arguments: Object<'a, Box<RawValue>>,
    target_database: Option<Uuid>,
    approved: bool,
}

/// `name=value` pairs; the tool's schema says which values are text.
fn read_arguments(
    pairs: &[String],
    tool: Option<&Value>,
) -> Result<Vec<(String, Box<RawValue>)>, Failure> {
    let mut arguments: Vec<(String, Box<RawValue>)> = Vec::new();
    for pair in pairs {
        let (name, text) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("{pair:?} is not of the form NAME=VALUE")))?;
        if arguments.iter().any(|(known, _)| known == name) {
            return Err(Failure::usage(format!(
                "the argument {name:?} is given twice"
            )));
        }
        let kind = tool.map(|tool| &tool["parameters_schema"]["properties"][name]["type"]);
        let value = if kind.is_some_and(|kind| kind == "string") {
            argument::text(text)?
        } else {
            argument::value(text)?
        };
        arguments.push((name.to_owned(), value));
    }
    Ok(arguments)
}

/// The list in a result as a table; a result without one member by member.
fn print(printer: Printer, answer: &RawValue) -> Result<(), Failure> {
    let members = members::read(answer);
    let member = |name: &str| {
        let found = members.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| *value)
    };
    if printer.format == Format::Json {
        Printer::json(&Object(&members))?;
    } else {
        let (columns, rows) = table(member("result").unwrap_or(RawValue::NULL));
        printer.rows(&columns, &rows)?;
    }
    if member("truncated").is_some_and(|flag| flag.get() == "true") {
        note("warning: the result was cut off");
    }
    Ok(())
}

/// A result as columns and rows: `data` by column, else the first list of objects, else the members.
pub fn table(result: &RawValue) -> (Vec<String>, Vec<Vec<String>>) {
    let members = members::read(result);
    if let Some((_, data)) = members.iter().find(|(name, _)| name == "data") {
        let (names, columns): (Vec<String>, Vec<_>) = members::read(data)
            .into_iter()
            .map(|(name, values)| (name, items(values)))
            .unzip();
        let count = columns.iter().map(Vec::len).max().unwrap_or(0);
        let cell = |column: &Vec<&RawValue>, row: usize| -> String {
            column.get(row).map(|raw| raw_cell(raw)).unwrap_or_default()
        };
        let rows = (0..count)
            .map(|row| columns.iter().map(|column| cell(column, row)).collect())
            .collect();
        return (names, rows);
    }
    for (_, value) in &members {
        let rows: Vec<_> = items(value).into_iter().map(members::read).collect();
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
        .map(|(name, value)| vec![name, raw_cell(value)])
        .collect();
    (vec!["field".to_owned(), "value".to_owned()], rows)
}

/// The items of a raw array; none of anything else.
fn items(raw: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tool() -> Value {
        json!({ "name": "t", "parameters_schema": { "properties": {
            "table": { "type": "string" }, "limit": { "type": "integer" },
        } } })
    }

    fn arguments(pairs: &[&str]) -> Result<String, String> {
        let pairs: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        read_arguments(&pairs, Some(&tool()))
            .map(|arguments| json!(Object(&arguments)).to_string())
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
