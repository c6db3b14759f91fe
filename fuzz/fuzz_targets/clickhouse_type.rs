//! Any text as the name of a ClickHouse type. Nothing may panic, and what is read must read back the same from
//! its own spelling.

#![no_main]

use datachat_clickhouse::types::{Strings, parse, plan};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(ty) = parse(text) {
        assert_eq!(parse(&ty.to_string()).as_ref(), Ok(&ty));
        let _ = plan(vec![("c".to_owned(), ty)], Strings::default(), "UTC");
    }
});
