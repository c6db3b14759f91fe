//! Every type against a real server: what arrives as Arrow is compared with PostgreSQL's own text of the
//! same value, and with what the native driver reads.

// A test that cannot go on fails where it stands.
#![allow(clippy::unwrap_used)]

mod by_hand;
mod matrix;
mod native;
mod random;
mod render;
mod wire;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field};
use datachat_postgres::types::{DB_TYPE, DecodeError, Fault};
use datachat_throwaway::{Auth, Options, Postgres, Role, literal};

use crate::matrix::Case;
use crate::wire::Client;

const ROLE: &str = "tester";

/// A server with the types of the matrix, and a client of it.
fn start() -> (Postgres, Client) {
    let role = Role::new(ROLE, "", Auth::Trust).with("SUPERUSER");
    let server = Postgres::start(Options::new("unused").role(role)).unwrap();
    let mut client = Client::connect(server.port(), ROLE);
    client.execute(matrix::SETUP);
    (server, client)
}

/// A query with one row for each literal, and a null.
fn query(case: &Case) -> String {
    let values: Vec<String> = case
        .literals
        .iter()
        .map(|text| format!("({}::{})", literal(text), case.sql_type))
        .chain([format!("(NULL::{})", case.sql_type)])
        .collect();
    format!("SELECT v FROM (VALUES {}) AS x(v)", values.join(", "))
}

/// The texts of a column, worked out from its Arrow values.
fn rendered(batch: &RecordBatch, column: usize) -> Vec<Option<String>> {
    let schema = batch.schema();
    (0..batch.num_rows())
        .map(|row| render::render(schema.field(column), batch.column(column), row))
        .collect()
}

/// Two digits for each byte.
fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn column(rows: &[Vec<Option<String>>], column: usize) -> Vec<Option<String>> {
    rows.iter().map(|row| row[column].clone()).collect()
}

/// Compares without the metadata of nested fields.
fn same_type(left: &DataType, right: &DataType) -> bool {
    left.equals_datatype(right)
}

fn check(client: &mut Client, cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        let sql = query(case);
        let batch = match client.batch(&sql) {
            Ok(batch) => batch,
            Err(error) => {
                wrong.push(format!("{}: {error}", case.sql_type));
                continue;
            }
        };
        let expected = column(&client.texts(&sql), 0);
        let field = batch.schema().field(0).clone();
        if !same_type(field.data_type(), &case.arrow) {
            wrong.push(format!("{}: is {}", case.sql_type, field.data_type()));
        }
        let shown = vectors(strip_bounds(expected), &field);
        let got = rendered(&batch, 0);
        if got != shown {
            wrong.push(format!("{}: {got:?} is not {shown:?}", case.sql_type));
        }
        let spelling = client.describe(&sql).remove(0);
        let sql = format!(
            "SELECT format_type({}, {})",
            spelling.type_oid, spelling.type_modifier
        );
        let spelling = client.texts(&sql)[0][0].clone();
        let got = field.metadata().get(DB_TYPE);
        if got != spelling.as_ref() {
            wrong.push(format!(
                "{}: named {got:?}, not {spelling:?}",
                case.sql_type
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lower bounds of arrays are not kept.
fn strip_bounds(texts: Vec<Option<String>>) -> Vec<Option<String>> {
    texts
        .into_iter()
        .map(|text| {
            text.map(|text| match text.split_once("]={") {
                Some((_, elements)) if text.starts_with('[') => format!("{{{elements}"),
                _ => text,
            })
        })
        .collect()
}

#[test]
fn every_type_arrives_as_the_server_writes_it() {
    let (_server, mut client) = start();
    check(&mut client, &matrix::scalars());
    check(&mut client, &matrix::nested());
}

#[test]
fn every_system_catalog_arrives_as_the_server_writes_it() {
    let (_server, mut client) = start();
    client.execute("ANALYZE; GRANT SELECT ON shop TO public");
    let names = client.texts(
        "SELECT c.oid::regclass::text FROM pg_class c
          WHERE relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
            AND relkind IN ('r', 'v')
            AND relname !~ '^pg_stat(_|io_)|^pg_(locks|cursors|shmem|backend|prepared_statements)'
          ORDER BY 1",
    );
    assert!(names.len() > 130);
    client.execute("BEGIN ISOLATION LEVEL REPEATABLE READ");
    for name in column(&names, 0).into_iter().flatten() {
        let sql = format!("SELECT * FROM {name} LIMIT 200");
        let batch = client.batch(&sql).unwrap();
        let texts = client.texts(&sql);
        assert_eq!(batch.num_rows(), texts.len());
        for (index, field) in batch.schema().fields().iter().enumerate() {
            let expected = vectors(strip_bounds(column(&texts, index)), field);
            assert_eq!(rendered(&batch, index), expected, "{name}.{}", field.name());
        }
    }
}

/// `1 2` of the two vector types as the `{1,2}` of other arrays.
fn vectors(texts: Vec<Option<String>>, field: &Field) -> Vec<Option<String>> {
    match field.metadata().get(DB_TYPE).map(String::as_str) {
        Some("int2vector" | "oidvector") => texts
            .into_iter()
            .map(|text| text.map(|text| format!("{{{}}}", text.replace(' ', ","))))
            .collect(),
        _ => texts,
    }
}

#[test]
fn the_fields_of_an_anonymous_record_arrive_as_texts() {
    let (_server, mut client) = start();
    let sql = "SELECT r FROM (VALUES (row(1, 'a b', NULL)), (row('', true, ROW(1, '{2}'::int[]))), (NULL)) AS x(r)";
    let batch = client.batch(sql).unwrap();
    assert_eq!(rendered(&batch, 0), column(&client.texts(sql), 0));
    let fields = batch.column(0).as_list::<i32>().value(1);
    assert_eq!(
        fields.as_string::<i32>().iter().collect::<Vec<_>>(),
        [Some(""), Some("t"), Some("(1,{2})")]
    );
    let batch = client
        .batch("SELECT array_agg(r) FROM (VALUES (row(1, 'a')), (NULL), (row(2, 'b'))) AS x(r)")
        .unwrap();
    let records = batch.column(0).as_struct().column(0).as_list::<i32>();
    let records = records.value(0);
    assert!(records.is_null(1));
    let last = records.as_list::<i32>().value(2);
    assert_eq!(last.as_string::<i32>().value(1), "b");
}

#[test]
fn what_arrow_cannot_hold_is_an_error_that_names_the_column_and_the_way_out() {
    let (_server, mut client) = start();
    for (expression, fault) in [
        (
            "timestamp '294276-12-31 23:59:59.999999'",
            Fault::TimestampRange,
        ),
        (
            "timestamptz '294247-01-10 04:00:54.775808Z'",
            Fault::TimestampRange,
        ),
        ("interval '2562047:47:16.854776'", Fault::IntervalRange),
        ("interval '-2562047:47:16.854776'", Fault::IntervalRange),
    ] {
        let sql = format!("SELECT 1 AS a, {expression} AS \"the value\"");
        let error = client.batch(&sql).unwrap_err();
        let DecodeError::Value {
            position,
            name,
            fault: got,
            ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!((*position, name.as_str(), *got), (2, "the value", fault));
        assert!(error.hint().is_some());
        assert!(!error.is_malformed());
    }
}

#[test]
fn the_shape_of_a_result_is_kept() {
    let (_server, mut client) = start();
    let batch = client.batch("SELECT FROM generate_series(1, 3)").unwrap();
    assert_eq!((batch.num_columns(), batch.num_rows()), (0, 3));

    let batch = client
        .batch("SELECT 1 AS a, 'x' AS a, NULL AS b WHERE false")
        .unwrap();
    assert_eq!((batch.num_columns(), batch.num_rows()), (3, 0));

    let batch = client
        .batch("SELECT 1 AS a, 'x' AS a, NULL AS b, pg_sleep(0)")
        .unwrap();
    let schema = batch.schema();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(names, ["a", "a", "b", "pg_sleep"]);
    assert_eq!(rendered(&batch, 1), [Some("x".to_owned())]);
    assert!(batch.column(2).is_null(0));
    assert_eq!(rendered(&batch, 3), [Some(String::new())]);

    let many: Vec<String> = (0..1600)
        .map(|index| format!("{index} AS c{index}"))
        .collect();
    let batch = client
        .batch(&format!("SELECT {}", many.join(", ")))
        .unwrap();
    assert_eq!(batch.num_columns(), 1600);
    assert_eq!(rendered(&batch, 1599), [Some("1599".to_owned())]);
}

#[test]
fn a_type_that_was_made_after_the_client_connected_arrives() {
    let (_server, mut client) = start();
    client.execute("CREATE TYPE late AS ENUM ('a')");
    let batch = client.batch("SELECT 'a'::late").unwrap();
    assert_eq!(rendered(&batch, 0), [Some("a".to_owned())]);
    client.execute("ALTER TYPE late ADD VALUE 'b'");
    let batch = client.batch("SELECT '{b,a}'::late[]").unwrap();
    assert_eq!(rendered(&batch, 0), [Some("{b,a}".to_owned())]);
}

#[test]
fn the_native_driver_reads_the_same_values() {
    let (server, mut client) = start();
    native::compare(&mut client, server.port());
}

#[test]
fn random_values_arrive_as_the_server_writes_them() {
    let (_server, mut client) = start();
    random::compare(&mut client);
    random::compare_floats(&mut client);
}
