//! A connection that speaks in messages: what a session is built on.
//!
//! Reads pieces, gives out messages, writes what has been queued. Messages that may come at any time are
//! dealt with here and seen by nobody else: notices go to the log, parameter statuses are kept,
//! notifications are dropped.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::BytesMut;
use datachat_sdk::connector::tls::Channel;
use datachat_sdk::connector::types::DbError;
use datachat_sdk::log::{self, Level};
use datachat_sdk::net::{READ_SIZE, Transport};

use crate::errors;
use crate::protocol::backend::{self, Message};
use crate::protocol::frame::{Frame, Frames};

/// A transport, cut into messages.
pub struct Wire<T> {
    transport: T,
    frames: Frames,
    /// What will be sent with the next [`send`](Self::send).
    pub out: BytesMut,
    parameters: BTreeMap<String, String>,
}

impl<T: Transport> Wire<T> {
    /// Over a transport that is connected.
    pub fn new(transport: T) -> Self {
        Self {
            transport,
            frames: Frames::new(),
            out: BytesMut::with_capacity(1024),
            parameters: BTreeMap::new(),
        }
    }

    /// Sends what is in [`out`](Self::out).
    ///
    /// # Errors
    /// The connection broke.
    pub fn send(&mut self) -> Result<(), DbError> {
        let result = self.transport.write_all(&self.out);
        self.out.clear();
        result.map_err(|error| errors::broken(&error))
    }

    /// The next message that is not a notice, a status or a notification.
    ///
    /// # Errors
    /// The connection broke, or what came is not of the protocol.
    #[inline]
    pub fn receive(&mut self) -> Result<Frame, DbError> {
        loop {
            match self.frames.next_frame().map_err(errors::malformed)? {
                Some(frame) if !matches!(frame.tag, b'N' | b'S' | b'A') => return Ok(frame),
                Some(frame) => self.aside(&frame)?,
                None => self.fill()?,
            }
        }
    }

    /// The body of the frame that was received last.
    #[inline]
    pub fn body(&self, frame: &Frame) -> &[u8] {
        self.frames.body(frame)
    }

    /// Reads the frame that was received last.
    ///
    /// # Errors
    /// It is not of its message's shape.
    pub fn message(&self, frame: &Frame) -> Result<Message<'_>, DbError> {
        backend::parse(frame.tag, self.body(frame)).map_err(errors::malformed)
    }

    /// Takes the frame that was received last back: it will be received again.
    pub fn put_back(&mut self, frame: &Frame) {
        self.frames.put_back(frame);
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

    fn aside(&mut self, frame: &Frame) -> Result<(), DbError> {
        let message =
            backend::parse(frame.tag, self.frames.body(frame)).map_err(errors::malformed)?;
        match message {
            Message::Notice(fields) => {
                let level = match fields.severity.as_str() {
                    "WARNING" => Level::Warn,
                    "NOTICE" | "INFO" => Level::Info,
                    _ => Level::Debug,
                };
                log::write(
                    level,
                    &format!(
                        "{} {}: {}",
                        fields.severity, fields.sqlstate, fields.message
                    ),
                );
            }
            Message::ParameterStatus { name, value } => {
                let (name, value) = (name.to_owned(), value.to_owned());
                self.parameters.insert(name, value);
            }
            _ => {}
        }
        Ok(())
    }

    /// A setting that the server reports by itself, such as `server_version`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// One byte, before messages begin; `None` when the server closed.
    ///
    /// # Errors
    /// The connection broke, or more than a byte came: then somebody pushes data in front of the handshake.
    pub fn receive_byte(&mut self) -> Result<Option<u8>, DbError> {
        let piece = self
            .transport
            .read(READ_SIZE)
            .map_err(|error| errors::broken(&error))?;
        match piece.as_slice() {
            [] => Ok(None),
            [byte] => Ok(Some(*byte)),
            // An error message instead of an answer: it is not authenticated, so its text is not shown.
            [b'E', ..] => Ok(Some(b'E')),
            _ => Err(errors::unexpected(piece[1], "the request for TLS")),
        }
    }

    /// Waits until the server has closed the connection.
    ///
    /// # Errors
    /// The connection broke.
    pub fn drain(&mut self) -> Result<(), DbError> {
        while !self
            .transport
            .read(READ_SIZE)
            .map_err(|error| errors::broken(&error))?
            .is_empty()
        {}
        Ok(())
    }

    /// Continues encrypted.
    ///
    /// # Errors
    /// The handshake failed.
    pub fn start_tls(&mut self) -> Result<Channel, DbError> {
        self.transport.start_tls()
    }

    /// Fails reads and writes that would wait past `deadline`; `None` lifts that.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.transport.set_deadline(deadline);
    }

    /// The server has proved who it is; long messages are all right.
    pub fn trust(&mut self) {
        self.frames.trust();
    }
}
