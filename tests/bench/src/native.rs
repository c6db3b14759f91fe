//! The baseline: `tokio-postgres`, a prepared statement, its binary rows into the same Arrow columns.
//!
//! Values are taken from the wire bytes by the shortest way there is, without chrono or decimal types in
//! between: a baseline that is easy to beat proves nothing.

use std::error::Error;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, FixedSizeBinaryBuilder, Float64Builder,
    Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use futures_util::TryStreamExt;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, NoTls, Row, Statement};

/// Rows of a batch, about what the component sends at once.
const BATCH: usize = 8192;

/// Days and microseconds from 1970, Arrow's epoch, to 2000, PostgreSQL's.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// A connected client.
pub struct Native {
    client: Client,
}

impl Native {
    pub async fn connect(url: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self { client })
    }

    pub async fn prepare(&self, sql: &str) -> Result<Statement> {
        Ok(self.client.prepare(sql).await?)
    }

    /// Runs `SELECT 1` or the like and reads its one integer.
    pub async fn one(&self, statement: &Statement) -> Result<i32> {
        Ok(self.client.query_one(statement, &[]).await?.try_get(0)?)
    }

    /// Reads rows of the ten columns into batches; the number of rows.
    pub async fn rows(&self, statement: &Statement) -> Result<usize> {
        let rows = self
            .client
            .query_raw(statement, std::iter::empty::<i32>())
            .await?;
        let mut rows = std::pin::pin!(rows);
        let (mut columns, mut total) = (Columns::default(), 0);
        while let Some(row) = rows.try_next().await? {
            columns.push(&row)?;
            if columns.rows == BATCH {
                total += columns.finish()?.num_rows();
            }
        }
        Ok(total + columns.finish()?.num_rows())
    }
}

struct Columns {
    i4: Int32Builder,
    i8: Int64Builder,
    maybe: Int64Builder,
    f8: Float64Builder,
    b: BooleanBuilder,
    n: Decimal128Builder,
    t: StringBuilder,
    d: Date32Builder,
    ts: TimestampMicrosecondBuilder,
    u: FixedSizeBinaryBuilder,
    rows: usize,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            i4: Int32Builder::new(),
            i8: Int64Builder::new(),
            maybe: Int64Builder::new(),
            f8: Float64Builder::new(),
            b: BooleanBuilder::new(),
            n: Decimal128Builder::new(),
            t: StringBuilder::new(),
            d: Date32Builder::new(),
            ts: TimestampMicrosecondBuilder::new(),
            u: FixedSizeBinaryBuilder::new(16),
            rows: 0,
        }
    }
}

impl Columns {
    fn push(&mut self, row: &Row) -> Result<()> {
        self.i4.append_option(row.try_get(0)?);
        self.i8.append_option(row.try_get(1)?);
        self.maybe.append_option(row.try_get(2)?);
        self.f8.append_option(row.try_get(3)?);
        self.b.append_option(row.try_get(4)?);
        self.n
            .append_option(row.try_get::<_, Option<Hundredths>>(5)?.map(|n| n.0));
        self.t.append_option(row.try_get::<_, Option<&str>>(6)?);
        self.d
            .append_option(row.try_get::<_, Option<Days>>(7)?.map(|d| d.0));
        self.ts
            .append_option(row.try_get::<_, Option<Micros>>(8)?.map(|ts| ts.0));
        match row.try_get::<_, Option<Sixteen>>(9)? {
            Some(u) => self.u.append_value(u.0)?,
            None => self.u.append_null(),
        }
        self.rows += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<RecordBatch> {
        self.rows = 0;
        let columns: [(&str, ArrayRef); 10] = [
            ("i4", Arc::new(self.i4.finish())),
            ("i8", Arc::new(self.i8.finish())),
            ("maybe", Arc::new(self.maybe.finish())),
            ("f8", Arc::new(self.f8.finish())),
            ("b", Arc::new(self.b.finish())),
            ("n", Arc::new(self.n.finish())),
            ("t", Arc::new(self.t.finish())),
            ("d", Arc::new(self.d.finish())),
            ("ts", Arc::new(self.ts.finish())),
            ("u", Arc::new(self.u.finish())),
        ];
        RecordBatch::try_from_iter(columns).context("a batch")
    }
}

type BoxError = Box<dyn Error + Sync + Send>;

struct Days(i32);

impl FromSql<'_> for Days {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        Ok(Self(i32::from_be_bytes(raw.try_into()?) + EPOCH_DAYS))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::DATE
    }
}

struct Micros(i64);

impl FromSql<'_> for Micros {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        Ok(Self(i64::from_be_bytes(raw.try_into()?) + EPOCH_MICROS))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

struct Sixteen([u8; 16]);

impl FromSql<'_> for Sixteen {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        Ok(Self(raw.try_into()?))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::UUID
    }
}

/// A `numeric(_, 2)` as a number of hundredths. Its digits have base 10,000; the first counts 10,000 to the
/// power of `weight`.
#[derive(Debug, PartialEq, Eq)]
struct Hundredths(i128);

impl FromSql<'_> for Hundredths {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, BoxError> {
        let word = |at: usize| -> Result<i16, BoxError> {
            let bytes = raw.get(2 * at..2 * at + 2).ok_or("a numeric is cut off")?;
            Ok(i16::from_be_bytes(bytes.try_into()?))
        };
        let (digits, weight, negative) = (word(0)?, word(1)?, word(2)? == 0x4000);
        let mut value: i128 = 0;
        for at in 0..usize::try_from(digits)? {
            let digit = i128::from(word(4 + at)?);
            let power = i32::from(weight) - i32::try_from(at)?;
            value += match power {
                -1 => digit / 100,
                0.. => digit * 100 * 10_000_i128.pow(u32::try_from(power)?),
                _ => 0,
            };
        }
        Ok(Self(if negative { -value } else { value }))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::NUMERIC
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numeric_is_read_in_hundredths() {
        let wire = |words: &[i16]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_be_bytes()).collect()
        };
        let read = |words: &[i16]| Hundredths::from_sql(&Type::NUMERIC, &wire(words)).unwrap();
        // 12345.67, -0.05, 0.00, 20000.00
        assert_eq!(read(&[3, 1, 0, 2, 1, 2345, 6700]), Hundredths(1_234_567));
        assert_eq!(read(&[1, -1, 0x4000, 2, 500]), Hundredths(-5));
        assert_eq!(read(&[0, 0, 0, 2]), Hundredths(0));
        assert_eq!(read(&[1, 1, 0, 2, 2]), Hundredths(2_000_000));
    }
}
