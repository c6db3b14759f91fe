//! Buckets of equal width.
//!
//! Numbers are counted by the database, in one statement of sums over CASE, which every SQL has: bounds are
//! written as plain decimals. The outermost buckets are open, so that rounding a bound loses no row. Times are
//! counted here, from rows that were read, because engines don't agree on how a moment is written.

use serde_json::Value;

use crate::answer::Bucket;

/// The inner and outer bounds of buckets between two numbers; two more than there are inner ones.
pub fn bounds(from: f64, to: f64, buckets: u32) -> Vec<f64> {
    let width = (to - from) / f64::from(buckets);
    let mut bounds: Vec<f64> = (0..buckets).map(|n| from + width * f64::from(n)).collect();
    bounds.push(to);
    bounds
}

/// The SQL that counts a column's values in buckets, one result column a bucket.
pub fn count_sql(column: &str, table: &str, bounds: &[f64]) -> String {
    let last = bounds.len().saturating_sub(2);
    let sums: Vec<String> = (0..=last)
        .map(|n| {
            let from = (n > 0).then(|| format!("{column} >= {}", decimal(bounds[n])));
            let to = (n < last).then(|| format!("{column} < {}", decimal(bounds[n + 1])));
            let condition = match (from, to) {
                (Some(from), Some(to)) => format!("{from} AND {to}"),
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => format!("{column} IS NOT NULL"),
            };
            format!("SUM(CASE WHEN {condition} THEN 1 ELSE 0 END)")
        })
        .collect();
    format!("SELECT {} FROM {table}", sums.join(", "))
}

/// A number as every SQL reads it: digits and a point, no exponent.
fn decimal(number: f64) -> String {
    format!("{number}")
}

/// Buckets of numbers, from the counts of [`count_sql`].
pub fn of_numbers(bounds: &[f64], counts: &[u64]) -> Vec<Bucket> {
    let edge = |n: usize| {
        bounds
            .get(n)
            .map_or(Value::Null, |bound| Value::from(*bound))
    };
    counts
        .iter()
        .enumerate()
        .map(|(n, count)| Bucket {
            from: edge(n),
            to: edge(n + 1),
            count: *count,
        })
        .collect()
}

/// Buckets of moments, as the database wrote them; none when they are not dates or timestamps.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and the number of buckets
pub fn of_times(values: &[String], buckets: u32) -> Option<Vec<Bucket>> {
    let seconds: Option<Vec<f64>> = values.iter().map(|value| seconds(value)).collect();
    let seconds = seconds?;
    let from = seconds.iter().copied().reduce(f64::min)?;
    let to = seconds.iter().copied().reduce(f64::max)?;
    let bounds = if from < to {
        bounds(from, to, buckets)
    } else {
        vec![from, to]
    };
    let last = bounds.len() - 2;
    let mut counts = vec![0; last + 1];
    for second in seconds {
        let inside = bounds[1..=last].partition_point(|bound| *bound <= second);
        counts[inside] += 1;
    }
    let dates_only = values.iter().all(|value| value.len() == 10);
    let zoned = values.iter().all(|value| value.ends_with('Z'));
    let edge = |n: usize| Value::from(moment(bounds[n], dates_only, zoned));
    Some(
        counts
            .into_iter()
            .enumerate()
            .map(|(n, count)| Bucket {
                from: edge(n),
                to: edge(n + 1),
                count,
            })
            .collect(),
    )
}

/// Seconds since 1970 of `2024-02-29` or `2024-02-29T13:05:00.5Z`.
fn seconds(text: &str) -> Option<f64> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse::<u16>().ok())?
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let days = days_from_civil(year.into(), month.into(), day.into());
    let mut seconds = f64::from(days) * 86_400.0;
    if text.len() > 10 {
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        seconds += f64::from(hour) * 3600.0 + f64::from(minute) * 60.0 + f64::from(second);
        let fraction = text.get(19..)?.trim_end_matches('Z');
        if !fraction.is_empty() {
            seconds += format!("0{fraction}").parse::<f64>().ok()?;
        }
    }
    Some(seconds)
}

/// The moment of a number of seconds since 1970, rounded down to a second or a day.
#[allow(clippy::cast_possible_truncation)] // it came from dates of four digits
fn moment(seconds: f64, date_only: bool, zoned: bool) -> String {
    let whole = seconds.floor() as i64;
    let (days, second) = (whole.div_euclid(86_400), whole.rem_euclid(86_400));
    let (year, month, day) = civil_from_days(days);
    let date = format!("{year:04}-{month:02}-{day:02}");
    if date_only {
        return date;
    }
    let zone = if zoned { "Z" } else { "" };
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{date}T{hour:02}:{minute:02}:{:02}{zone}", second % 60)
}

/// Days since 1970-01-01; years begin in March here, so that a leap day is the last of its year.
fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_falls_into_exactly_one_bucket() {
        let sql = count_sql("<c>", "<t>", &bounds(0.0, 3.0, 3));
        assert_eq!(
            sql,
            "SELECT SUM(CASE WHEN <c> < 1 THEN 1 ELSE 0 END), \
             SUM(CASE WHEN <c> >= 1 AND <c> < 2 THEN 1 ELSE 0 END), \
             SUM(CASE WHEN <c> >= 2 THEN 1 ELSE 0 END) FROM <t>"
        );
        assert!(count_sql("<c>", "<t>", &[5.0, 5.0]).contains("IS NOT NULL"));
    }

    #[test]
    fn bounds_have_no_exponent() {
        assert_eq!(decimal(1e21), "1000000000000000000000");
        assert_eq!(decimal(-0.000_000_1), "-0.0000001");
    }

    #[test]
    fn moments_go_there_and_back() {
        for text in [
            "1970-01-01",
            "2024-02-29",
            "1969-12-31",
            "0001-01-01",
            "9999-12-31",
        ] {
            let seconds = seconds(text).expect("a date");
            assert_eq!(moment(seconds, true, false), text);
        }
        let text = "2024-02-29T23:59:59Z";
        assert_eq!(moment(seconds(text).expect("a time"), false, true), text);
        for text in ["infinity", "-0043-03-15", "12:00:00", "", "24:00"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_counted_between_the_first_and_the_last() {
        let values = ["2024-01-01", "2024-01-02", "2024-01-09", "2024-01-11"].map(str::to_owned);
        let buckets = of_times(&values, 2).expect("dates");
        let shown: Vec<(String, u64)> = buckets
            .iter()
            .map(|bucket| (bucket.from.to_string(), bucket.count))
            .collect();
        assert_eq!(
            shown,
            [
                ("\"2024-01-01\"".to_owned(), 2),
                ("\"2024-01-06\"".to_owned(), 2)
            ]
        );
        let one = of_times(&["2024-01-01".to_owned()], 5).expect("a date");
        assert_eq!((one.len(), one[0].count), (1, 1));
    }
}
