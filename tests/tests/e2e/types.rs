//! The values at the edges of PostgreSQL's types, all the way to JSON and to Arrow.
//!
//! How each becomes Arrow is compared with PostgreSQL's own text in the connector's tests; here it is what a
//! client reads.

use std::collections::HashMap;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_schema::DataType;
use datachat_tests::{Answer, CANARY, Client, Options, Postgres, skipped};
use serde_json::json;
use serde_json::value::RawValue;

use crate::stage::{self, question, stage};

/// An expression, and the value in JSON as it is written.
const VALUES: &[(&str, &str)] = &[
    ("true", "true"),
    ("false", "false"),
    ("int2 '-32768'", "-32768"),
    ("int2 '32767'", "32767"),
    ("int4 '-2147483648'", "-2147483648"),
    ("int4 '2147483647'", "2147483647"),
    ("int8 '-9223372036854775808'", "-9223372036854775808"),
    ("int8 '9007199254740993'", "9007199254740993"),
    ("int8 '9223372036854775807'", "9223372036854775807"),
    ("oid '4294967295'", "4294967295"),
    ("xid '4294967295'", "4294967295"),
    ("cid '4294967295'", "4294967295"),
    // An integer of 64 bits like others: a number, and a string where the request wants large numbers so.
    ("xid8 '18446744073709551615'", "18446744073709551615"),
    ("float8 'NaN'", r#""NaN""#),
    ("float8 'Infinity'", r#""Infinity""#),
    ("float8 '-Infinity'", r#""-Infinity""#),
    ("float8 '-0'", "-0.0"),
    ("float8 '1e308'", "1e+308"),
    ("float8 '5e-324'", "5e-324"),
    ("float4 'NaN'", r#""NaN""#),
    ("float4 '-Infinity'", r#""-Infinity""#),
    ("float4 '-0'", "-0.0"),
    ("float4 '1e-45'", "1e-45"),
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
    ("numeric 'NaN'", r#""NaN""#),
    ("numeric 'Infinity'", r#""Infinity""#),
    ("numeric '-Infinity'", r#""-Infinity""#),
    ("length((numeric '1e131071')::text)", "131072"),
    ("money '-1234.56'", r#""-$1,234.56""#),
    ("'ab'::char(4)", r#""ab  ""#),
    (r#"'\200'::"char""#, r#""\\200""#),
    (r#"'\377'::"char""#, r#""\\377""#),
    (r#"''::"char""#, r#""""#),
    ("'MiXed'::citext", r#""MiXed""#),
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
    ("timetz '24:00:00+15:59:59'", r#""24:00:00+15:59:59""#),
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
    ("int4range 'empty'", r#""empty""#),
    ("int4range '(,)'", r#""(,)""#),
    ("int4range '[1,)'", r#""[1,)""#),
    ("int4range '(,5]'", r#""(,6)""#),
    ("int4multirange '{}'", r#""{}""#),
    ("'{[1,3),[5,7)}'::int4multirange", r#""{[1,3),[5,7)}""#),
    (
        "tsrange('2024-01-01', 'infinity')",
        r#""[\"2024-01-01 00:00:00\",infinity)""#,
    ),
    ("inet '::1/64'", r#""::1/64""#),
    ("cidr '10.0.0.0/8'", r#""10.0.0.0/8""#),
    ("macaddr '08:00:2b:01:02:03'", r#""08:00:2b:01:02:03""#),
    (
        "macaddr8 '08:00:2b:01:02:03:04:ff'",
        r#""08:00:2b:01:02:03:04:ff""#,
    ),
    ("bit(1) '1'", r#""1""#),
    ("bit(9) '101000001'", r#""101000001""#),
    (
        "varbit '1111000011110000111100001111000011110000111100001111000011110000111'",
        r#""1111000011110000111100001111000011110000111100001111000011110000111""#,
    ),
    ("varbit '101010101'", r#""101010101""#),
    ("varbit ''", r#""""#),
    ("point '(NaN,1)'", r#""(NaN,1)""#),
    ("line '{1,-2,3.5}'", r#""{1,-2,3.5}""#),
    ("lseg '[(0,0),(1,-1)]'", r#""[(0,0),(1,-1)]""#),
    ("box '((0,0),(1,Infinity))'", r#""(1,Infinity),(0,0)""#),
    ("path '[(0,0),(1,1)]'", r#""[(0,0),(1,1)]""#),
    ("path '((0,0),(1,1))'", r#""((0,0),(1,1))""#),
    ("polygon '((0,0),(1,1),(1,0))'", r#""((0,0),(1,1),(1,0))""#),
    ("circle '<(0,0),1e-300>'", r#""<(0,0),1e-300>""#),
    (
        r#"hstore 'a=>1, "b c"=>NULL'"#,
        r#""\"a\"=>\"1\", \"b c\"=>NULL""#,
    ),
    ("ltree 'a.b_1.c'", r#""a.b_1.c""#),
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

const TYPES: &str = "CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree;
    CREATE TYPE mood AS ENUM ('sad', 'it''s ok');
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

/// The values of the only row, each as it is written.
fn cells(answer: &Answer) -> Result<Vec<String>> {
    answer.expect(200)?;
    let text = answer.text();
    let members: HashMap<String, Box<RawValue>> = serde_json::from_str(&text)?;
    let rows: Vec<Vec<Box<RawValue>>> = serde_json::from_str(members["rows"].get())?;
    let row = rows.first().context("no row")?;
    Ok(row.iter().map(|cell| cell.get().to_owned()).collect())
}

#[tokio::test]
async fn the_values_at_the_edges_of_every_type_are_exact_in_json() -> Result<()> {
    let (client, id) = typed().await?;
    let expressions: Vec<&str> = VALUES.iter().map(|(expression, _)| *expression).collect();
    let sql = format!("SELECT {}", expressions.join(", "));
    let cells = cells(&stage::query(&client, &id, &sql).await?)?;
    ensure!(cells.len() == VALUES.len());
    for ((expression, expected), got) in VALUES.iter().zip(&cells) {
        assert_eq!(got, *expected, "{expression}");
    }
    Ok(())
}

#[tokio::test]
async fn a_number_keeps_every_digit_that_the_database_keeps() -> Result<()> {
    let (client, id) = typed().await?;
    let thousand: String = "1234567890".repeat(100);
    let longest = format!("1{}", "0".repeat(131_071));
    let smallest = format!("0.{}1", "0".repeat(16_382));
    let sql = format!(
        "SELECT numeric '{thousand}', numeric '-0.{thousand}', numeric '1e131071', numeric '1e-16383', \
         '{thousand}'::numeric(1000, 0)"
    );
    let cells = cells(&stage::query(&client, &id, &sql).await?)?;
    let quoted = |text: &str| format!("\"{text}\"");
    assert_eq!(cells[0], quoted(&thousand));
    assert_eq!(cells[1], quoted(&format!("-0.{thousand}")));
    assert!(cells[2] == quoted(&longest), "{} digits", cells[2].len());
    assert!(cells[3] == quoted(&smallest), "{} digits", cells[3].len());
    assert_eq!(cells[4], quoted(&thousand));
    Ok(())
}

#[tokio::test]
async fn null_is_null_whatever_its_type() -> Result<()> {
    let (client, id) = typed().await?;
    let stage = stage().await?;
    let database = stage::text(&stage::scalar(&client, &id, "SELECT current_database()").await?)?;
    // All that a column can have: no pseudo-types, and of the row types only those of the tests.
    let types = stage.postgres.psql(
        &database,
        "SELECT format_type(oid, NULL) FROM pg_type
         WHERE typtype <> 'p' AND typisdefined
           AND (typtype <> 'c' OR typname = 'pair')
           AND typname !~ '^_(pg_|sql_)' ORDER BY 1",
    )?;
    let types: Vec<&str> = types.lines().collect();
    ensure!(types.len() > 150, "{}", types.len());
    for name in [
        "pair",
        "mood",
        "ints",
        "hstore",
        "integer[]",
        "int4multirange",
    ] {
        ensure!(types.contains(&name), "{name} is not among {types:?}");
    }
    let nulls: Vec<String> = types.iter().map(|name| format!("NULL::{name}")).collect();
    let sql = format!("SELECT {}", nulls.join(", "));
    let cells = cells(&stage::query(&client, &id, &sql).await?)?;
    ensure!(cells.len() == types.len());
    for (name, cell) in types.iter().zip(&cells) {
        assert_eq!(cell, "null", "{name}");
    }
    let batch = arrow(&client, &id, &sql).await?;
    for (column, name) in batch.columns().iter().zip(&types) {
        assert!(column.is_null(0), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn the_character_0_is_refused_by_the_database_and_the_answer_says_so() -> Result<()> {
    let (client, id) = typed().await?;
    for sql in [
        r#"SELECT '{"a": "\u0000"}'::jsonb"#,
        r#"SELECT json '{"a": "\u0000"}' ->> 'a'"#,
    ] {
        let problem = stage::query(&client, &id, sql)
            .await?
            .problem(400, "data_exception")?;
        assert_eq!(problem["sqlstate"], "22P05", "{problem}");
        assert_eq!(problem["connection_id"], json!(id));
    }
    // As plain text JSON may hold it.
    let cells = cells(&stage::query(&client, &id, r#"SELECT json '"\u0000"'"#).await?)?;
    assert_eq!(cells, [r#""\u0000""#]);
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

#[tokio::test]
async fn money_has_the_digits_of_its_servers_locale() -> Result<()> {
    const LOCALE: &str = "ja_JP.UTF-8";
    let folder = tempfile::tempdir()?;
    // The server runs as another user where the tests run as root.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    let made = Command::new("localedef")
        .args(["--no-archive", "-i", "ja_JP", "-f", "UTF-8"])
        .arg(folder.path().join(LOCALE))
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        skipped(
            "money in a locale without cents",
            "localedef, or its description of ja_JP, is not installed",
        );
        return Ok(());
    }
    let locales = format!("{}:/usr/lib/locale", folder.path().display());
    let postgres = Postgres::start(
        Options::new(CANARY)
            .database("yen")
            .setting("lc_monetary", LOCALE)
            .variable("LOCPATH", &locales),
    )?;
    let client = stage().await?.client();
    let id = stage::register(&client, &postgres.superuser_url("yen")).await?;
    let sql = "SELECT money '1234.5', money '-92233720368547758'";
    let cells = cells(&stage::query(&client, &id, sql).await?)?;
    assert_eq!(cells, ["\"￥1,235\"", "\"￥-92,233,720,368,547,758\""]);
    let texts = postgres.psql("yen", sql)?;
    assert_eq!(cells.join("|").replace('"', ""), texts);
    Ok(())
}

#[tokio::test]
async fn a_value_of_100_megabytes_passes_and_a_larger_one_names_the_limit_that_it_meets()
-> Result<()> {
    const LENGTH: usize = 100_000_000;
    let stage = stage().await?;
    let client = stage.client();
    let id = stage.register(&client, "alpha").await?;
    let ask = async |length: usize, format: &str| -> Result<Answer> {
        let sql = format!("SELECT decode(repeat('00ff', {}), 'hex') AS v", length / 2);
        let mut body = question(&sql, id.as_str());
        body["limits"] = json!({"max_bytes": 1_000_000_000_u64, "timeout_ms": 300_000});
        body["format"] = json!(format);
        stage::ask(&client, &body).await
    };
    let answer = ask(LENGTH, "arrow").await?;
    ensure!(answer.status == 200, "{}", answer.status);
    let mut batches = StreamReader::try_new(Cursor::new(answer.body), None)?;
    let batch = batches.next().context("a batch")??;
    let value = batch.column(0).as_binary::<i32>().value(0);
    assert_eq!(value.len(), LENGTH);
    assert!(value.chunks(2).all(|pair| pair == [0, 255]));

    // In base64 three bytes are four characters; six repeat as eight.
    let answer = ask(LENGTH, "json").await?;
    ensure!(answer.status == 200, "{}", answer.status);
    let text = answer.text();
    let (_, rest) = text.split_once("\"rows\":[[\"").context("no rows")?;
    let (value, _) = rest.split_once('"').context("no end")?;
    assert_eq!(value.len(), LENGTH.div_ceil(3) * 4);
    let (repeated, last) = value.split_at(value.len() - 8);
    assert!(
        repeated
            .as_bytes()
            .chunks(8)
            .all(|part| part == b"AP8A/wD/")
    );
    assert_eq!(last, "AP8A/w==");

    for format in ["json", "arrow"] {
        let answer = ask(3 * LENGTH, format).await?;
        ensure!(answer.status == 422, "{}", answer.status);
        let problem = answer.problem(422, "resource_limit").context(format)?;
        assert_eq!(problem["limit"], "plugin_memory_bytes", "{problem}");
        assert_eq!(problem["connection_id"], json!(id));
    }
    // The next one is not affected.
    let answer = stage::query(&client, &id, "SELECT 1").await?;
    assert_eq!(cells(&answer)?, ["1"]);
    Ok(())
}
