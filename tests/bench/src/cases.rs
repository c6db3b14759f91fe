//! What is measured, and the report.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use datachat_throwaway::Postgres;

use crate::component::{self, Component};
use crate::http::Server;
use crate::native::Native;
use crate::python::{ADBC, Python};
use crate::stats::{Times, line, ratio, shown};
use crate::{clickhouse, machine, mysql};

const MILLION: &str = "SELECT * FROM rows";
const THOUSAND: &str = "SELECT * FROM rows WHERE i4 <= 1000";
const ONE: &str = "SELECT 1";
const JSON: &str = "SELECT * FROM rows WHERE i4 <= 200000";

struct Bench<'a> {
    postgres: &'a Postgres,
    component: Component,
    native: Native,
    adbc: Option<Python>,
    report: String,
    quick: bool,
}

/// Runs every case; `quick` only shows that they run.
pub async fn run(postgres: &Postgres, quick: bool) -> Result<String> {
    let url = postgres.superuser_url("postgres");
    let data = tempfile::tempdir()?;
    let mut bench = Bench {
        postgres,
        component: Component::load(
            data.path(),
            &component::Server {
                database_type: "postgresql",
                port: postgres.port(),
                user: "postgres",
                password: "bench",
                database: "postgres",
            },
        )
        .await?,
        native: Native::connect(&url).await?,
        adbc: Python::start(&ADBC, &url)?,
        report: String::new(),
        quick,
    };
    writeln!(
        bench.report,
        "| Case | Component | Native | Native ÷ component | Aim |\n|---|--:|--:|--:|---|"
    )?;
    bench.million().await?;
    bench.thousand().await?;
    bench.one().await?;
    bench.instances().await?;
    bench.json()?;
    let mut rivals: Vec<String> = bench.adbc.iter().map(Python::describe).collect();
    let mariadb = mysql::run(quick).await?;
    rivals.extend(mariadb.rival);
    bench.report.push_str(&mariadb.report);
    bench.report.push_str(&clickhouse::run(quick).await?);
    writeln!(bench.report, "\n{}", machine::describe(postgres, &rivals))?;
    Ok(bench.report)
}

impl Bench<'_> {
    fn rounds(&self, full: usize) -> usize {
        if self.quick { 2 } else { full }
    }

    fn row(&mut self, case: &str, ours: &Times, theirs: &Times, aim: &str) {
        self.report.push_str(&line(case, ours, theirs, aim));
    }

    /// A million rows of ten mixed columns into Arrow.
    async fn million(&mut self) -> Result<()> {
        let statement = self.native.prepare(MILLION).await?;
        let (mut ours, mut theirs, mut adbcs) = <(Times, Times, Times)>::default();
        for round in 0..self.rounds(7) {
            for turn in 0..3 {
                let begin = Instant::now();
                match (turn + round) % 3 {
                    0 => {
                        ensure!(self.component.rows(MILLION).await? == 1_000_000);
                        ours.add(begin.elapsed());
                    }
                    1 => {
                        ensure!(self.native.rows(&statement).await? == 1_000_000);
                        theirs.add(begin.elapsed());
                    }
                    _ => {
                        if let Some(adbc) = &mut self.adbc {
                            let (time, rows) = adbc.rows(MILLION)?;
                            ensure!(rows == 1_000_000);
                            adbcs.add(time);
                        }
                    }
                }
            }
        }
        let case = "1,000,000 rows × 10 columns to Arrow";
        self.row(case, &ours, &theirs, "≥ 0.95");
        if self.adbc.is_some() {
            self.row(
                "… against ADBC's driver (COPY into Arrow)",
                &ours,
                &adbcs,
                "> 1",
            );
        }
        Ok(())
    }

    /// A thousand rows; connections are open and statements prepared.
    async fn thousand(&mut self) -> Result<()> {
        let statement = self.native.prepare(THOUSAND).await?;
        let (mut ours, mut theirs) = <(Times, Times)>::default();
        for _ in 0..self.rounds(300) {
            let begin = Instant::now();
            ensure!(self.component.rows(THOUSAND).await? == 1000);
            ours.add(begin.elapsed());
            let begin = Instant::now();
            ensure!(self.native.rows(&statement).await? == 1000);
            theirs.add(begin.elapsed());
        }
        self.row("1,000 rows × 10 columns", &ours, &theirs, "");
        Ok(())
    }

    /// The least there is: what policy, sandbox, transaction and intake cost a statement.
    async fn one(&mut self) -> Result<()> {
        let statement = self.native.prepare(ONE).await?;
        let (mut ours, mut theirs) = <(Times, Times)>::default();
        for _ in 0..self.rounds(2000) {
            let begin = Instant::now();
            ensure!(self.component.rows(ONE).await? == 1);
            ours.add(begin.elapsed());
            let begin = Instant::now();
            ensure!(self.native.one(&statement).await? == 1);
            theirs.add(begin.elapsed());
        }
        let over = ours.median().saturating_sub(theirs.median());
        let aim = format!("≤ 100 µs over native; {} over", shown(over));
        self.row(
            "`SELECT 1`, read-only transaction and all",
            &ours,
            &theirs,
            &aim,
        );
        Ok(())
    }

    /// A session from nothing: instance, connection, SCRAM, a question; and one out of the pool, with a question.
    async fn instances(&mut self) -> Result<()> {
        let url = self.postgres.superuser_url("postgres");
        let (mut cold, mut connected) = <(Times, Times)>::default();
        let (mut warm, mut open) = <(Times, Times)>::default();
        let statement = self.native.prepare(ONE).await?;
        self.component.warm().await?;
        for _ in 0..self.rounds(50) {
            cold.add(self.component.cold().await?);
            let begin = Instant::now();
            let native = Native::connect(&url).await?;
            let first = native.prepare(ONE).await?;
            native.one(&first).await?;
            connected.add(begin.elapsed());
            warm.add(self.component.warm().await?);
            let begin = Instant::now();
            ensure!(self.native.one(&statement).await? == 1);
            open.add(begin.elapsed());
        }
        self.row(
            "New instance: connect, SCRAM, one round of questions",
            &cold,
            &connected,
            "",
        );
        let aim = format!("{:.0} times as fast as a new one", ratio(&warm, &cold));
        self.row(
            "Warm instance: out of the pool, `SELECT 1`; native on an open connection",
            &warm,
            &open,
            &aim,
        );
        Ok(())
    }

    /// 200,000 rows as JSON from the server program. psql reads the same rows as text.
    fn json(&mut self) -> Result<()> {
        let program = std::env::current_exe()?
            .parent()
            .context("a folder")?
            .join("datachat");
        let server = Server::start(&program, &self.postgres.superuser_url("postgres"))?;
        // Without what starting took.
        let idle = server.reset_peak_memory()?;
        let (mut total, mut first, mut psql) = <(Times, Times, Times)>::default();
        let mut bytes = 0;
        for _ in 0..self.rounds(7) {
            let measured = server.query(JSON)?;
            total.add(measured.total);
            first.add(measured.first_byte);
            bytes = measured.bytes;
            psql.add(timed(|| self.postgres.psql("postgres", JSON).map(drop))?);
        }
        let peak = server.peak_memory()?;
        server.stop()?;
        self.row(
            "200,000 rows as JSON over HTTP; psql as text",
            &total,
            &psql,
            "",
        );
        writeln!(
            self.report,
            "\n200,000 rows as JSON ({} MiB): first byte after {} (aim: under 50 ms), {peak} MiB resident at most \
             (aim: under 120; {idle} before).",
            bytes >> 20,
            shown(first.median())
        )?;
        Ok(())
    }
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let begin = Instant::now();
    work()?;
    Ok(begin.elapsed())
}
