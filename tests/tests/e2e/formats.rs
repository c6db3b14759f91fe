//! One typed result in five formats: the same values in each.

use std::io::Cursor;

use anyhow::{Context, Result, ensure};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::StreamReader;
use datachat_tests::{Answer, Client};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::stage::{self, header_database, keys, question, stage};

const SQL: &str = "SELECT * FROM (VALUES \
    (1::int4, 9007199254740993::int8, (-32768)::int2, true, 1.10::numeric(12,2), 'NaN'::float8, \
     'a \"quoted\", text'::text, '\\x00ff'::bytea, '2024-02-29'::date, \
     '2024-02-29 12:30:00.5'::timestamp, '2024-02-29 12:30:00+02'::timestamptz, \
     '00000000-0000-0000-0000-000000000001'::uuid, '{\"n\": 1.10}'::json, ''::text), \
    (2, '-9223372036854775808', '7', false, '-0.05', '0.1', E'two\\nlines 😀', '', '0001-01-01', \
     '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999Z', \
     'ffffffff-ffff-ffff-ffff-ffffffffffff', 'null', 'x'), \
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) \
  ) AS t (id, big, small, flag, price, ratio, label, raw, day, at, at_tz, who, doc, note) ORDER BY 1";

const NAMES: [&str; 14] = [
    "id", "big", "small", "flag", "price", "ratio", "label", "raw", "day", "at", "at_tz", "who",
    "doc", "note",
];

fn expected() -> Value {
    json!([
        [
            1,
            9_007_199_254_740_993_i64,
            -32768,
            true,
            "1.10",
            "NaN",
            "a \"quoted\", text",
            "AP8=",
            "2024-02-29",
            "2024-02-29T12:30:00.500000",
            "2024-02-29T10:30:00.000000Z",
            "00000000-0000-0000-0000-000000000001",
            {"n": 1.10},
            ""
        ],
        [
            2,
            i64::MIN,
            7,
            false,
            "-0.05",
            0.1,
            "two\nlines 😀",
            "",
            "0001-01-01",
            "1969-12-31T23:59:59.999999",
            "1969-12-31T23:59:59.999999Z",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            null,
            "x"
        ],
        [3, null, null, null, null, null, null, null, null, null, null, null, null, null]
    ])
}

async fn ask(client: &Client, id: &str, format: &str) -> Result<Answer> {
    let mut body = question(SQL, id);
    body["format"] = json!(format);
    let answer = stage::ask(client, &body).await?;
    answer.expect(200)?;
    Ok(answer)
}

async fn connection() -> Result<(Client, String)> {
    let stage = stage().await?;
    let client = stage.client();
    let id = stage.register(&client, "alpha").await?;
    Ok((client, id))
}

fn arrow(bytes: &[u8]) -> Result<Vec<RecordBatch>> {
    Ok(StreamReader::try_new(Cursor::new(bytes), None)?.collect::<Result<_, _>>()?)
}

fn parquet(answer: &Answer) -> Result<Vec<RecordBatch>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(answer.body.clone())?.build()?;
    Ok(reader.collect::<Result<_, _>>()?)
}

/// All rows as one batch.
fn whole(batches: &[RecordBatch]) -> Result<RecordBatch> {
    let schema = batches.first().context("no batch")?.schema();
    Ok(arrow_select::concat::concat_batches(&schema, batches)?)
}

#[tokio::test]
async fn json_holds_every_value_exactly_and_its_members_in_order() -> Result<()> {
    let (client, id) = connection().await?;
    let answer = ask(&client, &id, "json").await?;
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    assert_eq!(
        keys(&body),
        [
            "database",
            "columns",
            "rows",
            "row_count",
            "truncated",
            "truncated_by",
            "elapsed_ms",
            "warnings"
        ]
    );
    assert_eq!(body["database"]["id"], json!(id));
    assert_eq!(body["rows"], expected());
    assert_eq!(body["row_count"], 3);
    assert_eq!(body["truncated"], false);
    assert_eq!(body["truncated_by"], Value::Null);
    assert!(body["elapsed_ms"].is_u64());
    let columns = body["columns"].as_array().context("no columns")?;
    let members = ["name", "db_type", "arrow_type", "nullable", "encoding"];
    assert!(
        columns.iter().all(|column| keys(column) == members),
        "{columns:?}"
    );
    let of = |member: &str| -> Vec<String> {
        let values = columns.iter().map(|column| column[member].as_str());
        values.map(|text| text.unwrap_or("-").to_owned()).collect()
    };
    assert_eq!(of("name"), NAMES);
    let encodings = of("encoding");
    assert_eq!(encodings[7], "base64");
    assert_eq!(
        encodings
            .iter()
            .filter(|encoding| *encoding == "base64")
            .count(),
        1
    );
    let types = of("db_type");
    assert!(types[4].starts_with("numeric"), "{types:?}");
    // JSON columns are passed through as they are: the text of the number stays.
    assert!(answer.text().contains("1.10"), "{}", answer.text());
    Ok(())
}

#[tokio::test]
async fn ndjson_holds_the_same_rows_a_line_each() -> Result<()> {
    let (client, id) = connection().await?;
    let answer = ask(&client, &id, "ndjson").await?;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let text = answer.text();
    let lines: Vec<Value> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    assert_eq!(lines.len(), 5);
    assert_eq!(keys(&lines[0]), ["database", "columns"]);
    assert_eq!(lines[0]["database"]["id"], json!(id));
    assert_eq!(json!(lines[1..4]), expected());
    let members = [
        "row_count",
        "truncated",
        "truncated_by",
        "elapsed_ms",
        "warnings",
    ];
    assert_eq!(keys(&lines[4]), members);
    assert_eq!(lines[4]["row_count"], 3);
    Ok(())
}

#[tokio::test]
async fn csv_tells_null_from_empty_and_quotes_where_it_must() -> Result<()> {
    let (client, id) = connection().await?;
    let answer = ask(&client, &id, "csv").await?;
    assert!(answer.header("content-type").starts_with("text/csv"));
    assert_eq!(
        answer.text(),
        [
            NAMES.join(",").as_str(),
            "1,9007199254740993,-32768,true,1.10,NaN,\"a \"\"quoted\"\", text\",AP8=,2024-02-29,\
             2024-02-29T12:30:00.500000,2024-02-29T10:30:00.000000Z,\
             00000000-0000-0000-0000-000000000001,\"{\"\"n\"\": 1.10}\",\"\"",
            "2,-9223372036854775808,7,false,-0.05,0.1,\"two\nlines 😀\",\"\",0001-01-01,\
             1969-12-31T23:59:59.999999,1969-12-31T23:59:59.999999Z,\
             ffffffff-ffff-ffff-ffff-ffffffffffff,null,x",
            "3,,,,,,,,,,,,,",
            ""
        ]
        .join("\r\n")
    );
    assert_says_how_much(&answer, &id, "3", "false")?;
    Ok(())
}

fn assert_says_how_much(answer: &Answer, id: &str, rows: &str, truncated: &str) -> Result<()> {
    assert_eq!(header_database(answer)?, id);
    let trailer = |name: &str| answer.trailers.get(name).context("no trailer").cloned();
    assert_eq!(trailer("x-datachat-row-count")?, rows);
    assert_eq!(trailer("x-datachat-truncated")?, truncated);
    Ok(())
}

#[tokio::test]
async fn a_name_that_no_header_can_hold_is_escaped_in_it() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let mut body = stage::registration(&stage::reader_url(&stage.postgres, "alpha"));
    let name = format!("Zürich\r\n 漢😀\u{7f}\" {}", body["name"]);
    body["name"] = json!(name);
    let stored = client.post("/api/v1/databases", &body).await?;
    // Control characters may be refused in a name.
    if stored.status != 201 {
        stored.problem(422, "validation_failed")?;
        body["name"] = json!(name.replace(|c: char| c.is_control(), ""));
        let stored = client.post("/api/v1/databases", &body).await?;
        return shown_in_header(&client, &stored.expect(201)?).await;
    }
    shown_in_header(&client, &stored.expect(201)?).await
}

async fn shown_in_header(client: &Client, stored: &Value) -> Result<()> {
    let id = stage::text(&stored["connection_id"])?;
    let answer = ask(client, &id, "csv").await?;
    assert_eq!(header_database(&answer)?, stored["connection_id"]);
    let shown: Value = serde_json::from_str(answer.header("x-datachat-database"))?;
    assert_eq!(shown["name"], stored["name"]);
    Ok(())
}

#[tokio::test]
async fn arrow_holds_the_same_values_as_typed_columns() -> Result<()> {
    let (client, id) = connection().await?;
    let answer = ask(&client, &id, "arrow").await?;
    assert_eq!(
        answer.header("content-type"),
        "application/vnd.apache.arrow.stream"
    );
    assert_says_how_much(&answer, &id, "3", "false")?;
    let batch = whole(&arrow(&answer.body)?)?;
    assert_typed(&batch)?;
    let schema = batch.schema();
    let extension = |column: usize| {
        schema
            .field(column)
            .extension_type_name()
            .map(str::to_owned)
    };
    assert_eq!(extension(11).as_deref(), Some("arrow.uuid"));
    assert_eq!(extension(12).as_deref(), Some("arrow.json"));
    for field in schema.fields() {
        let db_type = field.metadata().get("datachat.db_type");
        ensure!(db_type.is_some_and(|name| !name.is_empty()), "{field:?}");
    }
    Ok(())
}

#[tokio::test]
async fn parquet_holds_the_same_columns_as_arrow() -> Result<()> {
    let (client, id) = connection().await?;
    let answer = ask(&client, &id, "parquet").await?;
    assert_eq!(
        answer.header("content-type"),
        "application/vnd.apache.parquet"
    );
    assert_says_how_much(&answer, &id, "3", "false")?;
    let batch = whole(&parquet(&answer)?)?;
    assert_typed(&batch)?;
    let stream = whole(&arrow(&ask(&client, &id, "arrow").await?.body)?)?;
    assert_eq!(batch.num_columns(), stream.num_columns());
    for (ours, theirs) in batch.columns().iter().zip(stream.columns()) {
        assert_eq!(ours.data_type(), theirs.data_type());
        assert_eq!(ours, theirs);
    }
    Ok(())
}

fn assert_typed(batch: &RecordBatch) -> Result<()> {
    let schema = batch.schema();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(names, NAMES);
    let column = |name: &str| batch.column_by_name(name).context("no such column");
    assert_eq!(
        column("id")?.as_primitive::<Int32Type>().values().as_ref(),
        [1, 2, 3]
    );
    let big = column("big")?.as_primitive::<Int64Type>();
    assert_eq!(
        [big.value(0), big.value(1)],
        [9_007_199_254_740_993, i64::MIN]
    );
    assert_eq!(
        column("small")?.as_primitive::<Int16Type>().value(0),
        -32768
    );
    let flag = column("flag")?.as_boolean();
    assert_eq!([flag.value(0), flag.value(1)], [true, false]);
    let ratio = column("ratio")?.as_primitive::<Float64Type>();
    assert!(ratio.value(0).is_nan());
    assert_eq!(ratio.value(1).to_bits(), 0.1_f64.to_bits());
    let label = column("label")?.as_string::<i32>();
    assert_eq!(
        [label.value(0), label.value(1)],
        ["a \"quoted\", text", "two\nlines 😀"]
    );
    let raw = column("raw")?.as_binary::<i32>();
    assert_eq!([raw.value(0), raw.value(1)], [&[0, 255][..], &[]]);
    // 2024-02-29 and 0001-01-01 as days from 1970.
    let day = column("day")?.as_primitive::<Date32Type>();
    assert_eq!([day.value(0), day.value(1)], [19_782, -719_162]);
    let at = column("at")?.as_primitive::<TimestampMicrosecondType>();
    assert_eq!([at.value(0), at.value(1)], [1_709_209_800_500_000, -1]);
    let at_tz = column("at_tz")?.as_primitive::<TimestampMicrosecondType>();
    assert_eq!(
        [at_tz.value(0), at_tz.value(1)],
        [1_709_202_600_000_000, -1]
    );
    let who = column("who")?.as_fixed_size_binary();
    assert_eq!(
        who.value(0),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    );
    let doc = column("doc")?.as_string::<i32>();
    // The JSON null of row 2 is a value, the NULL of row 3 is none.
    assert_eq!([doc.value(0), doc.value(1)], ["{\"n\": 1.10}", "null"]);
    assert_eq!(column("note")?.as_string::<i32>().value(0), "");
    for name in &NAMES[1..] {
        let column = column(name)?;
        assert_eq!(
            (column.null_count(), column.is_null(2)),
            (1, true),
            "{name}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn decimals_keep_their_scale_in_arrow() -> Result<()> {
    let (client, id) = connection().await?;
    let mut body = question(
        "SELECT amount FROM (VALUES (1.10::numeric(12,2)), (-0.05)) t (amount)",
        id.as_str(),
    );
    body["sql"] = json!(
        "SELECT 1.10::numeric(12,2) AS amount UNION ALL SELECT price FROM orders WHERE false"
    );
    body["format"] = json!("arrow");
    let answer = client.post("/api/v1/query", &body).await?;
    answer.expect(200)?;
    let batch = whole(&arrow(&answer.body)?)?;
    // A union of numeric(12,2) with numeric(10,2) is numeric without a scale; a plain cast is not.
    body["sql"] = json!("SELECT 1.10::numeric(12,2) AS amount");
    let plain = client.post("/api/v1/query", &body).await?;
    let plain = whole(&arrow(&plain.body)?)?;
    let decimal = plain.column(0).as_primitive::<Decimal128Type>();
    assert_eq!(
        (decimal.value(0), decimal.precision(), decimal.scale()),
        (110, 12, 2)
    );
    assert_eq!(batch.num_rows(), 1);
    Ok(())
}

#[tokio::test]
async fn wide_integers_are_quoted_when_asked_for() -> Result<()> {
    let (client, id) = connection().await?;
    let mut body = question(
        "SELECT 1::int2, 2::int4, 9007199254740993::int8, NULL::int8",
        id.as_str(),
    );
    body["numbers"] = json!("string");
    let answer = client.post("/api/v1/query", &body).await?.expect(200)?;
    assert_eq!(answer["rows"], json!([[1, 2, "9007199254740993", null]]));
    body["numbers"] = json!("words");
    let problem = client.post("/api/v1/query", &body).await?;
    assert_eq!(
        problem.problem(422, "validation_failed")?["field"],
        "numbers"
    );
    Ok(())
}

#[tokio::test]
async fn duplicate_names_and_the_columns_of_empty_results_are_kept() -> Result<()> {
    let (client, id) = connection().await?;
    let sql = "SELECT 1 AS a, 2 AS a, 'x'::text AS b WHERE false";
    for format in ["json", "ndjson", "csv", "arrow", "parquet"] {
        let mut body = question(sql, id.as_str());
        body["format"] = json!(format);
        let answer = client.post("/api/v1/query", &body).await?;
        answer.expect(200)?;
        match format {
            "csv" => assert_eq!(answer.text(), "a,a,b\r\n"),
            "arrow" => {
                let reader = StreamReader::try_new(Cursor::new(&answer.body), None)?;
                let schema = reader.schema();
                let names: Vec<_> = schema.fields().iter().map(|f| f.name().clone()).collect();
                assert_eq!(names, ["a", "a", "b"]);
            }
            "parquet" => {
                let reader = ParquetRecordBatchReaderBuilder::try_new(answer.body.clone())?;
                assert_eq!(reader.schema().fields().len(), 3);
            }
            _ => {
                let first = answer.text();
                let first = first.lines().next().context("empty")?;
                let head: Value = serde_json::from_str(first)?;
                let names: Vec<_> = head["columns"]
                    .as_array()
                    .context("no columns")?
                    .iter()
                    .map(|column| column["name"].clone())
                    .collect();
                assert_eq!(names, ["a", "a", "b"], "{format}");
            }
        }
    }
    Ok(())
}
