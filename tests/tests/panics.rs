//! The hook that every command starts with keeps a panic's message to itself, unless it is a literal.
//!
//! A hook is the whole process's, so the panics happen in a second process of this test program.

use std::process::Command;

use anyhow::Result;
use datachat::api::panics::log_places;
use datachat_tests::{CANARY, shows_canary};

/// Tells the second process whether it has a log.
const ROLE: &str = "PANICS_WITH_LOG";

/// Panics with a credential in the message, and with a literal.
fn panic_twice(with_log: bool) {
    log_places();
    if with_log {
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .init();
    }
    let formatted = std::panic::catch_unwind(|| panic!("can't use postgresql://u:{CANARY}@h/d"));
    let literal = std::panic::catch_unwind(|| panic!("a literal of the program"));
    assert!(formatted.is_err() && literal.is_err());
}

#[test]
fn a_panic_prints_its_place_and_never_a_formatted_message() -> Result<()> {
    if let Ok(with_log) = std::env::var(ROLE) {
        panic_twice(with_log == "yes");
        return Ok(());
    }
    for with_log in ["yes", "no"] {
        let output = Command::new(std::env::current_exe()?)
            .args(["--exact", "--nocapture", "--test-threads=1"])
            .arg("a_panic_prints_its_place_and_never_a_formatted_message")
            .env(ROLE, with_log)
            .env("RUST_BACKTRACE", "1")
            .output()?;
        let printed = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&printed);
        assert!(output.status.success(), "{text}");
        assert!(!shows_canary(&printed), "the message was printed");
        for words in ["panics.rs:", "(formatted)", "a literal of the program"] {
            assert!(text.contains(words), "{words} is not in {text}");
        }
    }
    Ok(())
}
