//! `datachat query --format`: the bytes that the server would write, and an exit code that knows their end.

use anyhow::{Context, Result, ensure};
use arrow_array::RecordBatch;
use arrow_cast::display::array_value_to_string;
use arrow_ipc::reader::StreamReader;
use bytes::Bytes;
use datachat_tests::{ServerOptions, TestServer};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::run::{Ran, WAYS, Way, command, registered, run};

const FORMATS: [&str; 5] = ["json", "ndjson", "csv", "arrow", "parquet"];

const TWO_ROWS: &str = "SELECT * FROM (VALUES (1, 'a,b'), (2, NULL)) AS t (n, t) ORDER BY n";

/// Some megabytes, and then a division by zero.
const LATE: &str =
    "SELECT repeat('x', 20000) AS x, 1 / (250 - n) AS y FROM generate_series(1, 300) AS n";

fn query(server: &TestServer, way: Way, arguments: &[&str]) -> Result<Ran> {
    run(command(server, way)?, &[&["query"], arguments].concat())
}

/// The values of a result, NULL as null and everything else as text.
fn values(format: &str, bytes: &[u8]) -> Result<Value> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let rows: Value = match format {
        "json" => serde_json::from_slice::<Value>(bytes)?["rows"].clone(),
        "ndjson" => {
            let lines: Vec<Value> = text
                .lines()
                .map(serde_json::from_str)
                .collect::<Result<_, _>>()?;
            ensure!(lines.len() > 2 && lines[0]["columns"].is_array());
            lines.into_iter().filter(Value::is_array).collect()
        }
        "csv" => {
            ensure!(text == "n,t\r\n1,\"a,b\"\r\n2,\r\n", "{text}");
            json!([[1, "a,b"], [2, null]])
        }
        "arrow" => batches(StreamReader::try_new(bytes, None)?)?,
        _ => {
            let file = Bytes::copy_from_slice(bytes);
            batches(ParquetRecordBatchReaderBuilder::try_new(file)?.build()?)?
        }
    };
    Ok(rows)
}

fn batches<E: std::error::Error + Send + Sync + 'static>(
    found: impl Iterator<Item = Result<RecordBatch, E>>,
) -> Result<Value> {
    let mut rows = Vec::new();
    for batch in found {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| {
                if column.is_null(row) {
                    return Ok(Value::Null);
                }
                let text = array_value_to_string(column, row)?;
                Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
            });
            rows.push(cells.collect::<Result<Value>>()?);
        }
    }
    Ok(Value::Array(rows))
}

#[tokio::test]
async fn every_format_holds_the_same_rows_whichever_way_it_came() -> Result<()> {
    let (_postgres, server) = registered(ServerOptions::new("formats")).await?;
    for way in WAYS {
        for format in FORMATS {
            // The form of output is for what is no result.
            let ran = query(
                &server,
                way,
                &[TWO_ROWS, "--format", format, "--output", "csv"],
            )?;
            assert_eq!(ran.code, Some(0), "{way:?} {format} {ran:?}");
            let found = values(format, &ran.out).with_context(|| format!("{way:?} {format}"))?;
            assert_eq!(found, json!([[1, "a,b"], [2, null]]), "{way:?} {format}");
            assert!(
                ran.err.starts_with("2 row(s) from Mine"),
                "{way:?} {format} {}",
                ran.err
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_result_that_was_cut_off_says_so_in_every_format() -> Result<()> {
    let (_postgres, server) = registered(ServerOptions::new("cut-off")).await?;
    for way in WAYS {
        for format in FORMATS {
            let sql = "SELECT n FROM generate_series(1, 9) AS n";
            let ran = query(&server, way, &[sql, "--format", format, "--row-limit", "3"])?;
            assert_eq!(ran.code, Some(0), "{way:?} {format} {ran:?}");
            assert!(
                ran.err.starts_with("3 row(s) from Mine")
                    && ran.err.ends_with("\nwarning: cut off by max_rows\n"),
                "{way:?} {format} {}",
                ran.err
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_error_after_the_first_row_is_an_exit_code_in_every_format() -> Result<()> {
    let (_postgres, server) = registered(ServerOptions::new("late-errors")).await?;
    for way in WAYS {
        for format in FORMATS {
            let mut command = command(&server, way)?;
            // With the log that a command has by itself.
            command.env_remove("DATACHAT_LOG");
            let ran = run(command, &["query", LATE, "--format", format])?;
            assert_eq!(ran.code, Some(1), "{way:?} {format}");
            assert!(
                !ran.err.contains("an answer broke off"),
                "said twice: {}",
                ran.err
            );
            // What has no place for an error breaks off, and over HTTP that is all that is known. Of Parquet no
            // byte has left by then.
            let told = way == Way::Here || !matches!(format, "csv" | "arrow");
            let words = if told {
                "division by zero (data_exception)\n"
            } else {
                "error: the result broke off\nhint: "
            };
            assert!(ran.err.contains(words), "{way:?} {format} {}", ran.err);
            if matches!(format, "json" | "ndjson" | "csv") {
                assert!(
                    ran.out.len() > 1 << 20,
                    "{way:?} {format}: no rows came before"
                );
            }
        }
        for form in ["table", "json", "csv"] {
            let ran = query(&server, way, &[LATE, "--output", form])?;
            assert_eq!(ran.code, Some(1), "{way:?} {form}");
            assert!(!ran.err.contains("row(s)"), "{way:?} {form} {}", ran.err);
        }
    }
    Ok(())
}
