//! Any rows of any columns of any types, as a PostgreSQL server might send them.
//!
//! The input, all numbers big-endian:
//!
//! - the types of the database: how many (u8), and for each its OID (u32) and its kind (u8) with its parts
//!   (OIDs, u32);
//! - the columns: how many (u8), and for each its OID (u32) and modifier (i32);
//! - rows until the end: length (u16) and body.
//!
//! Nothing may panic, and what is decoded must be valid Arrow of the schema that was announced.

#![no_main]

use arrow_array::Array;
use datachat_postgres::types::{ColumnSpec, RowDecoder, TypeCatalog, TypeInfo, TypeKind, plan};
use libfuzzer_sys::fuzz_target;

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }

    fn count(&mut self) -> Option<u8> {
        self.take::<1>().map(|[count]| count)
    }

    fn oid(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn kind(&mut self) -> Option<TypeKind> {
        Some(match self.count()? % 8 {
            0 => TypeKind::Base,
            1 => TypeKind::Enum { labels: vec![] },
            2 => TypeKind::Domain { base: self.oid()? },
            3 => TypeKind::Array {
                element: self.oid()?,
            },
            4 => {
                let count = self.count()?;
                let fields = (0..count)
                    .map(|index| Some((format!("f{index}"), self.oid()?)))
                    .collect::<Option<_>>()?;
                TypeKind::Composite { fields }
            }
            5 => TypeKind::Range {
                subtype: self.oid()?,
            },
            6 => TypeKind::Multirange { range: self.oid()? },
            _ => TypeKind::Pseudo,
        })
    }

    fn row(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(u16::from_be_bytes(self.take()?));
        let (row, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(row)
    }
}

fn read(data: &[u8]) -> Option<()> {
    let mut input = Input(data);
    let mut catalog = TypeCatalog::new();
    for index in 0..input.count()? {
        catalog.add(TypeInfo {
            oid: input.oid()?,
            name: format!("t{index}"),
            kind: input.kind()?,
        });
    }
    let mut columns = Vec::new();
    for index in 0..input.count()? {
        columns.push(ColumnSpec {
            name: format!("c{index}"),
            type_oid: input.oid()?,
            type_modifier: i32::from_be_bytes(input.take()?),
        });
    }
    let oids: Vec<u32> = columns.iter().map(|column| column.type_oid).collect();
    let _ = catalog.missing(&oids);
    let plan = plan(&catalog, &columns);
    assert_eq!(plan.formats().len(), columns.len());
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
