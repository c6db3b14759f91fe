//! From the bytes of a `.wasm` file to a plugin that can be called.
//!
//! In this order: the size, the artifact cache or the compiler (off the async threads, with a time limit),
//! version and world by its names, the imports against the grants, room for its memories, linking, and what
//! the component says of itself, asked of an instance without any rights. The first that fails refuses the
//! component and harms no other. The compiler can't be stopped: past the limit it finishes unheard.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use wasmtime::component::{Component, InstancePre, Linker};

use super::bindings::connector::ConnectorPluginPre;
use super::bindings::tool::ToolPluginPre;
use super::cache::Cache;
use super::connector::{Connector, SessionPool};
use super::contract::{self, ContractError};
use super::egress::EgressPolicy;
use super::engine::Runtime;
use super::folders::Folders;
use super::instance::{Deadline, Instance, Rights, State};
use super::plugin::{Plugin, PluginKind};
use super::session::Factory;
use super::shelf;
use super::tool::{Definition, ToolPlugin};
use super::trust::Refusal;
use super::{ConnectorInfo, Transport, grants, imports};

/// Why a component, or the whole runtime, could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the plugin engine could not be started: {0}")]
    Engine(String),
    #[error("it can't be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("it has {size} bytes; plugin_wasm_bytes allows {limit}")]
    TooLarge { size: u64, limit: u64 },
    #[error("compiling it took longer than {millis} ms (plugin_compile_ms)")]
    CompileTimeout { millis: u64 },
    #[error("it is no valid WebAssembly component: {0}")]
    Invalid(String),
    #[error(transparent)]
    Contract(#[from] ContractError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("it imports what a {kind} is not given: {}", .imports.join(", "))]
    Ungranted {
        kind: &'static str,
        imports: Vec<String>,
    },
    #[error("it needs {needed} bytes of memory to start; plugin_memory_bytes allows {limit}")]
    Memory { needed: u64, limit: u64 },
    #[error("its imports don't fit: {0}")]
    Link(String),
    #[error("it could not say what it is: {0}")]
    Describe(String),
    #[error("what it says of itself is not usable: {0}")]
    Description(String),
    #[error("{0} is already served by another plugin")]
    Duplicate(String),
}

/// What a component is loaded as.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Names a tool component, which has no name of its own; without it, its first tool does.
    pub(crate) name: Option<String>,
    /// It came with the server.
    pub(crate) shipped: bool,
    /// What it may read.
    pub(crate) folders: Folders,
}

/// A component that can be called. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) callable: Callable,
    /// The full names of its imports.
    pub(crate) imports: Arc<[String]>,
    /// The version of the contract that it was built for.
    pub(crate) contract: &'static str,
}

/// What a component turned out to be.
#[derive(Clone)]
pub(crate) enum Callable {
    Connector(Arc<Connector>),
    Tool(Arc<ToolPlugin>),
}

/// What loading takes beside the bytes.
pub(crate) struct Loader {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) egress: Arc<EgressPolicy>,
    pub(crate) pool: Arc<SessionPool>,
    pub(crate) cache: Option<Arc<Cache>>,
    connector: Linker<State>,
    tool: Linker<State>,
}

impl Loader {
    pub(crate) fn new(
        runtime: Arc<Runtime>,
        egress: Arc<EgressPolicy>,
        pool: Arc<SessionPool>,
        cache: Option<Cache>,
    ) -> Result<Self, LoadError> {
        let linked = |linker: wasmtime::Result<_>| {
            linker.map_err(|error| LoadError::Engine(error.to_string()))
        };
        Ok(Self {
            connector: linked(imports::connector_linker(&runtime.engine))?,
            tool: linked(imports::tool_linker(&runtime.engine))?,
            runtime,
            egress,
            pool,
            cache: cache.map(Arc::new),
        })
    }

    /// Loads one component.
    pub(crate) async fn load(&self, wanted: &Wanted, wasm: Vec<u8>) -> Result<Loaded, LoadError> {
        let digest = shelf::digest(&wasm);
        let component = self.component(&digest, wasm).await?;
        let engine = &self.runtime.engine;
        let ty = component.component_type();
        let imports: Arc<[String]> = ty
            .imports(engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        let named = || imports.iter().map(String::as_str);
        let exports = ty.exports(engine).map(|(name, _)| name);
        let (kind, contract) = contract::judge(named(), exports)?;
        let refused = grants::ungranted(kind, named());
        if !refused.is_empty() {
            return Err(LoadError::Ungranted {
                kind: kind.as_str(),
                imports: refused,
            });
        }
        self.fits(&component)?;
        let linker = match kind {
            PluginKind::Connector => &self.connector,
            PluginKind::Tool => &self.tool,
        };
        let pre = linker
            .instantiate_pre(&component)
            .map_err(|error| LoadError::Link(format!("{error:#}")))?;
        let callable = match kind {
            PluginKind::Connector => {
                Callable::Connector(self.connector(wanted, digest, pre).await?.into())
            }
            PluginKind::Tool => Callable::Tool(self.tool(wanted, digest, pre).await?.into()),
        };
        Ok(Loaded {
            callable,
            imports,
            contract,
        })
    }

    /// Compiles, or finds what was compiled before.
    pub(super) async fn component(
        &self,
        digest: &str,
        wasm: Vec<u8>,
    ) -> Result<Component, LoadError> {
        let limits = &self.runtime.limits;
        if wasm.len() as u64 > limits.plugin_wasm_bytes {
            return Err(LoadError::TooLarge {
                size: wasm.len() as u64,
                limit: limits.plugin_wasm_bytes,
            });
        }
        let engine = self.runtime.engine.clone();
        let cache = self.cache.clone();
        let digest = digest.to_owned();
        let compiling = tokio::task::spawn_blocking(move || {
            if let Some(component) = cache.as_ref().and_then(|c| c.load(&engine, &digest)) {
                return Ok(component);
            }
            let component = Component::new(&engine, &wasm)
                .map_err(|error| LoadError::Invalid(format!("{error:#}")))?;
            if let Some(cache) = cache {
                let stored = component
                    .serialize()
                    .map_err(std::io::Error::other)
                    .and_then(|artifact| cache.store(&engine, &digest, &artifact));
                if let Err(error) = stored {
                    tracing::warn!(%error, "a compiled component could not be kept");
                }
            }
            Ok(component)
        });
        let millis = limits.plugin_compile_ms;
        match tokio::time::timeout(Duration::from_millis(millis), compiling).await {
            Err(_) => Err(LoadError::CompileTimeout { millis }),
            Ok(Err(panicked)) => Err(LoadError::Invalid(panicked.to_string())),
            Ok(Ok(component)) => component,
        }
    }

    /// What can never run is refused now.
    fn fits(&self, component: &Component) -> Result<(), LoadError> {
        let limit = self.runtime.limits.plugin_memory_bytes;
        let needed = initial_memory(component);
        if needed > limit {
            return Err(LoadError::Memory { needed, limit });
        }
        Ok(())
    }

    async fn connector(
        &self,
        wanted: &Wanted,
        digest: String,
        pre: InstancePre<State>,
    ) -> Result<Connector, LoadError> {
        let pre =
            ConnectorPluginPre::new(pre).map_err(|error| LoadError::Link(format!("{error:#}")))?;
        let unnamed = self.plugin("a new connector", PluginKind::Connector, digest.clone());
        let info = self
            .ask(&unnamed, async |store| {
                let bindings = pre.instantiate_async(&mut *store).await?;
                bindings
                    .datachat_plugin_connector()
                    .call_describe(store)
                    .await
            })
            .await?;
        check_connector(&info).map_err(LoadError::Description)?;
        let factory = Factory {
            plugin: self.plugin(&info.name, PluginKind::Connector, digest),
            pre,
            transport: info.transport,
            egress: Arc::clone(&self.egress),
            folders: wanted.folders.clone(),
        };
        Ok(Connector::new(info, factory, Arc::clone(&self.pool)))
    }

    async fn tool(
        &self,
        wanted: &Wanted,
        digest: String,
        pre: InstancePre<State>,
    ) -> Result<ToolPlugin, LoadError> {
        let pre = ToolPluginPre::new(pre).map_err(|error| LoadError::Link(format!("{error:#}")))?;
        let unnamed = self.plugin("a new tool", PluginKind::Tool, digest.clone());
        let definitions = self
            .ask(&unnamed, async |store| {
                let bindings = pre.instantiate_async(&mut *store).await?;
                bindings
                    .datachat_plugin_tool()
                    .call_definitions(store)
                    .await
            })
            .await?;
        check_tools(&definitions).map_err(LoadError::Description)?;
        let first = definitions.first().map(|tool| tool.name.as_str());
        let name = wanted.name.as_deref().or(first).unwrap_or_default();
        Ok(ToolPlugin::new(
            self.plugin(name, PluginKind::Tool, digest),
            definitions,
            pre,
            Arc::clone(&self.egress),
            wanted.shipped,
        ))
    }

    fn plugin(&self, name: &str, kind: PluginKind, digest: String) -> Arc<Plugin> {
        Plugin::new(name, kind, digest, Arc::clone(&self.runtime))
    }

    /// Calls a component that has no rights.
    async fn ask<T>(
        &self,
        plugin: &Arc<Plugin>,
        run: impl AsyncFnOnce(&mut wasmtime::Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, LoadError> {
        let deadline = Deadline::after("call_timeout_ms", self.runtime.limits.call_timeout_ms);
        let mut instance =
            Instance::new(Arc::clone(plugin), None, Rights::None, &self.egress).await;
        instance
            .call("describe", deadline, &CancellationToken::new(), run)
            .await
            .map_err(|error| match error {
                super::PluginError::Failed { detail, .. } => LoadError::Describe(detail),
                error => LoadError::Describe(error.to_string()),
            })
    }
}

/// What a component's memories have before it runs, in bytes.
pub(super) fn initial_memory(component: &Component) -> u64 {
    component
        .resources_required()
        .and_then(|required| required.max_initial_memory_size)
        .map_or(0, |pages| pages.saturating_mul(65_536))
}

/// A lower-case letter, then lower-case letters, digits and what is `extra`.
pub(super) fn is_name(text: &str, extra: &[char]) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || extra.contains(&c))
}

/// Says which part of a description is not usable.
fn check_connector(info: &ConnectorInfo) -> Result<(), String> {
    if !is_name(&info.name, &['-', '_']) {
        return Err("the name must be lower-case letters, digits, - and _".to_owned());
    }
    if info.version.is_empty() || info.version.len() > 64 {
        return Err("the version is empty or long".to_owned());
    }
    let names = info
        .database_types
        .iter()
        .flat_map(|ty| std::iter::once(&ty.name).chain(&ty.aliases));
    for name in names {
        if !is_name(name, &['-', '_']) {
            return Err(format!("{name:?} can't name a database type"));
        }
    }
    for scheme in &info.url_schemes {
        if !is_name(scheme, &['-', '.']) {
            return Err(format!("{scheme:?} can't be a URL scheme"));
        }
    }
    for defaults in &info.scheme_defaults {
        if !info.url_schemes.contains(&defaults.scheme) || defaults.port == 0 {
            return Err(format!(
                "the defaults of {:?} are of no URL scheme of it, or without a port",
                defaults.scheme
            ));
        }
    }
    // Folders have no ports.
    let portless = info.default_port == 0 && info.transport != Transport::Files;
    if info.database_types.is_empty() || info.url_schemes.is_empty() || portless {
        return Err("it names no database type, no URL scheme or no port".to_owned());
    }
    Ok(())
}

fn check_tools(definitions: &[Definition]) -> Result<(), String> {
    if definitions.is_empty() {
        return Err("it defines no tool".to_owned());
    }
    for (at, tool) in definitions.iter().enumerate() {
        if !is_name(&tool.name, &['_']) {
            return Err(format!("{:?} can't name a tool", tool.name));
        }
        if definitions[..at]
            .iter()
            .any(|other| other.name == tool.name)
        {
            return Err(format!("two tools are named {}", tool.name));
        }
        for schema in [&tool.parameters, &tool.returns] {
            if !serde_json::from_str(schema).is_ok_and(|value: serde_json::Value| value.is_object())
            {
                return Err(format!("a schema of {} is no JSON object", tool.name));
            }
        }
    }
    Ok(())
}
