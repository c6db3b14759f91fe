//! The statements of the questions that need no model, per dialect.
//!
//! Names come from the live catalogue and are written by [`identifier::quote`]; where a name is a value, by
//! [`literal`]. A dialect whose catalogue nobody knows has no statement for listing: the connector says what
//! there is.
//!
//! [`identifier::quote`]: crate::query::identifier::quote

use super::tables::Table;
use crate::plugins::Dialect;

/// Lists the tables; `None` where only the connector can.
pub fn tables(dialect: Dialect) -> Option<String> {
    let sql = match dialect {
        Dialect::Postgresql => {
            "SELECT table_schema, table_name, table_type FROM information_schema.tables \
             WHERE table_schema NOT IN ('pg_catalog', 'information_schema') \
             ORDER BY table_schema, table_name"
        }
        Dialect::Mysql => {
            "SELECT table_schema AS table_schema, table_name AS table_name, table_type AS table_type \
             FROM information_schema.tables \
             WHERE table_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys') \
             ORDER BY table_schema, table_name"
        }
        Dialect::Clickhouse => {
            "SELECT database AS table_schema, name AS table_name, engine AS table_type FROM system.tables \
             WHERE database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA') \
             AND is_temporary = 0 ORDER BY table_schema, table_name"
        }
        Dialect::Generic => return None,
    };
    Some(sql.to_owned())
}

/// A row a column; `None` where only the connector can.
pub fn columns(dialect: Dialect, table: &Table) -> Option<String> {
    let schema = literal(dialect, &table.relation.schema);
    let name = literal(dialect, &table.relation.name);
    let sql = match dialect {
        Dialect::Postgresql => format!(
            "SELECT column_name, data_type, is_nullable FROM information_schema.columns \
             WHERE table_schema = {schema} AND table_name = {name} ORDER BY ordinal_position"
        ),
        Dialect::Mysql => format!(
            "SELECT column_name AS column_name, column_type AS data_type, is_nullable AS is_nullable \
             FROM information_schema.columns \
             WHERE table_schema = {schema} AND table_name = {name} ORDER BY ordinal_position"
        ),
        Dialect::Clickhouse => format!(
            "SELECT name AS column_name, type AS data_type, \
             if(startsWith(type, 'Nullable('), 'YES', 'NO') AS is_nullable FROM system.columns \
             WHERE database = {schema} AND table = {name} ORDER BY position"
        ),
        Dialect::Generic => return None,
    };
    Some(sql)
}

/// Counts the rows of a table.
pub fn count(dialect: Dialect, table: &Table) -> String {
    format!("SELECT COUNT(*) AS row_count FROM {}", table.sql(dialect))
}

/// Some rows of a table.
pub fn sample(dialect: Dialect, table: &Table, rows: u64) -> String {
    format!("SELECT * FROM {} LIMIT {rows}", table.sql(dialect))
}

/// Writes `text` so that the dialect reads exactly it.
fn literal(dialect: Dialect, text: &str) -> String {
    let doubled = text.replace('\'', "''");
    match dialect {
        // Whether MySQL reads escapes is up to the session's mode.
        Dialect::Mysql if text.contains('\\') => {
            use std::fmt::Write as _;
            let hex = text.bytes().fold(String::new(), |mut hex, byte| {
                // Writing to a string can't fail.
                let _ = write!(hex, "{byte:02X}");
                hex
            });
            format!("CONVERT(X'{hex}' USING utf8mb4)")
        }
        Dialect::Clickhouse => format!("'{}'", doubled.replace('\\', "\\\\")),
        // In any setting of `standard_conforming_strings`.
        Dialect::Postgresql if text.contains('\\') => {
            format!("E'{}'", doubled.replace('\\', "\\\\"))
        }
        _ => format!("'{doubled}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_it_is_in_every_dialect() {
        for (dialect, text, expected) in [
            (Dialect::Postgresql, "it's", "'it''s'"),
            (Dialect::Postgresql, "a\\'b", "E'a\\\\''b'"),
            (Dialect::Mysql, "it's", "'it''s'"),
            (Dialect::Mysql, "a\\'", "CONVERT(X'615C27' USING utf8mb4)"),
            (Dialect::Clickhouse, "a\\'b", "'a\\\\''b'"),
        ] {
            assert_eq!(literal(dialect, text), expected);
        }
    }
}
