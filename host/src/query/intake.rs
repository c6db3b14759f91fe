//! The connector's Arrow stream, read with suspicion.
//!
//! The bytes come out of a component that may be hostile or broken, so this module does its own framing
//! and checks what the Arrow reader takes on trust: sizes within the limits before anything is allocated,
//! buffers inside the message and not overlapping (overlapping ones would be copied once per column),
//! lengths that the body can account for, no compression (a small message must not become a large one),
//! and only types that the encoders know. The Arrow reader then validates offsets and UTF-8. Should it
//! panic all the same, the panic ends the statement, not the server.
//!
//! It does not judge values: a wrong number in a well-formed column is the connector's answer.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::convert::{MessageBuffer, try_fb_to_schema};
use arrow_ipc::reader::{read_dictionary, read_record_batch};
use arrow_ipc::{MessageHeader, RecordBatch as BatchHeader};
use arrow_schema::{DataType, SchemaRef};
use bytes::Bytes;

use crate::limits::Limits;

/// Rows that a message may hold without any byte for them: results without columns, columns of nothing
/// but NULL. More than any connector batches, few enough to be harmless.
const ROWS_WITHOUT_BYTES: u64 = 1 << 24;

/// What is wrong with the stream. For the log and for the connector's author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

impl Malformed {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// One thing that the stream says.
#[derive(Debug)]
pub enum Item {
    /// The columns. Always first, and once.
    Schema(SchemaRef),
    /// Rows; `bytes` is the size of their Arrow data.
    Batch { batch: RecordBatch, bytes: u64 },
    /// The stream is complete.
    End,
}

/// Reads an Arrow IPC stream that arrives in chunks with arbitrary borders.
pub struct Intake {
    max_message_bytes: u64,
    max_columns: u64,
    state: State,
    input: Buffer,
    schema: Option<SchemaRef>,
    dictionaries: HashMap<i64, ArrayRef>,
}

enum State {
    /// Continuation marker and length of the metadata.
    Prefix {
        bytes: [u8; 8],
        have: usize,
    },
    Metadata {
        length: usize,
        bytes: MutableBuffer,
    },
    Body {
        message: MessageBuffer,
        length: usize,
        bytes: MutableBuffer,
    },
    /// End of stream seen.
    Ended,
}

impl State {
    const fn start() -> Self {
        Self::Prefix {
            bytes: [0; 8],
            have: 0,
        }
    }
}

impl Intake {
    /// A message can't be larger than the memory of the instance that made it.
    pub fn new(limits: &Limits) -> Self {
        Self {
            max_message_bytes: limits.plugin_memory_bytes,
            max_columns: limits.result_columns,
            state: State::start(),
            input: Buffer::from(Bytes::new()),
            schema: None,
            dictionaries: HashMap::new(),
        }
    }

    /// Hands over the next chunk. What [`Intake::next_item`] has not used of the last one must be used first.
    pub fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.input.is_empty(), "the last chunk is used up");
        self.input = Buffer::from(chunk);
    }

    /// Whether bytes are waiting to be read.
    pub fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// The next item; `None` when it takes another chunk to know.
    ///
    /// # Errors
    /// The stream breaks the format or a limit. It can't be read on after that.
    pub fn next_item(&mut self) -> Result<Option<Item>, Malformed> {
        catch_unwind(AssertUnwindSafe(|| self.step()))
            .unwrap_or_else(|_| Err(Malformed::new("the Arrow reader gave up on it")))
    }

    /// Says that no chunk will follow.
    ///
    /// # Errors
    /// The stream has not been ended: rows may be missing.
    pub fn finish(&self) -> Result<(), Malformed> {
        match self.state {
            State::Ended => Ok(()),
            _ => Err(Malformed::new("it stops before its end")),
        }
    }

    fn step(&mut self) -> Result<Option<Item>, Malformed> {
        loop {
            match &mut self.state {
                State::Prefix { bytes, have } => {
                    let take = self.input.len().min(8 - *have);
                    bytes[*have..*have + take].copy_from_slice(&self.input[..take]);
                    *have += take;
                    self.input.advance(take);
                    if *have < 8 {
                        return Ok(None);
                    }
                    let (marker, length) = bytes.split_at(4);
                    if marker != [0xff; 4] {
                        return Err(Malformed::new("a message does not start with its marker"));
                    }
                    let length =
                        u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
                    if length == 0 {
                        self.state = State::Ended;
                        if self.schema.is_none() {
                            return Err(Malformed::new("it ends before its schema"));
                        }
                        return Ok(Some(Item::End));
                    }
                    self.within_limit("the metadata of a message", length as u64)?;
                    self.state = State::Metadata {
                        length,
                        bytes: reserve(length),
                    };
                }
                State::Metadata { length, bytes } => {
                    if !fill(bytes, &mut self.input, *length) {
                        return Ok(None);
                    }
                    let bytes = std::mem::replace(bytes, MutableBuffer::new(0));
                    let message = MessageBuffer::try_new(bytes.into())
                        .map_err(|error| Malformed(error.to_string()))?;
                    let length = u64::try_from(message.as_ref().bodyLength())
                        .map_err(|_| Malformed::new("a body has a negative length"))?;
                    self.within_limit("the body of a message", length)?;
                    let length = usize::try_from(length)
                        .map_err(|_| Malformed::new("a body is too large"))?;
                    self.state = State::Body {
                        message,
                        length,
                        bytes: MutableBuffer::new(0),
                    };
                }
                State::Body {
                    message,
                    length,
                    bytes,
                } => {
                    let body = if bytes.is_empty() && self.input.len() >= *length {
                        let body = self.input.slice_with_length(0, *length);
                        self.input.advance(*length);
                        body
                    } else {
                        if bytes.capacity() == 0 {
                            *bytes = reserve(*length);
                        }
                        if !fill(bytes, &mut self.input, *length) {
                            return Ok(None);
                        }
                        std::mem::replace(bytes, MutableBuffer::new(0)).into()
                    };
                    let message = message.clone();
                    self.state = State::start();
                    if let Some(item) = self.message(&message, &body)? {
                        return Ok(Some(item));
                    }
                }
                State::Ended if self.input.is_empty() => return Ok(None),
                State::Ended => return Err(Malformed::new("bytes follow its end")),
            }
        }
    }

    fn within_limit(&self, what: &str, length: u64) -> Result<(), Malformed> {
        if length <= self.max_message_bytes {
            return Ok(());
        }
        Err(Malformed(format!(
            "{what} has {length} bytes, more than plugin_memory_bytes ({})",
            self.max_message_bytes
        )))
    }

    fn message(
        &mut self,
        message: &MessageBuffer,
        body: &Buffer,
    ) -> Result<Option<Item>, Malformed> {
        let message = message.as_ref();
        let arrow = |error: arrow_schema::ArrowError| Malformed(error.to_string());
        match message.header_type() {
            MessageHeader::Schema => {
                if self.schema.is_some() {
                    return Err(Malformed::new("it has a second schema"));
                }
                let header = message
                    .header_as_schema()
                    .ok_or_else(|| Malformed::new("its schema is empty"))?;
                let schema = Arc::new(try_fb_to_schema(header).map_err(arrow)?);
                let columns = schema.flattened_fields().len() as u64;
                if columns > self.max_columns {
                    return Err(Malformed(format!(
                        "it has {columns} columns, more than result_columns ({})",
                        self.max_columns
                    )));
                }
                for field in schema.fields() {
                    check_type(field.name(), field.data_type())?;
                }
                self.schema = Some(Arc::clone(&schema));
                Ok(Some(Item::Schema(schema)))
            }
            MessageHeader::RecordBatch => {
                let schema = self.known_schema()?;
                let header = message
                    .header_as_record_batch()
                    .ok_or_else(|| Malformed::new("a batch is empty"))?;
                check_batch(&header, body.len() as u64)?;
                let version = message.version();
                let batch =
                    read_record_batch(body, header, schema, &self.dictionaries, None, &version)
                        .map_err(arrow)?;
                Ok(Some(Item::Batch {
                    batch,
                    bytes: body.len() as u64,
                }))
            }
            MessageHeader::DictionaryBatch => {
                let schema = self.known_schema()?;
                let header = message
                    .header_as_dictionary_batch()
                    .ok_or_else(|| Malformed::new("a dictionary is empty"))?;
                let data = header
                    .data()
                    .ok_or_else(|| Malformed::new("a dictionary has no data"))?;
                check_batch(&data, body.len() as u64)?;
                let version = message.version();
                read_dictionary(body, header, &schema, &mut self.dictionaries, &version)
                    .map_err(arrow)?;
                let held: usize = self
                    .dictionaries
                    .values()
                    .map(Array::get_array_memory_size)
                    .sum();
                self.within_limit("its dictionaries", held as u64)?;
                Ok(None)
            }
            other => Err(Malformed(format!("a message is a {other:?}"))),
        }
    }

    fn known_schema(&self) -> Result<SchemaRef, Malformed> {
        self.schema
            .clone()
            .ok_or_else(|| Malformed::new("data comes before its schema"))
    }
}

/// Room for `length` bytes, but no more than a common message before the first of them is there.
fn reserve(length: usize) -> MutableBuffer {
    MutableBuffer::new(length.min(2 << 20))
}

/// Moves bytes from `input` until `target` has `length` of them; whether it has.
fn fill(target: &mut MutableBuffer, input: &mut Buffer, length: usize) -> bool {
    let take = input.len().min(length - target.len());
    target.extend_from_slice(&input[..take]);
    input.advance(take);
    target.len() == length
}

/// Checks what the Arrow reader would slice and allocate by.
fn check_batch(header: &BatchHeader<'_>, body: u64) -> Result<(), Malformed> {
    if header.compression().is_some() {
        return Err(Malformed::new("a message is compressed"));
    }
    let most = body.saturating_mul(8).saturating_add(ROWS_WITHOUT_BYTES);
    let fits = |length: i64| u64::try_from(length).is_ok_and(|length| length <= most);
    if !fits(header.length()) {
        return Err(Malformed::new("a batch has more rows than bytes for them"));
    }
    for node in header.nodes().into_iter().flatten() {
        if !fits(node.length()) || node.null_count() < 0 || node.null_count() > node.length() {
            return Err(Malformed::new("a column has an impossible length"));
        }
    }
    let mut end = 0u64;
    let mut buffers = 0i64;
    for buffer in header.buffers().into_iter().flatten() {
        let range = u64::try_from(buffer.offset())
            .ok()
            .zip(u64::try_from(buffer.length()).ok())
            .and_then(|(offset, length)| Some((offset, offset.checked_add(length)?)));
        match range {
            // Empty buffers hold nothing; some writers give them offset 0.
            Some((offset, stop)) if offset == stop && stop <= body => {}
            Some((offset, stop)) if offset >= end && stop <= body => end = stop,
            _ => {
                return Err(Malformed::new(
                    "a buffer lies outside its message or over another",
                ));
            }
        }
        buffers += 1;
    }
    for count in header.variadicBufferCounts().into_iter().flatten() {
        if !(0..=buffers).contains(&count) {
            return Err(Malformed::new(
                "a column has an impossible number of buffers",
            ));
        }
    }
    Ok(())
}

/// The types that the encoders know.
fn check_type(column: &str, data_type: &DataType) -> Result<(), Malformed> {
    let child = |field: &arrow_schema::FieldRef| check_type(column, field.data_type());
    match data_type {
        DataType::List(field) | DataType::LargeList(field) | DataType::Map(field, _) => {
            child(field)
        }
        // The size multiplies the rows, and a size of 0 or of millions helps nobody but an attacker.
        DataType::FixedSizeList(field, size) if (1..=65_536).contains(size) => child(field),
        DataType::FixedSizeBinary(size) if *size >= 0 => Ok(()),
        DataType::Struct(fields) => fields.iter().try_for_each(child),
        DataType::Dictionary(_, values) if !values.is_nested() => check_type(column, values),
        DataType::FixedSizeList(..)
        | DataType::FixedSizeBinary(_)
        | DataType::Dictionary(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::Union(..)
        | DataType::RunEndEncoded(..) => Err(Malformed(format!(
            "column {column:?} has the unsupported type {data_type}"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
