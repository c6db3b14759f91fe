//! Sessions against a real server: statements, parameters, limits, errors, reset, cancel.
//!
//! `MYSQL_TEST_URL` adds a server of the user's own to the one that is started here; only what any user may do
//! is done there.

mod common;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, UInt64Type};
use common::{Plain, open, open_target, query, run, statement, target, text};
use datachat_mysql::session::Session;
use datachat_mysql::startup;
use datachat_mysql::wire::Wire;
use datachat_sdk::connector::TlsMode;
use datachat_sdk::connector::types::{ErrorCode, Value};
use datachat_throwaway::{CANARY, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser};

/// One server for all tests here; each leaves it as it was or uses tables of its own.
fn server() -> &'static MariaDb {
    static SERVER: LazyLock<MariaDb> = LazyLock::new(|| {
        let server = MariaDb::start(
            MariaDbOptions::default()
                .database("bank")
                .user(
                    MariaDbUser::new("app", CANARY, MariaDbAuth::Native).grant("SELECT ON bank.*"),
                )
                .user(
                    MariaDbUser::new("edward", CANARY, MariaDbAuth::Ed25519)
                        .grant("SELECT ON bank.*"),
                )
                .user(MariaDbUser::new("nobody", "", MariaDbAuth::Native).grant("SELECT ON bank.*"))
                .user(
                    MariaDbUser::new("boss", CANARY, MariaDbAuth::Native)
                        .grant("ALL PRIVILEGES ON *.*"),
                )
                .setting("max-allowed-packet=64M"),
        )
        .expect("a server");
        server
            .sql(
                "bank",
                "CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3)",
            )
            .expect("a table");
        server
    });
    &SERVER
}

fn app() -> Session<Plain> {
    open(server(), "app", CANARY, "bank").expect("open")
}

fn integers(session: &mut Session<Plain>, sql: &str) -> Vec<i64> {
    let batches = query(session, sql).expect(sql);
    batches
        .iter()
        .flat_map(|batch| {
            batch
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        })
        .collect()
}

#[test]
fn statements_run_and_answer_with_arrow() {
    let mut session = app();
    let batches = query(&mut session, "SELECT 1 AS one, 'ä😀' AS t").expect("rows");
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].column(0).as_primitive::<Int32Type>().value(0), 1);
    assert_eq!(batches[0].column(1).as_string::<i32>().value(0), "ä😀");
    assert_eq!(batches[0].schema().field(0).name(), "one");

    // A result of many batches, whole and in order.
    let batches = query(
        &mut session,
        "SELECT CAST(seq AS SIGNED) FROM seq_1_to_300000",
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

    // No rows; no result.
    assert!(
        query(&mut session, "SELECT 1 FROM t WHERE FALSE")
            .expect("rows")
            .is_empty()
    );
    assert!(query(&mut session, "DO 1").expect("nothing").is_empty());
    // Names that repeat, and the statements that are not SELECT.
    let twice = query(&mut session, "SELECT 1 AS a, 2 AS a").expect("rows");
    assert_eq!(twice[0].schema().field(1).name(), "a");
    assert!(!query(&mut session, "SHOW TABLES").expect("rows").is_empty());
    assert!(
        !query(&mut session, "EXPLAIN SELECT * FROM t")
            .expect("rows")
            .is_empty()
    );
    assert!(!query(&mut session, "DESCRIBE t").expect("rows").is_empty());
}

#[test]
fn every_way_to_authenticate_works_and_a_wrong_password_does_not() {
    let server = server();
    for user in ["app", "edward", "nobody"] {
        let password = if user == "nobody" { "" } else { CANARY };
        let mut session = open(server, user, password, "bank").expect(user);
        assert_eq!(
            text(&mut session, "SELECT CURRENT_USER()").expect(user),
            format!("{user}@%")
        );
    }
    for user in ["app", "edward"] {
        for password in [Some("wrong"), None] {
            let target = target(server.port(), user, Some("bank"));
            let error = open_target(&target, password).err().expect(user);
            assert_eq!(error.code, ErrorCode::AuthenticationFailed);
            assert_eq!(error.vendor_code.as_deref(), Some("1045"));
        }
    }
    let error = open(server, "boss", CANARY, "nowhere")
        .err()
        .expect("no database");
    assert_eq!(error.code, ErrorCode::DatabaseMissing);
    let error = open(server, "app", CANARY, "mysql")
        .err()
        .expect("no right");
    assert_eq!(error.code, ErrorCode::DatabaseMissing);
}

#[test]
fn tls_that_is_required_is_not_done_without() {
    for mode in [TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull] {
        let mut target = target(server().port(), "app", Some("bank"));
        target.tls = mode;
        let error = open_target(&target, Some(CANARY))
            .err()
            .expect("no TLS here");
        assert_eq!(error.code, ErrorCode::TlsFailed);
    }
    let mut target = target(server().port(), "app", Some("bank"));
    target.tls = TlsMode::Prefer;
    open_target(&target, Some(CANARY)).expect("in the clear");
}

#[test]
fn a_url_without_a_database_reaches_all_under_qualified_names() {
    let target = target(server().port(), "app", None);
    let mut session = open_target(&target, Some(CANARY)).expect("open");
    assert_eq!(integers(&mut session, "SELECT COUNT(*) FROM bank.t"), [3]);
    let info = session.server().expect("info");
    assert_eq!((info.database, info.default_schema), (None, None));
    let error = query(&mut session, "SELECT * FROM t").expect_err("no database");
    assert_eq!(error.code, ErrorCode::UndefinedObject);
}

#[test]
fn values_are_bound_as_what_they_are() {
    let mut session = app();
    let nines = "9".repeat(65);
    let mut one = |sql: &str, value: Value| {
        run(&mut session, statement(sql, vec![value]))
            .map(|batches| batches[0].column(0).as_string::<i32>().value(0).to_owned())
    };
    for (sql, value, expected) in [
        (
            "SELECT CAST(? AS CHAR)",
            Value::Integer(i64::MIN),
            "-9223372036854775808",
        ),
        (
            "SELECT CAST(? AS CHAR)",
            Value::Unsigned(u64::MAX),
            "18446744073709551615",
        ),
        (
            "SELECT CAST(? AS CHAR)",
            Value::Decimal("1.10".into()),
            "1.10",
        ),
        (
            "SELECT CAST(? AS CHAR)",
            Value::Decimal(nines.clone()),
            nines.as_str(),
        ),
        ("SELECT CAST(? AS CHAR)", Value::Float(0.1), "0.1"),
        (
            "SELECT CONCAT(?)",
            Value::Text("it's ä \u{1F600}; DROP".into()),
            "it's ä \u{1F600}; DROP",
        ),
        ("SELECT HEX(?)", Value::Bytes(vec![0, 255]), "00FF"),
        ("SELECT CAST(? AS CHAR)", Value::Date(-1), "1969-12-31"),
        (
            "SELECT CAST(CAST(? AS DATETIME(6)) AS CHAR)",
            Value::TimestampMicros(-1),
            "1969-12-31 23:59:59.999999",
        ),
        (
            "SELECT CAST(JSON_EXTRACT(?, '$.a') AS CHAR)",
            Value::Json("{\"a\": 1.10}".into()),
            "1.10",
        ),
        (
            "SELECT CONCAT(?)",
            Value::Uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11".into()),
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ),
        ("SELECT CAST(? AS CHAR)", Value::Boolean(true), "1"),
        ("SELECT COALESCE(?, 'null')", Value::Null, "null"),
    ] {
        assert_eq!(
            one(sql, value.clone()).expect(sql),
            expected,
            "{sql} {value:?}"
        );
    }
    let error = one("SELECT CONCAT(?, ?)", Value::Null).expect_err("count");
    assert_eq!(
        error.message,
        "the statement takes 2 parameters, 1 was given"
    );
    let error = one("SELECT CONCAT(?)", Value::Float(f64::NAN)).expect_err("NaN");
    assert!(
        error.message.starts_with("parameter 1: "),
        "{}",
        error.message
    );
    // The session goes on after all of it.
    assert_eq!(
        one("SELECT CONCAT(?)", Value::Text("x".into())),
        Ok("x".to_owned())
    );
}

#[test]
fn errors_have_a_class_a_number_and_a_position() {
    let mut session = app();
    for (sql, code, number) in [
        ("SELECT 1 FORM t", ErrorCode::Syntax, "1064"),
        ("SELECT * FROM missing", ErrorCode::UndefinedObject, "1146"),
        ("SELECT missing FROM t", ErrorCode::UndefinedObject, "1054"),
        // Whether a routine is missing is not for everybody to know.
        ("SELECT missing(1)", ErrorCode::PermissionDenied, "1370"),
        (
            "SELECT * FROM mysql.global_priv",
            ErrorCode::PermissionDenied,
            "1142",
        ),
        ("SELECT (SELECT n FROM t)", ErrorCode::DataException, "1242"),
        ("SELECT 1; SELECT 2", ErrorCode::Syntax, "1064"),
        ("", ErrorCode::Syntax, "1065"),
    ] {
        let error = query(&mut session, sql).expect_err(sql);
        assert_eq!(
            (error.code, error.vendor_code.as_deref()),
            (code, Some(number)),
            "{error:?}"
        );
        assert!(
            error
                .detail
                .is_some_and(|detail| detail.starts_with("SQLSTATE "))
        );
    }
    let error = query(&mut session, "SELECT é FRM t x").expect_err("syntax");
    assert_eq!(error.position, Some(14), "{error:?}");
    assert_eq!(integers(&mut session, "SELECT COUNT(*) FROM t"), [3]);
}

#[test]
fn nothing_is_written_whatever_the_user_may() {
    let server = server();
    let mut session = open(server, "boss", CANARY, "bank").expect("open");
    for sql in [
        "INSERT INTO t VALUES (4)",
        "UPDATE t SET n = n + 10",
        "DELETE FROM t",
        "CREATE TABLE u (n int)",
        "DROP TABLE t",
        "TRUNCATE t",
        "CREATE USER mallory",
    ] {
        let error = query(&mut session, sql).expect_err(sql);
        assert_eq!(error.code, ErrorCode::ReadOnlyViolation, "{sql}: {error:?}");
    }
    let kept = server
        .sql("bank", "SELECT GROUP_CONCAT(n) FROM t")
        .expect("rows");
    assert_eq!(kept, "1,2,3");
    // One that may write does, and the next may not again.
    server
        .sql("bank", "CREATE TABLE w (n int)")
        .expect("a table");
    let mut writing = statement("INSERT INTO w VALUES (1)", vec![]);
    writing.read_only = false;
    run(&mut session, writing).expect("written");
    assert_eq!(
        server.sql("bank", "SELECT COUNT(*) FROM w").expect("rows"),
        "1"
    );
    query(&mut session, "INSERT INTO w VALUES (2)").expect_err("read only again");
}

#[test]
fn a_result_has_no_more_rows_than_asked_for_and_the_session_goes_on() {
    let mut session = app();
    let mut count = |sql: &str, max: u64| {
        let mut request = statement(sql, vec![]);
        request.max_rows = Some(max);
        let batches = run(&mut session, request).expect(sql);
        batches
            .iter()
            .map(arrow_array::RecordBatch::num_rows)
            .sum::<usize>()
    };
    let started = Instant::now();
    assert_eq!(count("SELECT seq FROM seq_1_to_1000000000", 10), 10);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "the server stopped"
    );
    // Inside of a subquery nothing is left out.
    assert_eq!(
        count(
            "SELECT COUNT(*) = 100 FROM (SELECT seq FROM seq_1_to_100) s",
            10
        ),
        1
    );
    // A limit of the statement's own, above ours.
    assert_eq!(count("SELECT seq FROM seq_1_to_1000000 LIMIT 5000", 10), 10);
    assert_eq!(count("SELECT seq FROM seq_1_to_100 LIMIT 7", 10), 7);
    assert_eq!(count("SELECT seq FROM seq_1_to_100", 200), 100);
    // Our own statements are under no limit.
    assert_eq!(count("SELECT 1", 1), 1);
    assert!(
        !session
            .server()
            .expect("info")
            .dangerous_rights
            .iter()
            .any(|right| right.code == "superuser")
    );
    assert_eq!(
        integers(&mut session, "SELECT COUNT(*) FROM seq_1_to_5000"),
        [5000]
    );
}

#[test]
fn a_session_with_much_left_of_a_result_is_given_up_and_the_server_stops() {
    let server = server();
    let mut session = app();
    let mut request = statement(
        "SELECT REPEAT('x', 1000), 'given up' FROM seq_1_to_100000000 LIMIT 90000000",
        vec![],
    );
    request.max_rows = Some(10);
    let batches = run(&mut session, request).expect("rows");
    assert_eq!(
        batches
            .iter()
            .map(arrow_array::RecordBatch::num_rows)
            .sum::<usize>(),
        10
    );
    let error = session.reset().expect_err("given up");
    assert_eq!(error.code, ErrorCode::Protocol);
    drop(session);
    let running = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%given up%' AND user = 'app'";
    let end = Instant::now() + Duration::from_secs(20);
    while server.sql("", running).expect("count") != "0" {
        assert!(Instant::now() < end, "it still runs");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_statement_that_takes_too_long_is_stopped_by_the_server() {
    let mut session = app();
    let mut slow = statement("SELECT SLEEP(30), n FROM t", vec![]);
    slow.timeout_ms = 200;
    let started = Instant::now();
    let error = run(&mut session, slow).expect_err("too long");
    assert_eq!(error.code, ErrorCode::Timeout, "{error:?}");
    assert_eq!(error.vendor_code.as_deref(), Some("1969"));
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(integers(&mut session, "SELECT COUNT(*) FROM t"), [3]);
}

#[test]
fn another_connection_stops_a_statement_and_the_session_goes_on() {
    let server = server();
    let mut session = app();
    let token = session.cancel_token().to_vec();
    let port = server.port();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        let target = target(port, "app", Some("bank"));
        let mut wire = Wire::new(Plain::connect(port).expect("connect"));
        let deadline = Instant::now() + Duration::from_secs(10);
        startup::cancel(&mut wire, &target, Some(CANARY), &token, deadline)
    });
    let started = Instant::now();
    let outcome = query(&mut session, "SELECT SLEEP(30) FROM t");
    canceller.join().expect("thread").expect("cancelled");
    assert!(started.elapsed() < Duration::from_secs(10));
    let error = outcome.expect_err("stopped");
    assert_eq!(error.code, ErrorCode::Cancelled, "{error:?}");
    assert_eq!(integers(&mut session, "SELECT COUNT(*) FROM t"), [3]);

    // What has gone can't be stopped, and that is no error.
    let target = target(port, "app", Some("bank"));
    let mut wire = Wire::new(Plain::connect(port).expect("connect"));
    let deadline = Instant::now() + Duration::from_secs(10);
    startup::cancel(
        &mut wire,
        &target,
        Some(CANARY),
        &u32::MAX.to_le_bytes(),
        deadline,
    )
    .expect("gone");
}

#[test]
fn a_reset_makes_the_session_as_new_and_keeps_how_it_reads() {
    let mut session = open(server(), "boss", CANARY, "bank").expect("open");
    let settings = "SELECT CONVERT(CONCAT_WS('|', @@time_zone, @@character_set_client, \
                    @@character_set_results, @@sql_mode, @@autocommit, @@tx_read_only, COALESCE(@x, 'none')) \
                    USING utf8mb4)";
    let fresh = text(&mut session, settings).expect("settings");
    assert!(fresh.starts_with("+00:00|utf8mb4|utf8mb4|"), "{fresh}");
    assert!(fresh.ends_with("|ON|ON|none"), "{fresh}");
    for sql in [
        "SET time_zone = '+05:00', sql_mode = 'ANSI_QUOTES', @x = 7",
        "SET NAMES latin1",
        "SELECT GET_LOCK('reset', 1)",
        "SET SESSION TRANSACTION READ WRITE",
    ] {
        query(&mut session, sql).expect(sql);
    }
    assert_ne!(text(&mut session, settings).expect("settings"), fresh);
    session.reset().expect("reset");
    assert_eq!(text(&mut session, settings).expect("settings"), fresh);
    let free = query(&mut session, "SELECT IS_FREE_LOCK('reset')").expect("rows");
    assert_eq!(free[0].column(0).as_primitive::<Int32Type>().value(0), 1);
    let mode = &session.server().expect("info").reading[0];
    assert_eq!(mode.0, "sql_mode");
    assert!(fresh.contains(&mode.1));
}

/// Longer than a packet, and even.
const LENGTH: usize = 0xFF_FFFF + 1001;

#[test]
fn a_value_and_a_parameter_of_more_than_16_mib_arrive_whole() {
    let mut session = app();
    let batches = query(
        &mut session,
        &format!("SELECT REPEAT('ab', {LENGTH} / 2), 7 FROM t"),
    )
    .expect("rows");
    assert_eq!(
        batches
            .iter()
            .map(arrow_array::RecordBatch::num_rows)
            .sum::<usize>(),
        3
    );
    for batch in &batches {
        for value in batch.column(0).as_string::<i32>().iter().flatten() {
            assert_eq!(value.len(), LENGTH);
            assert!(value.as_bytes().chunks(2).all(|pair| pair == b"ab"));
        }
    }
    for length in [0xFF_FFFF - 30, 0xFF_FFFF, 2 * 0xFF_FFFF + 5] {
        let value = Value::Text("x".repeat(length));
        let batches = run(
            &mut session,
            statement("SELECT CAST(LENGTH(?) AS UNSIGNED)", vec![value]),
        )
        .expect("rows");
        assert_eq!(
            batches[0].column(0).as_primitive::<UInt64Type>().value(0),
            length as u64
        );
    }
    // More than the server takes.
    let value = Value::Text("x".repeat(65 << 20));
    let error =
        run(&mut session, statement("SELECT LENGTH(?)", vec![value])).expect_err("too large");
    assert_eq!(error.code, ErrorCode::ResourceLimit, "{error:?}");
    assert!(
        error.message.contains("max_allowed_packet (67108864)"),
        "{}",
        error.message
    );
    // A value that would be longer than the server makes.
    let null = query(&mut session, "SELECT REPEAT('x', 100000000) IS NULL").expect("rows");
    assert_eq!(null[0].column(0).as_primitive::<Int32Type>().value(0), 1);
}

#[test]
fn the_server_is_described_with_its_user_s_dangerous_rights() {
    let info = app().server().expect("info");
    assert_eq!(
        (info.product.as_str(), info.role.as_str()),
        ("MariaDB", "app@%")
    );
    assert!(
        info.version.starts_with('1') && !info.version.contains('-'),
        "{}",
        info.version
    );
    assert_eq!(info.database.as_deref(), Some("bank"));
    assert_eq!(info.default_schema.as_deref(), Some("bank"));
    assert!(
        info.dangerous_rights.is_empty(),
        "{:?}",
        info.dangerous_rights
    );
    let boss = open(server(), "boss", CANARY, "bank")
        .expect("open")
        .server()
        .expect("info");
    let codes: Vec<_> = boss
        .dangerous_rights
        .iter()
        .map(|right| right.code.as_str())
        .collect();
    assert_eq!(codes, ["superuser", "file", "write"]);
}

#[test]
fn a_server_that_the_user_names_runs_statements_and_resets() {
    let Ok(url) = std::env::var("MYSQL_TEST_URL") else {
        return;
    };
    let (target, password) = common::from_url(&url);
    let mut session = open_target(&target, password.as_deref()).expect("open");
    assert_eq!(
        text(&mut session, "SELECT CONCAT('a', 'ä')"),
        Ok("aä".to_owned())
    );
    let error =
        query(&mut session, "SELECT * FROM `no such table of anybody`").expect_err("missing");
    assert_eq!(error.code, ErrorCode::UndefinedObject);
    session.reset().expect("reset");
    assert!(!session.server().expect("info").version.is_empty());
    let mut slow = statement("SELECT SLEEP(20)", vec![]);
    slow.timeout_ms = 300;
    let started = Instant::now();
    // MySQL ends the sleep early, MariaDB the statement.
    let _ = run(&mut session, slow);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(text(&mut session, "SELECT CONCAT('b')"), Ok("b".to_owned()));
}
