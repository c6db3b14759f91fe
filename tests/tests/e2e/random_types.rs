//! Random values of PostgreSQL's types, all the way to JSON.
//!
//! Each value comes in one row with what it should be, as PostgreSQL itself writes it: its text where a type
//! is a string in JSON, else its own `to_json`. How each becomes Arrow is compared in the connector's tests.

use anyhow::{Context, Result};
use datachat_tests::{Client, literal};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::stage::{self, question, stage};

/// Values in one statement: many, because a round trip costs more than a value.
const VALUES: usize = 50;
const STATEMENTS: u32 = 120;

/// How the JSON of a value is compared with what the server says of it.
#[derive(Debug, Clone, Copy)]
enum Compared {
    /// A string, which holds the server's text.
    Text,
    /// The same JSON, character by character.
    Exact,
    /// The same JSON value.
    Json,
    /// The same float4, which has more than one shortest text.
    Float4,
    /// The same float8, likewise.
    Float8,
}

/// One kind of values.
#[derive(Debug, Clone)]
struct Kind {
    /// The values, as SQL.
    values: BoxedStrategy<String>,
    /// What PostgreSQL is asked about the value `v`.
    expected: &'static str,
    compared: Compared,
}

fn kind(
    compared: Compared,
    expected: &'static str,
    values: impl Strategy<Value = String> + 'static,
) -> Kind {
    Kind {
        values: values.boxed(),
        expected,
        compared,
    }
}

fn cast(
    sql_type: &'static str,
    literals: impl Strategy<Value = String> + 'static,
) -> BoxedStrategy<String> {
    literals
        .prop_map(move |text| format!("{}::{sql_type}", literal(&text)))
        .boxed()
}

fn shown<T: ToString + std::fmt::Debug>(
    values: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<String> {
    values.prop_map(|value| value.to_string()).boxed()
}

fn pattern(pattern: &str) -> BoxedStrategy<String> {
    match proptest::string::string_regex(pattern) {
        Ok(strategy) => strategy.boxed(),
        Err(error) => panic!("{pattern}: {error}"),
    }
}

fn text() -> BoxedStrategy<String> {
    any::<String>()
        .prop_map(|text| text.replace('\0', ""))
        .boxed()
}

fn array(elements: BoxedStrategy<String>, sql_type: &'static str) -> BoxedStrategy<String> {
    vec(proptest::option::of(elements), 0..6)
        .prop_map(move |elements| {
            let elements: Vec<String> = elements
                .into_iter()
                .map(|element| element.unwrap_or_else(|| "NULL".to_owned()))
                .collect();
            format!("ARRAY[{}]::{sql_type}[]", elements.join(", "))
        })
        .boxed()
}

/// What is a number or made of others is compared with the server's own JSON.
fn with_json() -> Vec<Kind> {
    let int = || cast("int4", shown(any::<i32>()));
    let pair = (any::<i32>(), proptest::option::of(text())).prop_map(|(a, b)| {
        let b = b.map_or_else(|| "NULL".to_owned(), |text| literal(&text));
        format!("ROW({a}, {b})::pair")
    });
    let float = |text: String| format!("'{text}'");
    vec![
        kind(Compared::Exact, "to_json(v)", shown(any::<bool>())),
        kind(
            Compared::Exact,
            "to_json(v)",
            cast("int2", shown(any::<i16>())),
        ),
        kind(Compared::Exact, "to_json(v)", int()),
        kind(
            Compared::Exact,
            "to_json(v)",
            cast("int8", shown(any::<i64>())),
        ),
        kind(Compared::Exact, "v", cast("oid", shown(any::<u32>()))),
        kind(Compared::Exact, "v", cast("xid8", shown(any::<u64>()))),
        kind(
            Compared::Float8,
            "v",
            any::<f64>().prop_map(move |value| float(format!("{value:e}")) + "::float8"),
        ),
        kind(
            Compared::Float4,
            "v",
            any::<f32>().prop_map(move |value| float(format!("{value:e}")) + "::float4"),
        ),
        kind(Compared::Json, "to_json(v)", cast("text", text())),
        kind(Compared::Json, "to_json(v)", array(int(), "int4")),
        kind(
            Compared::Json,
            "to_json(v)",
            array(cast("text", text()), "text"),
        ),
        kind(Compared::Json, "to_json(v)", pair),
        kind(
            Compared::Exact,
            "v",
            cast(
                "json",
                text().prop_map(|text| Value::from(text).to_string()),
            ),
        ),
        kind(
            Compared::Exact,
            "v",
            cast("jsonb", pattern("-?[1-9][0-9]{0,40}(\\.[0-9]{1,30})?")),
        ),
        // The server breaks its base64 into lines.
        kind(
            Compared::Text,
            "replace(encode(v, 'base64'), E'\\n', '')",
            vec(any::<u8>(), 0..80).prop_map(|bytes| {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("decode('{digits}', 'hex')")
            }),
        ),
    ]
}

/// What is a string is compared with the server's own text.
fn with_text() -> Vec<Kind> {
    let numeric = || pattern("-?[0-9]{1,60}(\\.[0-9]{1,60})?(e-?[0-9]{1,3})?");
    let time = || {
        (0..86_400u32, 0..1_000_000u32).prop_map(|(seconds, micros)| {
            let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            format!("{hours:02}:{minutes:02}:{seconds:02}.{micros:06}")
        })
    };
    // The years 1 to 9999, which ISO 8601 and PostgreSQL write alike.
    let date = || (-730_119..2_921_939i32).prop_map(|days| format!("(date '2000-01-01' + {days})"));
    let timestamp =
        move || (date(), time()).prop_map(|(date, time)| format!("({date} + time '{time}')"));
    let address = (vec(any::<u16>(), 8), 0..=128u8).prop_map(|(words, bits)| {
        let words: Vec<String> = words.iter().map(|word| format!("{word:x}")).collect();
        format!("{}/{bits}", words.join(":"))
    });
    let bounds = (any::<i32>(), any::<i32>(), pattern("[\\[(][\\])]"));
    let range = bounds.prop_map(|(a, b, ends)| {
        let (a, b) = (i64::from(a.min(b)), i64::from(a.max(b)));
        format!("int8range({a}, {b}, '{ends}')")
    });
    // As clients get it. A cast to text may write more, as that of inet does.
    let texts = |values: BoxedStrategy<String>| kind(Compared::Text, "concat(v)", values);
    vec![
        texts(cast("numeric", numeric())),
        texts(cast(
            "numeric(38,19)",
            pattern("-?[0-9]{1,18}(\\.[0-9]{1,25})?"),
        )),
        texts(cast(
            "numeric(60,30)",
            pattern("-?[0-9]{1,29}(\\.[0-9]{1,40})?"),
        )),
        texts(date().boxed()),
        kind(
            Compared::Text,
            "to_char(v, 'HH24:MI:SS.US')",
            time().prop_map(|time| format!("time '{time}'")),
        ),
        kind(
            Compared::Text,
            "to_char(v, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')",
            timestamp(),
        ),
        kind(
            Compared::Text,
            "to_char(v, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
            timestamp().prop_map(|time| format!("({time} AT TIME ZONE 'UTC')")),
        ),
        texts(cast(
            "uuid",
            any::<u128>().prop_map(|value| format!("{value:032x}")),
        )),
        texts(cast("inet", address)),
        texts(cast(
            "macaddr8",
            any::<u64>().prop_map(|value| format!("{value:016x}")),
        )),
        texts(cast("varbit", pattern("[01]{0,70}"))),
        texts(cast(
            "pg_lsn",
            (any::<u32>(), any::<u32>()).prop_map(|(high, low)| format!("{high:x}/{low:x}")),
        )),
        texts(range.boxed()),
        texts(cast(
            "hstore",
            text().prop_map(|text| {
                let text = text.replace('\\', "\\\\").replace('"', "\\\"");
                format!("\"{text}\"=>\"{text}\"")
            }),
        )),
    ]
}

/// Why the JSON of a value is not what the server says; none if it is.
fn difference(compared: Compared, got: &RawValue, expected: &str) -> Result<Option<String>> {
    let is_same = match compared {
        Compared::Text => serde_json::from_str::<Value>(got.get())? == json!(expected),
        Compared::Exact => got.get() == expected,
        Compared::Json => {
            serde_json::from_str::<Value>(got.get())? == serde_json::from_str::<Value>(expected)?
        }
        Compared::Float4 => {
            got.get().parse::<f32>()?.to_bits() == expected.parse::<f32>()?.to_bits()
        }
        Compared::Float8 => {
            got.get().parse::<f64>()?.to_bits() == expected.parse::<f64>()?.to_bits()
        }
    };
    Ok((!is_same).then(|| format!("{got} is not {expected}")))
}

/// Asks for the values, each with what it should be; the first difference.
async fn wrong(
    client: &Client,
    id: &str,
    values: &[String],
    expected: &str,
    compared: Compared,
) -> Result<Option<String>> {
    let sql = format!(
        "SELECT v, ({expected})::text FROM (VALUES ({})) AS x(v)",
        values.join("), (")
    );
    let answer = client.post("/api/v1/query", &question(&sql, id)).await?;
    answer.expect(200).with_context(|| sql.clone())?;
    let text = answer.text();
    let members: std::collections::HashMap<String, Box<RawValue>> = serde_json::from_str(&text)?;
    let rows: Vec<(Box<RawValue>, String)> = serde_json::from_str(members["rows"].get())?;
    anyhow::ensure!(rows.len() == values.len());
    for ((got, expected), value) in rows.iter().zip(values) {
        if let Some(difference) = difference(compared, got, expected)? {
            return Ok(Some(format!("{value}: {difference}")));
        }
    }
    Ok(None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_values_are_in_json_what_the_server_says_they_are() -> Result<()> {
    let stage = stage().await?;
    let database = stage::unique("random").replace(' ', "_");
    stage.postgres.create_database(&database)?;
    let types = "CREATE EXTENSION hstore; CREATE TYPE pair AS (a int, \"B b\" text)";
    stage.postgres.psql(&database, types)?;
    let client = stage.client();
    let id = stage.register(&client, &database).await?;
    let mut kinds = with_json();
    kinds.extend(with_text());
    let statements = proptest::sample::select(kinds).prop_flat_map(|kind| {
        let values = vec(kind.values, VALUES);
        (Just(kind.expected), Just(kind.compared), values)
    });
    let config = Config {
        cases: STATEMENTS,
        failure_persistence: None,
        ..Config::default()
    };
    let asking = Handle::current();
    tokio::task::block_in_place(|| {
        TestRunner::new(config).run(&statements, |(expected, compared, values)| {
            let wrong = asking.block_on(wrong(&client, &id, &values, expected, compared));
            let wrong = wrong.map_err(|error| TestCaseError::fail(format!("{error:#}")))?;
            prop_assert_eq!(wrong, None);
            Ok(())
        })
    })?;
    Ok(())
}
