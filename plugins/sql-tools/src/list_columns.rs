//! `list_columns`: the columns of one table.

use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::failure::Failure;
use crate::lookup;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    table: String,
    #[serde(default)]
    schema: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    table: String,
    columns: Vec<Column>,
}

#[derive(Serialize)]
struct Column {
    name: String,
    r#type: String,
    nullable: bool,
}

/// Lists the columns.
///
/// # Errors
/// An unknown or ambiguous table, or the database's own.
pub fn run(database: &impl Database, arguments: &Arguments) -> Result<String, Failure> {
    let found = lookup::find(
        database,
        &arguments.table,
        arguments.schema.as_deref(),
        true,
    )?;
    let table = found.name();
    let columns = found
        .relation
        .columns
        .into_iter()
        .map(|column| Column {
            name: column.name,
            r#type: column.db_type,
            nullable: column.nullable,
        })
        .collect();
    Ok(serde_json::to_string(&Answer { table, columns })?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::fake::{Fake, column, relation};

    #[test]
    fn columns_keep_their_order_and_the_databases_type_names() {
        let mut table = relation("risk", "Scores");
        table.columns = vec![column("b", "numeric(10,2)"), column("a", "integer[]")];
        let answer = run(
            &Fake::new(vec![table]),
            &Arguments {
                table: "scores".to_owned(),
                schema: None,
            },
        );
        assert_eq!(
            answer.expect("an answer"),
            concat!(
                r#"{"table":"risk.Scores","columns":[{"name":"b","type":"numeric(10,2)","nullable":true},"#,
                r#"{"name":"a","type":"integer[]","nullable":true}]}"#
            )
        );
    }
}
