//! Baselines in Python that read into Arrow, too: each a process that waits for its turn.
//!
//! They are measured where `BENCH_PYTHON` names a Python that has them; `cargo xtask bench` makes one where it
//! can.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

/// A client, as a program that reads a statement a line and answers the seconds and rows that it took. It first
/// says its version.
pub struct Script {
    name: &'static str,
    module: &'static str,
    text: &'static str,
}

/// ADBC's PostgreSQL driver.
pub const ADBC: Script = Script {
    name: "ADBC's PostgreSQL driver",
    module: "adbc_driver_postgresql",
    text: r"
import sys, time
import adbc_driver_postgresql, adbc_driver_postgresql.dbapi as dbapi
connection = dbapi.connect(sys.argv[1])
print(adbc_driver_postgresql.__version__, flush=True)
for line in sys.stdin:
    begin = time.perf_counter()
    cursor = connection.cursor()
    cursor.execute(line)
    rows = 0
    for batch in cursor.fetch_record_batch():
        rows += batch.num_rows
    print(time.perf_counter() - begin, rows, flush=True)
    cursor.close()
",
};

/// `ConnectorX`, which connects anew for every statement.
pub const CONNECTORX: Script = Script {
    name: "ConnectorX",
    module: "connectorx",
    text: r"
import sys, time
import connectorx
print(connectorx.__version__, flush=True)
for line in sys.stdin:
    begin = time.perf_counter()
    table = connectorx.read_sql(sys.argv[1], line, return_type='arrow')
    print(time.perf_counter() - begin, table.num_rows, flush=True)
",
};

/// A running client.
pub struct Python {
    name: &'static str,
    version: String,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    /// Starts a client of a database; none where there is no Python that has it.
    ///
    /// # Errors
    /// When it is there and does not work.
    pub fn start(script: &Script, url: &str) -> Result<Option<Self>> {
        let Some(python) = std::env::var_os("BENCH_PYTHON") else {
            return Ok(None);
        };
        let has = Command::new(&python)
            .args(["-c", &format!("import {}, pyarrow", script.module)])
            .stderr(Stdio::null())
            .status()?;
        if !has.success() {
            return Ok(None);
        }
        let mut process = Command::new(python)
            .args(["-c", script.text, url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take().context("no pipe")?;
        let mut output = BufReader::new(process.stdout.take().context("no pipe")?);
        let mut version = String::new();
        output.read_line(&mut version)?;
        let version = version.trim().to_owned();
        anyhow::ensure!(!version.is_empty(), "{} did not start", script.name);
        Ok(Some(Self {
            name: script.name,
            version,
            process,
            input,
            output,
        }))
    }

    /// What is measured: its name and version.
    pub fn describe(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// Runs a statement: the time that Python measured, and the rows.
    ///
    /// # Errors
    /// The statement failed.
    pub fn rows(&mut self, sql: &str) -> Result<(Duration, usize)> {
        writeln!(self.input, "{sql}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let (seconds, rows) = line
            .trim()
            .split_once(' ')
            .with_context(|| format!("{} ended", self.name))?;
        Ok((
            Duration::try_from_secs_f64(seconds.parse()?)?,
            rows.parse()?,
        ))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It ends by itself when its input does; this is for the case that it hangs.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
