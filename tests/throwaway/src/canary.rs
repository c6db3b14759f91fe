//! The credential that must turn up nowhere.

/// The password of every role, and part of every other secret that tests hand out. Only characters that no
/// encoding of URLs or JSON changes.
pub const CANARY: &str = include_str!("../canary.txt");

/// Whether bytes show the canary, in the clear or in base64 at any alignment.
///
/// One pass, for results of hundreds of megabytes are searched too.
pub fn shows_canary(bytes: &[u8]) -> bool {
    let mut needles = vec![CANARY.as_bytes().to_vec()];
    needles.extend((0..3).map(|offset| base64_core(CANARY, offset)));
    let mut begins = [false; 256];
    for needle in &needles {
        begins[usize::from(needle[0])] = true;
    }
    bytes.iter().enumerate().any(|(at, byte)| {
        begins[usize::from(*byte)] && needles.iter().any(|needle| bytes[at..].starts_with(needle))
    })
}

/// The base64 characters that depend on `text` alone when `offset` other bytes come before it.
fn base64_core(text: &str, offset: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // From the first group of three bytes that holds nothing else to the last.
    let skip = (3 - offset) % 3;
    text.as_bytes()[skip..]
        .chunks_exact(3)
        .flat_map(|group| {
            let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
            [18, 12, 6, 0].map(|shift| ALPHABET[(bits >> shift & 63) as usize])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_is_seen_in_the_clear_and_in_base64_at_every_alignment() {
        assert!(shows_canary(format!("x{CANARY}y").as_bytes()));
        assert!(!shows_canary(&CANARY.as_bytes()[1..]));
        // base64 of "canary-Zq7vXw3k-must-never-be-seen" after 0, 1 and 2 other bytes.
        assert!(shows_canary(
            b"Y2FuYXJ5LVpxN3ZYdzNrLW11c3QtbmV2ZXItYmUtc2Vlbg=="
        ));
        assert!(shows_canary(
            b"OmNhbmFyeS1acTd2WHczay1tdXN0LW5ldmVyLWJlLXNlZW4="
        ));
        assert!(shows_canary(
            b"YTpjYW5hcnktWnE3dlh3M2stbXVzdC1uZXZlci1iZS1zZWVu"
        ));
        assert!(!shows_canary(
            b"Y2FuYXJ5LVpxN3ZYdzNrLW11c3QtbmV2ZXItYmUtc2V"
        ));
    }
}
