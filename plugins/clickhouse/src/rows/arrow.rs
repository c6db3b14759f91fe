//! The server's Arrow stream, passed through with as little work as its columns allow.
//!
//! The schema is always written anew: the server's does not say ClickHouse's types. Of the batches:
//!
//! - If every column has the layout of the plan already, their bytes go out as they come in. Texts are looked at
//!   on their way, because the server calls any bytes a string, and whoever reads the stream would stumble.
//! - If a column has another layout, batches are decoded, converted column by column and encoded again, some rows
//!   at a time: a batch of wide rows is large enough without a copy.
//!
//! A message is complete or it is not used; a stream without its end marker has failed.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_buffer::Buffer;
use arrow_ipc::convert::{MessageBuffer, try_fb_to_schema};
use arrow_ipc::reader::{read_dictionary, read_record_batch};
use arrow_ipc::{Field as IpcField, MessageHeader};
use arrow_schema::{ArrowError, DataType, Schema};
use datachat_sdk::arrow::{BATCH_BYTES, IpcStream};
use datachat_sdk::connector::types::DbError;
use datachat_sdk::http::Body;

use super::input::Input;
use super::texts::{NotText, TextCheck, has_text, without_text};
use super::unencodable;
use crate::answer::Answer;
use crate::errors;
use crate::types::Plan;
use crate::types::convert::{convert, same_layout};

/// The largest message that is taken, in bytes: more than the memory of a component.
const MAX_MESSAGE: usize = 1 << 30;

/// The result of a statement.
pub struct ArrowRows<B: Body> {
    answer: Option<Answer<B>>,
    plan: Rc<Plan>,
    input: Input,
    source: Arc<Schema>,
    mode: Mode,
    /// Whether a batch holds texts, at any depth.
    texts: bool,
    dictionaries: HashMap<i64, ArrayRef>,
    /// The schema's message, until the first batch says how the stream goes on.
    schema: Vec<u8>,
    /// Pieces that go out as they are.
    ready: VecDeque<Vec<u8>>,
    /// Bytes of a batch that is passed through and has not arrived yet, and its texts.
    passing: usize,
    check: TextCheck,
    /// Rows that have arrived and are still to be converted.
    waiting: Option<Waiting>,
    /// Rows that may still come.
    left: Option<u64>,
    finished: bool,
}

enum Mode {
    /// Messages go out as they come in.
    Pass,
    Convert(Box<IpcStream>),
}

/// Rows of a batch, the next few of which are converted at once.
struct Waiting {
    batch: RecordBatch,
    step: usize,
}

/// A message of the stream, its body still to come.
struct Head {
    message: MessageBuffer,
    /// Of marker, length and metadata.
    length: usize,
    body: usize,
}

impl<B: Body> ArrowRows<B> {
    /// Reads the schema; none if its columns are not those of the plan.
    ///
    /// # Errors
    /// The statement failed, or the answer is no Arrow stream.
    pub fn open(
        answer: Answer<B>,
        plan: &Rc<Plan>,
        max_rows: Option<u64>,
    ) -> Result<Option<Box<Self>>, DbError> {
        let mut rows = Box::new(Self {
            answer: Some(answer),
            plan: Rc::clone(plan),
            input: Input::default(),
            source: Arc::new(Schema::empty()),
            mode: Mode::Pass,
            texts: false,
            dictionaries: HashMap::new(),
            schema: Vec::new(),
            ready: VecDeque::new(),
            passing: 0,
            check: TextCheck::default(),
            waiting: None,
            left: max_rows,
            finished: false,
        });
        // Servers of some versions send nothing at all for a result without rows.
        let Some(head) = rows.head(true)? else {
            let mut stream = IpcStream::new(&plan.schema).map_err(|error| unencodable(&error))?;
            stream.finish().map_err(|error| unencodable(&error))?;
            rows.mode = Mode::Convert(Box::new(stream));
            rows.finish();
            return Ok(Some(rows));
        };
        let schema = head.message.as_ref().header_as_schema();
        let Some(schema) = schema.filter(|_| head.body == 0) else {
            return Err(rows.broken("an Arrow stream begins without its schema"));
        };
        let ids = schema_ids(&schema);
        let source =
            try_fb_to_schema(schema).map_err(|error| rows.broken(&format!("Arrow: {error}")))?;
        rows.input.skip(head.length);
        let planned = plan.schema.fields();
        let fits = source.fields().len() == planned.len()
            && source
                .fields()
                .iter()
                .zip(planned)
                .all(|(source, planned)| source.name() == planned.name());
        if !fits {
            return Ok(None);
        }
        let same = source
            .fields()
            .iter()
            .zip(planned)
            .all(|(source, planned)| same_layout(source.data_type(), planned.data_type()));
        rows.texts = source.flattened_fields().into_iter().any(has_text);
        rows.source = Arc::new(source);
        let written = schema_message(&plan.schema)?;
        // Dictionaries that are passed through must be known by the same numbers.
        if same && max_rows.is_none() && written_ids(&written) == ids {
            rows.schema = written;
        } else {
            rows.convert_from_here()?;
        }
        Ok(Some(rows))
    }

    /// As [`super::Rows::read`].
    ///
    /// # Errors
    /// As there.
    pub fn read(&mut self, max: usize) -> Result<Vec<u8>, DbError> {
        loop {
            if let Some(mut piece) = self.ready.pop_front() {
                if piece.len() > 2 * max {
                    self.ready.push_front(piece.split_off(max));
                }
                return Ok(piece);
            }
            if let Mode::Convert(stream) = &mut self.mode
                && stream.has_bytes()
            {
                return Ok(stream.read(max));
            }
            if self.waiting.is_some() {
                self.convert_some()?;
                continue;
            }
            if self.finished {
                return Ok(Vec::new());
            }
            self.advance()?;
        }
    }

    fn convert_from_here(&mut self) -> Result<(), DbError> {
        let stream = IpcStream::new(&self.plan.schema).map_err(|error| unencodable(&error))?;
        self.mode = Mode::Convert(Box::new(stream));
        Ok(())
    }

    /// Puts the schema in front of the first message that is passed through.
    fn pass(&mut self, piece: Vec<u8>) {
        if !self.schema.is_empty() {
            self.ready.push_back(std::mem::take(&mut self.schema));
        }
        self.ready.push_back(piece);
    }

    fn finish(&mut self) {
        self.finished = true;
        // Dropping an answer that goes on tells the server to stop.
        self.answer = None;
    }

    fn broken(&self, what: &str) -> DbError {
        match &self.answer {
            Some(answer) => answer.broken(what),
            None => errors::malformed(what),
        }
    }

    /// Waits for more bytes; whether there are any.
    fn fill(&mut self) -> Result<bool, DbError> {
        let answer = self
            .answer
            .as_mut()
            .ok_or_else(|| errors::malformed("the result had failed before"))?;
        let piece = answer.read()?;
        let more = !piece.is_empty();
        self.input.add(piece);
        Ok(more)
    }

    /// Waits until `length` bytes are there.
    fn need(&mut self, length: usize) -> Result<(), DbError> {
        self.input.expect(length);
        while self.input.rest().len() < length {
            if !self.fill()? {
                return Err(self.broken("the Arrow stream stops before its end"));
            }
        }
        Ok(())
    }

    /// The head of the next message, which is not taken; none at the end of the stream, or of a body without
    /// any byte if that is `allowed`.
    fn head(&mut self, allowed: bool) -> Result<Option<Head>, DbError> {
        if allowed && self.input.rest().is_empty() && !self.fill()? {
            return Ok(None);
        }
        self.need(8)?;
        let rest = self.input.rest();
        if rest[..4] != [0xff; 4] {
            // The whole text of an exception, if it is one.
            while self.fill()? {}
            return Err(self.broken("a message of the Arrow stream does not begin with its marker"));
        }
        let size = u32::from_le_bytes([rest[4], rest[5], rest[6], rest[7]]);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size == 0 {
            return Ok(None);
        }
        if size > MAX_MESSAGE {
            return Err(self.broken("a message of the Arrow stream is too large"));
        }
        let length = size + 8;
        self.need(length)?;
        let metadata = Buffer::from(&self.input.rest()[8..length]);
        let message = MessageBuffer::try_new(metadata)
            .map_err(|error| self.broken(&format!("Arrow: {error}")))?;
        let body = usize::try_from(message.as_ref().bodyLength())
            .ok()
            .filter(|body| *body <= MAX_MESSAGE)
            .ok_or_else(|| self.broken("a message of the Arrow stream is too large"))?;
        Ok(Some(Head {
            message,
            length,
            body,
        }))
    }

    /// Goes on to the next message, or in the middle of one.
    fn advance(&mut self) -> Result<(), DbError> {
        if self.passing > 0 {
            return self.pass_on();
        }
        if self.left == Some(0) {
            self.end()?;
            return Ok(());
        }
        let Some(head) = self.head(false)? else {
            self.input.skip(8);
            // What follows the end could only be an exception; and the connection is free once it is read.
            if !self.input.rest().is_empty() || self.fill()? {
                while self.fill()? {}
                return Err(self.broken("bytes follow the end of the Arrow stream"));
            }
            return self.end();
        };
        let message = head.message.as_ref();
        let (compressed, rows) = match message.header_type() {
            MessageHeader::RecordBatch => message
                .header_as_record_batch()
                .map(|batch| (batch.compression().is_some(), batch.length())),
            MessageHeader::DictionaryBatch => message
                .header_as_dictionary_batch()
                .and_then(|dictionary| dictionary.data())
                .map(|batch| (batch.compression().is_some(), 0)),
            _ => None,
        }
        .ok_or_else(|| self.broken("an unexpected message in the Arrow stream"))?;
        if compressed {
            return Err(self.broken("a batch of the Arrow stream is compressed"));
        }
        if rows < 0 {
            return Err(self.broken("a batch of fewer rows than none"));
        }
        let batch = message.header_as_record_batch();
        if let (Mode::Pass, Some(batch)) = (&self.mode, batch) {
            self.check = if self.texts {
                TextCheck::new(&self.source, &batch)
                    .ok_or_else(|| self.broken("a batch has other buffers than its columns"))?
            } else {
                TextCheck::default()
            };
            let begin = self.input.take(head.length);
            self.pass(begin);
            self.passing = head.body;
            return Ok(());
        }
        self.need(head.length + head.body)?;
        let bytes = Buffer::from_vec(self.input.take(head.length + head.body));
        let body = bytes.slice_with_length(head.length, head.body);
        self.decode(&head.message, &body)?;
        drop(body);
        if matches!(self.mode, Mode::Pass) {
            // A dictionary is still in use.
            let piece = bytes
                .into_vec()
                .unwrap_or_else(|bytes| bytes.as_slice().to_vec());
            self.pass(piece);
        }
        Ok(())
    }

    /// Hands on what has arrived of a batch's body.
    fn pass_on(&mut self) -> Result<(), DbError> {
        self.need(1)?;
        let piece = self.input.take(self.passing);
        self.passing -= piece.len();
        self.check.look(&piece).map_err(|NotText(column)| {
            let field = self.source.fields().get(column);
            errors::not_text(field.map_or("", |field| field.name()))
        })?;
        self.ready.push_back(piece);
        Ok(())
    }

    fn end(&mut self) -> Result<(), DbError> {
        match &mut self.mode {
            Mode::Convert(stream) => stream.finish().map_err(|error| unencodable(&error))?,
            // The end marker, which has been taken.
            Mode::Pass => self.pass([[0xff; 4], [0; 4]].concat()),
        }
        self.finish();
        Ok(())
    }

    /// Decodes a dictionary, also to check its texts, or a batch to convert it.
    fn decode(&mut self, message: &MessageBuffer, body: &Buffer) -> Result<(), DbError> {
        let message = message.as_ref();
        let version = message.version();
        if let Some(dictionary) = message.header_as_dictionary_batch() {
            let read = read_dictionary(
                body,
                dictionary,
                &self.source,
                &mut self.dictionaries,
                &version,
            );
            return read.map_err(|error| self.unreadable(&error, None));
        }
        let Some(header) = message.header_as_record_batch() else {
            return Err(self.broken("a message without a batch"));
        };
        let batch = read_record_batch(
            body,
            header,
            Arc::clone(&self.source),
            &self.dictionaries,
            None,
            &version,
        );
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => {
                // Read once more as bytes, to say which column it is.
                let schema = Arc::new(without_text(&self.source));
                let bytes =
                    read_record_batch(body, header, schema, &HashMap::new(), None, &version).ok();
                return Err(self.unreadable(&error, bytes.as_ref()));
            }
        };
        let mut length = batch.num_rows();
        if let Some(left) = &mut self.left {
            length = length.min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= length as u64;
        }
        let pieces = body.len() / BATCH_BYTES + 1;
        self.waiting = Some(Waiting {
            batch: batch.slice(0, length),
            step: length.div_ceil(pieces).max(1),
        });
        Ok(())
    }

    /// Converts the next rows of the batch that waits.
    fn convert_some(&mut self) -> Result<(), DbError> {
        let Some(Waiting { batch, step }) = self.waiting.take() else {
            return Ok(());
        };
        let length = step.min(batch.num_rows());
        let converted = self.convert(&batch.slice(0, length))?;
        if let Mode::Convert(stream) = &mut self.mode {
            stream
                .push(&converted)
                .map_err(|error| unencodable(&error))?;
        }
        if length < batch.num_rows() {
            let batch = batch.slice(length, batch.num_rows() - length);
            self.waiting = Some(Waiting { batch, step });
        }
        Ok(())
    }

    fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch, DbError> {
        let columns = batch
            .columns()
            .iter()
            .zip(&self.plan.types)
            .zip(self.plan.schema.fields())
            .map(|((array, ty), field)| {
                convert(ty, array, field.data_type())
                    .map_err(|error| errors::unconvertible(field.name(), &error))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.plan.schema), columns, &options)
            .map_err(|error| unencodable(&error))
    }

    /// Why Arrow's reader refuses a batch.
    fn unreadable(&self, error: &ArrowError, bytes: Option<&RecordBatch>) -> DbError {
        let column = bytes.and_then(|batch| {
            let texts = batch.columns().iter().zip(self.source.fields());
            texts
                .filter(|(_, field)| *field.data_type() == DataType::Utf8)
                .find(|(array, _)| {
                    let array = array.as_binary_opt::<i32>();
                    array.is_some_and(|values| {
                        values
                            .iter()
                            .flatten()
                            .any(|value| std::str::from_utf8(value).is_err())
                    })
                })
                .map(|(_, field)| field.name())
        });
        match column {
            Some(column) => errors::not_text(column),
            // Within another value, or in a dictionary.
            None if error.to_string().contains("UTF") || error.to_string().contains("utf-8") => {
                let texts = self.source.fields().iter().find(|f| has_text(f));
                errors::not_text(texts.map_or("", |field| field.name()))
            }
            None => self.broken(&format!("Arrow: {error}")),
        }
    }
}

/// The schema as a message of a stream.
fn schema_message(schema: &Schema) -> Result<Vec<u8>, DbError> {
    let mut stream = IpcStream::new(schema).map_err(|error| unencodable(&error))?;
    stream.finish().map_err(|error| unencodable(&error))?;
    let mut bytes = stream.read(usize::MAX / 4);
    // Without the end marker.
    bytes.truncate(bytes.len().saturating_sub(8));
    Ok(bytes)
}

/// The numbers of dictionaries in the order of their fields.
fn schema_ids(schema: &arrow_ipc::Schema<'_>) -> Vec<i64> {
    fn walk(field: &IpcField<'_>, ids: &mut Vec<i64>) {
        if let Some(dictionary) = field.dictionary() {
            ids.push(dictionary.id());
        }
        for child in field.children().into_iter().flatten() {
            walk(&child, ids);
        }
    }
    let mut ids = Vec::new();
    for field in schema.fields().into_iter().flatten() {
        walk(&field, &mut ids);
    }
    ids
}

fn written_ids(message: &[u8]) -> Vec<i64> {
    let metadata = message.get(8..).unwrap_or_default();
    MessageBuffer::try_new(Buffer::from(metadata))
        .ok()
        .and_then(|message| {
            message
                .as_ref()
                .header_as_schema()
                .map(|schema| schema_ids(&schema))
        })
        .unwrap_or_default()
}
