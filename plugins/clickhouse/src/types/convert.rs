//! From the arrays of the server's Arrow stream to those of the plan.
//!
//! The server's writer loses what its own types know: a `DateTime` comes as a bare number, an `Enum` as the
//! number of a name. Which arrays need work follows from their types, so a column whose layout is the plan's
//! already is never touched ([`same_layout`]). Settings that a server may not let us choose (strings as
//! binary, dictionaries unfolded) make other layouts, which are converted too.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int8Type, Int16Type, Int32Type, Int64Type, UInt16Type, UInt32Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, Date32Array, Decimal256Array, DictionaryArray,
    FixedSizeListArray, Float32Array, Float64Array, Int32Array, ListArray, MapArray, StringArray,
    StructArray, UInt32Array, make_array, new_null_array,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, FieldRef, TimeUnit};

use super::bytes;
use super::{Element, Enum, Geo, Type};

/// Why an array could not become what the plan says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    #[error("it holds bytes that are no UTF-8 text")]
    NotText,
    #[error("its texts are too long for one batch")]
    TooLong,
    #[error("the server sent {got} for the type {ty}")]
    Unexpected { ty: String, got: String },
    #[error("the server sent the number {0}, which is none of the enumeration")]
    NotOfEnum(i64),
    #[error("{0}")]
    Arrow(String),
}

/// Whether arrays of one type are arrays of the other in all but the names of their fields and zones.
pub fn same_layout(a: &DataType, b: &DataType) -> bool {
    let field = |a: &FieldRef, b: &FieldRef| same_layout(a.data_type(), b.data_type());
    match (a, b) {
        (DataType::Timestamp(a, _), DataType::Timestamp(b, _)) => a == b,
        (DataType::List(a), DataType::List(b)) | (DataType::Map(a, _), DataType::Map(b, _)) => {
            field(a, b)
        }
        (DataType::FixedSizeList(a, n), DataType::FixedSizeList(b, m)) => n == m && field(a, b),
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| field(a, b))
        }
        (DataType::Dictionary(k, a), DataType::Dictionary(l, b)) => k == l && same_layout(a, b),
        (a, b) => a == b,
    }
}

/// The array as `target`, which the plan has for `ty`.
///
/// # Errors
/// [`ConvertError`].
pub fn convert(ty: &Type, array: &ArrayRef, target: &DataType) -> Result<ArrayRef, ConvertError> {
    if array.data_type() == target {
        return Ok(Arc::clone(array));
    }
    if let DataType::Null = array.data_type() {
        return Ok(new_null_array(target, array.len()));
    }
    match ty {
        Type::Nullable(inner) | Type::SimpleAggregateFunction(_, inner) => {
            convert(inner, array, target)
        }
        Type::LowCardinality(inner) => low_cardinality(inner, array, target),
        Type::Int { bits: 128, signed } => wide(array, *signed, target),
        Type::Int { bits: 256, signed } => texts(array, 32, |b| {
            Some(bytes::widest(b.try_into().ok()?, *signed))
        }),
        Type::BFloat16 => bfloat16(array),
        Type::String
        | Type::Json(_)
        | Type::Object(_)
        | Type::Dynamic(_)
        | Type::Variant(_)
        | Type::Geo(Geo::Geometry) => string(ty, array, target),
        Type::FixedString(length) => fixed_string(ty, array, *length, target),
        Type::Date | Type::Date32 => date(ty, array),
        Type::DateTime(_) | Type::DateTime64(..) | Type::Time | Type::Time64(_) => {
            time(ty, array, target)
        }
        Type::Ipv4 => match array.data_type() {
            DataType::UInt32 => ipv4(array.as_primitive()),
            _ => string(ty, array, target),
        },
        Type::Ipv6 => texts(array, 16, |b| Some(bytes::ipv6(b.try_into().ok()?))),
        Type::Enum(names) => enumeration(ty, names, array),
        Type::Array(inner) | Type::QBit(inner, _) => list(ty, array, target, |values, target| {
            convert(inner, values, target)
        }),
        Type::Nested(elements) => list(ty, array, target, |values, target| {
            structure(ty, elements, values, target)
        }),
        Type::Tuple(elements) => structure(ty, elements, array, target),
        Type::Map(key, value) => map(ty, key, value, array, target),
        Type::Geo(geo) => geometry(ty, geo.depth(), array, target),
        _ => Err(unexpected(ty, array)),
    }
}

fn unexpected(ty: &Type, array: &dyn Array) -> ConvertError {
    ConvertError::Unexpected {
        ty: ty.to_string(),
        got: array.data_type().to_string(),
    }
}

#[allow(clippy::needless_pass_by_value)] // as map_err passes it
fn arrow(error: arrow_schema::ArrowError) -> ConvertError {
    ConvertError::Arrow(error.to_string())
}

/// The same buffers by another name.
fn relabel(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, ConvertError> {
    let data = array.to_data().into_builder().data_type(target.clone());
    Ok(make_array(data.build().map_err(arrow)?))
}

fn low_cardinality(
    inner: &Type,
    array: &ArrayRef,
    target: &DataType,
) -> Result<ArrayRef, ConvertError> {
    let DataType::Dictionary(_, values_target) = target else {
        return convert(inner, array, target);
    };
    #[allow(clippy::single_match_else)] // the second arm's comment explains it
    let (keys, values) = match array.data_type() {
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let values = convert(inner, dictionary.values(), values_target)?;
            let keys = dictionary.keys();
            let keys = if let Some(keys) = keys.as_primitive_opt::<Int32Type>() {
                keys.clone()
            } else {
                let numbers = dictionary.normalized_keys();

                numbers
                    .into_iter()
                    .enumerate()
                    .map(|(row, key)| {
                        keys.is_valid(row)
                            .then(|| i32::try_from(key).unwrap_or_default())
                    })
                    .collect::<Int32Array>()
            };
            (keys, values)
        }
        // Unfolded: every row is a value of its own.
        _ => {
            if let Type::Enum(_) = inner.bare().0 {
                return convert(inner, array, target);
            }
            let values = convert(inner, array, values_target)?;
            let keys = (0..array.len())
                .map(|row| {
                    array
                        .is_valid(row)
                        .then(|| i32::try_from(row).unwrap_or_default())
                })
                .collect::<Int32Array>();
            (keys, values)
        }
    };
    Ok(Arc::new(
        DictionaryArray::<Int32Type>::try_new(keys, values).map_err(arrow)?,
    ))
}

/// The addresses as people write them, without a text of its own for each.
fn ipv4(numbers: &UInt32Array) -> Result<ArrayRef, ConvertError> {
    let mut texts = Vec::with_capacity(numbers.len() * bytes::IPV4_LENGTH);
    let mut ends = Vec::with_capacity(numbers.len() + 1);
    ends.push(0);
    for (row, number) in numbers.values().iter().enumerate() {
        if numbers.is_valid(row) {
            bytes::write_ipv4(*number, &mut texts);
        }
        ends.push(i32::try_from(texts.len()).map_err(|_| ConvertError::TooLong)?);
    }
    let ends = OffsetBuffer::new(ends.into());
    let texts = StringArray::try_new(ends, texts.into(), numbers.nulls().cloned());
    Ok(Arc::new(texts.map_err(arrow)?))
}

/// Texts made of values of `length` bytes each.
fn texts(
    array: &ArrayRef,
    length: usize,
    text: impl Fn(&[u8]) -> Option<String>,
) -> Result<ArrayRef, ConvertError> {
    let values = fixed(array, length)?;
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 16);
    for row in 0..array.len() {
        match values.get(row).and_then(&text) {
            Some(text) => texts.append_value(text),
            None => texts.append_null(),
        }
    }
    Ok(Arc::new(texts.finish()))
}

/// Values of one length, from either layout that servers use for them.
enum Fixed<'a> {
    Sized(&'a arrow_array::FixedSizeBinaryArray),
    Binary(&'a BinaryArray),
    Text(&'a StringArray),
}

impl Fixed<'_> {
    fn get(&self, row: usize) -> Option<&[u8]> {
        match self {
            Self::Sized(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Binary(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Text(array) => array.is_valid(row).then(|| array.value(row).as_bytes()),
        }
    }
}

fn fixed(array: &ArrayRef, length: usize) -> Result<Fixed<'_>, ConvertError> {
    let wrong = || ConvertError::Unexpected {
        ty: format!("a value of {length} bytes"),
        got: array.data_type().to_string(),
    };
    let values = match array.data_type() {
        DataType::FixedSizeBinary(size) if usize::try_from(*size) == Ok(length) => {
            Fixed::Sized(array.as_fixed_size_binary())
        }
        DataType::Binary => Fixed::Binary(array.as_binary()),
        DataType::Utf8 => Fixed::Text(array.as_string()),
        _ => return Err(wrong()),
    };
    let fits = (0..array.len()).all(|row| values.get(row).is_none_or(|v| v.len() == length));
    if fits { Ok(values) } else { Err(wrong()) }
}

fn wide(array: &ArrayRef, signed: bool, target: &DataType) -> Result<ArrayRef, ConvertError> {
    let values = fixed(array, 16)?;
    let numbers: Decimal256Array = (0..array.len())
        .map(|row| {
            let bytes = values.get(row)?.try_into().ok()?;
            Some(bytes::wide(bytes, signed))
        })
        .collect();
    Ok(Arc::new(numbers.with_data_type(target.clone())))
}

fn bfloat16(array: &ArrayRef) -> Result<ArrayRef, ConvertError> {
    let values = fixed(array, 2)?;
    Ok(Arc::new(
        (0..array.len())
            .map(|row| Some(bytes::bfloat16(values.get(row)?.try_into().ok()?)))
            .collect::<Float32Array>(),
    ))
}

fn string(ty: &Type, array: &ArrayRef, target: &DataType) -> Result<ArrayRef, ConvertError> {
    match (array.data_type(), target) {
        (DataType::Binary, DataType::Utf8) => {
            let binary = array.as_binary::<i32>().clone();
            let text = StringArray::try_from_binary(binary).map_err(|_| ConvertError::NotText)?;
            Ok(Arc::new(text))
        }
        (DataType::Utf8, DataType::Binary) => Ok(Arc::new(BinaryArray::from(
            array.as_string::<i32>().clone(),
        ))),
        _ => Err(unexpected(ty, array)),
    }
}

fn fixed_string(
    ty: &Type,
    array: &ArrayRef,
    length: u32,
    target: &DataType,
) -> Result<ArrayRef, ConvertError> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let values = fixed(array, length).map_err(|_| unexpected(ty, array))?;
    if let DataType::FixedSizeBinary(size) = target {
        let rows = (0..array.len()).map(|row| values.get(row));
        return Ok(Arc::new(
            arrow_array::FixedSizeBinaryArray::try_from_sparse_iter_with_size(rows, *size)
                .map_err(arrow)?,
        ));
    }
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * length);
    for row in 0..array.len() {
        match values.get(row) {
            Some(value) => texts.append_value(
                std::str::from_utf8(bytes::trimmed(value)).map_err(|_| ConvertError::NotText)?,
            ),
            None => texts.append_null(),
        }
    }
    Ok(Arc::new(texts.finish()))
}

fn date(ty: &Type, array: &ArrayRef) -> Result<ArrayRef, ConvertError> {
    match array.data_type() {
        DataType::UInt16 => {
            let days = array.as_primitive::<UInt16Type>();
            Ok(Arc::new(days.unary::<_, arrow_array::types::Date32Type>(i32::from)) as ArrayRef)
        }
        DataType::Int32 => {
            let days = array.as_primitive::<Int32Type>();
            Ok(Arc::new(
                days.reinterpret_cast::<arrow_array::types::Date32Type>(),
            ))
        }
        DataType::Date32 => Ok(Arc::new(Date32Array::from(array.to_data()))),
        _ => Err(unexpected(ty, array)),
    }
}

/// Points and lengths of time: 64 bits in the target's unit.
fn time(ty: &Type, array: &ArrayRef, target: &DataType) -> Result<ArrayRef, ConvertError> {
    let unit = match target {
        DataType::Timestamp(unit, _) | DataType::Duration(unit) => *unit,
        _ => return Err(unexpected(ty, array)),
    };
    let same = |source: &TimeUnit| *source == unit;
    let numbers: ArrayRef = match array.data_type() {
        DataType::UInt32 if unit == TimeUnit::Second => {
            let seconds = array.as_primitive::<UInt32Type>();
            Arc::new(seconds.unary::<_, Int64Type>(i64::from))
        }
        DataType::Time32(source) if same(source) => {
            let data = array.to_data().into_builder().data_type(DataType::Int32);
            let numbers = Int32Array::from(data.build().map_err(arrow)?);
            Arc::new(numbers.unary::<_, Int64Type>(i64::from))
        }
        DataType::Timestamp(source, _) | DataType::Time64(source) | DataType::Duration(source)
            if same(source) =>
        {
            Arc::clone(array)
        }
        _ => return Err(unexpected(ty, array)),
    };
    relabel(&numbers, target)
}

fn enumeration(ty: &Type, names: &Enum, array: &ArrayRef) -> Result<ArrayRef, ConvertError> {
    let values: ArrayRef = Arc::new(StringArray::from_iter_values(
        names.names.iter().map(|(name, _)| name),
    ));
    // Indexed by the number, shifted to start at 0.
    let mut keys = vec![-1i32; 1 << 16];
    let slot = |number: i16| usize::from(number.wrapping_sub(i16::MIN).cast_unsigned());
    for (key, (_, number)) in names.names.iter().enumerate() {
        keys[slot(*number)] = i32::try_from(key).unwrap_or(-1);
    }
    let key = |row: usize, number: i16| match keys[slot(number)] {
        // What stands under a NULL is nobody's number.
        _ if array.is_null(row) => Ok(0),
        -1 => Err(ConvertError::NotOfEnum(number.into())),
        key => Ok(key),
    };
    let keys: Vec<i32> = match array.data_type() {
        DataType::Int8 => {
            let numbers = array.as_primitive::<Int8Type>().values().iter();
            let numbers = numbers.map(|number| i16::from(*number)).enumerate();
            numbers
                .map(|(row, number)| key(row, number))
                .collect::<Result<_, _>>()?
        }
        DataType::Int16 => {
            let numbers = array.as_primitive::<Int16Type>().values().iter();
            numbers
                .enumerate()
                .map(|(row, number)| key(row, *number))
                .collect::<Result<_, _>>()?
        }
        _ => return Err(unexpected(ty, array)),
    };
    let keys = Int32Array::new(keys.into(), array.nulls().cloned());
    Ok(Arc::new(
        DictionaryArray::<Int32Type>::try_new(keys, values).map_err(arrow)?,
    ))
}

fn list(
    ty: &Type,
    array: &ArrayRef,
    target: &DataType,
    items: impl FnOnce(&ArrayRef, &DataType) -> Result<ArrayRef, ConvertError>,
) -> Result<ArrayRef, ConvertError> {
    let (Some(list), DataType::List(field)) = (array.as_list_opt::<i32>(), target) else {
        return Err(unexpected(ty, array));
    };
    let values = items(list.values(), field.data_type())?;
    let list = ListArray::try_new(
        Arc::clone(field),
        list.offsets().clone(),
        values,
        list.nulls().cloned(),
    );
    Ok(Arc::new(list.map_err(arrow)?))
}

fn structure(
    ty: &Type,
    elements: &[Element],
    array: &ArrayRef,
    target: &DataType,
) -> Result<ArrayRef, ConvertError> {
    let (Some(source), DataType::Struct(fields)) = (array.as_struct_opt(), target) else {
        return Err(unexpected(ty, array));
    };
    if source.num_columns() != elements.len() || fields.len() != elements.len() {
        return Err(unexpected(ty, array));
    }
    if fields.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(
            source.len(),
            source.nulls().cloned(),
        )));
    }
    let columns = elements
        .iter()
        .zip(source.columns())
        .zip(fields)
        .map(|((element, column), field)| convert(&element.ty, column, field.data_type()))
        .collect::<Result<Vec<_>, _>>()?;
    let structure = StructArray::try_new(fields.clone(), columns, source.nulls().cloned());
    Ok(Arc::new(structure.map_err(arrow)?))
}

fn map(
    ty: &Type,
    key: &Type,
    value: &Type,
    array: &ArrayRef,
    target: &DataType,
) -> Result<ArrayRef, ConvertError> {
    let (Some(map), DataType::Map(field, sorted)) = (array.as_map_opt(), target) else {
        return Err(unexpected(ty, array));
    };
    let DataType::Struct(fields) = field.data_type() else {
        return Err(unexpected(ty, array));
    };
    let [key_field, value_field] = &fields[..] else {
        return Err(unexpected(ty, array));
    };
    let entries = StructArray::try_new(
        fields.clone(),
        vec![
            convert(key, map.keys(), key_field.data_type())?,
            convert(value, map.values(), value_field.data_type())?,
        ],
        None,
    );
    let map = MapArray::try_new(
        Arc::clone(field),
        map.offsets().clone(),
        entries.map_err(arrow)?,
        map.nulls().cloned(),
        *sorted,
    );
    Ok(Arc::new(map.map_err(arrow)?))
}

/// Points, which come as structs of two numbers, inside of `depth` lists.
fn geometry(
    ty: &Type,
    depth: usize,
    array: &ArrayRef,
    target: &DataType,
) -> Result<ArrayRef, ConvertError> {
    if depth > 0 {
        return list(ty, array, target, |values, target| {
            geometry(ty, depth - 1, values, target)
        });
    }
    let (Some(point), DataType::FixedSizeList(field, 2)) = (array.as_struct_opt(), target) else {
        return Err(unexpected(ty, array));
    };
    let number =
        |index: usize| -> Option<&Float64Array> { point.columns().get(index)?.as_primitive_opt() };
    let (Some(x), Some(y)) = (number(0), number(1)) else {
        return Err(unexpected(ty, array));
    };
    let numbers: Float64Array = x
        .values()
        .iter()
        .zip(y.values())
        .flat_map(|(x, y)| [*x, *y])
        .map(Some)
        .collect();
    // Without gaps where there is none: the field says that there are none.
    let numbers = Float64Array::new(numbers.values().clone(), None);
    let points = FixedSizeListArray::try_new(
        Arc::clone(field),
        2,
        Arc::new(numbers),
        point.nulls().cloned(),
    );
    Ok(Arc::new(points.map_err(arrow)?))
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
