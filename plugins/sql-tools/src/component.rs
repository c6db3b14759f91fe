//! The component: the imports as a [`Database`], the exports as calls.

use datachat_sdk::tool::types::{DbError, Parameters, Relation, RelationFilter};
use datachat_sdk::tool::{Definition, Guest, ToolError, database};

use crate::database::{Database, Info, ResultColumn, Rows};

struct Component;

impl Guest for Component {
    fn definitions() -> Vec<Definition> {
        crate::definitions::all()
    }

    fn call(name: String, arguments: String) -> Result<String, ToolError> {
        crate::call(&RequestDatabase, &name, &arguments).map_err(ToolError::from)
    }
}

/// The database that the host bound this call to.
struct RequestDatabase;

impl Database for RequestDatabase {
    type Rows = database::Rows;

    fn describe(&self) -> Result<Info, DbError> {
        database::describe()
    }

    fn relations(&self, filter: &RelationFilter) -> Result<Vec<Relation>, DbError> {
        database::relations(filter)
    }

    fn query(&self, sql: &str) -> Result<database::Rows, DbError> {
        database::query(sql, &Parameters::Positional(Vec::new()), None)
    }

    fn quote_identifier(&self, name: &str) -> String {
        database::quote_identifier(name)
    }
}

impl Rows for database::Rows {
    fn columns(&self) -> Vec<ResultColumn> {
        Self::columns(self)
    }

    fn next(&mut self, max: u32) -> Result<Vec<String>, DbError> {
        Self::next(self, max)
    }

    fn truncated_by(&self) -> Option<String> {
        Self::truncated_by(self)
    }
}

datachat_sdk::tool::export!(Component with_types_in datachat_sdk::tool::bindings);
