use arrow_array::types::Int32Type;
use arrow_array::{
    DictionaryArray, Int32Array, ListArray, NullArray, RunArray, StringArray, StructArray,
};
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use proptest::prelude::*;

use super::*;
use crate::query::execute::tests::{ipc, numbers};

/// Everything that a stream says.
fn read(bytes: &[u8], limits: &Limits) -> Result<Vec<Item>, Malformed> {
    let mut intake = Intake::new(limits);
    intake.feed(bytes.to_vec().into());
    let mut items = Vec::new();
    while let Some(item) = intake.next_item()? {
        items.push(item);
    }
    intake.finish()?;
    Ok(items)
}

fn refused(bytes: &[u8]) -> String {
    read(bytes, &Limits::default()).expect_err("malformed").0
}

/// A message around a body.
fn schema_of(bytes: &[u8]) -> &[u8] {
    let length = u32::from_le_bytes(bytes[4..8].try_into().expect("4 bytes")) as usize;
    &bytes[..8 + length]
}

#[test]
fn a_schema_is_known_before_anything_follows_it() {
    let bytes = ipc(&[numbers(0..3)]);
    let mut intake = Intake::new(&Limits::default());
    intake.feed(schema_of(&bytes).to_vec().into());
    assert!(
        matches!(intake.next_item(), Ok(Some(Item::Schema(schema))) if schema.fields().len() == 2)
    );
    assert!(matches!(intake.next_item(), Ok(None)));
}

#[test]
fn what_is_out_of_order_is_refused() {
    let bytes = ipc(&[numbers(0..3)]);
    let schema = schema_of(&bytes);
    let rest = &bytes[schema.len()..];
    assert!(refused(rest).contains("before its schema"));
    assert!(refused(&[schema, schema].concat()).contains("second schema"));
    assert!(refused(&[&bytes[..], b"x"].concat()).contains("follow its end"));
    assert!(refused(&[255, 255, 255, 255, 0, 0, 0, 0]).contains("before its schema"));
    assert!(refused(b"HTTP/1.1 200 OK").contains("marker"));
    assert!(refused(b"").contains("before its end"));
}

#[test]
fn a_declared_size_beyond_the_limit_is_refused_before_it_is_allocated() {
    let limits = Limits {
        plugin_memory_bytes: 4_096,
        ..Limits::default()
    };
    let bytes = ipc(&[numbers(0..10_000)]);
    let error = read(&bytes, &limits).expect_err("too large");
    assert!(error.0.contains("plugin_memory_bytes"), "{error}");
    assert!(refused(&[255, 255, 255, 255, 0, 0, 0, 0x7f]).contains("plugin_memory_bytes"));
}

#[test]
fn too_many_columns_are_refused() {
    let limits = Limits {
        result_columns: 1,
        ..Limits::default()
    };
    let error = read(&ipc(&[numbers(0..1)]), &limits).expect_err("two columns");
    assert!(error.0.contains("result_columns"), "{error}");
}

#[test]
fn types_that_no_encoder_knows_are_refused() {
    let run_ends = Int32Array::from(vec![2]);
    let runs = RunArray::<Int32Type>::try_new(&run_ends, &StringArray::from(vec!["a"]));
    let batch = RecordBatch::try_from_iter([("r", Arc::new(runs.expect("runs")) as ArrayRef)]);
    assert!(refused(&ipc(&[batch.expect("a batch")])).contains("unsupported type"));
}

#[test]
fn rows_without_bytes_are_bounded() {
    let column: ArrayRef = Arc::new(NullArray::new(1 << 25));
    let batch = RecordBatch::try_from_iter([("n", column)]).expect("a batch");
    assert!(refused(&ipc(&[batch])).contains("more rows than bytes"));
}

#[test]
fn buffers_that_overlap_are_refused() {
    // Writers put buffers one after the other; pointing two at the same place takes a forged header.
    let batch = RecordBatch::try_from_iter([
        ("a", Arc::new(Int32Array::from(vec![7; 16])) as ArrayRef),
        ("b", Arc::new(Int32Array::from(vec![8; 16])) as ArrayRef),
    ]);
    let mut bytes = ipc(&[batch.expect("a batch")]);
    // The second column's 64 bytes of values begin at 64; its entry is the last that reads so.
    let buffer = [64i64.to_le_bytes(), 64i64.to_le_bytes()].concat();
    let at = (0..bytes.len() - 16)
        .rev()
        .find(|at| bytes[*at..*at + 16] == buffer);
    let at = at.expect("the buffer");
    bytes[at..at + 8].copy_from_slice(&8i64.to_le_bytes());
    let error = refused(&bytes);
    assert!(error.contains("over another"), "{error}");
}

#[test]
fn dictionaries_and_nested_columns_arrive() {
    let words: DictionaryArray<Int32Type> = vec!["a", "b", "a"].into_iter().collect();
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    let inner: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    let structs = StructArray::try_from(vec![("x", inner)]).expect("a struct");
    let batch = RecordBatch::try_from_iter([
        ("d", Arc::new(words) as ArrayRef),
        ("l", Arc::new(lists) as ArrayRef),
        ("s", Arc::new(structs) as ArrayRef),
    ])
    .expect("a batch");
    let items = read(&ipc(std::slice::from_ref(&batch)), &Limits::default()).expect("a stream");
    assert!(matches!(&items[1], Item::Batch { batch: read, .. } if *read == batch));
    assert!(matches!(items.last(), Some(Item::End)));
}

#[test]
fn eight_byte_alignment_is_enough() {
    let batch = numbers(0..100);
    let options = IpcWriteOptions::try_new(8, false, arrow_ipc::MetadataVersion::V5);
    let mut writer =
        StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options.expect("options"))
            .expect("a writer");
    writer.write(&batch).expect("a batch");
    writer.finish().expect("an end");
    let bytes = writer.into_inner().expect("bytes");
    let items = read(&bytes, &Limits::default()).expect("a stream");
    assert!(matches!(&items[1], Item::Batch { batch: read, .. } if *read == batch));
}

proptest! {
    #[test]
    fn changed_bytes_are_refused_or_read_but_never_a_crash(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let words: DictionaryArray<Int32Type> = vec!["a", "b", "a"].into_iter().collect();
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), None, None]);
        let batch = RecordBatch::try_from_iter([
            ("d", Arc::new(words) as ArrayRef),
            ("l", Arc::new(lists) as ArrayRef),
            ("t", Arc::new(StringArray::from(vec![Some("x"), None, Some("yz")])) as ArrayRef),
        ])
        .expect("a batch");
        let mut bytes = ipc(&[batch]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut {
            bytes.truncate(length.index(bytes.len()));
        }
        let _ = read(&bytes, &Limits::default());
    }
}
