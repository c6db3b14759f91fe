//! Spans of time that a question names, as days.
//!
//! All days are UTC. "Last 30 days" are the 30 days before today; "last month" is the calendar month before this
//! one, "last 3 months" the three before it; a week begins on Monday. A span holds its first day and not the day
//! after its last.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use super::words::{Token, TokenKind};

/// How long the steps of a trend are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grain {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// A span of days. `None` is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    pub from: Option<NaiveDate>,
    /// The day after the last.
    pub to: Option<NaiveDate>,
}

/// What a phrase about time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phrase {
    Period(Period),
    /// As long as the one before it, and right before that.
    Before,
    /// The same a year earlier.
    YearEarlier,
    /// What has not happened yet.
    Future,
}

impl Grain {
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    fn from_stem(stem: &str) -> Option<Self> {
        Some(match stem {
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "year" => Self::Year,
            _ => return None,
        })
    }

    /// The grain of a single word: `month`, `monthly`.
    pub fn of_word(stem: &str) -> Option<Self> {
        Self::from_stem(stem).or(match stem {
            "daily" => Some(Self::Day),
            "weekly" => Some(Self::Week),
            "monthly" => Some(Self::Month),
            "quarterly" => Some(Self::Quarter),
            "yearly" | "annual" | "annually" => Some(Self::Year),
            _ => None,
        })
    }

    /// The first day of the step that a day is in.
    pub fn start(self, day: NaiveDate) -> NaiveDate {
        let first = |year, month| NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(day);
        match self {
            Self::Day => day,
            Self::Week => back(day, u64::from(day.weekday().num_days_from_monday())),
            Self::Month => first(day.year(), day.month()),
            Self::Quarter => first(day.year(), day.month0() / 3 * 3 + 1),
            Self::Year => first(day.year(), 1),
        }
    }

    /// So many steps later, or earlier.
    fn shift(self, day: NaiveDate, steps: i64) -> NaiveDate {
        let count = steps.unsigned_abs();
        let months = |each: u64| {
            let months = Months::new(u32::try_from(count.saturating_mul(each)).unwrap_or(u32::MAX));
            let shifted = if steps < 0 {
                day.checked_sub_months(months)
            } else {
                day.checked_add_months(months)
            };
            shifted.unwrap_or(day)
        };
        let days = |each: u64| {
            let days = Days::new(count.saturating_mul(each));
            let shifted = if steps < 0 {
                day.checked_sub_days(days)
            } else {
                day.checked_add_days(days)
            };
            shifted.unwrap_or(day)
        };
        match self {
            Self::Day => days(1),
            Self::Week => days(7),
            Self::Month => months(1),
            Self::Quarter => months(3),
            Self::Year => months(12),
        }
    }
}

impl Period {
    fn between(from: NaiveDate, to: NaiveDate) -> Self {
        Self {
            from: Some(from),
            to: Some(to),
        }
    }

    /// `steps` whole steps that end where the one of `today` begins, or, from 0 on, those that begin there.
    fn steps(grain: Grain, today: NaiveDate, first: i64, count: i64) -> Self {
        let start = grain.start(today);
        let from = grain.shift(start, first);
        Self::between(from, grain.shift(from, count))
    }

    /// As long as this one, and right before it. `None` if it is open.
    pub fn before(self) -> Option<Self> {
        let (from, to) = (self.from?, self.to?);
        // A whole month, quarter or year is followed back by its like, whatever its days.
        for grain in [Grain::Year, Grain::Quarter, Grain::Month] {
            if grain.start(from) == from && grain.shift(from, 1) == to {
                return Some(Self::between(grain.shift(from, -1), from));
            }
        }
        let days = u64::try_from((to - from).num_days()).ok()?;
        Some(Self::between(back(from, days), from))
    }

    /// The same a year earlier.
    #[must_use]
    pub fn year_earlier(self) -> Self {
        let earlier = |day: NaiveDate| Grain::Year.shift(day, -1);
        Self {
            from: self.from.map(earlier),
            to: self.to.map(earlier),
        }
    }

    /// For people: the last day is named, not the one after it.
    pub fn words(self) -> String {
        match (self.from, self.to.map(|to| back(to, 1))) {
            (Some(from), Some(last)) if from == last => format!("on {from}"),
            (Some(from), Some(last)) => format!("from {from} to {last}"),
            (Some(from), None) => format!("since {from}"),
            (None, Some(last)) => format!("until {last}"),
            (None, None) => "at any time".to_owned(),
        }
    }
}

fn back(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

/// Reads the phrases about time that begin at a token, longest first, each with its length in tokens.
pub fn read(tokens: &[Token], today: NaiveDate) -> Vec<(usize, Phrase)> {
    let mut found = Vec::new();
    // Prepositions belong to the phrase.
    let lead = usize::from(word(tokens, 0).is_some_and(|stem| {
        matches!(
            stem,
            "in" | "during" | "on" | "within" | "over" | "of" | "for" | "from"
        )
    }));
    for skip in [lead, 0] {
        let mut rest = &tokens[skip..];
        let mut length = skip;
        if skip > 0 && word(rest, 0) == Some("the") {
            rest = &rest[1..];
            length += 1;
        }
        if let Some((more, phrase)) = phrase(rest, today) {
            found.push((length + more, phrase));
        }
        if skip == 0 {
            break;
        }
    }
    if let Some((length, period)) = open_or_closed(tokens, today) {
        found.push((length, Phrase::Period(period)));
    }
    found.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    found.dedup();
    found
}

fn word(tokens: &[Token], at: usize) -> Option<&str> {
    tokens.get(at)?.stem()
}

fn number(tokens: &[Token], at: usize) -> Option<i64> {
    match &tokens.get(at)?.kind {
        TokenKind::Number(digits) => digits.parse().ok(),
        TokenKind::Word(stem) => Some(match stem.as_str() {
            "two" => 2,
            "three" => 3,
            "four" => 4,
            "five" => 5,
            "six" => 6,
            "seven" => 7,
            "ten" => 10,
            "twelve" => 12,
            _ => return None,
        }),
        _ => None,
    }
}

/// The largest number of steps that a question may go back.
const MOST_STEPS: i64 = 10_000;

fn phrase(tokens: &[Token], today: NaiveDate) -> Option<(usize, Phrase)> {
    let period = |length, period| Some((length, Phrase::Period(period)));
    let first = word(tokens, 0);
    match first {
        Some("today") => return period(1, Period::steps(Grain::Day, today, 0, 1)),
        Some("yesterday") => return period(1, Period::steps(Grain::Day, today, -1, 1)),
        Some("tomorrow") => return Some((1, Phrase::Future)),
        _ => {}
    }
    let grain_at = |at: usize| word(tokens, at).and_then(Grain::from_stem);
    match first {
        Some("day")
            if word(tokens, 1) == Some("before") && word(tokens, 2) == Some("yesterday") =>
        {
            return period(3, Period::steps(Grain::Day, today, -2, 1));
        }
        Some("year") if word(tokens, 1) == Some("to") && word(tokens, 2) == Some("date") => {
            return period(
                3,
                Period::between(Grain::Year.start(today), Grain::Day.shift(today, 1)),
            );
        }
        Some("month" | "week" | "day" | "quarter" | "year" | "period")
            if word(tokens, 1) == Some("before") =>
        {
            return Some((2, Phrase::Before));
        }
        Some("previous" | "preceding") if word(tokens, 1) == Some("period") => {
            return Some((2, Phrase::Before));
        }
        Some("year") if word(tokens, 1) == Some("earlier") => {
            return Some((2, Phrase::YearEarlier));
        }
        Some("same")
            if word(tokens, 1)
                .is_some_and(|stem| stem == "period" || Grain::from_stem(stem).is_some()) =>
        {
            let skip = usize::from(word(tokens, 2) == Some("of"));
            if word(tokens, 2 + skip) == Some("last") && word(tokens, 3 + skip) == Some("year") {
                return Some((4 + skip, Phrase::YearEarlier));
            }
        }
        Some("next" | "coming" | "following") => {
            let skip = usize::from(number(tokens, 1).is_some());
            if grain_at(1 + skip).is_some() {
                return Some((2 + skip, Phrase::Future));
            }
        }
        Some("this" | "current") => {
            if let Some(grain) = grain_at(1) {
                let so_far = word(tokens, 2) == Some("so") && word(tokens, 3) == Some("far");
                return period(
                    if so_far { 4 } else { 2 },
                    Period::steps(grain, today, 0, 1),
                );
            }
        }
        Some("last" | "past" | "previous" | "latest") => {
            if let Some(grain) = grain_at(1) {
                return period(2, Period::steps(grain, today, -1, 1));
            }
            if let Some(count) = number(tokens, 1)
                && let Some(grain) = grain_at(2)
                && (1..=MOST_STEPS).contains(&count)
            {
                return period(3, Period::steps(grain, today, -count, count));
            }
        }
        _ => {}
    }
    let (length, named) = named(tokens, today)?;
    period(length, named)
}

/// `2025`, `March`, `March 2025`, `Q3 2025`, `2025-03-01`.
fn named(tokens: &[Token], today: NaiveDate) -> Option<(usize, Period)> {
    if let TokenKind::Day(day) = tokens.first()?.kind {
        return Some((1, Period::between(day, Grain::Day.shift(day, 1))));
    }
    let year = |at: usize| -> Option<i32> {
        match &tokens.get(at)?.kind {
            TokenKind::Number(digits) if digits.len() == 4 => digits
                .parse()
                .ok()
                .filter(|year| (1900..=2200).contains(year)),
            _ => None,
        }
    };
    if let Some(year) = year(0) {
        let from = NaiveDate::from_ymd_opt(year, 1, 1)?;
        return Some((1, Period::between(from, Grain::Year.shift(from, 1))));
    }
    let stem = word(tokens, 0)?;
    let (grain, month) = match month(stem) {
        Some(month) => (Grain::Month, month),
        None => match stem {
            "q1" => (Grain::Quarter, 1),
            "q2" => (Grain::Quarter, 4),
            "q3" => (Grain::Quarter, 7),
            "q4" => (Grain::Quarter, 10),
            _ => return None,
        },
    };
    let (length, from) = if let Some(year) = year(1) {
        (2, NaiveDate::from_ymd_opt(year, month, 1)?)
    } else {
        // The last one that has begun.
        let this_year = NaiveDate::from_ymd_opt(today.year(), month, 1)?;
        if this_year > today {
            (1, Grain::Year.shift(this_year, -1))
        } else {
            (1, this_year)
        }
    };
    Some((length, Period::between(from, grain.shift(from, 1))))
}

fn month(stem: &str) -> Option<u32> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let at = NAMES.iter().position(|name| {
        *name == stem || stem.len() == 3 && stem != "may" && name.starts_with(stem)
    });
    Some(u32::try_from(at?).ok()? + 1)
}

/// `since X`, `before X`, `until X`, `between X and Y`, `from X to Y`.
fn open_or_closed(tokens: &[Token], today: NaiveDate) -> Option<(usize, Period)> {
    let at = |from: usize| {
        let rest = tokens.get(from..)?;
        let article = usize::from(word(rest, 0) == Some("the"));
        let (length, phrase) = phrase(&rest[article..], today)?;
        match phrase {
            Phrase::Period(period) => Some((article + length, period)),
            _ => None,
        }
    };
    match word(tokens, 0)? {
        "since" => {
            let (length, period) = at(1)?;
            Some((
                1 + length,
                Period {
                    from: period.from,
                    to: None,
                },
            ))
        }
        "before" => {
            let (length, period) = at(1)?;
            Some((
                1 + length,
                Period {
                    from: None,
                    to: period.from,
                },
            ))
        }
        "after" => {
            let (length, period) = at(1)?;
            Some((
                1 + length,
                Period {
                    from: period.to,
                    to: None,
                },
            ))
        }
        "until" | "through" => {
            let (length, period) = at(1)?;
            Some((
                1 + length,
                Period {
                    from: None,
                    to: period.to,
                },
            ))
        }
        link @ ("between" | "from") => {
            let (length, first) = at(1)?;
            let joint = word(tokens, 1 + length)?;
            let fits = match link {
                "between" => joint == "and",
                _ => matches!(joint, "to" | "until" | "through"),
            };
            if !fits {
                return None;
            }
            let (more, last) = at(2 + length)?;
            Some((
                2 + length + more,
                Period {
                    from: first.from,
                    to: last.to,
                },
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::tokens;
    use super::*;

    /// A Saturday.
    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 28).unwrap()
    }

    fn shown(text: &str) -> String {
        let tokens = tokens(text);
        let found = read(&tokens, today());
        let Some((length, phrase)) = found.first() else {
            return String::new();
        };
        let rest = tokens.len() - length;
        let what = match phrase {
            Phrase::Period(period) => period.words(),
            other => format!("{other:?}"),
        };
        if rest == 0 {
            what
        } else {
            format!("{what} +{rest}")
        }
    }

    #[test]
    fn phrases_about_time_are_whole_days() {
        for (text, expected) in [
            ("yesterday", "on 2026-11-27"),
            ("the day before yesterday", ""),
            ("day before yesterday", "on 2026-11-26"),
            ("in the last 30 days", "from 2026-10-29 to 2026-11-27"),
            ("last month", "from 2026-10-01 to 2026-10-31"),
            ("last 3 months", "from 2026-08-01 to 2026-10-31"),
            ("last week", "from 2026-11-16 to 2026-11-22"),
            ("this year so far", "from 2026-01-01 to 2026-12-31"),
            ("year to date", "from 2026-01-01 to 2026-11-28"),
            ("last quarter", "from 2026-07-01 to 2026-09-30"),
            ("in 2025", "from 2025-01-01 to 2025-12-31"),
            ("in March", "from 2026-03-01 to 2026-03-31"),
            ("in December", "from 2025-12-01 to 2025-12-31"),
            ("in Mar 2024", "from 2024-03-01 to 2024-03-31"),
            ("Q2 2025", "from 2025-04-01 to 2025-06-30"),
            ("since March 2025", "since 2025-03-01"),
            ("since 2025-03-15", "since 2025-03-15"),
            ("before 2025", "until 2024-12-31"),
            ("until 2025", "until 2025-12-31"),
            ("after March 2025", "since 2025-04-01"),
            (
                "between 2025-01-05 and 2025-01-09",
                "from 2025-01-05 to 2025-01-09",
            ),
            ("from January to March", "from 2026-01-01 to 2026-03-31"),
            ("month before", "Before"),
            ("same month of last year", "YearEarlier"),
            ("next month", "Future"),
            ("last 30 days by month", "from 2026-10-29 to 2026-11-27 +2"),
            ("of Berlin", ""),
            ("15", ""),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn the_one_before_is_as_long() {
        let of = |text: &str| match read(&tokens(text), today())[0].1 {
            Phrase::Period(period) => period.before().unwrap().words(),
            other => panic!("{other:?}"),
        };
        assert_eq!(of("last month"), "from 2026-09-01 to 2026-09-30");
        assert_eq!(of("last 30 days"), "from 2026-09-29 to 2026-10-28");
        assert_eq!(of("yesterday"), "on 2026-11-26");
    }
}
