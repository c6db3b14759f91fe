use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, Decimal128Array, Int64Array, IntervalMonthDayNanoArray,
    StringArray,
};
use arrow_buffer::IntervalMonthDayNano;
use arrow_ipc::reader::StreamReader;
use futures_util::StreamExt;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::plugins::PluginError;
use crate::query::execute::tests::{Script, begin, ipc, limits, numbers, script};

fn options() -> Options {
    Options::new(Arc::new(
        |error| json!({"code": "test", "detail": error.to_string()}),
    ))
}

async fn collect(encoded: &mut Encoded) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    while let Some(piece) = encoded.body.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

async fn encoded(batches: &[RecordBatch], format: Format) -> Vec<u8> {
    let stream = begin(script([ipc(batches)]), limits(1_000_000, 1 << 30))
        .await
        .expect("begun");
    let mut encoded = encode(stream, format, options()).await.expect("a body");
    let bytes = collect(&mut encoded).await.expect("bytes");
    assert!(
        encoded.outcome.get().is_some(),
        "the outcome is known at the end"
    );
    bytes
}

/// A stream that breaks after its first batch, a short one.
fn broken() -> Script {
    broken_after(2)
}

/// A stream that breaks after a first batch of so many rows.
fn broken_after(rows: i64) -> Script {
    let bytes = ipc(&[numbers(0..rows), numbers(rows..2 * rows)]);
    // Some way into the second batch.
    let middle = ipc(&[numbers(0..rows)]).len() + 100;
    Script(
        [
            Ok(bytes[..middle].to_vec().into()),
            Err(PluginError::Cancelled),
        ]
        .into(),
    )
}

#[tokio::test]
async fn json_has_its_members_in_the_order_of_the_contract() {
    let bytes = encoded(&[numbers(0..2), numbers(2..3)], Format::Json).await;
    let document: Value = serde_json::from_slice(&bytes).expect("JSON");
    let keys: Vec<_> = document.as_object().expect("an object").keys().collect();
    assert_eq!(
        keys,
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
    assert_eq!(
        document["rows"],
        json!([[0, "text 0"], [1, "text 1"], [2, "text 2"]])
    );
    assert_eq!(document["row_count"], 3);
    assert_eq!(document["truncated"], false);
    assert_eq!(document["truncated_by"], Value::Null);
    assert_eq!(document["database"]["name"], "Bank");
    assert_eq!(document["database"]["chosen_by"], "explicit");
    assert_eq!(
        document["columns"][0],
        json!({"name": "n", "db_type": "int64", "arrow_type": "int64", "nullable": false, "encoding": null})
    );
}

#[tokio::test]
async fn an_empty_result_has_columns_and_no_rows() {
    let bytes = encoded(&[numbers(0..0)], Format::Json).await;
    let document: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(document["rows"], json!([]));
    assert_eq!(document["columns"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_small_result_is_one_piece() {
    let stream = begin(script([ipc(&[numbers(0..2)])]), limits(10, 1 << 20))
        .await
        .expect("begun");
    let encoded = encode(stream, Format::Json, options())
        .await
        .expect("a body");
    assert_eq!(encoded.body.count().await, 1);
}

#[tokio::test]
async fn a_large_result_leaves_in_small_pieces() {
    let stream = begin(
        script([ipc(&[numbers(0..50_000)])]),
        limits(100_000, 1 << 30),
    )
    .await
    .expect("begun");
    let encoded = encode(stream, Format::Json, options())
        .await
        .expect("a body");
    let sizes: Vec<_> = encoded
        .body
        .map(|piece| piece.expect("bytes").len())
        .collect()
        .await;
    assert!(sizes.len() > 10, "{sizes:?}");
    assert!(
        sizes.iter().all(|size| *size < 2 * PIECE_BYTES),
        "{sizes:?}"
    );
}

#[tokio::test]
async fn rows_that_are_there_do_not_wait_for_rows_that_are_not() {
    struct Stalls(Option<Bytes>);
    impl crate::query::execute::Chunks for Stalls {
        fn read(
            &mut self,
        ) -> crate::plugins::tool::BoxFuture<'_, Result<Option<Bytes>, PluginError>> {
            match self.0.take() {
                Some(bytes) => Box::pin(async { Ok(Some(bytes)) }),
                None => Box::pin(std::future::pending()),
            }
        }
    }
    let bytes = ipc(&[numbers(0..2)]);
    let whole = bytes.len() - 8;
    let stream = begin(
        Stalls(Some(bytes[..whole].to_vec().into())),
        limits(10, 1 << 20),
    )
    .await;
    let mut encoded = encode(stream.expect("begun"), Format::Ndjson, options())
        .await
        .expect("a body");
    let first = encoded.body.next().await.expect("a piece").expect("bytes");
    assert!(first.ends_with(b"[0,\"text 0\"]\n[1,\"text 1\"]\n"));
}

#[tokio::test]
async fn an_error_on_the_way_ends_json_with_the_problem() {
    let stream = begin(broken(), limits(100, 1 << 20)).await.expect("begun");
    let mut encoded = encode(stream, Format::Json, options())
        .await
        .expect("a body");
    let bytes = collect(&mut encoded).await.expect("whole JSON");
    let document: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(document["rows"], json!([[0, "text 0"], [1, "text 1"]]));
    assert_eq!(document["error"]["code"], "test");
    assert_eq!(
        document
            .as_object()
            .and_then(|o| o.keys().next_back().cloned())
            .as_deref(),
        Some("error")
    );
    assert!(encoded.outcome.get().is_none());
}

#[tokio::test]
async fn an_error_on_the_way_ends_ndjson_with_a_line_and_breaks_the_others_off() {
    let stream = begin(broken(), limits(100, 1 << 20)).await.expect("begun");
    let mut encoded = encode(stream, Format::Ndjson, options())
        .await
        .expect("a body");
    let bytes = collect(&mut encoded).await.expect("lines");
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert_eq!(text.lines().count(), 4);
    assert!(
        text.lines()
            .last()
            .expect("a line")
            .starts_with(r#"{"error":{"code":"test""#)
    );
    for format in [Format::Csv, Format::Arrow, Format::Parquet] {
        let stream = begin(broken(), limits(100, 1 << 20)).await.expect("begun");
        // The first piece is not full yet: nothing has begun.
        let outcome = encode(stream, format, options()).await;
        assert!(matches!(outcome, Err(EncodeError::Query(_))), "{format:?}");
    }
    // Parquet's first piece is a row group, and that is longer.
    for format in [Format::Csv, Format::Arrow] {
        let long = broken_after(50_000);
        let stream = begin(long, limits(100_000, 1 << 30)).await.expect("begun");
        let mut encoded = encode(stream, format, options()).await.expect("a body");
        let outcome = collect(&mut encoded).await;
        assert!(matches!(outcome, Err(EncodeError::Query(_))), "{format:?}");
        assert!(encoded.outcome.get().is_none());
    }
}

#[tokio::test]
async fn a_value_that_the_format_has_no_place_for_fails_before_the_answer_begins() {
    let nan = Decimal128Array::from(vec![i128::MIN])
        .with_precision_and_scale(10, 2)
        .expect("a type");
    let field = arrow_schema::Field::new("v", nan.data_type().clone(), true)
        .with_metadata([("datachat.nan".to_owned(), "sentinel".to_owned())]);
    let schema = Arc::new(arrow_schema::Schema::new(vec![field]));
    let batch = RecordBatch::try_new(schema, vec![Arc::new(nan)]).expect("a batch");
    for format in [Format::Arrow, Format::Parquet] {
        let bytes = ipc(std::slice::from_ref(&batch));
        let stream = begin(script([bytes]), limits(10, 1 << 20)).await;
        match encode(stream.expect("begun"), format, options()).await {
            Err(EncodeError::Format { detail, .. }) => {
                assert!(detail.contains("column \"v\" holds NaN"), "{detail}");
            }
            _ => panic!("{format:?} was written"),
        }
    }
}

#[tokio::test]
async fn ndjson_has_a_line_for_columns_rows_and_end() {
    let text = String::from_utf8(encoded(&[numbers(0..2)], Format::Ndjson).await).expect("UTF-8");
    let lines: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0]["database"]["type"], "postgresql");
    assert_eq!(lines[0]["columns"][1]["name"], "t");
    assert_eq!(lines[1], json!([0, "text 0"]));
    assert_eq!(lines[3]["row_count"], 2);
    assert_eq!(lines[3]["truncated"], false);
}

#[tokio::test]
async fn csv_tells_null_from_the_empty_text() {
    let batch = RecordBatch::try_from_iter([
        (
            "a,b",
            Arc::new(StringArray::from(vec![
                None,
                Some(""),
                Some("x\"y\r\nz"),
                Some(" s "),
            ])) as ArrayRef,
        ),
        (
            "n",
            Arc::new(Int64Array::from(vec![Some(1), None, Some(-3), Some(4)])) as ArrayRef,
        ),
        (
            "b",
            Arc::new(BinaryArray::from_opt_vec(vec![
                Some(b""),
                None,
                Some(b"abc"),
                None,
            ])) as ArrayRef,
        ),
    ])
    .expect("a batch");
    let text = String::from_utf8(encoded(&[batch], Format::Csv).await).expect("UTF-8");
    assert_eq!(
        text,
        "\"a,b\",n,b\r\n,1,\"\"\r\n\"\",,\r\n\"x\"\"y\r\nz\",-3,YWJj\r\n\" s \",4,\r\n"
    );
}

#[tokio::test]
async fn arrow_and_parquet_give_the_rows_back() {
    let batches = [numbers(0..1_000), numbers(1_000..1_500)];
    let bytes = encoded(&batches, Format::Arrow).await;
    let read: Vec<_> = StreamReader::try_new(&bytes[..], None)
        .expect("a stream")
        .map(|batch| batch.expect("a batch"))
        .collect();
    assert_eq!(read, batches);

    let bytes = encoded(&batches, Format::Parquet).await;
    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(
        Bytes::from(bytes),
        8_192,
    )
    .expect("a file");
    let rows: usize = reader.map(|batch| batch.expect("a batch").num_rows()).sum();
    assert_eq!(rows, 1_500);
}

#[tokio::test]
async fn parquet_shows_intervals_as_text_and_refuses_a_result_without_columns() {
    let column = IntervalMonthDayNanoArray::from(vec![
        Some(IntervalMonthDayNano::new(1, 2, 3_000_000_000)),
        None,
    ]);
    let batch = RecordBatch::try_from_iter([("i", Arc::new(column) as ArrayRef)]).expect("a batch");
    let bytes = encoded(&[batch], Format::Parquet).await;
    let mut reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(
        Bytes::from(bytes),
        8_192,
    )
    .expect("a file");
    let read = reader.next().expect("a batch").expect("rows");
    let texts = read
        .column(0)
        .as_any()
        .downcast_ref::<StringArray>()
        .expect("texts");
    assert_eq!(texts.iter().collect::<Vec<_>>(), [Some("P1M2DT3S"), None]);

    let rows = arrow_array::RecordBatchOptions::new().with_row_count(Some(3));
    let schema = Arc::new(arrow_schema::Schema::empty());
    let batch = RecordBatch::try_new_with_options(schema, vec![], &rows).expect("rows");
    let stream = begin(
        script([ipc(std::slice::from_ref(&batch))]),
        limits(10, 1 << 20),
    )
    .await
    .expect("begun");
    assert!(matches!(
        encode(stream, Format::Parquet, options()).await,
        Err(EncodeError::Format {
            format: "parquet",
            ..
        })
    ));
    let bytes = encoded(&[batch], Format::Json).await;
    let document: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(document["rows"], json!([[], [], []]));
}

/// Reads CSV as RFC 4180 has it; `None` is a field of no characters and no quotes.
fn read_csv(text: &str) -> Vec<Vec<Option<String>>> {
    let mut rows = vec![];
    let (mut row, mut field, mut quoted) = (vec![], String::new(), false);
    let mut chars = text.chars().peekable();
    let mut inside = false;
    while let Some(char) = chars.next() {
        match char {
            '"' if inside && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => {
                inside = !inside;
                quoted = true;
            }
            ',' | '\r' if !inside => {
                let value = std::mem::take(&mut field);
                row.push((quoted || !value.is_empty()).then_some(value));
                quoted = false;
                if char == '\r' {
                    assert_eq!(chars.next(), Some('\n'));
                    rows.push(std::mem::take(&mut row));
                }
            }
            char => field.push(char),
        }
    }
    rows
}

proptest! {
    #[test]
    fn csv_reads_back_as_it_was(
        texts in prop::collection::vec((any::<Option<String>>(), "[\",\r\n a]{0,6}"), 1..20),
    ) {
        let (a, b): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
        let batch = RecordBatch::try_from_iter([
            ("a", Arc::new(StringArray::from(a.clone())) as ArrayRef),
            ("b", Arc::new(StringArray::from(b.clone())) as ArrayRef),
        ])
        .expect("a batch");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("one");
        let bytes = runtime.block_on(encoded(&[batch], Format::Csv));
        let read = read_csv(&String::from_utf8(bytes).expect("UTF-8"));
        let expected: Vec<Vec<Option<String>>> =
            a.into_iter().zip(b).map(|(a, b)| vec![a, Some(b)]).collect();
        prop_assert_eq!(&read[1..], &expected[..]);
    }
}
