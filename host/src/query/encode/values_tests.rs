use std::sync::Arc;

use arrow_array::builder::{Int32Builder, MapBuilder, StringBuilder};
use arrow_array::types::{Date32Type, Int32Type};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array,
    DictionaryArray, Float32Array, Float64Array, Int16Array, Int64Array, IntervalMonthDayNanoArray,
    ListArray, StringArray, StructArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    UInt32Array, UInt64Array,
};
use arrow_buffer::{IntervalMonthDayNano, i256};
use arrow_schema::Schema;
use proptest::prelude::*;

use super::*;

fn options(numbers: Numbers) -> Options {
    let mut options = Options::new(Arc::new(|error| error.to_string().into()));
    options.numbers = numbers;
    options
}

/// A column with metadata, as the JSON of its cells.
fn cells(column: ArrayRef, metadata: &[(&str, &str)], numbers: Numbers) -> String {
    let metadata = metadata
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let field = Field::new("c", column.data_type().clone(), true)
        .with_metadata(metadata.collect::<std::collections::HashMap<_, _>>());
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]);
    let batch = batch.expect("a batch");
    let options = options(numbers);
    let rows = Rows::bind(&batch, &options);
    let mut out = Vec::new();
    for row in 0..batch.num_rows() {
        if row > 0 {
            out.push(b' ');
        }
        rows.cells()[0].json(row, false, &mut out);
    }
    String::from_utf8(out).expect("UTF-8")
}

fn json(column: impl Array + 'static) -> String {
    cells(Arc::new(column), &[], Numbers::Number)
}

fn json_with(column: impl Array + 'static, metadata: &[(&str, &str)]) -> String {
    cells(Arc::new(column), metadata, Numbers::Number)
}

#[test]
fn integers_are_exact_numbers() {
    assert_eq!(
        json(Int16Array::from(vec![-32_768, 32_767])),
        "-32768 32767"
    );
    assert_eq!(
        json(Int64Array::from(vec![
            Some(i64::MIN),
            Some(9_007_199_254_740_993),
            None
        ])),
        "-9223372036854775808 9007199254740993 null"
    );
    assert_eq!(
        json(UInt64Array::from(vec![u64::MAX])),
        "18446744073709551615"
    );
}

#[test]
fn only_columns_wider_than_32_bits_become_strings_on_request() {
    let quoted = |column: ArrayRef| cells(column, &[], Numbers::Text);
    assert_eq!(quoted(Arc::new(Int64Array::from(vec![1]))), "\"1\"");
    assert_eq!(quoted(Arc::new(UInt64Array::from(vec![1]))), "\"1\"");
    assert_eq!(
        quoted(Arc::new(UInt32Array::from(vec![4_294_967_295]))),
        "4294967295"
    );
}

#[test]
fn floats_are_shortest_and_what_is_no_number_has_its_name() {
    assert_eq!(
        json(Float64Array::from(vec![0.1, -0.0, 5e-324, 1e308, 1.0])),
        "0.1 -0.0 5e-324 1e+308 1.0"
    );
    assert_eq!(
        json(Float32Array::from(vec![0.1, 16_777_216.0])),
        "0.1 16777216.0"
    );
    assert_eq!(
        json(Float64Array::from(vec![
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY
        ])),
        r#""NaN" "Infinity" "-Infinity""#
    );
    assert_eq!(json(Float32Array::from(vec![f32::NAN])), r#""NaN""#);
}

#[test]
fn decimals_are_strings_with_their_scale() {
    let small = Decimal128Array::from(vec![Some(110), Some(0), None, Some(-5)]);
    let small = small.with_precision_and_scale(10, 2).expect("a scale");
    assert_eq!(json(small), r#""1.10" "0.00" null "-0.05""#);
    let nines = "9".repeat(76);
    let large = Decimal256Array::from(vec![i256::from_string(&nines).expect("76 digits")]);
    let large = large.with_precision_and_scale(76, 10).expect("a scale");
    assert_eq!(
        json(large),
        format!("\"{}.{}\"", &nines[..66], &nines[66..])
    );
}

#[test]
fn times_carry_a_zone_only_when_their_type_has_one() {
    let micros = vec![1_709_210_096_789_000, -1, -62_135_596_800_000_001];
    let plain = TimestampMicrosecondArray::from(micros.clone());
    assert_eq!(
        json(plain),
        r#""2024-02-29T12:34:56.789000" "1969-12-31T23:59:59.999999" "0000-12-31T23:59:59.999999""#
    );
    let zoned = TimestampMicrosecondArray::from(micros).with_timezone("UTC");
    assert!(json(zoned).starts_with(r#""2024-02-29T12:34:56.789000Z""#));
    let three = TimestampMicrosecondArray::from(vec![80_000]).with_timezone("UTC");
    assert_eq!(
        json_with(
            three,
            &[("datachat.db_type", "timestamp(3) with time zone")]
        ),
        r#""1970-01-01T00:00:00.080Z""#
    );
    assert_eq!(
        json(Time64MicrosecondArray::from(vec![86_400_000_000])),
        r#""24:00:00.000000""#
    );
}

#[test]
fn infinity_is_a_word_only_where_the_column_says_so() {
    let sentinel = [("datachat.infinity", "sentinel")];
    assert_eq!(
        json_with(Date32Array::from(vec![i32::MAX, i32::MIN, 0]), &sentinel),
        r#""infinity" "-infinity" "1970-01-01""#
    );
    let times = TimestampMicrosecondArray::from(vec![i64::MAX, i64::MIN]).with_timezone("UTC");
    assert_eq!(json_with(times, &sentinel), r#""infinity" "-infinity""#);
    assert_eq!(
        json(Date32Array::from(vec![i32::MAX])),
        r#""+5881580-07-11""#
    );
    let days = ListArray::from_iter_primitive::<Date32Type, _, _>([Some(vec![Some(i32::MAX)])]);
    assert_eq!(json(days), r#"["+5881580-07-11"]"#);
}

#[test]
fn intervals_are_iso_8601() {
    let interval = IntervalMonthDayNano::new(14, -3, 14_706_789_000_000);
    assert_eq!(
        json(IntervalMonthDayNanoArray::from(vec![interval])),
        r#""P1Y2M-3DT4H5M6.789S""#
    );
}

#[test]
fn bytes_are_base64_and_uuids_are_uuids() {
    assert_eq!(
        json(BinaryArray::from_vec(vec![b"\x00\xff", b"", b"abc"])),
        r#""AP8=" "" "YWJj""#
    );
    let nil = FixedSizeBinaryArray::try_from_iter([[0u8; 16], [0xff; 16]].into_iter());
    assert_eq!(
        json_with(
            nil.expect("uuids"),
            &[("ARROW:extension:name", "arrow.uuid")]
        ),
        r#""00000000-0000-0000-0000-000000000000" "ffffffff-ffff-ffff-ffff-ffffffffffff""#
    );
}

#[test]
fn json_columns_pass_unparsed() {
    let raw = [("ARROW:extension:name", "arrow.json")];
    let texts = StringArray::from(vec![
        Some(r#"{"a": 1.10, "a": 12345678901234567890123}"#),
        Some("null"),
        None,
        Some("broken]"),
    ]);
    assert_eq!(
        json_with(texts, &raw),
        r#"{"a": 1.10, "a": 12345678901234567890123} null null "broken]""#
    );
}

#[test]
fn nested_values_keep_their_shape_and_nulls() {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    assert_eq!(json(lists), "[1,null] null []");

    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["x\"y"]));
    let structs =
        StructArray::try_from(vec![("n", Arc::clone(&numbers)), ("t", Arc::clone(&texts))]);
    assert_eq!(json(structs.expect("a struct")), r#"{"n":1,"t":"x\"y"}"#);
    let unnamed = StructArray::try_from(vec![("", numbers), ("", texts)]);
    assert_eq!(json(unnamed.expect("a struct")), r#"[1,"x\"y"]"#);

    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    for (key, value) in [("a", 1), ("a", 2)] {
        map.keys().append_value(key);
        map.values().append_value(value);
    }
    map.append(true).expect("an entry");
    map.append(false).expect("a null");
    assert_eq!(json(map.finish()), r#"{"a":1,"a":2} null"#);

    let words: DictionaryArray<Int32Type> = vec![Some("low"), None, Some("high"), Some("low")]
        .into_iter()
        .collect();
    assert_eq!(json(words), r#""low" null "high" "low""#);
    let nothing: DictionaryArray<Int32Type> = vec![None::<&str>, None].into_iter().collect();
    assert_eq!(json(nothing), "null null");
    assert_eq!(
        json(BooleanArray::from(vec![Some(true), Some(false), None])),
        "true false null"
    );
}

#[test]
fn a_sliced_batch_shows_its_own_rows() {
    let words: DictionaryArray<Int32Type> = vec!["a", "b", "c"].into_iter().collect();
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1)]),
        Some(vec![Some(2), Some(3)]),
        Some(vec![]),
    ]);
    let batch = RecordBatch::try_from_iter([
        ("d", Arc::new(words) as ArrayRef),
        ("l", Arc::new(lists) as ArrayRef),
        (
            "n",
            Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])) as ArrayRef,
        ),
    ])
    .expect("a batch")
    .slice(1, 2);
    let rows = super::super::json_rows(&batch, &options(Numbers::Number));
    assert_eq!(rows, [r#"["b",[2,3],null]"#, r#"["c",[],3]"#]);
}

proptest! {
    #[test]
    fn integers_read_back_as_themselves(values in prop::collection::vec(any::<i64>(), 1..20)) {
        let text = json(Int64Array::from(values.clone()));
        let read: Vec<i64> = text.split(' ').map(|cell| cell.parse().expect("a number")).collect();
        prop_assert_eq!(read, values);
    }

    #[test]
    fn decimals_read_back_as_themselves(value in any::<i128>(), scale in 0i8..=38) {
        let value = value % 10i128.pow(38);
        let column = Decimal128Array::from(vec![value]).with_precision_and_scale(38, scale);
        let text = json(column.expect("a scale"));
        let digits = text.trim_matches('"').replace('.', "");
        prop_assert_eq!(digits.parse::<i128>().expect("digits"), value);
        let fraction = text.trim_matches('"').split_once('.').map_or(0, |(_, f)| f.len());
        prop_assert_eq!(fraction, usize::from(scale.unsigned_abs()));
    }

    #[test]
    fn timestamps_read_back_as_themselves(micros in -62_135_596_800_000_000i64..253_402_300_800_000_000) {
        let column = TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC");
        let text = json(column);
        let read = chrono::DateTime::parse_from_rfc3339(text.trim_matches('"')).expect("RFC 3339");
        prop_assert_eq!(read.timestamp_micros(), micros);
    }
}

#[test]
fn arrays_are_nested_by_the_dimensions_of_each_value() {
    let values = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
        Some((1..=6).map(Some).collect()),
        Some((1..=6).map(Some).collect()),
        // What can't be true is not believed.
        Some(vec![Some(7), Some(8)]),
    ]);
    let dimensions = ListArray::from_iter_primitive::<Int32Type, _, _>([
        None,
        None,
        None,
        Some(vec![Some(2), Some(3)]),
        Some(vec![Some(3), Some(1), Some(2)]),
        Some(vec![Some(2), Some(2)]),
    ]);
    let nulls = values.nulls().cloned();
    let fields = vec![
        Field::new("values", values.data_type().clone(), true),
        Field::new("dimensions", dimensions.data_type().clone(), true),
    ];
    let column = StructArray::new(
        fields.into(),
        vec![Arc::new(values), Arc::new(dimensions)],
        nulls,
    );
    assert_eq!(
        json_with(column, &[("datachat.layout", "array")]),
        "[1,null] null [] [[1,2,3],[4,5,6]] [[[1,2]],[[3,4]],[[5,6]]] [7,8]"
    );
}

#[test]
fn nan_among_decimals_is_named_where_the_field_says_so() {
    let column = || {
        Decimal128Array::from(vec![Some(110), Some(i128::MIN)])
            .with_precision_and_scale(10, 2)
            .expect("a scale")
    };
    assert_eq!(
        json_with(column(), &[("datachat.nan", "sentinel")]),
        r#""1.10" "NaN""#
    );
    assert_ne!(json(column()), r#""1.10" "NaN""#);
}

#[test]
fn infinite_intervals_are_named_where_the_field_says_so() {
    let column =
        IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::MAX, IntervalMonthDayNano::MIN]);
    assert_eq!(
        json_with(column, &[("datachat.infinity", "sentinel")]),
        r#""infinity" "-infinity""#
    );
}
