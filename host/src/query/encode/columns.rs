//! What an answer says about its columns.

use arrow_schema::{DataType, Field, IntervalUnit, Schema, TimeUnit};
use serde::Serialize;

/// Field metadata: the type as the database spells it.
pub const DB_TYPE: &str = "datachat.db_type";
/// Field metadata: how the column stores infinite dates and timestamps.
pub const INFINITY: &str = "datachat.infinity";
/// Field metadata: how a column of decimals stores NaN.
pub const NAN: &str = "datachat.nan";
/// Field metadata: which type the struct of the field stands for.
pub const LAYOUT: &str = "datachat.layout";
/// [`INFINITY`]: as the largest and the smallest value of the Arrow type. [`NAN`]: as the smallest.
pub const SENTINEL: &str = "sentinel";
/// Field metadata: the Arrow extension type.
const EXTENSION: &str = "ARROW:extension:name";

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    pub name: String,
    /// As the database spells it, with modifiers: `numeric(10,2)`.
    pub db_type: String,
    /// `int64`, `timestamp[us,UTC]`, `list<utf8>`, `arrow.uuid`.
    pub arrow_type: String,
    pub nullable: bool,
    /// `base64` for bytes.
    pub encoding: Option<&'static str>,
}

/// The columns of a result, in its order; names may repeat.
pub fn describe(schema: &Schema) -> Vec<Column> {
    schema
        .fields()
        .iter()
        .map(|field| {
            let field = &super::plain::plain_field(field);
            let arrow_type = match extension(field) {
                Some(name @ ("arrow.uuid" | "arrow.json")) => name.to_owned(),
                _ => type_name(field.data_type()),
            };
            Column {
                name: field.name().clone(),
                db_type: field.metadata().get(DB_TYPE).unwrap_or(&arrow_type).clone(),
                arrow_type,
                nullable: field.is_nullable(),
                encoding: holds_bytes(field).then_some("base64"),
            }
        })
        .collect()
}

/// Whether the column holds JSON text.
pub fn is_json(field: &Field) -> bool {
    extension(field) == Some("arrow.json")
}

/// Whether the column holds UUIDs.
pub fn is_uuid(field: &Field) -> bool {
    extension(field) == Some("arrow.uuid") && *field.data_type() == DataType::FixedSizeBinary(16)
}

/// Whether the column holds geometries as well-known binary.
pub fn is_geometry(field: &Field) -> bool {
    extension(field) == Some("geoarrow.wkb") && *field.data_type() == DataType::Binary
}

fn extension(field: &Field) -> Option<&str> {
    field.metadata().get(EXTENSION).map(String::as_str)
}

fn holds_bytes(field: &Field) -> bool {
    match field.data_type() {
        // These are shown as text.
        DataType::Binary if is_geometry(field) => false,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => true,
        DataType::FixedSizeBinary(_) => !is_uuid(field),
        DataType::List(child) | DataType::LargeList(child) | DataType::FixedSizeList(child, _) => {
            holds_bytes(child)
        }
        DataType::Dictionary(_, values) => {
            matches!(**values, DataType::Binary | DataType::LargeBinary)
        }
        _ => false,
    }
}

fn unit(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

/// The name of an Arrow type, in Arrow's own lower-case spelling.
pub fn type_name(data_type: &DataType) -> String {
    let child = |field: &Field| type_name(field.data_type());
    match data_type {
        DataType::Null => "null".into(),
        DataType::Boolean => "bool".into(),
        DataType::Float16 => "float16".into(),
        DataType::Utf8 => "utf8".into(),
        DataType::LargeUtf8 => "large_utf8".into(),
        DataType::Utf8View => "utf8_view".into(),
        DataType::Binary => "binary".into(),
        DataType::LargeBinary => "large_binary".into(),
        DataType::BinaryView => "binary_view".into(),
        DataType::FixedSizeBinary(size) => format!("fixed_size_binary[{size}]"),
        DataType::Date32 => "date32".into(),
        DataType::Date64 => "date64".into(),
        DataType::Time32(u) => format!("time32[{}]", unit(*u)),
        DataType::Time64(u) => format!("time64[{}]", unit(*u)),
        DataType::Timestamp(u, None) => format!("timestamp[{}]", unit(*u)),
        DataType::Timestamp(u, Some(zone)) => format!("timestamp[{},{zone}]", unit(*u)),
        DataType::Duration(u) => format!("duration[{}]", unit(*u)),
        DataType::Interval(IntervalUnit::YearMonth) => "month_interval".into(),
        DataType::Interval(IntervalUnit::DayTime) => "day_time_interval".into(),
        DataType::Interval(IntervalUnit::MonthDayNano) => "month_day_nano_interval".into(),
        DataType::Decimal32(p, s) => format!("decimal32({p},{s})"),
        DataType::Decimal64(p, s) => format!("decimal64({p},{s})"),
        DataType::Decimal128(p, s) => format!("decimal128({p},{s})"),
        DataType::Decimal256(p, s) => format!("decimal256({p},{s})"),
        DataType::List(field) => format!("list<{}>", child(field)),
        DataType::LargeList(field) => format!("large_list<{}>", child(field)),
        DataType::FixedSizeList(field, size) => {
            format!("fixed_size_list<{}>[{size}]", child(field))
        }
        DataType::Struct(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|field| format!("{}: {}", field.name(), child(field)))
                .collect();
            format!("struct<{}>", fields.join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => {
                format!("map<{}, {}>", child(&fields[0]), child(&fields[1]))
            }
            _ => "map".into(),
        },
        DataType::Dictionary(_, values) => format!("dictionary<{}>", type_name(values)),
        // Integers, and what the intake does not let in.
        other => other.to_string().to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_arrows_names() {
        for (data_type, name) in [
            (DataType::Int64, "int64"),
            (DataType::UInt32, "uint32"),
            (DataType::Float64, "float64"),
            (DataType::Decimal128(10, 2), "decimal128(10,2)"),
            (
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                "timestamp[us,UTC]",
            ),
            (DataType::new_list(DataType::Utf8, true), "list<utf8>"),
        ] {
            assert_eq!(type_name(&data_type), name);
        }
    }

    #[test]
    fn a_column_says_how_its_bytes_are_encoded_and_what_the_database_calls_its_type() {
        let bytes = Field::new("b", DataType::Binary, true)
            .with_metadata([(DB_TYPE.to_owned(), "bytea".to_owned())]);
        let uuid = Field::new("u", DataType::FixedSizeBinary(16), false)
            .with_metadata([(EXTENSION.to_owned(), "arrow.uuid".to_owned())]);
        let columns = describe(&Schema::new(vec![bytes, uuid]));
        assert_eq!(columns[0].db_type, "bytea");
        assert_eq!(columns[0].encoding, Some("base64"));
        assert_eq!(columns[1].arrow_type, "arrow.uuid");
        assert_eq!(columns[1].encoding, None);
        assert!(!columns[1].nullable);
    }
}
