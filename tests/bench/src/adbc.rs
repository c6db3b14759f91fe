//! Another baseline: ADBC's PostgreSQL driver, which reads into Arrow too, in a Python process that waits
//! for its turn.
//!
//! It is measured where `BENCH_PYTHON` names a Python that has `adbc-driver-postgresql` and `pyarrow`;
//! `cargo xtask bench` makes one where it can.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

/// Reads a statement a line, answers the seconds and rows that it took.
const SCRIPT: &str = r"
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
";

pub struct Adbc {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub version: String,
}

impl Adbc {
    /// Starts the process; none where there is no such Python.
    ///
    /// # Errors
    /// When the Python is there and the driver does not work.
    pub fn start(url: &str) -> Result<Option<Self>> {
        let Some(python) = std::env::var_os("BENCH_PYTHON") else {
            return Ok(None);
        };
        let mut process = Command::new(python)
            .args(["-c", SCRIPT, url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take().context("no pipe")?;
        let mut output = BufReader::new(process.stdout.take().context("no pipe")?);
        let mut version = String::new();
        output.read_line(&mut version)?;
        let version = version.trim().to_owned();
        anyhow::ensure!(!version.is_empty(), "ADBC's driver did not start");
        Ok(Some(Self {
            process,
            input,
            output,
            version,
        }))
    }

    /// Runs a statement: the time that Python measured, and the rows.
    pub fn rows(&mut self, sql: &str) -> Result<(Duration, usize)> {
        writeln!(self.input, "{sql}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let (seconds, rows) = line.trim().split_once(' ').context("ADBC's driver ended")?;
        Ok((
            Duration::try_from_secs_f64(seconds.parse()?)?,
            rows.parse()?,
        ))
    }
}

impl Drop for Adbc {
    fn drop(&mut self) {
        // It ends by itself when its input does; this is for the case that it hangs.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
