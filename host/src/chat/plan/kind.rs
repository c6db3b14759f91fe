//! What the values of a column are, from the type that the database gives it.

use crate::plugins::Dialect;

/// What a column's values are, as far as a plan needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    Number,
    Text,
    Boolean,
    Day,
    /// A moment; whether the type knows the zone.
    Moment {
        zoned: bool,
    },
    Other,
}

impl ColumnKind {
    pub fn is_temporal(self) -> bool {
        matches!(self, Self::Day | Self::Moment { .. })
    }
}

/// What a column of a database type holds.
pub fn kind_of(db_type: &str, dialect: Dialect) -> ColumnKind {
    let mut name = db_type.trim().to_lowercase();
    for wrapper in ["lowcardinality(", "nullable("] {
        if let Some(inner) = name
            .strip_prefix(wrapper)
            .and_then(|rest| rest.strip_suffix(')'))
        {
            name = inner.to_owned();
        }
    }
    if name == "bool" || name == "boolean" || name == "tinyint(1)" {
        return ColumnKind::Boolean;
    }
    if name.ends_with("[]") {
        return ColumnKind::Other;
    }
    let base: String = name
        .chars()
        .take_while(|character| {
            character.is_alphanumeric() || *character == '_' || *character == ' '
        })
        .collect();
    let base = base.trim();
    let number = [
        "int",
        "integer",
        "smallint",
        "bigint",
        "tinyint",
        "mediumint",
        "numeric",
        "decimal",
        "real",
        "double",
        "double precision",
        "float",
        "year",
    ];
    let sized = ["int", "uint", "float", "decimal"].iter().any(|prefix| {
        base.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    });
    if number.contains(&base.trim_end_matches(" unsigned")) || sized {
        return ColumnKind::Number;
    }
    if base == "date" || base == "date32" {
        return ColumnKind::Day;
    }
    if base.starts_with("timestamp") || base.starts_with("datetime") {
        let zoned = name.contains("with time zone")
            || dialect == Dialect::Clickhouse
            || dialect == Dialect::Mysql && base.starts_with("timestamp");
        return ColumnKind::Moment { zoned };
    }
    let text = [
        "text",
        "char",
        "varchar",
        "character",
        "character varying",
        "string",
        "fixedstring",
        "enum",
        "enum8",
        "enum16",
        "tinytext",
        "mediumtext",
        "longtext",
        "bpchar",
        "citext",
        "name",
    ];
    if text.contains(&base) {
        return ColumnKind::Text;
    }
    let known = [
        "json",
        "jsonb",
        "bytea",
        "interval",
        "time",
        "inet",
        "cidr",
        "macaddr",
        "macaddr8",
        "uuid",
        "xml",
        "tsvector",
        "tsquery",
        "point",
        "line",
        "lseg",
        "box",
        "path",
        "polygon",
        "circle",
        "money",
        "bit",
        "oid",
        "hstore",
        "geometry",
        "geography",
        "int4range",
        "int8range",
        "numrange",
        "tsrange",
        "tstzrange",
        "daterange",
        "vector",
        "pg_lsn",
        "void",
        "record",
        "time without time zone",
        "time with time zone",
        "bit varying",
    ];
    // What PostgreSQL has beside these is mostly an enumeration of the user's.
    if dialect == Dialect::Postgresql && !known.contains(&base) {
        return ColumnKind::Text;
    }
    ColumnKind::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_three_engines_are_told_apart() {
        use ColumnKind::{Boolean, Day, Moment, Number, Other, Text};
        for (db_type, dialect, expected) in [
            ("numeric(12,2)", Dialect::Postgresql, Number),
            ("double precision", Dialect::Postgresql, Number),
            (
                "timestamp with time zone",
                Dialect::Postgresql,
                Moment { zoned: true },
            ),
            (
                "timestamp(3) without time zone",
                Dialect::Postgresql,
                Moment { zoned: false },
            ),
            ("character(2)", Dialect::Postgresql, Text),
            ("risk.severity", Dialect::Postgresql, Text),
            ("text[]", Dialect::Postgresql, Other),
            ("tstzrange", Dialect::Postgresql, Other),
            ("interval", Dialect::Postgresql, Other),
            ("int(11) unsigned", Dialect::Mysql, Number),
            ("tinyint(1)", Dialect::Mysql, Boolean),
            ("enum('a','b')", Dialect::Mysql, Text),
            ("datetime(6)", Dialect::Mysql, Moment { zoned: false }),
            ("json", Dialect::Mysql, Other),
            ("Nullable(Decimal(10, 2))", Dialect::Clickhouse, Number),
            (
                "LowCardinality(Nullable(String))",
                Dialect::Clickhouse,
                Text,
            ),
            ("Enum8('low' = 1)", Dialect::Clickhouse, Text),
            (
                "DateTime64(3, 'UTC')",
                Dialect::Clickhouse,
                Moment { zoned: true },
            ),
            ("Date32", Dialect::Clickhouse, Day),
            ("UInt64", Dialect::Clickhouse, Number),
            ("Array(String)", Dialect::Clickhouse, Other),
            ("UUID", Dialect::Clickhouse, Other),
        ] {
            assert_eq!(kind_of(db_type, dialect), expected, "{db_type}");
        }
    }
}
