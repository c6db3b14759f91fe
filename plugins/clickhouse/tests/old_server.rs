//! A real server of 2018: users, errors, cancel, read-only profiles, and rows where there is no Arrow.

mod common;

use std::time::{Duration, Instant};

use common::{
    Plain, open, open_target, query, rows, run, shown, statement, target, target_of, with,
};
use datachat_clickhouse::relations::RelationPages;
use datachat_clickhouse::session::Session;
use datachat_sdk::connector::types::{ErrorCode, RelationFilter, Value};
use datachat_throwaway::{CANARY, ClickHouse, ClickHouseUser};

#[test]
fn users_and_passwords_are_checked_and_never_shown() {
    let server = ClickHouse::old().expect("a server");
    let target = target(server.host(), server.port(), "nobody");
    for (user, password) in [("nobody", CANARY), ("admin", "wrong")] {
        let mut target = target.clone();
        target.user = Some(user.to_owned());
        let error = open_target(&target, password).err().expect("refused");
        assert_eq!(error.code, ErrorCode::AuthenticationFailed, "{error:?}");
        assert!(!format!("{error:?}").contains(CANARY));
    }
}

#[test]
fn the_password_never_stands_in_a_url() {
    let server = ClickHouse::old().expect("a server");
    let target = target_of(&server);
    let http = Plain::new(&target);
    let seen = std::rc::Rc::clone(&http.seen);
    let deadline = Instant::now() + Duration::from_mins(1);
    let password = Box::new(|| Some(CANARY.to_owned()));
    let mut session = Session::open(http, &target, password, deadline).expect("a session");
    assert_eq!(shown(&mut session, "SELECT 1").as_deref(), Ok("1"));
    for head in seen.borrow().iter() {
        let (line, headers) = head.split_once("\r\n").expect("a request");
        assert!(!line.contains(CANARY), "{line}");
        assert!(headers.contains(&format!("x-clickhouse-key: {CANARY}")));
    }
}

#[test]
fn values_come_as_rows() {
    let server = ClickHouse::old().expect("a server");
    let mut session = open(&server);
    for (expression, value) in [
        ("toInt8(-5)", "-5"),
        ("toUInt64(18446744073709551615)", "18446744073709551615"),
        ("toFloat64(0.1)", "0.1"),
        ("toDecimal32('-1.10', 2)", "-1.10"),
        ("'h\u{e9}llo'", "h\u{e9}llo"),
        ("toFixedString('ab', 4)", "61620000"),
        ("toDate('2020-02-29')", "2020-02-29"),
        (
            "toDateTime('2020-01-01 00:00:00', 'UTC')",
            "2020-01-01T00:00:00Z",
        ),
        (
            "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')",
            "61f0c4045cb311e7907ba6006ad3dba0",
        ),
        ("CAST('b' AS Enum8('a' = 1, 'b' = -2))", "b"),
        ("CAST(NULL AS Nullable(String))", ""),
        ("[1, 2, 3]", "[1, 2, 3]"),
        ("(1, 'a')", "{1: 1, 2: a}"),
        (
            "arrayMap(x -> (x, [toString(x)]), [1, 2])",
            "[{1: 1, 2: [1]}, {1: 2, 2: [2]}]",
        ),
    ] {
        assert_eq!(
            shown(&mut session, &format!("SELECT {expression} AS c")).as_deref(),
            Ok(value),
            "{expression}"
        );
    }
    let batches = query(
        &mut session,
        "SELECT number, toString(number) FROM (SELECT number FROM system.numbers LIMIT 200000)",
    );
    assert_eq!(rows(&batches.expect("rows")), 200_000);
    assert!(rows(&query(&mut session, "SHOW DATABASES").expect("rows")) >= 2);
    let mut limited =
        statement("SELECT number FROM (SELECT number FROM system.numbers LIMIT 1000000)");
    limited.max_rows = Some(11);
    assert_eq!(rows(&run(&mut session, limited).expect("rows")), 11);
}

#[test]
fn errors_have_their_class_before_and_in_the_middle_of_a_result() {
    let server = ClickHouse::old().expect("a server");
    let mut session = open(&server);
    for (sql, code) in [
        ("SELECT * FROM nowhere", ErrorCode::UndefinedObject),
        ("SELEC 1", ErrorCode::Syntax),
        ("SELECT 1 FORM x y", ErrorCode::Syntax),
        (
            "SELECT throwIf(number = 0) FROM (SELECT number FROM system.numbers LIMIT 3)",
            ErrorCode::DataException,
        ),
        // After thousands of rows that have been sent.
        (
            "SELECT number, throwIf(number = 3000000) FROM (SELECT number FROM system.numbers LIMIT 4000000)",
            ErrorCode::DataException,
        ),
        (
            "SELECT toString(number), throwIf(number = 3000000) FROM (SELECT number FROM system.numbers LIMIT 4000000)",
            ErrorCode::DataException,
        ),
    ] {
        let error = query(&mut session, sql).expect_err(sql);
        assert_eq!(error.code, code, "{sql}: {error:?}");
    }
    assert_eq!(shown(&mut session, "SELECT 1").as_deref(), Ok("1"));
    let error = run(
        &mut session,
        with("SELECT {x:UInt8}", &[("x", Value::Integer(1))]),
    );
    assert_eq!(error.expect_err("none").code, ErrorCode::Unsupported);
}

#[test]
fn nothing_is_written_by_a_reading_statement_whatever_the_profile() {
    let server = ClickHouse::old().expect("a server");
    for user in [
        ClickHouseUser::Admin,
        ClickHouseUser::Closed,
        ClickHouseUser::Reader,
    ] {
        let target = target(server.host(), server.port(), user.name());
        let mut session = open_target(&target, CANARY).expect("a session");
        assert_eq!(
            shown(&mut session, "SELECT 1").as_deref(),
            Ok("1"),
            "{user:?}"
        );
        let error =
            query(&mut session, "CREATE TABLE t (a UInt8) ENGINE = Memory").expect_err("refused");
        assert_eq!(
            error.code,
            ErrorCode::ReadOnlyViolation,
            "{user:?}: {error:?}"
        );
        let mut limited =
            statement("SELECT number FROM (SELECT number FROM system.numbers LIMIT 100000)");
        limited.max_rows = Some(3);
        assert_eq!(
            rows(&run(&mut session, limited).expect("rows")),
            3,
            "{user:?}"
        );
    }
    assert_eq!(
        server.sql("EXISTS TABLE default.t").expect("an answer"),
        "0"
    );
}

#[test]
fn a_running_statement_is_cancelled_from_another_session() {
    let server = ClickHouse::old().expect("a server");
    let target = target_of(&server);
    let mut session = open(&server);
    let token = session.cancel_token();
    let cancelling = {
        let target = target.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(1500));
            let deadline = Instant::now() + Duration::from_secs(30);
            let password = Box::new(|| Some(CANARY.to_owned()));
            Session::cancel(Plain::new(&target), &target, password, &token, deadline)
        })
    };
    let began = Instant::now();
    let error = query(
        &mut session,
        "SELECT sleep(1), count() FROM (SELECT sleep(1) FROM system.numbers LIMIT 6553600000)",
    )
    .expect_err("cancelled");
    assert_eq!(error.code, ErrorCode::Cancelled, "{error:?}");
    assert!(began.elapsed() < Duration::from_mins(1));
    cancelling.join().expect("a thread").expect("no error");
    assert_eq!(shown(&mut session, "SELECT 1").as_deref(), Ok("1"));
}

#[test]
fn a_statement_ends_at_its_time_limit() {
    let server = ClickHouse::old().expect("a server");
    let mut session = open(&server);
    let mut slow =
        statement("SELECT count() FROM (SELECT sleep(1) FROM system.numbers LIMIT 6553600000)");
    slow.timeout_ms = 1000;
    let error = run(&mut session, slow).expect_err("too slow");
    assert_eq!(error.code, ErrorCode::Timeout, "{error:?}");
}

#[test]
fn what_the_server_is_and_has_is_told() {
    let server = ClickHouse::old().expect("a server");
    server
        .sql("CREATE TABLE orders (id UInt64, day Date DEFAULT today()) ENGINE = MergeTree ORDER BY (day, id)")
        .expect("a table");
    let mut session = open(&server);
    let info = session.server().expect("what it is");
    assert_eq!(info.version, "18.16.1");
    assert_eq!(info.default_schema.as_deref(), Some("default"));
    let codes: Vec<_> = info
        .dangerous_rights
        .iter()
        .map(|right| right.code.as_str())
        .collect();
    assert_eq!(codes, ["sources", "write"]);
    let filter = RelationFilter {
        schema: None,
        name: None,
        columns: true,
    };
    let mut pages = RelationPages::open(&mut session, &filter).expect("pages");
    let all = pages.next(&mut session, 100).expect("relations");
    let orders = all
        .iter()
        .find(|relation| relation.name == "orders")
        .expect("listed");
    assert_eq!(orders.primary_key, ["day", "id"]);
    assert_eq!(orders.columns.len(), 2);
    assert_eq!(orders.columns[0].db_type, "UInt64");
    assert_eq!(orders.row_estimate, None);
}
