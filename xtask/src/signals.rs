//! Ctrl-C and its kin, noted instead of fatal: whoever runs long looks here and tidies up first.

use std::sync::atomic::{AtomicBool, Ordering};

static RECEIVED: AtomicBool = AtomicBool::new(false);

/// The same numbers on every Unix: hang-up, interrupt, terminate.
const SIGNALS: [i32; 3] = [1, 2, 15];

unsafe extern "C" {
    /// Of the C library, which the standard library links anyway.
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
}

extern "C" fn note(_number: i32) {
    RECEIVED.store(true, Ordering::Relaxed);
}

/// From now on these signals are noted. Programs that we start are not affected: a handler does not survive
/// `exec`.
pub fn catch() {
    for number in SIGNALS {
        // SAFETY: `signal` takes a number and the address of a function of this type, which lives as long
        // as the program. The handler only stores to a lock-free atomic, which is allowed in a handler.
        unsafe { signal(number, note) };
    }
}

/// Whether a signal has come since [`catch`].
pub fn received() -> bool {
    RECEIVED.load(Ordering::Relaxed)
}
