//! Cutting the server's byte stream into messages.
//!
//! Pieces arrive in any size; a message is given out when it is whole. A piece that starts with a message is
//! kept as it came, so for the usual large result a row is decoded from the very buffer that the host filled.

use std::ops::Range;

use super::Malformed;

/// The longest message other than a row, in bytes: generous for an error, too little to fill the memory.
const MAX_MESSAGE: u32 = 64 * 1024 * 1024;

/// The longest message while the server has not proved who it is.
const MAX_STARTUP_MESSAGE: u32 = 64 * 1024;

const HEADER: usize = 5;

/// Where a message lies: its type, and the range of its body for [`Frames::body`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub tag: u8,
    pub body: Range<usize>,
}

/// Bytes from the server that have not been given out yet.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    start: usize,
    trusted: bool,
}

impl Frames {
    /// An empty buffer. Until [`trust`](Self::trust) messages may only be short.
    pub fn new() -> Self {
        Self::default()
    }

    /// Authentication is over: long messages are all right.
    pub fn trust(&mut self) {
        self.trusted = true;
    }

    /// Adds what has been read.
    ///
    /// # Errors
    /// There is no memory for the message that has begun.
    pub fn push(&mut self, piece: Vec<u8>) -> Result<(), Malformed> {
        if self.start == self.buffer.len() {
            self.buffer = piece;
            self.start = 0;
            return Ok(());
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = (self.buffer.len() + piece.len()).max(self.announced());
        self.buffer
            .try_reserve_exact(length - self.buffer.len())
            .map_err(|_| Malformed::TooLarge { length })?;
        self.buffer.extend_from_slice(&piece);
        Ok(())
    }

    /// The length of the message that has begun, as far as its header is there and is plausible.
    fn announced(&self) -> usize {
        match self.header(self.start) {
            Ok(Some((_, length))) => length,
            _ => 0,
        }
    }

    /// Type and whole length of the message that begins at `at`.
    fn header(&self, at: usize) -> Result<Option<(u8, usize)>, Malformed> {
        let Some(&[tag, a, b, c, d]) = self.buffer[at..].first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([a, b, c, d]);
        let max = match tag {
            b'D' if self.trusted => i32::MAX as u32,
            b'1' | b'2' | b'3' | b'A' | b'C' | b'D' | b'E' | b'G' | b'H' | b'I' | b'K' | b'N'
            | b'R' | b'S' | b'T' | b'V' | b'W' | b'Z' | b'c' | b'd' | b'n' | b's' | b't' | b'v' => {
                if self.trusted {
                    MAX_MESSAGE
                } else {
                    MAX_STARTUP_MESSAGE
                }
            }
            other => return Err(Malformed::UnknownMessage(other)),
        };
        if length < 4 || length > max {
            return Err(Malformed::Length {
                message: tag,
                length,
            });
        }
        Ok(Some((tag, length as usize + 1)))
    }

    /// The next whole message, if there is one.
    ///
    /// # Errors
    /// The bytes are not messages of the protocol.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Malformed> {
        let Some((tag, length)) = self.header(self.start)? else {
            return Ok(None);
        };
        let end = self.start + length;
        if end > self.buffer.len() {
            return Ok(None);
        }
        let body = self.start + HEADER..end;
        self.start = end;
        Ok(Some(Frame { tag, body }))
    }

    /// Takes back the frame that [`next_frame`](Self::next_frame) gave last: it will be given again.
    pub fn put_back(&mut self, frame: &Frame) {
        self.start = frame.body.start - HEADER;
    }

    /// The body of the frame that [`next_frame`](Self::next_frame) gave last, before anything else is called.
    #[inline]
    pub fn body(&self, frame: &Frame) -> &[u8] {
        &self.buffer[frame.body.clone()]
    }

    /// Whether nothing is waiting, not even a part of a message.
    pub fn is_empty(&self) -> bool {
        self.start == self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        bytes.extend(u32::try_from(body.len() + 4).expect("short").to_be_bytes());
        bytes.extend(body);
        bytes
    }

    fn trusted() -> Frames {
        let mut frames = Frames::new();
        frames.trust();
        frames
    }

    proptest! {
        #[test]
        fn messages_are_the_same_wherever_the_stream_is_cut(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 1..20),
            cuts in prop::collection::vec(1_usize..40, 1..60),
        ) {
            let stream: Vec<u8> = bodies.iter().flat_map(|body| message(b'D', body)).collect();
            let mut frames = trusted();
            let mut seen = Vec::new();
            let mut rest = stream.as_slice();
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let (piece, later) = rest.split_at((*cuts.next().expect("cycle")).min(rest.len()));
                frames.push(piece.to_vec()).expect("memory");
                rest = later;
                while let Some(frame) = frames.next_frame().expect("valid") {
                    seen.push(frames.body(&frame).to_vec());
                }
            }
            prop_assert_eq!(seen, bodies);
            prop_assert!(frames.is_empty());
        }

        #[test]
        fn arbitrary_bytes_never_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
            let mut frames = trusted();
            for piece in pieces {
                frames.push(piece).expect("memory");
                while let Ok(Some(frame)) = frames.next_frame() {
                    let _ = super::super::backend::parse(frame.tag, frames.body(&frame));
                }
            }
        }
    }

    #[test]
    fn a_length_below_four_is_refused() {
        let mut frames = trusted();
        frames.push(vec![b'Z', 0, 0, 0, 3, b'I']).expect("memory");
        assert_eq!(
            frames.next_frame(),
            Err(Malformed::Length {
                message: b'Z',
                length: 3
            })
        );
    }

    #[test]
    fn before_authentication_a_long_message_is_refused_at_its_header() {
        let mut frames = Frames::new();
        frames.push(vec![b'E', 0, 2, 0, 0]).expect("memory");
        assert!(matches!(frames.next_frame(), Err(Malformed::Length { .. })));
        let mut frames = trusted();
        frames.push(vec![b'E', 0, 2, 0, 0]).expect("memory");
        assert_eq!(frames.next_frame(), Ok(None));
    }

    #[test]
    fn an_unknown_type_is_refused_before_its_body_is_awaited() {
        let mut frames = trusted();
        frames
            .push(b"HTTP/1.1 400 Bad Request".to_vec())
            .expect("memory");
        assert!(frames.next_frame().is_err());
        let mut frames = trusted();
        frames.push(vec![b'!', 0, 0, 0, 9]).expect("memory");
        assert_eq!(frames.next_frame(), Err(Malformed::UnknownMessage(b'!')));
    }

    #[test]
    fn a_frame_that_was_put_back_comes_again() {
        let mut frames = trusted();
        frames.push(message(b'C', b"SELECT 1\0")).expect("memory");
        let frame = frames.next_frame().expect("valid").expect("whole");
        frames.put_back(&frame);
        assert_eq!(frames.next_frame(), Ok(Some(frame)));
    }
}
