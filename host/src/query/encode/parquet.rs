//! A Parquet file, written row group by row group.
//!
//! A row group is flushed at 8 MiB, which bounds the memory. Batches are written in their plain form; types
//! that Parquet has no place for become text, as in JSON: intervals, and structs without fields.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::{EncodeError, Encoder, Options, Rest, Rows, Summary, plain};

const ROW_GROUP_BYTES: usize = 8 << 20;

pub struct Parquet {
    /// `None` once the footer is written.
    writer: Option<ArrowWriter<Sink>>,
    sink: Sink,
    /// Before columns become text.
    plain: SchemaRef,
    schema: SchemaRef,
    as_text: Vec<bool>,
    options: Options,
}

/// Where the writer leaves its bytes until they are fetched.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn drain(&self, out: &mut Vec<u8>) {
        out.append(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Parquet {
    pub fn new(schema: &Schema, options: Options) -> Result<Self, EncodeError> {
        if schema.fields().is_empty() {
            let detail = "a result without columns can't be a Parquet file".to_owned();
            return Err(EncodeError::Format {
                format: "parquet",
                detail,
            });
        }
        let plain = Arc::new(plain::schema(schema));
        let as_text: Vec<_> = plain
            .fields()
            .iter()
            .map(|field| has_no_place(field.data_type()))
            .collect();
        let fields: Vec<_> = plain
            .fields()
            .iter()
            .zip(&as_text)
            .map(|(field, as_text)| match as_text {
                true => Arc::new(
                    Field::new(field.name(), DataType::Utf8, field.is_nullable())
                        .with_metadata(field.metadata().clone()),
                ),
                false => Arc::clone(field),
            })
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let sink = Sink::default();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        let writer = ArrowWriter::try_new(sink.clone(), Arc::clone(&schema), Some(properties))
            .map_err(|error| failed(&error))?;
        Ok(Self {
            writer: Some(writer),
            sink,
            plain,
            schema,
            as_text,
            options,
        })
    }

    fn converted(&self, batch: &RecordBatch) -> Result<RecordBatch, EncodeError> {
        let rows = Rows::bind(batch, &self.options);
        let columns = batch.columns().iter().zip(rows.cells()).zip(&self.as_text);
        let columns = columns.map(|((column, cells), as_text)| -> ArrayRef {
            if !as_text {
                return Arc::clone(column);
            }
            let mut texts = StringBuilder::new();
            let mut text = Vec::new();
            for row in 0..column.len() {
                if cells.is_null(row) {
                    texts.append_null();
                    continue;
                }
                text.clear();
                cells.text(row, &mut text);
                texts.append_value(String::from_utf8_lossy(&text));
            }
            Arc::new(texts.finish())
        });
        RecordBatch::try_new(SchemaRef::clone(&self.schema), columns.collect())
            .map_err(|error| failed(&error))
    }
}

impl Encoder for Parquet {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.sink.drain(out);
        Ok(())
    }

    fn rows(&mut self, rest: &mut Rest, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let batch = rest.plain(&self.plain).map_err(|reason| failed(&reason))?;
        let batch = self.converted(&batch)?;
        if let Some(writer) = &mut self.writer {
            writer.write(&batch).map_err(|error| failed(&error))?;
            if writer.in_progress_size() >= ROW_GROUP_BYTES {
                writer.flush().map_err(|error| failed(&error))?;
            }
        }
        self.sink.drain(out);
        Ok(())
    }

    fn finish(&mut self, _summary: &Summary, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if let Some(writer) = self.writer.take() {
            writer.close().map_err(|error| failed(&error))?;
        }
        self.sink.drain(out);
        Ok(())
    }
}

/// Whether Parquet can't store the type.
fn has_no_place(data_type: &DataType) -> bool {
    match data_type {
        DataType::Interval(_) => true,
        DataType::Struct(fields) => {
            fields.is_empty() || fields.iter().any(|field| has_no_place(field.data_type()))
        }
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => has_no_place(field.data_type()),
        _ => false,
    }
}

fn failed(error: &dyn std::error::Error) -> EncodeError {
    EncodeError::Format {
        format: "parquet",
        detail: error.to_string(),
    }
}
