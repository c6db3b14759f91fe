//! Dates and times: PostgreSQL counts from 2000-01-01, Arrow from 1970-01-01.
//!
//! The texts are those of the ISO date style in the zone UTC, which PostgreSQL uses inside of ranges.

use std::fmt::Write as _;

use arrow_buffer::IntervalMonthDayNano;

use super::error::Fault;
use super::wire::{Reader, exactly};

const DAYS_TO_2000: i32 = 10_957;
const MICROS_TO_2000: i64 = 946_684_800_000_000;
const MICROS_OF_DAY: i64 = 86_400_000_000;

/// Days since 1970; ±infinity stays the greatest and the least integer.
pub(super) fn date(value: &[u8]) -> Result<i32, Fault> {
    match i32::from_be_bytes(exactly(value)?) {
        infinite @ (i32::MIN | i32::MAX) => Ok(infinite),
        days => match days.checked_add(DAYS_TO_2000) {
            None | Some(i32::MAX) => Err(Fault::DateRange),
            Some(days) => Ok(days),
        },
    }
}

/// Microseconds since 1970; ±infinity stays the greatest and the least integer.
pub(super) fn timestamp(value: &[u8]) -> Result<i64, Fault> {
    match i64::from_be_bytes(exactly(value)?) {
        infinite @ (i64::MIN | i64::MAX) => Ok(infinite),
        micros => match micros.checked_add(MICROS_TO_2000) {
            None | Some(i64::MAX) => Err(Fault::TimestampRange),
            Some(micros) => Ok(micros),
        },
    }
}

/// Microseconds since midnight, 24:00:00 included.
pub(super) fn time(value: &[u8]) -> Result<i64, Fault> {
    within_day(i64::from_be_bytes(exactly(value)?))
}

fn within_day(micros: i64) -> Result<i64, Fault> {
    if (0..=MICROS_OF_DAY).contains(&micros) {
        Ok(micros)
    } else {
        Err(Fault::Malformed("a time is outside of the day"))
    }
}

/// Months, days and nanoseconds, each with its own sign. PostgreSQL 17's ±infinity has the greatest and
/// the least integer in all three.
pub(super) fn interval(value: &[u8]) -> Result<IntervalMonthDayNano, Fault> {
    let mut reader = Reader::new(value);
    let micros = reader.i64()?;
    let days = reader.i32()?;
    let months = reader.i32()?;
    reader.end()?;
    let nanos = match (months, days, micros) {
        (i32::MAX, i32::MAX, i64::MAX) => i64::MAX,
        (i32::MIN, i32::MIN, i64::MIN) => i64::MIN,
        _ => micros.checked_mul(1000).ok_or(Fault::IntervalRange)?,
    };
    Ok(IntervalMonthDayNano::new(months, days, nanos))
}

/// `13:30:00.5+02`
pub(super) fn write_timetz(value: &[u8], out: &mut String) -> Result<(), Fault> {
    let mut reader = Reader::new(value);
    let micros = within_day(reader.i64()?)?;
    let west = reader.i32()?;
    reader.end()?;
    if west.unsigned_abs() >= 86_400 {
        return Err(Fault::Malformed("a time zone is more than a day away"));
    }
    push_time(micros, out);
    let seconds = west.unsigned_abs();
    out.push(if west > 0 { '-' } else { '+' });
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    push(out, format_args!("{hours:02}"));
    if minutes > 0 || seconds > 0 {
        push(out, format_args!(":{minutes:02}"));
    }
    if seconds > 0 {
        push(out, format_args!(":{seconds:02}"));
    }
    Ok(())
}

/// `13:30:00.5`
pub(super) fn write_time(value: &[u8], out: &mut String) -> Result<(), Fault> {
    push_time(time(value)?, out);
    Ok(())
}

/// `2020-02-29`, `0044-03-15 BC`, `infinity`
pub(super) fn write_date(value: &[u8], out: &mut String) -> Result<(), Fault> {
    match i32::from_be_bytes(exactly(value)?) {
        i32::MAX => out.push_str("infinity"),
        i32::MIN => out.push_str("-infinity"),
        days => {
            let before_christ = push_date(i64::from(days) + i64::from(DAYS_TO_2000), out);
            push_era(before_christ, out);
        }
    }
    Ok(())
}

/// `2020-02-29 13:30:00.5`, with `+00` behind it when the type has a zone.
pub(super) fn write_timestamp(value: &[u8], zoned: bool, out: &mut String) -> Result<(), Fault> {
    match i64::from_be_bytes(exactly(value)?) {
        i64::MAX => out.push_str("infinity"),
        i64::MIN => out.push_str("-infinity"),
        micros => {
            let days = micros.div_euclid(MICROS_OF_DAY) + i64::from(DAYS_TO_2000);
            let before_christ = push_date(days, out);
            out.push(' ');
            push_time(micros.rem_euclid(MICROS_OF_DAY), out);
            if zoned {
                out.push_str("+00");
            }
            push_era(before_christ, out);
        }
    }
    Ok(())
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(arguments);
}

fn push_time(micros: i64, out: &mut String) {
    let seconds = micros / 1_000_000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    push(out, format_args!("{hours:02}:{minutes:02}:{seconds:02}"));
    let mut fraction = micros % 1_000_000;
    if fraction > 0 {
        let mut width = 6;
        while fraction % 10 == 0 {
            fraction /= 10;
            width -= 1;
        }
        push(out, format_args!(".{fraction:0width$}"));
    }
}

/// Writes the date without its era and says whether it is before Christ.
fn push_date(days: i64, out: &mut String) -> bool {
    let (year, month, day) = civil(days);
    let shown = if year > 0 { year } else { 1 - year };
    push(out, format_args!("{shown:04}-{month:02}-{day:02}"));
    year <= 0
}

fn push_era(before_christ: bool, out: &mut String) {
    if before_christ {
        out.push_str(" BC");
    }
}

/// Year (0 is 1 BC), month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    const DAYS_OF_ERA: i64 = 146_097;
    // Years that begin in March put the leap day last, and 400 of them repeat.
    let from_march_of_year_0 = days + 719_468;
    let era = from_march_of_year_0.div_euclid(DAYS_OF_ERA);
    let day = from_march_of_year_0.rem_euclid(DAYS_OF_ERA);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date_text(days: i32) -> String {
        let mut out = String::new();
        write_date(&days.to_be_bytes(), &mut out).unwrap();
        out
    }

    fn timestamp_text(micros: i64) -> String {
        let mut out = String::new();
        write_timestamp(&micros.to_be_bytes(), true, &mut out).unwrap();
        out
    }

    #[test]
    fn a_date_keeps_its_day_and_infinity_its_sentinel() {
        assert_eq!(date(&0i32.to_be_bytes()), Ok(10_957));
        assert_eq!(date(&(-10_957i32).to_be_bytes()), Ok(0));
        assert_eq!(date(&i32::MAX.to_be_bytes()), Ok(i32::MAX));
        assert_eq!(date(&i32::MIN.to_be_bytes()), Ok(i32::MIN));
        assert_eq!(date(&(i32::MAX - 1).to_be_bytes()), Err(Fault::DateRange));
        // 5874897-12-31, the last day of PostgreSQL.
        assert_eq!(date(&2_145_031_948i32.to_be_bytes()), Ok(2_145_042_905));
    }

    #[test]
    fn a_timestamp_that_arrow_cannot_hold_is_an_error_and_does_not_wrap() {
        assert_eq!(timestamp(&0i64.to_be_bytes()), Ok(MICROS_TO_2000));
        assert_eq!(timestamp(&i64::MAX.to_be_bytes()), Ok(i64::MAX));
        assert_eq!(timestamp(&i64::MIN.to_be_bytes()), Ok(i64::MIN));
        // 294276-12-31 23:59:59.999999
        assert_eq!(
            timestamp(&9_223_371_331_199_999_999i64.to_be_bytes()),
            Err(Fault::TimestampRange)
        );
        // One below the greatest that fits; the greatest itself would read as infinity.
        let last = i64::MAX - MICROS_TO_2000 - 1;
        assert_eq!(timestamp(&last.to_be_bytes()), Ok(i64::MAX - 1));
        assert_eq!(
            timestamp(&(last + 1).to_be_bytes()),
            Err(Fault::TimestampRange)
        );
    }

    #[test]
    fn midnight_at_the_end_of_the_day_is_not_the_one_at_its_start() {
        assert_eq!(time(&86_400_000_000i64.to_be_bytes()), Ok(86_400_000_000));
        assert!(time(&86_400_000_001i64.to_be_bytes()).is_err());
        assert!(time(&(-1i64).to_be_bytes()).is_err());
    }

    #[test]
    fn an_interval_of_more_than_292_years_of_hours_is_an_error() {
        let wire = |micros: i64, days: i32, months: i32| {
            [
                &micros.to_be_bytes()[..],
                &days.to_be_bytes(),
                &months.to_be_bytes(),
            ]
            .concat()
        };
        assert_eq!(
            interval(&wire(-1, 2, -3)),
            Ok(IntervalMonthDayNano::new(-3, 2, -1000))
        );
        assert_eq!(
            interval(&wire(0, 0, 2_136_000_000)),
            Ok(IntervalMonthDayNano::new(2_136_000_000, 0, 0))
        );
        assert_eq!(
            interval(&wire(i64::MAX / 1000 + 1, 0, 0)),
            Err(Fault::IntervalRange)
        );
    }

    #[test]
    fn dates_before_christ_are_written_with_their_era() {
        assert_eq!(date_text(0), "2000-01-01");
        assert_eq!(date_text(59), "2000-02-29");
        assert_eq!(date_text(-730_119), "0001-01-01");
        assert_eq!(date_text(-730_120), "0001-12-31 BC");
        assert_eq!(date_text(-2_451_507), "4713-01-01 BC");
        assert_eq!(date_text(i32::MAX), "infinity");
    }

    #[test]
    fn timestamps_are_written_without_trailing_zeros() {
        assert_eq!(timestamp_text(0), "2000-01-01 00:00:00+00");
        assert_eq!(timestamp_text(-500_000), "1999-12-31 23:59:59.5+00");
        assert_eq!(timestamp_text(1), "2000-01-01 00:00:00.000001+00");
        assert_eq!(timestamp_text(i64::MIN), "-infinity");
    }

    #[test]
    fn a_time_zone_shows_what_it_has() {
        let text = |west: i32| {
            let mut out = String::new();
            let bytes = [&1_500_000i64.to_be_bytes()[..], &west.to_be_bytes()].concat();
            write_timetz(&bytes, &mut out).map(|()| out)
        };
        assert_eq!(text(0).unwrap(), "00:00:01.5+00");
        assert_eq!(text(57_599).unwrap(), "00:00:01.5-15:59:59");
        assert_eq!(text(-19_800).unwrap(), "00:00:01.5+05:30");
        assert!(text(i32::MIN).is_err());
    }
}
