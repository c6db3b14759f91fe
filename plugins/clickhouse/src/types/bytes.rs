//! Numbers and addresses out of their bytes, as both formats of a result have them.

use std::fmt::Write as _;

use std::net::{Ipv4Addr, Ipv6Addr};

use arrow_buffer::i256;

/// A `UInt128` or `Int128`, little endian, as a number that holds both.
pub(crate) fn wide(bytes: [u8; 16], signed: bool) -> i256 {
    if signed {
        i256::from_i128(i128::from_le_bytes(bytes))
    } else {
        i256::from_parts(u128::from_le_bytes(bytes), 0)
    }
}

/// A `UInt256` or `Int256`, little endian, in decimal digits.
pub(crate) fn widest(bytes: [u8; 32], signed: bool) -> String {
    const DIGITS: usize = 9;
    const BASE: u64 = 1_000_000_000;
    let number = i256::from_le_bytes(bytes);
    if signed || !number.is_negative() {
        return number.to_string();
    }
    // More than Arrow's widest number holds: long division, by digits that fit.
    let mut limbs: Vec<u32> = bytes
        .chunks_exact(4)
        .map(|limb| u32::from_le_bytes([limb[0], limb[1], limb[2], limb[3]]))
        .collect();
    let mut groups = Vec::new();
    while limbs.iter().any(|limb| *limb != 0) {
        let mut rest = 0u64;
        for limb in limbs.iter_mut().rev() {
            let value = (rest << 32) | u64::from(*limb);
            *limb = u32::try_from(value / BASE).unwrap_or(u32::MAX);
            rest = value % BASE;
        }
        groups.push(rest);
    }
    let mut text = groups
        .pop()
        .map_or("0".to_owned(), |first| first.to_string());
    for group in groups.iter().rev() {
        let _ = write!(text, "{group:0DIGITS$}");
    }
    text
}

/// The upper half of a float32.
pub(crate) fn bfloat16(bytes: [u8; 2]) -> f32 {
    f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16)
}

/// The address as people write it.
pub(crate) fn ipv4(number: u32) -> String {
    Ipv4Addr::from(number).to_string()
}

/// The address as people write it.
pub(crate) fn ipv6(bytes: [u8; 16]) -> String {
    Ipv6Addr::from(bytes).to_string()
}

/// A UUID's bytes in their usual order: the server has two halves, each little endian.
pub(crate) fn uuid(mut bytes: [u8; 16]) -> [u8; 16] {
    bytes[..8].reverse();
    bytes[8..].reverse();
    bytes
}

/// A `FixedString` without the zeros that fill it.
pub(crate) fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    &bytes[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_numbers_have_all_their_digits() {
        assert_eq!(
            widest([0xff; 32], false),
            "115792089237316195423570985008687907853269984665640564039457584007913129639935"
        );
        assert_eq!(widest([0xff; 32], true), "-1");
        let mut least = [0; 32];
        least[31] = 0x80;
        assert_eq!(
            widest(least, true),
            "-57896044618658097711785492504343953926634992332820282019728792003956564819968"
        );
        assert_eq!(
            widest(least, false),
            "57896044618658097711785492504343953926634992332820282019728792003956564819968"
        );
        assert_eq!(widest([0; 32], false), "0");
        assert_eq!(
            wide([0xff; 16], false).to_string(),
            "340282366920938463463374607431768211455"
        );
        assert_eq!(wide([0xff; 16], true).to_string(), "-1");
    }

    #[test]
    fn zeros_within_a_fixed_string_stay() {
        assert_eq!(trimmed(b"a\0b\0\0"), b"a\0b");
        assert_eq!(trimmed(b"\0\0"), b"");
    }
}
