//! ClickHouse's types: as the server spells them, and what their values become in Arrow.
//!
//! [`parse()`] reads a type string completely, because what Arrow loses (the zone of a `DateTime`, the names of
//! an `Enum`, what an `IPv4` is) stands only there. [`plan`](mod@plan) says which Arrow field a type becomes, and
//! [`convert`] makes such arrays of the server's.

pub(crate) mod bytes;
pub mod convert;
pub mod parse;
pub mod plan;
mod spell;

pub use parse::{BadType, parse};
pub use plan::{Plan, Strings, Unreadable, plan};

/// A type of ClickHouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    Nothing,
    Bool,
    Int {
        bits: u16,
        signed: bool,
    },
    Float32,
    Float64,
    BFloat16,
    Decimal {
        precision: u8,
        scale: u8,
    },
    String,
    FixedString(u32),
    Date,
    Date32,
    /// With its zone; without one it is shown in the server's.
    DateTime(Option<String>),
    DateTime64(u8, Option<String>),
    Time,
    Time64(u8),
    /// `Second` of `IntervalSecond`.
    Interval(String),
    Uuid,
    Ipv4,
    Ipv6,
    Enum(Enum),
    LowCardinality(Box<Type>),
    Nullable(Box<Type>),
    Array(Box<Type>),
    Map(Box<Type>, Box<Type>),
    Tuple(Vec<Element>),
    /// An array of tuples with names.
    Nested(Vec<Element>),
    /// In the order of their numbers on the wire.
    Variant(Vec<Type>),
    /// What stands in brackets, if anything.
    Dynamic(String),
    /// What stands in brackets, if anything.
    Json(String),
    /// `Object('json')`, the older kind of JSON.
    Object(String),
    Geo(Geo),
    /// What stands in brackets.
    AggregateFunction(String),
    /// The function, and the type of its values.
    SimpleAggregateFunction(String, Box<Type>),
    QBit(Box<Type>, u32),
}

/// A member of a tuple.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    pub name: Option<String>,
    pub ty: Type,
}

/// The names of an enumeration and their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enum {
    /// `Enum16`, not `Enum8`.
    pub wide: bool,
    pub names: Vec<(String, i16)>,
}

/// The types of geometry, which are arrays of points by other names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Geo {
    Point,
    Ring,
    LineString,
    MultiLineString,
    Polygon,
    MultiPolygon,
    /// Any of the others.
    Geometry,
}

impl Geo {
    pub(crate) const ALL: [(Self, &'static str); 7] = [
        (Self::Point, "Point"),
        (Self::Ring, "Ring"),
        (Self::LineString, "LineString"),
        (Self::MultiLineString, "MultiLineString"),
        (Self::Polygon, "Polygon"),
        (Self::MultiPolygon, "MultiPolygon"),
        (Self::Geometry, "Geometry"),
    ];

    /// How many arrays lie around the points.
    pub(crate) fn depth(self) -> usize {
        match self {
            Self::Point | Self::Geometry => 0,
            Self::Ring | Self::LineString => 1,
            Self::MultiLineString | Self::Polygon => 2,
            Self::MultiPolygon => 3,
        }
    }

    /// The members of a `Geometry`, in the order of their numbers on the wire.
    pub(crate) fn members() -> [Self; 6] {
        [
            Self::LineString,
            Self::MultiLineString,
            Self::MultiPolygon,
            Self::Point,
            Self::Polygon,
            Self::Ring,
        ]
    }
}

impl Type {
    /// The type without what only says how it is stored or whether it may be NULL; and whether it may be.
    pub fn bare(&self) -> (&Self, bool) {
        match self {
            Self::LowCardinality(inner) | Self::SimpleAggregateFunction(_, inner) => inner.bare(),
            Self::Nullable(inner) => (inner.bare().0, true),
            // These hold NULL without saying so.
            Self::Variant(_) | Self::Dynamic(_) | Self::Geo(Geo::Geometry) => (self, true),
            other => (other, false),
        }
    }

    /// Whether a part of the type, however deep, is such.
    pub fn any(&self, is: &impl Fn(&Self) -> bool) -> bool {
        is(self)
            || match self {
                Self::LowCardinality(inner)
                | Self::Nullable(inner)
                | Self::Array(inner)
                | Self::QBit(inner, _)
                | Self::SimpleAggregateFunction(_, inner) => inner.any(is),
                Self::Map(key, value) => key.any(is) || value.any(is),
                Self::Tuple(elements) | Self::Nested(elements) => {
                    elements.iter().any(|element| element.ty.any(is))
                }
                Self::Variant(types) => types.iter().any(|ty| ty.any(is)),
                _ => false,
            }
    }
}
