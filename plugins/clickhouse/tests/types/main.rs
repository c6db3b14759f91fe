//! Every type of today's engine: what Arrow says of it, and the value, against what the engine itself says and
//! what another client reads.

#[path = "../common/mod.rs"]
mod common;
mod native;
mod values;

use common::{open, open_in, open_target, query, rows, run, shown, statement, target_of};
use datachat_sdk::connector::types::ErrorCode;
use datachat_throwaway::ClickHouse;

use crate::native::Client;
use crate::values::{UNREAD, VALUES};

#[test]
fn every_type_comes_back_exactly() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    let mut wrong = Vec::new();
    for (expression, ty, value) in VALUES {
        let sql = format!("SELECT {expression} AS c");
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
                    .sql(&format!("SELECT toTypeName({expression})"))
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
fn numbers_and_dates_that_are_kept_as_dictionaries_come_as_such() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open_in(&server, "suspicious");
    let create =
        "CREATE TABLE kept (n LowCardinality(UInt32), d LowCardinality(Date)) ENGINE = Memory";
    let database = server.name_of("suspicious");
    let settings = format!("&database={database}&allow_suspicious_low_cardinality_types=1");
    server.fetch(create, "Null", &settings).expect("a table");
    let insert = "INSERT INTO kept VALUES (5, '2020-01-01')";
    server.sql_in("suspicious", insert).expect("a row");
    for (column, ty, value) in [
        ("n", "Dictionary(Int32, UInt32)", "5"),
        ("d", "Dictionary(Int32, Date32)", "2020-01-01"),
    ] {
        let sql = format!("SELECT {column} FROM kept");
        let batches = query(&mut session, &sql).expect("rows");
        assert_eq!(batches[0].column(0).data_type().to_string(), ty);
        assert_eq!(shown(&mut session, &sql).as_deref(), Ok(value));
    }
}

#[test]
fn another_client_reads_the_same_values() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    let client = Client::new(&server);
    let (mut wrong, mut unread) = (Vec::new(), Vec::new());
    for (expression, ..) in VALUES {
        let sql = format!("SELECT {expression} AS c");
        let ours = shown(&mut session, &sql).expect(expression);
        match client.first(&sql) {
            Ok(theirs) if theirs == ours => {}
            Ok(theirs) => wrong.push(format!("{expression}: {ours:?}, there {theirs:?}")),
            Err(_) => unread.push(*expression),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(unread, UNREAD);
}

#[test]
fn another_client_reads_the_same_rows() {
    let server = ClickHouse::engine().expect("an engine");
    let mut session = open(&server);
    let client = Client::new(&server);
    // Numbers without a pattern, as the bits of every type.
    let bits = "cityHash64(number, 'bits')";
    for column in [
        format!("reinterpretAsInt8({bits})"),
        format!("reinterpretAsInt64({bits})"),
        format!("reinterpretAsInt128(MD5(toString({bits})))"),
        format!("{bits} / 7"),
        format!("toDecimal64(reinterpretAsInt32({bits}), 4)"),
        format!("toDate({bits} % 65536)"),
        format!("toDate32(reinterpretAsInt32({bits}) % 20000)"),
        format!("toDateTime({bits} % 4294967296, 'UTC')"),
        format!("fromUnixTimestamp64Milli(reinterpretAsInt32({bits})::Int64 * 1009, 'UTC')"),
        format!("toIPv4(toUInt32({bits} % 4294967296))"),
        format!(
            "IPv6NumToString(toFixedString(substring(MD5(toString({bits})), 1, 16), 16))::IPv6"
        ),
        format!("CAST(if({bits} % 2, 'a', 'b'), 'Enum8(\\'a\\' = -5, \\'b\\' = 7)')"),
        format!("toLowCardinality(toString({bits} % 50))"),
        format!("if({bits} % 3, toString({bits}), NULL)"),
        format!("toFixedString(substring(hex({bits}), 1, 4), 6)"),
        format!("arrayMap(n -> {bits} % (n + 2), range({bits} % 5))"),
        format!("map(toString({bits} % 5), {bits})"),
        format!(
            "toUUID(lower(concat(substring(hex(MD5(toString({bits}))), 1, 8), '-0000-4000-8000-', substring(hex(MD5(toString({bits}))), 1, 12))))"
        ),
    ] {
        let sql = format!("SELECT {column} AS c FROM numbers(2000)");
        let batches = query(&mut session, &sql).expect(&column);
        let ours: Vec<String> = batches
            .iter()
            .flat_map(|batch| {
                let column = batch.column(0);
                (0..column.len()).map(move |row| {
                    arrow_cast::display::array_value_to_string(column, row).expect("a value")
                })
            })
            .collect();
        let theirs = client.column(&sql).expect(&column);
        assert_eq!(ours.len(), 2000, "{column}");
        for (row, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert_eq!(ours, theirs, "row {row} of {column}");
        }
    }
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
        let sql = format!("SELECT {expression} AS c, CAST(1::UInt8, 'Variant(UInt8)') AS v");
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
    let mut session = open_in(&server, "changing");
    let change = |sql: &str| server.sql_in("changing", sql).expect(sql);
    change("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a");
    change("INSERT INTO t VALUES (1)");
    let sql = "SELECT * FROM t";
    assert_eq!(query(&mut session, sql).expect("rows")[0].num_columns(), 1);
    change("ALTER TABLE t ADD COLUMN b DateTime('UTC') DEFAULT toDateTime(5, 'UTC')");
    let batches = query(&mut session, sql).expect("rows");
    assert_eq!(batches[0].num_columns(), 2);
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
