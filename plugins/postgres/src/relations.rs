//! What a database has: tables, views, their columns and keys.
//!
//! One query, whatever the number of relations, read in pages from a portal: neither side ever holds more
//! than a page. Columns and keys come as one JSON value per relation, made by the server.
//!
//! System schemas and temporary tables are left out. Names are compared and returned as they are, so quoted
//! and mixed-case names need no care.

use datachat_sdk::connector::types::{
    Column, DbError, ErrorCode, ForeignKey, Relation, RelationFilter, RelationKind,
};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;

use crate::session::Session;

const PORTAL: &str = "datachat_relations";

/// The most relations that one page may have, whatever the host asks for.
const MAX_PAGE: u32 = 1000;

const COLUMNS: &str = "\
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(\
        a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), \
        NOT (a.attnotnull OR t.typtype = 'd' AND t.typnotnull), \
        pg_catalog.pg_get_expr(d.adbin, d.adrelid), \
        pg_catalog.col_description(c.oid, a.attnum)) ORDER BY a.attnum) \
     FROM pg_catalog.pg_attribute a \
     JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
     LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), \
    (SELECT pg_catalog.json_agg(a.attname ORDER BY k.place) \
     FROM pg_catalog.pg_constraint p \
     CROSS JOIN LATERAL pg_catalog.unnest(p.conkey) WITH ORDINALITY AS k (attnum, place) \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
     WHERE p.conrelid = c.oid AND p.contype = 'p'), \
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(\
        f.conname, fn.nspname, fc.relname, \
        (SELECT pg_catalog.json_agg(a.attname ORDER BY k.place) \
         FROM pg_catalog.unnest(f.conkey) WITH ORDINALITY AS k (attnum, place) \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum), \
        (SELECT pg_catalog.json_agg(a.attname ORDER BY k.place) \
         FROM pg_catalog.unnest(f.confkey) WITH ORDINALITY AS k (attnum, place) \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum)) \
        ORDER BY f.conname) \
     FROM pg_catalog.pg_constraint f \
     JOIN pg_catalog.pg_class fc ON fc.oid = f.confrelid \
     JOIN pg_catalog.pg_namespace fn ON fn.oid = fc.relnamespace \
     WHERE f.conrelid = c.oid AND f.contype = 'f')";

fn query(columns: bool) -> String {
    let columns = if columns { COLUMNS } else { "NULL, NULL, NULL" };
    format!(
        "SELECT n.nspname, c.relname, c.relkind, c.relispartition, \
         pg_catalog.obj_description(c.oid, 'pg_class'), c.reltuples::pg_catalog.int8, c.relpages, \
         {columns} \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') \
         AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' \
         AND ($1::pg_catalog.text IS NULL OR n.nspname = $1) \
         AND ($2::pg_catalog.text IS NULL OR pg_catalog.lower(c.relname) = pg_catalog.lower($2)) \
         ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\""
    )
}

/// The answer of a session to "what have you got", read page by page.
pub struct RelationPages {
    more: bool,
}

impl RelationPages {
    /// Asks. Nothing is sent before the first page is read.
    ///
    /// # Errors
    /// The connection broke.
    pub fn open<T: Transport>(
        session: &mut Session<T>,
        filter: &RelationFilter,
    ) -> Result<Self, DbError> {
        session.settle()?;
        session.open_portal(
            PORTAL,
            &query(filter.columns),
            &[filter.schema.as_deref(), filter.name.as_deref()],
        )?;
        Ok(Self { more: true })
    }

    /// The next relations, at most `max` of them; empty at the end.
    ///
    /// # Errors
    /// What the server says, or that the connection broke.
    pub fn next<T: Transport>(
        &mut self,
        session: &mut Session<T>,
        max: u32,
    ) -> Result<Vec<Relation>, DbError> {
        if !self.more {
            return Ok(Vec::new());
        }
        let max = i32::try_from(max.clamp(1, MAX_PAGE)).unwrap_or(1);
        let version = session.major_version();
        let mut relations = Vec::new();
        let mut unreadable = false;
        self.more = false;
        self.more = session.fetch_page(PORTAL, max, |row| match read(&row, version) {
            Some(relation) => relations.push(relation),
            None => unreadable = true,
        })?;
        if unreadable {
            return Err(db_error(
                ErrorCode::Internal,
                "the server described a relation in a way that can't be read",
            ));
        }
        Ok(relations)
    }
}

type RawColumn = (String, String, bool, Option<String>, Option<String>);
type RawForeignKey = (
    String,
    String,
    String,
    Option<Vec<String>>,
    Option<Vec<String>>,
);

fn read(row: &[Option<String>], version: u32) -> Option<Relation> {
    let text = |index: usize| row.get(index)?.as_deref();
    let kind = match (text(2)?, text(3)?) {
        (_, "t") => RelationKind::Partition,
        ("v", _) => RelationKind::View,
        ("m", _) => RelationKind::MaterializedView,
        ("f", _) => RelationKind::ForeignTable,
        ("p", _) => RelationKind::PartitionedTable,
        _ => RelationKind::Table,
    };
    let columns: Vec<RawColumn> = list(text(7))?;
    let primary_key: Vec<String> = list(text(8))?;
    let foreign_keys: Vec<RawForeignKey> = list(text(9))?;
    Some(Relation {
        schema: text(0)?.to_owned(),
        name: text(1)?.to_owned(),
        kind,
        comment: text(4).map(str::to_owned),
        row_estimate: estimate(
            kind,
            text(5)?.parse().ok()?,
            text(6)?.parse().ok()?,
            version,
        ),
        columns: columns
            .into_iter()
            .map(
                |(name, db_type, nullable, default_expression, comment)| Column {
                    name,
                    db_type,
                    nullable,
                    default_expression,
                    comment,
                },
            )
            .collect(),
        primary_key,
        foreign_keys: foreign_keys
            .into_iter()
            .map(|(name, schema, relation, columns, referenced)| ForeignKey {
                name,
                columns: columns.unwrap_or_default(),
                referenced_schema: schema,
                referenced_relation: relation,
                referenced_columns: referenced.unwrap_or_default(),
            })
            .collect(),
    })
}

/// A JSON list; NULL is an empty one. `None`: not what was asked for.
fn list<'a, J: serde::Deserialize<'a>>(text: Option<&'a str>) -> Option<Vec<J>> {
    text.map_or(Some(Vec::new()), |text| serde_json::from_str(text).ok())
}

/// The planner's estimate, where it has ever counted. Views have none.
fn estimate(kind: RelationKind, tuples: i64, pages: i64, version: u32) -> Option<u64> {
    if kind == RelationKind::View {
        return None;
    }
    // Before PostgreSQL 14, "never counted" and "counted none" were both 0; only pages tell of a count.
    if version < 14 && tuples == 0 && pages == 0 {
        return None;
    }
    u64::try_from(tuples).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_analysed_is_not_empty() {
        let table = RelationKind::Table;
        assert_eq!(estimate(table, -1, 0, 15), None);
        assert_eq!(estimate(table, 0, 0, 15), Some(0));
        assert_eq!(estimate(table, 0, 0, 13), None);
        assert_eq!(estimate(table, 0, 1, 13), Some(0));
        assert_eq!(estimate(table, 12_000, 80, 13), Some(12_000));
        assert_eq!(estimate(RelationKind::View, 0, 0, 15), None);
    }
}
