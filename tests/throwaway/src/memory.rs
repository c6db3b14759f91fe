//! How much memory a process holds, as Linux tells it.

use std::fs;

use anyhow::{Context, Result};

/// What is resident now, in KiB.
///
/// # Errors
/// When the process is gone, or this is not Linux.
pub fn resident_kib(process: u32) -> Result<u64> {
    status(process, "VmRSS:")
}

/// The most that has been resident since [`reset_peak`] or the start, in KiB.
///
/// # Errors
/// As [`resident_kib`].
pub fn peak_kib(process: u32) -> Result<u64> {
    status(process, "VmHWM:")
}

/// Makes the peak start from what is resident now.
///
/// # Errors
/// As [`resident_kib`], and when the process is another user's.
pub fn reset_peak(process: u32) -> Result<()> {
    let file = format!("/proc/{process}/clear_refs");
    fs::write(&file, "5").context(file)
}

/// A line of `/proc/<process>/status`.
fn status(process: u32, name: &str) -> Result<u64> {
    let file = format!("/proc/{process}/status");
    let text = fs::read_to_string(&file).with_context(|| file.clone())?;
    let number = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .with_context(|| format!("{file} has no {name}"))?;
    Ok(number.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_that_was_reset_forgets_what_was_given_back() {
        let own = std::process::id();
        let large = vec![1u8; 64 << 20];
        assert!(large.iter().all(|byte| *byte == 1));
        let with = peak_kib(own).unwrap();
        assert!(with >= resident_kib(own).unwrap());
        drop(large);
        reset_peak(own).unwrap();
        let without = peak_kib(own).unwrap();
        assert!(without + (60 << 10) < with, "{without} after {with}");
    }
}
