//! Every type against a real server: what arrives as Arrow is compared with the text that the `mariadb` client
//! shows of the same value, and with what the native driver reads.
//!
//! `MYSQL_TEST_URL` runs the comparison with the native driver against a server of the user's own, in a
//! database that is made for it.

#[path = "../common/mod.rs"]
mod common;
mod matrix;
mod native;
mod random;
mod render;

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use common::{Plain, open, open_target, query, target};
use datachat_mysql::session::Session;
use datachat_mysql::types::DB_TYPE;
use datachat_sdk::connector::types::ErrorCode;
use datachat_throwaway::{CANARY, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser};

use crate::matrix::{CASES, Case};

/// A server, and a session on it.
///
/// # Panics
/// There is none.
pub fn start() -> (MariaDb, Session<Plain>) {
    let server = MariaDb::start(
        MariaDbOptions::default()
            .database("types")
            .user(MariaDbUser::new("app", CANARY, MariaDbAuth::Native).grant("ALL ON types.*"))
            .setting("max-allowed-packet=64M"),
    )
    .expect("a server");
    let session = open(&server, "app", CANARY, "types").expect("open");
    (server, session)
}

/// A table with a row for each literal, and a null.
fn table(case: &Case, name: &str) -> String {
    let rows: Vec<String> = case
        .literals
        .iter()
        .map(|literal| format!("({literal})"))
        .chain(["(NULL)".to_owned()])
        .collect();
    format!(
        "SET sql_mode = '{}', time_zone = '+00:00'; DROP TABLE IF EXISTS {name}; \
         CREATE TABLE {name} (id int AUTO_INCREMENT PRIMARY KEY, v {} NULL); INSERT INTO {name} (v) VALUES {};",
        case.sql_mode,
        case.sql_type,
        rows.join(", ")
    )
}

/// The texts of a column, worked out from its Arrow values.
pub fn rendered(batches: &[RecordBatch]) -> Vec<Option<String>> {
    let mut texts = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            texts.push(render::render(schema.field(0), batch.column(0), row));
        }
    }
    texts
}

fn same(got: &[Option<String>], expected: &[Option<String>], data_type: &DataType) -> bool {
    if !data_type.is_floating() {
        return got == expected;
    }
    // Texts of the same number differ.
    let number = |text: &Option<String>| {
        text.as_ref()
            .map(|text| text.parse::<f64>().expect("a number").to_bits())
    };
    got.iter().map(number).eq(expected.iter().map(number))
}

#[test]
fn every_value_of_every_type_is_what_the_server_s_client_and_the_native_driver_see() {
    let (server, mut session) = start();
    let native = native::Client::connect(&server.url("app", CANARY, "types"));
    let mut wrong = Vec::new();
    for (index, case) in CASES.iter().enumerate() {
        let name = format!("t{index}");
        server
            .sql("types", &table(case, &name))
            .expect(case.sql_type);
        let sql = format!("SELECT v FROM {name} ORDER BY id");
        let batches = match query(&mut session, &sql) {
            Ok(batches) => batches,
            Err(error) => {
                wrong.push(format!("{}: {error:?}", case.sql_type));
                continue;
            }
        };
        let field = batches[0].schema().field(0).clone();
        if !field.data_type().equals_datatype(&(case.arrow)()) {
            wrong.push(format!("{}: is {}", case.sql_type, field.data_type()));
        }
        if field.metadata()[DB_TYPE] != case.db_type {
            wrong.push(format!(
                "{}: named {}",
                case.sql_type,
                field.metadata()[DB_TYPE]
            ));
        }
        let shown = case.shown.replace("{v}", "v");
        let text = server
            .sql(
                "types",
                &format!(
                    "SET time_zone = '+00:00'; \
                     SELECT COALESCE(HEX(CONVERT({shown} USING utf8mb4)), 'NULL') FROM {name} ORDER BY id"
                ),
            )
            .expect(case.sql_type);
        let expected: Vec<Option<String>> = text
            .split('\n')
            .map(|line| (line != "NULL").then(|| unhex(line)))
            .collect();
        let got = rendered(&batches);
        if !same(&got, &expected, field.data_type()) {
            wrong.push(format!("{}: {got:?} is not {expected:?}", case.sql_type));
        }
        let read = native.texts(&sql, &field);
        if !same(&got, &read, field.data_type()) {
            wrong.push(format!(
                "{}: {got:?} is not {read:?}, read natively",
                case.sql_type
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn unhex(digits: &str) -> String {
    let bytes = (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("digits"))
        .collect();
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_date_that_is_no_day_is_an_error_that_names_the_column_or_null_where_that_is_asked_for() {
    let (server, mut session) = start();
    let table = "SET sql_mode = 'ALLOW_INVALID_DATES'; \
         CREATE TABLE zero (id int AUTO_INCREMENT PRIMARY KEY, d date, dt datetime(3), ts timestamp NULL); \
         INSERT INTO zero (d, dt, ts) VALUES ('0000-00-00', '0000-00-00', '0000-00-00'), \
         ('2024-00-15', '2024-02-00 01:02:03', NULL), ('2024-02-31', '2023-02-29 00:00:00', NULL), \
         ('2024-02-29', '2024-02-29 01:02:03.5', '2024-02-29 01:02:03')";
    server.sql("types", table).expect("a table");
    for (column, name) in [("d", "date"), ("dt", "datetime(3)"), ("ts", "timestamp(0)")] {
        let sql = format!("SELECT {column} FROM zero ORDER BY id");
        let error = query(&mut session, &sql).expect_err(column);
        assert_eq!(error.code, ErrorCode::DataException);
        assert!(
            error
                .message
                .starts_with(&format!("column 1 \"{column}\" of type {name}: ")),
            "{}",
            error.message
        );
        assert!(
            error
                .hint
                .is_some_and(|hint| hint.contains("zero_dates=null"))
        );
        // The server's own text is always there.
        let sql = format!("SELECT CAST({column} AS CHAR) FROM zero ORDER BY id");
        assert!(
            rendered(&query(&mut session, &sql).expect("texts"))[0]
                .as_ref()
                .is_some_and(|text| text.starts_with("0000-00-00"))
        );
    }
    let mut target = target(server.port(), "app", Some("types"));
    target.options = vec![("zero_dates".to_owned(), "null".to_owned())];
    let mut session = open_target(&target, Some(CANARY)).expect("open");
    let dates = rendered(&query(&mut session, "SELECT d FROM zero ORDER BY id").expect("rows"));
    assert_eq!(dates, [None, None, None, Some("2024-02-29".to_owned())]);
}

#[test]
fn results_without_a_table_have_types_too() {
    let (_server, mut session) = start();
    for (sql, db_type, text) in [
        ("SELECT NULL", "null", None),
        ("SELECT 1.50", "decimal(3,2)", Some("1.50")),
        ("SELECT 1 = 1", "int", Some("1")),
        (
            "SELECT SUM(seq) FROM seq_1_to_3",
            "decimal(42,0)",
            Some("6"),
        ),
        (
            "SELECT AVG(seq) FROM seq_1_to_2",
            "decimal(24,4)",
            Some("1.5000"),
        ),
        ("SELECT 1e0 / 3", "double", Some("0.3333333333333333")),
        (
            "SELECT CAST('-838:59:59.5' AS TIME(1))",
            "time(1)",
            Some("-838:59:59.5"),
        ),
        (
            "SELECT JSON_OBJECT('a', 1.10)",
            "json",
            Some("{\"a\": 1.10}"),
        ),
        (
            "SELECT CAST('x' AS BINARY(3))",
            "varbinary(3)",
            Some("780000"),
        ),
        (
            "SELECT 18446744073709551615",
            "bigint unsigned",
            Some("18446744073709551615"),
        ),
        (
            "SELECT CONCAT('a', _latin1 X'E9')",
            "varchar(2)",
            Some("aé"),
        ),
    ] {
        let batches = query(&mut session, sql).expect(sql);
        let name = &batches[0].schema().field(0).metadata()[DB_TYPE].clone();
        assert_eq!(
            (name.as_str(), rendered(&batches)[0].as_deref()),
            (db_type, text),
            "{sql}"
        );
    }
}

#[test]
fn a_server_that_the_user_names_sends_the_same_to_the_native_driver() {
    if std::env::var_os("MYSQL_TEST_URL").is_none() {
        return;
    }
    let options = MariaDbOptions::default().database("types");
    let server = MariaDb::named_or_start(options).expect("the server");
    let url = server.url("", "", "types");
    let (target, password) = common::from_url(&url);
    let mut session = open_target(&target, password.as_deref()).expect("open");
    let native = native::Client::connect(&url);
    let mut compared = 0;
    for case in CASES {
        // Types that the server does not have are left out.
        if !native.try_execute(&table(case, "datachat_types")) {
            continue;
        }
        let sql = "SELECT v FROM datachat_types ORDER BY id";
        let batches = query(&mut session, sql).expect(case.sql_type);
        let field = batches[0].schema().field(0).clone();
        let read = native.texts(sql, &field);
        assert!(
            same(&rendered(&batches), &read, field.data_type()),
            "{}",
            case.sql_type
        );
        compared += 1;
        session.reset().expect("reset");
    }
    assert!(compared > 30, "{compared}");
}
