//! The baseline of ClickHouse: rows of the `clickhouse` crate into the Arrow columns that the component gives.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow_array::builder::{
    ArrayBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int32Builder, StringBuilder,
    StringDictionaryBuilder, TimestampSecondBuilder, UInt64Builder,
};
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use clickhouse::{Client, Compression, Row};
use datachat_throwaway::ClickHouse;
use serde::Deserialize;

/// Rows of a batch, about what the component sends at once.
const BATCH: usize = 65_536;

/// Which columns are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Plain,
    Texts,
    Converted,
}

impl Shape {
    pub fn columns(self) -> &'static str {
        match self {
            Self::Plain => "a, b, c, d, e",
            Self::Texts => "a, b, c, d, e, s, l",
            Self::Converted => "a, b, t, ip",
        }
    }
}

#[derive(Row, Deserialize)]
struct Plain {
    a: u64,
    b: f64,
    c: i32,
    d: i64,
    e: u16,
}

#[derive(Row, Deserialize)]
struct Texts<'a> {
    a: u64,
    b: f64,
    c: i32,
    d: i64,
    e: u16,
    s: &'a str,
    l: &'a str,
}

#[derive(Row, Deserialize)]
struct Converted {
    a: u64,
    b: f64,
    t: u32,
    #[serde(with = "clickhouse::serde::ipv4")]
    ip: Ipv4Addr,
}

/// A client of one database.
pub struct Native(Client);

impl Native {
    pub fn new(server: &ClickHouse, database: &str) -> Self {
        let client = Client::default()
            .with_url(format!("http://{}:{}", server.host(), server.port()))
            .with_user(server.user())
            .with_password(server.password())
            .with_database(database)
            .with_compression(Compression::None);
        Self(client)
    }

    /// Reads rows into batches; the number of rows.
    pub async fn rows(&self, sql: &str, shape: Shape) -> Result<usize> {
        let query = self.0.query(sql);
        let mut columns = Columns::default();
        match shape {
            Shape::Plain => {
                let mut rows = query.fetch::<Plain>()?;
                while let Some(row) = rows.next().await? {
                    columns.plain(&row);
                    columns.full()?;
                }
            }
            Shape::Texts => {
                let mut rows = query.fetch::<Texts<'_>>()?;
                while let Some(row) = rows.next().await? {
                    columns.plain(&Plain {
                        a: row.a,
                        b: row.b,
                        c: row.c,
                        d: row.d,
                        e: row.e,
                    });
                    columns.s.append_value(row.s);
                    columns.l.append(row.l)?;
                    columns.full()?;
                }
            }
            Shape::Converted => {
                let mut rows = query.fetch::<Converted>()?;
                while let Some(row) = rows.next().await? {
                    columns.a.append_value(row.a);
                    columns.b.append_value(row.b);
                    columns.t.append_value(row.t.into());
                    write!(columns.ip, "{}", row.ip)?;
                    columns.ip.append_value("");
                    columns.full()?;
                }
            }
        }
        columns.finish()?;
        Ok(columns.rows)
    }
}

#[derive(Default)]
struct Columns {
    a: UInt64Builder,
    b: Float64Builder,
    c: Int32Builder,
    d: Decimal128Builder,
    e: Date32Builder,
    s: StringBuilder,
    l: StringDictionaryBuilder<Int32Type>,
    t: TimestampSecondBuilder,
    ip: StringBuilder,
    /// Rows of the batches that are done.
    rows: usize,
}

impl Columns {
    fn plain(&mut self, row: &Plain) {
        self.a.append_value(row.a);
        self.b.append_value(row.b);
        self.c.append_value(row.c);
        self.d.append_value(row.d.into());
        self.e.append_value(row.e.into());
    }

    fn full(&mut self) -> Result<()> {
        if self.a.len() == BATCH {
            self.finish()?;
        }
        Ok(())
    }

    /// A batch of those columns that have values.
    fn finish(&mut self) -> Result<()> {
        let all: [(&str, ArrayRef); 9] = [
            ("a", Arc::new(self.a.finish())),
            ("b", Arc::new(self.b.finish())),
            ("c", Arc::new(self.c.finish())),
            ("d", Arc::new(self.d.finish())),
            ("e", Arc::new(self.e.finish())),
            ("s", Arc::new(self.s.finish())),
            ("l", Arc::new(self.l.finish())),
            ("t", Arc::new(self.t.finish())),
            ("ip", Arc::new(self.ip.finish())),
        ];
        let used: Vec<_> = all
            .into_iter()
            .filter(|(_, array)| !array.is_empty())
            .collect();
        if used.is_empty() {
            return Ok(());
        }
        let batch = RecordBatch::try_from_iter(used).context("a batch")?;
        self.rows += batch.num_rows();
        Ok(())
    }
}
