//! Profiles for the tests of the modules beside.

use super::family::Family;
use super::table::{CandidateKey, ColumnProfile, CountBasis, KeyBasis, TableProfile, TableStatus};

/// A column without nulls.
pub fn column(name: &str, family: Family) -> ColumnProfile {
    ColumnProfile {
        name: name.to_owned(),
        data_type: format!("{family:?}").to_lowercase(),
        family,
        nullable: false,
        is_primary_key: false,
        default_value: None,
        comment: None,
        null_rate: Some(0.0),
        sampled_distinct: 3,
        distinct_estimate: Some(3),
        min: None,
        max: None,
        range_basis: None,
    }
}

/// A table of the schema `shop` with ten rows.
pub fn table(name: &str, columns: &[ColumnProfile]) -> TableProfile {
    TableProfile {
        schema_name: "shop".to_owned(),
        table_name: name.to_owned(),
        table_type: "table".to_owned(),
        comment: None,
        status: TableStatus::Completed,
        error: None,
        notes: Vec::new(),
        row_count: Some(10),
        row_count_basis: Some(CountBasis::Counted),
        sampled_rows: 10,
        sample_is_whole: true,
        columns: columns.to_vec(),
        columns_skipped: 0,
        candidate_keys: Vec::new(),
        relationships: Vec::new(),
    }
}

impl TableProfile {
    /// With a declared primary key.
    #[must_use]
    pub fn keyed(mut self, columns: &[&str]) -> Self {
        for column in &mut self.columns {
            column.is_primary_key = columns.contains(&column.name.as_str());
        }
        self.candidate_keys.push(CandidateKey {
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            basis: KeyBasis::Declared,
        });
        self
    }

    /// With a column that has no repetition in the sample.
    #[must_use]
    pub fn unique(mut self, column: &str) -> Self {
        self.candidate_keys.push(CandidateKey {
            columns: vec![column.to_owned()],
            basis: KeyBasis::Sample,
        });
        self
    }
}
