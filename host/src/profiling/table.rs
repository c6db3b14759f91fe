//! What a profile says of a table. Stored as JSON and shown as it is stored.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::family::Family;

/// A table, as it looked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableProfile {
    pub schema_name: String,
    pub table_name: String,
    /// `table`, `view`, …
    pub table_type: String,
    pub comment: Option<String>,
    pub status: TableStatus,
    /// Why there is nothing more.
    pub error: Option<String>,
    /// What could not be found out of a table that was profiled.
    pub notes: Vec<String>,
    pub row_count: Option<u64>,
    pub row_count_basis: Option<CountBasis>,
    pub sampled_rows: u64,
    /// Whether these were all.
    pub sample_is_whole: bool,
    pub columns: Vec<ColumnProfile>,
    /// Columns beyond `max_columns_per_table`.
    pub columns_skipped: u64,
    pub candidate_keys: Vec<CandidateKey>,
    pub relationships: Vec<Join>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableStatus {
    Completed,
    Failed,
    /// There was no time left.
    Skipped,
}

/// How a number of rows is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CountBasis {
    Counted,
    /// By the database, some time ago.
    Estimated,
}

/// Where something was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seen {
    Table,
    Sample,
}

/// A column, as it looked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    pub name: String,
    /// The database's own spelling: `numeric(10,2)`.
    pub data_type: String,
    pub family: Family,
    pub nullable: bool,
    pub is_primary_key: bool,
    pub default_value: Option<String>,
    pub comment: Option<String>,
    /// Of the sample, from 0 to 1; `None` of an empty one.
    pub null_rate: Option<f64>,
    /// Values in the sample, null not counted.
    pub sampled_distinct: u64,
    /// Of the whole table; `None` while nobody knows how many rows it has.
    pub distinct_estimate: Option<u64>,
    /// As results show it.
    pub min: Option<Value>,
    pub max: Option<Value>,
    pub range_basis: Option<Seen>,
}

/// Columns that tell every row from every other, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateKey {
    pub columns: Vec<String>,
    pub basis: KeyBasis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyBasis {
    /// The database sees to it.
    Declared,
    /// Without repetition or null in the sample.
    Sample,
}

/// How rows of the table lead to rows of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    pub columns: Vec<String>,
    pub target_schema: String,
    pub target_table: String,
    pub target_columns: Vec<String>,
    pub basis: JoinBasis,
    /// Whether no two rows lead to the same one.
    pub is_one_to_one: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JoinBasis {
    /// A foreign key.
    Declared,
    /// Names and types match, and the other side is unique.
    Inferred,
}

impl TableProfile {
    /// `schema.table`.
    pub fn qualified_name(&self) -> String {
        if self.schema_name.is_empty() {
            self.table_name.clone()
        } else {
            format!("{}.{}", self.schema_name, self.table_name)
        }
    }

    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether a column alone is a candidate key.
    pub fn is_unique(&self, column: &str) -> bool {
        self.candidate_keys
            .iter()
            .any(|key| key.columns.len() == 1 && key.columns[0] == column)
    }

    /// Whether a column leads to another table.
    pub fn refers(&self, column: &str) -> bool {
        self.relationships
            .iter()
            .any(|join| join.columns.iter().any(|name| name == column))
    }
}
