//! A tool that looks for DataPoints of another connection: by id, by question, and by pages that begin where it
//! wants them to.

use datachat_sdk::knowledge::{self, Datapoint};
use datachat_sdk::tool::{Definition, Guest, ToolError, ToolErrorCode};

struct Tool;

const NAMES: [&str; 3] = ["get_by_id", "ask_about", "page_after"];

fn failed(error: knowledge::Error) -> ToolError {
    ToolError {
        code: ToolErrorCode::Failed,
        message: error.message,
        argument: None,
        candidates: Vec::new(),
        database: None,
    }
}

impl Guest for Tool {
    fn definitions() -> Vec<Definition> {
        NAMES
            .map(|name| Definition {
                name: name.to_owned(),
                description: name.to_owned(),
                category: "test".to_owned(),
                parameters: r#"{"type": "object", "properties": {"text": {"type": "string"}}}"#
                    .to_owned(),
                returns: r#"{"type": "object", "required": ["seen"]}"#.to_owned(),
                requires_approval: false,
            })
            .into()
    }

    fn call(name: String, arguments: String) -> Result<String, ToolError> {
        // `{"text": "…"}`, without escapes.
        let text = arguments.split('"').nth(3).unwrap_or_default();
        let seen: Vec<Datapoint> = match name.as_str() {
            "get_by_id" => knowledge::get(text).map_err(failed)?.into_iter().collect(),
            "ask_about" => {
                let found = knowledge::search(text, u32::MAX).map_err(failed)?;
                found.hits.into_iter().map(|hit| hit.datapoint).collect()
            }
            _ => {
                let mut seen = Vec::new();
                let mut after = (!text.is_empty()).then(|| text.to_owned());
                loop {
                    let page = knowledge::list_datapoints(after.as_deref(), 1).map_err(failed)?;
                    seen.extend(page.datapoints);
                    after = page.next;
                    if after.is_none() {
                        break seen;
                    }
                }
            }
        };
        let names: Vec<String> = seen.iter().map(|seen| format!("{:?}", seen.name)).collect();
        Ok(format!(r#"{{"seen": [{}]}}"#, names.join(",")))
    }
}

datachat_sdk::tool::export!(Tool);
