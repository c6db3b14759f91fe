//! Every type of today's engine: what Arrow says of it, and the value, against what the engine itself says.

mod common;

use common::{open, open_target, query, rows, run, shown, statement, target_of};
use datachat_sdk::connector::types::ErrorCode;
use datachat_throwaway::ClickHouse;

/// What the engine asks to be sure of.
const ALLOWED: &str = " SETTINGS allow_suspicious_low_cardinality_types = 1";

/// An expression, the Arrow type and the value as Arrow shows it.
const VALUES: &[(&str, &str, &str)] = &[
    ("true", "Boolean", "true"),
    ("toInt8(-128)", "Int8", "-128"),
    (
        "toUInt64(18446744073709551615)",
        "UInt64",
        "18446744073709551615",
    ),
    (
        "toInt128('-170141183460469231731687303715884105728')",
        "Decimal256(39, 0)",
        "-170141183460469231731687303715884105728",
    ),
    (
        "toUInt128('340282366920938463463374607431768211455')",
        "Decimal256(39, 0)",
        "340282366920938463463374607431768211455",
    ),
    (
        "toInt256('-57896044618658097711785492504343953926634992332820282019728792003956564819968')",
        "Utf8",
        "-57896044618658097711785492504343953926634992332820282019728792003956564819968",
    ),
    (
        "toUInt256('115792089237316195423570985008687907853269984665640564039457584007913129639935')",
        "Utf8",
        "115792089237316195423570985008687907853269984665640564039457584007913129639935",
    ),
    ("toFloat32(1.5)", "Float32", "1.5"),
    ("nan", "Float64", "NaN"),
    ("-inf", "Float64", "-inf"),
    ("toBFloat16(1.5)", "Float32", "1.5"),
    ("toDecimal32('-1.10', 2)", "Decimal128(9, 2)", "-1.10"),
    (
        "toDecimal256('1.1', 75)",
        "Decimal256(76, 75)",
        "1.100000000000000000000000000000000000000000000000000000000000000000000000000",
    ),
    ("'héllo\\0'", "Utf8", "héllo\0"),
    ("''", "Utf8", ""),
    ("toFixedString('ab', 4)", "FixedSizeBinary(4)", "61620000"),
    ("toDate('2149-06-06')", "Date32", "2149-06-06"),
    ("toDate32('1900-01-01')", "Date32", "1900-01-01"),
    ("toDate32('2299-12-31')", "Date32", "2299-12-31"),
    (
        "toDateTime('2106-02-07 06:28:15', 'UTC')",
        "Timestamp(s, \"UTC\")",
        "2106-02-07T06:28:15Z",
    ),
    (
        "toDateTime64('2020-01-01 00:00:00.12345', 5, 'UTC')",
        "Timestamp(µs, \"UTC\")",
        "2020-01-01T00:00:00.123450Z",
    ),
    (
        "toDateTime64('2020-01-01 00:00:00.123456789', 9, 'UTC')",
        "Timestamp(ns, \"UTC\")",
        "2020-01-01T00:00:00.123456789Z",
    ),
    (
        "toDateTime64('1900-01-01 00:00:00', 0, 'UTC')",
        "Timestamp(s, \"UTC\")",
        "1900-01-01T00:00:00Z",
    ),
    ("toTime('01:02:03')", "Duration(s)", "PT3723S"),
    (
        "toTime64('-999:59:59.5', 3)",
        "Duration(ms)",
        "-PT3599999.5S",
    ),
    ("INTERVAL 5 DAY", "Int64", "5"),
    (
        "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')",
        "FixedSizeBinary(16)",
        "61f0c4045cb311e7907ba6006ad3dba0",
    ),
    ("toIPv4('255.0.0.1')", "Utf8", "255.0.0.1"),
    ("toIPv6('::ffff:1.2.3.4')", "Utf8", "::ffff:1.2.3.4"),
    (
        "CAST('it\\'s=', 'Enum8(\\'it\\\\\\'s=\\' = -1, \\'b\\' = 2)')",
        "Dictionary(Int32, Utf8)",
        "it's=",
    ),
    (
        "CAST('b', 'Enum16(\\'a\\' = -1000, \\'b\\' = 2)')",
        "Dictionary(Int32, Utf8)",
        "b",
    ),
    ("toLowCardinality('x')", "Dictionary(Int32, Utf8)", "x"),
    (
        "CAST(NULL, 'LowCardinality(Nullable(String))')",
        "Dictionary(Int32, Utf8)",
        "",
    ),
    (
        "CAST(5, 'LowCardinality(UInt32)')",
        "Dictionary(Int32, UInt32)",
        "5",
    ),
    (
        "CAST('2020-01-01', 'LowCardinality(Date)')",
        "Dictionary(Int32, Date32)",
        "2020-01-01",
    ),
    ("CAST(NULL, 'Nullable(Int32)')", "Int32", ""),
    ("NULL", "Null", ""),
    ("[1, NULL]", "List(UInt8)", "[1, ]"),
    ("[[toLowCardinality('a')], []]", "", "[[a], []]"),
    (
        "[toDateTime('2020-01-01 00:00:00', 'UTC')]",
        "",
        "[2020-01-01T00:00:00Z]",
    ),
    ("map('a', 1, 'a', 2)", "", "{a: 1, a: 2}"),
    ("map(1, 'x')", "", "{1: x}"),
    ("(1, 'a')", "", "{1: 1, 2: a}"),
    (
        "CAST((1, toIPv4('1.2.3.4')), 'Tuple(x UInt8, y IPv4)')",
        "",
        "{x: 1, y: 1.2.3.4}",
    ),
    ("tuple()", "", "{}"),
    (
        "CAST('{\"a\":{\"b\":1}}', 'JSON')",
        "Utf8",
        r#"{"a":{"b":1}}"#,
    ),
    ("CAST(1::UInt64, 'Variant(UInt64, String)')", "Utf8", "1"),
    ("CAST(NULL, 'Variant(UInt64, String)')", "Utf8", ""),
    ("CAST('x', 'Dynamic')", "Utf8", "\"x\""),
    ("CAST((1, 2), 'Point')", "", "[1.0, 2.0]"),
    (
        "CAST([(1, 2), (3, 4)], 'Ring')",
        "",
        "[[1.0, 2.0], [3.0, 4.0]]",
    ),
    ("CAST((1., 2.)::Point, 'Geometry')", "Utf8", "[1.0,2.0]"),
    (
        "CAST(1, 'SimpleAggregateFunction(sum, UInt64)')",
        "UInt64",
        "1",
    ),
    ("CAST([1, 2, 3], 'QBit(Float32, 3)')", "", "[1.0, 2.0, 3.0]"),
];

#[test]
fn every_type_comes_back_exactly() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    let mut wrong = Vec::new();
    for (expression, ty, value) in VALUES {
        let sql = format!("SELECT {expression} AS c{ALLOWED}");
        match query(&mut session, &sql) {
            Ok(batches) => {
                let batch = &batches[0];
                let field = batch.schema().field(0).clone();
                let found = field.data_type().to_string();
                if !ty.is_empty() && !found.starts_with(ty) {
                    wrong.push(format!("{expression}: {found}, not {ty}"));
                }
                let shown = arrow_cast::display::array_value_to_string(batch.column(0), 0)
                    .expect("a value");
                if shown != *value {
                    wrong.push(format!("{expression}: {shown:?}, not {value:?}"));
                }
                let named = server
                    .sql(&format!(
                        "SELECT toTypeName({expression}) SETTINGS allow_suspicious_low_cardinality_types = 1"
                    ))
                    .expect("a name");
                let squeezed: String = named.split_whitespace().collect::<Vec<_>>().join(" ");
                let squeezed = squeezed.replace("( ", "(");
                if field.metadata()["datachat.db_type"] != squeezed {
                    wrong.push(format!(
                        "{expression}: {}, not {squeezed}",
                        field.metadata()["datachat.db_type"]
                    ));
                }
            }
            Err(error) => wrong.push(format!("{expression}: {error:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rows_in_binary_say_the_same_as_the_arrow_stream() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    // A variant makes the whole result come as rows.
    for (expression, _, value) in VALUES {
        if expression.contains("Dynamic") {
            continue;
        }
        let sql =
            format!("SELECT {expression} AS c, CAST(1::UInt8, 'Variant(UInt8)') AS v{ALLOWED}");
        match shown(&mut session, &sql) {
            Ok(shown) => assert_eq!(shown, *value, "{expression}"),
            Err(error) => panic!("{expression}: {error:?}"),
        }
    }
}

#[test]
fn large_results_of_every_way_have_all_their_rows() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    for columns in [
        // Passed through.
        "number, number / 2",
        // Checked.
        "number, toString(number) AS s, toLowCardinality(toString(number % 7)) AS l",
        // Converted.
        "toDateTime(number, 'UTC') AS t, toString(number) AS s",
        // Rows.
        "number, CAST(number, 'Variant(UInt64)') AS v",
    ] {
        let sql = format!("SELECT {columns} FROM numbers(300000)");
        let batches = query(&mut session, &sql).expect(columns);
        assert_eq!(rows(&batches), 300_000, "{columns}");
        let empty = query(&mut session, &format!("{sql} WHERE 0")).expect(columns);
        assert_eq!(rows(&empty), 0, "{columns}");
    }
}

#[test]
fn a_string_that_is_no_text_is_refused_by_its_column_or_comes_as_bytes() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    for sql in [
        "SELECT 'fine' AS a, unhex('00ff') AS b",
        "SELECT 'fine' AS a, unhex('00ff') AS b, toDateTime(0, 'UTC') AS t",
        "SELECT 'fine' AS a, if(number = 250000, unhex('ff'), 'x') AS b FROM numbers(300000)",
    ] {
        let error = query(&mut session, sql).expect_err("no text");
        assert_eq!(error.code, ErrorCode::DataException, "{error:?}");
        assert!(error.message.contains("\"b\""), "{}", error.message);
        assert!(error.hint.expect("a hint").contains("strings=binary"));
    }
    let mut target = target_of(&server);
    target.options = vec![("strings".to_owned(), "binary".to_owned())];
    let mut session = open_target(&target, server.password()).expect("a session");
    assert_eq!(
        shown(&mut session, "SELECT unhex('00ff') AS b").as_deref(),
        Ok("00ff")
    );
}

#[test]
fn a_fixed_string_is_text_if_the_connection_says_so() {
    let server = ClickHouse::engine().expect("an engine");
    let mut target = target_of(&server);
    target.options = vec![("fixed_strings".to_owned(), "utf8".to_owned())];
    let mut session = open_target(&target, server.password()).expect("a session");
    assert_eq!(
        shown(&mut session, "SELECT toFixedString('ab', 4)").as_deref(),
        Ok("ab")
    );
}

#[test]
fn the_state_of_an_aggregate_function_is_refused_with_a_hint() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    let error = query(&mut session, "SELECT sumState(1) AS s").expect_err("refused");
    assert_eq!(error.code, ErrorCode::Unsupported);
    assert!(error.hint.expect("a hint").contains("Merge"));
}

#[test]
fn a_table_that_changes_between_two_runs_of_a_statement_shows_its_new_columns() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    let name = format!("changing_{}", std::process::id());
    server
        .sql(&format!(
            "CREATE TABLE {name} (a UInt8) ENGINE = MergeTree ORDER BY a"
        ))
        .expect("a table");
    server
        .sql(&format!("INSERT INTO {name} VALUES (1)"))
        .expect("a row");
    let sql = format!("SELECT * FROM {name}");
    assert_eq!(query(&mut session, &sql).expect("rows")[0].num_columns(), 1);
    server
        .sql(&format!(
            "ALTER TABLE {name} ADD COLUMN b DateTime('UTC') DEFAULT toDateTime(5, 'UTC')"
        ))
        .expect("a column");
    let batches = query(&mut session, &sql).expect("rows");
    assert_eq!(batches[0].num_columns(), 2);
    server.sql(&format!("DROP TABLE {name}")).expect("gone");
}

#[test]
fn no_more_rows_come_than_were_asked_for() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    for sql in [
        "SELECT number FROM numbers(1000000)",
        "SELECT number, toDateTime(number, 'UTC') AS t FROM numbers(1000000)",
        "SELECT CAST(number, 'Variant(UInt64)') AS v FROM numbers(1000000)",
        "SHOW FUNCTIONS",
    ] {
        let mut limited = statement(sql);
        limited.max_rows = Some(11);
        assert_eq!(rows(&run(&mut session, limited).expect(sql)), 11, "{sql}");
    }
}
