//! PostgreSQL's binary format, read for these tests alone: without the code under test, and straight from the
//! documentation of each type's `send` function.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The bytes of one value that are still to be read.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(count);
        self.0 = rest;
        head
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().unwrap()
    }

    pub fn u8(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    pub fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.array())
    }

    pub fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.array())
    }

    pub fn i64(&mut self) -> i64 {
        i64::from_be_bytes(self.array())
    }

    pub fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }

    /// The bits of a float: NaN is equal to itself, and -0 is not 0.
    pub fn float(&mut self) -> u64 {
        self.u64()
    }

    /// A value behind its length; -1 is null.
    pub fn value(&mut self) -> Option<&'a [u8]> {
        let length = self.i32();
        (length >= 0).then(|| self.take(length.try_into().unwrap()))
    }

    fn text(&mut self) -> Option<String> {
        self.value().map(text)
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Groups of four decimal digits, the first of which stands for `10000^weight`.
pub fn numeric(bytes: &[u8]) -> String {
    let mut bytes = Bytes(bytes);
    let count = bytes.i16();
    let weight = i32::from(bytes.i16());
    let sign = bytes.i16();
    let scale: usize = bytes.i16().try_into().unwrap();
    let groups: Vec<i16> = (0..count).map(|_| bytes.i16()).collect();
    let group = |power: i32| {
        let at = usize::try_from(weight - power).ok();
        at.and_then(|at| groups.get(at)).copied().unwrap_or(0)
    };
    let sign = match sign.cast_unsigned() {
        0 => "",
        0x4000 => "-",
        0xC000 => return "NaN".to_owned(),
        0xD000 => return "Infinity".to_owned(),
        0xF000 => return "-Infinity".to_owned(),
        other => panic!("no sign: {other:#x}"),
    };
    let whole: String = (0..=weight)
        .rev()
        .map(|power| format!("{:04}", group(power)))
        .collect();
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let powers = 1..=i32::try_from(scale.div_ceil(4)).unwrap();
    let fraction: String = powers
        .map(|power| format!("{:04}", group(-power)))
        .collect();
    match scale {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{}", &fraction[..scale]),
    }
}

/// Months, days and nanoseconds.
pub fn interval(bytes: &[u8]) -> (i32, i32, i64) {
    let mut bytes = Bytes(bytes);
    let (micros, days, months) = (bytes.i64(), bytes.i32(), bytes.i32());
    (months, days, micros * 1000)
}

/// Microseconds since midnight and the zone's seconds west of Greenwich.
pub fn timetz(bytes: &[u8]) -> String {
    let mut bytes = Bytes(bytes);
    let (micros, west) = (bytes.i64(), bytes.i32());
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let mut text = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
    if fraction != 0 {
        let _ = write!(text, ".{fraction:06}");
        text.truncate(text.trim_end_matches('0').len());
    }
    let zone = west.abs();
    let _ = write!(
        text,
        "{}{:02}",
        if west > 0 { '-' } else { '+' },
        zone / 3600
    );
    if zone % 3600 != 0 {
        let _ = write!(text, ":{:02}", zone / 60 % 60);
    }
    if zone % 60 != 0 {
        let _ = write!(text, ":{:02}", zone % 60);
    }
    text
}

/// A flag byte, then the bounds that there are.
pub fn int4range(bytes: &[u8]) -> String {
    let mut bytes = Bytes(bytes);
    let flags = bytes.u8();
    if flags & 1 != 0 {
        return "empty".to_owned();
    }
    let mut bound = |is_absent: bool| {
        if is_absent {
            String::new()
        } else {
            Bytes(bytes.value().unwrap()).i32().to_string()
        }
    };
    let (lower, upper) = (bound(flags & 8 != 0), bound(flags & 16 != 0));
    let open = if flags & 2 == 0 { '(' } else { '[' };
    let close = if flags & 4 == 0 { ')' } else { ']' };
    format!("{open}{lower},{upper}{close}")
}

/// Family, bits of the network, whether it is a network, length, address.
pub fn network(bytes: &[u8]) -> String {
    let mut bytes = Bytes(bytes);
    let (_family, bits, is_network, length) = (bytes.u8(), bytes.u8(), bytes.u8(), bytes.u8());
    let (address, whole): (IpAddr, u8) = match length {
        4 => (Ipv4Addr::from(bytes.array::<4>()).into(), 32),
        _ => (Ipv6Addr::from(bytes.array::<16>()).into(), 128),
    };
    if is_network == 0 && bits == whole {
        address.to_string()
    } else {
        format!("{address}/{bits}")
    }
}

/// Six or eight bytes.
pub fn mac_address(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

/// How many bits, then the bits from the highest of the first byte on.
pub fn bits(bytes: &[u8]) -> String {
    let mut bytes = Bytes(bytes);
    let count: usize = bytes.i32().try_into().unwrap();
    let mut digits: String = bytes.0.iter().map(|byte| format!("{byte:08b}")).collect();
    digits.truncate(count);
    digits
}

/// The coordinates of a point, a line, a segment, a box or a circle.
pub fn coordinates(bytes: &[u8]) -> Vec<u64> {
    let mut bytes = Bytes(bytes);
    let mut all = Vec::new();
    while !bytes.0.is_empty() {
        all.push(bytes.float());
    }
    all
}

/// How many points, then their coordinates.
pub fn polygon(bytes: &[u8]) -> Vec<u64> {
    let mut bytes = Bytes(bytes);
    let count: usize = bytes.i32().try_into().unwrap();
    let all = coordinates(bytes.0);
    assert_eq!(all.len(), 2 * count);
    all
}

/// Whether it is closed, then as a polygon.
pub fn path(bytes: &[u8]) -> (bool, Vec<u64>) {
    let mut bytes = Bytes(bytes);
    (bytes.u8() == 1, polygon(bytes.0))
}

/// How many pairs, then each key and value.
pub fn hstore(bytes: &[u8]) -> String {
    let mut bytes = Bytes(bytes);
    let quoted = |text: String| {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    };
    let pairs: Vec<String> = (0..bytes.i32())
        .map(|_| {
            let key = quoted(bytes.text().unwrap());
            let value = bytes.text().map_or("NULL".to_owned(), quoted);
            format!("{key}=>{value}")
        })
        .collect();
    pairs.join(", ")
}

/// A composite of a number and a text: how many fields, then the type and the value of each.
pub fn pair(bytes: &[u8]) -> (Option<i32>, Option<String>) {
    let mut bytes = Bytes(bytes);
    assert_eq!(bytes.i32(), 2);
    let _type_of_a = bytes.i32();
    let a = bytes.value().map(|value| Bytes(value).i32());
    let _type_of_b = bytes.i32();
    (a, bytes.text())
}
