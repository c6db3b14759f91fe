//! `list_tables`: every table and view of a schema, or of all.

use datachat_sdk::tool::types::{Relation, RelationFilter, RelationKind};
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::failure::Failure;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    #[serde(default)]
    schema: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    tables: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    schema: String,
    table: String,
    row_count: Option<u64>,
    table_type: &'static str,
}

/// Lists the tables.
///
/// # Errors
/// The database's own.
pub fn run(database: &impl Database, arguments: Arguments) -> Result<String, Failure> {
    let filter = RelationFilter {
        schema: arguments.schema,
        name: None,
        columns: false,
    };
    let tables = database
        .relations(&filter)?
        .into_iter()
        .map(|relation: Relation| Entry {
            table_type: table_type(relation.kind),
            schema: relation.schema,
            table: relation.name,
            row_count: relation.row_estimate,
        })
        .collect();
    Ok(serde_json::to_string(&Answer { tables })?)
}

fn table_type(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Table => "table",
        RelationKind::View => "view",
        RelationKind::MaterializedView => "materialized_view",
        RelationKind::ForeignTable => "foreign_table",
        RelationKind::PartitionedTable => "partitioned_table",
        RelationKind::Partition => "partition",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::fake::{Fake, relation};

    #[test]
    fn a_table_that_was_never_counted_has_no_row_count() {
        let mut counted = relation("public", "a");
        counted.row_estimate = Some(0);
        let mut view = relation("public", "b");
        view.kind = RelationKind::View;
        view.row_estimate = None;
        let fake = Fake::new(vec![counted, view]);
        assert_eq!(
            run(&fake, Arguments::default()).expect("an answer"),
            concat!(
                r#"{"tables":[{"schema":"public","table":"a","row_count":0,"table_type":"table"},"#,
                r#"{"schema":"public","table":"b","row_count":null,"table_type":"view"}]}"#
            )
        );
    }

    #[test]
    fn a_schema_narrows_the_list() {
        let fake = Fake::new(vec![relation("public", "a"), relation("risk", "b")]);
        let arguments = Arguments {
            schema: Some("risk".to_owned()),
        };
        let answer = run(&fake, arguments).expect("an answer");
        assert!(
            answer.contains("\"b\"") && !answer.contains("\"a\""),
            "{answer}"
        );
    }
}
