//! Random values of every type whose values can be made up.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use datachat_throwaway::literal;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::wire::Client;
use crate::{column, hex, rendered};

/// Values in one statement: many, because a round trip costs more than a value.
const VALUES: usize = 50;
const STATEMENTS: u32 = 300;

/// Writes a value of a type as an SQL expression.
type Expression = BoxedStrategy<String>;

fn pattern(pattern: &str) -> Expression {
    proptest::string::string_regex(pattern).unwrap().boxed()
}

fn cast(sql_type: &'static str, literals: impl Strategy<Value = String> + 'static) -> Expression {
    literals
        .prop_map(move |text| format!("{}::{sql_type}", literal(&text)))
        .boxed()
}

fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', ""))
}

fn time() -> impl Strategy<Value = String> {
    (0..86_400u32, 0..1_000_000u32).prop_map(|(seconds, micros)| {
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        format!("{hours:02}:{minutes:02}:{seconds:02}.{micros:06}")
    })
}

fn timestamp(zone: &'static str) -> impl Strategy<Value = String> {
    // 4713 BC to the year 294246.
    (-2_451_507..106_741_034i32, time())
        .prop_map(move |(days, time)| format!("(date '2000-01-01' + {days} + time '{time}'){zone}"))
}

fn expressions() -> BoxedStrategy<Vec<String>> {
    let date =
        || (-2_451_507..2_145_031_949i32).prop_map(|days| format!("date '2000-01-01' + {days}"));
    let kinds: Vec<Expression> = vec![
        cast("int2", any::<i16>().prop_map(|value| value.to_string())),
        cast("int4", any::<i32>().prop_map(|value| value.to_string())),
        cast("int8", any::<i64>().prop_map(|value| value.to_string())),
        cast("oid", any::<u32>().prop_map(|value| value.to_string())),
        cast("xid8", any::<u64>().prop_map(|value| value.to_string())),
        cast("numeric", pattern("-?[0-9]{1,60}(\\.[0-9]{1,60})?(e-?[0-9]{1,3})?")),
        cast("numeric(12,4)", pattern("-?[0-9]{1,8}(\\.[0-9]{1,9})?").prop_filter(
            "rounds up to nine digits",
            |text| !text.contains("99999999"),
        )),
        cast("numeric(38,19)", pattern("-?[0-9]{1,18}(\\.[0-9]{1,25})?")),
        cast("numeric(60,30)", pattern("-?[0-9]{1,29}(\\.[0-9]{1,40})?")),
        cast("numeric(9,-4)", pattern("-?[0-9]{1,12}")),
        cast("numeric(4,9)", pattern("-?0\\.00000[0-9]{1,4}")),
        cast("text", text()),
        cast("bytea", vec(any::<u8>(), 0..40).prop_map(|bytes| {
            format!("\\x{}", hex(&bytes))
        })),
        date().boxed(),
        cast("time", time()),
        cast("timetz", (time(), -57_599..57_600i32).prop_map(|(time, zone)| {
            let sign = if zone < 0 { '-' } else { '+' };
            let zone = zone.abs();
            format!("{time}{sign}{:02}:{:02}:{:02}", zone / 3600, zone / 60 % 60, zone % 60)
        })),
        timestamp("").boxed(),
        timestamp(" AT TIME ZONE 'UTC'").boxed(),
        (any::<i32>(), any::<i32>(), -9_223_372_036i64..9_223_372_036, 0..1_000_000u32)
            .prop_map(|(months, days, seconds, micros)| {
                format!("make_interval(months => {months}, days => {days}) + interval '{seconds}.{micros:06} s'")
            })
            .boxed(),
        cast("uuid", any::<u128>().prop_map(|value| format!("{value:032x}"))),
        cast("inet", (any::<u32>(), 0..=32u8).prop_map(|(address, bits)| {
            format!("{}/{bits}", std::net::Ipv4Addr::from_bits(address))
        })),
        cast("inet", (vec(prop_oneof![2 => Just(0u16), 1 => any::<u16>(), 1 => Just(0xffff)], 8), 0..=128u8)
            .prop_map(|(words, bits)| {
                let words: Vec<String> = words.iter().map(|word| format!("{word:x}")).collect();
                format!("{}/{bits}", words.join(":"))
            })),
        cast("macaddr8", any::<u64>().prop_map(|value| format!("{value:016x}"))),
        cast("varbit", pattern("[01]{0,70}")),
        cast("pg_lsn", (any::<u32>(), any::<u32>()).prop_map(|(high, low)| format!("{high:x}/{low:x}"))),
        cast("json", text().prop_map(|text| serde_json::Value::from(text.replace('\u{fffd}', "")).to_string())),
        cast("jsonb", pattern("-?[1-9][0-9]{0,40}(\\.[0-9]{1,30})?")),
        (any::<i32>(), any::<i32>(), pattern("[\\[(][\\])]"))
            .prop_map(|(a, b, ends)| {
                // The greatest integer has no successor, which a canonical range needs.
                let (a, b) = (i64::from(a.min(b)), i64::from(a.max(b)));
                format!("int8range({a}, {b}, '{ends}')")
            })
            .boxed(),
        (timestamp(""), timestamp(""))
            .prop_map(|(a, b)| format!("tsrange(least({a}, {b}), greatest({a}, {b}))"))
            .boxed(),
        (text(), text())
            .prop_map(|(a, b)| {
                let (a, b) = (literal(&a), literal(&b));
                format!("textrange(least({a}, {b}), greatest({a}, {b}))")
            })
            .boxed(),
        array("text", cast("text", text())),
        array("int4", cast("int4", any::<i32>().prop_map(|value| value.to_string()))),
        array("date", date().boxed()),
        array("numeric(20,3)", cast("numeric(20,3)", pattern("-?[0-9]{1,16}\\.[0-9]{1,3}"))),
        array("pair", pair()),
        pair(),
        (any::<i32>(), text())
            .prop_map(|(a, b)| format!("ROW({a}, {}, NULL)", literal(&b)))
            .boxed(),
    ];
    proptest::sample::select(kinds)
        .prop_flat_map(|kind| vec(kind, VALUES))
        .boxed()
}

fn pair() -> Expression {
    (any::<i32>(), proptest::option::of(text()))
        .prop_map(|(a, b)| {
            let b = b.map_or("NULL".to_owned(), |text| literal(&text));
            format!("ROW({a}, {b})::pair")
        })
        .boxed()
}

fn array(element: &'static str, elements: Expression) -> Expression {
    vec(proptest::option::of(elements), 0..6)
        .prop_map(move |elements| {
            let elements: Vec<String> = elements
                .into_iter()
                .map(|element| element.unwrap_or("NULL".to_owned()))
                .collect();
            format!("ARRAY[{}]::{element}[]", elements.join(", "))
        })
        .boxed()
}

pub fn compare(client: &mut Client) {
    let config = Config {
        cases: STATEMENTS,
        failure_persistence: None,
        ..Config::default()
    };
    let client = std::cell::RefCell::new(client);
    TestRunner::new(config)
        .run(&expressions(), |expressions| {
            let sql = format!(
                "SELECT v FROM (VALUES ({})) AS x(v)",
                expressions.join("), (")
            );
            let mut client = client.borrow_mut();
            let batch = client.batch(&sql).unwrap();
            prop_assert_eq!(rendered(&batch, 0), column(&client.texts(&sql), 0));
            Ok(())
        })
        .unwrap();
}

/// Floats have more than one shortest text, so their bits are compared and not their texts.
pub fn compare_floats(client: &mut Client) {
    let config = Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    };
    let client = std::cell::RefCell::new(client);
    TestRunner::new(config)
        .run(&vec((any::<f64>(), any::<f32>()), VALUES), |values| {
            let rows: Vec<String> = values
                .iter()
                .map(|(double, single)| format!("('{double:e}'::float8, '{single:e}'::float4)"))
                .collect();
            let sql = format!("SELECT * FROM (VALUES {}) AS x", rows.join(", "));
            let batch = client.borrow_mut().batch(&sql).unwrap();
            let doubles = batch.column(0).as_primitive::<Float64Type>().values();
            let singles = batch.column(1).as_primitive::<Float32Type>().values();
            for (row, (double, single)) in values.iter().enumerate() {
                prop_assert_eq!(doubles[row].to_bits(), double.to_bits());
                prop_assert_eq!(singles[row].to_bits(), single.to_bits());
            }
            Ok(())
        })
        .unwrap();
}
