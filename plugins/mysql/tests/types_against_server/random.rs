//! Random values of every kind, written by the server and read by both drivers.

use std::fmt::Write as _;

use datachat_throwaway::CANARY;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::common::query;
use crate::{native, rendered, same, start};

/// A type, and literals of it.
fn kinds() -> Vec<(&'static str, BoxedStrategy<String>)> {
    let quoted = |text: String| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
    let bytes = prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| {
        bytes.iter().fold("X'".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }) + "'"
    });
    let date = (1_u16..=9999, 1_u8..=12, 1_u8..=28)
        .prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"));
    let clock = (0_u8..24, 0_u8..60, 0_u8..60, 0_u32..1_000_000).prop_map(
        |(hour, minute, second, micros)| format!("{hour:02}:{minute:02}:{second:02}.{micros:06}"),
    );
    let span = (
        any::<bool>(),
        0_u16..838,
        0_u8..60,
        0_u8..60,
        0_u32..1_000_000,
    )
        .prop_map(|(negative, hours, minute, second, micros)| {
            let sign = if negative { "-" } else { "" };
            format!("'{sign}{hours:02}:{minute:02}:{second:02}.{micros:06}'")
        });
    vec![
        ("bigint", any::<i64>().prop_map(|n| n.to_string()).boxed()),
        (
            "bigint unsigned",
            any::<u64>().prop_map(|n| n.to_string()).boxed(),
        ),
        ("int", any::<i32>().prop_map(|n| n.to_string()).boxed()),
        (
            "smallint unsigned",
            any::<u16>().prop_map(|n| n.to_string()).boxed(),
        ),
        (
            "double",
            prop::num::f64::NORMAL
                .prop_map(|n| format!("{n:e}"))
                .boxed(),
        ),
        (
            "float",
            prop::num::f32::NORMAL
                .prop_map(|n| format!("{n:e}"))
                .boxed(),
        ),
        ("decimal(20,7)", "-?[0-9]{1,13}\\.[0-9]{0,7}".boxed()),
        ("decimal(60,25)", "-?[0-9]{1,35}\\.[0-9]{0,25}".boxed()),
        (
            "bit(33)",
            (0_u64..1 << 33).prop_map(|n| n.to_string()).boxed(),
        ),
        ("varbinary(40)", bytes.clone().boxed()),
        ("blob", bytes.boxed()),
        ("varchar(40)", "\\PC{0,40}".prop_map(quoted).boxed()),
        ("longtext", "[ -~é漢😀]{0,300}".prop_map(quoted).boxed()),
        (
            "date",
            date.clone().prop_map(|date| format!("'{date}'")).boxed(),
        ),
        (
            "datetime(6)",
            (date, clock)
                .prop_map(|(date, clock)| format!("'{date} {clock}'"))
                .boxed(),
        ),
        ("time(6)", span.boxed()),
        (
            "uuid",
            "'[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}'".boxed(),
        ),
    ]
}

#[test]
fn random_values_are_what_the_native_driver_reads() {
    let (server, mut session) = start();
    let native = native::Client::connect(&server.url("app", CANARY, "types"));
    let mut runner = TestRunner::default();
    for (index, (sql_type, literals)) in kinds().into_iter().enumerate() {
        let values = prop::collection::vec(prop::option::weighted(0.9, literals), 300)
            .new_tree(&mut runner)
            .expect("values")
            .current();
        let rows: Vec<String> = values
            .iter()
            .map(|value| format!("({})", value.as_deref().unwrap_or("NULL")))
            .collect();
        let table = format!("r{index}");
        server
            .sql(
                "types",
                &format!(
                    "CREATE TABLE {table} (id int AUTO_INCREMENT PRIMARY KEY, v {sql_type} NULL); \
                     INSERT INTO {table} (v) VALUES {}",
                    rows.join(",")
                ),
            )
            .expect(sql_type);
        let sql = format!("SELECT v FROM {table} ORDER BY id");
        let batches = query(&mut session, &sql).expect(sql_type);
        let field = batches[0].schema().field(0).clone();
        let (got, read) = (rendered(&batches), native.texts(&sql, &field));
        for (at, (got, read)) in got.iter().zip(&read).enumerate() {
            assert!(
                same(
                    std::slice::from_ref(got),
                    std::slice::from_ref(read),
                    field.data_type()
                ),
                "{sql_type} {:?}: {got:?} is not {read:?}",
                values[at]
            );
        }
        assert_eq!(got.len(), 300);
    }
}
