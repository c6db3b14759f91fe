//! Dates, times and spans as ISO 8601 text.
//!
//! The calendar is the proleptic Gregorian one over the whole range of Arrow's types, which is wider than
//! that of the usual libraries. Years before 1 are astronomical (`-0043` is 44 BC), years after 9999 carry
//! a `+`, as ISO 8601 writes expanded years. A fraction always has the digits of the column's type; one
//! that needs more shows them all rather than lose them.

use std::io::Write;

const DAY_SECONDS: i64 = 86_400;

/// `2024-02-29` from days since 1970-01-01.
pub fn date(days: i64, out: &mut Vec<u8>) {
    // Days since 0000-03-01, in eras of 400 years.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if !(0..=9999).contains(&year) {
        out.push(if year < 0 { b'-' } else { b'+' });
    }
    padded(year.unsigned_abs(), 4, out);
    out.push(b'-');
    padded(month.unsigned_abs(), 2, out);
    out.push(b'-');
    padded(day.unsigned_abs(), 2, out);
}

/// `12:34:56.789000` from `units` of 10^-`scale` seconds since midnight. The end of a day is `24:00:00`.
pub fn time(units: i64, scale: u32, digits: u32, out: &mut Vec<u8>) {
    let per_second = 10i64.pow(scale);
    let (seconds, fraction) = (units.div_euclid(per_second), units.rem_euclid(per_second));
    clock(seconds, fraction, scale, digits, out);
}

/// `2024-02-29T12:34:56.789000` from `units` of 10^-`scale` seconds since the epoch.
pub fn timestamp(units: i64, scale: u32, digits: u32, out: &mut Vec<u8>) {
    let per_second = 10i64.pow(scale);
    let (seconds, fraction) = (units.div_euclid(per_second), units.rem_euclid(per_second));
    date(seconds.div_euclid(DAY_SECONDS), out);
    out.push(b'T');
    clock(
        seconds.rem_euclid(DAY_SECONDS),
        fraction,
        scale,
        digits,
        out,
    );
}

/// `-838:59:59.000000`: a span in hours, minutes and seconds, however many hours.
pub fn duration(units: i64, scale: u32, digits: u32, out: &mut Vec<u8>) {
    let per_second = 10u64.pow(scale);
    if units < 0 {
        out.push(b'-');
    }
    let units = units.unsigned_abs();
    let seconds = i64::try_from(units / per_second).unwrap_or(i64::MAX);
    let fraction = i64::try_from(units % per_second).unwrap_or(0);
    clock(seconds, fraction, scale, digits, out);
}

/// `P1Y2M3DT4H5M6.789S`; every part has its own sign, parts of 0 are left out, nothing at all is `PT0S`.
pub fn interval(months: i64, days: i64, nanos: i64, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(b'P');
    part(months / 12, b'Y', out);
    part(months % 12, b'M', out);
    part(days, b'D', out);
    if nanos != 0 {
        out.push(b'T');
        let seconds = nanos / 1_000_000_000;
        part(seconds / 3_600, b'H', out);
        part(seconds / 60 % 60, b'M', out);
        let (whole, fraction) = (seconds % 60, (nanos % 1_000_000_000).unsigned_abs());
        if fraction != 0 {
            if nanos < 0 {
                out.push(b'-');
            }
            integer(whole.abs(), out);
            out.push(b'.');
            padded(fraction, 9, out);
            while out.last() == Some(&b'0') {
                out.pop();
            }
            out.push(b'S');
        } else {
            part(whole, b'S', out);
        }
    }
    if out.len() == start + 1 {
        out.extend_from_slice(b"T0S");
    }
}

/// How many digits a fraction has: those of the type's name (`timestamp(3) with time zone`), else all of
/// the Arrow unit.
pub fn digits(db_type: Option<&str>, scale: u32) -> u32 {
    let named = db_type.and_then(|name| {
        let (base, rest) = name.split_once('(')?;
        let base = base.trim().to_ascii_lowercase();
        let temporal = [
            "time",
            "timetz",
            "timestamp",
            "timestamptz",
            "datetime",
            "datetime64",
        ];
        let (digits, _) = rest.split_once([')', ','])?;
        temporal
            .contains(&base.as_str())
            .then(|| digits.trim().parse().ok())?
    });
    named.filter(|digits| *digits <= scale).unwrap_or(scale)
}

fn clock(seconds: i64, fraction: i64, scale: u32, digits: u32, out: &mut Vec<u8>) {
    padded((seconds / 3_600).unsigned_abs(), 2, out);
    out.push(b':');
    padded((seconds / 60 % 60).unsigned_abs(), 2, out);
    out.push(b':');
    padded((seconds % 60).unsigned_abs(), 2, out);
    let fraction = fraction.unsigned_abs();
    let hidden = 10u64.pow(scale - digits.min(scale));
    let (fraction, digits) = if fraction.is_multiple_of(hidden) {
        (fraction / hidden, digits.min(scale))
    } else {
        (fraction, scale)
    };
    if digits > 0 {
        out.push(b'.');
        padded(fraction, digits as usize, out);
    }
}

fn part(value: i64, unit: u8, out: &mut Vec<u8>) {
    if value != 0 {
        integer(value, out);
        out.push(unit);
    }
}

/// A decimal integer.
pub fn integer(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    padded(value.unsigned_abs(), 1, out);
}

/// A decimal integer of at least `width` digits.
pub fn padded(mut value: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    at = at.min(digits.len() - width.min(digits.len()));
    out.extend_from_slice(&digits[at..]);
}

/// `-12.50` from an unscaled number; a negative scale appends zeros.
pub fn decimal(unscaled: impl std::fmt::Display, scale: i8, out: &mut Vec<u8>) {
    let start = out.len();
    // Writing to a Vec can't fail.
    let _ = write!(out, "{unscaled}");
    let digits_at = start + usize::from(out[start] == b'-');
    let digits = out.len() - digits_at;
    let Ok(scale) = usize::try_from(scale) else {
        if out[digits_at..] != *b"0" {
            out.resize(out.len() + usize::from(scale.unsigned_abs()), b'0');
        }
        return;
    };
    if scale == 0 {
        return;
    }
    if digits <= scale {
        let zeros = scale + 1 - digits;
        out.splice(digits_at..digits_at, std::iter::repeat_n(b'0', zeros));
    }
    let point = out.len() - scale;
    out.insert(point, b'.');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn dates_are_right_over_the_whole_range_of_postgresql() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (-719_162, "0001-01-01"),
            (-719_163, "0000-12-31"),
            (-735_160, "-0043-03-15"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+10000-01-01"),
            (2_145_042_905, "+5874897-12-31"),
            (-2_440_550, "-4712-01-01"),
        ] {
            assert_eq!(text(|out| date(days, out)), expected, "{days}");
        }
    }

    #[test]
    fn dates_agree_with_chrono_wherever_chrono_reaches() {
        let epoch = chrono::NaiveDate::from_ymd_opt(1970, 1, 1).expect("valid");
        for days in (-719_162..2_932_896).step_by(17) {
            let expected = epoch + chrono::Duration::days(days);
            assert_eq!(text(|out| date(days, out)), expected.to_string());
        }
    }

    #[test]
    fn a_fraction_has_the_digits_of_the_type_and_none_is_lost() {
        assert_eq!(
            text(|out| timestamp(1, 6, 6, out)),
            "1970-01-01T00:00:00.000001"
        );
        assert_eq!(
            text(|out| timestamp(-1, 6, 6, out)),
            "1969-12-31T23:59:59.999999"
        );
        assert_eq!(
            text(|out| timestamp(80_000, 6, 3, out)),
            "1970-01-01T00:00:00.080"
        );
        assert_eq!(
            text(|out| timestamp(80_001, 6, 3, out)),
            "1970-01-01T00:00:00.080001"
        );
        assert_eq!(
            text(|out| timestamp(7_000_000, 6, 0, out)),
            "1970-01-01T00:00:07"
        );
        assert_eq!(digits(Some("timestamp(3) with time zone"), 6), 3);
        assert_eq!(digits(Some("timestamp with time zone"), 6), 6);
        assert_eq!(digits(Some("numeric(3)"), 6), 6);
        assert_eq!(digits(Some("DateTime64(3, 'UTC')"), 9), 3);
        assert_eq!(digits(None, 9), 9);
    }

    #[test]
    fn the_end_of_a_day_is_not_its_beginning() {
        assert_eq!(
            text(|out| time(86_400_000_000, 6, 6, out)),
            "24:00:00.000000"
        );
        assert_eq!(text(|out| time(1, 6, 6, out)), "00:00:00.000001");
        assert_eq!(text(|out| time(86_399, 0, 0, out)), "23:59:59");
    }

    #[test]
    fn a_span_may_be_negative_and_longer_than_a_day() {
        assert_eq!(
            text(|out| duration(-3_020_399_000_000, 6, 6, out)),
            "-838:59:59.000000"
        );
        assert_eq!(
            text(|out| duration(-500_000, 6, 6, out)),
            "-00:00:00.500000"
        );
    }

    #[test]
    fn an_interval_keeps_the_sign_of_every_part() {
        assert_eq!(
            text(|out| interval(14, 3, 14_706_789_000_000, out)),
            "P1Y2M3DT4H5M6.789S"
        );
        assert_eq!(
            text(|out| interval(-14, 3, -14_706_789_000_000, out)),
            "P-1Y-2M3DT-4H-5M-6.789S"
        );
        assert_eq!(text(|out| interval(0, 0, -500_000_000, out)), "PT-0.5S");
        assert_eq!(text(|out| interval(0, 0, 0, out)), "PT0S");
        assert_eq!(text(|out| interval(0, 1, 0, out)), "P1D");
    }

    #[test]
    fn decimals_keep_their_scale() {
        for (unscaled, scale, expected) in [
            (110i128, 2, "1.10"),
            (0, 2, "0.00"),
            (-5, 2, "-0.05"),
            (-1234, 2, "-12.34"),
            (123, -2, "12300"),
            (0, -2, "0"),
            (7, 0, "7"),
            (i128::MAX, 38, "1.70141183460469231731687303715884105727"),
        ] {
            assert_eq!(text(|out| decimal(unscaled, scale, out)), expected);
        }
    }
}
