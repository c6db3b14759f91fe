//! Rows in, record batches out.

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;

use super::DB_TYPE;
use super::column::{Column, Meter};
use super::error::{DecodeError, Fault};
use super::plan::Plan;
use super::wire::Reader;

/// Collects rows into batches. The caller decides how many rows or bytes make a batch.
pub struct RowDecoder {
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
    meter: Meter,
    stopped: bool,
}

impl RowDecoder {
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self {
            schema: plan.schema(),
            columns: plan.nodes.iter().map(Column::new).collect(),
            rows: 0,
            meter: Meter::default(),
            stopped: false,
        }
    }

    /// Appends a row: the body of a `DataRow` message, from the count of columns on.
    ///
    /// # Errors
    ///
    /// When the bytes are broken or a value has no image in its column. The decoder then stops: it
    /// takes no more rows, and the rows that it has not handed out are lost.
    pub fn push(&mut self, data_row_body: &[u8]) -> Result<(), DecodeError> {
        if self.stopped {
            return Err(DecodeError::Stopped);
        }
        let outcome = self.decode(data_row_body);
        match outcome {
            Ok(()) => self.rows += 1,
            Err(_) => self.stopped = true,
        }
        outcome
    }

    fn decode(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        let row = |fault: Fault| match fault {
            Fault::Malformed(what) => DecodeError::Row(what),
            _ => DecodeError::Row("the row is too large"),
        };
        self.meter.add(body.len()).map_err(row)?;
        let mut reader = Reader::new(body);
        if usize::from(reader.u16().map_err(row)?) != self.columns.len() {
            return Err(DecodeError::Row("it has another count of columns"));
        }
        for (index, column) in self.columns.iter_mut().enumerate() {
            let value = reader.nullable().map_err(row)?;
            if let Err(fault) = column.append(value, &mut self.meter) {
                return Err(describe(&self.schema, index, fault));
            }
        }
        reader.end().map_err(row)
    }

    /// About how many bytes the rows take that [`finish`](Self::finish) would hand out.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.meter.bytes()
    }

    /// How many rows [`finish`](Self::finish) would hand out.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Hands out the rows so far and starts the next batch. After an error there are none.
    ///
    /// # Panics
    ///
    /// Never: the columns were built from the schema, and after an error they are not used.
    pub fn finish(&mut self) -> RecordBatch {
        if self.stopped {
            return RecordBatch::new_empty(self.schema.clone());
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        self.meter = Meter::default();
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .expect("the columns have the types of the schema and one value per row")
    }
}

fn describe(schema: &SchemaRef, index: usize, fault: Fault) -> DecodeError {
    let field = schema.field(index);
    DecodeError::Value {
        position: index + 1,
        name: field.name().clone(),
        db_type: field.metadata().get(DB_TYPE).cloned().unwrap_or_default(),
        fault,
    }
}
