use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray};
use arrow_ipc::writer::StreamWriter;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::registry::ChosenBy;

/// A connector's answer, piece by piece.
pub(crate) struct Script(pub VecDeque<Result<Bytes, PluginError>>);

impl Chunks for Script {
    fn read(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, PluginError>> {
        Box::pin(async { self.0.pop_front().transpose() })
    }
}

pub(crate) fn script(chunks: impl IntoIterator<Item = Vec<u8>>) -> Script {
    Script(chunks.into_iter().map(|chunk| Ok(chunk.into())).collect())
}

pub(crate) fn database() -> DatabaseRef {
    DatabaseRef {
        id: Uuid::nil(),
        name: "Bank".to_owned(),
        database_type: "postgresql".to_owned(),
        chosen_by: ChosenBy::Explicit,
    }
}

pub(crate) fn limits(max_rows: u64, max_bytes: u64) -> QueryLimits {
    QueryLimits {
        max_rows,
        max_bytes,
        timeout_ms: 1_000,
        on_limit: OnLimit::Truncate,
    }
}

pub(crate) fn ipc(batches: &[RecordBatch]) -> Vec<u8> {
    let schema = batches.first().expect("a batch").schema();
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).expect("a schema");
    for batch in batches {
        writer.write(batch).expect("a batch");
    }
    writer.finish().expect("an end");
    writer.into_inner().expect("bytes")
}

pub(crate) fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
    let texts = StringArray::from_iter_values(range.clone().map(|n| format!("text {n}")));
    RecordBatch::try_from_iter([
        (
            "n",
            Arc::new(Int64Array::from_iter_values(range)) as ArrayRef,
        ),
        ("t", Arc::new(texts) as ArrayRef),
    ])
    .expect("a batch")
}

pub(crate) async fn begin(
    chunks: impl Chunks + 'static,
    limits: QueryLimits,
) -> Result<QueryStream, QueryError> {
    let server = Limits::default();
    QueryStream::begin(
        Box::new(chunks),
        database(),
        limits,
        &server,
        Instant::now(),
    )
    .await
}

async fn rows(stream: &mut QueryStream) -> Result<Vec<i64>, QueryError> {
    let mut rows = Vec::new();
    while let Some(batch) = stream.next().await? {
        let column = batch.column(0).as_any().downcast_ref::<Int64Array>();
        rows.extend(column.expect("integers").values());
    }
    Ok(rows)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

#[test]
fn a_result_at_the_row_limit_is_whole_and_one_beyond_it_is_cut() {
    run(async {
        let bytes = ipc(&[numbers(0..3), numbers(3..5)]);
        let mut whole = begin(script([bytes.clone()]), limits(5, 1 << 20))
            .await
            .expect("rows");
        assert_eq!(rows(&mut whole).await.expect("rows"), [0, 1, 2, 3, 4]);
        let summary = whole.summary();
        assert_eq!((summary.row_count, summary.truncated_by), (5, None));

        let mut cut = begin(script([bytes]), limits(4, 1 << 20))
            .await
            .expect("rows");
        assert_eq!(rows(&mut cut).await.expect("rows"), [0, 1, 2, 3]);
        let summary = cut.summary();
        assert_eq!(
            (summary.row_count, summary.truncated_by),
            (4, Some("max_rows"))
        );
        assert!(summary.truncated);
    });
}

#[test]
fn a_result_beyond_the_byte_limit_is_cut_at_a_row() {
    run(async {
        let bytes = ipc(&[numbers(0..1_000), numbers(1_000..2_000)]);
        let mut cut = begin(script([bytes]), limits(10_000, 30_000))
            .await
            .expect("rows");
        let rows = rows(&mut cut).await.expect("rows");
        assert!((1_000..2_000).contains(&rows.len()), "{}", rows.len());
        assert_eq!(rows, (0..).take(rows.len()).collect::<Vec<_>>());
        assert_eq!(cut.summary().truncated_by, Some("max_bytes"));
    });
}

#[test]
fn a_first_row_larger_than_the_byte_limit_gives_no_rows_and_says_so() {
    run(async {
        let mut cut = begin(script([ipc(&[numbers(0..3)])]), limits(10, 8))
            .await
            .expect("begun");
        assert!(rows(&mut cut).await.expect("rows").is_empty());
        assert_eq!(cut.summary().truncated_by, Some("max_bytes"));
        assert_eq!(cut.schema().fields().len(), 2);
    });
}

#[test]
fn on_limit_error_fails_instead_of_cutting() {
    run(async {
        let limits = QueryLimits {
            on_limit: OnLimit::Error,
            ..limits(2, 1 << 20)
        };
        let error = begin(script([ipc(&[numbers(0..3)])]), limits).await.err();
        assert!(matches!(
            error,
            Some(QueryError::ResultLimit {
                limit: "max_rows",
                value: 2
            })
        ));
    });
}

#[test]
fn a_stream_that_stops_before_its_end_is_never_a_short_result() {
    run(async {
        let bytes = ipc(&[numbers(0..3)]);
        for length in 0..bytes.len() {
            let stream = begin(script([bytes[..length].to_vec()]), limits(10, 1 << 20)).await;
            let outcome = match stream {
                Ok(mut stream) => rows(&mut stream).await.map(|_| ()),
                Err(error) => Err(error),
            };
            assert!(
                matches!(outcome, Err(QueryError::Malformed { .. })),
                "{length}"
            );
        }
    });
}

#[test]
fn an_error_of_the_database_before_the_first_row_is_the_answer() {
    run(async {
        let bytes = ipc(&[numbers(0..3)]);
        let script = Script(
            [
                Ok(bytes[..100].to_vec().into()),
                Err(PluginError::Cancelled),
            ]
            .into(),
        );
        let error = begin(script, limits(10, 1 << 20)).await.err();
        assert!(matches!(
            error,
            Some(QueryError::Plugin(PluginError::Cancelled))
        ));
    });
}

#[test]
fn an_empty_result_keeps_its_columns() {
    run(async {
        let bytes = ipc(&[numbers(0..0)]);
        let mut stream = begin(script([bytes]), limits(10, 1 << 20))
            .await
            .expect("begun");
        assert!(rows(&mut stream).await.expect("rows").is_empty());
        assert_eq!(stream.schema().field(1).name(), "t");
        assert!(!stream.summary().truncated);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn chunk_borders_do_not_matter(cuts in prop::collection::vec(1usize..400, 1..40)) {
        let bytes = ipc(&[numbers(0..30), numbers(30..31), numbers(31..90)]);
        let mut rest = &bytes[..];
        let mut chunks = Vec::new();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (chunk, after) = rest.split_at((*cut).min(rest.len()));
            chunks.push(chunk.to_vec());
            rest = after;
        }
        let found = run(async {
            let mut stream = begin(script(chunks), limits(1_000, 1 << 20)).await.expect("begun");
            rows(&mut stream).await.expect("rows")
        });
        prop_assert_eq!(found, (0..90).collect::<Vec<_>>());
    }
}
