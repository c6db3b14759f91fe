//! What every loaded component has in common: identity, engine, quarantine, counters.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::PluginError;
use super::engine::Runtime;
use super::pool::Owner;
use super::quarantine::Quarantine;

/// Which world a component targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginKind {
    Connector,
    Tool,
}

impl PluginKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::Tool => "tool",
        }
    }
}

/// One loaded component.
pub(crate) struct Plugin {
    pub(crate) name: Arc<str>,
    pub(crate) kind: PluginKind,
    /// `sha256:` and 64 hex digits.
    pub(crate) digest: String,
    pub(crate) runtime: Arc<Runtime>,
    /// Whom its sessions belong to.
    pub(crate) owner: Owner,
    quarantine: Mutex<Quarantine>,
}

impl Plugin {
    pub(crate) fn new(
        name: &str,
        kind: PluginKind,
        digest: String,
        runtime: Arc<Runtime>,
    ) -> Arc<Self> {
        let quarantine = Quarantine::new(
            runtime.limits.plugin_failures,
            Duration::from_millis(runtime.limits.plugin_quarantine_ms),
        );
        Arc::new(Self {
            name: name.into(),
            kind,
            digest,
            runtime,
            owner: Owner::default(),
            quarantine: Mutex::new(quarantine),
        })
    }

    /// Fails while the plugin is quarantined.
    pub(crate) fn admit(&self) -> Result<(), PluginError> {
        match self.quarantine().remaining(Instant::now()) {
            None => Ok(()),
            Some(left) => Err(PluginError::Quarantined {
                plugin: self.name.to_string(),
                retry_after_secs: left.as_secs() + 1,
            }),
        }
    }

    /// For people: why and for how long it is quarantined, if it is.
    pub(crate) fn quarantined(&self) -> Option<String> {
        let record = self.quarantine();
        let left = record.remaining(Instant::now())?;
        Some(format!(
            "quarantined for {} s after {} failures in a row",
            left.as_secs() + 1,
            record.failures()
        ))
    }

    /// Counts how a call went, which was for a connection if it was for any.
    pub(crate) fn record<T>(
        &self,
        call: &'static str,
        connection: Option<Uuid>,
        took: Duration,
        result: &Result<T, PluginError>,
    ) {
        let outcome = match result {
            Ok(_) => "ok",
            Err(PluginError::Timeout { .. }) => "timeout",
            Err(PluginError::Limit { .. }) => "limit",
            Err(PluginError::AddressNotAllowed { .. }) => "address_not_allowed",
            Err(PluginError::Cancelled) => "cancelled",
            Err(_) => "trap",
        };
        metrics::counter!("datachat_plugin_calls_total",
            "plugin" => Arc::clone(&self.name), "call" => call, "outcome" => outcome)
        .increment(1);
        metrics::histogram!("datachat_plugin_call_seconds",
            "plugin" => Arc::clone(&self.name), "call" => call)
        .record(took);
        let Err(
            error @ (PluginError::Failed { .. }
            | PluginError::Limit { .. }
            | PluginError::AddressNotAllowed { .. }),
        ) = result
        else {
            return;
        };
        let connection = connection.map(tracing::field::display);
        if let PluginError::Failed { detail, .. } = error {
            tracing::warn!(plugin = %self.name, connection, call, detail, "plugin failed");
        } else {
            tracing::warn!(plugin = %self.name, connection, call, %error, "plugin stopped");
        }
        if let Some(time) = self.quarantine().failure(Instant::now()) {
            tracing::error!(plugin = %self.name, seconds = time.as_secs(), "plugin quarantined");
        }
    }

    /// The plugin did a whole piece of work: gave a result to its end, or a proper error. Opening a session
    /// does not count; a plugin that opens and then always fails would never be quarantined.
    pub(crate) fn proved(&self) {
        self.quarantine().success();
    }

    fn quarantine(&self) -> std::sync::MutexGuard<'_, Quarantine> {
        self.quarantine
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
