//! The types that every PostgreSQL has under fixed OIDs.
//!
//! Only what a result can hold is listed. A type that is not here, or is listed as
//! [`Scalar::ServerText`], is asked for in the text format.

/// How the binary form of a type that is not made of other types is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    Bool,
    Int16,
    Int32,
    Int64,
    UInt32,
    UInt64,
    Float32,
    Float64,
    Numeric,
    /// Characters as they are, and text to everybody.
    Text,
    /// `"char"`: one byte.
    Char,
    Bytes,
    Date,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
    Interval,
    Uuid,
    Json,
    /// JSON text behind one byte of version.
    Jsonb,
    /// Text behind one byte of version.
    VersionedText,
    /// inet and cidr.
    Network,
    MacAddress,
    Bits,
    Lsn,
    Tid,
    /// No binary form, or one that says less than the text.
    ServerText,
}

/// What a built-in type is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Scalar(Scalar),
    /// An array type that stands on its own, not as the array of another entry.
    Vector(u32),
    Range(u32),
    Multirange(u32),
    Record,
}

/// One built-in type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Builtin {
    pub(super) oid: u32,
    /// The OID of the array over it, 0 without one.
    pub(super) array: u32,
    /// As `format_type` spells it without modifiers.
    pub(super) name: &'static str,
    pub(super) form: Form,
}

const fn scalar(oid: u32, array: u32, name: &'static str, scalar: Scalar) -> Builtin {
    Builtin {
        oid,
        array,
        name,
        form: Form::Scalar(scalar),
    }
}

const fn of(oid: u32, array: u32, name: &'static str, form: Form) -> Builtin {
    Builtin {
        oid,
        array,
        name,
        form,
    }
}

/// The built-in type of an OID.
pub(super) fn find(oid: u32) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.oid == oid)
}

/// The built-in type whose array has this OID.
pub(super) fn element_of(oid: u32) -> Option<&'static Builtin> {
    (oid != 0)
        .then(|| BUILTINS.iter().find(|builtin| builtin.array == oid))
        .flatten()
}

pub(super) const BPCHAR: u32 = 1042;
pub(super) const VARCHAR: u32 = 1043;
pub(super) const TIME: u32 = 1083;
pub(super) const TIMESTAMP: u32 = 1114;
pub(super) const TIMESTAMPTZ: u32 = 1184;
pub(super) const INTERVAL: u32 = 1186;
pub(super) const TIMETZ: u32 = 1266;
pub(super) const BIT: u32 = 1560;
pub(super) const VARBIT: u32 = 1562;
pub(super) const NUMERIC: u32 = 1700;
/// Its array's literals are the only ones that a semicolon separates.
pub(super) const BOX: u32 = 603;

use Scalar::ServerText;

/// Ordered by OID.
static BUILTINS: &[Builtin] = &[
    scalar(16, 1000, "boolean", Scalar::Bool),
    scalar(17, 1001, "bytea", Scalar::Bytes),
    scalar(18, 1002, "\"char\"", Scalar::Char),
    scalar(19, 1003, "name", Scalar::Text),
    scalar(20, 1016, "bigint", Scalar::Int64),
    scalar(21, 1005, "smallint", Scalar::Int16),
    of(22, 1006, "int2vector", Form::Vector(21)),
    scalar(23, 1007, "integer", Scalar::Int32),
    scalar(24, 1008, "regproc", ServerText),
    scalar(25, 1009, "text", Scalar::Text),
    scalar(26, 1028, "oid", Scalar::UInt32),
    scalar(27, 1010, "tid", Scalar::Tid),
    scalar(28, 1011, "xid", Scalar::UInt32),
    scalar(29, 1012, "cid", Scalar::UInt32),
    of(30, 1013, "oidvector", Form::Vector(26)),
    scalar(114, 199, "json", Scalar::Json),
    scalar(142, 143, "xml", ServerText),
    scalar(194, 0, "pg_node_tree", ServerText),
    scalar(600, 1017, "point", ServerText),
    scalar(601, 1018, "lseg", ServerText),
    scalar(602, 1019, "path", ServerText),
    scalar(BOX, 1020, "box", ServerText),
    scalar(604, 1027, "polygon", ServerText),
    scalar(628, 629, "line", ServerText),
    scalar(650, 651, "cidr", Scalar::Network),
    scalar(700, 1021, "real", Scalar::Float32),
    scalar(701, 1022, "double precision", Scalar::Float64),
    scalar(705, 0, "unknown", Scalar::Text),
    scalar(718, 719, "circle", ServerText),
    scalar(774, 775, "macaddr8", Scalar::MacAddress),
    scalar(790, 791, "money", ServerText),
    scalar(829, 1040, "macaddr", Scalar::MacAddress),
    scalar(869, 1041, "inet", Scalar::Network),
    scalar(1033, 1034, "aclitem", ServerText),
    scalar(BPCHAR, 1014, "character", Scalar::Text),
    scalar(VARCHAR, 1015, "character varying", Scalar::Text),
    scalar(1082, 1182, "date", Scalar::Date),
    scalar(TIME, 1183, "time", Scalar::Time),
    scalar(TIMESTAMP, 1115, "timestamp", Scalar::Timestamp),
    scalar(TIMESTAMPTZ, 1185, "timestamp", Scalar::TimestampTz),
    scalar(INTERVAL, 1187, "interval", Scalar::Interval),
    scalar(TIMETZ, 1270, "time", Scalar::TimeTz),
    scalar(BIT, 1561, "bit", Scalar::Bits),
    scalar(VARBIT, 1563, "bit varying", Scalar::Bits),
    scalar(NUMERIC, 1231, "numeric", Scalar::Numeric),
    scalar(1790, 2201, "refcursor", Scalar::Text),
    scalar(2202, 2207, "regprocedure", ServerText),
    scalar(2203, 2208, "regoper", ServerText),
    scalar(2204, 2209, "regoperator", ServerText),
    scalar(2205, 2210, "regclass", ServerText),
    scalar(2206, 2211, "regtype", ServerText),
    of(2249, 2287, "record", Form::Record),
    scalar(2275, 1263, "cstring", Scalar::Text),
    scalar(2277, 0, "anyarray", ServerText),
    scalar(2278, 0, "void", ServerText),
    scalar(2950, 2951, "uuid", Scalar::Uuid),
    scalar(2970, 2949, "txid_snapshot", ServerText),
    scalar(3220, 3221, "pg_lsn", Scalar::Lsn),
    scalar(3361, 0, "pg_ndistinct", ServerText),
    scalar(3402, 0, "pg_dependencies", ServerText),
    scalar(3614, 3643, "tsvector", ServerText),
    scalar(3615, 3645, "tsquery", ServerText),
    scalar(3642, 3644, "gtsvector", ServerText),
    scalar(3734, 3735, "regconfig", ServerText),
    scalar(3769, 3770, "regdictionary", ServerText),
    scalar(3802, 3807, "jsonb", Scalar::Jsonb),
    of(3904, 3905, "int4range", Form::Range(23)),
    of(3906, 3907, "numrange", Form::Range(NUMERIC)),
    of(3908, 3909, "tsrange", Form::Range(TIMESTAMP)),
    of(3910, 3911, "tstzrange", Form::Range(TIMESTAMPTZ)),
    of(3912, 3913, "daterange", Form::Range(1082)),
    of(3926, 3927, "int8range", Form::Range(20)),
    scalar(4072, 4073, "jsonpath", Scalar::VersionedText),
    scalar(4089, 4090, "regnamespace", ServerText),
    scalar(4096, 4097, "regrole", ServerText),
    scalar(4191, 4192, "regcollation", ServerText),
    of(4451, 6150, "int4multirange", Form::Multirange(3904)),
    of(4532, 6151, "nummultirange", Form::Multirange(3906)),
    of(4533, 6152, "tsmultirange", Form::Multirange(3908)),
    of(4534, 6153, "tstzmultirange", Form::Multirange(3910)),
    of(4535, 6155, "datemultirange", Form::Multirange(3912)),
    of(4536, 6157, "int8multirange", Form::Multirange(3926)),
    scalar(4600, 0, "pg_brin_bloom_summary", ServerText),
    scalar(4601, 0, "pg_brin_minmax_multi_summary", ServerText),
    scalar(5017, 0, "pg_mcv_list", ServerText),
    scalar(5038, 5039, "pg_snapshot", ServerText),
    scalar(5069, 271, "xid8", Scalar::UInt64),
];
