use proptest::prelude::*;

use super::*;

fn int(bits: u16, signed: bool) -> Type {
    Type::Int { bits, signed }
}

fn element(name: Option<&str>, ty: Type) -> Element {
    Element {
        name: name.map(str::to_owned),
        ty,
    }
}

#[test]
fn types_that_servers_write_are_read() {
    for (text, ty) in [
        ("UInt8", int(8, false)),
        (
            "Decimal(76, 10)",
            Type::Decimal {
                precision: 76,
                scale: 10,
            },
        ),
        (
            "Decimal64(3)",
            Type::Decimal {
                precision: 18,
                scale: 3,
            },
        ),
        (
            "DateTime('Europe/Berlin')",
            Type::DateTime(Some("Europe/Berlin".into())),
        ),
        (
            "Nullable(DateTime64(3, 'Asia/Tokyo'))",
            Type::Nullable(Box::new(Type::DateTime64(3, Some("Asia/Tokyo".into())))),
        ),
        ("DateTime64(9)", Type::DateTime64(9, None)),
        ("IntervalDay", Type::Interval("Day".into())),
        (
            r"Enum8('a=1' = -1, 'it\'s \\' = 2)",
            Type::Enum(Enum {
                wide: false,
                names: vec![("a=1".into(), -1), (r"it's \".into(), 2)],
            }),
        ),
        (
            "LowCardinality(Nullable(FixedString(3)))",
            Type::LowCardinality(Box::new(Type::Nullable(Box::new(Type::FixedString(3))))),
        ),
        (
            "Map(LowCardinality(String), Array(UInt64))",
            Type::Map(
                Box::new(Type::LowCardinality(Box::new(Type::String))),
                Box::new(Type::Array(Box::new(int(64, false)))),
            ),
        ),
        (
            "Tuple(\n    x UInt8,\n    `a b` Tuple(),\n    Date Date)",
            Type::Tuple(vec![
                element(Some("x"), int(8, false)),
                element(Some("a b"), Type::Tuple(vec![])),
                element(Some("Date"), Type::Date),
            ]),
        ),
        (
            "Tuple(Date, String)",
            Type::Tuple(vec![element(None, Type::Date), element(None, Type::String)]),
        ),
        (
            "Variant(String, UInt64)",
            Type::Variant(vec![Type::String, int(64, false)]),
        ),
        ("Dynamic(max_types=5)", Type::Dynamic("max_types=5".into())),
        ("JSON", Type::Json(String::new())),
        (
            "JSON(max_dynamic_paths=3, a.b Nullable(String), SKIP `c)`, SKIP REGEXP ')')",
            Type::Json(
                "max_dynamic_paths=3, a.b Nullable(String), SKIP `c)`, SKIP REGEXP ')'".into(),
            ),
        ),
        ("Object('json')", Type::Object("'json'".into())),
        (
            "AggregateFunction(quantiles(0.5, 0.9), Float64)",
            Type::AggregateFunction("quantiles(0.5, 0.9), Float64".into()),
        ),
        (
            "SimpleAggregateFunction(sum, UInt64)",
            Type::SimpleAggregateFunction("sum".into(), Box::new(int(64, false))),
        ),
        ("QBit(Float32, 3)", Type::QBit(Box::new(Type::Float32), 3)),
        ("MultiPolygon", Type::Geo(Geo::MultiPolygon)),
        ("Nullable(Nothing)", Type::Nullable(Box::new(Type::Nothing))),
        (
            "Nested(a UInt8, b String)",
            Type::Nested(vec![
                element(Some("a"), int(8, false)),
                element(Some("b"), Type::String),
            ]),
        ),
    ] {
        assert_eq!(parse(text), Ok(ty), "{text}");
    }
}

#[test]
fn what_is_no_type_is_refused() {
    for text in [
        "",
        "Text",
        "UInt8)",
        "Array(",
        "Array()",
        "Array(UInt8",
        "Decimal(77, 0)",
        "Decimal(3, 4)",
        "DateTime64(10)",
        "FixedString(-1)",
        "FixedString(99999999999999999999)",
        "Enum8('a' = 128)",
        "Enum8('a')",
        "Enum8()",
        "Map(UInt8)",
        "Tuple(a b c)",
        "Enum8('a = 1",
        "JSON(a",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    let deep = format!("{}UInt8{}", "Array(".repeat(1000), ")".repeat(1000));
    assert_eq!(parse(&deep), Err(BadType::TooDeep));
}

fn types() -> impl Strategy<Value = Type> {
    let name = "[a-zA-Z_`'\"\\\\ é\n.0-9]{1,8}";
    let leaf = prop_oneof![
        Just(Type::Bool),
        Just(Type::String),
        Just(Type::Uuid),
        (
            prop::sample::select(vec![8u16, 16, 32, 64, 128, 256]),
            any::<bool>()
        )
            .prop_map(|(bits, signed)| Type::Int { bits, signed }),
        (1u8..=76, 0u8..=76).prop_map(|(precision, scale)| Type::Decimal {
            precision,
            scale: scale.min(precision)
        }),
        (1u32..1 << 24).prop_map(Type::FixedString),
        prop::option::of(name).prop_map(Type::DateTime),
        (0u8..=9, prop::option::of(name)).prop_map(|(digits, zone)| Type::DateTime64(digits, zone)),
        prop::collection::vec((name, any::<i16>()), 1..4)
            .prop_map(|names| Type::Enum(Enum { wide: true, names })),
        prop::sample::select(Geo::ALL.map(|(geo, _)| geo).to_vec()).prop_map(Type::Geo),
    ];
    leaf.prop_recursive(5, 32, 4, move |inner| {
        prop_oneof![
            inner.clone().prop_map(|ty| Type::Nullable(Box::new(ty))),
            inner.clone().prop_map(|ty| Type::Array(Box::new(ty))),
            inner
                .clone()
                .prop_map(|ty| Type::LowCardinality(Box::new(ty))),
            (inner.clone(), inner.clone())
                .prop_map(|(key, value)| Type::Map(Box::new(key), Box::new(value))),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Type::Variant),
            prop::collection::vec((prop::option::of(name), inner), 0..4).prop_map(|elements| {
                Type::Tuple(
                    elements
                        .into_iter()
                        .map(|(name, ty)| Element { name, ty })
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn a_type_spelled_out_reads_back_the_same(ty in types()) {
        prop_assert_eq!(parse(&ty.to_string()), Ok(ty));
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        let _ = parse(&text);
    }
}
