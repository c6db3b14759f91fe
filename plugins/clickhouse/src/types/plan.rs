//! Which Arrow field a type becomes.
//!
//! | ClickHouse | Arrow |
//! |---|---|
//! | `Bool`, integers up to 64 bits, floats | the same; `BFloat16` float32 |
//! | `Int128`, `UInt128` | decimal256(39, 0) |
//! | `Int256`, `UInt256` | utf8, opaque: they have up to 78 digits, and decimal256 has 76 |
//! | `Decimal` | decimal128 up to 38 digits, else decimal256 |
//! | `String` | utf8, or binary if the connection says so |
//! | `FixedString` | fixed size binary, or utf8 without its trailing zeros if the connection says so |
//! | `Date`, `Date32` | date32 |
//! | `DateTime`, `DateTime64` | timestamp in the unit that holds the digits, with the zone |
//! | `Time`, `Time64` | duration |
//! | `Interval…` | int64 |
//! | `UUID` | `arrow.uuid` |
//! | `IPv4`, `IPv6` | utf8 |
//! | `Enum` | dictionary of utf8 |
//! | `LowCardinality` | dictionary |
//! | `Array`, `Nested`, `Map`, `Tuple` | list, list of struct, map, struct |
//! | `JSON`, `Object`, `Dynamic`, `Variant`, `Geometry` | `arrow.json` |
//! | `Point` | a fixed size list of two numbers, `geoarrow.point` |
//! | other geometry | lists of points, `geoarrow.…` where there is such a type |
//! | `QBit` | list of float32 or float64 |
//!
//! The state of an aggregate function has no value that anyone could read, and is refused with a hint.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};

use super::{Element, Geo, Type};

/// How a connection wants its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Strings {
    /// `String` is binary.
    pub binary: bool,
    /// `FixedString` is text.
    pub fixed_text: bool,
}

/// A column that Arrow can't have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column:?} has the type {ty}, which has no readable value")]
pub struct Unreadable {
    pub column: String,
    pub ty: String,
}

/// What a result becomes.
#[derive(Debug, Clone)]
pub struct Plan {
    pub types: Vec<Type>,
    pub schema: Arc<Schema>,
}

/// The plan for columns of these names and types; `zone` is the server's.
///
/// # Errors
/// [`Unreadable`], for the state of an aggregate function.
pub fn plan(
    columns: Vec<(String, Type)>,
    strings: Strings,
    zone: &str,
) -> Result<Plan, Unreadable> {
    let shaper = Shaper { strings, zone };
    let mut types = Vec::with_capacity(columns.len());
    let mut fields = Vec::with_capacity(columns.len());
    for (name, ty) in columns {
        if ty.any(&|ty| matches!(ty, Type::AggregateFunction(_))) {
            return Err(Unreadable {
                column: name,
                ty: ty.to_string(),
            });
        }
        fields.push(shaper.column(name, &ty));
        types.push(ty);
    }
    Ok(Plan {
        types,
        schema: Arc::new(Schema::new(fields)),
    })
}

const EXTENSION_NAME: &str = "ARROW:extension:name";
const EXTENSION_METADATA: &str = "ARROW:extension:metadata";

struct Shaper<'a> {
    strings: Strings,
    zone: &'a str,
}

impl Shaper<'_> {
    /// A column of a result, which carries its type's name.
    fn column(&self, name: String, ty: &Type) -> Field {
        let field = self.field(name, ty);
        let mut metadata = field.metadata().clone();
        metadata.insert("datachat.db_type".to_owned(), ty.to_string());
        field.with_metadata(metadata)
    }

    fn field(&self, name: impl Into<String>, ty: &Type) -> Field {
        let (bare, nullable) = ty.bare();
        let nullable = nullable || matches!(bare, Type::Nothing);
        let field = Field::new(name, self.data_type(ty), nullable);
        match extension(bare) {
            Some((name, metadata)) => field.with_metadata(HashMap::from([
                (EXTENSION_NAME.to_owned(), name.to_owned()),
                (EXTENSION_METADATA.to_owned(), metadata),
            ])),
            None => field,
        }
    }

    fn data_type(&self, ty: &Type) -> DataType {
        let zone = |zone: &Option<String>| Some(Arc::from(zone.as_deref().unwrap_or(self.zone)));
        match ty {
            Type::Nothing => DataType::Null,
            Type::Bool => DataType::Boolean,
            Type::Int { bits, signed } => integer(*bits, *signed),
            Type::Float32 | Type::BFloat16 => DataType::Float32,
            Type::Float64 => DataType::Float64,
            Type::Decimal { precision, scale } => {
                let scale = i8::try_from(*scale).unwrap_or_default();
                if *precision <= 38 {
                    DataType::Decimal128(*precision, scale)
                } else {
                    DataType::Decimal256(*precision, scale)
                }
            }
            Type::String if self.strings.binary => DataType::Binary,
            Type::FixedString(length) if !self.strings.fixed_text => {
                DataType::FixedSizeBinary(i32::try_from(*length).unwrap_or(i32::MAX))
            }
            Type::String
            | Type::FixedString(_)
            | Type::Ipv4
            | Type::Ipv6
            | Type::Json(_)
            | Type::Object(_)
            | Type::Dynamic(_)
            | Type::Variant(_)
            | Type::Geo(Geo::Geometry) => DataType::Utf8,
            Type::AggregateFunction(_) => DataType::Binary,
            Type::Date | Type::Date32 => DataType::Date32,
            Type::DateTime(name) => DataType::Timestamp(TimeUnit::Second, zone(name)),
            Type::DateTime64(digits, name) => DataType::Timestamp(unit(*digits), zone(name)),
            Type::Time => DataType::Duration(TimeUnit::Second),
            Type::Time64(digits) => DataType::Duration(unit(*digits)),
            Type::Interval(_) => DataType::Int64,
            Type::Uuid => DataType::FixedSizeBinary(16),
            Type::Enum(_) => dictionary(DataType::Utf8),
            Type::LowCardinality(inner) => match self.data_type(inner) {
                // Arrow knows no dictionary of dictionaries, and none of nested types.
                inner @ DataType::Dictionary(..) => inner,
                inner if inner.is_nested() => inner,
                inner => dictionary(inner),
            },
            Type::Nullable(inner) | Type::SimpleAggregateFunction(_, inner) => {
                self.data_type(inner)
            }
            Type::Array(inner) | Type::QBit(inner, _) => self.list(inner),
            Type::Nested(elements) => {
                let item = DataType::Struct(self.fields(elements));
                DataType::List(Arc::new(Field::new("item", item, false)))
            }
            Type::Tuple(elements) => DataType::Struct(self.fields(elements)),
            Type::Map(key, value) => {
                let entries = Fields::from(vec![
                    self.field("key", key).with_nullable(false),
                    self.field("value", value),
                ]);
                let entries = Field::new("entries", DataType::Struct(entries), false);
                DataType::Map(Arc::new(entries), false)
            }
            Type::Geo(geo) => {
                let mut shape = point();
                for _ in 0..geo.depth() {
                    shape = DataType::List(Arc::new(Field::new("item", shape, false)));
                }
                shape
            }
        }
    }

    fn list(&self, inner: &Type) -> DataType {
        DataType::List(Arc::new(self.field("item", inner)))
    }

    fn fields(&self, elements: &[Element]) -> Fields {
        elements
            .iter()
            .enumerate()
            .map(|(index, element)| match &element.name {
                Some(name) => self.field(name, &element.ty),
                None => self.field((index + 1).to_string(), &element.ty),
            })
            .collect()
    }
}

fn integer(bits: u16, signed: bool) -> DataType {
    match (bits, signed) {
        (8, true) => DataType::Int8,
        (16, true) => DataType::Int16,
        (32, true) => DataType::Int32,
        (64, true) => DataType::Int64,
        (8, false) => DataType::UInt8,
        (16, false) => DataType::UInt16,
        (32, false) => DataType::UInt32,
        (64, false) => DataType::UInt64,
        (128, _) => DataType::Decimal256(39, 0),
        _ => DataType::Utf8,
    }
}

/// The unit that holds so many digits after the second's point.
pub(crate) fn unit(digits: u8) -> TimeUnit {
    match digits {
        0 => TimeUnit::Second,
        1..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    }
}

/// How many digits after the second's point a unit has.
pub(crate) fn unit_digits(unit: TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

fn dictionary(values: DataType) -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(values))
}

fn point() -> DataType {
    DataType::FixedSizeList(Arc::new(Field::new("xy", DataType::Float64, false)), 2)
}

/// The canonical extension that says what a value is, where Arrow's type doesn't.
fn extension(ty: &Type) -> Option<(&'static str, String)> {
    let plain = |name| Some((name, String::new()));
    match ty {
        Type::Uuid => plain("arrow.uuid"),
        Type::Json(_)
        | Type::Object(_)
        | Type::Dynamic(_)
        | Type::Variant(_)
        | Type::Geo(Geo::Geometry) => plain("arrow.json"),
        Type::Int { bits: 256, .. } => Some((
            "arrow.opaque",
            format!(r#"{{"type_name":"{ty}","vendor_name":"ClickHouse"}}"#),
        )),
        Type::Geo(Geo::Point) => plain("geoarrow.point"),
        Type::Geo(Geo::LineString) => plain("geoarrow.linestring"),
        Type::Geo(Geo::Polygon) => plain("geoarrow.polygon"),
        Type::Geo(Geo::MultiLineString) => plain("geoarrow.multilinestring"),
        Type::Geo(Geo::MultiPolygon) => plain("geoarrow.multipolygon"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn column(ty: &str) -> Field {
        let columns = vec![("c".to_owned(), parse(ty).expect(ty))];
        let plan = plan(columns, Strings::default(), "Europe/Berlin").expect(ty);
        plan.schema.field(0).clone()
    }

    #[test]
    fn a_time_without_a_zone_has_the_servers() {
        assert_eq!(
            column("DateTime").data_type(),
            &DataType::Timestamp(TimeUnit::Second, Some("Europe/Berlin".into()))
        );
        assert_eq!(
            column("DateTime64(5, 'UTC')").data_type(),
            &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        );
    }

    #[test]
    fn only_what_may_be_null_is_nullable() {
        assert!(!column("UInt8").is_nullable());
        assert!(column("Nullable(UInt8)").is_nullable());
        assert!(column("LowCardinality(Nullable(String))").is_nullable());
        assert!(!column("Array(Nullable(UInt8))").is_nullable());
        assert!(column("Nullable(Nothing)").is_nullable());
        assert!(column("Variant(String, UInt8)").is_nullable());
    }

    #[test]
    fn every_column_names_its_type() {
        let field = column("Enum8('a' = 1)");
        assert_eq!(field.metadata()["datachat.db_type"], "Enum8('a' = 1)");
        let field = column("UInt256");
        assert_eq!(field.metadata()[EXTENSION_NAME], "arrow.opaque");
        assert_eq!(
            field.metadata()[EXTENSION_METADATA],
            r#"{"type_name":"UInt256","vendor_name":"ClickHouse"}"#
        );
    }

    #[test]
    fn the_state_of_an_aggregate_function_is_refused_by_its_column() {
        let ty = parse("Array(AggregateFunction(sum, UInt8))").expect("a type");
        let refused = plan(vec![("s".to_owned(), ty)], Strings::default(), "UTC");
        assert_eq!(refused.expect_err("refused").column, "s");
    }
}
