//! Every type that a result can hold, with the values at its edges.

use std::sync::Arc;

use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit};

/// What the matrix needs beside the built-in types.
pub const SETUP: &str = r#"
    CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree;
    CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'ha"ppy', '{odd, one}');
    CREATE TYPE "Mixed Case" AS ENUM ('x');
    CREATE TYPE pair AS (a int, "B b" text);
    CREATE TYPE hollow AS ();
    CREATE TYPE nested AS (p pair, m mood, xs int[], r int4range, n numeric, j json, ps pair[]);
    CREATE TYPE untextual AS (a int, p point);
    CREATE DOMAIN positive AS int CHECK (value > 0);
    CREATE DOMAIN amount AS numeric(10,2);
    CREATE DOMAIN ints AS int[];
    CREATE DOMAIN couple AS pair;
    CREATE TYPE timerange AS RANGE (subtype = time);
    CREATE TYPE floatrange AS RANGE (subtype = float8);
    CREATE TYPE textrange AS RANGE (subtype = text);
    CREATE TYPE holder AS (p positive, xs ints, c couple, u uuid, t citext);
    CREATE TABLE shop (id int PRIMARY KEY, dropped text, "Name" text, price numeric(10,2));
    ALTER TABLE shop DROP COLUMN dropped;
"#;

/// The literals of one type, and the Arrow type of the column.
pub struct Case {
    pub sql_type: &'static str,
    pub arrow: DataType,
    pub literals: &'static [&'static str],
}

fn case(sql_type: &'static str, arrow: DataType, literals: &'static [&'static str]) -> Case {
    Case {
        sql_type,
        arrow,
        literals,
    }
}

fn array(item: DataType) -> DataType {
    let list = |item| DataType::List(Arc::new(Field::new("item", item, true)));
    fields([
        ("values", list(item)),
        ("dimensions", list(DataType::Int32)),
    ])
}

fn fields<const N: usize>(fields: [(&str, DataType); N]) -> DataType {
    DataType::Struct(
        fields
            .into_iter()
            .map(|(name, data_type)| Field::new(name, data_type, true))
            .collect(),
    )
}

/// The scalar types.
pub fn scalars() -> Vec<Case> {
    use DataType::{
        Binary, Boolean, Date32, Decimal128, Decimal256, FixedSizeBinary, Float32, Float64, Int16,
        Int32, Int64, UInt32, UInt64, Utf8,
    };
    let micros = TimeUnit::Microsecond;
    let timestamp = DataType::Timestamp(micros, None);
    let timestamptz = DataType::Timestamp(micros, Some("UTC".into()));
    let interval = DataType::Interval(IntervalUnit::MonthDayNano);
    vec![
        case("bool", Boolean, &["t", "f"]),
        case("int2", Int16, &["-32768", "0", "32767"]),
        case("int4", Int32, &["-2147483648", "0", "2147483647"]),
        case(
            "int8",
            Int64,
            &[
                "-9223372036854775808",
                "9007199254740993",
                "9223372036854775807",
            ],
        ),
        case("oid", UInt32, &["0", "4294967295"]),
        case("xid", UInt32, &["3", "4294967295"]),
        case("cid", UInt32, &["4294967295"]),
        case("xid8", UInt64, &["0", "18446744073709551615"]),
        case(
            "float4",
            Float32,
            &[
                "NaN",
                "Infinity",
                "-Infinity",
                "-0",
                "1e-45",
                "3.4028235e38",
                "1.1",
                "123456",
                "1e6",
                "0.0001",
            ],
        ),
        case(
            "float8",
            Float64,
            &[
                "NaN",
                "Infinity",
                "-Infinity",
                "-0",
                "0",
                "5e-324",
                "1.7976931348623157e308",
                "1e308",
                "0.1",
                "100000000000000",
                "1e15",
                "-1.5e-5",
                "0.0001",
                "9007199254740993",
            ],
        ),
        case(
            "numeric(10,2)",
            Decimal128(10, 2),
            &[
                "0.00",
                "1.10",
                "-0.01",
                "99999999.99",
                "-99999999.99",
                "NaN",
            ],
        ),
        case(
            "numeric(38,0)",
            Decimal128(38, 0),
            &[
                "99999999999999999999999999999999999999",
                "-1",
                "10000",
                "100000000",
            ],
        ),
        case(
            "numeric(38,38)",
            Decimal128(38, 38),
            &[
                "0.99999999999999999999999999999999999999",
                "-0.00000000000000000000000000000000000001",
            ],
        ),
        case(
            "numeric(19,4)",
            Decimal128(19, 4),
            &["999999999999999.9999", "-123456789012345.6789", "0.0001"],
        ),
        case(
            "numeric(76,10)",
            Decimal256(76, 10),
            &[
                "999999999999999999999999999999999999999999999999999999999999999999.9999999999",
                "-0.0000000001",
                "NaN",
            ],
        ),
        // Negative scale, and more digits after the point than in all.
        case("numeric(2,-3)", Decimal128(5, 0), &["99000", "-1000", "0"]),
        case("numeric(3,5)", Decimal128(5, 5), &["0.00999", "-0.00001"]),
        case("numeric(77,2)", Utf8, &["1.10", "NaN"]),
        case("numeric(5,-80)", Utf8, &["0", "1e84"]),
        case(
            "numeric",
            Utf8,
            &[
                "0",
                "0.00",
                "1.10",
                "-1.5",
                "NaN",
                "Infinity",
                "-Infinity",
                "1e-16383",
                "1e131071",
                "12345678901234567890123456789012345678901234567890.000000000000000000000000000000001",
                "10000",
                "99990000.0001",
                "0.00010002",
            ],
        ),
        case("money", Utf8, &["-1234.56", "92233720368547758.07", "0"]),
        case(
            "text",
            Utf8,
            &["", " a ", "\u{1F600}", "line\nbreak", "\\x", "NULL"],
        ),
        case("varchar(5)", Utf8, &["", "abc  "]),
        case("varchar", Utf8, &["abc"]),
        case("char(5)", Utf8, &["ab", "", "abcde"]),
        case("bpchar", Utf8, &["ab  ", ""]),
        case("name", Utf8, &["pg_class", ""]),
        case(r#""char""#, Utf8, &["a", "", r"\200", r"\377", r"\001"]),
        case("citext", Utf8, &["MiXed", ""]),
        case("bytea", Binary, &["", r"\x00ff", r"\xdeadbeef"]),
        case(
            "date",
            Date32,
            &[
                "infinity",
                "-infinity",
                "4713-01-01 BC",
                "0044-03-15 BC",
                "0001-12-31 BC",
                "0001-01-01",
                "1969-12-31",
                "1970-01-01",
                "2000-02-29",
                "9999-12-31",
                "5874897-12-31",
            ],
        ),
        case(
            "time",
            DataType::Time64(micros),
            &["00:00", "24:00:00", "23:59:59.999999", "00:00:00.000001"],
        ),
        case("time(3)", DataType::Time64(micros), &["12:34:56.789"]),
        case(
            "timetz",
            Utf8,
            &[
                "00:00+15:59:59",
                "24:00:00-15:59:59",
                "12:00:00.000001+00",
                "12:00+05:30",
            ],
        ),
        case(
            "timestamp",
            timestamp.clone(),
            &[
                "infinity",
                "-infinity",
                "4713-01-01 00:00:00 BC",
                "0044-03-15 12:00:00 BC",
                "1969-12-31 23:59:59.999999",
                "2000-01-01",
                "294246-12-31 23:59:59.999999",
            ],
        ),
        case("timestamp(0)", timestamp, &["2020-02-29 12:34:56"]),
        case(
            "timestamptz",
            timestamptz.clone(),
            &[
                "infinity",
                "-infinity",
                "4713-01-01 00:00:00+00 BC",
                "2020-06-01 12:00:00.5+02",
            ],
        ),
        case("timestamptz(3)", timestamptz, &["2020-02-29 12:34:56.789Z"]),
        case(
            "interval",
            interval.clone(),
            &[
                "0",
                "1 year 2 mons 3 days 04:05:06.789",
                "-1 mon +2 days -00:00:00.000001",
                "178000000 years",
                "-178000000 years",
                "292 years",
                "2562047:47:16.854775",
                "-2562047:47:16.854775",
                "25 hours",
                "-00:59:59.5",
            ],
        ),
        case(
            "interval day to second(3)",
            interval.clone(),
            &["1 day 02:03:04.567"],
        ),
        case(
            "interval year to month",
            interval.clone(),
            &["1 year 2 mons"],
        ),
        case("interval(0)", interval, &["1 sec"]),
        case(
            "uuid",
            FixedSizeBinary(16),
            &[
                "00000000-0000-0000-0000-000000000000",
                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            ],
        ),
        case(
            "json",
            Utf8,
            &[
                "1.10",
                "12345678901234567890",
                r#"{"a":1,  "a":2}"#,
                "null",
                r#""\u0000""#,
                "[]",
            ],
        ),
        case(
            "jsonb",
            Utf8,
            &[
                "1.10",
                "12345678901234567890",
                r#"{"b": 1, "a": [null]}"#,
                "null",
            ],
        ),
        case("jsonpath", Utf8, &["$.a[*] ? (@ > 1)"]),
        case(
            "xml",
            Utf8,
            &["<a>\u{e9}</a>", "<?xml version=\"1.0\"?><b/>"],
        ),
        case(
            "inet",
            Utf8,
            &[
                "::1/64",
                "0.0.0.0/0",
                "10.0.0.1",
                "10.0.0.1/8",
                "::",
                "::ffff:1.2.3.4",
                "::1.2.3.4",
                "::2",
                "1::2:0:0:3:4",
                "2001:db8::/32",
                "0:0:1::",
                "1:0:0:2:0:0:0:3",
            ],
        ),
        case(
            "cidr",
            Utf8,
            &[
                "0.0.0.0/0",
                "10.0.0.0/8",
                "192.168.1.1/32",
                "::/0",
                "2001:db8::/32",
            ],
        ),
        case("macaddr", Utf8, &["08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff"]),
        case("macaddr8", Utf8, &["08:00:2b:01:02:03:04:05"]),
        case("bit(3)", Utf8, &["101"]),
        case("bit(9)", Utf8, &["101000001"]),
        case(
            "varbit",
            Utf8,
            &[
                "",
                "1",
                "101010101",
                "1111000011110000111100001111000011110000111100001111000011110000111",
            ],
        ),
        case("varbit(5)", Utf8, &["10"]),
        case("point", Utf8, &["(1,2)", "(NaN,-0)", "(1e300,0.1)"]),
        case("line", Utf8, &["{1,2,3}"]),
        case("lseg", Utf8, &["[(0,0),(1,1)]"]),
        case("box", Utf8, &["(1,1),(0,0)"]),
        case("path", Utf8, &["[(0,0),(1,1)]", "((0,0),(1,1))"]),
        case("polygon", Utf8, &["((0,0),(1,1),(1,0))"]),
        case("circle", Utf8, &["<(0,0),1>"]),
        case("hstore", Utf8, &[r#""a"=>"1", "b"=>NULL"#, ""]),
        case("ltree", Utf8, &["a.b.c", ""]),
        case("tsvector", Utf8, &["'a':1 'b':2A", ""]),
        case("tsquery", Utf8, &["'a' & !'b'", ""]),
        case("pg_lsn", Utf8, &["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"]),
        case("tid", Utf8, &["(0,1)", "(4294967295,65535)"]),
        case("regclass", Utf8, &["pg_class", "0", "shop"]),
        case("regtype", Utf8, &["integer", "\"Mixed Case\""]),
        case("regproc", Utf8, &["now"]),
        case("regprocedure", Utf8, &["sum(integer)"]),
        case("regrole", Utf8, &["postgres"]),
        case("regnamespace", Utf8, &["pg_catalog"]),
        case("txid_snapshot", Utf8, &["10:20:10,14"]),
        case("pg_snapshot", Utf8, &["10:20:10,14"]),
        case("aclitem", Utf8, &["postgres=r/postgres"]),
        case("refcursor", Utf8, &["c"]),
        case(
            "int4range",
            Utf8,
            &["empty", "[1,10)", "(,5)", "[1,)", "(,)"],
        ),
        case(
            "int8range",
            Utf8,
            &["[-9223372036854775808,9223372036854775807)"],
        ),
        case(
            "numrange",
            Utf8,
            &["[1.10,2]", "(NaN,)", "[-Infinity,1e100)"],
        ),
        case(
            "daterange",
            Utf8,
            &[
                "[2020-01-01,infinity]",
                "[-infinity,)",
                "[4713-01-01 BC,0001-01-01)",
            ],
        ),
        case(
            "tsrange",
            Utf8,
            &[
                "[2020-01-01 14:30,2020-01-01 15:30:00.5]",
                "[-infinity,infinity]",
            ],
        ),
        case(
            "tstzrange",
            Utf8,
            &["(2020-01-01 14:30+02,)", "[4713-01-01 00:00:00+00 BC,)"],
        ),
        case("timerange", Utf8, &["[10:00,24:00]"]),
        case("floatrange", Utf8, &["[1.5,NaN]"]),
        case(
            "textrange",
            Utf8,
            &[r#"["a b","c\"d")"#, r#"["","\\"]"#, "[a,b)"],
        ),
        case(
            "int4multirange",
            Utf8,
            &["{}", "{[1,3),[5,7)}", "{(,1),[3,)}"],
        ),
        case("nummultirange", Utf8, &["{[1.0,2.0],(3,4)}"]),
        case("tsmultirange", Utf8, &["{[2020-01-01,2020-01-02)}"]),
        case("datemultirange", Utf8, &["{[2020-01-01,2020-01-02)}"]),
        case("mood", Utf8, &["sad", "it's ok", "ha\"ppy", "{odd, one}"]),
        case("\"Mixed Case\"", Utf8, &["x"]),
        case("positive", Int32, &["1"]),
        // A domain's result column has the modifier of the base type.
        case("amount", Decimal128(10, 2), &["1.10"]),
    ]
}

/// Types that are made of others.
pub fn nested() -> Vec<Case> {
    use DataType::{Boolean, Date32, Decimal128, Float64, Int16, Int32, UInt32, Utf8};
    let micros = TimeUnit::Microsecond;
    let pair = || fields([("a", Int32), ("B b", Utf8)]);
    vec![
        case(
            "int4[]",
            array(Int32),
            &[
                "{}",
                "{1,NULL,3}",
                "[2:3]={7,8}",
                "[0:0]={1}",
                "{{1,2},{3,NULL}}",
                "[0:1][3:3]={{1},{2}}",
                "{{{{{{1,2}}}}}}",
                "{{1,2,3}}",
            ],
        ),
        case("bool[]", array(Boolean), &["{t,f,NULL}"]),
        case(
            "text[]",
            array(Utf8),
            &[r#"{a,NULL,"NULL","","x,\"}\\"}"#, "{}"],
        ),
        case("varchar(3)[]", array(Utf8), &["{abc,NULL}"]),
        case("char(3)[]", array(Utf8), &["{ab,c}"]),
        case("float8[]", array(Float64), &["{NaN,-Infinity,1.5,NULL}"]),
        case("numeric[]", array(Utf8), &["{1.10,NaN,NULL}"]),
        case(
            "numeric(10,2)[]",
            array(Decimal128(10, 2)),
            &["{1.10,NULL,-0.01,NaN}"],
        ),
        case("amount[]", array(Utf8), &["{1.10}"]),
        case("date[]", array(Date32), &["{infinity,2020-01-01,NULL}"]),
        case(
            "timestamptz[]",
            array(DataType::Timestamp(micros, Some("UTC".into()))),
            &["{infinity,\"2020-01-01 00:00:00+00\",NULL}"],
        ),
        case("bytea[]", array(DataType::Binary), &[r#"{"\\x00ff",NULL}"#]),
        case(
            "uuid[]",
            array(DataType::FixedSizeBinary(16)),
            &["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}"],
        ),
        case("json[]", array(Utf8), &[r#"{1.10,"{\"a\": 1}",NULL}"#]),
        case("jsonb[]", array(Utf8), &[r#"{1.10,"{\"a\": 1}",NULL}"#]),
        case(
            "mood[]",
            array(Utf8),
            &[r#"{sad,"it's ok","ha\"ppy","{odd, one}",NULL}"#],
        ),
        case("citext[]", array(Utf8), &["{MiXed}"]),
        case("inet[]", array(Utf8), &["{::1/64,10.0.0.1}"]),
        case("int4range[]", array(Utf8), &[r#"{"[1,10)",empty}"#]),
        case(
            "interval[]",
            array(DataType::Interval(IntervalUnit::MonthDayNano)),
            &["{P1Y,PT1S,NULL}"],
        ),
        case("int2vector", array(Int16), &["1 2 3", ""]),
        case("oidvector", array(UInt32), &["1 4294967295", ""]),
        case("regclass[]", array(Utf8), &["{pg_class,shop,NULL}"]),
        case(
            "point[]",
            array(Utf8),
            &[r#"{"(1,2)",NULL}"#, r#"{{"(1,2)"},{NULL}}"#],
        ),
        case("box[]", array(Utf8), &["{(1,1),(0,0);NULL}"]),
        case("money[]", array(Utf8), &["{1,NULL}"]),
        case("tsvector[]", array(Utf8), &[r#"{"'a':1"}"#]),
        case("hstore[]", array(Utf8), &[r#"{"\"a\"=>\"1\"",NULL}"#]),
        case("aclitem[]", array(Utf8), &["{postgres=r/postgres}"]),
        case("xml[]", array(Utf8), &["{<a/>,NULL}"]),
        case(
            "pair",
            pair(),
            &["(1,)", "(,\"\")", r#"(-5,"a ""b"" \\c")"#, "(,)"],
        ),
        case("couple", pair(), &["(1,x)"]),
        case(
            "pair[]",
            array(pair()),
            &[r#"{"(1,x)",NULL,"(,)"}"#, "{}", r#"{{"(1,x)"},{"(2,y)"}}"#],
        ),
        case("couple[]", array(pair()), &[r#"{"(1,x)"}"#]),
        case(
            "hollow",
            DataType::Struct(arrow_schema::Fields::empty()),
            &["()"],
        ),
        case(
            "nested",
            fields([
                ("p", pair()),
                ("m", Utf8),
                ("xs", array(Int32)),
                ("r", Utf8),
                ("n", Utf8),
                ("j", Utf8),
                ("ps", array(pair())),
            ]),
            &[
                r#"("(1,x)",sad,"{1,NULL}","[1,5)",1.10,"{""a"":1}","{""(1,x)"",NULL}")"#,
                "(,,,,,,)",
            ],
        ),
        case(
            "holder",
            fields([
                ("p", Int32),
                ("xs", array(Int32)),
                ("c", pair()),
                ("u", DataType::FixedSizeBinary(16)),
                ("t", Utf8),
            ]),
            &[r#"(1,"{1,2}","(1,x)",a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,Ci)"#],
        ),
        case("untextual", Utf8, &[r#"(1,"(1,2)")"#]),
        case("untextual[]", array(Utf8), &[r#"{"(1,\"(1,2)\")",NULL}"#]),
        case(
            "shop",
            fields([("id", Int32), ("Name", Utf8), ("price", Utf8)]),
            &["(1,\"a b\",1.10)"],
        ),
    ]
}
