//! A SQLite database copied into PostgreSQL.
//!
//! SQLite types values, not columns: a column gets the narrowest type that holds every value of it, and the declared
//! type counts where there is none or only truth values. Keys are declared when the rows are there. One that does not
//! hold in PostgreSQL (values that repeat, types that differ) is left out and named, for a set is judged as it is.

use std::fmt::{self, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Row, TypeInfo, ValueRef};
use tokio_postgres::{Client, NoTls};

use crate::quoted;

/// Columns of one table that stand for a row of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    pub table: String,
    pub columns: Vec<String>,
    pub target: String,
    /// Empty: its primary key.
    pub target_columns: Vec<String>,
}

impl fmt::Display for ForeignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.columns.join(", "), self.target_columns.join(", "));
        write!(f, "{} ({from}) to {} ({to})", self.table, self.target)
    }
}

/// What was copied.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Copied {
    pub tables: usize,
    pub rows: u64,
    /// Keys that don't hold, and why.
    pub left_out: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Boolean,
    Bigint,
    Double,
    Date,
    Timestamp,
    Text,
    Bytes,
}

impl Kind {
    fn sql(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Bigint => "bigint",
            Self::Double => "double precision",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Text => "text",
            Self::Bytes => "bytea",
        }
    }
}

struct Table {
    name: String,
    columns: Vec<(String, Kind)>,
    primary_key: Vec<String>,
}

/// Bytes of rows that are sent at a time.
const PIECE: usize = 1 << 20;

/// Opens a SQLite file to read it.
///
/// # Errors
/// When it is none.
pub async fn open(file: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    options
        .connect()
        .await
        .with_context(|| format!("{} is no SQLite database", file.display()))
}

/// Copies all tables of a SQLite file into an empty database, with the foreign keys of the file and `further` ones.
///
/// # Errors
/// When the file can't be read, or a table not be written.
pub async fn copy(file: &Path, postgres: &str, further: &[ForeignKey]) -> Result<Copied> {
    let mut sqlite = open(file).await?;
    let (postgres, connection) = tokio_postgres::connect(postgres, NoTls).await?;
    tokio::spawn(connection);
    let names: Vec<(String,)> = sqlx::query_as(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .fetch_all(&mut sqlite)
    .await
    .with_context(|| format!("{} is no SQLite database", file.display()))?;
    let mut copied = Copied::default();
    let mut tables = Vec::new();
    let mut keys = Vec::new();
    for (name,) in names {
        let table = describe(&mut sqlite, name).await?;
        let about = || format!("table {}", table.name);
        copied.rows += rows(&mut sqlite, &postgres, &table)
            .await
            .with_context(about)?;
        keys.extend(foreign_keys(&mut sqlite, &table.name).await?);
        tables.push(table);
    }
    copied.tables = tables.len();
    declare(&postgres, &tables, &keys, further, &mut copied.left_out).await;
    postgres.batch_execute("ANALYZE").await?;
    Ok(copied)
}

async fn describe(sqlite: &mut SqliteConnection, name: String) -> Result<Table> {
    let described: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid")
            .bind(&name)
            .fetch_all(&mut *sqlite)
            .await?;
    let mut columns = Vec::new();
    let mut key = Vec::new();
    for (column, declared, place) in described {
        let kind = kind(sqlite, &name, &column, &declared).await?;
        if place > 0 {
            key.push((place, column.clone()));
        }
        columns.push((column, kind));
    }
    key.sort();
    Ok(Table {
        name,
        columns,
        primary_key: key.into_iter().map(|(_, column)| column).collect(),
    })
}

/// The narrowest type that holds every value of a column.
async fn kind(
    sqlite: &mut SqliteConnection,
    table: &str,
    column: &str,
    declared: &str,
) -> Result<Kind> {
    let (table, column) = (quoted(table), quoted(column));
    let sql = format!(
        "SELECT COALESCE(SUM(typeof(c) = 'integer'), 0), COALESCE(SUM(typeof(c) = 'real'), 0), \
         COALESCE(SUM(typeof(c) = 'text'), 0), COALESCE(SUM(typeof(c) = 'blob'), 0), \
         COALESCE(SUM(typeof(c) = 'integer' AND c IN (0, 1)), 0), COALESCE(SUM(c IS date(c)), 0), \
         COALESCE(SUM(c IS strftime('%Y-%m-%d %H:%M:%S', c)), 0) \
         FROM (SELECT {column} AS c FROM {table}) WHERE c IS NOT NULL"
    );
    let counts: (i64, i64, i64, i64, i64, i64, i64) = sqlx::query_as(AssertSqlSafe(sql))
        .fetch_one(&mut *sqlite)
        .await?;
    let (integers, reals, texts, blobs, truths, days, moments) = counts;
    let declared = declared.to_uppercase();
    Ok(match (integers > 0, reals > 0, texts > 0, blobs > 0) {
        (false, false, false, false) => of_declared(&declared),
        (true, false, false, false) if truths == integers && declared.contains("BOOL") => {
            Kind::Boolean
        }
        (true, false, false, false) => Kind::Bigint,
        (_, true, false, false) => Kind::Double,
        (false, false, true, false) if days == texts => Kind::Date,
        (false, false, true, false) if moments == texts => Kind::Timestamp,
        (false, false, false, true) => Kind::Bytes,
        _ => Kind::Text,
    })
}

/// The type of a column without values, by the rules by which SQLite reads its own declarations.
fn of_declared(declared: &str) -> Kind {
    let has = |part: &str| declared.contains(part);
    if has("BOOL") {
        Kind::Boolean
    } else if has("INT") {
        Kind::Bigint
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        Kind::Text
    } else if has("BLOB") {
        Kind::Bytes
    } else if has("DATETIME") || has("TIMESTAMP") {
        Kind::Timestamp
    } else if has("DATE") {
        Kind::Date
    } else if declared.is_empty() {
        Kind::Text
    } else {
        Kind::Double
    }
}

async fn rows(sqlite: &mut SqliteConnection, postgres: &Client, table: &Table) -> Result<u64> {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|(name, kind)| format!("{} {}", quoted(name), kind.sql()))
        .collect();
    let target = quoted(&table.name);
    postgres
        .batch_execute(&format!("CREATE TABLE {target} ({})", columns.join(", ")))
        .await?;
    let sink = postgres
        .copy_in::<_, Bytes>(&format!("COPY {target} FROM STDIN"))
        .await?;
    let mut sink = std::pin::pin!(sink);
    let select = format!("SELECT * FROM {target}");
    let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(&mut *sqlite);
    let mut piece = String::new();
    while let Some(row) = rows.try_next().await? {
        for (at, (_, kind)) in table.columns.iter().enumerate() {
            if at > 0 {
                piece.push('\t');
            }
            match cell(&row, at)? {
                Value::Null => piece.push_str("\\N"),
                Value::String(text) => escape(&text, &mut piece),
                Value::Number(number) if *kind == Kind::Boolean => {
                    piece.push(if number.as_i64() == Some(0) { 'f' } else { 't' });
                }
                other => piece.push_str(&other.to_string()),
            }
        }
        piece.push('\n');
        if piece.len() >= PIECE {
            sink.send(Bytes::from(std::mem::take(&mut piece))).await?;
        }
    }
    sink.send(Bytes::from(piece)).await?;
    Ok(sink.finish().await?)
}

/// A text in the form that `COPY` reads; PostgreSQL has no text with a NUL.
fn escape(text: &str, to: &mut String) {
    for char in text.chars() {
        match char {
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            '\0' => {}
            other => to.push(other),
        }
    }
}

/// A value of a row, by its own type. Bytes become text as PostgreSQL writes them; what is no UTF-8 is replaced.
///
/// # Errors
/// When there is no such column.
pub fn cell(row: &SqliteRow, at: usize) -> Result<Value> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    Ok(match raw.type_info().name() {
        "INTEGER" => row.try_get_unchecked::<i64, _>(at)?.into(),
        "REAL" => row.try_get_unchecked::<f64, _>(at)?.into(),
        "BLOB" => {
            let bytes: Vec<u8> = row.try_get_unchecked(at)?;
            let mut text = "\\x".to_owned();
            for byte in bytes {
                let _ = write!(text, "{byte:02x}");
            }
            text.into()
        }
        _ => {
            let bytes: Vec<u8> = row.try_get_unchecked(at)?;
            String::from_utf8_lossy(&bytes).into_owned().into()
        }
    })
}

async fn foreign_keys(sqlite: &mut SqliteConnection, table: &str) -> Result<Vec<ForeignKey>> {
    let rows: Vec<(i64, String, String, Option<String>)> = sqlx::query_as(
        "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list($1) ORDER BY id, seq",
    )
    .bind(table)
    .fetch_all(&mut *sqlite)
    .await?;
    let mut keys: Vec<(i64, ForeignKey)> = Vec::new();
    for (id, target, from, to) in rows {
        if keys.last().is_none_or(|(last, _)| *last != id) {
            let key = ForeignKey {
                table: table.to_owned(),
                columns: Vec::new(),
                target,
                target_columns: Vec::new(),
            };
            keys.push((id, key));
        }
        if let Some((_, key)) = keys.last_mut() {
            key.columns.push(from);
            key.target_columns.extend(to);
        }
    }
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

/// Declares the keys that hold.
async fn declare(
    postgres: &Client,
    tables: &[Table],
    own: &[ForeignKey],
    further: &[ForeignKey],
    left_out: &mut Vec<String>,
) {
    let mut unique: Vec<(String, Vec<String>)> = Vec::new();
    for table in tables.iter().filter(|table| !table.primary_key.is_empty()) {
        let columns = list(&table.primary_key);
        let sql = format!(
            "ALTER TABLE {} ADD PRIMARY KEY ({columns})",
            quoted(&table.name)
        );
        if attempt(postgres, &sql, left_out).await {
            unique.push((table.name.clone(), table.primary_key.clone()));
        }
    }
    let mut done: Vec<ForeignKey> = Vec::new();
    for key in own.iter().chain(further) {
        let Some(key) = spelt(key, tables) else {
            left_out.push(format!("{key}: there are no such columns"));
            continue;
        };
        if done.contains(&key) {
            continue;
        }
        let target = (key.target.clone(), key.target_columns.clone());
        if !unique.contains(&target) {
            let sql = format!(
                "ALTER TABLE {} ADD UNIQUE ({})",
                quoted(&target.0),
                list(&target.1)
            );
            if !attempt(postgres, &sql, left_out).await {
                continue;
            }
            unique.push(target);
        }
        // Sets have rows that lead nowhere.
        let sql = format!(
            "ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {} ({}) NOT VALID",
            quoted(&key.table),
            list(&key.columns),
            quoted(&key.target),
            list(&key.target_columns)
        );
        attempt(postgres, &sql, left_out).await;
        done.push(key);
    }
}

/// A key in the spelling of the tables: SQLite minds no case.
fn spelt(key: &ForeignKey, tables: &[Table]) -> Option<ForeignKey> {
    let find = |name: &str| {
        let mut tables = tables.iter();
        tables.find(|table| table.name.eq_ignore_ascii_case(name))
    };
    let (table, target) = (find(&key.table)?, find(&key.target)?);
    let columns = |of: &Table, names: &[String]| -> Option<Vec<String>> {
        let spelt = names.iter().map(|name| {
            let mut columns = of.columns.iter();
            let found = columns.find(|(column, _)| column.eq_ignore_ascii_case(name));
            found.map(|(column, _)| column.clone())
        });
        spelt.collect()
    };
    let target_columns = if key.target_columns.is_empty() {
        target.primary_key.clone()
    } else {
        columns(target, &key.target_columns)?
    };
    let key = ForeignKey {
        table: table.name.clone(),
        columns: columns(table, &key.columns)?,
        target: target.name.clone(),
        target_columns,
    };
    (key.columns.len() == key.target_columns.len()).then_some(key)
}

async fn attempt(postgres: &Client, sql: &str, left_out: &mut Vec<String>) -> bool {
    match postgres.batch_execute(sql).await {
        Ok(()) => true,
        Err(error) => {
            let cause = error
                .as_db_error()
                .map_or_else(|| error.to_string(), |error| error.message().to_owned());
            left_out.push(format!("{sql}: {cause}"));
            false
        }
    }
}

fn list(columns: &[String]) -> String {
    let quoted: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    quoted.join(", ")
}
