//! Servers that share a system database hear from each other.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use datachat_tests::stage::stage;
use datachat_tests::{ServerOptions, TestServer};

use crate::points::{DATAPOINTS, shared, table};

/// How many DataPoints a server searches.
async fn searched(server: &TestServer) -> Result<u64> {
    let ready = server.client().get("/ready").await?.expect(200)?;
    let count = &ready["checks"]["vector_store"]["datapoints"];
    count.as_u64().with_context(|| format!("{ready}"))
}

/// How long it takes until a server searches so many DataPoints.
async fn until(server: &TestServer, count: u64) -> Result<Duration> {
    let started = Instant::now();
    while searched(server).await? != count {
        ensure!(started.elapsed() < Duration::from_secs(20), "it never does");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(started.elapsed())
}

#[tokio::test]
async fn what_one_server_writes_another_searches_at_once_and_also_after_its_listener_was_cut_off()
-> Result<()> {
    let stage = stage().await?;
    stage.postgres.create_database("system_heard")?;
    let url = stage.postgres.superuser_url("system_heard");
    let options = |name| {
        ServerOptions::new(name)
            .variable("SYSTEM_DATABASE_URL", &url)
            .variable(
                "DATABASE_CREDENTIALS_KEY",
                "bmV2ZXItdXNlLXRoaXMta2V5LWZvci1yZWFsLWRhdGE=",
            )
            // It would take ten minutes to find out by itself.
            .variable("DATACHAT_INDEX_POLL_MS", "600000")
    };
    let one = TestServer::start(options("heard-one")).await?;
    let two = TestServer::start(options("heard-two")).await?;
    until(&two, 0).await?;
    let mut count = 0;
    for round in 0..3 {
        for n in 0..3 {
            let id = format!("table_{round}_{n}");
            let point = shared(table(&id, &id));
            one.client().post(DATAPOINTS, &point).await?.expect(201)?;
            count += 1;
            // The first may come before anybody listens.
            let took = until(&two, count).await?;
            ensure!(took < Duration::from_secs(5), "{took:?}");
        }
        let cut_off = stage.postgres.psql(
            "system_heard",
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = 'system_heard' AND query LIKE 'LISTEN%'",
        )?;
        assert_eq!(cut_off, "2", "each server has a listener");
    }
    Ok(())
}
