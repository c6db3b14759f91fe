//! Network addresses as PostgreSQL writes them.

use std::fmt::Write as _;

use super::error::Fault;
use super::wire::Reader;

const V4: u8 = 2;
const V6: u8 = 3;

/// inet and cidr: the prefix length is left out when an inet has all its bits.
pub(super) fn write(value: &[u8], out: &mut String) -> Result<(), Fault> {
    let mut reader = Reader::new(value);
    let family = reader.u8()?;
    let bits = reader.u8()?;
    let is_cidr = reader.u8()? != 0;
    let length = reader.u8()?;
    let address = reader.take(length.into())?;
    reader.end()?;
    let all = match (family, address.len()) {
        (V4, 4) => 32,
        (V6, 16) => 128,
        _ => return Err(Fault::Malformed("an address is of no known family")),
    };
    if bits > all {
        return Err(Fault::Malformed("a network has more bits than its address"));
    }
    if family == V4 {
        write_v4(address, out);
    } else {
        write_v6(address, out);
    }
    if is_cidr || bits < all {
        push(out, format_args!("/{bits}"));
    }
    Ok(())
}

/// macaddr and macaddr8.
pub(super) fn write_mac(value: &[u8], out: &mut String) -> Result<(), Fault> {
    if !matches!(value.len(), 6 | 8) {
        return Err(Fault::Malformed("a hardware address has the wrong length"));
    }
    for (index, byte) in value.iter().enumerate() {
        if index > 0 {
            out.push(':');
        }
        push(out, format_args!("{byte:02x}"));
    }
    Ok(())
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(arguments);
}

fn write_v4(address: &[u8], out: &mut String) {
    for (index, byte) in address.iter().enumerate() {
        if index > 0 {
            out.push('.');
        }
        push(out, format_args!("{byte}"));
    }
}

/// The longest run of two or more zero words is left out, the first of equals. Unlike Rust, PostgreSQL
/// writes the last 32 bits in dots not only behind `::ffff:` but also behind `::` alone.
fn write_v6(address: &[u8], out: &mut String) {
    let mut words = [0u16; 8];
    for (word, pair) in words.iter_mut().zip(address.chunks_exact(2)) {
        *word = u16::from_be_bytes([pair[0], pair[1]]);
    }
    let mut gap = 0..0;
    let mut start = 0;
    for end in 1..=words.len() {
        if words[end - 1] != 0 {
            start = end;
        } else if end - start >= 2 && end - start > gap.len() {
            gap = start..end;
        }
    }
    let dotted = gap.start == 0 && (gap.len() == 6 || (gap.len() == 5 && words[5] == 0xffff));
    let mut index = 0;
    while index < words.len() {
        if !gap.is_empty() && index == gap.start {
            out.push_str("::");
            index = gap.end;
            continue;
        }
        if index > 0 && index != gap.end {
            out.push(':');
        }
        if dotted && index == 6 {
            write_v4(&address[12..], out);
            return;
        }
        push(out, format_args!("{:x}", words[index]));
        index += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    fn text(family: u8, bits: u8, is_cidr: bool, address: &[u8]) -> Result<String, Fault> {
        let length = u8::try_from(address.len()).unwrap();
        let bytes = [&[family, bits, u8::from(is_cidr), length], address].concat();
        let mut out = String::new();
        write(&bytes, &mut out).map(|()| out)
    }

    #[test]
    fn an_inet_shows_its_prefix_only_when_it_is_shorter_and_a_cidr_always() {
        assert_eq!(text(V4, 32, false, &[10, 0, 0, 1]).unwrap(), "10.0.0.1");
        assert_eq!(text(V4, 24, false, &[10, 0, 0, 1]).unwrap(), "10.0.0.1/24");
        assert_eq!(text(V4, 32, true, &[10, 0, 0, 1]).unwrap(), "10.0.0.1/32");
        assert_eq!(text(V4, 0, true, &[0; 4]).unwrap(), "0.0.0.0/0");
        let loopback = Ipv6Addr::LOCALHOST.octets();
        assert_eq!(text(V6, 64, false, &loopback).unwrap(), "::1/64");
    }

    #[test]
    fn the_first_of_the_longest_runs_of_zeros_is_left_out() {
        let v6 = |address: &str| {
            let address: Ipv6Addr = address.parse().unwrap();
            text(V6, 128, false, &address.octets()).unwrap()
        };
        for address in [
            "::",
            "::1",
            "1::",
            "1:0:2:3:4:5:6:7",
            "1::2:0:0:3:4",
            "1:0:0:2::3",
            "::ffff:1.2.3.4",
            "2001:db8::ff00:42:8329",
        ] {
            assert_eq!(v6(address), address);
        }
        assert_eq!(v6("::102:304"), "::1.2.3.4");
    }

    #[test]
    fn an_address_of_the_wrong_size_is_malformed() {
        assert!(text(V4, 33, false, &[0; 4]).is_err());
        assert!(text(V4, 32, false, &[0; 16]).is_err());
        assert!(text(9, 32, false, &[0; 4]).is_err());
    }
}
