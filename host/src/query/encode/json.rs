//! One JSON object: database, columns, rows, and what is known at the end, in this order.

use arrow_schema::Schema;
use serde::Serialize;

use super::{Column, EncodeError, Encoder, Options, QueryError, Rest, Summary, describe};
use crate::registry::DatabaseRef;

pub struct Json {
    database: DatabaseRef,
    columns: Vec<Column>,
    options: Options,
    first_row: bool,
}

impl Json {
    pub fn new(schema: &Schema, database: DatabaseRef, options: Options) -> Self {
        Self {
            database,
            columns: describe(schema),
            options,
            first_row: true,
        }
    }
}

impl Encoder for Json {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        head(&self.database, &self.columns, out)?;
        out.extend_from_slice(b",\"rows\":[");
        Ok(())
    }

    fn rows(&mut self, rest: &mut Rest, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        rest.rows(&self.options, out, |rows, row, out| {
            if !std::mem::take(&mut self.first_row) {
                out.push(b',');
            }
            rows.json(row, out);
        });
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.extend_from_slice(b"],");
        members(summary, out)?;
        out.push(b'}');
        Ok(())
    }

    fn fail(&mut self, error: &QueryError, summary: &Summary, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(b"],");
        let problem = (self.options.problem)(error);
        let written = members(summary, out).is_ok();
        out.extend_from_slice(b",\"error\":");
        let written = written && value(&problem, out).is_ok();
        out.push(b'}');
        written
    }
}

/// An open object of the members that come before any row.
pub(super) fn head(
    database: &DatabaseRef,
    columns: &[Column],
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    out.extend_from_slice(b"{\"database\":");
    value(database, out)?;
    out.extend_from_slice(b",\"columns\":");
    value(&columns, out)
}

/// A value of ours as JSON.
pub(super) fn value(value: &impl Serialize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    serde_json::to_writer(out, value).map_err(|error| EncodeError::Format {
        format: "json",
        detail: error.to_string(),
    })
}

/// The members of an object, without its braces.
pub(super) fn members(object: &impl Serialize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    value(object, out)?;
    out.remove(start);
    out.pop();
    Ok(())
}
