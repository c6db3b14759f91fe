//! The values that a question may name: what the text columns of a connection hold.
//!
//! A column is looked at through a statement like anybody's, which reads little: columns of more than a few hundred
//! different values (names, addresses) are not kept, and of large tables only a part is read. A value that this
//! does not see is a word that the answer calls unknown.

use super::compile::sql;
use super::kind::ColumnKind;
use super::model::{Model, Value};

/// A column with more different values than this names things rather than kinds of things.
pub const MOST_VALUES: usize = 300;
/// Tables with more rows are read in part.
const WHOLE_TABLE_ROWS: u64 = 1_000_000;
const PART_ROWS: u64 = 100_000;
/// Columns that are looked at, at most.
const MOST_COLUMNS: usize = 200;
/// Longer values are prose.
const LONGEST: usize = 60;

/// A statement that lists the values of a column, one a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    pub table: usize,
    pub column: String,
    pub sql: String,
}

/// What is to be asked of the database to know its values.
pub fn samples(model: &Model) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (at, table) in model.tables.iter().enumerate() {
        if table.is_view {
            continue;
        }
        for column in &table.columns {
            if column.kind != ColumnKind::Text || table.primary_key.contains(&column.name) {
                continue;
            }
            let whole = table
                .row_estimate
                .is_none_or(|rows| rows <= WHOLE_TABLE_ROWS);
            let part = (!whole).then_some(PART_ROWS);
            let sql = sql::distinct_values(model, at, &column.name, part, MOST_VALUES + 1);
            if let Some(sql) = sql {
                samples.push(Sample {
                    table: at,
                    column: column.name.clone(),
                    sql,
                });
            }
        }
    }
    samples.truncate(MOST_COLUMNS);
    samples
}

/// The values of a sample that can be named in a question. None of a column that holds too many.
pub fn index(sample: &Sample, found: Vec<String>) -> Vec<Value> {
    if found.len() > MOST_VALUES {
        return Vec::new();
    }
    found
        .into_iter()
        .filter(|text| {
            // Engines disagree about what a backslash in a literal means.
            !text.trim().is_empty() && text.chars().count() <= LONGEST && !text.contains('\\')
        })
        .map(|text| Value {
            table: sample.table,
            column: sample.column.clone(),
            text,
        })
        .collect()
}
