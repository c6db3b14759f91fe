//! Values of a cell, their types, and how they compare.
//!
//! A cell's text is read strictly: what would not print again as it stands in the file is text. `007` keeps
//! its zeros, and a number of more digits than a double holds keeps its digits.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The digits that a double always keeps.
const EXACT_DIGITS: usize = 15;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Boolean,
    Integer,
    Float,
    Date,
    Timestamp,
    Text,
}

impl Type {
    /// The name that people see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "bigint",
            Self::Float => "double",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Text => "text",
        }
    }

    /// Whether it can be added up.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Float)
    }
}

/// One value.
#[derive(Debug, Clone)]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01T00:00:00.
    Timestamp(i64),
    Text(String),
}

impl Value {
    /// Its type; none of NULL.
    pub fn kind(&self) -> Option<Type> {
        Some(match self {
            Self::Null => return None,
            Self::Boolean(_) => Type::Boolean,
            Self::Integer(_) => Type::Integer,
            Self::Float(_) => Type::Float,
            Self::Date(_) => Type::Date,
            Self::Timestamp(_) => Type::Timestamp,
            Self::Text(_) => Type::Text,
        })
    }

    /// Reads a cell as a type; an empty cell is NULL. `None` when it is no value of the type.
    pub fn parse(text: &str, kind: Type) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::Null);
        }
        Some(match kind {
            Type::Boolean => Self::Boolean(parse_boolean(text)?),
            Type::Integer => Self::Integer(parse_integer(text)?),
            Type::Float => Self::Float(parse_float(text)?),
            Type::Date => Self::Date(parse_date(text)?),
            Type::Timestamp => Self::Timestamp(parse_timestamp(text)?),
            Type::Text => Self::Text(text.to_owned()),
        })
    }

    /// The order of two values of comparable types; none if one is NULL or they don't compare.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Boolean(a), Self::Boolean(b)) => Some(a.cmp(b)),
            (Self::Integer(a), Self::Integer(b)) | (Self::Timestamp(a), Self::Timestamp(b)) => {
                Some(a.cmp(b))
            }
            (Self::Float(a), Self::Float(b)) => Some(a.total_cmp(b)),
            (Self::Integer(a), Self::Float(b)) => Some(compare_mixed(*a, *b)),
            (Self::Float(a), Self::Integer(b)) => Some(compare_mixed(*b, *a).reverse()),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Timestamp(b)) => Some(midnight(*a).cmp(b)),
            (Self::Timestamp(a), Self::Date(b)) => Some(a.cmp(&midnight(*b))),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// About how much memory it takes, in bytes.
    pub fn size(&self) -> usize {
        std::mem::size_of::<Self>()
            + match self {
                Self::Text(text) => text.len(),
                _ => 0,
            }
    }
}

impl fmt::Display for Value {
    /// For messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Date(days) => write!(f, "day {days}"),
            Self::Timestamp(micros) => write!(f, "microsecond {micros}"),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// Equal as a group has it: NULL equals NULL, 0.0 equals -0.0.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Float(a), Self::Float(b)) => bits(*a) == bits(*b),
            _ => self.kind() == other.kind() && self.compare(other) == Some(Ordering::Equal),
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Null => 0_u8.hash(state),
            Self::Boolean(value) => value.hash(state),
            Self::Integer(value) | Self::Timestamp(value) => value.hash(state),
            Self::Float(value) => bits(*value).hash(state),
            Self::Date(value) => value.hash(state),
            Self::Text(text) => text.hash(state),
        }
    }
}

fn bits(value: f64) -> u64 {
    // Adding a zero makes the two zeros one.
    (value + 0.0).to_bits()
}

/// The microsecond at which a day begins.
pub fn midnight(days: i32) -> i64 {
    i64::from(days) * 86_400_000_000
}

/// Exact, although not every 64-bit integer is a double.
fn compare_mixed(a: i64, b: f64) -> Ordering {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if b.is_nan() || b >= BEYOND {
        return Ordering::Less;
    }
    if b < -BEYOND {
        return Ordering::Greater;
    }
    // In range, so the cast keeps the whole part.
    #[allow(clippy::cast_possible_truncation)]
    let whole = b.trunc() as i64;
    a.cmp(&whole)
        .then_with(|| 0.0_f64.partial_cmp(&b.fract()).unwrap_or(Ordering::Equal))
}

fn parse_boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Digits before a point or an exponent, as a number would print them.
fn is_plain_whole(digits: &str) -> bool {
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

fn parse_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !is_plain_whole(digits) || text == "-0" {
        return None;
    }
    text.parse().ok()
}

fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits =
        exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)));
    if !is_plain_whole(whole) || !fraction.is_none_or(digits) || !exponent_fits {
        return None;
    }
    let significant = whole.trim_start_matches('0').len() + fraction.map_or(0, str::len);
    let value: f64 = text.parse().ok()?;
    (significant <= EXACT_DIGITS && value.is_finite()).then_some(value)
}

fn parse_date(text: &str) -> Option<i32> {
    let (year, month, day) = (text.get(0..4)?, text.get(5..7)?, text.get(8..10)?);
    let separated = text.len() == 10 && text.get(4..5)? == "-" && text.get(7..8)? == "-";
    let number = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.parse().ok())?
    };
    if !separated {
        return None;
    }
    days_from_civil(number(year)?, number(month)?, number(day)?)
}

/// `2024-02-29 13:05`, with seconds and up to six digits of them if need be, `T` or a space between.
fn parse_timestamp(text: &str) -> Option<i64> {
    let date = parse_date(text.get(0..10)?)?;
    let time = text.get(10..)?.strip_prefix(['T', ' '])?;
    let (clock, fraction) = match time.split_once('.') {
        Some((clock, fraction)) => (clock, fraction),
        None => (time, ""),
    };
    let mut parts = clock.split(':');
    let mut next = |below: i64| {
        let part = parts.next()?;
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|n| digits && *n < below)
    };
    let (hour, minute) = (next(24)?, next(60)?);
    let second = match clock.len() {
        5 => 0,
        8 => next(60)?,
        _ => return None,
    };
    let micros = match (clock.len(), fraction.len()) {
        (_, 0) if !time.ends_with('.') => 0,
        (8, length @ 1..=6) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
            fraction.parse::<i64>().ok()? * 10_i64.pow(6 - u32::try_from(length).ok()?)
        }
        _ => return None,
    };
    Some(midnight(date) + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, years 0 to 9999.
fn days_from_civil(year: i32, month: i32, day: i32) -> Option<i32> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years begin in March here, so that a leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_a_number_would_not_print_again_stays_text() {
        for text in [
            "007",
            "+1",
            "-0",
            "1_000",
            " 1",
            "9223372036854775808",
            "",
            "1.0",
        ] {
            assert_eq!(parse_integer(text), None, "{text:?}");
        }
        for text in [
            "01.5",
            ".5",
            "1.",
            "nan",
            "inf",
            "1e999",
            "0.1234567890123456",
            "1e",
        ] {
            assert_eq!(parse_float(text), None, "{text:?}");
        }
        assert_eq!(parse_integer("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_float("-1.5e-3"), Some(-0.0015));
        assert_eq!(parse_float("0.00012"), Some(0.00012));
    }

    #[test]
    fn days_are_counted_by_the_calendar() {
        for (text, days) in [
            ("1970-01-01", Some(0)),
            ("1969-12-31", Some(-1)),
            ("2000-02-29", Some(11_016)),
            ("9999-12-31", Some(2_932_896)),
            ("0000-03-01", Some(-719_468)),
            ("1900-02-29", None),
            ("2024-13-01", None),
            ("2024-1-01", None),
            ("20240101--", None),
        ] {
            assert_eq!(parse_date(text), days, "{text}");
        }
    }

    #[test]
    fn timestamps_have_minutes_and_at_most_six_digits_of_a_second() {
        let second = 1_000_000;
        for (text, micros) in [
            ("1970-01-01T00:00", Some(0)),
            ("1970-01-01 00:00:01.5", Some(second + 500_000)),
            ("1970-01-01 00:01:00.000001", Some(60 * second + 1)),
            ("1970-01-01 24:00", None),
            ("1970-01-01 00:00:60", None),
            ("1970-01-01 00:00:00.1234567", None),
            ("1970-01-01 00:00:00Z", None),
            ("1970-01-01 00:00.5", None),
            ("1970-01-01 00:00:00.", None),
            ("1970-01-01", None),
        ] {
            assert_eq!(parse_timestamp(text), micros, "{text}");
        }
    }

    #[test]
    fn integers_and_doubles_compare_exactly() {
        let order = |a: i64, b: f64| Value::Integer(a).compare(&Value::Float(b));
        assert_eq!(order(1, 1.5), Some(Ordering::Less));
        assert_eq!(order(2, 1.5), Some(Ordering::Greater));
        assert_eq!(order(-1, -1.5), Some(Ordering::Greater));
        assert_eq!(
            order(9_007_199_254_740_993, 9_007_199_254_740_992.0),
            Some(Ordering::Greater)
        );
        assert_eq!(
            order(i64::MAX, 9_223_372_036_854_775_808.0),
            Some(Ordering::Less)
        );
        assert_eq!(Value::Null.compare(&Value::Integer(1)), None);
    }
}
