//! Log lines to the host, which adds plugin, connection and request, and drops floods.
//!
//! Use the macros: `log::warn!("{n} rows were odd")`. Natively (in tests) lines go to standard error.

pub use crate::connector::log::Level;

/// Writes one line. The macros [`debug!`](crate::debug), [`info!`](crate::info), [`warn!`](crate::warn) and
/// [`error!`](crate::error!) are shorter.
pub fn write(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::connector::log::write(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{level:?}: {message}");
}

/// Logs at level `debug`; takes what `format!` takes.
#[macro_export]
macro_rules! debug {
    ($($arg:tt)+) => { $crate::log::write($crate::log::Level::Debug, &format!($($arg)+)) };
}

/// Logs at level `info`; takes what `format!` takes.
#[macro_export]
macro_rules! info {
    ($($arg:tt)+) => { $crate::log::write($crate::log::Level::Info, &format!($($arg)+)) };
}

/// Logs at level `warn`; takes what `format!` takes.
#[macro_export]
macro_rules! warn {
    ($($arg:tt)+) => { $crate::log::write($crate::log::Level::Warn, &format!($($arg)+)) };
}

/// Logs at level `error`; takes what `format!` takes.
#[macro_export]
macro_rules! error {
    ($($arg:tt)+) => { $crate::log::write($crate::log::Level::Error, &format!($($arg)+)) };
}

pub use crate::{debug, error, info, warn};
