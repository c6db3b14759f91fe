//! The plugin runtime: one wasmtime engine, the components that it runs, and what they may do.
//!
//! A component is loaded once (`loader`) and instantiated for each database session or tool call
//! (`instance`). It gets the imports of its world (`grants`) and, of the network, the addresses of its one
//! connection ([`egress`]), as sockets or as HTTP (`http`). Sessions are pooled (`pool`) and let go of without leaving anything behind
//! (`lease`). This layer knows no SQL and no HTTP; what a result means is for the layers above.

pub mod bindings;
mod cache;
pub mod connector;
mod cursor;
pub mod egress;
mod engine;
pub mod error;
mod fault;
mod grants;
mod guest_log;
mod http;
mod imports;
mod instance;
mod lease;
mod limiter;
mod loader;
mod locate;
mod plugin;
mod pool;
mod quarantine;
mod redact;
mod resolve;
mod session;
pub mod target;
mod tls;
pub mod tool;

pub use bindings::connector::datachat::plugin::types::{
    Column, DbError, ErrorCode, ForeignKey, Parameters, Relation, RelationFilter, RelationKind,
    Value,
};
pub use bindings::connector::exports::datachat::plugin::connector::{
    ConnectorInfo, DangerousRight, DatabaseType, Dialect, OptionSpec, SchemeDefaults, ServerInfo,
    Statement, Template, TlsMode, Transport,
};
pub use connector::{Connector, Session};
pub use cursor::Cursor;
pub use egress::EgressPolicy;
pub use error::PluginError;
pub use loader::LoadError;
pub use locate::Components;
pub use plugin::PluginKind;
pub use target::{ConnectionKey, Target, Tls};
pub use tool::{ToolCallError, ToolContext, ToolPlugin, ToolRows};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cache::Cache;
use connector::SessionPool;
use engine::Runtime;
use loader::{Loaded, Loader};
use pool::{Pool, PoolLimits};

use crate::limits::Limits;

/// What the runtime starts with.
#[derive(Debug, Clone)]
pub struct PluginOptions {
    pub limits: Limits,
    /// Holds the artifact cache, its key, and the operator's own plugins in `plugins`.
    pub data_dir: PathBuf,
    pub egress: EgressPolicy,
    pub components: Components,
    /// Further folders with `.wasm` files.
    pub extra_dirs: Vec<PathBuf>,
}

/// Every installed plugin, ready to be called. Cheap to clone.
#[derive(Clone)]
pub struct Plugins {
    inner: Arc<Inner>,
}

struct Inner {
    connectors: Vec<Arc<Connector>>,
    tools: Vec<Arc<ToolPlugin>>,
    refused: Vec<PluginStatus>,
    pool: Arc<SessionPool>,
    patience: Duration,
}

impl Plugins {
    /// Starts the engine and loads every component that is found. One that fails does not stop the
    /// others: [`Plugins::status`] reports it. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`LoadError::Engine`] if there is no engine on this machine.
    pub async fn load(options: PluginOptions) -> Result<Self, LoadError> {
        let limits = options.limits.clone();
        let runtime = Arc::new(Runtime::new(options.limits)?);
        let pool = Arc::new(Pool::new(PoolLimits {
            per_connection: size(limits.sessions_per_connection),
            total: size(limits.sessions_total),
            wait: Duration::from_millis(limits.session_wait_ms),
            idle: Duration::from_millis(limits.session_idle_ms),
        }));
        let cache = Cache::open(&options.data_dir)
            .inspect_err(|error| {
                tracing::warn!(%error, "no cache of compiled plugins, every start compiles them");
            })
            .ok();
        let loader = Loader::new(runtime, Arc::new(options.egress), Arc::clone(&pool), cache)?;
        let mut inner = Inner {
            connectors: Vec::new(),
            tools: Vec::new(),
            refused: Vec::new(),
            patience: Duration::from_millis(limits.cancel_timeout_ms),
            pool,
        };
        for found in locate::find(&options.components, &options.data_dir, &options.extra_dirs) {
            let loaded = match found.read(limits.plugin_wasm_bytes) {
                Ok(wasm) => loader.load(&found.name, wasm.into_owned()).await,
                Err(error) => Err(error.into()),
            };
            let added = loaded.and_then(|mut loaded| {
                if let Loaded::Tool(tool) = &mut loaded {
                    tool.shipped = found.shipped;
                }
                inner.add(loaded)
            });
            if let Err(error) = added {
                tracing::error!(plugin = found.origin, %error, "a plugin could not be loaded");
                inner.refused.push(PluginStatus {
                    name: found.name,
                    version: String::new(),
                    kind: "unknown",
                    digest: String::new(),
                    state: "failed",
                    detail: Some(error.to_string()),
                });
            }
        }
        inner
            .connectors
            .sort_by(|a, b| a.info().name.cmp(&b.info().name));
        inner.tools.sort_by(|a, b| a.name().cmp(b.name()));
        tokio::spawn(sweep(
            Arc::downgrade(&inner.pool),
            inner.patience,
            Duration::from_millis(limits.session_idle_ms),
        ));
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The loaded connectors, sorted by name.
    pub fn connectors(&self) -> Vec<Arc<Connector>> {
        self.inner.connectors.clone()
    }

    /// The connector that serves a database type, by canonical name or alias, in any case.
    pub fn connector(&self, database_type: &str) -> Option<Arc<Connector>> {
        let wanted = database_type.to_lowercase();
        self.find(|info| {
            info.database_types
                .iter()
                .any(|ty| ty.name == wanted || ty.aliases.contains(&wanted))
        })
    }

    /// The connector that takes URLs of this scheme (any case, without a `+driver` suffix).
    pub fn connector_for_scheme(&self, scheme: &str) -> Option<Arc<Connector>> {
        let wanted = scheme.to_lowercase();
        self.find(|info| info.url_schemes.contains(&wanted))
    }

    fn find(&self, fits: impl Fn(&ConnectorInfo) -> bool) -> Option<Arc<Connector>> {
        self.inner
            .connectors
            .iter()
            .find(|connector| fits(connector.info()))
            .cloned()
    }

    /// The loaded tool components, sorted by name.
    pub fn tools(&self) -> Vec<Arc<ToolPlugin>> {
        self.inner.tools.clone()
    }

    /// The state of every plugin, for `/ready`, `/metrics` and `datachat plugins list`.
    pub fn status(&self) -> Vec<PluginStatus> {
        let connectors = self
            .inner
            .connectors
            .iter()
            .map(|connector| PluginStatus::of(connector.plugin(), &connector.info().version));
        let tools = self
            .inner
            .tools
            .iter()
            .map(|tool| PluginStatus::of(tool.plugin(), ""));
        connectors
            .chain(tools)
            .chain(self.inner.refused.iter().cloned())
            .collect()
    }

    /// Open database sessions, and how many of them are idle. Also sets the gauges of `/metrics`.
    #[allow(clippy::cast_precision_loss)]
    pub fn sessions(&self) -> (usize, usize) {
        let (open, idle) = self.inner.pool.counts();
        metrics::gauge!("datachat_plugin_sessions_open").set(open as f64);
        metrics::gauge!("datachat_plugin_sessions_idle").set(idle as f64);
        (open, idle)
    }

    /// Closes the idle sessions of a connection and cancels what it runs: it was changed or deleted.
    pub async fn forget_connection(&self, id: uuid::Uuid) {
        lease::close(self.inner.pool.forget(id), self.inner.patience).await;
    }

    /// Closes all idle sessions, cancels everything that runs, and waits until that has happened, as long as
    /// a cancel may take. Later calls open new ones.
    pub async fn shutdown(&self) {
        lease::close(self.inner.pool.close(), self.inner.patience).await;
        // A statement that was cut off is cancelled in the background; its seat is taken until then.
        let left = async {
            while self.inner.pool.counts().0 > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(self.inner.patience, left)
            .await
            .is_err()
        {
            tracing::warn!("sessions are still open at the end");
        }
    }
}

impl Inner {
    fn add(&mut self, loaded: Loaded) -> Result<(), LoadError> {
        match loaded {
            Loaded::Connector(new) => {
                for old in &self.connectors {
                    if let Some(both) = overlap(old.info(), new.info()) {
                        return Err(LoadError::Duplicate(both));
                    }
                }
                self.connectors.push(Arc::new(new));
            }
            Loaded::Tool(new) => {
                let taken = |name: &str| {
                    self.tools
                        .iter()
                        .any(|old| old.definitions().iter().any(|tool| tool.name == name))
                };
                if let Some(tool) = new.definitions().iter().find(|tool| taken(&tool.name)) {
                    return Err(LoadError::Duplicate(format!("the tool {}", tool.name)));
                }
                self.tools.push(Arc::new(new));
            }
        }
        Ok(())
    }
}

/// A name that two connectors both claim.
fn overlap(a: &ConnectorInfo, b: &ConnectorInfo) -> Option<String> {
    let names = |info: &ConnectorInfo| -> Vec<String> {
        info.database_types
            .iter()
            .flat_map(|ty| std::iter::once(&ty.name).chain(&ty.aliases))
            .chain(&info.url_schemes)
            .chain(std::iter::once(&info.name))
            .cloned()
            .collect()
    };
    let taken = names(a);
    names(b).into_iter().find(|name| taken.contains(name))
}

/// Closes expired sessions now and then, until the runtime is gone.
async fn sweep(pool: std::sync::Weak<SessionPool>, patience: Duration, idle: Duration) {
    let pause = (idle / 4).clamp(Duration::from_millis(50), Duration::from_secs(30));
    loop {
        tokio::time::sleep(pause).await;
        let Some(pool) = pool.upgrade() else { return };
        let expired = pool.expire(Instant::now());
        drop(pool);
        lease::close(expired, patience).await;
    }
}

fn size(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// One plugin as an operator sees it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PluginStatus {
    pub name: String,
    /// Empty where the component says none.
    pub version: String,
    /// `connector` or `tool`; `unknown` for one that could not be loaded.
    pub kind: &'static str,
    /// `sha256:` and 64 hex digits, of the `.wasm` file.
    pub digest: String,
    /// `ready`, `quarantined` or `failed`.
    pub state: &'static str,
    /// For `quarantined`: why, and until when. For `failed`: why it could not be loaded.
    pub detail: Option<String>,
}

impl PluginStatus {
    fn of(plugin: &plugin::Plugin, version: &str) -> Self {
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
