//! The sandboxed connector against native drivers.
//!
//! Machines differ and so do their moods; ratios from one run, whose contestants take turns, mostly don't.
//! Every figure is a median of rounds in which each contestant ran once, in changing order. What each case
//! measures is said where it is run. The report goes to standard output.

mod cases;
mod clickhouse;
mod clickhouse_native;
mod component;
mod http;
mod machine;
mod mysql;
mod native;
mod python;
mod stats;

use anyhow::Result;
use datachat_throwaway::{Options, Postgres};

/// Ten columns of mixed types: half fixed width, a null in every tenth value of one of them.
const ROWS: &str = "CREATE TABLE rows AS SELECT \
    i::int4 AS i4, i::int8 * 7919 AS i8, CASE WHEN i % 10 > 0 THEN i::int8 END AS maybe, \
    i / 7.0::float8 AS f8, i % 3 = 0 AS b, (i % 1000003 / 100.0)::numeric(12, 2) AS n, \
    'text number ' || i AS t, DATE '2000-01-01' + i % 9000 AS d, \
    TIMESTAMPTZ '2020-01-01 00:00:00Z' + i * INTERVAL '1.5 s' AS ts, md5(i::text)::uuid AS u \
    FROM generate_series(1, 1000000) AS i";

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let postgres = Postgres::start(Options::new("bench"))?;
    postgres.psql("postgres", ROWS)?;
    postgres.psql("postgres", "ALTER TABLE rows ADD PRIMARY KEY (i4)")?;
    postgres.psql("postgres", "VACUUM ANALYZE rows")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(cases::run(&postgres, quick))?;
    print!("{report}");
    Ok(())
}
