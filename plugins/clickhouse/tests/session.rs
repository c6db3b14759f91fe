//! Sessions on today's engine: errors, parameters, limits, what a server says of itself and of its tables.

mod common;

use std::rc::Rc;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use common::{
    Plain, open, open_in, open_target, query, rows, run, shown, statement, target_of, with,
};
use datachat_clickhouse::relations::RelationPages;
use datachat_clickhouse::session::Session;
use datachat_sdk::connector::types::{ErrorCode, RelationFilter, RelationKind, Value};
use datachat_throwaway::{CANARY, ClickHouse};

#[test]
fn a_wrong_password_and_a_missing_database_are_told_apart_and_nothing_is_shown() {
    let server = ClickHouse::engine().expect("an engine");
    let target = target_of(&server);
    let error = open_target(&target, &format!("{CANARY}x"))
        .err()
        .expect("refused");
    assert_eq!(error.code, ErrorCode::AuthenticationFailed, "{error:?}");
    assert!(!format!("{error:?}").contains(CANARY));
    let mut target = target;
    target.database = Some("no_such_database".to_owned());
    let error = open_target(&target, server.password())
        .err()
        .expect("refused");
    assert_eq!(error.code, ErrorCode::DatabaseMissing, "{error:?}");
}

#[test]
fn errors_have_their_class_number_and_place() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    for (sql, code, number) in [
        ("SELECT 1 FORM x y", ErrorCode::Syntax, "62"),
        (
            "SELECT * FROM no_such_table",
            ErrorCode::UndefinedObject,
            "60",
        ),
        ("SELECT no_such_column", ErrorCode::UndefinedObject, "47"),
        (
            "SELECT no_such_function(1)",
            ErrorCode::UndefinedObject,
            "46",
        ),
        ("SELECT * FROM nowhere.t", ErrorCode::UndefinedObject, "81"),
        (
            "SELECT intDiv(1, number) FROM numbers(1)",
            ErrorCode::DataException,
            "153",
        ),
        ("SELECT toUInt8('x')", ErrorCode::DataException, "6"),
        ("SELECT throwIf(1)", ErrorCode::DataException, "395"),
        (
            "CREATE TABLE t (a UInt8) ENGINE = Memory",
            ErrorCode::ReadOnlyViolation,
            "164",
        ),
    ] {
        let error = query(&mut session, sql).expect_err(sql);
        assert_eq!(
            (error.code, error.vendor_code.as_deref()),
            (code, Some(number)),
            "{sql}: {error:?}"
        );
        assert!(!error.message.contains("version"), "{}", error.message);
    }
    let error = query(&mut session, "SELECT 'é', 1 1").expect_err("syntax");
    assert_eq!(error.position, Some(15), "{error:?}");
    // The session is as good as new.
    assert_eq!(shown(&mut session, "SELECT 1").as_deref(), Ok("1"));
}

#[test]
fn parameters_are_bound_as_values() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    let mut one = |sql: &str, values: &[(&str, Value)]| {
        let batches = run(&mut session, with(sql, values)).expect(sql);
        arrow_cast::display::array_value_to_string(batches[0].column(0), 0).expect("a value")
    };
    let text = "it's \\ a\ttab\nand {x:String}; DROP TABLE t --";
    assert_eq!(
        one("SELECT {x:String}", &[("x", Value::Text(text.into()))]),
        text
    );
    assert_eq!(
        one("SELECT {x:Int64} + 1", &[("x", Value::Integer(-5))]),
        "-4"
    );
    assert_eq!(
        one("SELECT {x:UInt64}", &[("x", Value::Unsigned(u64::MAX))]),
        u64::MAX.to_string()
    );
    assert_eq!(
        one("SELECT {x:Nullable(String)} IS NULL", &[("x", Value::Null)]),
        "1"
    );
    assert_eq!(
        one("SELECT {x:Bool}", &[("x", Value::Boolean(true))]),
        "true"
    );
    assert_eq!(
        one("SELECT {x:Float64}", &[("x", Value::Float(0.1))]),
        "0.1"
    );
    assert_eq!(
        one("SELECT {x:Date}", &[("x", Value::Date(19_782))]),
        "2024-02-29"
    );
    assert_eq!(
        one(
            "SELECT {x:DateTime64(6, 'UTC')}",
            &[("x", Value::TimestampMicros(1_500_000))]
        ),
        "1970-01-01T00:00:01.500Z"
    );
    assert_eq!(
        one(
            "SELECT hex({x:String})",
            &[("x", Value::Bytes(vec![0, b'\\', 0xc3, 0xa9]))]
        ),
        "005CC3A9"
    );
    assert_eq!(
        one(
            "SELECT {a:UInt8} + {b:UInt8}",
            &[("b", Value::Integer(2)), ("a", Value::Integer(1))]
        ),
        "3"
    );
    let missing = query(&mut session, "SELECT {x:UInt8}").expect_err("missing");
    assert_eq!(missing.code, ErrorCode::DataException, "{missing:?}");
}

#[test]
fn a_format_in_the_statement_is_refused() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    let error = query(&mut session, "SELECT 1 FORMAT TSV").expect_err("refused");
    assert_eq!(error.code, ErrorCode::Unsupported, "{error:?}");
}

#[test]
fn statements_that_are_no_select_have_their_columns() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    assert!(rows(&query(&mut session, "SHOW DATABASES").expect("rows")) >= 2);
    assert_eq!(
        shown(&mut session, "EXISTS TABLE system.one").as_deref(),
        Ok("1")
    );
    assert_eq!(
        query(&mut session, "DESCRIBE TABLE system.one").expect("rows")[0].num_columns(),
        7
    );
    assert!(rows(&query(&mut session, "EXPLAIN SELECT 1").expect("rows")) > 0);
    // What brackets around a statement would break still works.
    assert_eq!(
        shown(&mut session, "SELECT 5 ; -- five").as_deref(),
        Ok("5")
    );
    assert_eq!(
        shown(&mut session, "/* a */ WITH 5 AS x SELECT x -- five").as_deref(),
        Ok("5")
    );
}

#[test]
fn a_statement_ends_at_its_time_limit() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    let mut slow =
        statement("SELECT sum(sleep(0.1)) FROM (SELECT number FROM system.numbers LIMIT 6553600)");
    slow.timeout_ms = 500;
    let error = run(&mut session, slow).expect_err("too slow");
    assert_eq!(error.code, ErrorCode::Timeout, "{error:?}");
}

#[test]
fn a_compressed_answer_has_the_same_values_and_errors() {
    let server = ClickHouse::engine().expect("an engine");
    let mut plain = open(&server);
    let mut target = target_of(&server);
    target.options = vec![("compression".to_owned(), "lz4".to_owned())];
    let http = Plain::new(&target);
    let codings = Rc::clone(&http.codings);
    let password = server.password().to_owned();
    let deadline = Instant::now() + Duration::from_mins(1);
    let password = Box::new(move || Some(password.clone()));
    let mut packed = Session::open(http, &target, password, deadline).expect("a session");
    for columns in [
        // Passed through, checked, converted, rows.
        "number, number / 2",
        "number, toString(number) AS s, toLowCardinality(toString(number % 7)) AS l",
        "toDateTime(number, 'UTC') AS t, toIPv4(toUInt32(number)) AS ip",
        "number, CAST(number, 'Variant(UInt64)') AS v",
    ] {
        for condition in ["1", "0"] {
            let sql = format!("SELECT {columns} FROM numbers(200000) WHERE {condition}");
            let whole = |session: &mut Session<Plain>| {
                let batches = query(session, &sql).expect(&sql);
                let schema = batches.first().map(RecordBatch::schema);
                schema.map(|schema| concat_batches(&schema, &batches).expect("one batch"))
            };
            codings.borrow_mut().clear();
            assert_eq!(whole(&mut packed), whole(&mut plain), "{sql}");
            let codings = codings.borrow();
            assert_eq!(codings.last(), Some(&Some("lz4".to_owned())), "{codings:?}");
        }
    }
    // At once, and in the middle of a result.
    for sql in [
        "SELECT no_such_column",
        "SELECT number, throwIf(number = 150000) FROM system.numbers LIMIT 200000",
        "SELECT toString(number), throwIf(number = 150000) FROM system.numbers LIMIT 200000",
        "SELECT toDateTime(number), throwIf(number = 150000) FROM system.numbers LIMIT 200000",
    ] {
        let expected = query(&mut plain, sql).expect_err(sql);
        let told = query(&mut packed, sql).expect_err(sql);
        assert_eq!(told.code, expected.code, "{sql}: {told:?}");
        assert_eq!(told.vendor_code, expected.vendor_code, "{sql}: {told:?}");
        assert_eq!(told.message, expected.message, "{sql}");
    }
}

#[test]
fn the_server_says_what_it_is_and_what_the_user_may() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    let info = session.server().expect("what it is");
    assert_eq!(info.product, "ClickHouse");
    assert_eq!(
        info.version,
        server.sql("SELECT version()").expect("a version")
    );
    let codes: Vec<_> = info
        .dangerous_rights
        .iter()
        .map(|right| right.code.as_str())
        .collect();
    assert!(codes.contains(&"sources"), "{codes:?}");
}

#[test]
fn relations_have_their_columns_keys_and_comments() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open_in(&server, "relations");
    let database = server.name_of("relations");
    for sql in [
        "CREATE TABLE orders (id UInt64, day Date COMMENT 'when', \
         total Nullable(Decimal(10, 2)) DEFAULT 0, `odd name` String) \
         ENGINE = MergeTree ORDER BY (day, id) COMMENT 'what was sold'",
        "INSERT INTO orders SELECT number, today(), 1, '' FROM numbers(7)",
        "CREATE VIEW recent AS SELECT id FROM orders",
    ] {
        server.sql_in("relations", sql).expect("set up");
    }
    let mut list = |schema: Option<&str>, name: Option<&str>, columns: bool| {
        let filter = RelationFilter {
            schema: schema.map(str::to_owned),
            name: name.map(str::to_owned),
            columns,
        };
        let mut pages = RelationPages::open(&mut session, &filter).expect("pages");
        let mut all = Vec::new();
        loop {
            // One at a time: a page has no more than was asked for.
            let page = pages.next(&mut session, 1).expect("a page");
            assert!(page.len() <= 1);
            if page.is_empty() {
                break;
            }
            all.extend(page);
        }
        all
    };
    let all = list(Some(&database), None, true);
    let names: Vec<_> = all.iter().map(|relation| relation.name.as_str()).collect();
    assert_eq!(names, ["orders", "recent"]);
    let orders = &all[0];
    assert_eq!(orders.kind, RelationKind::Table);
    assert_eq!(orders.comment.as_deref(), Some("what was sold"));
    assert_eq!(orders.row_estimate, Some(7));
    assert_eq!(orders.primary_key, ["day", "id"]);
    let columns: Vec<_> = orders
        .columns
        .iter()
        .map(|column| {
            (
                column.name.as_str(),
                column.db_type.as_str(),
                column.nullable,
            )
        })
        .collect();
    assert_eq!(
        columns,
        [
            ("id", "UInt64", false),
            ("day", "Date", false),
            ("total", "Nullable(Decimal(10, 2))", true),
            ("odd name", "String", false),
        ]
    );
    assert_eq!(orders.columns[1].comment.as_deref(), Some("when"));
    assert!(orders.columns[2].default_expression.is_some());
    assert_eq!(all[1].kind, RelationKind::View);
    assert_eq!(all[1].row_estimate, None);

    let one = list(Some(&database), Some("ORDERS"), false);
    assert_eq!(one.len(), 1);
    assert!(one[0].columns.is_empty());
    let everywhere = list(None, None, false);
    assert!(
        everywhere
            .iter()
            .any(|relation| relation.schema == database)
    );
    assert!(
        everywhere
            .iter()
            .all(|relation| relation.schema != "system")
    );
}
