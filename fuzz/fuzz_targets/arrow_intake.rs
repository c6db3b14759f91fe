//! Any bytes in place of a connector's Arrow stream, in pieces of any size, and on to every encoder of
//! values.
//!
//! The first byte is the size of the pieces, in units of 8 bytes. Nothing may panic.

#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use datachat::limits::Limits;
use datachat::query::encode::{Options, describe, json_rows, plain};
use datachat::query::intake::{Intake, Item};
use libfuzzer_sys::fuzz_target;

/// Rows that are written as JSON; a batch may claim millions that have no bytes.
const ROWS: usize = 64;

fuzz_target!(|data: &[u8]| {
    let Some((piece, bytes)) = data.split_first() else {
        return;
    };
    let limits = Limits {
        plugin_memory_bytes: 1 << 20,
        ..Limits::default()
    };
    let options = Options::new(Arc::new(|error| error.to_string().into()));
    let mut plain_schema = None;
    let mut intake = Intake::new(&limits);
    for chunk in bytes.chunks(usize::from(*piece).max(1) * 8) {
        intake.feed(Bytes::copy_from_slice(chunk));
        loop {
            match intake.next_item() {
                Ok(Some(Item::Schema(schema))) => {
                    assert_eq!(describe(&schema).len(), schema.fields().len());
                    plain_schema = Some(Arc::new(plain::schema(&schema)));
                }
                Ok(Some(Item::Batch { batch, .. })) => {
                    let batch = batch.slice(0, batch.num_rows().min(ROWS));
                    let rows = json_rows(&batch, &options);
                    assert_eq!(rows.len(), batch.num_rows());
                    let schema = plain_schema.as_ref().expect("the schema comes first");
                    let _ = plain::batch(&batch, schema);
                }
                Ok(Some(Item::End)) => return,
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
    let _ = intake.finish();
});
