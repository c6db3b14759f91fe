//! Sessions of the plugin runtime against a real PostgreSQL: long results, cancel, the deadline, reuse, servers
//! that come back, TLS. Everything here goes through the shipped connector in its sandbox.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_ipc::reader::StreamReader;
use datachat::limits::Limits;
use datachat::plugins::{
    Components, Connector, DbError, ErrorCode, PluginError, Plugins, Target, Tls, TlsMode,
};
use datachat_tests::sandbox::{self, ask, key, start, statement};
use datachat_tests::{Auth, Authority, CANARY, Options, Postgres, Role};

struct Servers {
    postgres: Postgres,
    authority: Authority,
}

/// One server for the tests that leave it as it was. Its certificate is for `localhost`.
static SERVERS: LazyLock<Servers> = LazyLock::new(|| {
    let authority = Authority::new().expect("an authority");
    let certificate = authority.server(&["localhost"]).expect("a certificate");
    let postgres = Postgres::start(
        Options::new(CANARY)
            .role(Role::new("app", CANARY, Auth::Scram))
            .role(Role::new("careful", CANARY, Auth::Scram).tls_only())
            .database("bank")
            .tls(certificate),
    )
    .expect("a server");
    Servers {
        postgres,
        authority,
    }
});

async fn plugins(change: impl FnOnce(&mut Limits)) -> Plugins {
    let mut limits = Limits {
        sessions_total: 16,
        ..Limits::default()
    };
    change(&mut limits);
    let data_dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    sandbox::load(data_dir, Components::Shipped, limits).await
}

fn postgres(plugins: &Plugins) -> std::sync::Arc<Connector> {
    plugins
        .connector("postgresql")
        .expect("the PostgreSQL component is not built or not loaded; run `cargo xtask plugins`")
}

fn target(server: &Postgres) -> Target {
    sandbox::target(server.port(), "bank", "app", CANARY)
}

/// The first column of the whole result.
async fn numbers(
    connector: &Connector,
    target: &Target,
    sql: &str,
) -> Result<Vec<i64>, PluginError> {
    let bytes = ask(connector, target, sql).await?;
    let reader = StreamReader::try_new(bytes.as_slice(), None).expect("a stream");
    Ok(reader
        .flat_map(|batch| {
            let batch = batch.expect("a batch");
            batch
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        })
        .collect())
}

/// How many statements with this mark the server runs.
fn running(server: &Postgres, mark: &str) -> usize {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' \
         AND query LIKE '%{mark}%' AND pid <> pg_backend_pid()"
    );
    let text = server.psql("bank", &sql).expect("psql");
    text.trim().parse().expect("a number")
}

/// Waits until the server runs the marked statement, or no longer does; gives the time that took.
async fn until_running(server: &Postgres, mark: &str, wanted: bool) -> Duration {
    let began = Instant::now();
    while (running(server, mark) > 0) != wanted {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{mark}: not in time"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_result_arrives_whole_and_in_order() -> Result<()> {
    let plugins = plugins(|_| {}).await;
    let connector = postgres(&plugins);
    let target = target(&SERVERS.postgres);
    let sql = "SELECT n, repeat('x', 50) FROM generate_series(1::int8, 400000) n";
    let all = numbers(&connector, &target, sql).await?;
    assert_eq!(all.len(), 400_000);
    assert!(all.iter().copied().eq(1..=400_000));
    // The same session serves again.
    let pid = "SELECT pg_backend_pid()::int8";
    let first = numbers(&connector, &target, pid).await?;
    assert_eq!(first, numbers(&connector, &target, pid).await?);
    assert_eq!(plugins.sessions().0, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_nobody_waits_for_is_gone_within_a_second() -> Result<()> {
    let server = &SERVERS.postgres;
    let plugins = plugins(|_| {}).await;
    let connector = postgres(&plugins);
    let target = target(server);
    let mut waiting = Box::pin(start(
        &connector,
        &target,
        "SELECT pg_sleep(60) AS nobody_waits",
    ));
    let early = tokio::time::timeout(Duration::from_millis(500), &mut waiting).await;
    if let Ok(started) = early {
        // The columns were known before the statement slept: it is the reading that hangs.
        let mut cursor = started?;
        let read = tokio::time::timeout(Duration::from_millis(500), cursor.read()).await;
        assert!(read.is_err(), "it slept no 60 seconds");
        until_running(server, "nobody_waits", true).await;
        drop(cursor);
    } else {
        until_running(server, "nobody_waits", true).await;
        drop(waiting);
    }
    let took = until_running(server, "nobody_waits", false).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(numbers(&connector, &target, "SELECT 1::int8").await?, [1]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_nobody_reads_any_more_are_cancelled() -> Result<()> {
    let server = &SERVERS.postgres;
    let plugins = plugins(|_| {}).await;
    let connector = postgres(&plugins);
    let target = target(server);
    let sql = "SELECT generate_series(1::int8, 100000000), repeat('y', 1000) AS left_halfway";
    let mut cursor = start(&connector, &target, sql).await?;
    for _ in 0..5 {
        cursor.read().await?.context("it is long")?;
    }
    until_running(server, "left_halfway", true).await;
    drop(cursor);
    let took = until_running(server, "left_halfway", false).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    plugins.shutdown().await;
    assert_eq!(plugins.sessions(), (0, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_ends_a_statement_also_for_a_reader_who_does_not_read() -> Result<()> {
    let server = &SERVERS.postgres;
    let plugins = plugins(|_| {}).await;
    let connector = postgres(&plugins);
    let target = target(server);
    let session = connector.session(key(1), &target).await?;
    let sql = "SELECT generate_series(1::int8, 100000000), repeat('z', 1000) AS read_slowly";
    let deadline = Instant::now() + Duration::from_millis(800);
    let mut cursor = session.query(statement(sql), deadline).await?;
    cursor.read().await?.context("rows")?;
    until_running(server, "read_slowly", true).await;
    tokio::time::sleep_until(deadline.into()).await;
    let took = until_running(server, "read_slowly", false).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    // What had been read ahead comes first, then the error; never an end.
    let error = loop {
        match cursor.read().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a short result that looks whole"),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(
            error,
            PluginError::Timeout {
                limit: "timeout_ms",
                ..
            }
        ),
        "{error:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_connections_statement_is_gone_within_a_second() -> Result<()> {
    let server = &SERVERS.postgres;
    let plugins = plugins(|_| {}).await;
    let connector = postgres(&plugins);
    let target = target(server);
    let asking = connector.clone();
    let waiting = tokio::spawn(async move {
        numbers(
            &asking,
            &target,
            "SELECT 1::int8, pg_sleep(60) AS forgotten",
        )
        .await
    });
    until_running(server, "forgotten", true).await;
    plugins
        .forget_connection(key(u128::from(server.port())).id)
        .await;
    let took = until_running(server, "forgotten", false).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    let ended = waiting.await?;
    assert!(matches!(ended, Err(PluginError::Cancelled)), "{ended:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_one_use_of_a_session_is_left_for_the_next() -> Result<()> {
    let plugins = plugins(|limits| limits.sessions_per_connection = 1).await;
    let connector = postgres(&plugins);
    let target = target(&SERVERS.postgres);
    let ask = async |sql: &str| numbers(&connector, &target, sql).await;
    let pid = ask("SELECT pg_backend_pid()::int8").await?;
    ask("SELECT length(set_config('my.trace', 'left behind', false))::int8").await?;
    ask("SELECT count(pg_advisory_lock(42))::int8").await?;
    let left = "SELECT coalesce(length(nullif(current_setting('my.trace', true), '')), 0)::int8";
    assert_eq!(ask(left).await?, [0]);
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    assert_eq!(ask(locks).await?, [0]);
    assert_eq!(
        ask("SELECT pg_backend_pid()::int8").await?,
        pid,
        "the same session"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_died_with_their_server_are_replaced_unnoticed() -> Result<()> {
    let mut server = Postgres::start(
        Options::new(CANARY)
            .role(Role::new("app", CANARY, Auth::Scram))
            .database("bank"),
    )?;
    let plugins = plugins(|_| {}).await;
    let connector = postgres(&plugins);
    let target = target(&server);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(
            connector
                .session(key(u128::from(server.port())), &target)
                .await?,
        );
    }
    drop(held);
    assert_eq!(plugins.sessions(), (3, 3));
    server.restart()?;
    assert_eq!(numbers(&connector, &target, "SELECT 7::int8").await?, [7]);
    let mut session = connector
        .session(key(u128::from(server.port())), &target)
        .await?;
    assert_eq!(session.server().await?.product, "PostgreSQL");
    drop(session);
    server.stop()?;
    let error = numbers(&connector, &target, "SELECT 7::int8").await;
    assert!(
        matches!(&error, Err(PluginError::Database(e)) if e.code == ErrorCode::ConnectionRefused),
        "{error:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_a_long_result_arrives_whole_and_the_password_is_bound_to_the_channel()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let roots = folder.path().join("root.pem");
    std::fs::write(&roots, SERVERS.authority.pem())?;
    let plugins = plugins(|_| {}).await;
    let connector = postgres(&plugins);
    let target = Target {
        host: "localhost".to_owned(),
        user: Some("careful".to_owned()),
        tls: Tls {
            mode: TlsMode::VerifyFull,
            roots: Some(roots),
        },
        ..target(&SERVERS.postgres)
    };
    let sql = "SELECT n, repeat('x', 50) FROM generate_series(1::int8, 400000) n";
    let all = numbers(&connector, &target, sql).await?;
    assert!(all.iter().copied().eq(1..=400_000), "{} rows", all.len());
    let encrypted = "SELECT count(*) FROM pg_stat_ssl WHERE ssl AND version = 'TLSv1.3' AND pid = pg_backend_pid()";
    assert_eq!(numbers(&connector, &target, encrypted).await?, [1]);
    // A statement of several hundred kilobytes goes out whole too.
    let long = format!("SELECT length('{}')::int8", "w".repeat(700_000));
    assert_eq!(numbers(&connector, &target, &long).await?, [700_000]);
    Ok(())
}

async fn tls_error(connector: &Connector, target: &Target) -> DbError {
    match connector.probe(target).await {
        Err(PluginError::Database(error)) => {
            assert_eq!(error.code, ErrorCode::TlsFailed, "{error:?}");
            error
        }
        other => panic!("no error of TLS: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_judged_by_the_mode_and_its_refusal_says_why() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = |name: &str, pem: String| -> Result<PathBuf> {
        let path = folder.path().join(name);
        std::fs::write(&path, pem)?;
        Ok(path)
    };
    let own = file("own.pem", SERVERS.authority.pem())?;
    let other = file("other.pem", Authority::new()?.pem())?;
    let plugins = plugins(|_| {}).await;
    let connector = postgres(&plugins);
    let with = |host: &str, mode, roots: Option<&PathBuf>| Target {
        host: host.to_owned(),
        tls: Tls {
            mode,
            roots: roots.cloned(),
        },
        ..target(&SERVERS.postgres)
    };
    for (host, mode, roots) in [
        ("127.0.0.1", TlsMode::Prefer, None),
        ("127.0.0.1", TlsMode::Require, None),
        ("127.0.0.1", TlsMode::Require, Some(&own)),
        ("127.0.0.1", TlsMode::VerifyCa, Some(&own)),
        ("localhost", TlsMode::VerifyFull, Some(&own)),
    ] {
        connector
            .probe(&with(host, mode, roots))
            .await
            .with_context(|| format!("{host} {mode:?} {roots:?}"))?;
    }
    for (host, mode, roots, why) in [
        (
            "127.0.0.1",
            TlsMode::VerifyFull,
            &own,
            "is not for the name \"127.0.0.1\"",
        ),
        (
            "localhost",
            TlsMode::VerifyFull,
            &other,
            "authority that is not trusted",
        ),
        (
            "localhost",
            TlsMode::VerifyCa,
            &other,
            "authority that is not trusted",
        ),
        (
            "localhost",
            TlsMode::Require,
            &other,
            "authority that is not trusted",
        ),
    ] {
        let error = tls_error(&connector, &with(host, mode, Some(roots))).await;
        assert!(error.message.contains(why), "{mode:?}: {}", error.message);
    }
    let missing = folder.path().join("missing.pem");
    let error = tls_error(
        &connector,
        &with("localhost", TlsMode::VerifyCa, Some(&missing)),
    )
    .await;
    assert!(error.message.contains("missing.pem"), "{}", error.message);
    let system = tls_error(&connector, &with("localhost", TlsMode::VerifyFull, None)).await;
    assert!(!system.message.is_empty());
    Ok(())
}
