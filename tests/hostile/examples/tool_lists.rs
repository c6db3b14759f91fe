//! A tool that does what its name says: `echo`, `relations`, `count`, `spin`, `flood`, `fall`.

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
        ["echo", "relations", "count", "spin", "flood", "fall"]
            .map(|name| Definition {
                name: name.to_owned(),
                description: name.to_owned(),
                category: "test".to_owned(),
                parameters: r#"{"type":"object"}"#.to_owned(),
                returns: "{}".to_owned(),
                requires_approval: false,
            })
            .into()
    }

    fn call(name: String, arguments: String) -> Result<String, ToolError> {
        match name.as_str() {
            "echo" => {
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
            "flood" => Ok("x".repeat(12 << 20)),
            _ => panic!("on purpose"),
        }
    }
}

datachat_sdk::tool::export!(Tool);
