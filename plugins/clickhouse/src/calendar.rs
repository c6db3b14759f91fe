//! Dates as people write them.

/// `2024-02-29` of days since 1970.
pub(crate) fn date(days: i64) -> String {
    // Howard Hinnant's algorithm, from eras of 400 years that begin in March.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn the_edges_of_every_type_of_date_are_spelled() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(65_535), "2149-06-06");
        assert_eq!(date(-25_567), "1900-01-01");
        assert_eq!(date(120_529), "2299-12-31");
        assert_eq!(date(19_782), "2024-02-29");
    }
}
