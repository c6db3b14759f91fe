//! Tools that do what their names say. `mutter` gives no JSON, `stray` another type than it says, and `ask` wants
//! consent first.

use datachat_sdk::connector::types::{Parameters, RelationFilter};
use datachat_sdk::tool::{Definition, Guest, ToolError, ToolErrorCode, database, progress};

struct Tool;

fn database_error(error: database::DbError) -> ToolError {
    ToolError {
        code: ToolErrorCode::Database,
        message: error.message.clone(),
        argument: None,
        candidates: Vec::new(),
        database: Some(error),
    }
}

impl Guest for Tool {
    fn definitions() -> Vec<Definition> {
        [
            "echo",
            "relations",
            "count",
            "spin",
            "flood",
            "fall",
            "mutter",
            "stray",
            "ask",
        ]
        .map(|name| Definition {
            name: name.to_owned(),
            description: name.to_owned(),
            category: "test".to_owned(),
            parameters: r#"{"type":"object"}"#.to_owned(),
            returns: match name {
                "stray" => r#"{"type":"array"}"#.to_owned(),
                _ => "{}".to_owned(),
            },
            requires_approval: name == "ask",
        })
        .into()
    }

    fn call(name: String, arguments: String) -> Result<String, ToolError> {
        match name.as_str() {
            "echo" | "ask" | "stray" => {
                progress::report(1, Some(1), "done\n");
                Ok(arguments)
            }
            "relations" => {
                let filter = RelationFilter {
                    schema: None,
                    name: None,
                    columns: false,
                };
                let all = database::relations(&filter).map_err(database_error)?;
                Ok(all.len().to_string())
            }
            "count" => {
                let none = Parameters::Positional(Vec::new());
                let rows = database::query(&arguments, &none, None).map_err(database_error)?;
                let mut count = 0;
                loop {
                    let page = rows.next(2).map_err(database_error)?;
                    if page.is_empty() {
                        return Ok(count.to_string());
                    }
                    count += page.len();
                }
            }
            "spin" => loop {
                std::hint::black_box(0);
            },
            "mutter" => Ok("not JSON".to_owned()),
            "flood" => Ok("x".repeat(12 << 20)),
            _ => panic!("on purpose"),
        }
    }
}

datachat_sdk::tool::export!(Tool);
