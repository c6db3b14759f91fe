//! Log lines on standard error, as text or JSON.

use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use super::failure::Failure;
use crate::config::{Config, LogFormat};

/// The compiler of components describes every instruction in a hundred thousand lines; whoever wants them
/// names it.
const QUIET: &str = "cranelift_codegen=warn,wasmtime_internal_cranelift=warn";

const SERVER: &str = "info";

/// A command prints itself what its request failed with.
const COMMAND: &str = "warn,datachat::api=error";

/// Starts logging for this process.
///
/// # Errors
/// When `DATACHAT_LOG` is no filter.
pub fn start(config: &Config, server: bool) -> Result<(), Failure> {
    let default = if server { SERVER } else { COMMAND };
    let directives = config.log.as_deref().unwrap_or(default);
    let filter =
        filter(directives).map_err(|error| Failure::new(format!("DATACHAT_LOG: {error}")))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(standard_error())
        .with_ansi(std::io::stderr().is_terminal());
    let started = match config.log_format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.try_init(),
    };
    started.map_err(|error| Failure::new(format!("logging can't be started: {error}")))
}

fn filter(directives: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::try_new(format!("{QUIET},{directives}"))
}

/// Standard error under a descriptor of our own. The SQL parser's library points the process's descriptor
/// elsewhere while it parses, and lines written at that moment would be lost.
fn standard_error() -> BoxMakeWriter {
    match std::io::stderr().as_fd().try_clone_to_owned() {
        Ok(descriptor) => BoxMakeWriter::new(Arc::new(File::from(descriptor))),
        Err(_) => BoxMakeWriter::new(std::io::stderr),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_is_quiet_unless_it_is_named() {
        let shown = |directives: &str| filter(directives).expect("valid").to_string();
        assert!(shown("debug").contains("cranelift_codegen=warn"));
        let named = shown("info,cranelift_codegen=debug");
        assert!(named.contains("cranelift_codegen=debug"), "{named}");
        assert!(!named.contains("cranelift_codegen=warn"), "{named}");
        assert!(filter("datachat=loud").is_err());
        assert!(filter(SERVER).is_ok() && filter(COMMAND).is_ok());
    }
}
