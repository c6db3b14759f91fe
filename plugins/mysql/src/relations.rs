//! What a database has: tables, views, their columns and keys.
//!
//! One query for tables, one for columns, one for keys, sent together, whatever the number of relations. They
//! are of the connection's database or, without one, of all that the user may see. The answer is held until it
//! has been handed out: `information_schema` gives no order in which two queries could be read side by side.
//!
//! System schemas, sequences and temporary tables are left out. Names are returned as they are; what the
//! filter says goes into the queries as hexadecimal digits, which mean the same in every `sql_mode`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use datachat_sdk::connector::types::{
    Column, DbError, ErrorCode, ForeignKey, Relation, RelationFilter, RelationKind,
};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;

use crate::describe::SYSTEM_SCHEMAS;
use crate::own::TextRows;
use crate::session::Session;
use crate::settings::Product;

/// The most relations that one page may have, whatever the host asks for.
const MAX_PAGE: u32 = 1000;

/// Text as an SQL literal in which nothing needs to be quoted.
fn literal(text: &str) -> String {
    let mut digits = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        // Writing to a string can't fail.
        let _ = write!(digits, "{byte:02x}");
    }
    format!("_utf8mb4 X'{digits}'")
}

/// Which relations, as a condition on `TABLE_SCHEMA` and `TABLE_NAME`.
fn condition(filter: &RelationFilter, database: Option<&str>) -> String {
    let mut condition = match filter.schema.as_deref().or(database) {
        // The first comparison lets the server look into one schema only; the second counts.
        Some(schema) => {
            let schema = literal(schema);
            format!("TABLE_SCHEMA = {schema} AND BINARY TABLE_SCHEMA = BINARY {schema}")
        }
        None => "TRUE".to_owned(),
    };
    let _ = write!(condition, " AND TABLE_SCHEMA NOT IN ({SYSTEM_SCHEMAS})");
    if let Some(name) = &filter.name {
        let _ = write!(
            condition,
            " AND LOWER(TABLE_NAME) = LOWER({})",
            literal(name)
        );
    }
    condition
}

/// The answer of a session to "what have you got", read page by page.
pub struct RelationPages {
    relations: std::vec::IntoIter<Relation>,
}

impl RelationPages {
    /// Asks for the relations that pass `filter`.
    ///
    /// # Errors
    /// The connection broke.
    pub fn open<T: Transport>(
        session: &mut Session<T>,
        filter: &RelationFilter,
    ) -> Result<Self, DbError> {
        let condition = condition(filter, session.database.as_deref());
        let tables = format!(
            "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_COMMENT, TABLE_ROWS \
             FROM information_schema.TABLES \
             WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW') AND {condition}"
        );
        let columns = format!(
            "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, \
             GENERATION_EXPRESSION, COLUMN_COMMENT, DATA_TYPE \
             FROM information_schema.COLUMNS WHERE {condition} ORDER BY ORDINAL_POSITION"
        );
        let keys = format!(
            "SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA, \
             REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE \
             WHERE (CONSTRAINT_NAME = 'PRIMARY' OR REFERENCED_TABLE_NAME IS NOT NULL) AND {condition} \
             ORDER BY ORDINAL_POSITION"
        );
        let product = session.server.product;
        let mut results = if filter.columns {
            session.fetch(&[&tables, &columns, &keys])?
        } else {
            session.fetch(&[&tables])?
        }
        .into_iter();
        let mut next = || results.next().unwrap_or_default();
        let relations = assemble(&next(), &next(), &next(), product).ok_or_else(|| {
            db_error(
                ErrorCode::Internal,
                "the server described a relation in a way that can't be read",
            )
        })?;
        Ok(Self {
            relations: relations.into_iter(),
        })
    }

    /// The next relations, at most `max` of them, sorted by schema and name; empty at the end.
    ///
    /// # Errors
    /// None: everything has been read.
    pub fn next(&mut self, max: u32) -> Result<Vec<Relation>, DbError> {
        let max = max.clamp(1, MAX_PAGE) as usize;
        Ok(self.relations.by_ref().take(max).collect())
    }
}

fn assemble(
    tables: &TextRows,
    columns: &TextRows,
    keys: &TextRows,
    product: Product,
) -> Option<Vec<Relation>> {
    let mut relations: BTreeMap<(&str, &str), Relation> = BTreeMap::new();
    for row in tables {
        let [Some(schema), Some(name), Some(kind), comment, rows] = row.as_slice() else {
            return None;
        };
        let is_view = kind == "VIEW";
        relations.insert(
            (schema, name),
            Relation {
                schema: schema.clone(),
                name: name.clone(),
                kind: if is_view {
                    RelationKind::View
                } else {
                    RelationKind::Table
                },
                // Of a view it is the word VIEW, or what is wrong with it.
                comment: comment
                    .clone()
                    .filter(|comment| !is_view && !comment.is_empty()),
                row_estimate: rows
                    .as_deref()
                    .filter(|_| !is_view)
                    .and_then(|rows| rows.parse().ok()),
                columns: Vec::new(),
                primary_key: Vec::new(),
                foreign_keys: Vec::new(),
            },
        );
    }
    for row in columns {
        let [
            Some(schema),
            Some(table),
            Some(name),
            Some(db_type),
            nullable,
            ..,
        ] = row.as_slice()
        else {
            return None;
        };
        // A table that was made since the other query is not known.
        let Some(relation) = relations.get_mut(&(schema.as_str(), table.as_str())) else {
            continue;
        };
        let text = |index: usize| row.get(index).and_then(Option::as_deref);
        relation.columns.push(Column {
            name: name.clone(),
            db_type: db_type.clone(),
            nullable: nullable.as_deref() == Some("YES"),
            default_expression: default(product, text(5), text(6), text(7), text(9)),
            comment: text(8).filter(|text| !text.is_empty()).map(str::to_owned),
        });
    }
    for row in keys {
        let [
            Some(schema),
            Some(table),
            Some(constraint),
            Some(column),
            reference @ ..,
        ] = row.as_slice()
        else {
            return None;
        };
        let Some(relation) = relations.get_mut(&(schema.as_str(), table.as_str())) else {
            continue;
        };
        let [
            Some(referenced_schema),
            Some(referenced_table),
            Some(referenced_column),
        ] = reference
        else {
            relation.primary_key.push(column.clone());
            continue;
        };
        let known = relation
            .foreign_keys
            .iter()
            .position(|key| key.name == *constraint);
        let key = if let Some(index) = known {
            &mut relation.foreign_keys[index]
        } else {
            relation.foreign_keys.push(ForeignKey {
                name: constraint.clone(),
                columns: Vec::new(),
                referenced_schema: referenced_schema.clone(),
                referenced_relation: referenced_table.clone(),
                referenced_columns: Vec::new(),
            });
            relation.foreign_keys.last_mut()?
        };
        key.columns.push(column.clone());
        key.referenced_columns.push(referenced_column.clone());
    }
    Some(
        relations
            .into_values()
            .map(|mut relation| {
                relation
                    .foreign_keys
                    .sort_by(|left, right| left.name.cmp(&right.name));
                relation
            })
            .collect(),
    )
}

/// A column's default as SQL. MariaDB says it as SQL; MySQL says the value, and in `extra` whether it is SQL.
fn default(
    product: Product,
    value: Option<&str>,
    extra: Option<&str>,
    generated: Option<&str>,
    data_type: Option<&str>,
) -> Option<String> {
    if let Some(expression) = generated.filter(|expression| !expression.is_empty()) {
        return Some(expression.to_owned());
    }
    let value = value?;
    if product == Product::MariaDb {
        // So it says that there is none.
        return (value != "NULL").then(|| value.to_owned());
    }
    let is_sql = extra.is_some_and(|extra| extra.contains("DEFAULT_GENERATED"))
        || value.starts_with("CURRENT_TIMESTAMP")
        || value.starts_with("b'");
    let is_number = matches!(
        data_type,
        Some(
            "tinyint"
                | "smallint"
                | "mediumint"
                | "int"
                | "bigint"
                | "decimal"
                | "float"
                | "double"
                | "year"
        )
    );
    Some(if is_sql || is_number {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "''"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_filter_says_is_only_ever_digits() {
        let filter = RelationFilter {
            schema: Some("a' OR 1=1 -- ".to_owned()),
            name: Some("é\\'".to_owned()),
            columns: false,
        };
        assert_eq!(
            condition(&filter, Some("shop")),
            "TABLE_SCHEMA = _utf8mb4 X'6127204f5220313d31202d2d20' AND BINARY TABLE_SCHEMA = BINARY _utf8mb4 \
             X'6127204f5220313d31202d2d20' AND TABLE_SCHEMA NOT IN ('information_schema', 'mysql', \
             'performance_schema', 'sys') AND LOWER(TABLE_NAME) = LOWER(_utf8mb4 X'c3a95c27')"
        );
    }

    #[test]
    fn a_default_is_sql_whoever_says_it() {
        let mysql = |value, extra, kind| {
            default(
                Product::MySql,
                Some(value),
                Some(extra),
                Some(""),
                Some(kind),
            )
        };
        assert_eq!(mysql("it's", "", "varchar").as_deref(), Some("'it''s'"));
        assert_eq!(mysql("7", "", "int").as_deref(), Some("7"));
        assert_eq!(
            mysql("uuid()", "DEFAULT_GENERATED", "varchar").as_deref(),
            Some("uuid()")
        );
        let mariadb = |value| default(Product::MariaDb, Some(value), None, None, None);
        assert_eq!(mariadb("'it''s'").as_deref(), Some("'it''s'"));
        assert_eq!(mariadb("NULL"), None);
        assert_eq!(
            default(Product::MariaDb, None, None, Some("`a` + 1"), None).as_deref(),
            Some("`a` + 1")
        );
        assert_eq!(default(Product::MySql, None, None, None, None), None);
    }
}
