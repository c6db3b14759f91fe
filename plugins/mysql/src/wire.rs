//! A connection that speaks in packets: what a session is built on.
//!
//! Reads pieces, gives out payloads, writes what has been queued. Packets are numbered from the command that
//! they answer; a number that is not the next one means that the two sides no longer talk of the same thing.

use std::time::Instant;

use datachat_sdk::connector::types::DbError;
use datachat_sdk::net::{READ_SIZE, Transport};

use crate::errors;
use crate::protocol::Malformed;
use crate::protocol::command;
use crate::protocol::frame::{Frame, Frames};

/// A transport, cut into payloads.
pub struct Wire<T> {
    transport: T,
    frames: Frames,
    /// What will be sent with the next [`send`](Self::send).
    pub out: Vec<u8>,
    /// The number that the next packet must have.
    next: u8,
    /// The frame that was put back.
    peeked: Option<Frame>,
}

impl<T: Transport> Wire<T> {
    /// Over a transport that is connected.
    pub fn new(transport: T) -> Self {
        Self {
            transport,
            frames: Frames::new(),
            out: Vec::with_capacity(1024),
            next: 0,
            peeked: None,
        }
    }

    /// Sends what is in [`out`](Self::out).
    ///
    /// # Errors
    /// The connection broke.
    pub fn send(&mut self) -> Result<(), DbError> {
        let result = self.transport.write_all(&self.out);
        self.out.clear();
        // A large parameter must not keep its room for ever.
        self.out.shrink_to(64 * 1024);
        result.map_err(|error| errors::broken(&error))
    }

    /// Sends a payload that answers the one received last.
    ///
    /// # Errors
    /// The connection broke.
    pub fn reply(&mut self, payload: &[u8]) -> Result<(), DbError> {
        let parts = command::packets(self.next, payload, &mut self.out);
        self.next = self.next.wrapping_add(parts);
        self.send()
    }

    /// The answer to the next command begins, which was sent in so many packets.
    pub fn begin_answer(&mut self, sent: u8) {
        self.next = sent;
    }

    /// The next payload.
    ///
    /// # Errors
    /// The connection broke, or what came is not of the protocol.
    #[inline]
    pub fn receive(&mut self) -> Result<Frame, DbError> {
        if let Some(frame) = self.peeked.take() {
            return Ok(frame);
        }
        loop {
            match self.frames.next_frame().map_err(errors::malformed)? {
                Some(frame) => {
                    // A server that says why it hangs up does so out of turn.
                    if frame.first != self.next && self.frames.body(&frame).first() != Some(&0xFF) {
                        return Err(errors::malformed(Malformed::OutOfOrder {
                            expected: self.next,
                            got: frame.first,
                        }));
                    }
                    self.next = frame.last.wrapping_add(1);
                    return Ok(frame);
                }
                None => self.fill()?,
            }
        }
    }

    /// The payload of the frame that was received last.
    #[inline]
    pub fn body(&self, frame: &Frame) -> &[u8] {
        self.frames.body(frame)
    }

    /// Takes the frame that was received last back: it will be received again.
    pub fn put_back(&mut self, frame: Frame) {
        self.peeked = Some(frame);
    }

    fn fill(&mut self) -> Result<(), DbError> {
        let piece = self
            .transport
            .read(READ_SIZE)
            .map_err(|error| errors::broken(&error))?;
        if piece.is_empty() {
            return Err(errors::closed());
        }
        self.frames.push(piece).map_err(errors::malformed)
    }

    /// Continues encrypted.
    ///
    /// # Errors
    /// The handshake failed, or something was sent in the clear that would have been taken for encrypted.
    pub fn start_tls(&mut self) -> Result<(), DbError> {
        if !self.frames.is_empty() {
            return Err(errors::malformed(Malformed::Invalid(
                "the server sent something between the request for TLS and the handshake",
            )));
        }
        self.transport.start_tls().map(drop)
    }

    /// Fails reads and writes that would wait past `deadline`; `None` lifts that.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.transport.set_deadline(deadline);
    }

    /// The server has proved who it is; long payloads are all right.
    pub fn trust(&mut self) {
        self.frames.trust();
    }
}
