//! Any bytes in place of a MySQL server, in pieces of any size.
//!
//! The first byte is the size of the pieces; of the second, bit 0 says whether the server has authenticated
//! itself, bit 1 whether columns have MariaDB's extended metadata, bit 2 whether results have EOF packets.
//! Nothing may panic, and what is read must not depend on how the bytes were cut.

#![no_main]

use datachat_mysql::protocol::frame::Frames;
use datachat_mysql::protocol::handshake::{Greeting, LoginReply};
use datachat_mysql::protocol::reply::{
    Column, PrepareOk, Reply, ServerError, end_of_rows, text_row,
};
use datachat_mysql::scramble;
use libfuzzer_sys::fuzz_target;

/// Whatever a payload could be, as text.
fn readings(payload: &[u8], extended: bool, deprecate_eof: bool) -> String {
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        Greeting::parse(payload),
        LoginReply::parse(payload),
        Reply::parse(payload),
        PrepareOk::parse(payload),
        ServerError::parse(payload),
        Column::parse(payload, extended),
        end_of_rows(payload, deprecate_eof),
        text_row(payload, 3),
    )
}

/// The payloads up to the end or the first error.
fn payloads(bytes: &[u8], piece: usize, flags: u8) -> Vec<String> {
    let mut frames = Frames::new();
    if flags & 1 == 1 {
        frames.trust();
    }
    let mut seen = Vec::new();
    for piece in bytes.chunks(piece) {
        if let Err(error) = frames.push(piece.to_vec()) {
            seen.push(error.to_string());
            return seen;
        }
        loop {
            match frames.next_frame() {
                Ok(Some(frame)) => {
                    let payload = frames.body(&frame);
                    seen.push(readings(payload, flags & 2 == 2, flags & 4 == 0));
                }
                Ok(None) => break,
                Err(error) => {
                    seen.push(error.to_string());
                    return seen;
                }
            }
        }
    }
    seen
}

struct NoRandom;

impl rand_core::RngCore for NoRandom {
    fn next_u32(&mut self) -> u32 {
        7
    }

    fn next_u64(&mut self) -> u64 {
        7
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(7);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        bytes.fill(7);
        Ok(())
    }
}

impl rand_core::CryptoRng for NoRandom {}

fuzz_target!(|data: &[u8]| {
    let [piece, flags, bytes @ ..] = data else {
        return;
    };
    let whole = payloads(bytes, bytes.len().max(1), *flags);
    let cut = payloads(bytes, usize::from(*piece).max(1), *flags);
    assert_eq!(whole, cut);
    // The key that a server sends.
    let _ = scramble::rsa(b"password", b"nonce", bytes, &mut NoRandom);
});
