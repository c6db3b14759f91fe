//! What a plugin writes: credentials are taken out of it, and it is only so much.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use datachat::plugins::PluginError;

use crate::{PASSWORD, attacked, contained, load, target};

/// Collects what is logged on this thread.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Captured {
    fn start(level: tracing::Level) -> (Self, tracing::subscriber::DefaultGuard) {
        let captured = Self::default();
        let writer = captured.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (captured, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("lock")).into_owned()
    }
}

#[tokio::test]
async fn a_password_that_a_plugin_shows_is_redacted_in_logs_and_errors() {
    let (captured, _guard) = Captured::start(tracing::Level::TRACE);
    let plugins = load(&["leaks", "neighbour"], |_| {}).await;
    let error = contained(&plugins, "leaks", &target(1, ""), "").await;
    let PluginError::Database(shown) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(shown.message, "m [redacted]");
    assert_eq!(shown.vendor_code.as_deref(), Some("[redacted]"));
    assert_eq!(shown.detail.as_deref(), Some("d [redacted]"));
    assert_eq!(shown.hint.as_deref(), Some("h [redacted]"));
    plugins.shutdown().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let log = captured.text();
    for source in ["source=\"stdout\"", "source=\"stderr\"", "source=\"log\""] {
        let line = log
            .lines()
            .find(|line| line.contains(source))
            .unwrap_or_else(|| panic!("no line of {source} in\n{log}"));
        assert!(line.contains("password=[redacted]"), "{line}");
    }
    assert!(log.contains("[redacted]\\nforged line [redacted]"), "{log}");
    assert!(!log.contains(PASSWORD), "{log}");
    assert!(!format!("{error:?}").contains(PASSWORD));
}

#[tokio::test]
async fn a_flood_of_output_is_dropped_beyond_its_budget() {
    let (captured, _guard) = Captured::start(tracing::Level::DEBUG);
    let plugins = load(&["floods", "neighbour"], |_| {}).await;
    let answer = attacked(&plugins, "floods", &target(1, ""), "").await;
    assert_eq!(answer.expect("a flood is no error"), b"pong");
    let log = captured.text();
    let flood: usize = log
        .lines()
        .filter(|line| line.contains("datachat::plugin: ") && line.contains("flood flood"))
        .map(str::len)
        .sum();
    assert!(flood > 1000, "nothing was logged");
    assert!(flood < 100_000, "{flood} bytes of flood were logged");
    assert!(
        log.contains("log lines of the plugin were dropped"),
        "{log}"
    );
}

#[tokio::test]
async fn a_failure_is_logged_with_the_plugin_and_the_connection_that_it_befell() {
    let (captured, _guard) = Captured::start(tracing::Level::WARN);
    let plugins = load(&["traps", "neighbour"], |_| {}).await;
    let error = contained(&plugins, "traps", &target(7, ""), "war").await;
    assert!(matches!(error, PluginError::Failed { .. }), "{error:?}");
    let log = captured.text();
    let failed: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("plugin failed"))
        .collect();
    assert!(!failed.is_empty(), "{log}");
    for line in failed {
        for part in [
            "plugin=traps",
            "connection=00000000-0000-0000-0000-000000000007",
            "call=\"query\"",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
}
