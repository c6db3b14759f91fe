//! A million rows in bounded memory. A server that keeps results is wrong, not slow.
//!
//! The result is larger than the bound, so that whatever keeps it shows.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use datachat_tests::memory::{peak_kib, reset_peak, resident_kib};
use datachat_tests::{ServerOptions, Streaming, TestServer};
use hyper::Method;
use serde_json::json;

use crate::stage::{query, reader_url, register, stage, tool};

const ROWS: u64 = 1_000_000;
/// What the server may grow by over all formats: a few batches in every stage, and Parquet's row group.
const BOUND_KIB: u64 = 128 * 1024;

async fn drain(mut stream: Streaming, pause: bool) -> Result<(u64, Vec<u8>)> {
    let (mut bytes, mut tail) = (0, Vec::new());
    while let Some(chunk) = stream.chunk().await? {
        bytes += chunk.len() as u64;
        tail.extend_from_slice(&chunk);
        let cut = tail.len().saturating_sub(512);
        tail.drain(..cut);
        // A client slower than the database, for the first part: what waits must wait there.
        if pause && bytes < 20_000_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    Ok((bytes, tail))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_rows_pass_through_without_being_kept() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(ServerOptions::new("memory")).await?;
    let client = server.client();
    let id = register(client, &reader_url(&stage.postgres, "alpha")).await?;
    // Compiled, connected, warm.
    query(client, &id, "SELECT 1").await?.expect(200)?;
    let process = server.process()?;
    let before = resident_kib(process)?;
    for (format, pause) in [
        ("json", true),
        ("ndjson", false),
        ("csv", false),
        ("arrow", true),
        ("parquet", false),
    ] {
        let body = json!({
            // Text that does not repeat, or Parquet would make little of it.
            "sql": "SELECT n, md5(n::text) || md5((-n)::text) AS a, repeat(md5(n::text), 3) AS b, \
                    n * 1.5::float8 AS c FROM generate_series(1, 1000000) AS n",
            "target_database": id,
            "format": format,
            "limits": {"max_rows": ROWS, "max_bytes": 4_000_000_000_u64, "timeout_ms": 300_000},
        });
        reset_peak(process)?;
        let stream = client
            .stream(Method::POST, "/api/v1/query", &[], Some(&body))
            .await?;
        ensure!(stream.status == 200, "{format}: {}", stream.status);
        let (bytes, tail) = drain(stream, pause).await.context(format)?;
        let grown = peak_kib(process)?.saturating_sub(before);
        eprintln!(
            "{format}: {} MB passed, {} MB held at most",
            bytes >> 20,
            grown >> 10
        );
        ensure!(grown < BOUND_KIB, "{format}: grew by {} MB", grown >> 10);
        ensure!(
            format == "parquet" || bytes > 170_000_000,
            "{format}: only {bytes} bytes"
        );
        let tail = String::from_utf8_lossy(&tail);
        if format == "json" || format == "ndjson" {
            ensure!(tail.contains("\"row_count\":1000000"), "{format}: {tail}");
            ensure!(tail.contains("\"truncated\":false"), "{format}: {tail}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_requests_leave_nothing_behind() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(ServerOptions::new("soak")).await?;
    let client = server.client();
    let id = register(client, &reader_url(&stage.postgres, "alpha")).await?;
    let process = server.process()?;
    let rounds = async |count: usize| -> Result<u64> {
        for _ in 0..count {
            let requests = (0..10).map(|number| {
                let (client, id) = (client, id.as_str());
                async move {
                    match number % 5 {
                        // A new instance each.
                        0 => tool(client, id, "list_columns", json!({"table": "orders"})).await,
                        // A statement of its own each, prepared and forgotten.
                        1 => {
                            query(
                                client,
                                id,
                                &format!("SELECT {}", uuid::Uuid::new_v4().as_u128()),
                            )
                            .await
                        }
                        2 => query(client, id, "SELECT 1 / 0").await,
                        3 => query(client, id, "SELECT nothing").await,
                        _ => query(client, id, "SELECT * FROM orders").await,
                    }
                }
            });
            for answer in futures_util::future::join_all(requests).await {
                ensure!(answer?.status.as_u16() < 500);
            }
        }
        resident_kib(process)
    };
    let warm = rounds(60).await?;
    let end = rounds(240).await?;
    let grown = end.saturating_sub(warm);
    eprintln!(
        "after 600 requests {} MB, after 3000 {} MB",
        warm >> 10,
        end >> 10
    );
    ensure!(grown < 30 * 1024, "grew by {} MB", grown >> 10);
    Ok(())
}
