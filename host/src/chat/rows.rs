//! The rows of an answer, whole: what a chat shows is small.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::query::encode::{Column, Numbers, Options, describe, json_rows};
use crate::query::{QueryError, QueryStream, Summary};

/// A result.
#[derive(Debug, Clone)]
pub struct Rows {
    pub columns: Vec<Column>,
    /// Row by row, as JSON.
    pub cells: Vec<Vec<Box<RawValue>>>,
    pub summary: Summary,
}

impl Rows {
    /// Reads a result to its end; `seen` gets the rows of every batch as they come.
    ///
    /// # Errors
    /// What the result ends with.
    pub async fn read(
        mut stream: QueryStream,
        numbers: Numbers,
        mut seen: impl FnMut(&[Column], &[Vec<Box<RawValue>>]),
    ) -> Result<Self, QueryError> {
        // Errors are handed on, never written here.
        let mut options = Options::new(Arc::new(|_| serde_json::Value::Null));
        options.numbers = numbers;
        let columns = describe(&stream.schema());
        let mut rows: Vec<Vec<Box<RawValue>>> = Vec::new();
        while let Some(batch) = stream.next().await? {
            let from = rows.len();
            for row in json_rows(&batch, &options) {
                let row = serde_json::from_str(&row).map_err(|error| QueryError::Malformed {
                    detail: format!("a row is no JSON: {error}"),
                })?;
                rows.push(row);
            }
            seen(&columns, &rows[from..]);
        }
        Ok(Self {
            columns,
            cells: rows,
            summary: stream.summary(),
        })
    }

    /// Column by column, under names that are told apart: a repeated one gets `_2`.
    pub fn by_column(&self) -> ByColumn<'_> {
        ByColumn(self)
    }

    /// The value of a cell that is a string.
    pub fn text(&self, row: usize, column: usize) -> Option<String> {
        let cell = self.cells.get(row)?.get(column)?;
        serde_json::from_str(cell.get()).ok()
    }
}

/// Names that are told apart, in the order of the columns.
pub fn distinct_names(columns: &[Column]) -> Vec<String> {
    let mut used: HashMap<String, usize> = HashMap::new();
    let taken = |name: &str| columns.iter().any(|column| column.name == name);
    columns
        .iter()
        .map(|column| {
            let count = used.entry(column.name.clone()).or_insert(0);
            *count += 1;
            if *count == 1 {
                return column.name.clone();
            }
            loop {
                let name = format!("{}_{count}", column.name);
                if !taken(&name) {
                    return name;
                }
                *count += 1;
            }
        })
        .collect()
}

/// `{column: [values]}`
pub struct ByColumn<'a>(&'a Rows);

impl Serialize for ByColumn<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = distinct_names(&self.0.columns);
        let mut map = serializer.serialize_map(Some(names.len()))?;
        for (at, name) in names.iter().enumerate() {
            let values: Vec<&RawValue> = self
                .0
                .cells
                .iter()
                .filter_map(|row| row.get(at).map(AsRef::as_ref))
                .collect();
            map.serialize_entry(name, &values)?;
        }
        map.end()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A result with columns of the given Arrow types.
    pub fn rows(columns: &[(&str, &str)], cells: &[&[&str]]) -> Rows {
        Rows {
            columns: columns
                .iter()
                .map(|(name, arrow_type)| Column {
                    name: (*name).to_owned(),
                    db_type: (*arrow_type).to_owned(),
                    arrow_type: (*arrow_type).to_owned(),
                    nullable: true,
                    encoding: None,
                })
                .collect(),
            cells: cells
                .iter()
                .map(|row| {
                    row.iter()
                        .map(|cell| RawValue::from_string((*cell).to_owned()).expect("JSON"))
                        .collect()
                })
                .collect(),
            summary: Summary {
                row_count: cells.len() as u64,
                truncated: false,
                truncated_by: None,
                elapsed_ms: 0,
                warnings: Vec::new(),
            },
        }
    }

    #[test]
    fn values_stand_by_column_and_repeated_names_are_told_apart() {
        let rows = rows(
            &[
                ("a", "int64"),
                ("a", "int64"),
                ("a_2", "utf8"),
                ("a", "utf8"),
            ],
            &[&["1", "2", "\"x\"", "null"], &["3", "4", "\"y\"", "\"z\""]],
        );
        let json = serde_json::to_string(&rows.by_column()).expect("JSON");
        assert_eq!(
            json,
            r#"{"a":[1,3],"a_3":[2,4],"a_2":["x","y"],"a_4":[null,"z"]}"#
        );
    }
}
