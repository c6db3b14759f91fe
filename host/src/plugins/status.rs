//! Plugins as operators see them.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::folders::Folders;
use super::plugin::Plugin;

/// Where a plugin comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// With the server: a part of the program.
    Shipped,
    /// From the folder of installed plugins.
    Installed,
}

/// How one plugin is. Shows nothing that every caller may not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginStatus {
    pub name: String,
    /// Empty where the component says none.
    pub version: String,
    /// `connector` or `tool`; `unknown` for one that could not be loaded.
    pub kind: &'static str,
    /// `sha256:` and 64 hex digits, of the `.wasm` file.
    pub digest: String,
    /// `ready`, `quarantined`, `disabled` or `failed`.
    pub state: &'static str,
    /// For `quarantined`: why, and until when. For `failed`: why it could not be loaded.
    pub detail: Option<String>,
}

/// One plugin as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginView {
    #[serde(flatten)]
    pub status: PluginStatus,
    pub origin: Origin,
    /// The name of its file in the folder of installed plugins.
    #[serde(skip)]
    pub(crate) file: Option<String>,
    /// The version of `datachat:plugin` that it was built for; none for one that was not loaded.
    pub contract: Option<&'static str>,
    /// When it was installed; none for a shipped one, and for one that nobody recorded.
    pub installed_at: Option<DateTime<Utc>>,
    /// The id of the trusted key that signed it.
    pub signer: Option<String>,
    /// What it imports, by full names.
    pub imports: Vec<String>,
    /// What it may read, by name.
    pub folders: Folders,
}

impl PluginStatus {
    pub(crate) fn of(plugin: &Plugin, version: &str) -> Self {
        let detail = plugin.quarantined();
        Self {
            name: plugin.name.to_string(),
            version: version.to_owned(),
            kind: plugin.kind.as_str(),
            digest: plugin.digest.clone(),
            state: if detail.is_some() {
                "quarantined"
            } else {
                "ready"
            },
            detail,
        }
    }
}

impl PluginView {
    /// One that is there and not loaded: `failed` with a reason, else `disabled`.
    pub(crate) fn absent(
        name: String,
        digest: String,
        origin: Origin,
        detail: Option<String>,
    ) -> Self {
        let state = if detail.is_some() {
            "failed"
        } else {
            "disabled"
        };
        Self {
            status: PluginStatus {
                name,
                version: String::new(),
                kind: "unknown",
                digest,
                state,
                detail,
            },
            origin,
            file: None,
            contract: None,
            installed_at: None,
            signer: None,
            imports: Vec::new(),
            folders: Folders::new(),
        }
    }
}
