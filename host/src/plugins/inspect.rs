//! What a component asks for and says of itself, also of one that would be refused.
//!
//! It is loaded as it would be at install, with the same checks in the same order; where they end, whatever
//! its type still tells is told: version, imports, memory. Nothing is stored, and the component gets no rights.

use std::sync::Arc;
use std::time::Duration;

use super::cache::Cache;
use super::connector::SessionPool;
use super::contract;
use super::engine::Runtime;
use super::loader::{Callable, LoadError, Loader, Wanted, initial_memory};
use super::pool::PoolLimits;
use super::tool::Definition;
use super::trust::Signed;
use super::{ConnectorInfo, PluginKind, PluginOptions, grants, shelf};

/// One component, looked at.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// Of the `.wasm` file, in bytes.
    pub size: u64,
    /// `sha256:` and 64 hex digits.
    pub digest: String,
    /// None when it is for no world that this server serves.
    pub kind: Option<PluginKind>,
    /// The version of `datachat:plugin` that it was built for, if it is served.
    pub contract: Option<&'static str>,
    pub imports: Vec<Import>,
    /// The full names of its exports.
    pub exports: Vec<String>,
    /// What its memories have before it runs, in bytes; none when it is no component.
    pub memory_bytes: Option<u64>,
    /// What its signature is worth, for people; none without one.
    pub signature: Option<String>,
    /// What it says of itself, if it would be loaded.
    pub says: Option<Says>,
    /// Why it would not be loaded.
    pub refused: Option<String>,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// With its version: `wasi:sockets/tcp@0.2.12`.
    pub name: String,
    /// What it is good for, for people.
    pub words: &'static str,
    /// Whether a component of its kind is given it.
    pub granted: bool,
}

/// The answer of `describe` or of `definitions`.
#[derive(Debug, Clone)]
pub enum Says {
    Connector(Box<ConnectorInfo>),
    Tools(Vec<Definition>),
}

/// Looks at a component, by the rules that a server with these options has. `signature` is the text of its
/// `.minisig` file.
///
/// # Errors
/// [`LoadError::Engine`] if there is no engine on this machine.
pub async fn inspect(
    wasm: Vec<u8>,
    signature: Option<&str>,
    options: PluginOptions,
) -> Result<Inspection, LoadError> {
    let runtime = Arc::new(Runtime::new(options.limits)?);
    // No session is ever opened.
    let pool = Arc::new(SessionPool::new(PoolLimits {
        per_connection: 1,
        total: 1,
        wait: Duration::ZERO,
        idle: Duration::ZERO,
    }));
    let cache = Cache::open(&options.data_dir).ok();
    let egress = Arc::new(options.egress);
    let loader = Loader::new(Arc::clone(&runtime), egress, pool, cache)?;

    let mut seen = Inspection {
        size: wasm.len() as u64,
        digest: shelf::digest(&wasm),
        kind: None,
        contract: None,
        imports: Vec::new(),
        exports: Vec::new(),
        memory_bytes: None,
        signature: worth(&options.admission.signed(&wasm, signature)),
        says: None,
        refused: None,
    };
    let component = match loader.component(&seen.digest, wasm.clone()).await {
        Ok(component) => component,
        Err(error) => {
            seen.refused = Some(error.to_string());
            return Ok(seen);
        }
    };
    let ty = component.component_type();
    let names =
        |names: Vec<&str>| -> Vec<String> { names.into_iter().map(str::to_owned).collect() };
    let imports = names(ty.imports(&runtime.engine).map(|(name, _)| name).collect());
    seen.exports = names(ty.exports(&runtime.engine).map(|(name, _)| name).collect());
    seen.memory_bytes = Some(initial_memory(&component));
    let judged = contract::judge(
        imports.iter().map(String::as_str),
        seen.exports.iter().map(String::as_str),
    );
    if let Ok((kind, contract)) = judged {
        seen.kind = Some(kind);
        seen.contract = Some(contract);
    }
    let granted = |name: &str| {
        seen.kind
            .is_some_and(|kind| grants::ungranted(kind, [name]).is_empty())
    };
    seen.imports = imports
        .into_iter()
        .map(|name| Import {
            words: words(&name),
            granted: granted(&name),
            name,
        })
        .collect();
    match loader.load(&Wanted::default(), wasm).await {
        Ok(loaded) => {
            seen.says = Some(match loaded.callable {
                Callable::Connector(connector) => {
                    Says::Connector(Box::new(connector.info().clone()))
                }
                Callable::Tool(tool) => Says::Tools(tool.definitions().to_vec()),
            });
        }
        Err(error) => seen.refused = Some(error.to_string()),
    }
    Ok(seen)
}

fn worth(signed: &Signed) -> Option<String> {
    match signed {
        Signed::No => None,
        Signed::By(key) => Some(format!("valid, by the trusted key {key}")),
        Signed::Unknown(key) => Some(format!("by the key {key}, which is not trusted here")),
        Signed::Broken(problem) => Some(format!("it {problem}")),
    }
}

/// What an interface is good for; the version does not matter.
fn words(name: &str) -> &'static str {
    let interface = name.split('@').next().unwrap_or(name);
    match interface {
        "datachat:plugin/types" => "the contract's records",
        "datachat:plugin/log" => "log lines, through the host",
        "datachat:plugin/secrets" => "the password of its one connection",
        "datachat:plugin/tls" => "TLS on its connection, by the host",
        "datachat:plugin/database" => "the database of the request, read-only",
        "datachat:knowledge/knowledge" => "what is known of the request's database: DataPoints",
        "datachat:knowledge/profiling" => {
            "looking at the tables of that database and proposing DataPoints"
        }
        "datachat:plugin/progress" => "saying how far a call is",
        "wasi:sockets/tcp-create-socket" | "wasi:sockets/instance-network" => {
            "TCP to the addresses of its one connection"
        }
        "wasi:sockets/network" | "wasi:sockets/tcp" | "wasi:sockets/udp" => {
            "names of sockets, without a way to make one"
        }
        _ if interface.starts_with("wasi:http/") => "HTTP to the origin of its one connection",
        _ if interface.starts_with("wasi:filesystem/") => {
            "files: of folders that are granted to it, else none"
        }
        _ if interface.starts_with("wasi:io/") => "streams",
        _ if interface.starts_with("wasi:clocks/") => "the time",
        _ if interface.starts_with("wasi:random/") => "random numbers",
        "wasi:cli/environment" => "arguments and environment, which are empty",
        _ if interface.starts_with("wasi:cli/") => "standard streams, which go to the log",
        _ => "something that no plugin is given",
    }
}
