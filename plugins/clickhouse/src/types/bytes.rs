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

/// The most bytes that an address has: `255.255.255.255`.
pub(crate) const IPV4_LENGTH: usize = 15;

/// Every number of an address with the dot behind it, and how many bytes that takes.
const OCTETS: [([u8; 4], usize); 256] = octets();

const fn octets() -> [([u8; 4], usize); 256] {
    let mut octets = [([0; 4], 0); 256];
    let mut octet = 0u8;
    loop {
        let (hundreds, tens, ones) = (
            b'0' + octet / 100,
            b'0' + octet / 10 % 10,
            b'0' + octet % 10,
        );
        octets[octet as usize] = match octet {
            0..10 => ([ones, b'.', 0, 0], 2),
            10..100 => ([tens, ones, b'.', 0], 3),
            100.. => ([hundreds, tens, ones, b'.'], 4),
        };
        if octet == u8::MAX {
            return octets;
        }
        octet += 1;
    }
}

/// Appends the address as people write it.
pub(crate) fn write_ipv4(number: u32, text: &mut Vec<u8>) {
    let mut written = [0; IPV4_LENGTH + 1];
    let mut end = 0;
    for octet in number.to_be_bytes() {
        let (digits, length) = &OCTETS[usize::from(octet)];
        written[end..end + 4].copy_from_slice(digits);
        end += length;
    }
    text.extend_from_slice(&written[..end - 1]);
}

/// As [`write_ipv4`], by itself.
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
    fn an_address_is_written_as_the_standard_library_does() {
        let octets = (0..=255u32).map(|octet| octet * 0x0101_0101);
        for number in octets.chain([0, 1, 0x0a00_0001, 0xc0a8_00fe, 0x0164_0a00, u32::MAX]) {
            let mut text = b"before ".to_vec();
            write_ipv4(number, &mut text);
            assert_eq!(text, format!("before {}", ipv4(number)).into_bytes());
        }
    }

    #[test]
    fn zeros_within_a_fixed_string_stay() {
        assert_eq!(trimmed(b"a\0b\0\0"), b"a\0b");
        assert_eq!(trimmed(b"\0\0"), b"");
    }
}
