//! Days of the Gregorian calendar, from before its time to long after ours.

/// Year (0 is 1 BC), month and day of a day counted from 1970-01-01.
pub fn civil(days: i64) -> (i64, i64, i64) {
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

/// The day counted from 1970-01-01. `None`: the calendar has no such day.
pub fn day(year: u16, month: u8, day: u8) -> Option<i32> {
    const LENGTHS: [u8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = LENGTHS.get(usize::from(month).checked_sub(1)?)? + u8::from(leap && month == 2);
    if day == 0 || day > length {
        return None;
    }
    let (year, month, day) = (i32::from(year), i32::from(month), i32::from(day));
    // January and February belong to the year before, so that a leap day is the last of its year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_years_0_to_9999_counts_back_to_itself() {
        for days in -719_528..=2_932_896 {
            let (year, month, of_month) = civil(days.into());
            let [year, month, of_month] =
                [year, month, of_month].map(|part| u16::try_from(part).expect("small"));
            let part = |part| u8::try_from(part).expect("small");
            assert_eq!(day(year, part(month), part(of_month)), Some(days));
        }
        assert_eq!(civil(-719_528), (0, 1, 1));
        assert_eq!(civil(2_932_896), (9999, 12, 31));
    }

    #[test]
    fn what_is_no_day_has_no_number() {
        for (year, month, of_month) in [
            (0, 0, 0),
            (2024, 0, 15),
            (2024, 2, 0),
            (2023, 2, 29),
            (1900, 2, 29),
            (2024, 13, 1),
            (2024, 4, 31),
        ] {
            assert_eq!(
                day(year, month, of_month),
                None,
                "{year}-{month}-{of_month}"
            );
        }
        assert_eq!(day(2024, 2, 29), Some(19_782));
    }
}
