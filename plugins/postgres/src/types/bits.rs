//! Bit strings as PostgreSQL writes them: `1011`.

use super::error::Fault;
use super::wire::Reader;

/// The count of bits and then the bits, the first one highest.
pub(super) fn write(value: &[u8], out: &mut String) -> Result<(), Fault> {
    let mut reader = Reader::new(value);
    let count = reader.count()?;
    let bytes = reader.take(count.div_ceil(8))?;
    reader.end()?;
    for index in 0..count {
        let bit = bytes[index / 8] >> (7 - index % 8) & 1;
        out.push(char::from(b'0' + bit));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_string_keeps_its_length() {
        let text = |count: i32, bytes: &[u8]| {
            let mut out = String::new();
            write(&[&count.to_be_bytes()[..], bytes].concat(), &mut out).map(|()| out)
        };
        assert_eq!(text(0, &[]).unwrap(), "");
        assert_eq!(text(1, &[0x80]).unwrap(), "1");
        assert_eq!(text(9, &[0b1010_0000, 0x80]).unwrap(), "101000001");
        assert!(text(9, &[0xff]).is_err());
        assert!(text(-1, &[]).is_err());
        assert!(text(1, &[0x80, 0]).is_err());
    }
}
