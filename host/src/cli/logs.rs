//! Log lines on standard error, as text or JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::failure::Failure;
use crate::api::panics::log_places;
use crate::config::{Config, LogFormat};

/// Starts logging for this process.
///
/// # Errors
/// When `DATACHAT_LOG` is no filter.
pub fn start(config: &Config, server: bool) -> Result<(), Failure> {
    let default = if server { "info" } else { "warn" };
    let directives = config.log.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(directives)
        .map_err(|error| Failure::new(format!("DATACHAT_LOG: {error}")))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match config.log_format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.try_init(),
    };
    started.map_err(|error| Failure::new(format!("logging can't be started: {error}")))?;
    if server {
        log_places();
    }
    Ok(())
}
