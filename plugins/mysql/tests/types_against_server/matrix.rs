//! The types, their edge values, and what they become.

use std::sync::Arc;

use arrow_schema::{DataType, Field, TimeUnit};

/// One type.
#[derive(Clone, Copy)]
pub struct Case {
    pub sql_type: &'static str,
    pub sql_mode: &'static str,
    pub literals: &'static [&'static str],
    /// The expression of `{v}` whose text is compared.
    pub shown: &'static str,
    pub arrow: fn() -> DataType,
    pub db_type: &'static str,
}

const fn case(
    sql_type: &'static str,
    db_type: &'static str,
    arrow: fn() -> DataType,
    literals: &'static [&'static str],
) -> Case {
    Case {
        sql_type,
        sql_mode: "STRICT_TRANS_TABLES",
        literals,
        shown: "CAST({v} AS CHAR)",
        arrow,
        db_type,
    }
}

const fn shown(case: Case, shown: &'static str) -> Case {
    Case { shown, ..case }
}

const fn lenient(case: Case) -> Case {
    Case {
        sql_mode: "",
        ..case
    }
}

const HEX: &str = "HEX({v})";
const NUMBER: &str = "CAST({v} + 0 AS CHAR)";

fn micros() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn duration() -> DataType {
    DataType::Duration(TimeUnit::Microsecond)
}

fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn list() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
}

pub static CASES: &[Case] = &[
    case(
        "tinyint",
        "tinyint",
        || DataType::Int8,
        &["-128", "127", "0"],
    ),
    case(
        "tinyint unsigned",
        "tinyint unsigned",
        || DataType::UInt8,
        &["255", "0"],
    ),
    case(
        "tinyint(1)",
        "tinyint(1)",
        || DataType::Int8,
        &["2", "-1", "1", "0"],
    ),
    case(
        "smallint",
        "smallint",
        || DataType::Int16,
        &["-32768", "32767"],
    ),
    case(
        "smallint unsigned",
        "smallint unsigned",
        || DataType::UInt16,
        &["65535"],
    ),
    case(
        "mediumint",
        "mediumint",
        || DataType::Int32,
        &["-8388608", "8388607"],
    ),
    case(
        "mediumint unsigned",
        "mediumint unsigned",
        || DataType::UInt32,
        &["16777215"],
    ),
    case(
        "int",
        "int",
        || DataType::Int32,
        &["-2147483648", "2147483647"],
    ),
    case(
        "int unsigned",
        "int unsigned",
        || DataType::UInt32,
        &["4294967295"],
    ),
    shown(
        case(
            "int(5) zerofill",
            "int unsigned zerofill",
            || DataType::UInt32,
            &["7", "4294967295"],
        ),
        NUMBER,
    ),
    case(
        "bigint",
        "bigint",
        || DataType::Int64,
        &[
            "-9223372036854775808",
            "9223372036854775807",
            "9007199254740993",
        ],
    ),
    case(
        "bigint unsigned",
        "bigint unsigned",
        || DataType::UInt64,
        &["18446744073709551615", "0"],
    ),
    shown(
        case(
            "float",
            "float",
            || DataType::Float32,
            &["3.4028234e38", "-1.17549e-38", "0.1", "0", "-0.0"],
        ),
        "CAST(CAST({v} AS DOUBLE) AS CHAR)",
    ),
    shown(
        case(
            "float(7,4)",
            "float(7,4)",
            || DataType::Float32,
            &["999.9999", "-0.0001"],
        ),
        "CAST(CAST({v} AS DOUBLE) AS CHAR)",
    ),
    case(
        "double",
        "double",
        || DataType::Float64,
        &[
            "1.7976931348623157e308",
            "2.2250738585072014e-308",
            "0.1",
            "-0.0",
        ],
    ),
    case(
        "decimal(10,2)",
        "decimal(10,2)",
        || DataType::Decimal128(10, 2),
        &["1.10", "-99999999.99", "0", "0.05", "-0.05"],
    ),
    case(
        "decimal(38,0)",
        "decimal(38,0)",
        || DataType::Decimal128(38, 0),
        &["99999999999999999999999999999999999999", "-1"],
    ),
    case(
        "decimal(38,30)",
        "decimal(38,30)",
        || DataType::Decimal128(38, 30),
        &[
            "99999999.999999999999999999999999999999",
            "-0.000000000000000000000000000001",
        ],
    ),
    case(
        "decimal(39,1)",
        "decimal(39,1)",
        || DataType::Decimal256(39, 1),
        &["99999999999999999999999999999999999999.9"],
    ),
    case(
        "decimal(65,0)",
        "decimal(65,0)",
        || DataType::Decimal256(65, 0),
        &[
            "99999999999999999999999999999999999999999999999999999999999999999",
            "-99999999999999999999999999999999999999999999999999999999999999999",
            "0",
        ],
    ),
    case(
        "decimal(65,30)",
        "decimal(65,30)",
        || DataType::Decimal256(65, 30),
        &["99999999999999999999999999999999999.999999999999999999999999999999"],
    ),
    shown(
        case(
            "decimal(8,2) unsigned zerofill",
            "decimal(8,2) unsigned zerofill",
            || DataType::Decimal128(8, 2),
            &["1.5"],
        ),
        NUMBER,
    ),
    shown(
        case("bit(1)", "bit(1)", || DataType::UInt64, &["b'0'", "b'1'"]),
        NUMBER,
    ),
    shown(
        case(
            "bit(9)",
            "bit(9)",
            || DataType::UInt64,
            &["b'100000001'", "b'0'"],
        ),
        NUMBER,
    ),
    shown(
        case(
            "bit(64)",
            "bit(64)",
            || DataType::UInt64,
            &[
                "b'1111111111111111111111111111111111111111111111111111111111111111'",
                "b'1'",
            ],
        ),
        "CAST(CAST({v} AS UNSIGNED) AS CHAR)",
    ),
    shown(
        lenient(case(
            "year",
            "year",
            || DataType::UInt16,
            &["'0000'", "1901", "2155"],
        )),
        NUMBER,
    ),
    case(
        "date",
        "date",
        || DataType::Date32,
        &[
            "'1000-01-01'",
            "'9999-12-31'",
            "'0001-01-01'",
            "'2024-02-29'",
            "'1970-01-01'",
            "'1969-12-31'",
        ],
    ),
    case(
        "datetime",
        "datetime(0)",
        micros,
        &[
            "'9999-12-31 23:59:59'",
            "'0001-01-01 00:00:00'",
            "'2024-03-31 02:30:00'",
        ],
    ),
    case(
        "datetime(3)",
        "datetime(3)",
        micros,
        &["'2024-01-01 00:00:00.080'", "'1969-12-31 23:59:59.999'"],
    ),
    case(
        "datetime(6)",
        "datetime(6)",
        micros,
        &[
            "'9999-12-31 23:59:59.999999'",
            "'2024-01-01 00:00:00.000001'",
        ],
    ),
    case(
        "timestamp",
        "timestamp(0)",
        utc,
        &[
            "'1970-01-01 00:00:01'",
            "'2038-01-19 03:14:07'",
            "'2024-03-31 02:30:00'",
        ],
    ),
    case(
        "timestamp(6)",
        "timestamp(6)",
        utc,
        &["'2038-01-19 03:14:07.999999'"],
    ),
    case(
        "time",
        "time(0)",
        duration,
        &[
            "'-838:59:59'",
            "'838:59:59'",
            "'00:00:00'",
            "'23:59:59'",
            "'24:00:00'",
        ],
    ),
    case(
        "time(6)",
        "time(6)",
        duration,
        &[
            "'838:59:59.999999'",
            "'-00:00:00.5'",
            "'-838:59:59.999999'",
            "'00:00:00.000001'",
        ],
    ),
    shown(
        case(
            "char(5)",
            "char(5)",
            || DataType::Utf8,
            &["'a  '", "''", "'😀'", "'NULL'"],
        ),
        "{v}",
    ),
    shown(
        case(
            "varchar(10)",
            "varchar(10)",
            || DataType::Utf8,
            &["'a  '", "''", "'é'", "'a\\tb\\nc\\\\'", "'\\0'"],
        ),
        "{v}",
    ),
    shown(
        case(
            "varchar(10) character set latin1",
            "varchar(10)",
            || DataType::Utf8,
            &["'é'", "'ÿ'"],
        ),
        "{v}",
    ),
    shown(
        case(
            "varchar(10) character set utf8mb3",
            "varchar(10)",
            || DataType::Utf8,
            &["'é'", "'漢'"],
        ),
        "{v}",
    ),
    shown(
        case(
            "varchar(10) character set ucs2",
            "varchar(10)",
            || DataType::Utf8,
            &["'é'", "'漢'"],
        ),
        "{v}",
    ),
    shown(
        case("tinytext", "tinytext", || DataType::Utf8, &["'x'", "''"]),
        "{v}",
    ),
    shown(
        case(
            "text",
            "text",
            || DataType::Utf8,
            &["REPEAT('é', 30000)", "''"],
        ),
        "{v}",
    ),
    shown(
        case(
            "mediumtext",
            "mediumtext",
            || DataType::Utf8,
            &["REPEAT('x', 70000)"],
        ),
        "{v}",
    ),
    shown(
        case(
            "longtext",
            "longtext",
            || DataType::Utf8,
            &["REPEAT('xy', 500000)"],
        ),
        "{v}",
    ),
    shown(
        case(
            "binary(4)",
            "binary(4)",
            || DataType::Binary,
            &["X'01'", "X'00FF00FF'", "''"],
        ),
        HEX,
    ),
    shown(
        case(
            "varbinary(5)",
            "varbinary(5)",
            || DataType::Binary,
            &["X'0100'", "''", "X'FF'"],
        ),
        HEX,
    ),
    shown(
        case(
            "varchar(5) collate binary",
            "varbinary(5)",
            || DataType::Binary,
            &["X'FF00'"],
        ),
        HEX,
    ),
    shown(
        case("tinyblob", "tinyblob", || DataType::Binary, &["X'00'"]),
        HEX,
    ),
    shown(
        case("blob", "blob", || DataType::Binary, &["X'00FF'", "''"]),
        HEX,
    ),
    shown(
        case(
            "mediumblob",
            "mediumblob",
            || DataType::Binary,
            &["REPEAT(X'FE', 70000)"],
        ),
        HEX,
    ),
    shown(
        case("longblob", "longblob", || DataType::Binary, &["X'0A'"]),
        HEX,
    ),
    shown(
        lenient(case(
            "enum('small','it''s','a,b','')",
            "enum",
            dictionary,
            &[
                "'small'",
                "'it''s'",
                "'a,b'",
                "''",
                "'none of them'",
                "'small'",
            ],
        )),
        "{v}",
    ),
    shown(
        case(
            "set('a','b','c d')",
            "set",
            list,
            &["'a,b'", "''", "'c d,a'", "'b'"],
        ),
        "{v}",
    ),
    shown(
        case(
            "json",
            "json",
            || DataType::Utf8,
            &[
                "'{\"a\": 1.10, \"b\": 12345678901234567890, \"a\": null}'",
                "'null'",
                "'[1, \"ä\"]'",
            ],
        ),
        "{v}",
    ),
    shown(
        case(
            "uuid",
            "uuid",
            || DataType::FixedSizeBinary(16),
            &[
                "'00000000-0000-0000-0000-000000000000'",
                "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
            ],
        ),
        "{v}",
    ),
    shown(
        case(
            "inet4",
            "inet4",
            || DataType::Utf8,
            &["'0.0.0.0'", "'255.255.255.255'"],
        ),
        "{v}",
    ),
    shown(
        case(
            "inet6",
            "inet6",
            || DataType::Utf8,
            &["'::'", "'::ffff:1.2.3.4'", "'2001:db8::1'"],
        ),
        "{v}",
    ),
    shown(
        case(
            "point",
            "point",
            || DataType::Binary,
            &["ST_GeomFromText('POINT(1 -2.5)')"],
        ),
        "HEX(ST_AsBinary({v}))",
    ),
    shown(
        case(
            "geometry",
            "geometry",
            || DataType::Binary,
            &[
                "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(0 0, 1 1))')",
                "ST_GeomFromText('GEOMETRYCOLLECTION EMPTY')",
                "ST_GeomFromText('POLYGON((0 0, 1 0, 1 1, 0 0))')",
            ],
        ),
        "HEX(ST_AsBinary({v}))",
    ),
];
