//! PostgreSQL's numeric: groups of four decimal digits, as an Arrow decimal or as text.
//!
//! The text form has an image for every value: NaN, the infinities and 131,072 digits before the point.
//! A decimal has one for what its precision and scale allow, without rounding.

use arrow_array::types::{Decimal128Type, Decimal256Type, DecimalType};
use arrow_buffer::i256;

use super::error::Fault;
use super::wire::Reader;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const PLUS_INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;
/// The greatest count of digits after the point.
const MAX_SCALE: u16 = 0x3FFF;

/// A number that is neither NaN nor infinite: `±Σ groups[i] · 10000^(weight − i)`.
struct Finite<'a> {
    negative: bool,
    weight: i32,
    scale: usize,
    groups: &'a [u8],
}

enum Numeric<'a> {
    Finite(Finite<'a>),
    Nan,
    PlusInfinity,
    MinusInfinity,
}

fn parse(value: &[u8]) -> Result<Numeric<'_>, Fault> {
    let mut reader = Reader::new(value);
    let count = reader.u16()?;
    let weight = reader.i16()?;
    let sign = reader.u16()?;
    let scale = reader.u16()?;
    let groups = reader.take(usize::from(count) * 2)?;
    reader.end()?;
    let negative = match sign {
        0 => false,
        NEGATIVE => true,
        NAN => return Ok(Numeric::Nan),
        PLUS_INFINITY => return Ok(Numeric::PlusInfinity),
        MINUS_INFINITY => return Ok(Numeric::MinusInfinity),
        _ => return Err(Fault::Malformed("a numeric has an unknown sign")),
    };
    if scale > MAX_SCALE {
        return Err(Fault::Malformed("a numeric has too many digits"));
    }
    let finite = Finite {
        negative,
        weight: i32::from(weight),
        scale: usize::from(scale),
        groups,
    };
    if finite.digits().any(|group| group > 9999) {
        return Err(Fault::Malformed("a numeric has an impossible digit"));
    }
    Ok(Numeric::Finite(finite))
}

impl Finite<'_> {
    fn digits(&self) -> impl Iterator<Item = u16> {
        self.groups
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
    }

    /// The group of 10000^`power`; beyond the stored ones it is 0.
    fn group(&self, power: i32) -> u16 {
        usize::try_from(self.weight - power)
            .ok()
            .and_then(|index| self.groups.get(index * 2..index * 2 + 2))
            .map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]))
    }

    /// The magnitude in units of 10^−`scale`, if it is a whole number of them and fits.
    fn units<A: Accumulator>(&self, scale: i32) -> Option<A> {
        let mut units = A::ZERO;
        // The power of ten, in units, of the last digit that went in.
        let mut power = 4 * self.weight + scale + 4;
        for group in self.digits() {
            power -= 4;
            if power >= 0 {
                units = units.push(10_000, group)?;
            } else if power > -4 {
                let below = 10u16.pow(power.unsigned_abs());
                if group % below != 0 {
                    return None;
                }
                units = units.push(10_000 / below, group / below)?;
            } else if group != 0 {
                return None;
            }
        }
        if units == A::ZERO {
            return Some(units);
        }
        while power >= 4 {
            units = units.push(10_000, 0)?;
            power -= 4;
        }
        while power > 0 {
            units = units.push(10, 0)?;
            power -= 1;
        }
        Some(units)
    }
}

/// An integer that says when it overflows.
trait Accumulator: Copy + PartialEq {
    const ZERO: Self;
    /// `self · factor + digits`
    fn push(self, factor: u16, digits: u16) -> Option<Self>;
}

impl Accumulator for u64 {
    const ZERO: Self = 0;
    fn push(self, factor: u16, digits: u16) -> Option<Self> {
        self.checked_mul(factor.into())?.checked_add(digits.into())
    }
}

impl Accumulator for i128 {
    const ZERO: Self = 0;
    fn push(self, factor: u16, digits: u16) -> Option<Self> {
        self.checked_mul(factor.into())?.checked_add(digits.into())
    }
}

impl Accumulator for i256 {
    const ZERO: Self = i256::ZERO;
    fn push(self, factor: u16, digits: u16) -> Option<Self> {
        self.checked_mul(i256::from_i128(factor.into()))?
            .checked_add(i256::from_i128(digits.into()))
    }
}

/// None is NaN.
fn finite(value: &[u8]) -> Result<Option<Finite<'_>>, Fault> {
    match parse(value)? {
        Numeric::Finite(finite) => Ok(Some(finite)),
        Numeric::Nan => Ok(None),
        Numeric::PlusInfinity | Numeric::MinusInfinity => Err(Fault::DecimalRange),
    }
}

/// The value in units of 10^−`scale`, with at most `precision` ≤ 38 digits. NaN is the least integer,
/// which no precision allows to any number.
pub(super) fn decimal128(value: &[u8], precision: u8, scale: i8) -> Result<i128, Fault> {
    let Some(finite) = finite(value)? else {
        return Ok(i128::MIN);
    };
    // 64-bit arithmetic is several times as fast, above all in WebAssembly.
    let units = if precision <= 19 {
        finite.units::<u64>(scale.into()).map(i128::from)
    } else {
        finite.units::<i128>(scale.into())
    }
    .ok_or(Fault::DecimalRange)?;
    if !Decimal128Type::is_valid_decimal_precision(units, precision) {
        return Err(Fault::DecimalRange);
    }
    Ok(if finite.negative { -units } else { units })
}

/// The value in units of 10^−`scale`, with at most `precision` ≤ 76 digits. NaN is the least integer.
pub(super) fn decimal256(value: &[u8], precision: u8, scale: i8) -> Result<i256, Fault> {
    let Some(finite) = finite(value)? else {
        return Ok(i256::MIN);
    };
    let units = finite
        .units::<i256>(scale.into())
        .filter(|units| Decimal256Type::is_valid_decimal_precision(*units, precision))
        .ok_or(Fault::DecimalRange)?;
    Ok(if finite.negative {
        units.wrapping_neg()
    } else {
        units
    })
}

/// The value as PostgreSQL writes it.
pub(super) fn write(value: &[u8], out: &mut String) -> Result<(), Fault> {
    let finite = match parse(value)? {
        Numeric::Finite(finite) => finite,
        Numeric::Nan => return push(out, "NaN"),
        Numeric::PlusInfinity => return push(out, "Infinity"),
        Numeric::MinusInfinity => return push(out, "-Infinity"),
    };
    if finite.negative {
        out.push('-');
    }
    let mut started = false;
    for power in (0..=finite.weight).rev() {
        let group = finite.group(power);
        if started {
            push_group(group, 4, out);
        } else if group > 0 {
            let width = 1 + group.ilog10() as usize;
            push_group(group, width, out);
            started = true;
        }
    }
    if !started {
        out.push('0');
    }
    if finite.scale > 0 {
        out.push('.');
        let mut left = finite.scale;
        let mut power = -1;
        while left > 0 {
            let group = finite.group(power);
            let width = left.min(4);
            push_group(group / [1, 1000, 100, 10, 1][width], width, out);
            left -= width;
            power -= 1;
        }
    }
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "reads better at its callers")]
fn push(out: &mut String, text: &str) -> Result<(), Fault> {
    out.push_str(text);
    Ok(())
}

/// The last `width` digits of a group, with leading zeros.
fn push_group(group: u16, width: usize, out: &mut String) {
    let digits = [group / 1000, group / 100 % 10, group / 10 % 10, group % 10];
    for digit in &digits[4 - width..] {
        out.push(char::from(b'0' + (*digit % 10) as u8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The wire form of `±Σ groups[i] · 10000^(weight − i)`.
    fn wire(sign: u16, weight: i16, scale: u16, groups: &[u16]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(u16::try_from(groups.len()).unwrap().to_be_bytes());
        bytes.extend(weight.to_be_bytes());
        bytes.extend(sign.to_be_bytes());
        bytes.extend(scale.to_be_bytes());
        for group in groups {
            bytes.extend(group.to_be_bytes());
        }
        bytes
    }

    fn text(bytes: &[u8]) -> String {
        let mut out = String::new();
        write(bytes, &mut out).unwrap();
        out
    }

    #[test]
    fn a_number_is_written_with_its_own_scale() {
        assert_eq!(text(&wire(0, 0, 0, &[])), "0");
        assert_eq!(text(&wire(0, 0, 2, &[])), "0.00");
        assert_eq!(text(&wire(0, 0, 2, &[1, 1000])), "1.10");
        assert_eq!(text(&wire(NEGATIVE, 1, 3, &[12, 3400, 5])), "-123400.000");
        assert_eq!(text(&wire(0, 1, 0, &[1])), "10000");
        assert_eq!(text(&wire(0, -2, 8, &[7])), "0.00000007");
        assert_eq!(text(&wire(0, -1, 5, &[123, 4000])), "0.01234");
    }

    #[test]
    fn what_is_not_a_number_is_written_by_name() {
        assert_eq!(text(&wire(NAN, 0, 0, &[])), "NaN");
        assert_eq!(text(&wire(PLUS_INFINITY, 0, 0, &[])), "Infinity");
        assert_eq!(text(&wire(MINUS_INFINITY, 0, 0, &[])), "-Infinity");
    }

    #[test]
    fn the_greatest_weight_writes_131072_digits() {
        let written = text(&wire(0, i16::MAX, 0, &[9999]));
        assert_eq!(written.len(), 131_072);
        assert!(written.starts_with("99990000"));
    }

    #[test]
    fn a_decimal_counts_units_of_its_scale() {
        assert_eq!(decimal128(&wire(0, 0, 2, &[1, 1000]), 10, 2), Ok(110));
        assert_eq!(
            decimal128(&wire(NEGATIVE, 1, 1, &[1, 0, 5000]), 10, 1),
            Ok(-100_005)
        );
        assert_eq!(decimal128(&wire(0, 0, 2, &[]), 10, 2), Ok(0));
        assert_eq!(decimal128(&wire(0, 2, 0, &[3]), 38, 0), Ok(300_000_000));
        assert_eq!(decimal128(&wire(0, -1, 3, &[10]), 5, 3), Ok(1));
    }

    #[test]
    fn every_digit_of_the_greatest_decimals_is_kept() {
        // 38 nines after the point: nine whole groups and two digits of a tenth.
        let mut groups = vec![9999; 9];
        groups.push(9900);
        assert_eq!(
            decimal128(&wire(0, -1, 38, &groups), 38, 38),
            Ok(10i128.pow(38) - 1)
        );
        let nines = wire(NEGATIVE, 18, 0, &[9999; 19]);
        assert_eq!(
            decimal256(&nines, 76, 0).map(|units| units.to_string()),
            Ok(format!("-{}", "9".repeat(76)))
        );
    }

    #[test]
    fn nan_in_a_decimal_is_an_integer_that_no_number_has() {
        assert_eq!(decimal128(&wire(NAN, 0, 0, &[]), 38, 2), Ok(i128::MIN));
        assert_eq!(decimal256(&wire(NAN, 0, 0, &[]), 76, 2), Ok(i256::MIN));
        assert!(!Decimal128Type::is_valid_decimal_precision(i128::MIN, 38));
        assert!(!Decimal256Type::is_valid_decimal_precision(i256::MIN, 76));
    }

    #[test]
    fn what_a_decimal_cannot_hold_is_an_error_not_another_number() {
        assert_eq!(
            decimal128(&wire(PLUS_INFINITY, 0, 0, &[]), 10, 2),
            Err(Fault::DecimalRange)
        );
        assert_eq!(
            decimal128(&wire(0, 0, 3, &[1, 1230]), 10, 2),
            Err(Fault::DecimalRange)
        );
        assert_eq!(
            decimal128(&wire(0, 0, 0, &[100]), 2, 0),
            Err(Fault::DecimalRange)
        );
        assert_eq!(
            decimal128(&wire(0, i16::MAX, 0, &[1]), 38, 0),
            Err(Fault::DecimalRange)
        );
        assert_eq!(
            decimal256(&wire(0, 19, 0, &[1]), 76, 0),
            Err(Fault::DecimalRange)
        );
    }

    #[test]
    fn broken_bytes_are_malformed() {
        for bytes in [
            vec![],
            wire(0x1234, 0, 0, &[1]),
            wire(0, 0, 0, &[10_000]),
            wire(0, 0, 0x4000, &[]),
            wire(0, 0, 0, &[1])[..9].to_vec(),
            [wire(0, 0, 0, &[1]), vec![0]].concat(),
        ] {
            let mut out = String::new();
            assert!(write(&bytes, &mut out).unwrap_err().is_malformed());
            assert!(decimal128(&bytes, 38, 0).unwrap_err().is_malformed());
        }
    }
}
