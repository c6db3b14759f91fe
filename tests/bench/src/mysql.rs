//! The MySQL component against `mysql_async`, which reads the same rows by the binary protocol and builds the
//! same Arrow columns of its values, and against `ConnectorX`, which reads into Arrow by itself.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use arrow_array::builder::{
    Date32Builder, Decimal128Builder, Float64Builder, Int8Builder, Int32Builder, Int64Builder,
    StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use datachat_sdk::calendar::day as day_of;
use datachat_throwaway::{MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser};
use futures_util::TryStreamExt;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, Row, Statement, Value};

use crate::component::{Component, Server};
use crate::python::{CONNECTORX, Python};
use crate::stats::{Times, line};

/// Ten columns of mixed types: half fixed width, a null in every tenth value of one of them.
const ROWS: &str = "CREATE TABLE mixed (i4 int PRIMARY KEY, i8 bigint, maybe bigint, f8 double, b tinyint(1), \
    n decimal(12,2), t varchar(40), d date, ts datetime(6), u char(32)) \
    SELECT CAST(seq AS SIGNED) AS i4, seq * 7919 AS i8, IF(seq % 10 > 0, seq, NULL) AS maybe, seq / 7e0 AS f8, \
    seq % 3 = 0 AS b, seq % 1000003 / 100 AS n, CONCAT('text number ', seq) AS t, \
    DATE '2000-01-01' + INTERVAL seq % 9000 DAY AS d, \
    TIMESTAMP '2020-01-01 00:00:00' + INTERVAL seq * 1500000 MICROSECOND AS ts, MD5(seq) AS u FROM seq_1_to_1000000";

const MILLION: &str = "SELECT * FROM mixed";
const THOUSAND: &str = "SELECT * FROM mixed WHERE i4 <= 1000";
const ONE: &str = "SELECT 1";

/// Rows of a batch, about what the component sends at once.
const BATCH: usize = 8192;

/// What was measured.
pub struct Measured {
    pub report: String,
    /// Who else was measured.
    pub rival: Option<String>,
}

/// Runs every case; `quick` only shows that they run.
pub async fn run(quick: bool) -> Result<Measured> {
    let server =
        MariaDb::start(MariaDbOptions::default().database("bench").user(
            MariaDbUser::new("bench", "bench", MariaDbAuth::Native).grant("SELECT ON bench.*"),
        ))?;
    server.sql("bench", ROWS)?;
    server.sql("bench", "ANALYZE TABLE mixed")?;
    let data = tempfile::tempdir()?;
    let component = Component::load(
        data.path(),
        &Server {
            database_type: "mysql",
            port: server.port(),
            user: "bench",
            password: "bench",
            database: "bench",
        },
    )
    .await?;
    let url = server.url("bench", "bench", "bench");
    let mut native = Conn::new(Opts::from_url(&url)?).await?;
    let mut report = "\nMariaDB; native is `mysql_async`:\n\n| Case | Component | Native | Native ÷ component | Aim \
         |\n|---|--:|--:|--:|---|\n"
        .to_owned();
    let mut connectorx = Python::start(&CONNECTORX, &url)?;
    for (case, sql, rows, rounds, aim) in [
        (
            "1,000,000 rows × 10 columns to Arrow",
            MILLION,
            1_000_000,
            7,
            "≥ 0.95",
        ),
        ("1,000 rows × 10 columns", THOUSAND, 1000, 300, ""),
        (
            "`SELECT 1`, read-only transaction and all",
            ONE,
            1,
            2000,
            "",
        ),
    ] {
        let statement = native.prep(sql).await?;
        // It connects for every statement: that says something of large results only.
        let mut connectorx = connectorx.as_mut().filter(|_| sql == MILLION);
        let (mut ours, mut theirs, mut its) = <(Times, Times, Times)>::default();
        for round in 0..if quick { 2 } else { rounds } {
            for turn in 0..3 {
                let begin = Instant::now();
                match (turn + round) % 3 {
                    0 => {
                        ensure!(component.rows(sql).await? == rows);
                        ours.add(begin.elapsed());
                    }
                    1 => {
                        ensure!(read(&mut native, &statement, sql == ONE).await? == rows);
                        theirs.add(begin.elapsed());
                    }
                    _ => {
                        if let Some(connectorx) = &mut connectorx {
                            let (time, read) = connectorx.rows(sql)?;
                            ensure!(read == rows);
                            its.add(time);
                        }
                    }
                }
            }
        }
        report.push_str(&line(case, &ours, &theirs, aim));
        if connectorx.is_some() {
            let case = "… against ConnectorX (binary protocol into Arrow)";
            report.push_str(&line(case, &ours, &its, "≥ 1"));
        }
    }
    native.disconnect().await?;
    Ok(Measured {
        report,
        rival: connectorx.as_ref().map(Python::describe),
    })
}

/// Reads rows of the ten columns, or of one integer; the number of rows.
async fn read(native: &mut Conn, statement: &Statement, one: bool) -> Result<usize> {
    let mut rows = native
        .exec_stream::<Row, _, _>(statement, ())
        .await
        .context("a result")?;
    let (mut columns, mut total) = (Columns::default(), 0);
    while let Some(row) = rows.try_next().await? {
        if one {
            total += 1;
            continue;
        }
        columns.push(row)?;
        if columns.rows == BATCH {
            total += columns.finish()?.num_rows();
        }
    }
    Ok(total + columns.finish()?.num_rows())
}

#[derive(Default)]
struct Columns {
    i4: Int32Builder,
    i8: Int64Builder,
    maybe: Int64Builder,
    f8: Float64Builder,
    b: Int8Builder,
    n: Decimal128Builder,
    t: StringBuilder,
    d: Date32Builder,
    ts: TimestampMicrosecondBuilder,
    u: StringBuilder,
    rows: usize,
}

impl Columns {
    fn push(&mut self, row: Row) -> Result<()> {
        let mut values = row.unwrap().into_iter();
        let mut next = || values.next().context("a value");
        self.i4
            .append_option(integer(next()?)?.map(i32::try_from).transpose()?);
        self.i8.append_option(integer(next()?)?);
        self.maybe.append_option(integer(next()?)?);
        self.f8.append_option(match next()? {
            Value::Double(number) => Some(number),
            Value::NULL => None,
            other => bail!("{other:?}"),
        });
        self.b
            .append_option(integer(next()?)?.map(i8::try_from).transpose()?);
        self.n.append_option(match next()? {
            Value::Bytes(digits) => Some(hundredths(&digits)),
            Value::NULL => None,
            other => bail!("{other:?}"),
        });
        self.t.append_option(text(next()?)?);
        self.d.append_option(match next()? {
            Value::Date(year, month, day, ..) => day_of(year, month, day),
            Value::NULL => None,
            other => bail!("{other:?}"),
        });
        self.ts.append_option(match next()? {
            Value::Date(year, month, day, hour, minute, second, micros) => {
                let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
                let of_day = seconds * 1_000_000 + i64::from(micros);
                day_of(year, month, day).map(|day| i64::from(day) * 86_400_000_000 + of_day)
            }
            Value::NULL => None,
            other => bail!("{other:?}"),
        });
        self.u.append_option(text(next()?)?);
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

fn integer(value: Value) -> Result<Option<i64>> {
    Ok(match value {
        Value::Int(number) => Some(number),
        Value::UInt(number) => Some(i64::try_from(number)?),
        Value::NULL => None,
        other => bail!("{other:?}"),
    })
}

fn text(value: Value) -> Result<Option<String>> {
    Ok(match value {
        Value::Bytes(bytes) => Some(String::from_utf8(bytes)?),
        Value::NULL => None,
        other => bail!("{other:?}"),
    })
}

/// A `decimal(_, 2)` as a number of hundredths.
fn hundredths(digits: &[u8]) -> i128 {
    digits
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .fold(0, |number, byte| number * 10 + i128::from(byte - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_read_in_hundredths() {
        assert_eq!(hundredths(b"12345.67"), 1_234_567);
    }
}
