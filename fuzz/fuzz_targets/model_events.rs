//! Any bytes in place of a language model's stream, in pieces of any size.
//!
//! The first byte is the size of the pieces. Nothing may panic, and what is read must not depend on how the bytes were
//! cut. The decoder stands alone, so that the host need not be built.

#![no_main]

#[path = "../../host/src/llm/events.rs"]
mod events;

use events::Decoder;
use libfuzzer_sys::fuzz_target;

/// The events up to the end or the first error.
fn read(bytes: &[u8], piece: usize) -> Vec<String> {
    let mut decoder = Decoder::default();
    let mut seen = Vec::new();
    for piece in bytes.chunks(piece) {
        match decoder.feed(piece) {
            Ok(events) => seen.extend(events),
            Err(error) => {
                seen.push(error.to_string());
                return seen;
            }
        }
        assert!(decoder.held() <= bytes.len());
    }
    match decoder.finish() {
        Ok(event) => seen.extend(event),
        Err(error) => seen.push(error.to_string()),
    }
    seen
}

fuzz_target!(|data: &[u8]| {
    let [piece, bytes @ ..] = data else {
        return;
    };
    let whole = read(bytes, bytes.len().max(1));
    let cut = read(bytes, usize::from(*piece).max(1));
    // An error ends both; what a piece had before it is lost with the piece.
    let broken = |seen: &[String]| seen.last().is_some_and(|last| last == "a line is not UTF-8");
    if broken(&whole) {
        assert!(broken(&cut));
    } else {
        assert_eq!(whole, cut);
    }
});
