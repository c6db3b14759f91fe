//! What an error of wasmtime means: a limit that was reached, or a failure of the plugin.

use wasmtime::component::ResourceTableError;

use super::PluginError;
use super::limiter::LimitReached;
use super::redact::Redactor;

/// Turns the error of a call into ours.
pub(crate) fn classify(plugin: &str, error: &wasmtime::Error, redactor: &Redactor) -> PluginError {
    match limit(error) {
        Some(limit) => PluginError::Limit {
            plugin: plugin.to_owned(),
            limit,
        },
        None => PluginError::Failed {
            plugin: plugin.to_owned(),
            detail: redactor.clean(&format!("{error:?}")),
        },
    }
}

fn limit(error: &wasmtime::Error) -> Option<&'static str> {
    if let Some(LimitReached(limit)) = error.downcast_ref() {
        return Some(limit);
    }
    if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) {
        return Some("plugin_handles");
    }
    // wasmtime has no types for these.
    let text = format!("{error:#}");
    if text.contains("fuel allocated for hostcalls") {
        Some("plugin_hostcall_bytes")
    } else if text.contains("handle") && text.contains("limit") {
        Some("plugin_handles")
    } else {
        None
    }
}
