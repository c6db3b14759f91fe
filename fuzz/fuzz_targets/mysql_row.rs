//! Any rows of any columns of any types, as a MySQL server might send them.
//!
//! The input, all numbers little-endian:
//!
//! - the columns: how many (u8), and for each its type (u8), length (u32), character set (u8: 0 is binary),
//!   flags (u16), decimals (u8) and format (u8: 1 JSON, 2 UUID);
//! - rows until the end: length (u16) and payload.
//!
//! Nothing may panic, and what is decoded must be valid Arrow of the schema that was announced.

#![no_main]

use arrow_array::Array;
use datachat_mysql::protocol::reply::Column;
use datachat_mysql::types::{RowDecoder, ZeroDates, plan};
use libfuzzer_sys::fuzz_target;

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn row(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(u16::from_le_bytes(self.take()?));
        let (row, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(row)
    }

    fn column(&mut self, index: u8) -> Option<Column> {
        let kind = self.byte()?;
        let length = u32::from_le_bytes(self.take()?);
        let character_set = if self.byte()? == 0 { 63 } else { 45 };
        let flags = u16::from_le_bytes(self.take()?);
        let decimals = self.byte()?;
        let format = self.byte()?;
        Some(Column {
            name: format!("c{index}"),
            character_set,
            length,
            kind,
            flags,
            decimals,
            type_name: (format == 2).then(|| "uuid".to_owned()),
            format: (format == 1).then(|| "json".to_owned()),
        })
    }
}

fn read(data: &[u8]) -> Option<()> {
    let mut input = Input(data);
    let count = input.byte()?;
    let columns = (0..count)
        .map(|index| input.column(index))
        .collect::<Option<Vec<_>>>()?;
    let zero_dates = if count % 2 == 0 {
        ZeroDates::Error
    } else {
        ZeroDates::Null
    };
    let plan = plan(&columns, zero_dates).ok()?;
    assert_eq!(plan.schema().fields().len(), columns.len());

    let mut decoder = RowDecoder::new(&plan);
    let mut rows = 0;
    while let Some(row) = input.row() {
        match decoder.push(row) {
            Ok(()) => rows += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert_eq!(decoder.finish().num_rows(), 0);
                return None;
            }
        }
        assert_eq!(decoder.rows(), rows);
        // Two batches out of one result, so that builders are used again.
        if rows == 3 {
            check(&mut decoder, rows);
            rows = 0;
        }
    }
    check(&mut decoder, rows);
    Some(())
}

fn check(decoder: &mut RowDecoder, rows: usize) {
    let batch = decoder.finish();
    assert_eq!(batch.num_rows(), rows);
    assert_eq!(decoder.rows(), 0);
    for column in batch.columns() {
        column.to_data().validate_full().expect("valid Arrow");
    }
}

fuzz_target!(|data: &[u8]| {
    let _ = read(data);
});
