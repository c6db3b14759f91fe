//! What is not written yet of a batch: row by row into text, or all of it at once in its plain form.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::plain::{self, NotPlain};
use super::{Options, PIECE_BYTES, Rows};

pub(super) struct Rest {
    batch: RecordBatch,
    /// The first row that is not written.
    from: usize,
}

impl Rest {
    pub(super) fn new(batch: RecordBatch) -> Self {
        Self { batch, from: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.from >= self.batch.num_rows()
    }

    /// Writes rows with `write` until `out` has about [`PIECE_BYTES`].
    pub(super) fn rows(
        &mut self,
        options: &Options,
        out: &mut Vec<u8>,
        mut write: impl FnMut(&Rows<'_>, usize, &mut Vec<u8>),
    ) {
        let rows = Rows::bind(&self.batch, options);
        for row in self.from..self.batch.num_rows() {
            write(&rows, row, out);
            self.from = row + 1;
            if out.len() >= PIECE_BYTES {
                return;
            }
        }
    }

    /// All that is left, as a batch of the plain `schema`.
    pub(super) fn plain(&mut self, schema: &SchemaRef) -> Result<RecordBatch, NotPlain> {
        let left = self.batch.num_rows() - self.from;
        let rest = self.batch.slice(self.from, left);
        self.from += left;
        plain::batch(&rest, schema)
    }
}
