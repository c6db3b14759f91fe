//! An Arrow IPC stream: the batches as they are, cut to the limits.

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Schema};

use super::{EncodeError, Encoder, Summary};

pub struct ArrowStream {
    writer: StreamWriter<Vec<u8>>,
}

impl ArrowStream {
    pub fn new(schema: &Schema) -> Result<Self, EncodeError> {
        let writer = StreamWriter::try_new(Vec::new(), schema).map_err(|error| failed(&error))?;
        Ok(Self { writer })
    }

    fn drain(&mut self, out: &mut Vec<u8>) {
        out.append(self.writer.get_mut());
    }
}

impl Encoder for ArrowStream {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.drain(out);
        Ok(())
    }

    fn rows(
        &mut self,
        batch: &RecordBatch,
        from: usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, EncodeError> {
        let batch = batch.slice(from, batch.num_rows() - from);
        self.writer.write(&batch).map_err(|error| failed(&error))?;
        self.drain(out);
        Ok(from + batch.num_rows())
    }

    fn finish(&mut self, _summary: &Summary, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.writer.finish().map_err(|error| failed(&error))?;
        self.drain(out);
        Ok(())
    }
}

fn failed(error: &ArrowError) -> EncodeError {
    EncodeError::Format {
        format: "arrow",
        detail: error.to_string(),
    }
}
