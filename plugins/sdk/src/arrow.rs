//! Arrow IPC out of a cursor.
//!
//! Solves: a connector makes [`RecordBatch`]es of a size that suits it; the host asks for "about this many
//! bytes". [`IpcStream`] sits between. It holds encoded buffers without gluing them together, and copies each
//! byte once, into the piece that is handed to the host.
//!
//! How it decides: a piece ends at a batch's end where it can. The host then finds every batch whole and
//! aligned in one piece and need not copy it together. Only a batch of more than twice the size asked for is
//! cut.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::writer::StreamEncoder;
use arrow_schema::{ArrowError, Schema};

/// The size that a batch should have, in bytes, once a result has proved to be large.
pub const BATCH_BYTES: usize = 1024 * 1024;

/// The most rows that a batch should have.
pub const BATCH_ROWS: usize = 65_536;

/// The size of a result's first batch in bytes: small, so that the first rows are with the reader early.
const FIRST_BATCH_BYTES: usize = 64 * 1024;

/// One Arrow IPC stream, from batches to pieces of bytes.
pub struct IpcStream {
    encoder: Option<StreamEncoder>,
    /// Whole messages, oldest first.
    messages: VecDeque<Vec<Buffer>>,
    batch_bytes: usize,
}

impl IpcStream {
    /// A stream of batches of `schema`.
    ///
    /// # Errors
    /// The schema can't be written.
    pub fn new(schema: &Schema) -> Result<Self, ArrowError> {
        Ok(Self {
            encoder: Some(StreamEncoder::try_new(schema)?),
            messages: VecDeque::new(),
            batch_bytes: FIRST_BATCH_BYTES,
        })
    }

    /// How many bytes the next batch should have: little at first, then [`BATCH_BYTES`].
    pub fn batch_bytes(&self) -> usize {
        self.batch_bytes
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// The batch is not of the schema, or the stream has been finished.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let encoder = self.encoder.as_mut().ok_or_else(finished)?;
        self.messages.push_back(encoder.encode(batch)?);
        self.batch_bytes = BATCH_BYTES.min(self.batch_bytes * 4);
        Ok(())
    }

    /// Ends the stream. An empty one still carries its schema.
    ///
    /// # Errors
    /// The stream has been finished before.
    pub fn finish(&mut self) -> Result<(), ArrowError> {
        let encoder = self.encoder.take().ok_or_else(finished)?;
        self.messages.push_back(encoder.finish()?);
        Ok(())
    }

    /// Whether everything has been handed out and nothing more will come.
    pub fn is_finished(&self) -> bool {
        self.encoder.is_none() && self.messages.is_empty()
    }

    /// Whether there is anything to hand out.
    pub fn has_bytes(&self) -> bool {
        !self.messages.is_empty()
    }

    /// The next piece: at most `2 * max` bytes, and few more than `max`. Empty when nothing is there.
    pub fn read(&mut self, max: usize) -> Vec<u8> {
        let max = max.max(1);
        let mut length = 0;
        for message in &self.messages {
            let with = length + size(message);
            if length > 0 && (length >= max || with > 2 * max) {
                break;
            }
            length = with;
        }
        let length = if length > 2 * max { max } else { length };
        let mut piece = Vec::with_capacity(length);
        while piece.len() < length {
            let Some(message) = self.messages.front_mut() else {
                break;
            };
            let mut used = 0;
            for buffer in message.iter_mut() {
                let room = length - piece.len();
                if buffer.len() > room {
                    piece.extend_from_slice(&buffer[..room]);
                    *buffer = buffer.slice(room);
                    break;
                }
                piece.extend_from_slice(buffer);
                used += 1;
            }
            message.drain(..used);
            if message.is_empty() {
                self.messages.pop_front();
            }
        }
        piece
    }
}

fn size(message: &[Buffer]) -> usize {
    message.iter().map(Buffer::len).sum()
}

fn finished() -> ArrowError {
    ArrowError::IpcError("the stream has been finished".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, StringArray};
    use arrow_ipc::reader::StreamReader;
    use arrow_schema::{DataType, Field};

    use super::*;

    fn schema() -> Arc<Schema> {
        Arc::new(Schema::new(vec![
            Field::new("n", DataType::Int64, false),
            Field::new("s", DataType::Utf8, true),
        ]))
    }

    fn batch(start: i64, rows: i64) -> RecordBatch {
        RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(Int64Array::from_iter_values(start..start + rows)),
                Arc::new(
                    (start..start + rows)
                        .map(|n| (n % 3 != 0).then(|| n.to_string()))
                        .collect::<StringArray>(),
                ),
            ],
        )
        .expect("batch")
    }

    #[test]
    fn pieces_of_any_size_join_to_the_same_stream() {
        for max in [1, 7, 100, 4096, 1 << 20] {
            let mut stream = IpcStream::new(&schema()).expect("schema");
            let batches = [batch(0, 10), batch(10, 1000), batch(1010, 1)];
            for batch in &batches {
                stream.push(batch).expect("push");
            }
            stream.finish().expect("finish");
            let mut bytes = Vec::new();
            while !stream.is_finished() {
                let piece = stream.read(max);
                assert!(
                    !piece.is_empty() && piece.len() <= 2 * max,
                    "{} of {max}",
                    piece.len()
                );
                bytes.extend(piece);
            }
            assert!(stream.read(max).is_empty());
            let read: Vec<_> = StreamReader::try_new(bytes.as_slice(), None)
                .expect("stream")
                .collect::<Result<_, _>>()
                .expect("batches");
            assert_eq!(read, batches, "pieces of {max}");
        }
    }

    #[test]
    fn an_empty_result_still_has_its_schema() {
        let mut stream = IpcStream::new(&schema()).expect("schema");
        stream.finish().expect("finish");
        let bytes = stream.read(1024);
        let mut reader = StreamReader::try_new(bytes.as_slice(), None).expect("stream");
        assert_eq!(reader.schema(), schema());
        assert!(reader.next().is_none());
        assert!(stream.is_finished());
    }

    #[test]
    fn a_batch_that_fits_is_not_cut() {
        let mut stream = IpcStream::new(&schema()).expect("schema");
        stream.push(&batch(0, 1000)).expect("push");
        let first = stream.read(8 * 1024);
        assert!(!stream.has_bytes());
        assert!(first.len() > 8 * 1024 && first.len() <= 32 * 1024);
    }
}
