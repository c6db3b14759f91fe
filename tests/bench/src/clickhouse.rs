//! The ClickHouse component against the `clickhouse` crate, and against a plain client that asks for the same
//! Arrow stream and only reads it.
//!
//! All ask the same engine, one after the other; what the engine takes is in every figure, and it makes rows for
//! the crate and columns for the others. Three kinds of columns: such that pass through untouched, such with
//! texts, which the component checks, and such that it has to convert.

use std::time::Instant;

use anyhow::{Result, ensure};
use arrow_ipc::reader::StreamReader;
use datachat_throwaway::ClickHouse;

use crate::clickhouse_native::{Native, Shape};
use crate::component::{Component, Server};
use crate::stats::{Times, line};

/// What the component asks for, too.
const SETTINGS: &str = "&output_format_arrow_compression_method=none\
    &output_format_arrow_low_cardinality_as_dictionary=1";

/// Runs every case; `quick` only shows that they run.
pub async fn run(quick: bool) -> Result<String> {
    let server = ClickHouse::engine()?;
    server.create_database("bench")?;
    server.sql_in(
        "bench",
        "CREATE TABLE mixed ENGINE = Memory AS SELECT number AS a, number / 7 AS b, toInt32(number) AS c, \
         toDecimal64(number / 100, 2) AS d, toDate(number % 9000) AS e, toString(number) AS s, \
         toLowCardinality(toString(number % 100)) AS l, toDateTime(number, 'UTC') AS t, \
         toIPv4(toUInt32(number)) AS ip FROM numbers(1000000)",
    )?;
    let database = server.name_of("bench");
    let data = tempfile::tempdir()?;
    let component = Component::load(
        data.path(),
        &Server {
            database_type: "clickhouse",
            port: server.port(),
            user: server.user(),
            password: server.password(),
            database: &database,
        },
    )
    .await?;
    let native = Native::new(&server, &database);
    let settings = format!("{SETTINGS}&database={database}");
    let mut report =
        "\nClickHouse; native is the `clickhouse` crate, its rows into the same Arrow columns:\n\n\
        | Case | Component | Native | Native ÷ component | Aim |\n|---|--:|--:|--:|---|\n"
            .to_owned();
    for (case, shape) in [
        ("1,000,000 rows × 5 columns, passed through", Shape::Plain),
        ("1,000,000 rows × 7 columns, with texts", Shape::Texts),
        (
            "1,000,000 rows × 4 columns, two of them converted",
            Shape::Converted,
        ),
    ] {
        let sql = format!("SELECT {} FROM mixed", shape.columns());
        let (mut ours, mut theirs, mut plain) = <(Times, Times, Times)>::default();
        for round in 0..if quick { 2 } else { 9 } {
            for turn in 0..3 {
                let begin = Instant::now();
                match (turn + round) % 3 {
                    0 => {
                        ensure!(component.rows(&sql).await? == 1_000_000);
                        ours.add(begin.elapsed());
                    }
                    1 => {
                        ensure!(native.rows(&sql, shape).await? == 1_000_000);
                        theirs.add(begin.elapsed());
                    }
                    _ => {
                        let answer = server.fetch(&sql, "ArrowStream", &settings)?;
                        let mut rows = 0;
                        for batch in StreamReader::try_new(answer.as_slice(), None)? {
                            rows += batch?.num_rows();
                        }
                        ensure!(rows == 1_000_000);
                        plain.add(begin.elapsed());
                    }
                }
            }
        }
        report.push_str(&line(case, &ours, &theirs, "≥ 0.95"));
        let aim = match shape {
            Shape::Plain | Shape::Texts => "≥ 0.95",
            // It leaves them as the server sends them.
            Shape::Converted => "",
        };
        let case = "… against a socket and Arrow's own reader";
        report.push_str(&line(case, &ours, &plain, aim));
    }
    Ok(report)
}
