//! JSON strings and numbers, written straight into a byte buffer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What each byte needs inside a JSON string: 0 nothing, `u` a `\u00XX`, else the letter after the backslash.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[b'\t' as usize] = b't';
    table[0x08] = b'b';
    table[0x0c] = b'f';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// A JSON string with its quotes.
pub fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[byte as usize];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&bytes[copied..at]);
        out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            let hex = |nibble: u8| {
                if nibble < 10 {
                    b'0' + nibble
                } else {
                    b'a' + nibble - 10
                }
            };
            out.extend_from_slice(&[b'0', b'0', hex(byte >> 4), hex(byte & 15)]);
        }
        copied = at + 1;
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// Base64 with padding.
pub fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = STANDARD.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
}

/// The shortest text that reads back as the same number. Numbers only: see [`not_a_number`].
pub fn float<T: serde::Serialize>(value: &T, out: &mut Vec<u8>) {
    // Writing a number into a Vec can't fail.
    let _ = serde_json::to_writer(out, value);
}

/// The name of a float that JSON has no number for.
pub fn not_a_number(value: f64) -> Option<&'static str> {
    if value.is_finite() {
        None
    } else if value.is_nan() {
        Some("NaN")
    } else if value > 0.0 {
        Some("Infinity")
    } else {
        Some("-Infinity")
    }
}

/// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`
pub fn uuid(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

/// JSON text as it came, if it is JSON; anything else would break the document that it stands in and
/// becomes a string. Line breaks between tokens become spaces where a row must stay on its line.
pub fn json(text: &str, one_line: bool, out: &mut Vec<u8>) {
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        string(text, out);
        return;
    }
    let start = out.len();
    out.extend_from_slice(text.as_bytes());
    if one_line {
        // Inside strings JSON has no raw line breaks.
        for byte in &mut out[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_string_reads_back_as_itself(text in any::<String>()) {
            let mut out = Vec::new();
            string(&text, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).expect("JSON"), text);
        }

        #[test]
        fn a_finite_float_reads_back_as_itself(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let mut out = Vec::new();
            float(&value, &mut out);
            let back: f64 = std::str::from_utf8(&out).expect("ASCII").parse().expect("number");
            prop_assert_eq!(back.to_bits(), bits);
        }
    }

    #[test]
    fn text_that_is_not_json_becomes_a_string_and_can_not_end_the_document() {
        let mut out = Vec::new();
        json(r#"1],"rows":[["#, false, &mut out);
        assert_eq!(out, br#""1],\"rows\":[[""#);
        out.clear();
        json(r#"{"a": 1.10, "b": 12345678901234567890}"#, false, &mut out);
        assert_eq!(out, br#"{"a": 1.10, "b": 12345678901234567890}"#);
    }

    #[test]
    fn json_on_one_line_keeps_its_values() {
        let mut out = Vec::new();
        json("{\n  \"a\": \"x\\ny\"\r\n}", true, &mut out);
        assert_eq!(out, b"{   \"a\": \"x\\ny\"  }");
    }

    #[test]
    fn deeply_nested_json_is_checked_without_recursion() {
        let text = format!("{}{}", "[".repeat(6_000), "]".repeat(6_000));
        let mut out = Vec::new();
        json(&text, false, &mut out);
        assert_eq!(out.len(), 12_000);
        assert_eq!(out[0], b'[');
    }
}
