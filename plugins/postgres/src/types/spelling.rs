//! The name of a type with its modifiers, as PostgreSQL's `format_type` spells it.

use super::builtin::{
    BIT, BPCHAR, INTERVAL, NUMERIC, TIME, TIMESTAMP, TIMESTAMPTZ, TIMETZ, VARBIT, VARCHAR,
};
use super::catalog::{Known, TypeCatalog};

/// Array types have names of their own only in `pg_type`; this bounds arrays over domains over arrays.
const MAX_DEPTH: usize = 8;

/// The type as PostgreSQL spells it; `modifier` is −1 without one.
pub(super) fn spell(catalog: &TypeCatalog, oid: u32, modifier: i32) -> String {
    spell_within(catalog, oid, modifier, MAX_DEPTH)
}

fn spell_within(catalog: &TypeCatalog, oid: u32, modifier: i32, depth: usize) -> String {
    let Some(name) = catalog.name(oid) else {
        // The array of a built-in type.
        return match catalog.known(oid) {
            Some(Known::Array(element)) if depth > 0 => {
                spell_within(catalog, element, modifier, depth - 1) + "[]"
            }
            _ => format!("oid {oid}"),
        };
    };
    match oid {
        // Without a length these two are not what the short name alone means in a declaration.
        BPCHAR if modifier < 4 => "bpchar".to_owned(),
        BIT if modifier < 0 => "\"bit\"".to_owned(),
        BPCHAR | VARCHAR if modifier >= 4 => format!("{name}({})", modifier - 4),
        BIT | VARBIT if modifier >= 0 => format!("{name}({modifier})"),
        TIME | TIMESTAMP => zoned(name, modifier, "without"),
        TIMETZ | TIMESTAMPTZ => zoned(name, modifier, "with"),
        NUMERIC => match numeric_modifier(modifier) {
            Some((precision, scale)) => format!("{name}({precision},{scale})"),
            None => name.to_owned(),
        },
        INTERVAL if modifier >= 0 => interval(modifier),
        _ => name.to_owned(),
    }
}

fn zoned(name: &str, modifier: i32, with: &str) -> String {
    match digits(modifier) {
        Some(digits) => format!("{name}({digits}) {with} time zone"),
        None => format!("{name} {with} time zone"),
    }
}

/// Precision and scale of a declared numeric. The scale may be negative.
pub(super) fn numeric_modifier(modifier: i32) -> Option<(i32, i32)> {
    let packed = modifier.checked_sub(4).filter(|packed| *packed >= 0)?;
    // The scale is a signed number of eleven bits.
    let scale = ((packed & 0x7ff) ^ 1024) - 1024;
    Some(((packed >> 16) & 0xffff, scale))
}

/// The declared count of fraction digits of a time, a timestamp.
fn digits(modifier: i32) -> Option<i32> {
    (0..=6).contains(&modifier).then_some(modifier)
}

/// An interval's modifier holds the fields that it keeps, as bits, over its count of fraction digits.
fn interval(modifier: i32) -> String {
    const MONTH: i32 = 1 << 1;
    const YEAR: i32 = 1 << 2;
    const DAY: i32 = 1 << 3;
    const HOUR: i32 = 1 << 10;
    const MINUTE: i32 = 1 << 11;
    const SECOND: i32 = 1 << 12;
    const FIELDS: &[(i32, &str)] = &[
        (YEAR, " year"),
        (MONTH, " month"),
        (DAY, " day"),
        (HOUR, " hour"),
        (MINUTE, " minute"),
        (SECOND, " second"),
        (YEAR | MONTH, " year to month"),
        (DAY | HOUR, " day to hour"),
        (DAY | HOUR | MINUTE, " day to minute"),
        (DAY | HOUR | MINUTE | SECOND, " day to second"),
        (HOUR | MINUTE, " hour to minute"),
        (HOUR | MINUTE | SECOND, " hour to second"),
        (MINUTE | SECOND, " minute to second"),
    ];
    let range = (modifier >> 16) & 0x7fff;
    let fields = FIELDS
        .iter()
        .find(|(bits, _)| *bits == range)
        .map_or("", |(_, name)| name);
    match digits(modifier & 0xffff) {
        Some(digits) => format!("interval{fields}({digits})"),
        None => format!("interval{fields}"),
    }
}
