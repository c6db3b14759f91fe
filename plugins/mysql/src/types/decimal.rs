//! MySQL's decimal: digits as text, as an Arrow decimal of its column's scale.

use arrow_array::types::{Decimal128Type, Decimal256Type, DecimalType};
use arrow_buffer::i256;

use super::error::Fault;

/// Digits that fit into 64 bits whatever they are.
const CHUNK: usize = 18;

/// A number's sign, and its digits before and after the point.
struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
}

fn parts(text: &[u8]) -> Parts<'_> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let point = digits.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match point {
        Some(point) => (&digits[..point], &digits[point + 1..]),
        None => (digits, &[][..]),
    };
    Parts {
        negative,
        whole,
        fraction,
    }
}

/// Up to [`CHUNK`] digits as a number.
fn number(digits: &[u8]) -> Result<u64, Fault> {
    digits.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(Fault::Malformed(
                "a decimal has a character that is no digit",
            ));
        }
        Ok(number * 10 + u64::from(digit))
    })
}

/// The digits after the point that count for a scale; those beyond it must be zero.
fn fraction<'a>(parts: &Parts<'a>, scale: i8) -> Result<(&'a [u8], usize), Fault> {
    let scale = usize::from(scale.unsigned_abs());
    let (counted, beyond) = parts.fraction.split_at(parts.fraction.len().min(scale));
    if beyond.iter().any(|&byte| byte != b'0') {
        return Err(Fault::DecimalRange);
    }
    Ok((counted, scale - counted.len()))
}

pub(super) fn decimal128(text: &[u8], precision: u8, scale: i8) -> Result<i128, Fault> {
    let parts = parts(text);
    let (fraction, missing) = fraction(&parts, scale)?;
    // Nearly all numbers are short.
    if parts.whole.len() + fraction.len() + missing <= CHUNK {
        let mut value = number(parts.whole)?;
        for &byte in fraction {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return Err(Fault::Malformed(
                    "a decimal has a character that is no digit",
                ));
            }
            value = value * 10 + u64::from(digit);
        }
        for _ in 0..missing {
            value *= 10;
        }
        let value = i128::from(value);
        return check128(
            if parts.negative { -value } else { value },
            precision,
            scale,
        );
    }
    let value = wide(&parts, fraction, missing)?
        .to_i128()
        .ok_or(Fault::DecimalRange)?;
    check128(value, precision, scale)
}

fn check128(value: i128, precision: u8, scale: i8) -> Result<i128, Fault> {
    Decimal128Type::validate_decimal_precision(value, precision, scale)
        .map(|()| value)
        .map_err(|_| Fault::DecimalRange)
}

pub(super) fn decimal256(text: &[u8], precision: u8, scale: i8) -> Result<i256, Fault> {
    let parts = parts(text);
    let (fraction, missing) = fraction(&parts, scale)?;
    let value = wide(&parts, fraction, missing)?;
    Decimal256Type::validate_decimal_precision(value, precision, scale)
        .map(|()| value)
        .map_err(|_| Fault::DecimalRange)
}

fn wide(parts: &Parts<'_>, fraction: &[u8], missing: usize) -> Result<i256, Fault> {
    let mut value = i256::ZERO;
    let mut add = |number: u64, digits: usize| {
        let shifted = value.checked_mul(i256::from_i128(
            10_i128.pow(u32::try_from(digits).map_err(|_| Fault::DecimalRange)?),
        ));
        value = shifted
            .and_then(|shifted| shifted.checked_add(i256::from_i128(number.into())))
            .ok_or(Fault::DecimalRange)?;
        Ok::<(), Fault>(())
    };
    for chunk in parts.whole.chunks(CHUNK).chain(fraction.chunks(CHUNK)) {
        add(number(chunk)?, chunk.len())?;
    }
    let mut missing = missing;
    while missing > 0 {
        let digits = missing.min(CHUNK);
        add(0, digits)?;
        missing -= digits;
    }
    Ok(if parts.negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: i256, scale: usize) -> String {
        let digits = value.to_string();
        let (sign, digits) = match digits.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", digits.as_str()),
        };
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        if scale == 0 {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{fraction}")
        }
    }

    proptest! {
        #[test]
        fn a_decimal_of_38_digits_reads_back_as_itself(value in -(10_i128.pow(38) - 1)..10_i128.pow(38), scale in 0_u8..=30) {
            let written = text(i256::from_i128(value), scale.into());
            prop_assert_eq!(decimal128(written.as_bytes(), 38, scale.cast_signed()), Ok(value));
        }

        #[test]
        fn a_decimal_of_65_digits_reads_back_as_itself(digits in "[1-9][0-9]{64}", negative in any::<bool>(), scale in 0_u8..=30) {
            let value = i256::from_string(&digits).expect("in range");
            let value = if negative { -value } else { value };
            let written = text(value, scale.into());
            prop_assert_eq!(decimal256(written.as_bytes(), 65, scale.cast_signed()), Ok(value));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..90)) {
            let _ = decimal128(&bytes, 38, 10);
            let _ = decimal256(&bytes, 76, 10);
        }
    }

    #[test]
    fn a_number_with_fewer_or_more_digits_than_its_scale_keeps_its_value_or_is_refused() {
        assert_eq!(decimal128(b"1.1", 10, 3), Ok(1100));
        assert_eq!(decimal128(b"-0.05", 10, 2), Ok(-5));
        assert_eq!(decimal128(b"1.100", 10, 2), Ok(110));
        assert_eq!(decimal128(b"0000012.50", 10, 2), Ok(1250));
        assert_eq!(decimal128(b"1.101", 10, 2), Err(Fault::DecimalRange));
        assert_eq!(decimal128(b"1000", 3, 0), Err(Fault::DecimalRange));
        assert!(decimal128(b"1e5", 10, 0).is_err());
    }
}
