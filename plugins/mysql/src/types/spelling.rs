//! The name of a column's type, as far as a result's description tells.

use crate::protocol::reply::{Column, column_flag};

use super::{BINARY, kind};

/// Bytes of a character in utf8mb4, by which a server multiplies the length of a text.
const BYTES_OF_CHARACTER: u32 = 4;

/// More decimals than this mean that there is no fixed number of them.
const NOT_FIXED: u8 = 31;

/// The digits of a fraction of a second.
pub(super) const fn fraction_digits(column: &Column) -> u8 {
    if column.decimals > 6 {
        6
    } else {
        column.decimals
    }
}

/// The name, spelled as in a table's definition.
pub(super) fn spell(column: &Column) -> String {
    if column.format.as_deref() == Some("json") {
        return "json".to_owned();
    }
    if let Some(name) = &column.type_name {
        return name.clone();
    }
    let number = |name: &str| {
        let mut text = name.to_owned();
        if column.has(column_flag::UNSIGNED) {
            text.push_str(" unsigned");
        }
        if column.has(column_flag::ZEROFILL) {
            text.push_str(" zerofill");
        }
        text
    };
    let real = |name: &str| {
        if column.decimals < NOT_FIXED {
            number(&format!("{name}({},{})", column.length, column.decimals))
        } else {
            number(name)
        }
    };
    let is_binary = column.character_set == BINARY;
    match column.kind {
        // The only display width that anybody reads anything into.
        kind::TINY if column.length == 1 => number("tinyint(1)"),
        kind::TINY => number("tinyint"),
        kind::SHORT => number("smallint"),
        kind::INT24 => number("mediumint"),
        kind::LONG => number("int"),
        kind::LONGLONG => number("bigint"),
        kind::FLOAT => real("float"),
        kind::DOUBLE => real("double"),
        kind::DECIMAL | kind::NEWDECIMAL => {
            let (precision, scale) = precision(column);
            number(&format!("decimal({precision},{scale})"))
        }
        kind::NULL => "null".to_owned(),
        kind::DATE | kind::NEWDATE => "date".to_owned(),
        kind::TIME => format!("time({})", fraction_digits(column)),
        kind::DATETIME => format!("datetime({})", fraction_digits(column)),
        kind::TIMESTAMP => format!("timestamp({})", fraction_digits(column)),
        kind::YEAR => "year".to_owned(),
        kind::BIT => format!("bit({})", column.length),
        kind::JSON => "json".to_owned(),
        kind::VECTOR => "vector".to_owned(),
        kind::GEOMETRY => "geometry".to_owned(),
        _ if is_enum(column) => "enum".to_owned(),
        _ if is_set(column) => "set".to_owned(),
        kind::STRING if is_binary => format!("binary({})", column.length),
        kind::STRING => format!("char({})", column.length / BYTES_OF_CHARACTER),
        kind::VAR_STRING | kind::VARCHAR if is_binary => format!("varbinary({})", column.length),
        kind::VAR_STRING | kind::VARCHAR => {
            format!("varchar({})", column.length / BYTES_OF_CHARACTER)
        }
        kind::TINY_BLOB..=kind::BLOB => {
            let (name, factor) = if is_binary {
                ("blob", 1)
            } else {
                ("text", BYTES_OF_CHARACTER)
            };
            let size = match column.length / factor {
                0..=255 => "tiny",
                256..=65_535 => "",
                65_536..=16_777_215 => "medium",
                _ => "long",
            };
            format!("{size}{name}")
        }
        other => format!("type {other}"),
    }
}

/// Whether the text is a label of an enum.
pub(super) const fn is_enum(column: &Column) -> bool {
    column.kind == kind::ENUM || column.kind == kind::STRING && column.has(column_flag::ENUM)
}

/// Whether the text is a list of a set's members.
pub(super) const fn is_set(column: &Column) -> bool {
    column.kind == kind::SET || column.kind == kind::STRING && column.has(column_flag::SET)
}

/// Precision and scale of a decimal: its length counts the sign and the point as well.
pub(super) fn precision(column: &Column) -> (u32, u8) {
    let scale = column.decimals;
    let beside = u32::from(scale > 0) + u32::from(!column.has(column_flag::UNSIGNED));
    let precision = column.length.saturating_sub(beside);
    (precision.max(scale.into()).max(1), scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_spelled_as_in_a_definition() {
        let column = |kind, length, character_set, flags, decimals| Column {
            character_set,
            length,
            kind,
            flags,
            decimals,
            ..Column::default()
        };
        for (column, name) in [
            (column(kind::TINY, 1, 63, 0, 0), "tinyint(1)"),
            (column(kind::TINY, 3, 63, 32, 0), "tinyint unsigned"),
            (column(kind::LONG, 5, 63, 96, 0), "int unsigned zerofill"),
            (column(kind::NEWDECIMAL, 12, 63, 0, 2), "decimal(10,2)"),
            (
                column(kind::NEWDECIMAL, 65, 63, 32, 0),
                "decimal(65,0) unsigned",
            ),
            (column(kind::FLOAT, 12, 63, 0, 31), "float"),
            (column(kind::FLOAT, 7, 63, 0, 4), "float(7,4)"),
            (column(kind::DATETIME, 19, 63, 0, 0), "datetime(0)"),
            (column(kind::DATETIME, 26, 63, 0, 39), "datetime(6)"),
            (column(kind::VAR_STRING, 40, 45, 0, 0), "varchar(10)"),
            (column(kind::VAR_STRING, 40, 63, 0, 0), "varbinary(40)"),
            (column(kind::STRING, 4, 45, 256, 0), "enum"),
            (column(kind::STRING, 4, 45, 2048, 0), "set"),
            (column(kind::BLOB, 262_140, 45, 0, 0), "text"),
            (column(kind::BLOB, 255, 63, 0, 0), "tinyblob"),
            (column(kind::BLOB, u32::MAX, 63, 0, 0), "longblob"),
            (column(kind::BLOB, u32::MAX, 45, 0, 0), "longtext"),
            (column(kind::BIT, 64, 63, 32, 0), "bit(64)"),
        ] {
            assert_eq!(spell(&column), name);
        }
    }
}
