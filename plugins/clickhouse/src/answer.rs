//! The body of an answer: decompressed if it was compressed, with its last bytes remembered.
//!
//! When a statement fails in the middle of its result, the server writes the exception where data would stand
//! and closes. The last bytes are kept so that the exception is found whatever had been made of them.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use datachat_sdk::connector::types::DbError;
use datachat_sdk::http::{Body, HttpError, READ_SIZE};
use lz4_flex::frame::FrameDecoder;

use crate::errors::{self, Phase};

/// How much of the end is remembered, in bytes: more than exceptions have.
const TAIL: usize = 16 << 10;

/// A body that is read to its end.
pub struct Answer<B: Body> {
    source: Source<B>,
    tail: Vec<u8>,
    origin: String,
    statement: String,
}

enum Source<B: Body> {
    Plain(B),
    Lz4 {
        decoder: Box<dyn Read>,
        raw: Rc<RefCell<Raw>>,
    },
}

/// What passed through to the decoder.
#[derive(Default)]
struct Raw {
    tail: Vec<u8>,
    error: Option<HttpError>,
}

/// A body as the standard library reads.
struct Pieces<B: Body> {
    body: B,
    piece: Vec<u8>,
    at: usize,
    raw: Rc<RefCell<Raw>>,
}

impl<B: Body> Read for Pieces<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            self.piece = self.body.read(READ_SIZE).map_err(|error| {
                self.raw.borrow_mut().error = Some(error);
                io::Error::from(io::ErrorKind::BrokenPipe)
            })?;
            self.at = 0;
            remember(&mut self.raw.borrow_mut().tail, &self.piece);
        }
        let length = buffer.len().min(self.piece.len() - self.at);
        buffer[..length].copy_from_slice(&self.piece[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

impl<B: Body> Answer<B> {
    /// The body of an answer to `statement`, in its content coding.
    ///
    /// # Errors
    /// `protocol`, for a coding that was not asked for.
    pub fn new(
        body: B,
        coding: Option<&str>,
        origin: &str,
        statement: &str,
    ) -> Result<Self, DbError> {
        let source = match coding {
            None | Some("identity") => Source::Plain(body),
            Some("lz4") => {
                let raw = Rc::<RefCell<Raw>>::default();
                Source::Lz4 {
                    decoder: Box::new(FrameDecoder::new(Pieces {
                        body,
                        piece: Vec::new(),
                        at: 0,
                        raw: Rc::clone(&raw),
                    })),
                    raw,
                }
            }
            Some(_) => {
                return Err(errors::malformed(
                    "it is compressed in another way than asked",
                ));
            }
        };
        Ok(Self {
            source,
            tail: Vec::new(),
            origin: origin.to_owned(),
            statement: statement.to_owned(),
        })
    }

    /// The next bytes; empty at the end.
    ///
    /// # Errors
    /// The server's exception where the body has one, else that the connection broke.
    pub fn read(&mut self) -> Result<Vec<u8>, DbError> {
        let read = match &mut self.source {
            Source::Plain(body) => body.read(READ_SIZE),
            Source::Lz4 { decoder, raw } => {
                let mut piece = vec![0; READ_SIZE / 4];
                if let Ok(length) = decoder.read(&mut piece) {
                    piece.truncate(length);
                    Ok(piece)
                } else {
                    let mut raw = raw.borrow_mut();
                    remember(&mut self.tail, &raw.tail);
                    Err(raw
                        .error
                        .take()
                        .unwrap_or(HttpError::Broken("its compression is damaged")))
                }
            }
        };
        match read {
            Ok(piece) => {
                remember(&mut self.tail, &piece);
                Ok(piece)
            }
            Err(error) => Err(self
                .exception()
                .unwrap_or_else(|| errors::from_http(error, &self.origin))),
        }
    }

    /// The exception that the last bytes are, if they are one.
    pub fn exception(&self) -> Option<DbError> {
        let exception = errors::in_stream(&self.tail)?;
        Some(self.blame(&exception))
    }

    /// The contract's error for an exception of this answer.
    pub fn blame(&self, exception: &errors::Exception) -> DbError {
        errors::from_exception(exception, Phase::Statement, &self.statement)
    }

    /// What is wrong with bytes that are none of the format: the exception that they are, or that they are
    /// nonsense.
    pub fn broken(&self, what: &str) -> DbError {
        self.exception().unwrap_or_else(|| errors::malformed(what))
    }
}

/// Keeps the last bytes of `tail` and `piece` together.
fn remember(tail: &mut Vec<u8>, piece: &[u8]) {
    if piece.len() >= TAIL {
        tail.clear();
        tail.extend_from_slice(&piece[piece.len() - TAIL..]);
        return;
    }
    let excess = (tail.len() + piece.len()).saturating_sub(TAIL);
    tail.drain(..excess);
    tail.extend_from_slice(piece);
}
