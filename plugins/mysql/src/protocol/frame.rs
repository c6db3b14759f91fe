//! Cutting the server's byte stream into packets.
//!
//! Pieces arrive in any size; a payload is given out when it is whole. A piece that starts with a packet is
//! kept as it came, so for the usual large result a row is decoded from the very buffer that the host filled.
//! A payload of 16 MiB or more comes in several packets; their headers are closed up where they lie, so it is
//! in memory once.

use std::ops::Range;

use super::{MAX_PACKET, Malformed};

/// The longest payload in bytes: what `max_allowed_packet` can be set to at most.
const MAX_PAYLOAD: usize = 1 << 30;

/// The longest payload while the server has not proved who it is.
const MAX_STARTUP_PAYLOAD: usize = 64 * 1024;

const HEADER: usize = 4;

/// Where a payload lies, and the number of its last packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Of the payload's first packet.
    pub first: u8,
    /// Of its last packet; the same for all payloads below 16 MiB.
    pub last: u8,
    body: Range<usize>,
}

/// Bytes from the server that have not been given out yet.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    start: usize,
    trusted: bool,
    /// How far the payload that has begun is known to be whole: its packets so far, closed up, end here.
    joined: usize,
    /// The number of the first packet of the payload that has begun, if it has several.
    first: Option<u8>,
}

impl Frames {
    /// An empty buffer. Until [`trust`](Self::trust) payloads may only be short.
    pub fn new() -> Self {
        Self::default()
    }

    /// Authentication is over: long payloads are all right.
    pub fn trust(&mut self) {
        self.trusted = true;
    }

    /// Adds what has been read.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn push(&mut self, piece: Vec<u8>) -> Result<(), Malformed> {
        if self.start == self.buffer.len() {
            self.buffer = piece;
            self.start = 0;
            return Ok(());
        }
        self.buffer.drain(..self.start);
        self.joined = self.joined.saturating_sub(self.start);
        self.start = 0;
        let length = self.buffer.len() + piece.len();
        self.buffer
            .try_reserve(piece.len().max(self.missing()))
            .map_err(|_| Malformed::TooLarge { length })?;
        self.buffer.extend_from_slice(&piece);
        Ok(())
    }

    /// How many bytes the packet that has begun still lacks, as far as its header is there.
    fn missing(&self) -> usize {
        let at = self.next_header();
        match self.buffer[at..].first_chunk::<HEADER>() {
            Some(&[a, b, c, _]) => {
                let end = at + HEADER + u32::from_le_bytes([a, b, c, 0]) as usize;
                end.saturating_sub(self.buffer.len())
            }
            None => 0,
        }
    }

    /// Where the next packet begins: where what has been joined ends.
    const fn next_header(&self) -> usize {
        if self.first.is_some() {
            self.joined
        } else {
            self.start
        }
    }

    /// The next whole payload, if there is one.
    ///
    /// # Errors
    /// It is longer than may be.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Malformed> {
        let start = self.start;
        if self.first.is_none()
            && let Some(&[a, b, c, number]) = self.buffer[start..].first_chunk::<HEADER>()
        {
            let length = u32::from_le_bytes([a, b, c, 0]) as usize;
            if length < MAX_PACKET {
                self.admit(length)?;
                let end = start + HEADER + length;
                if end > self.buffer.len() {
                    return Ok(None);
                }
                self.start = end;
                return Ok(Some(Frame {
                    first: number,
                    last: number,
                    body: start + HEADER..end,
                }));
            }
        }
        self.join()
    }

    /// The same for a payload of several packets.
    #[cold]
    fn join(&mut self) -> Result<Option<Frame>, Malformed> {
        let body = self.start + HEADER;
        loop {
            let at = self.next_header();
            let Some(&[a, b, c, number]) = self.buffer[at..].first_chunk::<HEADER>() else {
                return Ok(None);
            };
            let length = u32::from_le_bytes([a, b, c, 0]) as usize;
            self.admit((at + length).saturating_sub(body))?;
            let end = at + HEADER + length;
            if end > self.buffer.len() {
                return Ok(None);
            }
            let first = if let Some(first) = self.first {
                if number != first.wrapping_add(self.parts(body)) {
                    return Err(Malformed::OutOfOrder {
                        expected: first.wrapping_add(self.parts(body)),
                        got: number,
                    });
                }
                self.buffer.drain(at..at + HEADER);
                self.joined = end - HEADER;
                first
            } else {
                self.first = Some(number);
                self.joined = end;
                number
            };
            if length < MAX_PACKET {
                self.first = None;
                self.start = self.joined;
                return Ok(Some(Frame {
                    first,
                    last: number,
                    body: body..self.joined,
                }));
            }
        }
    }

    /// How many packets the payload from `body` on has had, modulo 256.
    fn parts(&self, body: usize) -> u8 {
        #[expect(clippy::cast_possible_truncation)] // packet numbers wrap
        let parts = ((self.joined - body) / MAX_PACKET) as u8;
        parts
    }

    fn admit(&self, length: usize) -> Result<(), Malformed> {
        let max = if self.trusted {
            MAX_PAYLOAD
        } else {
            MAX_STARTUP_PAYLOAD
        };
        if length > max {
            return Err(Malformed::TooLong { length });
        }
        Ok(())
    }

    /// The payload of the frame that [`next_frame`](Self::next_frame) gave last, before anything else is called.
    #[inline]
    pub fn body(&self, frame: &Frame) -> &[u8] {
        &self.buffer[frame.body.clone()]
    }

    /// Whether nothing is waiting, not even a part of a packet.
    pub fn is_empty(&self) -> bool {
        self.start == self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::command;

    fn trusted() -> Frames {
        let mut frames = Frames::new();
        frames.trust();
        frames
    }

    fn payloads(
        frames: &mut Frames,
        stream: &[u8],
        mut cut: impl FnMut() -> usize,
    ) -> Vec<(u8, Vec<u8>)> {
        let mut seen = Vec::new();
        let mut rest = stream;
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(cut().min(rest.len()));
            frames.push(piece.to_vec()).expect("memory");
            rest = later;
            while let Some(frame) = frames.next_frame().expect("valid") {
                seen.push((frame.last, frames.body(&frame).to_vec()));
            }
        }
        seen
    }

    proptest! {
        #[test]
        fn payloads_are_the_same_wherever_the_stream_is_cut(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 1..20),
            cuts in prop::collection::vec(1_usize..40, 1..60),
        ) {
            let mut stream = Vec::new();
            for body in &bodies {
                command::packets(3, body, &mut stream);
            }
            let mut frames = trusted();
            let mut cuts = cuts.iter().cycle();
            let seen = payloads(&mut frames, &stream, || *cuts.next().expect("cycle"));
            let seen: Vec<_> = seen.into_iter().map(|(_, body)| body).collect();
            prop_assert_eq!(seen, bodies);
            prop_assert!(frames.is_empty());
        }

        #[test]
        fn arbitrary_bytes_never_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let mut frames = trusted();
            for piece in pieces {
                frames.push(piece).expect("memory");
                while let Ok(Some(frame)) = frames.next_frame() {
                    let _ = frames.body(&frame);
                }
            }
        }
    }

    #[test]
    fn payloads_of_16_mib_and_more_are_joined_and_split_at_the_same_places() {
        for length in [
            MAX_PACKET - 1,
            MAX_PACKET,
            MAX_PACKET + 1,
            2 * MAX_PACKET,
            2 * MAX_PACKET + 5,
        ] {
            let body: Vec<u8> = (0..251).cycle().take(length).collect();
            let mut stream = Vec::new();
            let parts = command::packets(7, &body, &mut stream);
            assert_eq!(usize::from(parts), length / MAX_PACKET + 1);
            command::packets(0, b"next", &mut stream);
            let mut frames = trusted();
            let seen = payloads(&mut frames, &stream, || 1 << 20);
            assert_eq!(seen.len(), 2, "{length}");
            assert_eq!(seen[0].0, 7 + parts - 1);
            assert!(seen[0].1 == body, "{length}");
            assert_eq!(seen[1].1, b"next");
        }
    }

    #[test]
    fn a_part_with_another_number_than_the_next_is_refused() {
        let mut stream = vec![0xFF, 0xFF, 0xFF, 1];
        stream.resize(HEADER + MAX_PACKET, 0);
        stream.extend([0, 0, 0, 3]);
        let mut frames = trusted();
        frames.push(stream).expect("memory");
        assert_eq!(
            frames.next_frame(),
            Err(Malformed::OutOfOrder {
                expected: 2,
                got: 3
            })
        );
    }

    #[test]
    fn before_authentication_a_long_payload_is_refused_at_its_header() {
        let mut frames = Frames::new();
        frames
            .push(b"HTTP/1.1 400 Bad Request".to_vec())
            .expect("memory");
        assert!(matches!(
            frames.next_frame(),
            Err(Malformed::TooLong { .. })
        ));
        let mut frames = trusted();
        frames.push(b"HTTP".to_vec()).expect("memory");
        assert_eq!(frames.next_frame(), Ok(None));
    }
}
