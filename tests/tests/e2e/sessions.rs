//! Sessions are pooled and statements prepared; nobody who asks can tell.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use datachat_tests::engines::{Engine, House};
use datachat_tests::{ServerOptions, TestServer, on_every_engine};
use hyper::Method;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::stage::{direct, own_postgres, query, question, reader_url, register, scalar, stage};

#[tokio::test]
async fn a_table_that_changed_after_its_statement_was_prepared_is_read_as_it_is_now() -> Result<()>
{
    let stage = stage().await?;
    let client = stage.client();
    let postgres = own_postgres()?;
    let aside = direct(&postgres, "alpha").await?;
    // One session, so that every request meets the statement that the one before prepared.
    let id = register(&client, &reader_url(&postgres, "alpha")).await?;
    let sql = "SELECT * FROM changing ORDER BY 1";
    for (change, columns, rows) in [
        (
            "CREATE TABLE changing (a integer); INSERT INTO changing VALUES (1)",
            json!(["a"]),
            json!([[1]]),
        ),
        (
            "ALTER TABLE changing ADD COLUMN b text DEFAULT 'new'",
            json!(["a", "b"]),
            json!([[1, "new"]]),
        ),
        (
            "ALTER TABLE changing ALTER COLUMN a TYPE text",
            json!(["a", "b"]),
            json!([["1", "new"]]),
        ),
        (
            "ALTER TABLE changing RENAME COLUMN b TO c",
            json!(["a", "c"]),
            json!([["1", "new"]]),
        ),
        (
            "DROP TABLE changing; CREATE TABLE changing (z bool); INSERT INTO changing VALUES (true)",
            json!(["z"]),
            json!([[true]]),
        ),
        (
            "DROP TABLE changing; CREATE TYPE mood AS ENUM ('fine'); CREATE TABLE changing (m mood);
             INSERT INTO changing VALUES ('fine')",
            json!(["m"]),
            json!([["fine"]]),
        ),
        // A label that the connector has not seen.
        (
            "ALTER TYPE mood ADD VALUE 'better'",
            json!(["m"]),
            json!([["fine"]]),
        ),
        (
            "INSERT INTO changing VALUES ('better')",
            json!(["m"]),
            json!([["fine"], ["better"]]),
        ),
        (
            "ALTER TYPE mood RENAME VALUE 'better' TO 'best'",
            json!(["m"]),
            json!([["fine"], ["best"]]),
        ),
    ] {
        aside.batch_execute(change).await.context(change)?;
        aside
            .batch_execute("GRANT SELECT ON changing TO PUBLIC")
            .await?;
        for _ in 0..3 {
            let body = query(&client, &id, sql).await?.expect(200).context(change)?;
            let names: Vec<&Value> = body["columns"]
                .as_array()
                .context("no columns")?
                .iter()
                .map(|column| &column["name"])
                .collect();
            assert_eq!(json!(names), columns, "after {change}");
            assert_eq!(body["rows"], rows, "after {change}");
        }
    }
    aside.batch_execute("DROP TABLE changing").await?;
    query(&client, &id, sql)
        .await?
        .problem(400, "undefined_object")?;
    Ok(())
}

on_every_engine!(
    requests_that_were_given_up_leave_a_pool_that_works,
    a_client_that_stops_reading_does_not_keep_its_statement,
    large_values_pass,
);

async fn requests_that_were_given_up_leave_a_pool_that_works(engine: Engine) -> Result<()> {
    let house = engine.house().await?;
    let server = TestServer::start(
        ServerOptions::new("given-up").variable("DATACHAT_SESSIONS_PER_CONNECTION", "4"),
    )
    .await?;
    let id = register(server.client(), &house.url("alpha")).await?;
    for round in 0..5 {
        let abandoned: Vec<_> = (0..8)
            .map(|number| {
                // More than there are sessions: some are given up while they wait for one.
                let client = server.client().afresh();
                let sql = engine.sleep(&format!("given up {round} {number}"));
                let body = question(&sql, id.as_str());
                tokio::spawn(async move { client.post("/api/v1/query", &body).await.map(drop) })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(150)).await;
        for request in abandoned {
            request.abort();
        }
        let start = Instant::now();
        let asked = (0..8).map(|_| query(server.client(), &id, "SELECT marker FROM whoami"));
        for answer in futures_util::future::join_all(asked).await {
            assert_eq!(answer?.expect(200)?["rows"], json!([["alpha"]]));
        }
        let took = start.elapsed();
        ensure!(
            took < Duration::from_secs(5),
            "round {round}: after {took:?}"
        );
    }
    // Forty at once; how fast a single one goes, the tests of cancelling tell.
    let gone = house.until_gone("given up").await?;
    ensure!(gone < Duration::from_secs(5), "after {gone:?}");
    Ok(())
}

async fn a_client_that_stops_reading_does_not_keep_its_statement(engine: Engine) -> Result<()> {
    let client = stage().await?.client();
    let house = engine.house().await?;
    let id = register(&client, &house.url("alpha")).await?;
    let body = json!({
        "sql": engine.long("nobody reads"),
        "target_database": id,
        "limits": {"max_rows": 5_000_000, "max_bytes": 8_000_000_000_u64, "timeout_ms": 3000},
    });
    let mut stream = client
        .stream(Method::POST, "/api/v1/query", &[], Some(&body))
        .await?;
    ensure!(stream.status == 200, "{}", stream.status);
    stream.chunk().await?.context("no first byte")?;
    house.until_running("nobody reads").await?;
    // Not a byte is read any more.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let gone = house.until_gone("nobody reads").await?;
    ensure!(gone < Duration::from_secs(5), "after {gone:?}");
    // Who reads on after all is told.
    let mut tail = Vec::new();
    while let Some(chunk) = stream.chunk().await? {
        tail = [tail, chunk.to_vec()].concat();
        let cut = tail.len().saturating_sub(2000);
        tail.drain(..cut);
    }
    let tail = String::from_utf8_lossy(&tail);
    ensure!(tail.contains("\"code\":\"timeout\""), "{tail}");
    Ok(())
}

on_every_engine!(@ locked_postgresql PostgreSql a_statement_that_waits_for_a_lock_ends_at_its_time_limit);
on_every_engine!(@ locked_mariadb MariaDb a_statement_that_waits_for_a_lock_ends_at_its_time_limit);

async fn a_statement_that_waits_for_a_lock_ends_at_its_time_limit(engine: Engine) -> Result<()> {
    let client = stage().await?.client();
    let house = Arc::new(spawn_blocking(move || House::start(engine)).await??);
    let id = register(&client, &house.url("alpha")).await?;
    let mut body = question("SELECT count(*) FROM orders", id.as_str());
    body["limits"] = json!({"timeout_ms": 500});
    let locking = Arc::clone(&house);
    let locked = spawn_blocking(move || locking.lock_orders("alpha", 6, "holds the lock"));
    house.until_running("holds the lock").await?;
    let start = Instant::now();
    let answer = client.post("/api/v1/query", &body).await?;
    answer.problem(504, "timeout")?;
    let took = start.elapsed();
    ensure!(took < Duration::from_millis(2500), "after {took:?}");
    ensure!(house.running("holds the lock")? == 1, "it was no lock");
    locked.await??;
    assert_eq!(
        scalar(&client, &id, "SELECT count(*) FROM orders").await?,
        50
    );
    Ok(())
}

on_every_engine!(@ scarce_postgresql PostgreSql a_database_without_a_free_session_is_busy_and_free_again_later);
on_every_engine!(@ scarce_mariadb MariaDb a_database_without_a_free_session_is_busy_and_free_again_later);
// Only the old server has users of ours.
on_every_engine!(@ scarce_clickhouse ClickHouse a_database_without_a_free_session_is_busy_and_free_again_later);

async fn a_database_without_a_free_session_is_busy_and_free_again_later(
    engine: Engine,
) -> Result<()> {
    if !engine.is_ours("a database without a free session is busy and free again later") {
        return Ok(());
    }
    let client = stage().await?.client();
    let house = spawn_blocking(move || House::start(engine)).await??;
    let id = register(&client, &house.scarce_url("alpha")?).await?;
    let slow = question(&engine.slowly(3.0, "the only session"), id.as_str());
    let (slow, second) = tokio::join!(client.post("/api/v1/query", &slow), async {
        house.until_running("the only session").await?;
        query(&client, &id, "SELECT marker FROM whoami").await
    });
    assert_eq!(slow?.expect(200)?["rows"][0][0], "alpha");
    let problem = second?.problem(503, "busy")?;
    let (field, number) = match engine {
        Engine::PostgreSql => ("sqlstate", "53300"),
        Engine::MariaDb => ("vendor_code", "1226"),
        Engine::ClickHouse | Engine::NewClickHouse => ("vendor_code", "202"),
    };
    assert_eq!(problem[field], number, "{problem}");
    assert_eq!(problem["retryable"], true);
    assert_eq!(
        scalar(&client, &id, "SELECT marker FROM whoami").await?,
        "alpha"
    );
    Ok(())
}

async fn large_values_pass(engine: Engine) -> Result<()> {
    let client = stage().await?.client();
    let id = register(&client, &engine.house().await?.url("alpha")).await?;
    let sql = format!("SELECT {}, 1", engine.large(30_000_000));
    let mut body = question(&sql, id.as_str());
    body["limits"] = json!({"max_bytes": 2_000_000_000_u64, "timeout_ms": 60_000});
    let answer = client.post("/api/v1/query", &body).await?.expect(200)?;
    let value = answer["rows"][0][0].as_str().context("no text")?;
    assert_eq!(value.len(), 30_000_000);
    assert!(value.bytes().all(|byte| byte == b'x'));
    assert_eq!(answer["rows"][0][1], 1);
    Ok(())
}

// ClickHouse's values go through an instance in pieces, whatever their size.
on_every_engine!(@ full_postgresql PostgreSql values_that_are_too_large_harm_nobody);
on_every_engine!(@ full_mariadb MariaDb values_that_are_too_large_harm_nobody);

/// More than an instance may hold: an error that names a limit, and the neighbours don't notice.
async fn values_that_are_too_large_harm_nobody(engine: Engine) -> Result<()> {
    let client = stage().await?.client();
    let id = register(&client, &engine.house().await?.url("alpha")).await?;
    let sql = format!("SELECT {}, 1", engine.large(400_000_000));
    let mut body = question(&sql, id.as_str());
    body["limits"] = json!({"max_bytes": 2_000_000_000_u64});
    let slowly = engine.slowly(0.3, "beside a large value");
    let (large, neighbour) = tokio::join!(
        client.post("/api/v1/query", &body),
        query(&client, &id, &slowly)
    );
    assert_eq!(neighbour?.expect(200)?["rows"][0][0], "alpha");
    let large = large?;
    let problem = large.problem(422, "resource_limit")?;
    assert!(problem["connection_id"] == json!(id), "{problem}");
    assert_eq!(
        scalar(&client, &id, "SELECT marker FROM whoami").await?,
        "alpha"
    );
    Ok(())
}

#[tokio::test]
async fn results_of_unusual_shape_keep_it() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let id = stage.register(&client, "alpha").await?;
    // No columns: rows all the same.
    let body = query(&client, &id, "SELECT FROM generate_series(1, 3)")
        .await?
        .expect(200)?;
    assert_eq!(body["columns"], json!([]));
    assert_eq!(body["rows"], json!([[], [], []]));
    assert_eq!(body["row_count"], 3);
    // As many columns as PostgreSQL has.
    let columns: Vec<String> = (1..=1600).map(|n| format!("{n} AS c{n}")).collect();
    let body = query(&client, &id, &format!("SELECT {}", columns.join(", ")))
        .await?
        .expect(200)?;
    assert_eq!(body["rows"][0].as_array().map(Vec::len), Some(1600));
    assert_eq!(body["rows"][0][1599], 1600);
    assert_eq!(body["columns"][1599]["name"], "c1600");
    // Names of any characters.
    let sql = "SELECT 1 AS \"a \"\"quoted\"\", 名\", 2 AS \"\u{1F600}\", 3 AS \"?column?\"";
    let body = query(&client, &id, sql).await?.expect(200)?;
    assert_eq!(body["columns"][0]["name"], "a \"quoted\", 名");
    assert_eq!(body["columns"][1]["name"], "\u{1F600}");
    let mut csv = question(sql, id.as_str());
    csv["format"] = json!("csv");
    let csv = client.post("/api/v1/query", &csv).await?;
    assert_eq!(
        csv.text(),
        "\"a \"\"quoted\"\", 名\",\u{1F600},?column?\r\n1,2,3\r\n"
    );
    // SHOW and EXPLAIN are reading statements as well.
    assert_eq!(
        scalar(&client, &id, "SHOW server_version").await?,
        stage.postgres.psql("alpha", "SHOW server_version")?
    );
    let plan = scalar(&client, &id, "EXPLAIN SELECT * FROM orders").await?;
    assert!(
        plan.as_str()
            .is_some_and(|plan| plan.starts_with("Seq Scan on orders")),
        "{plan}"
    );
    Ok(())
}

#[tokio::test]
async fn what_one_request_leaves_in_a_session_the_next_does_not_find() -> Result<()> {
    let server = TestServer::start(
        ServerOptions::new("reset").variable("DATACHAT_SESSIONS_PER_CONNECTION", "1"),
    )
    .await?;
    let client = server.client();
    let postgres = own_postgres()?;
    // A function is the only way past the policy to a setting; it may change what is its own.
    postgres.psql(
        "alpha",
        "CREATE FUNCTION leave_a_mark() RETURNS text LANGUAGE plpgsql AS $$
         BEGIN
           PERFORM set_config('search_path', 'nowhere', false);
           PERFORM set_config('my.mark', 'left', false);
           PERFORM set_config('timezone', 'Asia/Tokyo', false);
           PERFORM pg_advisory_lock(4711);
           RETURN current_setting('my.mark');
         END $$;
         CREATE FUNCTION failing() RETURNS int LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = 'P0001', HINT = 'a hint'; END $$",
    )?;
    let id = register(client, &reader_url(&postgres, "alpha")).await?;
    let pid = scalar(client, &id, "SELECT pg_backend_pid()").await?;
    assert_eq!(scalar(client, &id, "SELECT leave_a_mark()").await?, "left");
    let body = query(
        client,
        &id,
        "SELECT pg_backend_pid(), current_setting('my.mark', true), current_setting('timezone'),
                (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), count(*) FROM orders",
    )
    .await?
    .expect(200)?;
    let row = &body["rows"][0];
    assert!(row[1] == Value::Null || row[1] == "", "{row}");
    assert_eq!(json!([row[2], row[3], row[4]]), json!(["UTC", 0, 50]));
    // It was the very session.
    assert_eq!(row[0], pid);
    // An error does not cost the session either.
    let problem = query(client, &id, "SELECT failing()").await?;
    let problem = problem.problem(400, "data_exception")?;
    assert_eq!(problem["sqlstate"], "P0001");
    assert_eq!(problem["hint"], "a hint");
    assert_eq!(scalar(client, &id, "SELECT pg_backend_pid()").await?, pid);
    Ok(())
}

#[tokio::test]
async fn what_one_request_leaves_in_a_session_of_mariadb_the_next_does_not_find() -> Result<()> {
    if !Engine::MariaDb.is_ours("what one request leaves in a session the next does not find") {
        return Ok(());
    }
    let server = TestServer::start(
        ServerOptions::new("reset-mariadb").variable("DATACHAT_SESSIONS_PER_CONNECTION", "1"),
    )
    .await?;
    let client = server.client();
    let house = spawn_blocking(|| House::start(Engine::MariaDb)).await??;
    // A function is the only way past the policy to a setting.
    house.sql(
        "alpha",
        "CREATE FUNCTION leave_a_mark() RETURNS text NOT DETERMINISTIC
         RETURN CONCAT(@mark := 'left', GET_LOCK('4711', 0));
         DELIMITER //
         CREATE FUNCTION set_the_zone() RETURNS int NOT DETERMINISTIC
         BEGIN SET SESSION time_zone = '+09:00'; SET SESSION sql_mode = 'ANSI_QUOTES'; RETURN 1; END//",
    )?;
    let id = register(client, &house.url("alpha")).await?;
    let session = scalar(client, &id, "SELECT CONNECTION_ID()").await?;
    assert_eq!(scalar(client, &id, "SELECT leave_a_mark()").await?, "left1");
    assert_eq!(scalar(client, &id, "SELECT set_the_zone()").await?, 1);
    let body = query(
        client,
        &id,
        "SELECT CONNECTION_ID(), @mark, @@session.time_zone, IS_USED_LOCK('4711'), COUNT(*), \"text\" FROM orders",
    )
    .await?
    .expect(200)?;
    let expected = json!([[session, null, "+00:00", null, 50, "text"]]);
    assert_eq!(body["rows"], expected, "not the very session, or not reset");
    // An error does not cost the session either.
    query(client, &id, "SELECT no_such_column")
        .await?
        .problem(400, "undefined_object")?;
    assert_eq!(
        scalar(client, &id, "SELECT CONNECTION_ID()").await?,
        session
    );
    Ok(())
}
