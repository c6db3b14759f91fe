use arrow_array::types::{Decimal256Type, TimestampSecondType};
use arrow_array::{FixedSizeBinaryArray, Int8Array, UInt8Array, UInt16Array, UInt32Array};
use arrow_schema::{Field, Fields};

use super::super::{Strings, parse, plan};
use super::*;

#[allow(clippy::needless_pass_by_value)] // arrays are made where they are passed
fn converted(ty: &str, array: ArrayRef) -> Result<ArrayRef, ConvertError> {
    let ty = parse(ty).expect("a type");
    let columns = vec![("c".to_owned(), ty.clone())];
    let plan = plan(columns, Strings::default(), "Europe/Berlin").expect("a plan");
    let target = plan.schema.field(0).data_type();
    let array = convert(&ty, &array, target)?;
    assert_eq!(array.data_type(), target, "{ty}");
    array.to_data().validate_full().expect("valid Arrow");
    Ok(array)
}

#[test]
fn a_number_becomes_the_moment_or_the_name_that_it_stands_for() {
    let seconds: ArrayRef = Arc::new(UInt32Array::from(vec![u32::MAX]));
    let time = converted("DateTime", seconds).expect("a time");
    assert_eq!(
        time.as_primitive::<TimestampSecondType>().value(0),
        i64::from(u32::MAX)
    );
    let numbers: ArrayRef = Arc::new(Int8Array::from(vec![Some(-1), None, Some(2)]));
    let names = converted("Nullable(Enum8('it''s' = 2, 'a=b' = -1))", numbers).expect("names");
    let names = names.as_dictionary::<Int32Type>();
    let names: Vec<_> = names
        .downcast_dict::<StringArray>()
        .expect("texts")
        .into_iter()
        .collect();
    assert_eq!(names, [Some("a=b"), None, Some("it's")]);
    let nobodys = Int8Array::new(vec![2, 99].into(), Some(vec![true, false].into()));
    let names = converted("Nullable(Enum8('b' = 2))", Arc::new(nobodys)).expect("names");
    assert!(names.is_valid(0) && names.is_null(1));
    let unknown: ArrayRef = Arc::new(Int8Array::from(vec![7]));
    assert_eq!(
        converted("Enum8('a' = 1)", unknown).expect_err("no name"),
        ConvertError::NotOfEnum(7)
    );
}

#[test]
fn wide_numbers_and_addresses_are_read_from_their_bytes() {
    let bytes: ArrayRef =
        Arc::new(FixedSizeBinaryArray::try_from_iter([[0xff; 16]].into_iter()).expect("an array"));
    let wide = converted("UInt128", Arc::clone(&bytes)).expect("a number");
    assert_eq!(
        wide.as_primitive::<Decimal256Type>().value(0).to_string(),
        u128::MAX.to_string()
    );
    let address = converted("IPv6", bytes).expect("an address");
    assert_eq!(
        address.as_string::<i32>().value(0),
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    );
    let numbers = vec![Some(0x0102_0304), None, Some(u32::MAX), Some(0)];
    let addresses: ArrayRef = Arc::new(UInt32Array::from(numbers));
    let addresses = converted("Nullable(IPv4)", addresses).expect("addresses");
    let addresses: Vec<_> = addresses.as_string::<i32>().iter().collect();
    assert_eq!(
        addresses,
        [
            Some("1.2.3.4"),
            None,
            Some("255.255.255.255"),
            Some("0.0.0.0")
        ]
    );
}

#[test]
fn bytes_are_text_only_if_they_are() {
    let good: ArrayRef = Arc::new(BinaryArray::from(vec!["é".as_bytes()]));
    let text = converted("String", good).expect("text");
    assert_eq!(text.as_string::<i32>().value(0), "é");
    let bad: ArrayRef = Arc::new(BinaryArray::from(vec![&[0xff][..]]));
    assert_eq!(
        converted("String", bad).expect_err("no text"),
        ConvertError::NotText
    );
}

#[test]
fn what_lies_within_other_values_is_converted_too() {
    let seconds = UInt32Array::from(vec![1, 2]);
    let item = Arc::new(Field::new("item", DataType::UInt32, false));
    let offsets = arrow_buffer::OffsetBuffer::from_lengths([2, 0]);
    let list: ArrayRef = Arc::new(ListArray::new(item, offsets, Arc::new(seconds), None));
    let times = converted("Array(DateTime('UTC'))", list).expect("times");
    let times = times.as_list::<i32>().value(0);
    assert_eq!(times.as_primitive::<TimestampSecondType>().value(1), 2);

    let numbers = |value: f64| Arc::new(Float64Array::from(vec![value])) as ArrayRef;
    let fields: Fields = ["1", "2"]
        .map(|name| Field::new(name, DataType::Float64, false))
        .to_vec()
        .into();
    let point: ArrayRef = Arc::new(StructArray::new(
        fields,
        vec![numbers(1.0), numbers(2.0)],
        None,
    ));
    let point = converted("Point", point).expect("a point");
    let pair = point.as_fixed_size_list().value(0);
    assert_eq!(
        pair.as_primitive::<arrow_array::types::Float64Type>()
            .values(),
        &[1.0, 2.0]
    );
}

#[test]
fn layouts_of_servers_that_can_not_be_told_are_taken_too() {
    // Dictionaries unfolded, with a NULL.
    let words: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("a")]));
    let words = converted("LowCardinality(Nullable(String))", words).expect("words");
    let words: Vec<_> = words
        .as_dictionary::<Int32Type>()
        .downcast_dict::<StringArray>()
        .expect("texts")
        .into_iter()
        .collect();
    assert_eq!(words, [Some("a"), None, Some("a")]);
    // Keys of another width.
    let keys = UInt8Array::from(vec![Some(1), None, Some(0)]);
    let values: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
    let narrow: ArrayRef = Arc::new(
        DictionaryArray::<arrow_array::types::UInt8Type>::try_new(keys, values).expect("words"),
    );
    let narrow = converted("LowCardinality(Nullable(String))", narrow).expect("words");
    assert_eq!(narrow.as_dictionary::<Int32Type>().key(0), Some(1));
    assert!(narrow.is_null(1));
    // Dates as days without a sign.
    let days: ArrayRef = Arc::new(UInt16Array::from(vec![u16::MAX]));
    let days = converted("Date", days).expect("a date");
    assert_eq!(
        days.as_primitive::<arrow_array::types::Date32Type>()
            .value(0),
        65_535
    );
}

#[test]
fn another_type_than_the_servers_own_is_an_error() {
    let numbers: ArrayRef = Arc::new(UInt32Array::from(vec![1]));
    for ty in [
        "Float64",
        "String",
        "UUID",
        "Array(UInt8)",
        "Tuple(UInt8)",
        "Point",
    ] {
        assert!(
            matches!(
                converted(ty, Arc::clone(&numbers)),
                Err(ConvertError::Unexpected { .. })
            ),
            "{ty}"
        );
    }
}
