//! Tests that can't be tried on this machine.

use std::io::Write;

/// Says on the terminal that something is not tried, and why. A test program keeps what a passing test prints
/// to itself, and a test that quietly did nothing would look like one that passed.
pub fn skipped(what: &str, why: &str) {
    // Not `eprintln!`, which is what is kept. A closed terminal is no reason to fail.
    let _ = writeln!(std::io::stderr(), "not tried: {what}: {why}");
}
