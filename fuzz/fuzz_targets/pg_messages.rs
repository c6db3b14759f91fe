//! Any bytes in place of a PostgreSQL server, in pieces of any size.
//!
//! The first byte is the size of the pieces, the second says whether the server has authenticated itself.
//! Nothing may panic, and the messages must not depend on how the bytes were cut.

#![no_main]

use datachat_postgres::protocol::backend::parse;
use datachat_postgres::protocol::frame::Frames;
use libfuzzer_sys::fuzz_target;

/// The messages up to the end or the first error, as text.
fn messages(bytes: &[u8], piece: usize, trusted: bool) -> Vec<String> {
    let mut frames = Frames::new();
    if trusted {
        frames.trust();
    }
    let mut messages = Vec::new();
    for piece in bytes.chunks(piece) {
        if let Err(error) = frames.push(piece.to_vec()) {
            messages.push(error.to_string());
            return messages;
        }
        loop {
            match frames.next_frame() {
                Ok(Some(frame)) => {
                    messages.push(format!("{:?}", parse(frame.tag, frames.body(&frame))));
                }
                Ok(None) => break,
                Err(error) => {
                    messages.push(error.to_string());
                    return messages;
                }
            }
        }
    }
    messages
}

fuzz_target!(|data: &[u8]| {
    let [piece, trusted, bytes @ ..] = data else {
        return;
    };
    let trusted = trusted & 1 == 1;
    let whole = messages(bytes, bytes.len().max(1), trusted);
    let cut = messages(bytes, usize::from(*piece).max(1), trusted);
    assert_eq!(whole, cut);
});
