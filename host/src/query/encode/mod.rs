//! Results as JSON, NDJSON, CSV, Arrow and Parquet, chosen by content negotiation.
//!
//! [`encode`] turns a running statement into a stream of bytes of about 64 KiB each. Nothing but the batch
//! in hand is kept (Parquet keeps its row group), so memory does not grow with the result. Bytes leave as
//! soon as the next row has to be waited for.
//!
//! What goes wrong after the first byte can't become a status any more: JSON and NDJSON end with the
//! problem, which the caller's [`Options::problem`] writes; the binary formats and CSV break off.

mod arrow;
mod bind;
pub mod columns;
mod csv;
mod json;
mod ndjson;
mod negotiate;
mod parquet;
pub mod plain;
mod rest;
pub mod temporal;
pub mod text;
pub mod values;
mod wkt;

pub use columns::{Column, describe};
pub use negotiate::{Format, NotAcceptable, negotiate};
pub use values::{Numbers, Rows};

use rest::Rest;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::execute::{QueryError, QueryStream, Summary};
use crate::registry::DatabaseRef;

/// The size at which bytes leave: large enough for few system calls, small enough to stay in the cache.
const PIECE_BYTES: usize = 64 << 10;

/// Writes an error as the object that ends JSON and NDJSON.
pub type ProblemWriter = Arc<dyn Fn(&QueryError) -> serde_json::Value + Send + Sync>;

/// How values and errors are written.
#[derive(Clone)]
pub struct Options {
    pub numbers: Numbers,
    /// JSON values of the database stay on one line.
    pub one_line: bool,
    pub problem: ProblemWriter,
}

impl Options {
    /// Numbers as numbers; errors through `problem`.
    pub fn new(problem: ProblemWriter) -> Self {
        Self {
            numbers: Numbers::default(),
            one_line: false,
            problem,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("numbers", &self.numbers)
            .finish_non_exhaustive()
    }
}

/// Why the bytes of an answer broke off.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The format can't hold the result.
    #[error("the result does not fit the format {format}: {detail}")]
    Format {
        format: &'static str,
        detail: String,
    },
}

/// The bytes of an answer.
pub type Body = Pin<Box<dyn Stream<Item = Result<Bytes, EncodeError>> + Send>>;

/// An answer on its way.
pub struct Encoded {
    pub format: Format,
    pub database: DatabaseRef,
    pub body: Body,
    /// Filled in when the body has ended.
    pub outcome: Outcome,
}

/// How much an answer held, known when its body has ended.
#[derive(Debug, Clone, Default)]
pub struct Outcome(Arc<OnceLock<Summary>>);

impl Outcome {
    /// `None` until the body has ended.
    pub fn get(&self) -> Option<&Summary> {
        self.0.get()
    }
}

/// One format.
trait Encoder: Send {
    /// What comes before the rows.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Rows of a batch, at least until `out` has about [`PIECE_BYTES`].
    fn rows(&mut self, rest: &mut Rest, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// What comes after the rows.
    fn finish(&mut self, summary: &Summary, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Ends with an error, if the format has a place for it.
    fn fail(&mut self, error: &QueryError, summary: &Summary, out: &mut Vec<u8>) -> bool {
        let _ = (error, summary, out);
        false
    }
}

/// Encodes a result. Answers when the first piece is encoded, so that what does not fit the format fails
/// before an answer has begun.
///
/// # Errors
/// The format can't hold the columns or a value of the first piece, or has no place for an error that came
/// before its end. Nothing has been written then.
pub async fn encode(
    stream: QueryStream,
    format: Format,
    options: Options,
) -> Result<Encoded, EncodeError> {
    let database = stream.database().clone();
    let mut encoder = encoder(format, stream.schema(), &database, options)?;
    let mut out = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
    encoder.begin(&mut out)?;
    let outcome = Outcome::default();
    let mut pump = Pump {
        stream,
        encoder,
        out,
        rest: None,
        done: false,
        outcome: outcome.clone(),
    };
    let first = pump.piece().await.transpose()?;
    let rest = futures_util::stream::unfold(pump, |mut pump| async {
        let piece = pump.piece().await?;
        Some((piece, pump))
    });
    let body = futures_util::stream::iter(first.map(Ok)).chain(rest);
    Ok(Encoded {
        format,
        database,
        body: Box::pin(body),
        outcome,
    })
}

fn encoder(
    format: Format,
    schema: SchemaRef,
    database: &DatabaseRef,
    mut options: Options,
) -> Result<Box<dyn Encoder>, EncodeError> {
    Ok(match format {
        Format::Json => Box::new(json::Json::new(&schema, database.clone(), options)),
        Format::Ndjson => {
            options.one_line = true;
            Box::new(ndjson::Ndjson::new(&schema, database.clone(), options))
        }
        Format::Csv => Box::new(csv::Csv::new(schema, options)),
        Format::Arrow => Box::new(arrow::ArrowStream::new(&schema)?),
        Format::Parquet => Box::new(parquet::Parquet::new(&schema, options)?),
    })
}

/// Moves a result through an encoder, piece by piece.
struct Pump {
    stream: QueryStream,
    encoder: Box<dyn Encoder>,
    out: Vec<u8>,
    /// The batch in hand.
    rest: Option<Rest>,
    done: bool,
    outcome: Outcome,
}

impl Pump {
    async fn piece(&mut self) -> Option<Result<Bytes, EncodeError>> {
        while !self.done {
            if let Some(mut rest) = self.rest.take() {
                if let Err(error) = self.encoder.rows(&mut rest, &mut self.out) {
                    return Some(self.broken(error));
                }
                self.rest = Some(rest).filter(|rest| !rest.is_empty());
                if self.out.len() >= PIECE_BYTES {
                    return Some(Ok(self.take()));
                }
                continue;
            }
            if !self.out.is_empty() && !self.stream.is_ready() {
                return Some(Ok(self.take()));
            }
            match self.stream.next().await {
                Ok(Some(batch)) => self.rest = Some(Rest::new(batch)),
                Ok(None) => {
                    self.done = true;
                    let summary = self.stream.summary();
                    if let Err(error) = self.encoder.finish(&summary, &mut self.out) {
                        return Some(self.broken(error));
                    }
                    let _ = self.outcome.0.set(summary);
                }
                Err(error) => {
                    self.done = true;
                    let summary = self.stream.summary();
                    if !self.encoder.fail(&error, &summary, &mut self.out) {
                        return Some(self.broken(error.into()));
                    }
                }
            }
        }
        (!self.out.is_empty()).then(|| Ok(self.take()))
    }

    fn take(&mut self) -> Bytes {
        let next = Vec::with_capacity(self.out.capacity().min(2 * PIECE_BYTES));
        std::mem::replace(&mut self.out, next).into()
    }

    fn broken(&mut self, error: EncodeError) -> Result<Bytes, EncodeError> {
        self.done = true;
        self.out.clear();
        Err(error)
    }
}

/// Rows that are whole JSON arrays, for callers that hand rows on one by one.
pub fn json_rows(batch: &RecordBatch, options: &Options) -> VecDeque<String> {
    let rows = Rows::bind(batch, options);
    let text = |row| {
        let mut out = Vec::new();
        rows.json(row, &mut out);
        // The encoders write UTF-8 only.
        String::from_utf8(out).unwrap_or_default()
    };
    (0..batch.num_rows()).map(text).collect()
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
