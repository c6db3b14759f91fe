use arrow_array::builder::{Int32Builder, ListBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{Decimal128Array, Int32Array};

use super::*;

fn marked(name: &str, data_type: DataType, key: &str, value: &str) -> FieldRef {
    let metadata = [
        (key.to_owned(), value.to_owned()),
        ("datachat.db_type".to_owned(), "t".to_owned()),
    ];
    Arc::new(
        Field::new(name, data_type, true).with_metadata(std::collections::HashMap::from(metadata)),
    )
}

/// `{1,null}`, null, `{}` and, with two dimensions, `{{3,4}}`.
fn arrays(with_two_dimensions: bool) -> (FieldRef, ArrayRef) {
    let mut values = ListBuilder::new(Int32Builder::new());
    let mut dimensions = ListBuilder::new(Int32Builder::new());
    values.append_value([Some(1), None]);
    values.append_null();
    values.append_value([]);
    dimensions.append_nulls(3);
    if with_two_dimensions {
        values.append_value([Some(3), Some(4)]);
        dimensions.append_value([Some(1), Some(2)]);
    }
    let values: ArrayRef = Arc::new(values.finish());
    let dimensions: ArrayRef = Arc::new(dimensions.finish());
    let nulls = values.nulls().cloned();
    let fields: Fields = vec![
        Field::new("values", values.data_type().clone(), true),
        Field::new("dimensions", dimensions.data_type().clone(), true),
    ]
    .into();
    let array = StructArray::new(fields.clone(), vec![values, dimensions], nulls);
    let field = marked("xs", DataType::Struct(fields), LAYOUT, "array");
    (field, Arc::new(array))
}

fn convert(field: FieldRef, column: ArrayRef) -> Result<RecordBatch, NotPlain> {
    let batch_schema = Arc::new(Schema::new(vec![field]));
    let plain = Arc::new(schema(&batch_schema));
    let from = RecordBatch::try_new(batch_schema, vec![column]).expect("a batch");
    batch(&from, &plain)
}

#[test]
fn arrays_of_one_dimension_become_lists() {
    let (field, column) = arrays(false);
    let plain = convert(field, column).expect("plain");
    let expected = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    assert_eq!(plain.column(0).as_list::<i32>(), &expected);
    let schema = plain.schema();
    assert_eq!(schema.field(0).metadata().len(), 1);
    assert_eq!(schema.field(0).metadata()["datachat.db_type"], "t");
}

#[test]
fn an_array_of_two_dimensions_is_refused_by_the_name_of_its_column() {
    let (field, column) = arrays(true);
    assert_eq!(
        convert(field, column),
        Err(NotPlain::Dimensions("xs".to_owned()))
    );
}

#[test]
fn a_slice_without_the_second_dimension_is_plain() {
    let (field, column) = arrays(true);
    assert!(convert(field, column.slice(0, 3)).is_ok());
}

#[test]
fn arrays_inside_of_other_types_become_lists_too() {
    let (field, column) = arrays(false);
    let fields: Fields = vec![field].into();
    let inner: ArrayRef = Arc::new(StructArray::new(fields.clone(), vec![column], None));
    let field = Arc::new(Field::new("s", DataType::Struct(fields), true));
    let plain = convert(field, inner).expect("plain");
    let inner = plain.column(0).as_struct().column(0);
    assert_eq!(
        inner.as_list::<i32>().value(0).as_ref(),
        &Int32Array::from(vec![Some(1), None])
    );
    let (field, column) = arrays(true);
    let fields: Fields = vec![field].into();
    let inner: ArrayRef = Arc::new(StructArray::new(fields.clone(), vec![column], None));
    let field = Arc::new(Field::new("s", DataType::Struct(fields), true));
    assert_eq!(
        convert(field, inner),
        Err(NotPlain::Dimensions("s".to_owned()))
    );
}

#[test]
fn nan_among_decimals_is_refused_only_where_the_least_integer_means_it() {
    let decimals = |values: Vec<Option<i128>>| -> ArrayRef {
        Arc::new(
            Decimal128Array::from(values)
                .with_precision_and_scale(10, 2)
                .expect("a scale"),
        )
    };
    let field = || marked("d", DataType::Decimal128(10, 2), NAN, SENTINEL);
    let plain = convert(field(), decimals(vec![Some(1), None])).expect("plain");
    assert!(!plain.schema().field(0).metadata().contains_key(NAN));
    assert_eq!(
        convert(field(), decimals(vec![Some(1), Some(i128::MIN)])),
        Err(NotPlain::Nan("d".to_owned()))
    );
    let unmarked = Arc::new(Field::new("d", DataType::Decimal128(10, 2), true));
    assert!(convert(unmarked, decimals(vec![Some(i128::MIN)])).is_ok());
}

#[test]
fn a_mark_on_another_type_is_no_array() {
    let field = marked("n", DataType::Int32, LAYOUT, "array");
    let column: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    assert_eq!(array_item(&field), None);
    assert!(convert(field, column).is_ok());
}
