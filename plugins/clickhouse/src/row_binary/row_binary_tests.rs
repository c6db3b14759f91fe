use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Decimal256Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use proptest::prelude::*;

use super::*;
use crate::types::{Strings, plan};

fn decoder(types: &[&str]) -> RowDecoder {
    let columns = types
        .iter()
        .enumerate()
        .map(|(index, ty)| (format!("c{index}"), parse(ty).expect(ty)))
        .collect();
    let plan = plan(columns, Strings::default(), "UTC").expect("a plan");
    RowDecoder::new(&plan).expect("a decoder")
}

/// The one column of rows of these bytes.
fn column(ty: &str, rows: &[&[u8]]) -> ArrayRef {
    let mut decoder = decoder(&[ty]);
    for row in rows {
        assert_eq!(decoder.push(row), Ok(row.len()), "{ty}");
    }
    let batch = decoder.finish().expect(ty);
    Arc::clone(batch.column(0))
}

#[test]
fn a_row_that_is_not_all_there_leaves_nothing_behind() {
    let mut decoder = decoder(&["UInt8", "String", "Array(UInt16)"]);
    let row = [7, 2, b'a', b'b', 2, 1, 0, 2, 0];
    for end in 0..row.len() {
        assert_eq!(decoder.push(&row[..end]), Err(RowError::Short), "{end}");
    }
    assert_eq!(decoder.push(&row), Ok(row.len()));
    let batch = decoder.finish().expect("a batch");
    assert_eq!(batch.num_rows(), 1);
    assert_eq!(batch.column(1).as_string::<i32>().value(0), "ab");
}

#[test]
fn nulls_are_the_rows_and_not_the_values() {
    let numbers = column("Nullable(Int64)", &[&[1], &[0, 5, 0, 0, 0, 0, 0, 0, 0]]);
    let numbers = numbers.as_primitive::<Int64Type>();
    assert!(numbers.is_null(0));
    assert_eq!(numbers.value(1), 5);
    let words = column(
        "LowCardinality(Nullable(String))",
        &[&[0, 1, b'x'], &[1], &[0, 0]],
    );
    let words = words.as_any_dictionary();
    assert!(words.keys().is_null(1));
    assert_eq!(words.keys().null_count(), 1);
    let values = words.values().as_string::<i32>();
    assert_eq!((values.value(0), values.value(2)), ("x", ""));
}

#[test]
fn decimals_keep_their_sign_in_a_wider_number() {
    let small = column("Decimal(9, 2)", &[&(-110i32).to_le_bytes()]);
    assert_eq!(small.as_primitive::<Decimal128Type>().value(0), -110);
    let wide = column("Int128", &[&i128::MIN.to_le_bytes()]);
    assert_eq!(
        wide.as_primitive::<Decimal256Type>().value(0).to_string(),
        i128::MIN.to_string()
    );
    let unsigned = column("UInt128", &[&u128::MAX.to_le_bytes()]);
    assert_eq!(
        unsigned
            .as_primitive::<Decimal256Type>()
            .value(0)
            .to_string(),
        u128::MAX.to_string()
    );
}

#[test]
fn times_are_scaled_to_a_unit_that_arrow_has() {
    let time = column("DateTime64(5)", &[&12_345i64.to_le_bytes()]);
    let time = time.as_primitive::<TimestampMicrosecondType>();
    assert_eq!(time.value(0), 123_450);
    let mut far = decoder(&["DateTime64(8)"]);
    let error = far.push(&i64::MAX.to_le_bytes()).expect_err("too far");
    assert!(matches!(error, RowError::OutOfRange { column, .. } if column == "c0"));
}

#[test]
fn a_variant_is_json_of_whichever_type_it_is() {
    let values = column(
        "Variant(Array(Nullable(UInt8)), Decimal(9, 2), String, Tuple(a Float64, b DateTime64(3)))",
        &[
            &[0, 2, 0, 7, 1],
            &[&[1][..], &(-5i32).to_le_bytes()].concat(),
            &[2, 3, b'"', b'\n', b'x'],
            &[&[3][..], &f64::NAN.to_le_bytes(), &1_500i64.to_le_bytes()].concat(),
            &[255],
        ],
    );
    let values: Vec<Option<&str>> = values.as_string::<i32>().iter().collect();
    assert_eq!(
        values,
        [
            Some("[7,null]"),
            Some("\"-0.05\""),
            Some(r#""\"\nx""#),
            Some(r#"{"a":"NaN","b":"1970-01-01T00:00:01.500Z"}"#),
            None,
        ]
    );
}

#[test]
fn bytes_that_are_no_text_are_refused_by_the_columns_name() {
    let mut decoder = decoder(&["UInt8", "String"]);
    decoder.push(&[1, 1, 0xff]).expect("a row");
    assert_eq!(
        decoder.finish().expect_err("no text"),
        RowError::NotText {
            column: "c1".to_owned()
        }
    );
    // Two halves of a letter in two rows are no text either.
    let mut halves = self::decoder(&["String"]);
    halves.push(&[1, 0xc3]).expect("a row");
    halves.push(&[1, 0xa9]).expect("a row");
    assert!(halves.finish().is_err());
}

#[test]
fn geometry_has_its_points() {
    let point = [1.0f64.to_le_bytes(), 2.0f64.to_le_bytes()].concat();
    let ring = column("Ring", &[&[&[1][..], &point].concat(), &[0]]);
    let ring = ring.as_list::<i32>();
    assert_eq!((ring.value_length(0), ring.value_length(1)), (1, 0));
    let geometry = column("Geometry", &[&[&[3][..], &point].concat()]);
    assert_eq!(geometry.as_string::<i32>().value(0), "[1.0,2.0]");
}

#[test]
fn lies_about_sizes_are_errors() {
    for (ty, bytes) in [
        ("Bool", &[2][..]),
        ("Nullable(UInt8)", &[9, 0]),
        ("Variant(UInt8)", &[7]),
        ("Enum8('a' = 1)", &[2]),
        (
            "String",
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ),
        ("Array(Tuple())", &[0xff, 0xff, 0xff, 0x7f]),
    ] {
        let error = decoder(&[ty]).push(bytes).expect_err(ty);
        assert!(matches!(error, RowError::Malformed(_)), "{ty}: {error}");
    }
    let plan = plan(
        vec![("d".to_owned(), parse("Array(Dynamic)").expect("a type"))],
        Strings::default(),
        "UTC",
    );
    assert!(matches!(
        RowDecoder::new(&plan.expect("a plan")),
        Err(RowError::Unsupported(_))
    ));
}

#[test]
fn a_header_is_read_once_it_is_all_there() {
    let bytes = b"\x02\x01a\x01b\x05UInt8\x0dArray(String)";
    for end in 0..bytes.len() {
        assert_eq!(header(&bytes[..end]), Err(RowError::Short), "{end}");
    }
    let (columns, length) = header(bytes).expect("a header");
    assert_eq!(length, bytes.len());
    assert_eq!(columns[1].1.to_string(), "Array(String)");
    assert!(matches!(
        header(b"\x01\x01a\x03Foo"),
        Err(RowError::Malformed(_))
    ));
}

proptest! {
    #[test]
    fn any_bytes_are_rows_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut decoder = decoder(&[
            "Nullable(String)", "Array(Map(LowCardinality(String), Nullable(Decimal(20, 3))))",
            "Variant(Enum8('a' = 1), JSON)", "Tuple(a UUID, b Polygon)",
        ]);
        let mut at = 0;
        while let Ok(length @ 1..) = decoder.push(&bytes[at..]) {
            at += length;
        }
        if let Ok(batch) = decoder.finish() {
            for column in batch.columns() {
                column.to_data().validate_full().expect("valid Arrow");
            }
        }
    }
}
