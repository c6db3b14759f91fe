//! Rows in, record batches out.

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;

use crate::protocol::Reader;

use super::DB_TYPE;
use super::column::Column;
use super::error::{DecodeError, Fault};
use super::plan::Plan;

/// The most bytes that a batch may have: 32-bit offsets address no more.
const MAX_BYTES: usize = i32::MAX as usize;

/// Collects rows into batches. The caller decides how many rows or bytes make a batch.
pub struct RowDecoder {
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
    stopped: bool,
}

impl RowDecoder {
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self {
            schema: plan.schema(),
            columns: plan
                .nodes
                .iter()
                .map(|node| Column::new(node, plan.zero_dates))
                .collect(),
            rows: 0,
            bytes: 0,
            stopped: false,
        }
    }

    /// Appends a row of the binary protocol: a whole payload.
    ///
    /// # Errors
    ///
    /// When the bytes are broken or a value has no image in its column. The decoder then stops: it
    /// takes no more rows, and the rows that it has not handed out are lost.
    pub fn push(&mut self, payload: &[u8]) -> Result<(), DecodeError> {
        if self.stopped {
            return Err(DecodeError::Stopped);
        }
        let outcome = self.decode(payload);
        match outcome {
            Ok(()) => self.rows += 1,
            Err(_) => self.stopped = true,
        }
        outcome
    }

    #[inline]
    fn decode(&mut self, payload: &[u8]) -> Result<(), DecodeError> {
        self.bytes = self.bytes.saturating_add(payload.len());
        if self.bytes > MAX_BYTES {
            return Err(DecodeError::Row("the row is too large"));
        }
        let mut row = Reader::new("a row", payload);
        let early = |_| DecodeError::Row("it ends early");
        if row.u8().map_err(early)? != 0 {
            return Err(DecodeError::Row("it does not start as one"));
        }
        // The first two bits are not used.
        let nulls = row.take((self.columns.len() + 9) / 8).map_err(early)?;
        for (index, column) in self.columns.iter_mut().enumerate() {
            let bit = index + 2;
            if nulls[bit / 8] & 1 << (bit % 8) != 0 {
                column.append_null();
            } else if let Err(fault) = column.append(&mut row) {
                return Err(describe(&self.schema, index, fault));
            }
        }
        if row.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Row("it has bytes after its end"))
        }
    }

    /// About how many bytes the rows take that [`finish`](Self::finish) would hand out.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
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
        self.bytes = 0;
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .expect("the columns have the types of the schema and one value per row")
    }
}

#[cold]
fn describe(schema: &SchemaRef, index: usize, fault: Fault) -> DecodeError {
    let field = schema.field(index);
    DecodeError::Value {
        position: index + 1,
        name: field.name().clone(),
        db_type: field.metadata().get(DB_TYPE).cloned().unwrap_or_default(),
        fault,
    }
}
