//! Sessions against a real server: statements, parameters, limits, errors, reset, cancel.

mod common;

use std::net::Shutdown;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use common::{Plain, open, open_target, query, run, statement, target, text};
use datachat_postgres::session::Session;
use datachat_postgres::startup;
use datachat_postgres::wire::Wire;
use datachat_sdk::connector::TlsMode;
use datachat_sdk::connector::types::{ErrorCode, Value};
use datachat_throwaway::{Auth, CANARY, Options, Postgres, Role};

/// One server for all tests here; each leaves it as it was or uses tables of its own.
fn server() -> &'static Postgres {
    static SERVER: LazyLock<Postgres> = LazyLock::new(|| {
        Postgres::start(
            Options::new(CANARY)
                .role(Role::new("app", CANARY, Auth::Scram))
                .role(Role::new("md5", CANARY, Auth::Md5))
                .role(Role::new("plain", CANARY, Auth::Cleartext))
                .role(Role::new("open", CANARY, Auth::Trust))
                .role(Role::new("boss", CANARY, Auth::Trust).with("SUPERUSER"))
                .database("bank"),
        )
        .expect("a server")
    });
    &SERVER
}

#[test]
fn statements_run_and_answer_with_arrow() {
    let server = server();
    let mut session = open(server, "open", "", "bank").expect("open");

    let batches = query(&mut session, "SELECT 1::int4 AS one, 'ä'::text AS t").expect("rows");
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].column(0).as_primitive::<Int32Type>().value(0), 1);
    assert_eq!(batches[0].column(1).as_string::<i32>().value(0), "ä");
    assert_eq!(batches[0].schema().field(0).name(), "one");

    // A result of many batches, whole and in order.
    let batches = query(
        &mut session,
        "SELECT n FROM generate_series(1::int8, 300000) n",
    )
    .expect("rows");
    assert!(batches.len() > 2);
    let mut next = 1;
    for batch in &batches {
        for value in batch.column(0).as_primitive::<Int64Type>().values() {
            assert_eq!(*value, next);
            next += 1;
        }
    }
    assert_eq!(next, 300_001);

    // No rows, no columns.
    assert!(
        query(&mut session, "SELECT 1 WHERE false")
            .expect("rows")
            .is_empty()
    );
    let none = query(&mut session, "SELECT FROM generate_series(1, 3)").expect("rows");
    assert_eq!((none[0].num_rows(), none[0].num_columns()), (3, 0));
}

#[test]
fn every_way_to_authenticate_works_and_a_wrong_password_does_not() {
    let server = server();
    for user in ["app", "md5", "open"] {
        let mut session = open(server, user, CANARY, "bank").expect(user);
        assert_eq!(
            text(&mut session, "SELECT current_user::text").expect(user),
            user
        );
    }
    for user in ["app", "md5"] {
        let error = open(server, user, "wrong", "bank").err().expect(user);
        assert_eq!(error.code, ErrorCode::AuthenticationFailed);
        assert_eq!(error.vendor_code.as_deref(), Some("28P01"));
        let none = open_target(&target(server.port(), user, "bank"), None)
            .err()
            .expect(user);
        assert_eq!(none.code, ErrorCode::AuthenticationFailed);
    }
    let error = open(server, "plain", CANARY, "bank").err().expect("plain");
    assert_eq!(error.code, ErrorCode::AuthenticationFailed);
    assert!(error.message.contains("clear text"), "{}", error.message);

    let error = open(server, "open", "", "nowhere")
        .err()
        .expect("no database");
    assert_eq!(error.code, ErrorCode::DatabaseMissing);
}

#[test]
fn tls_that_is_required_is_not_done_without() {
    let server = server();
    for mode in [TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull] {
        let mut target = target(server.port(), "open", "bank");
        target.tls = mode;
        let error = open_target(&target, None).err().expect("no TLS here");
        assert_eq!(error.code, ErrorCode::TlsFailed);
    }
    for mode in [TlsMode::Prefer, TlsMode::Disable] {
        let mut target = target(server.port(), "open", "bank");
        target.tls = mode;
        open_target(&target, None).expect("in the clear");
    }
}

#[test]
fn values_are_bound_as_the_server_expects_them() {
    let server = server();
    let mut session = open(server, "open", "", "bank").expect("open");
    let mut one = |sql: &str, value: Value| {
        run(&mut session, statement(sql, vec![value]))
            .map(|batches| batches[0].column(0).as_string::<i32>().value(0).to_owned())
    };
    let cases = [
        ("SELECT ($1::int2)::text", Value::Integer(-32768), "-32768"),
        (
            "SELECT ($1::numeric)::text",
            Value::Decimal("1.10".into()),
            "1.10",
        ),
        (
            "SELECT ($1::numeric)::text",
            Value::Unsigned(u64::MAX),
            "18446744073709551615",
        ),
        ("SELECT ($1::float8)::text", Value::Float(5e-324), "5e-324"),
        (
            "SELECT ($1::float8)::text",
            Value::Float(f64::NEG_INFINITY),
            "-Infinity",
        ),
        (
            "SELECT ($1::text)",
            Value::Text("it's ä \u{1F600}; DROP".into()),
            "it's ä \u{1F600}; DROP",
        ),
        (
            "SELECT encode($1::bytea, 'hex')",
            Value::Bytes(vec![0, 255]),
            "00ff",
        ),
        ("SELECT ($1::date)::text", Value::Date(-1), "1969-12-31"),
        (
            "SELECT ($1::timestamp)::text",
            Value::TimestampMicros(-1),
            "1969-12-31 23:59:59.999999",
        ),
        (
            "SELECT ($1::timestamptz)::text",
            Value::TimestampMicros(0),
            "1970-01-01 00:00:00+00",
        ),
        (
            "SELECT ($1::jsonb)::text",
            Value::Json("{\"a\": 1.10}".into()),
            "{\"a\": 1.10}",
        ),
        (
            "SELECT ($1::uuid)::text",
            Value::Uuid("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11".into()),
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ),
        ("SELECT ($1::bool)::text", Value::Boolean(true), "true"),
        (
            "SELECT ($1::int4[])::text",
            Value::Text("{1,NULL,3}".into()),
            "{1,NULL,3}",
        ),
        ("SELECT coalesce($1::text, 'null')", Value::Null, "null"),
        // The text leaves the type open; the value has one.
        ("SELECT pg_typeof($1)::text", Value::Integer(1), "bigint"),
        ("SELECT pg_typeof($1)::text", Value::Date(1), "date"),
    ];
    for (sql, value, expected) in cases {
        assert_eq!(
            one(sql, value.clone()).expect(sql),
            expected,
            "{sql} {value:?}"
        );
    }

    let error = one("SELECT ($1::int4)::text", Value::Text("abc".into())).expect_err("text");
    assert_eq!(error.code, ErrorCode::DataException);
    assert_eq!(error.vendor_code.as_deref(), Some("22P02"));
    let error = one("SELECT ($1::int4)::text", Value::Boolean(true)).expect_err("boolean");
    assert_eq!(error.code, ErrorCode::DataException);
    assert!(error.message.contains("$1"), "{}", error.message);
    let error = one("SELECT $1::text || $2::text", Value::Null).expect_err("count");
    assert_eq!(
        error.message,
        "the statement takes 2 parameters, 1 was given"
    );
    // And the session still works.
    assert_eq!(
        one("SELECT $1::text", Value::Text("fine".into())).expect("rows"),
        "fine"
    );
}

#[test]
fn errors_have_a_class_and_leave_the_session_usable() {
    let server = server();
    server
        .psql("bank", "CREATE TABLE t (n int); INSERT INTO t VALUES (0)")
        .expect("table");
    server
        .psql(
            "bank",
            "CREATE TABLE boss_only (n int); GRANT SELECT ON t TO open",
        )
        .expect("table");
    let mut session = open(server, "open", "", "bank").expect("open");
    for (sql, code, sqlstate, position) in [
        ("SELEC 1", ErrorCode::Syntax, "42601", Some(1)),
        (
            "SELECT 'ä', nope FROM t",
            ErrorCode::UndefinedObject,
            "42703",
            Some(13),
        ),
        (
            "SELECT * FROM nope",
            ErrorCode::UndefinedObject,
            "42P01",
            Some(15),
        ),
        (
            "SELECT nope(1)",
            ErrorCode::UndefinedObject,
            "42883",
            Some(8),
        ),
        ("SELECT 1/n FROM t", ErrorCode::DataException, "22012", None),
        (
            "SELECT 1/(n-3) FROM generate_series(1, 100000) n",
            ErrorCode::DataException,
            "22012",
            None,
        ),
        (
            "SELECT * FROM boss_only",
            ErrorCode::PermissionDenied,
            "42501",
            None,
        ),
        (
            "CREATE TABLE u (n int)",
            ErrorCode::ReadOnlyViolation,
            "25006",
            None,
        ),
        ("SELECT 1; SELECT 2", ErrorCode::Syntax, "42601", None),
        ("COPY t TO STDOUT", ErrorCode::Unsupported, "", None),
        (
            "SELECT pg_terminate_backend(pg_backend_pid())",
            ErrorCode::Protocol,
            "57P01",
            None,
        ),
    ] {
        let error = query(&mut session, sql).expect_err(sql);
        assert_eq!(error.code, code, "{sql}: {error:?}");
        assert_eq!(
            error.vendor_code.as_deref().unwrap_or_default(),
            sqlstate,
            "{sql}"
        );
        assert_eq!(error.position, position, "{sql}");
        if code != ErrorCode::Protocol {
            assert_eq!(text(&mut session, "SELECT 'on'").expect(sql), "on");
        }
    }
}

#[test]
fn a_statement_ends_at_its_limits() {
    let server = server();
    let mut session = open(server, "open", "", "bank").expect("open");

    let mut request = statement("SELECT generate_series(1, 1000000000) AS n", vec![]);
    request.max_rows = Some(10);
    let started = Instant::now();
    let batches = run(&mut session, request).expect("rows");
    assert_eq!(
        batches
            .iter()
            .map(arrow_array::RecordBatch::num_rows)
            .sum::<usize>(),
        10
    );
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "the server stopped, too"
    );

    let mut request = statement("SELECT pg_sleep(60)::text", vec![]);
    request.timeout_ms = 100;
    let error = run(&mut session, request).expect_err("too long");
    assert_eq!(error.code, ErrorCode::Timeout);
    assert_eq!(
        text(&mut session, "SELECT current_setting('statement_timeout')").expect("rows"),
        "10s"
    );
}

#[test]
fn a_changed_table_is_prepared_again() {
    let server = server();
    server
        .psql(
            "bank",
            "CREATE TABLE changing AS SELECT 1 AS n; GRANT SELECT ON changing TO open",
        )
        .expect("table");
    let mut session = open(server, "open", "", "bank").expect("open");
    assert_eq!(
        query(&mut session, "SELECT * FROM changing").expect("rows")[0].num_columns(),
        1
    );
    server
        .psql("bank", "ALTER TABLE changing ADD m text")
        .expect("column");
    assert_eq!(
        query(&mut session, "SELECT * FROM changing").expect("rows")[0].num_columns(),
        2
    );
}

#[test]
fn a_statement_ends_within_seconds_when_its_client_leaves_without_a_cancel() {
    let server = server();
    let transport = Plain::connect(server.port()).expect("connect");
    let socket = transport.socket.try_clone().expect("a socket");
    let target = target(server.port(), "open", "bank");
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut session = Session::open(transport, &target, None, deadline).expect("open");
    let leaving = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        socket.shutdown(Shutdown::Both)
    });
    // It only computes: nothing of it is ever written to the client.
    let million = "generate_series(1, 1000000)";
    let sql = format!("SELECT count(*) FROM {million} AS gone, {million} AS b");
    let mut request = statement(&sql, vec![]);
    request.timeout_ms = 60_000;
    assert!(run(&mut session, request).is_err());
    leaving.join().expect("a thread").expect("shut down");
    let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' \
                   AND query LIKE '%AS gone%' AND pid <> pg_backend_pid()";
    let end = Instant::now() + Duration::from_secs(10);
    while server.psql("bank", running).expect("a count").trim() != "0" {
        assert!(Instant::now() < end, "it still runs");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn reset_forgets_what_others_must_not_see() {
    let server = server();
    let mut session = open(server, "boss", "", "bank").expect("open");
    let mut write = |sql: &str| {
        let mut request = statement(sql, vec![]);
        request.read_only = false;
        run(&mut session, request).map(|_| ()).expect(sql);
    };
    write("CREATE TEMP TABLE secret AS SELECT 1 AS n");
    write("SET search_path = 'pg_catalog'");
    write("SET ROLE app");
    write("RESET ROLE");
    write("PREPARE datachat_9 AS SELECT 1");
    write("SELECT pg_advisory_lock(42)");
    write("LISTEN channel");
    write("SET SESSION AUTHORIZATION app");
    write("DECLARE held CURSOR WITH HOLD FOR SELECT 1");

    session.reset().expect("reset");
    assert!(query(&mut session, "SELECT * FROM secret").is_err());
    for (sql, expected) in [
        ("SELECT current_user::text", "boss"),
        ("SELECT session_user::text", "boss"),
        ("SELECT current_setting('search_path')", "\"$user\", public"),
        (
            "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory'",
            "0",
        ),
        ("SELECT count(*)::text FROM pg_listening_channels()", "0"),
        (
            "SELECT count(*)::text FROM pg_cursors WHERE name = 'held'",
            "0",
        ),
        (
            "SELECT count(*)::text FROM pg_prepared_statements WHERE from_sql",
            "0",
        ),
        (
            "SELECT current_setting('client_connection_check_interval')",
            "1s",
        ),
        ("SELECT current_setting('TimeZone')", "UTC"),
        ("SELECT current_setting('application_name')", "datachat"),
    ] {
        assert_eq!(text(&mut session, sql).expect(sql), expected, "{sql}");
    }
}

#[test]
fn what_a_reading_statement_managed_to_do_is_undone() {
    let server = server();
    let mut session = open(server, "boss", "", "bank").expect("open");
    query(&mut session, "SELECT lo_create(4711)").expect("PostgreSQL 15 lets it through");
    query(&mut session, "SELECT set_config('work_mem', '1MB', false)").expect("rows");
    assert_eq!(
        text(
            &mut session,
            "SELECT count(*)::text FROM pg_largeobject_metadata"
        )
        .expect("rows"),
        "0"
    );
    assert_ne!(
        text(&mut session, "SELECT current_setting('work_mem')").expect("rows"),
        "1MB"
    );
}

#[test]
fn cancel_stops_the_statement_of_another_connection() {
    let server = server();
    let mut session = open(server, "open", "", "bank").expect("open");
    let token = session.cancel_token().expect("a token").to_vec();
    let port = server.port();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        let mut wire = Wire::new(Plain::connect(port).expect("connect"));
        let deadline = Instant::now() + Duration::from_secs(5);
        startup::cancel(&mut wire, TlsMode::Prefer, &token, deadline)
    });
    let started = Instant::now();
    let error = query(&mut session, "SELECT pg_sleep(60)::text").expect_err("cancelled");
    assert_eq!(error.code, ErrorCode::Cancelled);
    assert!(started.elapsed() < Duration::from_secs(5));
    canceller.join().expect("no panic").expect("cancelled");
    assert_eq!(text(&mut session, "SELECT 'on'").expect("rows"), "on");
}

#[test]
fn wide_and_long_results_and_parameters_arrive_whole() {
    let server = server();
    let mut session = open(server, "open", "", "bank").expect("open");
    let columns: Vec<String> = (0..1600).map(|n| format!("{n} AS \"same\"")).collect();
    let batches = query(&mut session, &format!("SELECT {}", columns.join(","))).expect("rows");
    assert_eq!(batches[0].num_columns(), 1600);
    assert_eq!(
        batches[0].column(1599).as_primitive::<Int32Type>().value(0),
        1599
    );

    // Longer than any read, and in a batch that is longer than any piece.
    let bytes: Vec<u8> = (0..10_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let batches = run(
        &mut session,
        statement("SELECT $1::bytea", vec![Value::Bytes(bytes.clone())]),
    )
    .expect("rows");
    assert_eq!(batches[0].column(0).as_binary::<i32>().value(0), bytes);
}

#[test]
fn a_result_left_in_the_middle_does_not_leak_into_the_next() {
    let server = server();
    let mut session = open(server, "open", "", "bank").expect("open");
    let mut rows = session
        .query(statement("SELECT generate_series(1, 200000)", vec![]))
        .expect("rows");
    rows.read(&mut session, 1).expect("a piece");
    drop(rows);
    assert_eq!(text(&mut session, "SELECT 'mine'").expect("rows"), "mine");
}
