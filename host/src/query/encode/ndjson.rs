//! A line for the columns, a line for every row, a line for what is known at the end.

use arrow_schema::Schema;

use super::json::{head, value};
use super::{Column, EncodeError, Encoder, Options, QueryError, Rest, Summary, describe};
use crate::registry::DatabaseRef;

pub struct Ndjson {
    database: DatabaseRef,
    columns: Vec<Column>,
    options: Options,
}

impl Ndjson {
    pub fn new(schema: &Schema, database: DatabaseRef, options: Options) -> Self {
        Self {
            database,
            columns: describe(schema),
            options,
        }
    }
}

impl Encoder for Ndjson {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        head(&self.database, &self.columns, out)?;
        out.extend_from_slice(b"}\n");
        Ok(())
    }

    fn rows(&mut self, rest: &mut Rest, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        rest.rows(&self.options, out, |rows, row, out| {
            rows.json(row, out);
            out.push(b'\n');
        });
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        value(summary, out)?;
        out.push(b'\n');
        Ok(())
    }

    fn fail(&mut self, error: &QueryError, _summary: &Summary, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(b"{\"error\":");
        let written = value(&(self.options.problem)(error), out).is_ok();
        out.extend_from_slice(b"}\n");
        written
    }
}
