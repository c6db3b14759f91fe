//! What a profiling and a generation are asked for, with the ranges and defaults of the contract.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How a connection is to be profiled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileRequest {
    /// Rows that are looked at of each table.
    pub sample_size: u64,
    /// `None`: all.
    pub max_tables: Option<u64>,
    pub max_columns_per_table: u64,
    pub query_timeout_seconds: u64,
    pub per_table_timeout_seconds: u64,
    pub total_timeout_seconds: u64,
    /// Whether the first table that can't be profiled ends the job.
    pub fail_fast: bool,
    /// `orders` or `shop.orders`; `None`: all.
    pub tables: Option<Vec<String>>,
}

impl ProfileRequest {
    pub const SAMPLE_SIZE: RangeInclusive<u64> = 1..=1000;
    pub const MAX_TABLES: RangeInclusive<u64> = 1..=500;
    pub const MAX_COLUMNS: RangeInclusive<u64> = 1..=500;
    pub const QUERY_SECONDS: RangeInclusive<u64> = 1..=60;
    pub const TABLE_SECONDS: RangeInclusive<u64> = 1..=300;
    pub const TOTAL_SECONDS: RangeInclusive<u64> = 10..=1800;

    /// The same with every number brought into its range, for callers who are not to be trusted with one. The time
    /// in all may be shorter than its range.
    #[must_use]
    pub fn within_ranges(mut self) -> Self {
        let within = |number: &mut u64, range: RangeInclusive<u64>| {
            *number = (*number).clamp(*range.start(), *range.end());
        };
        within(&mut self.sample_size, Self::SAMPLE_SIZE);
        within(&mut self.max_columns_per_table, Self::MAX_COLUMNS);
        within(&mut self.query_timeout_seconds, Self::QUERY_SECONDS);
        within(&mut self.per_table_timeout_seconds, Self::TABLE_SECONDS);
        within(
            &mut self.total_timeout_seconds,
            1..=*Self::TOTAL_SECONDS.end(),
        );
        if let Some(most) = &mut self.max_tables {
            within(most, Self::MAX_TABLES);
        }
        self
    }
}

impl Default for ProfileRequest {
    fn default() -> Self {
        Self {
            sample_size: 100,
            max_tables: Some(50),
            max_columns_per_table: 100,
            query_timeout_seconds: 5,
            per_table_timeout_seconds: 20,
            total_timeout_seconds: 180,
            fail_fast: false,
            tables: None,
        }
    }
}

/// What is to be made of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerateRequest {
    pub profile_id: Uuid,
    /// As in [`ProfileRequest::tables`].
    pub tables: Option<Vec<String>>,
    pub depth: Depth,
    /// Tables between two reports of progress.
    pub batch_size: u64,
    /// `None`: all.
    pub max_tables: Option<u64>,
    pub max_metrics_per_table: u64,
    /// Whether what waits for review is replaced, or kept instead of the new.
    pub replace_existing: bool,
}

impl GenerateRequest {
    pub const BATCH_SIZE: RangeInclusive<u64> = 1..=50;
    pub const BATCH: u64 = 10;
    pub const MAX_METRICS: RangeInclusive<u64> = 1..=10;
    pub const METRICS: u64 = 3;
}

/// How much is made of a profile that is yet to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generating {
    pub depth: Depth,
    pub batch_size: u64,
    pub max_metrics_per_table: u64,
}

impl Generating {
    /// The request, of all tables of a profile.
    pub fn of(self, profile_id: Uuid) -> GenerateRequest {
        let within =
            |number: u64, range: RangeInclusive<u64>| number.clamp(*range.start(), *range.end());
        GenerateRequest {
            profile_id,
            tables: None,
            depth: self.depth,
            batch_size: within(self.batch_size, GenerateRequest::BATCH_SIZE),
            max_tables: None,
            max_metrics_per_table: within(self.max_metrics_per_table, GenerateRequest::MAX_METRICS),
            replace_existing: true,
        }
    }
}

/// How much is made of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// A Schema DataPoint of each table.
    SchemaOnly,
    /// Also Business ones, of columns whose names say what they measure.
    MetricsBasic,
    /// Also those that a language model thinks of.
    MetricsFull,
}

impl Depth {
    pub const ALL: [(&str, Self); 3] = [
        ("schema_only", Self::SchemaOnly),
        ("metrics_basic", Self::MetricsBasic),
        ("metrics_full", Self::MetricsFull),
    ];
}

/// Whether a list of `orders` and `shop.orders` names a table; without a list, every table is meant.
pub fn names(tables: Option<&[String]>, schema: &str, table: &str) -> bool {
    tables.is_none_or(|names| names.iter().any(|name| is_named(name, schema, table)))
}

/// The names of a list that no table has.
pub fn unknown<'a>(names: Option<&'a [String]>, tables: &[(&str, &str)]) -> Vec<&'a str> {
    let is_there = |name: &&String| {
        tables
            .iter()
            .any(|(schema, table)| is_named(name, schema, table))
    };
    let names = names.unwrap_or_default().iter();
    names
        .filter(|name| !is_there(name))
        .map(String::as_str)
        .collect()
}

/// Exactly: databases may have names that differ in case alone.
fn is_named(name: &str, schema: &str, table: &str) -> bool {
    name == table
        || name
            .strip_prefix(schema)
            .and_then(|rest| rest.strip_prefix('.'))
            == Some(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_strangers_are_brought_into_their_ranges() {
        let wild = ProfileRequest {
            sample_size: 0,
            max_tables: Some(9_999),
            max_columns_per_table: u64::MAX,
            query_timeout_seconds: 0,
            per_table_timeout_seconds: 301,
            total_timeout_seconds: 2,
            ..ProfileRequest::default()
        };
        let tame = wild.within_ranges();
        assert_eq!(
            (
                tame.sample_size,
                tame.max_tables,
                tame.max_columns_per_table
            ),
            (1, Some(500), 500)
        );
        assert_eq!(
            (
                tame.query_timeout_seconds,
                tame.per_table_timeout_seconds,
                tame.total_timeout_seconds
            ),
            (1, 300, 2)
        );
        let usual = ProfileRequest::default();
        assert_eq!(usual.clone().within_ranges(), usual);
    }

    #[test]
    fn a_table_is_named_with_or_without_its_schema() {
        let list = ["orders", "shop.Order Items"].map(str::to_owned);
        for (schema, table, expected) in [
            ("shop", "orders", true),
            ("other", "orders", true),
            ("shop", "Order Items", true),
            ("other", "Order Items", false),
            ("shop", "Orders", false),
            ("shop.Order", "Items", false),
        ] {
            assert_eq!(
                names(Some(&list), schema, table),
                expected,
                "{schema} {table}"
            );
        }
        assert!(names(None, "any", "thing"));
        let there = [("shop", "orders")];
        assert_eq!(unknown(Some(&list), &there), ["shop.Order Items"]);
        assert_eq!(unknown(None, &there), [""; 0]);
    }
}
