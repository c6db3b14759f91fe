//! The component: the imports as [`Knowledge`], the exports as calls.

use datachat_sdk::knowledge::{self, Error, Findings, Page};
use datachat_sdk::tool::{Definition, Guest, ToolError};

use crate::knowledge::Knowledge;

struct Component;

impl Guest for Component {
    fn definitions() -> Vec<Definition> {
        crate::definitions()
    }

    fn call(name: String, arguments: String) -> Result<String, ToolError> {
        crate::call(&RequestKnowledge, &name, &arguments).map_err(ToolError::from)
    }
}

/// What the host knows of the database that it bound this call to.
struct RequestKnowledge;

impl Knowledge for RequestKnowledge {
    fn search(&self, question: &str, limit: u32) -> Result<Findings, Error> {
        knowledge::search(question, limit)
    }

    fn list(&self, after: Option<&str>, limit: u32) -> Result<Page, Error> {
        knowledge::list_datapoints(after, limit)
    }
}

datachat_sdk::tool::export!(Component with_types_in datachat_sdk::tool::bindings);
