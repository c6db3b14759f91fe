//! Any bytes as rows with names and types, as a ClickHouse server might send them. Nothing may panic, and what
//! is decoded must be valid Arrow of the schema that was announced.

#![no_main]

use arrow_array::Array;
use datachat_clickhouse::row_binary::{RowDecoder, header};
use datachat_clickhouse::types::{Strings, Type, plan};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok((columns, mut at)) = header(data) else {
        return;
    };
    // A NULL of these costs more memory than the input has.
    let huge = |ty: &Type| matches!(ty, Type::FixedString(length) if *length > 1024);
    if columns.is_empty() || columns.iter().any(|(_, ty)| ty.any(&huge)) {
        return;
    }
    let strings = Strings {
        binary: data.len() % 2 == 0,
        fixed_text: data.len() % 3 == 0,
    };
    let Ok(plan) = plan(columns, strings, "UTC") else {
        return;
    };
    let Ok(mut decoder) = RowDecoder::new(&plan) else {
        return;
    };
    while let Ok(length @ 1..) = decoder.push(&data[at..]) {
        at += length;
    }
    if let Ok(batch) = decoder.finish() {
        assert_eq!(batch.schema(), plan.schema);
        for column in batch.columns() {
            column.to_data().validate_full().expect("valid Arrow");
        }
    }
});
