//! An Arrow IPC stream: the batches, cut to the limits, in their plain form.

use std::sync::Arc;

use arrow_ipc::writer::StreamWriter;
use arrow_schema::{Schema, SchemaRef};

use super::{EncodeError, Encoder, Rest, Summary, plain};

pub struct ArrowStream {
    writer: StreamWriter<Vec<u8>>,
    schema: SchemaRef,
}

impl ArrowStream {
    pub fn new(schema: &Schema) -> Result<Self, EncodeError> {
        let schema = Arc::new(plain::schema(schema));
        let writer = StreamWriter::try_new(Vec::new(), &schema).map_err(|error| failed(&error))?;
        Ok(Self { writer, schema })
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

    fn rows(&mut self, rest: &mut Rest, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let batch = rest.plain(&self.schema).map_err(|reason| failed(&reason))?;
        self.writer.write(&batch).map_err(|error| failed(&error))?;
        self.drain(out);
        Ok(())
    }

    fn finish(&mut self, _summary: &Summary, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.writer.finish().map_err(|error| failed(&error))?;
        self.drain(out);
        Ok(())
    }
}

fn failed(error: &dyn std::error::Error) -> EncodeError {
    EncodeError::Format {
        format: "arrow",
        detail: error.to_string(),
    }
}
