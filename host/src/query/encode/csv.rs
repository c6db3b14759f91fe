//! RFC 4180: a header, CRLF, quotes where needed. NULL is empty, the empty text is `""`.

use arrow_schema::SchemaRef;

use super::{EncodeError, Encoder, Options, Rest, Summary};

pub struct Csv {
    schema: SchemaRef,
    options: Options,
    cell: Vec<u8>,
}

impl Csv {
    pub fn new(schema: SchemaRef, options: Options) -> Self {
        Self {
            schema,
            options,
            cell: Vec::new(),
        }
    }
}

impl Encoder for Csv {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        for (at, field) in self.schema.fields().iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            quoted(field.name().as_bytes(), out);
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn rows(&mut self, rest: &mut Rest, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        rest.rows(&self.options, out, |rows, row, out| {
            for (at, cells) in rows.cells().iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                if !cells.is_null(row) {
                    self.cell.clear();
                    cells.text(row, &mut self.cell);
                    quoted(&self.cell, out);
                }
            }
            out.extend_from_slice(b"\r\n");
        });
        Ok(())
    }

    fn finish(&mut self, _summary: &Summary, _out: &mut Vec<u8>) -> Result<(), EncodeError> {
        Ok(())
    }
}

/// A field that is not NULL. Quotes also keep outer spaces, which some readers trim.
fn quoted(text: &[u8], out: &mut Vec<u8>) {
    let special = |byte: &u8| matches!(byte, b'"' | b',' | b'\r' | b'\n');
    let edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
    if !edge(text.first()) && !edge(text.last()) && !text.iter().any(special) {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for &byte in text {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
