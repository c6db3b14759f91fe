//! Dates and times as PostgreSQL reads them in texts, from the counts of the contract.

use std::fmt::Write;

use datachat_sdk::calendar::civil;

/// Microseconds of a day.
pub(crate) const DAY_MICROS: i64 = 86_400_000_000;

/// The date in ISO form, as PostgreSQL reads it; years before 1 with `BC`.
pub(crate) fn spell_date(days: i64) -> String {
    let (year, month, day) = civil(days);
    if year > 0 {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{:04}-{month:02}-{day:02} BC", 1 - year)
    }
}

pub(crate) fn spell_timestamp(micros: i64) -> String {
    let date = spell_date(micros.div_euclid(DAY_MICROS));
    let (date, era) = match date.strip_suffix(" BC") {
        Some(date) => (date, " BC"),
        None => (date.as_str(), ""),
    };
    let time = micros.rem_euclid(DAY_MICROS);
    let seconds = time / 1_000_000;
    let mut text = format!(
        "{date} {:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    let fraction = time % 1_000_000;
    if fraction != 0 {
        let _ = write!(text, ".{fraction:06}");
    }
    text + "+00" + era
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_days_and_years_before_christ_are_spelled_right() {
        for (days, text) in [
            (-1, "1969-12-31"),
            (0, "1970-01-01"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (-719_162, "0001-01-01"),
            (-719_163, "0001-12-31 BC"),
            (2_932_897, "10000-01-01"),
        ] {
            assert_eq!(spell_date(days), text);
        }
    }

    #[test]
    fn times_before_1970_count_within_their_day() {
        assert_eq!(spell_timestamp(-1), "1969-12-31 23:59:59.999999+00");
        assert_eq!(
            spell_timestamp(-719_163 * DAY_MICROS),
            "0001-12-31 00:00:00+00 BC"
        );
    }
}
