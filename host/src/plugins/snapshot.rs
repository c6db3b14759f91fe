//! The plugins that are in force at one moment. Never changed: a change makes the next snapshot.
//!
//! A request takes what it needs out of the snapshot of its moment and keeps it, so that whatever is installed
//! or removed meanwhile does not touch it.
//!
//! Names are served by one plugin each. An installed plugin takes the place of the shipped one of its name and
//! kind, with everything that that one serves: that is how a shipped driver is upgraded before the next
//! release, and removing it brings the shipped one back. It may not take anything from any other.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::connector::Connector;
use super::loader::{Callable, LoadError, Loaded};
use super::plugin::{Plugin, PluginKind};
use super::status::{Origin, PluginStatus, PluginView};
use super::tool::ToolPlugin;
use super::{ConnectorInfo, folders::Folders};

/// One loaded plugin, with what is known of where it comes from.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) loaded: Loaded,
    pub(crate) origin: Origin,
    /// The name of its file on the shelf; none for a shipped one.
    pub(crate) file: Option<String>,
    pub(crate) installed_at: Option<DateTime<Utc>>,
    pub(crate) signer: Option<String>,
}

/// All plugins of one moment.
#[derive(Clone, Default)]
pub(crate) struct Snapshot {
    /// Grows with every snapshot.
    pub(crate) generation: u64,
    pub(crate) entries: Vec<Entry>,
    /// Those that are there and not loaded.
    pub(crate) absent: Vec<PluginView>,
    /// Sorted by name.
    pub(crate) connectors: Vec<Arc<Connector>>,
    /// Sorted by name.
    pub(crate) tools: Vec<Arc<ToolPlugin>>,
}

impl Loaded {
    pub(crate) fn plugin(&self) -> &Plugin {
        match &self.callable {
            Callable::Connector(connector) => connector.plugin(),
            Callable::Tool(tool) => tool.plugin(),
        }
    }

    pub(crate) fn folders(&self) -> Folders {
        match &self.callable {
            Callable::Connector(connector) => connector.folders().clone(),
            Callable::Tool(_) => Folders::new(),
        }
    }

    fn version(&self) -> &str {
        match &self.callable {
            Callable::Connector(connector) => &connector.info().version,
            Callable::Tool(_) => "",
        }
    }

    /// The names that nobody else may serve.
    fn claims(&self) -> Vec<String> {
        let mut claims = vec![format!("the plugin {}", self.plugin().name)];
        match &self.callable {
            Callable::Connector(connector) => claims.extend(served(connector.info())),
            Callable::Tool(tool) => {
                let tools = tool.definitions().iter();
                claims.extend(tools.map(|tool| format!("the tool {}", tool.name)));
            }
        }
        claims
    }
}

impl Entry {
    pub(crate) fn name(&self) -> &str {
        &self.loaded.plugin().name
    }

    fn kind(&self) -> PluginKind {
        self.loaded.plugin().kind
    }

    pub(crate) fn status(&self) -> PluginStatus {
        PluginStatus::of(self.loaded.plugin(), self.loaded.version())
    }

    pub(crate) fn view(&self) -> PluginView {
        PluginView {
            status: self.status(),
            origin: self.origin,
            file: self.file.clone(),
            contract: Some(self.loaded.contract),
            installed_at: self.installed_at,
            signer: self.signer.clone(),
            imports: self.loaded.imports.to_vec(),
            folders: self.loaded.folders(),
        }
    }
}

/// Types, their other names, URL schemes and the connector's own name.
fn served(info: &ConnectorInfo) -> impl Iterator<Item = String> + '_ {
    info.database_types
        .iter()
        .flat_map(|ty| std::iter::once(&ty.name).chain(&ty.aliases))
        .chain(&info.url_schemes)
        .chain(std::iter::once(&info.name))
        .cloned()
}

impl Snapshot {
    /// Puts plugins together, the shipped ones first. One that claims what another serves is left out.
    pub(crate) fn of(
        generation: u64,
        shipped: &[Entry],
        installed: Vec<Entry>,
        absent: Vec<PluginView>,
    ) -> Self {
        let mut snapshot = Self {
            generation,
            absent,
            ..Self::default()
        };
        for entry in shipped.iter().cloned().chain(installed) {
            match snapshot.clash(&entry) {
                None => {
                    let name = entry.name().to_owned();
                    snapshot.entries.retain(|old| old.name() != name);
                    snapshot.entries.push(entry);
                }
                Some(error) => {
                    let mut view = PluginView::absent(
                        entry.name().to_owned(),
                        entry.loaded.plugin().digest.clone(),
                        entry.origin,
                        Some(error.to_string()),
                    );
                    view.file = entry.file;
                    view.installed_at = entry.installed_at;
                    view.signer = entry.signer;
                    snapshot.absent.push(view);
                }
            }
        }
        for entry in &snapshot.entries {
            match &entry.loaded.callable {
                Callable::Connector(connector) => snapshot.connectors.push(Arc::clone(connector)),
                Callable::Tool(tool) => snapshot.tools.push(Arc::clone(tool)),
            }
        }
        snapshot
            .connectors
            .sort_by(|a, b| a.info().name.cmp(&b.info().name));
        snapshot.tools.sort_by(|a, b| a.name().cmp(b.name()));
        snapshot
    }

    /// What a plugin would take from another, if anything. An installed one may take the place of the shipped
    /// one of its name and kind.
    pub(crate) fn clash(&self, new: &Entry) -> Option<LoadError> {
        let replaces = |old: &Entry| {
            (old.origin, new.origin) == (Origin::Shipped, Origin::Installed)
                && old.name() == new.name()
                && old.kind() == new.kind()
        };
        let others = self.entries.iter().filter(|old| !replaces(old));
        let taken: Vec<String> = others.flat_map(|old| old.loaded.claims()).collect();
        first_common(&taken, &new.loaded.claims()).map(LoadError::Duplicate)
    }

    /// The plugins as an administrator sees them, the loaded ones first.
    pub(crate) fn views(&self) -> Vec<PluginView> {
        let mut views: Vec<PluginView> = self.entries.iter().map(Entry::view).collect();
        views.sort_by(|a, b| (a.status.kind, &a.status.name).cmp(&(b.status.kind, &b.status.name)));
        views.extend(self.absent.iter().cloned());
        views
    }

    /// Whether two snapshots are of the same loaded plugins and show the same.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let loaded = |snapshot: &Self| -> Vec<*const Plugin> {
            let entries = snapshot.entries.iter();
            entries
                .map(|entry| std::ptr::from_ref(entry.loaded.plugin()))
                .collect()
        };
        loaded(self) == loaded(other) && self.views() == other.views()
    }
}

fn first_common(taken: &[String], wanted: &[String]) -> Option<String> {
    wanted.iter().find(|name| taken.contains(name)).cloned()
}
