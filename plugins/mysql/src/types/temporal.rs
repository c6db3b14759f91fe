//! Dates and times: years, months, … in the binary protocol, days and microseconds in Arrow.

use datachat_sdk::calendar;

use super::error::Fault;

const MICROS_OF_DAY: i64 = 86_400_000_000;

/// Days from 1970-01-01. `None`: it is no day.
#[inline]
pub(super) fn date(value: &[u8]) -> Result<Option<i32>, Fault> {
    Ok(parse(value)?.map(|(day, _)| day))
}

/// Microseconds from 1970-01-01 00:00:00. `None`: it is no day.
#[inline]
pub(super) fn timestamp(value: &[u8]) -> Result<Option<i64>, Fault> {
    Ok(parse(value)?.map(|(day, micros)| i64::from(day) * MICROS_OF_DAY + micros))
}

#[inline]
fn parse(value: &[u8]) -> Result<Option<(i32, i64)>, Fault> {
    let (&[low, high, month, day], clock) = match value.split_first_chunk::<4>() {
        Some(parts) => parts,
        // What is zero is not sent.
        None if value.is_empty() => return Ok(None),
        None => return Err(Fault::Malformed("a date has the wrong length")),
    };
    let micros = match *clock {
        [] => 0,
        [hour, minute, second] => of_day(hour, minute, second, 0)?,
        [hour, minute, second, a, b, c, d] => {
            of_day(hour, minute, second, u32::from_le_bytes([a, b, c, d]))?
        }
        _ => return Err(Fault::Malformed("a date has the wrong length")),
    };
    Ok(calendar::day(u16::from_le_bytes([low, high]), month, day).map(|day| (day, micros)))
}

fn of_day(hour: u8, minute: u8, second: u8, micros: u32) -> Result<i64, Fault> {
    if hour > 23 || minute > 59 || second > 59 || micros > 999_999 {
        return Err(Fault::Malformed("a time of day is out of range"));
    }
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    Ok(seconds * 1_000_000 + i64::from(micros))
}

/// Microseconds, with their sign.
pub(super) fn duration(value: &[u8]) -> Result<i64, Fault> {
    let wrong = Fault::Malformed("a time has the wrong length");
    let (&[negative, a, b, c, d, hour, minute, second], fraction) =
        match value.split_first_chunk::<8>() {
            Some(parts) => parts,
            None if value.is_empty() => return Ok(0),
            None => return Err(wrong),
        };
    let micros = match *fraction {
        [] => 0,
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
        _ => return Err(wrong),
    };
    let days = u32::from_le_bytes([a, b, c, d]);
    // Servers stop at 838 hours.
    if days > 1_000_000 {
        return Err(Fault::Malformed("a time is out of range"));
    }
    let span = i64::from(days) * MICROS_OF_DAY + of_day(hour, minute, second, micros)?;
    Ok(if negative == 0 { span } else { -span })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_times_are_exact_in_both_directions() {
        assert_eq!(
            duration(&[0, 34, 0, 0, 0, 22, 59, 59, 0x3F, 0x42, 0x0F, 0]),
            Ok(3_020_399_999_999)
        );
        assert_eq!(
            duration(&[1, 34, 0, 0, 0, 22, 59, 59]),
            Ok(-3_020_399_000_000)
        );
        assert_eq!(
            duration(&[1, 0, 0, 0, 0, 0, 0, 0, 0x20, 0xA1, 7, 0]),
            Ok(-500_000)
        );
        assert_eq!(duration(&[]), Ok(0));
    }

    #[test]
    fn what_is_no_day_is_told_from_every_day() {
        for value in [
            &[][..],
            &[0; 4],
            &[0xE8, 7, 0, 15],
            &[0xE8, 7, 2, 0],
            &[0xE8, 7, 2, 30],
            &[0; 11],
        ] {
            assert_eq!(timestamp(value), Ok(None), "{value:?}");
        }
        assert_eq!(date(&[0xB2, 7, 1, 1]), Ok(Some(0)));
        assert_eq!(date(&[0x0F, 0x27, 12, 31]), Ok(Some(2_932_896)));
        assert_eq!(date(&[1, 0, 1, 1]), Ok(Some(-719_162)));
        assert_eq!(
            timestamp(&[0xB2, 7, 1, 1, 0, 0, 1, 0x3F, 0x42, 0x0F, 0]),
            Ok(Some(1_999_999))
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..14)) {
            let _ = timestamp(&bytes);
            let _ = duration(&bytes);
        }
    }
}
