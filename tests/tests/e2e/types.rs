//! The values at the edges of PostgreSQL's types, all the way to JSON and to Arrow.
//!
//! How each becomes Arrow is compared with PostgreSQL's own text in the connector's tests; here it is what a
//! client reads.

use std::collections::HashMap;
use std::io::Cursor;

use anyhow::{Context, Result, ensure};
use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_schema::DataType;
use datachat_tests::Client;
use serde_json::json;
use serde_json::value::RawValue;

use crate::stage::{self, question, stage};

/// An expression, and the value in JSON as it is written.
const VALUES: &[(&str, &str)] = &[
    ("int8 '-9223372036854775808'", "-9223372036854775808"),
    ("int8 '9223372036854775807'", "9223372036854775807"),
    ("oid '4294967295'", "4294967295"),
    ("xid8 '18446744073709551615'", "18446744073709551615"),
    ("float8 'NaN'", r#""NaN""#),
    ("float8 '-Infinity'", r#""-Infinity""#),
    ("float8 '5e-324'", "5e-324"),
    ("float4 '1.1'", "1.1"),
    ("0.00::numeric(10,2)", r#""0.00""#),
    ("'NaN'::numeric(10,2)", r#""NaN""#),
    ("12345::numeric(2,-3)", r#""12000""#),
    ("0.00123::numeric(3,5)", r#""0.00123""#),
    (
        "repeat('9', 76)::numeric(76,0)",
        r#""9999999999999999999999999999999999999999999999999999999999999999999999999999""#,
    ),
    ("numeric '1.10'", r#""1.10""#),
    ("numeric 'Infinity'", r#""Infinity""#),
    ("length((numeric '1e131071')::text)", "131072"),
    ("money '-1234.56'", r#""-$1,234.56""#),
    ("'ab'::char(4)", r#""ab  ""#),
    (r#"'\200'::"char""#, r#""\\200""#),
    ("E'\\U0001F600'", "\"\u{1F600}\""),
    ("bytea ''", r#""""#),
    (r"bytea '\x00ff'", r#""AP8=""#),
    ("date 'infinity'", r#""infinity""#),
    ("date '-infinity'", r#""-infinity""#),
    ("date '0044-03-15 BC'", r#""-0043-03-15""#),
    ("date '5874897-12-31'", r#""+5874897-12-31""#),
    ("time '24:00:00'", r#""24:00:00.000000""#),
    ("'00:00:00.5'::time(1)", r#""00:00:00.5""#),
    ("timetz '12:00-15:59:59'", r#""12:00:00-15:59:59""#),
    ("timestamp 'infinity'", r#""infinity""#),
    ("timestamptz '-infinity'", r#""-infinity""#),
    (
        "timestamp '4713-01-01 00:00 BC'",
        r#""-4712-01-01T00:00:00.000000""#,
    ),
    (
        "timestamp '294246-12-31 23:59:59.999999'",
        r#""+294246-12-31T23:59:59.999999""#,
    ),
    (
        "'2024-02-29 12:00:00.1234+02'::timestamptz(3)",
        r#""2024-02-29T10:00:00.123Z""#,
    ),
    (
        "interval '1 year 2 mons 3 days 04:05:06.789'",
        r#""P1Y2M3DT4H5M6.789S""#,
    ),
    ("interval '-1 mon +2 days -00:00:00.5'", r#""P-1M2DT-0.5S""#),
    ("interval '178000000 years'", r#""P178000000Y""#),
    ("interval '0'", r#""PT0S""#),
    (
        "uuid '00000000-0000-0000-0000-000000000000'",
        r#""00000000-0000-0000-0000-000000000000""#,
    ),
    (
        "json '{\"a\":1.10,  \"a\":12345678901234567890}'",
        "{\"a\":1.10,  \"a\":12345678901234567890}",
    ),
    ("jsonb '[1.10, null]'", "[1.10, null]"),
    ("json 'null'", "null"),
    ("'{}'::int[]", "[]"),
    ("'{1,NULL}'::int[]", "[1,null]"),
    ("'[2:3]={7,8}'::int[]", "[7,8]"),
    ("'{{1,2},{3,NULL}}'::int[]", "[[1,2],[3,null]]"),
    ("'{{{{{{1}},{{2}}}}}}'::int[]", "[[[[[[1]],[[2]]]]]]"),
    ("'{1.10,NaN}'::numeric(10,2)[]", r#"["1.10","NaN"]"#),
    (
        "'{infinity,2024-02-29}'::date[]",
        r#"["infinity","2024-02-29"]"#,
    ),
    ("'{\"(1,2)\",NULL}'::point[]", r#"["(1,2)",null]"#),
    ("'{sad,\"it''s ok\"}'::mood[]", r#"["sad","it's ok"]"#),
    ("'sad'::mood", r#""sad""#),
    ("'(1,)'::pair", r#"{"a":1,"B b":null}"#),
    ("'{{\"(1,x)\"}}'::pair[]", r#"[[{"a":1,"B b":"x"}]]"#),
    ("ROW(1, 'a', NULL)", r#"["1","a",null]"#),
    ("'{1,2}'::ints", "[1,2]"),
    ("int4range(1, 10)", r#""[1,10)""#),
    ("'{[1,3),[5,7)}'::int4multirange", r#""{[1,3),[5,7)}""#),
    (
        "tsrange('2024-01-01', 'infinity')",
        r#""[\"2024-01-01 00:00:00\",infinity)""#,
    ),
    ("inet '::1/64'", r#""::1/64""#),
    ("cidr '10.0.0.0/8'", r#""10.0.0.0/8""#),
    ("macaddr '08:00:2b:01:02:03'", r#""08:00:2b:01:02:03""#),
    ("varbit '101010101'", r#""101010101""#),
    ("varbit ''", r#""""#),
    ("point '(NaN,1)'", r#""(NaN,1)""#),
    ("path '[(0,0),(1,1)]'", r#""[(0,0),(1,1)]""#),
    ("tsvector 'b a'", r#""'a' 'b'""#),
    ("xml '<a/>'", r#""<a/>""#),
    ("jsonpath '$.a'", r#""$.\"a\"""#),
    ("pg_lsn '16/B374D848'", r#""16/B374D848""#),
    ("tid '(0,1)'", r#""(0,1)""#),
    ("'pg_class'::regclass", r#""pg_class""#),
    ("aclitem 'postgres=r/postgres'", r#""postgres=r/postgres""#),
    ("'1 2'::int2vector", "[1,2]"),
    ("NULL", "null"),
    ("pg_sleep(0)", r#""""#),
];

const TYPES: &str = "CREATE TYPE mood AS ENUM ('sad', 'it''s ok');
    CREATE TYPE pair AS (a int, \"B b\" text);
    CREATE DOMAIN ints AS int[]";

/// A client, and the id of a database that has the types above.
async fn typed() -> Result<(Client, String)> {
    let stage = stage().await?;
    let database = stage::unique("types").replace(' ', "_");
    stage.postgres.create_database(&database)?;
    stage.postgres.psql(&database, TYPES)?;
    let client = stage.client();
    let id = stage.register(&client, &database).await?;
    Ok((client, id))
}

async fn arrow(client: &Client, id: &str, sql: &str) -> Result<RecordBatch> {
    let mut body = question(sql, id);
    body["format"] = json!("arrow");
    let answer = stage::ask(client, &body).await?;
    answer.expect(200)?;
    let mut batches = StreamReader::try_new(Cursor::new(answer.body), None)?;
    Ok(batches.next().context("a batch")??)
}

#[tokio::test]
async fn the_values_at_the_edges_of_every_type_are_exact_in_json() -> Result<()> {
    let (client, id) = typed().await?;
    let expressions: Vec<&str> = VALUES.iter().map(|(expression, _)| *expression).collect();
    let sql = format!("SELECT {}", expressions.join(", "));
    let answer = stage::query(&client, &id, &sql).await?;
    answer.expect(200)?;
    let text = answer.text();
    let members: HashMap<String, Box<RawValue>> = serde_json::from_str(&text)?;
    let rows: Vec<Vec<Box<RawValue>>> = serde_json::from_str(members["rows"].get())?;
    ensure!(rows[0].len() == VALUES.len());
    for ((expression, expected), got) in VALUES.iter().zip(&rows[0]) {
        assert_eq!(got.get(), *expected, "{expression}");
    }
    Ok(())
}

#[tokio::test]
async fn readers_of_arrow_get_lists_and_decimals() -> Result<()> {
    let (client, id) = typed().await?;
    let sql = "SELECT '{1,2}'::int[], 1.10::numeric(10,2), ARRAY[ROW(1, 'x')::pair], ROW(1)";
    let batch = arrow(&client, &id, sql).await?;
    let schema = batch.schema();
    let types: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::List(item) => format!("list of {}", item.data_type()),
            other => other.to_string(),
        })
        .collect();
    assert_eq!(types[..2], ["list of Int32", "Decimal128(10, 2)"]);
    assert!(types[2].starts_with("list of Struct"), "{}", types[2]);
    assert_eq!(types[3], "list of Utf8");
    assert_eq!(schema.field(0).metadata()["datachat.db_type"], "integer[]");
    Ok(())
}

#[tokio::test]
async fn what_arrow_has_no_place_for_never_arrives_as_something_else() -> Result<()> {
    let (client, id) = typed().await?;
    for expression in ["'{{1,2},{3,4}}'::int[]", "'NaN'::numeric(10,2)"] {
        let sql = format!("SELECT {expression} AS v");
        for format in ["arrow", "parquet"] {
            let mut body = question(&sql, id.as_str());
            body["format"] = json!(format);
            let refused = stage::ask(&client, &body).await?;
            let problem = refused.problem(400, "unsupported")?;
            let detail = stage::text(&problem["detail"])?;
            ensure!(detail.contains("column \"v\" holds"), "{detail}");
        }
        let mut body = question(&sql, id.as_str());
        body["format"] = json!("csv");
        let csv = stage::ask(&client, &body).await?;
        csv.expect(200)?;
        ensure!(csv.text().contains("NaN") || csv.text().contains("[[1,2],[3,4]]"));
    }
    for expression in [
        "timestamp '294276-12-31 23:59:59.999999'",
        "interval '2562047:47:16.854776'",
    ] {
        let answer = stage::query(&client, &id, &format!("SELECT {expression} AS v")).await?;
        let text = answer.text();
        ensure!(text.contains("cast the column to text"), "{text}");
        let sql = format!("SELECT ({expression})::text AS v");
        stage::query(&client, &id, &sql).await?.expect(200)?;
    }
    Ok(())
}
