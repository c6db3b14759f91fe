//! Tables, views and their columns, in two queries whatever their number.
//!
//! The first asks which columns the server's own tables have, for they differ between releases; the second
//! asks for everything and is read page by page. A connection whose URL names a database lists that one,
//! any other all but those of the system.

use std::fmt::Write as _;

use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, RecordBatch};
use datachat_sdk::connector::types::{Column, DbError, Relation, RelationFilter, RelationKind};
use datachat_sdk::http::{Body, Http};

use crate::answer::Answer;
use crate::errors::{self, Phase};
use crate::row_binary::{RowDecoder, RowError};
use crate::session::Session;
use crate::types::{Plan, Strings, Type, parse, plan};

/// The most relations of one page.
const MAX_PAGE: u32 = 10_000;

/// Engines that read from somewhere else.
const FOREIGN: [&str; 24] = [
    "MySQL",
    "PostgreSQL",
    "MaterializedPostgreSQL",
    "MongoDB",
    "Redis",
    "SQLite",
    "ODBC",
    "JDBC",
    "S3",
    "S3Queue",
    "URL",
    "HDFS",
    "File",
    "Kafka",
    "NATS",
    "RabbitMQ",
    "AzureBlobStorage",
    "Iceberg",
    "DeltaLake",
    "Hudi",
    "Hive",
    "ExternalDistributed",
    "YTsaurus",
    "ArrowFlight",
];

/// What the query gives: each of these, in this order.
const COLUMNS: [(&str, &str); 11] = [
    ("database", "String"),
    ("name", "String"),
    ("engine", "String"),
    ("comment", "String"),
    ("rows", "Nullable(UInt64)"),
    ("names", "Array(String)"),
    ("types", "Array(String)"),
    ("defaults", "Array(String)"),
    ("comments", "Array(String)"),
    ("keys", "Array(UInt8)"),
    ("key", "String"),
];

/// The answer of a session to "what have you got", read page by page.
pub struct RelationPages {
    answer: Option<Box<dyn Pieces>>,
    input: Vec<u8>,
    ended: bool,
    decoder: RowDecoder,
    columns: bool,
}

/// An answer, whatever client it came by.
trait Pieces {
    fn read(&mut self) -> Result<Vec<u8>, DbError>;
    fn broken(&self, what: &str) -> DbError;
}

impl<B: Body> Pieces for Answer<B> {
    fn read(&mut self) -> Result<Vec<u8>, DbError> {
        Answer::read(self)
    }

    fn broken(&self, what: &str) -> DbError {
        Answer::broken(self, what)
    }
}

impl RelationPages {
    /// Asks.
    ///
    /// # Errors
    /// What the server says, or that the connection broke.
    pub fn open<H: Http>(
        session: &mut Session<H>,
        filter: &RelationFilter,
    ) -> Result<Self, DbError> {
        let known = session.rows_of(
            "SELECT table, name FROM system.columns \
             WHERE database = 'system' AND table IN ('tables', 'columns')",
            &[],
            Phase::Statement,
        )?;
        let has = |table: &str, column: &str| {
            known.iter().any(|row| {
                row.first().is_some_and(|t| t == table) && row.get(1).is_some_and(|c| c == column)
            })
        };
        let only = filter.schema.as_deref().or(session.named_database());
        let sql = query(filter, only, &has);
        let answer = session.stream_of(&sql, "RowBinary")?;
        Ok(Self {
            answer: Some(Box::new(answer)),
            input: Vec::new(),
            ended: false,
            decoder: RowDecoder::new(&shape()?).map_err(|error| errors::undecodable(&error))?,
            columns: filter.columns,
        })
    }

    /// The next relations, at most `max` of them; empty at the end.
    ///
    /// # Errors
    /// What the server says, or that the connection broke.
    pub fn next<H: Http>(
        &mut self,
        _session: &mut Session<H>,
        max: u32,
    ) -> Result<Vec<Relation>, DbError> {
        let max = usize::try_from(max.clamp(1, MAX_PAGE)).unwrap_or(1);
        let Some(answer) = &mut self.answer else {
            return Ok(Vec::new());
        };
        let mut at = 0;
        while self.decoder.rows() < max {
            match self.decoder.push(&self.input[at..]) {
                Ok(length) => at += length,
                Err(RowError::Short) if !self.ended => {
                    self.input.drain(..at);
                    at = 0;
                    let piece = answer.read()?;
                    self.ended = piece.is_empty();
                    self.input.extend(piece);
                }
                Err(RowError::Short) if at == self.input.len() => {
                    self.answer = None;
                    break;
                }
                Err(error) => return Err(answer.broken(&error.to_string())),
            }
        }
        self.input.drain(..at);
        let batch = self
            .decoder
            .finish()
            .map_err(|error| errors::undecodable(&error))?;
        (0..batch.num_rows())
            .map(|row| read(&batch, row, self.columns))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| errors::malformed("a relation that can't be read"))
    }
}

fn shape() -> Result<Plan, DbError> {
    let columns = COLUMNS
        .into_iter()
        .map(|(name, ty)| {
            let parsed = parse(ty).map_err(|error| errors::bad_type(ty, &error))?;
            Ok((name.to_owned(), parsed))
        })
        .collect::<Result<Vec<_>, DbError>>()?;
    plan(columns, Strings::default(), "UTC").map_err(|error| errors::unreadable(&error))
}

fn query(filter: &RelationFilter, only: Option<&str>, has: &dyn Fn(&str, &str) -> bool) -> String {
    let mut which = match only {
        Some(database) => format!("database = {}", literal(database)),
        None => "database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA')".to_owned(),
    };
    let mut columns_which = which.clone();
    if let Some(name) = &filter.name {
        let name = literal(name);
        // Writing to a string can't fail.
        let _ = write!(which, " AND lowerUTF8(name) = lowerUTF8({name})");
        let _ = write!(columns_which, " AND lowerUTF8(table) = lowerUTF8({name})");
    }
    let or = |known: bool, sql: &'static str, instead: &'static str| {
        if known { sql } else { instead }
    };
    let nothing = "CAST(NULL AS Nullable(UInt64))";
    let comment = or(has("tables", "comment"), "comment", "''");
    let rows = or(has("tables", "total_rows"), "total_rows", nothing);
    let tables = format!(
        "SELECT database, name AS table, engine, {comment} AS about, {rows} AS count, primary_key AS key \
         FROM system.tables WHERE {which} AND is_temporary = 0 AND name NOT LIKE '.inner%'"
    );
    if !filter.columns {
        return format!(
            "SELECT database, table, engine, about, count, \
             emptyArrayString(), emptyArrayString(), emptyArrayString(), emptyArrayString(), \
             emptyArrayUInt8(), key FROM ({tables}) AS t ORDER BY database, table"
        );
    }
    let about = or(has("columns", "comment"), "comment", "''");
    let keys = or(
        has("columns", "is_in_primary_key"),
        "is_in_primary_key",
        "toUInt8(0)",
    );
    // Older servers list columns in their order and have no number for it.
    let order = or(
        has("columns", "position"),
        "ORDER BY database, table, position",
        "",
    );
    format!(
        "SELECT database, table, engine, about, count, names, types, defaults, abouts, keys, key \
         FROM ({tables}) AS t \
         ANY LEFT JOIN (SELECT database, table, groupArray(name) AS names, groupArray(type) AS types, \
         groupArray(default_expression) AS defaults, groupArray(note) AS abouts, groupArray(in_key) AS keys \
         FROM (SELECT database, table, name, type, default_expression, {about} AS note, {keys} AS in_key \
         FROM system.columns WHERE {columns_which} {order}) GROUP BY database, table) AS c \
         USING (database, table) ORDER BY database, table"
    )
}

/// Text as an SQL literal.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn read(batch: &RecordBatch, row: usize, columns: bool) -> Option<Relation> {
    let text = |index: usize| {
        let column = batch.column(index).as_string_opt::<i32>()?;
        Some(column.value(row).to_owned())
    };
    let list = |index: usize| {
        let values = batch.column(index).as_list_opt::<i32>()?.value(row);
        let values = values.as_string_opt::<i32>()?;
        Some(
            values
                .iter()
                .map(|value| value.unwrap_or_default().to_owned())
                .collect::<Vec<_>>(),
        )
    };
    let some = |text: String| (!text.is_empty()).then_some(text);
    let engine = text(2)?;
    let count = batch.column(4).as_primitive_opt::<UInt64Type>()?;
    let names = list(5)?;
    let keys = batch.column(9).as_list_opt::<i32>()?.value(row);
    let keys = keys.as_primitive_opt::<arrow_array::types::UInt8Type>()?;
    let primary_key = names
        .iter()
        .enumerate()
        .filter(|(index, _)| keys.len() > *index && keys.value(*index) == 1)
        .map(|(_, name)| name.clone())
        .collect();
    let key = text(10)?;
    let columns = if columns {
        names
            .into_iter()
            .zip(list(6)?)
            .zip(list(7)?)
            .zip(list(8)?)
            .map(|(((name, db_type), default), comment)| Column {
                name,
                nullable: parse(&db_type).is_ok_and(|ty: Type| ty.bare().1),
                db_type,
                default_expression: some(default),
                comment: some(comment),
            })
            .collect()
    } else {
        Vec::new()
    };
    Some(Relation {
        schema: text(0)?,
        name: text(1)?,
        kind: kind(&engine),
        comment: some(text(3)?),
        row_estimate: count.is_valid(row).then(|| count.value(row)),
        primary_key: in_order(primary_key, &key),
        columns,
        foreign_keys: Vec::new(),
    })
}

/// Key columns in the order of the key, which the server spells as an expression.
fn in_order(mut columns: Vec<String>, key: &str) -> Vec<String> {
    columns.sort_by_key(|column| key.find(column.as_str()).unwrap_or(usize::MAX));
    columns
}

fn kind(engine: &str) -> RelationKind {
    match engine {
        "View" | "LiveView" | "WindowView" => RelationKind::View,
        "MaterializedView" => RelationKind::MaterializedView,
        other if FOREIGN.contains(&other) => RelationKind::ForeignTable,
        _ => RelationKind::Table,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_filter_stays_a_text() {
        assert_eq!(literal(r"a'b\"), r"'a\'b\\'");
    }

    #[test]
    fn a_key_has_the_order_of_its_expression() {
        let columns = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(in_order(columns, "b, toDate(a)"), ["b", "a"]);
    }

    #[test]
    fn engines_tell_views_and_what_lies_elsewhere() {
        assert_eq!(kind("MergeTree"), RelationKind::Table);
        assert_eq!(kind("View"), RelationKind::View);
        assert_eq!(kind("MaterializedView"), RelationKind::MaterializedView);
        assert_eq!(kind("S3"), RelationKind::ForeignTable);
    }
}
