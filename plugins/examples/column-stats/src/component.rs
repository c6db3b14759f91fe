//! The component: the imports as a [`Database`], the export as a call.

use datachat_sdk::tool::types::{DbError, Parameters, Relation, RelationFilter};
use datachat_sdk::tool::{Definition, Guest, ToolError, ToolErrorCode, database, progress};

use crate::answer::definition;
use crate::database::Database;
use crate::stats;

/// How many rows are fetched at once.
const FETCH: u32 = 1000;

struct Component;

/// The database that the host bound this call to.
struct RequestDatabase;

impl Database for RequestDatabase {
    fn default_schema(&self) -> Result<Option<String>, DbError> {
        Ok(database::describe()?.default_schema)
    }

    fn tables(&self, name: &str) -> Result<Vec<Relation>, DbError> {
        database::relations(&RelationFilter {
            schema: None,
            name: Some(name.to_owned()),
            columns: true,
        })
    }

    fn rows(&self, sql: &str, max: u64) -> Result<Vec<String>, DbError> {
        let rows = database::query(sql, &Parameters::Positional(Vec::new()), Some(max))?;
        let mut all = Vec::new();
        loop {
            let page = rows.next(FETCH)?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    fn quote(&self, name: &str) -> String {
        database::quote_identifier(name)
    }

    fn progress(&self, done: u32, total: u32, note: &str) {
        progress::report(done, Some(total), note);
    }
}

impl Guest for Component {
    fn definitions() -> Vec<Definition> {
        vec![definition()]
    }

    fn call(_name: String, arguments: String) -> Result<String, ToolError> {
        let failed = |error: serde_json::Error| ToolError {
            code: ToolErrorCode::Failed,
            message: error.to_string(),
            argument: None,
            candidates: Vec::new(),
            database: None,
        };
        let arguments = serde_json::from_str(&arguments).map_err(failed)?;
        let answer = stats::run(&RequestDatabase, &arguments)?;
        serde_json::to_string(&answer).map_err(failed)
    }
}

datachat_sdk::tool::export!(Component with_types_in datachat_sdk::tool::bindings);
