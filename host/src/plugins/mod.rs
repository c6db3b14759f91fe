//! The plugin runtime: one wasmtime engine, the components that it runs, and what they may do.
//!
//! A component is loaded once (`loader`) and instantiated for each database session or tool call
//! (`instance`). Which ones are loaded is a snapshot that changes while requests run (`refresh`), for operators
//! install and remove plugins ([`install`]) within the rules of [`trust`]. It gets the imports of its world
//! (`grants`) and, of the network, the addresses of its one connection ([`egress`]), as sockets or as HTTP
//! (`http`). Sessions are pooled (`pool`) and let go of without leaving anything behind
//! (`lease`). This layer knows no SQL and no HTTP; what a result means is for the layers above.

pub mod bindings;
mod cache;
pub mod connector;
pub mod contract;
mod cursor;
pub mod egress;
mod engine;
pub mod error;
mod fault;
pub mod folders;
mod grants;
mod guest_log;
mod http;
mod imports;
pub mod inspect;
pub mod install;
mod instance;
pub mod knowledge;
mod lease;
mod limiter;
mod loader;
mod locate;
mod plugin;
mod pool;
pub mod profiling;
mod quarantine;
mod record;
mod redact;
mod refresh;
mod resolve;
mod session;
mod shelf;
mod snapshot;
mod status;
pub mod target;
mod tls;
pub mod tool;
pub mod trust;

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
pub use folders::Folders;
pub use install::{ChangeError, Grants, Install};
pub use knowledge::ToolKnowledge;
pub use loader::LoadError;
pub use locate::Components;
pub use plugin::PluginKind;
pub use profiling::ToolProfiling;
pub use shelf::ShelfError;
pub use status::{Origin, PluginStatus, PluginView};
pub use target::{ConnectionKey, Target, Tls};
pub use tool::{ToolCallError, ToolContext, ToolPlugin, ToolRows};
pub use trust::Admission;

use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use cache::Cache;
use connector::SessionPool;
use engine::Runtime;
use loader::{Loader, Wanted};
use pool::{Pool, PoolLimits};
use shelf::Shelf;
use snapshot::{Entry, Snapshot};

use crate::limits::Limits;

/// What the runtime starts with.
#[derive(Debug, Clone)]
pub struct PluginOptions {
    pub limits: Limits,
    /// Holds the artifact cache, its key, and the operator's own plugins in `plugins`.
    pub data_dir: PathBuf,
    pub egress: EgressPolicy,
    pub components: Components,
    /// Which installed components are loaded.
    pub admission: Admission,
}

/// Every plugin, ready to be called. Cheap to clone. What it gives out stays usable while it is held, whatever is
/// installed or removed meanwhile.
#[derive(Clone)]
pub struct Plugins {
    inner: Arc<Inner>,
}

struct Inner {
    loader: Loader,
    limits: Limits,
    admission: Admission,
    shelf: Shelf,
    data_dir: PathBuf,
    /// False: the components are fixed, and nothing is installed beside them.
    managed: bool,
    /// What the server started with.
    shipped: Vec<Entry>,
    /// Of these what could not be loaded.
    unloadable: Vec<PluginView>,
    current: RwLock<Arc<Snapshot>>,
    /// One snapshot is made at a time.
    changes: tokio::sync::Mutex<()>,
    /// One component is installed at a time: compiling takes time and memory.
    installing: tokio::sync::Mutex<()>,
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
        let limits = options.limits;
        let runtime = Arc::new(Runtime::new(limits.clone())?);
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
        let (shipped, unloadable) = start_with(&loader, &options.components, &limits).await;
        let snapshot = Snapshot::of(0, &shipped, Vec::new(), unloadable.clone());
        let inner = Arc::new(Inner {
            loader,
            admission: options.admission,
            shelf: Shelf::of(
                &options.data_dir,
                Duration::from_millis(limits.plugin_lock_ms),
            ),
            data_dir: options.data_dir,
            managed: matches!(options.components, Components::Shipped),
            shipped,
            unloadable,
            current: RwLock::new(Arc::new(snapshot)),
            changes: tokio::sync::Mutex::default(),
            installing: tokio::sync::Mutex::default(),
            patience: Duration::from_millis(limits.cancel_timeout_ms),
            pool,
            limits,
        });
        if inner.managed {
            // Before the folder is read: what changes meanwhile is news.
            let stamp = inner.shelf.stamp();
            if let Err(error) = inner.refresh(None).await {
                tracing::error!(%error, "no installed plugin is loaded");
                inner.show_problem();
            }
            let pause = Duration::from_millis(inner.limits.plugin_watch_ms);
            tokio::spawn(refresh::watch(Arc::downgrade(&inner), pause, stamp));
        }
        tokio::spawn(sweep(
            Arc::downgrade(&inner.pool),
            inner.patience,
            Duration::from_millis(inner.limits.session_idle_ms),
        ));
        Ok(Self { inner })
    }

    /// The loaded connectors, sorted by name.
    pub fn connectors(&self) -> Vec<Arc<Connector>> {
        self.inner.snapshot().connectors.clone()
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
        let snapshot = self.inner.snapshot();
        let found = snapshot.connectors.iter().find(|c| fits(c.info()));
        found.cloned()
    }

    /// The loaded tool components, sorted by name.
    pub fn tools(&self) -> Vec<Arc<ToolPlugin>> {
        self.inner.snapshot().tools.clone()
    }

    /// Another number whenever plugins have come, gone or been replaced.
    pub fn generation(&self) -> u64 {
        self.inner.snapshot().generation
    }

    /// The state of every plugin, for `/ready` and `/metrics`.
    pub fn status(&self) -> Vec<PluginStatus> {
        self.list().into_iter().map(|view| view.status).collect()
    }

    /// Every plugin as an administrator sees it.
    pub fn list(&self) -> Vec<PluginView> {
        self.inner.snapshot().views()
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
    /// Lists that none of the installed plugins could be loaded. Everybody sees it; where the folder lies and what
    /// is wrong with it is in the log.
    fn show_problem(&self) {
        let name = "installed plugins".to_owned();
        let why = Some("their folder can't be read; the server's log says why".to_owned());
        let view = PluginView::absent(name, String::new(), Origin::Installed, why);
        let mut current = self
            .current
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::make_mut(&mut current).absent.push(view);
    }
}

/// Loads what the server starts with.
async fn start_with(
    loader: &Loader,
    components: &Components,
    limits: &Limits,
) -> (Vec<Entry>, Vec<PluginView>) {
    let shipped = matches!(components, Components::Shipped);
    let origin = if shipped {
        Origin::Shipped
    } else {
        Origin::Installed
    };
    let folders = match components {
        Components::Trial { folders, .. } => folders.clone(),
        _ => Folders::new(),
    };
    let (mut entries, mut unloadable) = (Vec::new(), Vec::new());
    for found in locate::find(components) {
        let wanted = Wanted {
            name: Some(found.name.clone()),
            shipped,
            folders: folders.clone(),
        };
        let loaded = match found.read(limits.plugin_wasm_bytes) {
            Ok(wasm) => loader.load(&wanted, wasm.into_owned()).await,
            Err(error) => Err(error.into()),
        };
        match loaded {
            Ok(loaded) => entries.push(Entry {
                loaded,
                origin,
                file: None,
                installed_at: None,
                signer: None,
            }),
            Err(error) => {
                tracing::error!(plugin = found.origin, %error, "a plugin could not be loaded");
                let why = Some(error.to_string());
                unloadable.push(PluginView::absent(found.name, String::new(), origin, why));
            }
        }
    }
    (entries, unloadable)
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

/// Runs what waits for the disk off the threads that serve requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

impl RelationKind {
    /// The name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized_view",
            Self::ForeignTable => "foreign_table",
            Self::PartitionedTable => "partitioned_table",
            Self::Partition => "partition",
        }
    }
}
