//! Rows in binary, decoded and handed out in batches.
//!
//! An exception in the middle of a result stands where the next row would. It is told from a row by looking
//! at whole bytes: the last ones of a body are decoded only once the body has ended.

use std::rc::Rc;

use datachat_sdk::arrow::{BATCH_ROWS, IpcStream};
use datachat_sdk::connector::types::DbError;
use datachat_sdk::http::Body;

use super::unencodable;
use crate::answer::Answer;
use crate::errors::{self, Exception};
use crate::row_binary::{RowDecoder, RowError, header};
use crate::types::{Plan, Strings, plan};

/// How many bytes are left alone until the body has ended: more than exceptions have.
const HELD: usize = 16 << 10;

/// The result of a statement.
pub struct BinaryRows<B: Body> {
    answer: Option<Answer<B>>,
    input: Vec<u8>,
    at: usize,
    /// The body has been read to its end.
    ended: bool,
    decoder: RowDecoder,
    stream: IpcStream,
    /// Rows that may still come.
    left: Option<u64>,
    /// Whether a row has any bytes. Without, there is no telling how many there are.
    columns: usize,
}

impl<B: Body> BinaryRows<B> {
    /// Rows of known columns.
    ///
    /// # Errors
    /// `unsupported`, for a type whose bytes can't be read.
    pub fn with_plan(
        answer: Answer<B>,
        plan: &Rc<Plan>,
        max_rows: Option<u64>,
    ) -> Result<Self, DbError> {
        Ok(Self {
            answer: Some(answer),
            input: Vec::new(),
            at: 0,
            ended: false,
            decoder: RowDecoder::new(plan).map_err(|error| errors::undecodable(&error))?,
            stream: IpcStream::new(&plan.schema).map_err(|error| unencodable(&error))?,
            left: max_rows,
            columns: plan.types.len(),
        })
    }

    /// Rows behind a header that says their columns.
    ///
    /// # Errors
    /// The statement failed, or the header can't be read.
    pub fn with_header(
        mut answer: Answer<B>,
        strings: Strings,
        zone: &str,
        max_rows: Option<u64>,
    ) -> Result<Self, DbError> {
        let mut input = Vec::new();
        let (columns, length) = loop {
            let piece = answer.read()?;
            let ended = piece.is_empty();
            input.extend(piece);
            // A statement without a result has no header either.
            if ended && input.is_empty() {
                break (Vec::new(), 0);
            }
            match header(&input) {
                Ok(header) => break header,
                Err(RowError::Short) if !ended => {}
                Err(error) => return Err(answer.broken(&error.to_string())),
            }
        };
        let plan = plan(columns, strings, zone).map_err(|error| errors::unreadable(&error))?;
        let mut rows = Self::with_plan(answer, &Rc::new(plan), max_rows)?;
        rows.input = input;
        rows.at = length;
        Ok(rows)
    }

    /// As [`super::Rows::read`].
    ///
    /// # Errors
    /// As there.
    pub fn read(&mut self, max: usize) -> Result<Vec<u8>, DbError> {
        while !self.stream.has_bytes() && !self.stream.is_finished() {
            self.advance()?;
        }
        Ok(self.stream.read(max))
    }

    /// Decodes until there is a batch, or the end.
    fn advance(&mut self) -> Result<(), DbError> {
        loop {
            self.decode()?;
            let full = self.decoder.bytes() >= self.stream.batch_bytes()
                || self.decoder.rows() >= BATCH_ROWS;
            if full {
                return self.flush();
            }
            if self.ended || self.left == Some(0) {
                if self.decoder.rows() > 0 {
                    self.flush()?;
                }
                // Dropping an answer that goes on tells the server to stop.
                self.answer = None;
                return self.stream.finish().map_err(|error| unencodable(&error));
            }
            self.input.drain(..self.at);
            self.at = 0;
            let Some(answer) = &mut self.answer else {
                return Err(errors::malformed("the result had failed before"));
            };
            let piece = answer.read()?;
            self.ended = piece.is_empty();
            self.input.extend(piece);
        }
    }

    /// Decodes the rows that are safely rows.
    fn decode(&mut self) -> Result<(), DbError> {
        let Some(answer) = &self.answer else {
            return Ok(());
        };
        while self.left != Some(0) {
            let rest = &self.input[self.at..];
            if rest.is_empty() || (!self.ended && rest.len() < HELD) {
                return Ok(());
            }
            if let Some(exception) = exception(rest) {
                return Err(answer.blame(&exception));
            }
            if self.columns == 0 {
                return Err(answer.broken("bytes follow a result without columns"));
            }
            match self.decoder.push(rest) {
                Ok(0) => return Err(answer.broken("a row has no bytes")),
                Ok(length) => self.at += length,
                Err(RowError::Short) if !self.ended => return Ok(()),
                Err(error @ (RowError::Short | RowError::Malformed(_))) => {
                    return Err(answer.broken(&error.to_string()));
                }
                Err(error) => return Err(errors::undecodable(&error)),
            }
            if let Some(left) = &mut self.left {
                *left -= 1;
            }
            if self.decoder.bytes() >= self.stream.batch_bytes() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DbError> {
        let batch = self
            .decoder
            .finish()
            .map_err(|error| errors::undecodable(&error))?;
        self.stream
            .push(&batch)
            .map_err(|error| unencodable(&error))
    }
}

/// The exception that stands where a row would begin.
fn exception(rest: &[u8]) -> Option<Exception> {
    let begins = |mark: &[u8]| rest.starts_with(mark);
    if begins(b"\r\n__exception__") || begins(b"__exception__") {
        return errors::in_stream(rest);
    }
    if !begins(b"Code: ") {
        return None;
    }
    // A text of this very length could begin so; it would not go on like this to the end.
    let text = std::str::from_utf8(rest).ok()?;
    text.contains("DB::").then(|| Exception::read(text))?
}
