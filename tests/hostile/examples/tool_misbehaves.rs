//! Tools that do what no tool should: look for another connection, read ten gibibytes, keep all that they
//! read, recurse, and answer what is not JSON or not of their schema.

use datachat_sdk::tool::types::{DbError, Parameters, RelationFilter};
use datachat_sdk::tool::{Definition, Guest, ToolError, ToolErrorCode, database};

struct Tool;

const NAMES: [&str; 8] = [
    "ask_elsewhere",
    "list_elsewhere",
    "ten_gibibytes",
    "hoards",
    "recurses",
    "not_json",
    "off_schema",
    "wrong_error",
];

fn failed(code: ToolErrorCode, message: &str, database: Option<DbError>) -> ToolError {
    ToolError {
        code,
        message: message.to_owned(),
        argument: None,
        candidates: Vec::new(),
        database,
    }
}

fn database_error(error: DbError) -> ToolError {
    failed(ToolErrorCode::Database, "no", Some(error))
}

fn argument(arguments: &str) -> String {
    // `{"sql": "…"}`, without escapes.
    arguments.split('"').nth(3).unwrap_or_default().to_owned()
}

#[allow(clippy::result_large_err)] // the contract's error is as large as it is
/// Reads a statement to its end; keeps the rows if it is told to.
fn read(sql: &str, keep: bool) -> Result<(usize, usize), ToolError> {
    let none = Parameters::Positional(Vec::new());
    let rows = database::query(sql, &none, Some(u64::MAX)).map_err(database_error)?;
    let (mut count, mut bytes, mut kept) = (0, 0, Vec::new());
    loop {
        let page = rows.next(u32::MAX).map_err(database_error)?;
        if page.is_empty() {
            std::hint::black_box(&kept);
            return Ok((count, bytes));
        }
        count += page.len();
        bytes += page.iter().map(String::len).sum::<usize>();
        if keep {
            kept.push(page);
        }
    }
}

/// Deeper and deeper, until the stack ends.
#[allow(unconditional_recursion)]
fn deeper(depth: u64) -> u64 {
    let frame = [depth; 64];
    std::hint::black_box(frame)[0] + deeper(std::hint::black_box(depth + 1))
}

impl Guest for Tool {
    fn definitions() -> Vec<Definition> {
        NAMES
            .map(|name| Definition {
                name: name.to_owned(),
                description: name.to_owned(),
                category: "test".to_owned(),
                parameters: r#"{"type": "object", "properties": {"sql": {"type": "string"}}}"#.to_owned(),
                returns: r#"{"type": "object", "required": ["rows"], "properties": {"rows": {"type": "integer"}}}"#
                    .to_owned(),
                requires_approval: false,
            })
            .into()
    }

    fn call(name: String, arguments: String) -> Result<String, ToolError> {
        match name.as_str() {
            "ask_elsewhere" | "ten_gibibytes" => {
                let (rows, bytes) = read(&argument(&arguments), false)?;
                Ok(format!(r#"{{"rows": {rows}, "bytes": {bytes}}}"#))
            }
            "list_elsewhere" => {
                let filter = RelationFilter {
                    schema: None,
                    name: None,
                    columns: false,
                };
                let all = database::relations(&filter).map_err(database_error)?;
                let names: Vec<String> = all
                    .iter()
                    .map(|table| format!("{:?}", table.name))
                    .collect();
                Ok(format!(
                    r#"{{"rows": {}, "names": [{}]}}"#,
                    all.len(),
                    names.join(",")
                ))
            }
            "hoards" => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(vec![1_u8; 1 << 20]);
                    std::hint::black_box(&hoard);
                }
            }
            "recurses" => Ok(format!(r#"{{"rows": {}}}"#, deeper(0))),
            "not_json" => Ok("{\"rows\": 1".to_owned()),
            "off_schema" => Ok(r#"{"rows": "one"}"#.to_owned()),
            _ => Err(failed(
                ToolErrorCode::Database,
                "an error of a database that was never asked",
                None,
            )),
        }
    }
}

datachat_sdk::tool::export!(Tool);
