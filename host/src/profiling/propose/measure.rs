//! What a numeric column measures, as its name says.
//!
//! A name that says nothing of the kind is not measured: a sum of ids or years is a number without a meaning. A
//! unit is said only if the name or the comment says it.

use crate::knowledge::datapoint::Aggregation;
use crate::profiling::joins::is_key_name;
use crate::profiling::table::{ColumnProfile, TableProfile};
use crate::profiling::words::words;

/// How a column is to be summed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    pub aggregation: Aggregation,
    pub unit: Unit,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    Said(&'static str),
    /// Money, and nobody says of which currency.
    Money,
    Unsaid,
}

/// Words of names whose numbers stand for something else than a quantity.
const NEVER: &[&str] = &[
    "id",
    "ids",
    "key",
    "code",
    "uuid",
    "guid",
    "number",
    "no",
    "nr",
    "zip",
    "zipcode",
    "postal",
    "postcode",
    "phone",
    "fax",
    "year",
    "month",
    "day",
    "week",
    "quarter",
    "weekday",
    "latitude",
    "longitude",
    "lat",
    "lon",
    "lng",
    "version",
    "revision",
    "status",
    "state",
    "type",
    "flag",
    "rank",
    "position",
    "index",
    "idx",
    "seq",
    "sequence",
    "hash",
    "port",
    "pin",
    "ssn",
    "is",
    "has",
    "date",
    "time",
    "timestamp",
    "epoch",
];

/// Words of quantities whose mean says more than their sum, or whose sum says nothing.
const AVERAGED: &[&str] = &[
    "rate",
    "ratio",
    "percent",
    "percentage",
    "pct",
    "share",
    "price",
    "score",
    "rating",
    "age",
    "duration",
    "temperature",
    "average",
    "avg",
    "mean",
    "balance",
    "height",
    "weight",
    "size",
    "latency",
    "speed",
    "salary",
    "probability",
    "utilization",
    "days",
    "hours",
    "minutes",
    "seconds",
    "ms",
    "millis",
    "milliseconds",
];

/// Words of money that flows, and adds up.
const FLOWS: &[&str] = &[
    "amount",
    "amt",
    "subtotal",
    "revenue",
    "sales",
    "turnover",
    "cost",
    "costs",
    "expense",
    "expenses",
    "profit",
    "income",
    "earnings",
    "fee",
    "fees",
    "tax",
    "taxes",
    "vat",
    "discount",
    "refund",
    "payment",
    "charge",
    "charges",
    "budget",
    "deposit",
    "withdrawal",
];

/// Words of other quantities that add up.
const QUANTITIES: &[&str] = &[
    "total",
    "sum",
    "quantity",
    "qty",
    "count",
    "units",
    "volume",
    "clicks",
    "views",
    "visits",
    "impressions",
    "items",
    "distance",
    "bytes",
];

/// Words of money that does not add up.
const LEVELS: &[&str] = &["price", "balance", "salary"];

/// Words that are units, or say one.
const UNITS: &[(&str, &str)] = &[
    ("usd", "USD"),
    ("eur", "EUR"),
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("gbp", "GBP"),
    ("chf", "CHF"),
    ("jpy", "JPY"),
    ("cny", "CNY"),
    ("inr", "INR"),
    ("cad", "CAD"),
    ("aud", "AUD"),
    ("nzd", "NZD"),
    ("sek", "SEK"),
    ("nok", "NOK"),
    ("dkk", "DKK"),
    ("pln", "PLN"),
    ("brl", "BRL"),
    ("mxn", "MXN"),
    ("cents", "cents"),
    ("percent", "percent"),
    ("percentage", "percent"),
    ("pct", "percent"),
    ("ratio", "ratio"),
    ("share", "ratio"),
    ("probability", "ratio"),
    ("seconds", "seconds"),
    ("secs", "seconds"),
    ("minutes", "minutes"),
    ("hours", "hours"),
    ("days", "days"),
    ("ms", "milliseconds"),
    ("millis", "milliseconds"),
    ("milliseconds", "milliseconds"),
    ("kg", "kg"),
    ("grams", "g"),
    ("km", "km"),
    ("meters", "m"),
    ("metres", "m"),
    ("miles", "miles"),
    ("liters", "l"),
    ("litres", "l"),
    ("celsius", "°C"),
    ("fahrenheit", "°F"),
    ("bytes", "bytes"),
    ("kwh", "kWh"),
    ("quantity", "count"),
    ("qty", "count"),
    ("count", "count"),
    ("units", "count"),
    ("items", "count"),
    ("clicks", "count"),
    ("views", "count"),
    ("visits", "count"),
    ("impressions", "count"),
];

/// What a column measures, if its name says so and its values don't contradict it.
pub fn measure(table: &TableProfile, column: &ColumnProfile) -> Option<Measure> {
    let is_key = column.is_primary_key
        || is_key_name(&column.name)
        || table.refers(&column.name)
        || table
            .candidate_keys
            .first()
            .is_some_and(|key| key.columns.contains(&column.name) && is_key_name(&column.name));
    if !column.family.is_numeric() || is_key || is_flag(column) {
        return None;
    }
    let words = words(&column.name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let counts = matches!(words.as_slice(), [first, second, _, ..]
        if matches!((first.as_str(), second.as_str()), ("number" | "count", "of")));
    if counts {
        return Some(Measure {
            aggregation: Aggregation::Sum,
            unit: Unit::Said("count"),
        });
    }
    let aggregation = if has(NEVER) {
        return None;
    } else if has(AVERAGED) {
        Aggregation::Avg
    } else if has(FLOWS) || has(QUANTITIES) || words.last().is_some_and(|last| currency(last)) {
        Aggregation::Sum
    } else {
        return None;
    };
    let unit = unit_of(&words)
        .or_else(|| unit_of_comment(column.comment.as_deref()?))
        .map_or_else(
            || {
                if has(FLOWS) || has(LEVELS) {
                    Unit::Money
                } else {
                    Unit::Unsaid
                }
            },
            Unit::Said,
        );
    Some(Measure { aggregation, unit })
}

/// A number that stands for yes or no.
fn is_flag(column: &ColumnProfile) -> bool {
    let bound =
        |value: &Option<serde_json::Value>| value.as_ref().and_then(serde_json::Value::as_u64);
    column.sampled_distinct <= 2 && bound(&column.min) == Some(0) && bound(&column.max) == Some(1)
}

fn currency(word: &str) -> bool {
    UNITS.iter().any(|(name, unit)| {
        *name == word && unit.len() == 3 && unit.chars().all(|c| c.is_ascii_uppercase())
    })
}

/// The unit that the last of the words names that names one.
fn unit_of(words: &[String]) -> Option<&'static str> {
    words.iter().rev().find_map(|word| {
        let found = UNITS.iter().find(|(name, _)| name == word);
        found.map(|(_, unit)| *unit)
    })
}

/// The unit that a comment names: `in seconds`, or a currency by its code.
fn unit_of_comment(comment: &str) -> Option<&'static str> {
    let code = comment
        .split(|letter: char| !letter.is_alphanumeric())
        .find_map(|word| {
            UNITS.iter().find(|(_, unit)| {
                *unit == word && unit.len() == 3 && currency(&word.to_lowercase())
            })
        });
    if let Some((_, unit)) = code {
        return Some(unit);
    }
    let words = words(comment);
    words
        .windows(2)
        .find(|pair| pair[0] == "in")
        .and_then(|pair| unit_of(&pair[1..]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::profiling::family::Family;
    use crate::profiling::testing::{column, table};

    fn measured(name: &str, family: Family, comment: Option<&str>) -> Option<(Aggregation, Unit)> {
        let column = ColumnProfile {
            comment: comment.map(str::to_owned),
            ..column(name, family)
        };
        let table = table("orders", std::slice::from_ref(&column));
        measure(&table, &column).map(|measure| (measure.aggregation, measure.unit))
    }

    #[test]
    fn a_quantity_is_summed_or_averaged_by_its_name_in_the_unit_that_it_says() {
        use Aggregation::{Avg, Sum};
        for (name, expected) in [
            ("amount_usd", (Sum, Unit::Said("USD"))),
            ("total_eur", (Sum, Unit::Said("EUR"))),
            ("net_eur", (Sum, Unit::Said("EUR"))),
            ("orderAmount", (Sum, Unit::Money)),
            ("quantity", (Sum, Unit::Said("count"))),
            ("number_of_visits", (Sum, Unit::Said("count"))),
            ("unit_price", (Avg, Unit::Money)),
            ("discount_pct", (Avg, Unit::Said("percent"))),
            ("duration_seconds", (Avg, Unit::Said("seconds"))),
            ("days_overdue", (Avg, Unit::Said("days"))),
            ("rating", (Avg, Unit::Unsaid)),
            ("total", (Sum, Unit::Unsaid)),
        ] {
            assert_eq!(
                measured(name, Family::Number, None),
                Some(expected),
                "{name}"
            );
        }
    }

    #[test]
    fn ids_codes_flags_and_calendar_parts_are_never_measured() {
        for name in [
            "id",
            "customer_id",
            "orderid",
            "country_code",
            "zip",
            "order_year",
            "latitude",
            "version",
            "is_total",
            "phone_number",
            "status",
            "x",
            "thing",
        ] {
            assert_eq!(measured(name, Family::Integer, None), None, "{name}");
        }
        assert_eq!(measured("amount", Family::Text, None), None);
        let flag = ColumnProfile {
            sampled_distinct: 2,
            min: Some(json!(0)),
            max: Some(json!(1)),
            ..column("refund", Family::Integer)
        };
        assert_eq!(
            measure(&table("orders", std::slice::from_ref(&flag)), &flag),
            None
        );
    }

    #[test]
    fn a_comment_may_say_the_unit() {
        let unit =
            |comment| measured("amount", Family::Number, Some(comment)).map(|(_, unit)| unit);
        assert_eq!(unit("What was paid, in EUR"), Some(Unit::Said("EUR")));
        assert_eq!(unit("Net (USD)"), Some(Unit::Said("USD")));
        assert_eq!(unit("in cents"), Some(Unit::Said("cents")));
        assert_eq!(unit("of the last days"), Some(Unit::Money));
    }
}
