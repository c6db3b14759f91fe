//! A [`Type`] as ClickHouse spells it, in one line.

use std::fmt::{self, Display, Formatter, Write as _};

use super::{Element, Enum, Geo, Type};

impl Display for Type {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Bool => f.write_str("Bool"),
            Self::Int { bits, signed } => {
                write!(f, "{}Int{bits}", if *signed { "" } else { "U" })
            }
            Self::Float32 => f.write_str("Float32"),
            Self::Float64 => f.write_str("Float64"),
            Self::BFloat16 => f.write_str("BFloat16"),
            Self::Decimal { precision, scale } => write!(f, "Decimal({precision}, {scale})"),
            Self::String => f.write_str("String"),
            Self::FixedString(length) => write!(f, "FixedString({length})"),
            Self::Date => f.write_str("Date"),
            Self::Date32 => f.write_str("Date32"),
            Self::DateTime(None) => f.write_str("DateTime"),
            Self::DateTime(Some(zone)) => write!(f, "DateTime({})", Quoted(zone, '\'')),
            Self::DateTime64(digits, None) => write!(f, "DateTime64({digits})"),
            Self::DateTime64(digits, Some(zone)) => {
                write!(f, "DateTime64({digits}, {})", Quoted(zone, '\''))
            }
            Self::Time => f.write_str("Time"),
            Self::Time64(digits) => write!(f, "Time64({digits})"),
            Self::Interval(unit) => write!(f, "Interval{unit}"),
            Self::Uuid => f.write_str("UUID"),
            Self::Ipv4 => f.write_str("IPv4"),
            Self::Ipv6 => f.write_str("IPv6"),
            Self::Enum(Enum { wide, names }) => {
                f.write_str(if *wide { "Enum16(" } else { "Enum8(" })?;
                for (index, (name, number)) in names.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{} = {number}", Quoted(name, '\''))?;
                }
                f.write_char(')')
            }
            Self::LowCardinality(inner) => write!(f, "LowCardinality({inner})"),
            Self::Nullable(inner) => write!(f, "Nullable({inner})"),
            Self::Array(inner) => write!(f, "Array({inner})"),
            Self::Map(key, value) => write!(f, "Map({key}, {value})"),
            Self::Tuple(elements) => spell_elements(f, "Tuple", elements),
            Self::Nested(elements) => spell_elements(f, "Nested", elements),
            Self::Variant(types) => {
                f.write_str("Variant(")?;
                for (index, ty) in types.iter().enumerate() {
                    write!(f, "{}{ty}", if index > 0 { ", " } else { "" })?;
                }
                f.write_char(')')
            }
            Self::Dynamic(arguments) => spell_optional(f, "Dynamic", arguments),
            Self::Json(arguments) => spell_optional(f, "JSON", arguments),
            Self::Object(arguments) => write!(f, "Object({arguments})"),
            Self::Geo(geo) => f.write_str(
                Geo::ALL
                    .iter()
                    .find(|(known, _)| known == geo)
                    .map_or("Geometry", |(_, name)| name),
            ),
            Self::AggregateFunction(arguments) => write!(f, "AggregateFunction({arguments})"),
            Self::SimpleAggregateFunction(function, ty) => {
                write!(f, "SimpleAggregateFunction({function}, {ty})")
            }
            Self::QBit(element, length) => write!(f, "QBit({element}, {length})"),
        }
    }
}

fn spell_elements(f: &mut Formatter<'_>, kind: &str, elements: &[Element]) -> fmt::Result {
    write!(f, "{kind}(")?;
    for (index, Element { name, ty }) in elements.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        match name {
            Some(name) if is_plain(name) => write!(f, "{name} {ty}")?,
            Some(name) => write!(f, "{} {ty}", Quoted(name, '`'))?,
            None => write!(f, "{ty}")?,
        }
    }
    f.write_char(')')
}

fn spell_optional(f: &mut Formatter<'_>, kind: &str, arguments: &str) -> fmt::Result {
    if arguments.is_empty() {
        f.write_str(kind)
    } else {
        write!(f, "{kind}({arguments})")
    }
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A text in quotation marks, with what has to be escaped.
struct Quoted<'a>(&'a str, char);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char(self.1)?;
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\0' => f.write_str("\\0")?,
                c if c == self.1 => write!(f, "\\{c}")?,
                c => f.write_char(c)?,
            }
        }
        f.write_char(self.1)
    }
}
