//! The ClickHouse component against a plain client that asks for the same Arrow stream and reads it.
//!
//! Both ask the same engine, one after the other; what the engine takes is in both figures. Three kinds of
//! columns: such that pass through untouched, such with texts, which the component checks, and such that it
//! has to convert.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Result, ensure};
use arrow_ipc::reader::StreamReader;
use datachat_throwaway::ClickHouse;

use crate::component::{Component, Server};
use crate::stats::{Times, ratio, shown};

/// What the component asks for, too.
const SETTINGS: &str = "&output_format_arrow_compression_method=none\
    &output_format_arrow_low_cardinality_as_dictionary=1";

/// Runs every case; `quick` only shows that they run.
pub async fn run(quick: bool) -> Result<String> {
    let server = ClickHouse::engine()?;
    server.sql(
        "CREATE TABLE mixed ENGINE = Memory AS SELECT number AS a, number / 7 AS b, toInt32(number) AS c, \
         toDecimal64(number / 100, 2) AS d, toDate(number % 9000) AS e, toString(number) AS s, \
         toLowCardinality(toString(number % 100)) AS l, toDateTime(number, 'UTC') AS t, \
         toIPv4(toUInt32(number)) AS ip FROM numbers(1000000)",
    )?;
    let data = tempfile::tempdir()?;
    let component = Component::load(
        data.path(),
        &Server {
            database_type: "clickhouse",
            port: server.port(),
            user: server.user(),
            password: server.password(),
            database: "default",
        },
    )
    .await?;
    let mut report = "\nClickHouse; native is a socket and Arrow's own reader:\n\n\
        | Case | Component | Native | Native ÷ component | Aim |\n|---|--:|--:|--:|---|\n"
        .to_owned();
    for (case, columns, aim) in [
        (
            "1,000,000 rows × 5 columns, passed through",
            "a, b, c, d, e",
            "≥ 0.95",
        ),
        ("… × 7 columns, with texts", "a, b, c, d, e, s, l", "≥ 0.95"),
        ("… × 4 columns, two of them converted", "a, b, t, ip", ""),
    ] {
        let sql = format!("SELECT {columns} FROM mixed");
        let (mut ours, mut theirs) = <(Times, Times)>::default();
        for round in 0..if quick { 2 } else { 7 } {
            for turn in 0..2 {
                let begin = Instant::now();
                if (turn + round) % 2 == 0 {
                    ensure!(component.rows(&sql).await? == 1_000_000);
                    ours.add(begin.elapsed());
                } else {
                    let answer = server.fetch(&sql, "ArrowStream", SETTINGS)?;
                    let mut rows = 0;
                    for batch in StreamReader::try_new(answer.as_slice(), None)? {
                        rows += batch?.num_rows();
                    }
                    ensure!(rows == 1_000_000);
                    theirs.add(begin.elapsed());
                }
            }
        }
        writeln!(
            report,
            "| {case} | {} | {} | {:.2} | {aim} |",
            shown(ours.median()),
            shown(theirs.median()),
            ratio(&ours, &theirs)
        )?;
        eprintln!(
            "{case}: {} / {}",
            shown(ours.median()),
            shown(theirs.median())
        );
    }
    Ok(report)
}
