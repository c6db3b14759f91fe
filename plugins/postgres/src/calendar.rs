//! Dates and times as PostgreSQL reads them in texts, from the counts of the contract.

use std::fmt::Write;

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

/// Year (0 is 1 BC), month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted from 0000-03-01, in which a leap day is the last day of its year.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
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
