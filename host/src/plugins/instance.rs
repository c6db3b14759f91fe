//! One instance of a component: its store, what it may do, and how it is called.
//!
//! A call ends in one of these ways: the guest answers, it traps, it reaches a limit, it breaks a rule of the
//! network, its time is up, or it is cancelled. After anything but an answer the instance must not
//! be called again; whoever owns it drops it, and its sockets close with it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;
use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use super::bindings::connector::datachat::plugin::log::Level;
use super::egress::{self, EgressPolicy, Reason};
use super::engine::EPOCH_TICK_MS;
use super::folders::Folder;
use super::guest_log::GuestLog;
use super::http::Http;
use super::limiter::{LimitReached, Limiter};
use super::plugin::Plugin;
use super::redact::Redactor;
use super::{PluginError, Target, ToolContext, Transport, fault};
use crate::limits::Limits;

/// The most random bytes that a guest gets in one call.
const RANDOM: u64 = 64 << 10;

/// The most bytes that an error shows of an address that a guest made up.
const LONGEST_ADDRESS: usize = 256;

/// What an instance stands for, and so what its imports give it.
pub(crate) enum Rights {
    /// Only to say what it is.
    None,
    /// One session of one connection, over the transport that the connector has.
    Connection {
        transport: Transport,
        target: Box<Target>,
        addresses: Arc<[SocketAddr]>,
        /// What a connector without a network reads.
        folder: Option<Folder>,
    },
    /// One call of a tool.
    Tool(Box<dyn ToolContext>),
}

/// The data of a store.
pub(crate) struct State {
    wasi: WasiCtx,
    http: Http,
    pub(crate) table: ResourceTable,
    limiter: Limiter,
    pub(crate) log: GuestLog,
    pub(crate) rights: Rights,
    /// A TLS handshake has succeeded.
    pub(crate) secured: bool,
    /// Ticks that the call may still compute.
    cpu: u64,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.http.hooks,
            table: &mut self.table,
            ctx: &mut self.http.ctx,
        }
    }
}

/// The first rule that a guest broke, and where it wanted to go.
#[derive(Clone, Default)]
pub(crate) struct Violations(Arc<Mutex<Option<(String, Reason)>>>);

impl Violations {
    pub(crate) fn record(&self, address: String, reason: Reason) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert((address, reason));
    }

    fn first(&self) -> Option<(String, Reason)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A store on its way through calls. The component instance in it belongs to the caller.
pub(crate) struct Instance {
    pub(crate) store: Store<State>,
    plugin: Arc<Plugin>,
    connection: Option<Uuid>,
    violations: Violations,
    _place: OwnedSemaphorePermit,
}

/// When a call ends, and which limit says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) limit: &'static str,
    pub(crate) millis: u64,
}

impl Deadline {
    /// From now.
    pub(crate) fn after(limit: &'static str, millis: u64) -> Self {
        Self {
            at: Instant::now() + std::time::Duration::from_millis(millis),
            limit,
            millis,
        }
    }

    /// At a moment that somebody else chose.
    pub(crate) fn until(limit: &'static str, at: Instant) -> Self {
        let left = at.saturating_duration_since(Instant::now());
        // Rounded up: the moment was chosen a little while ago.
        let millis = left.as_micros().div_ceil(1000);
        Self {
            at,
            limit,
            millis: u64::try_from(millis).unwrap_or(u64::MAX),
        }
    }

    pub(crate) fn passed(self) -> PluginError {
        PluginError::Timeout {
            limit: self.limit,
            millis: self.millis,
        }
    }
}

impl Instance {
    /// A fresh store for the plugin.
    pub(crate) async fn new(
        plugin: Arc<Plugin>,
        connection: Option<Uuid>,
        rights: Rights,
        egress: &Arc<EgressPolicy>,
    ) -> Self {
        let place = plugin.runtime.place().await;
        let limits = &plugin.runtime.limits;
        let redactor = match &rights {
            Rights::Connection { target, .. } => Redactor::new(target.password.as_ref()),
            _ => Redactor::default(),
        };
        let log = GuestLog::new(
            Arc::clone(&plugin.name),
            connection,
            redactor,
            limits.plugin_log_bytes,
        );
        let violations = Violations::default();
        let mut table = ResourceTable::new();
        table.set_max_capacity(size(limits.plugin_handles));
        let state = State {
            wasi: wasi(&rights, &log, egress, &violations),
            http: http(&rights, egress, limits, &violations),
            table,
            limiter: Limiter::new(limits.plugin_memory_bytes, limits.plugin_table_elements),
            log,
            rights,
            secured: false,
            cpu: 0,
        };
        let mut store = Store::new(&plugin.runtime.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(size(limits.plugin_hostcall_bytes));
        store.set_max_component_handles(size(limits.plugin_handles));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| {
            let cpu = &mut store.data_mut().cpu;
            *cpu = cpu.checked_sub(1).ok_or(LimitReached("plugin_cpu_ms"))?;
            Ok(UpdateDeadline::YieldCustom(
                1,
                Box::pin(tokio::task::yield_now()),
            ))
        });
        Self {
            store,
            plugin,
            connection,
            violations,
            _place: place,
        }
    }

    pub(crate) fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Whether the guest has had a connection encrypted.
    pub(crate) fn is_secured(&self) -> bool {
        self.store.data().secured
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        self.store.data().log.redactor()
    }

    /// Runs one call to its end. `run` gets the store and makes the call.
    pub(crate) async fn call<T>(
        &mut self,
        call: &'static str,
        deadline: Deadline,
        cancelled: &CancellationToken,
        run: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, PluginError> {
        let ticks = self.plugin.runtime.limits.plugin_cpu_ms / EPOCH_TICK_MS;
        let state = self.store.data_mut();
        state.cpu = ticks.max(1);
        state.log.refill();
        self.store.set_epoch_deadline(1);
        let span = tracing::debug_span!(
            "plugin",
            plugin = %self.plugin.name,
            call,
            connection = self.connection.map(tracing::field::display)
        );
        let began = Instant::now();
        let ended = {
            let running = run(&mut self.store).instrument(span);
            tokio::select! {
                biased;
                result = running => Ok(result),
                () = cancelled.cancelled() => Err(PluginError::Cancelled),
                () = tokio::time::sleep_until(deadline.at.into()) => Err(deadline.passed()),
            }
        };
        let result = ended.and_then(|result| self.judge(result));
        self.plugin
            .record(call, self.connection, began.elapsed(), &result);
        result
    }

    fn judge<T>(&self, result: wasmtime::Result<T>) -> Result<T, PluginError> {
        if let Some((address, reason)) = self.violations.first() {
            return Err(PluginError::AddressNotAllowed {
                address: self.redactor().line(&address, LONGEST_ADDRESS),
                reason: reason.to_string(),
            });
        }
        result.map_err(|error| fault::classify(&self.plugin.name, &error, self.redactor()))
    }
}

fn size(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// HTTP to its own origin for a connection over HTTP, none for everyone else.
fn http(
    rights: &Rights,
    egress: &Arc<EgressPolicy>,
    limits: &Limits,
    violations: &Violations,
) -> Http {
    match rights {
        Rights::Connection {
            transport: Transport::Http,
            target,
            addresses,
            ..
        } => Http::to(target, addresses, egress, limits, violations.clone()),
        _ => Http::none(violations.clone()),
    }
}

/// Clocks, random numbers and a log for everyone; for a connection TCP to its own addresses, or its folder.
fn wasi(
    rights: &Rights,
    log: &GuestLog,
    egress: &Arc<EgressPolicy>,
    violations: &Violations,
) -> WasiCtx {
    let mut wasi = WasiCtxBuilder::new();
    wasi.stdout(log.stream("stdout", Level::Info))
        .stderr(log.stream("stderr", Level::Warn))
        .max_random_size(RANDOM)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    if let Rights::Connection {
        folder: Some(folder),
        ..
    } = rights
    {
        wasi.allow_tcp(false);
        let place = format!("/{}", folder.name);
        if let Err(error) = wasi.preopened_dir(&folder.path, place, FsPerms::ReadOnly) {
            // It was there a moment ago. The guest finds nothing and says so.
            tracing::warn!(folder = folder.name, %error, "a granted folder can't be opened");
        }
    } else if let Rights::Connection {
        transport,
        addresses,
        ..
    } = rights
    {
        let transport = *transport;
        let addresses = Arc::clone(addresses);
        let egress = Arc::clone(egress);
        let violations = violations.clone();
        wasi.allow_tcp(true)
            .socket_addr_check(move |address, usage| {
                let judged = match transport {
                    Transport::Tcp => admit(address, usage, &addresses, &egress),
                    _ => Err(Reason::NotOfTransport),
                };
                if let Err(reason) = judged {
                    violations.record(address.to_string(), reason);
                }
                Box::pin(async move { judged.is_ok() })
            });
    } else {
        wasi.allow_tcp(false);
    }
    wasi.build()
}

/// What a guest may do with an address: connect to one of its own. The bind is the one that each connect
/// begins with.
fn admit(
    address: SocketAddr,
    usage: SocketAddrUse,
    own: &[SocketAddr],
    egress: &EgressPolicy,
) -> Result<(), Reason> {
    match usage {
        SocketAddrUse::TcpBind if address.ip().is_unspecified() && address.port() == 0 => Ok(()),
        SocketAddrUse::TcpConnect => {
            egress::judge(address.ip(), egress)?;
            let canonical = SocketAddr::new(address.ip().to_canonical(), address.port());
            if own.contains(&canonical) {
                Ok(())
            } else {
                Err(Reason::NotOfConnection)
            }
        }
        _ => Err(Reason::Listening),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(address: &str, usage: SocketAddrUse) -> Result<(), Reason> {
        let own = ["10.0.0.1:5432".parse().expect("address")];
        admit(
            address.parse().expect("address"),
            usage,
            &own,
            &EgressPolicy::default(),
        )
    }

    #[test]
    fn a_session_connects_to_its_own_address_and_port_only() {
        use SocketAddrUse::TcpConnect;
        assert_eq!(admitted("10.0.0.1:5432", TcpConnect), Ok(()));
        assert_eq!(admitted("[::ffff:10.0.0.1]:5432", TcpConnect), Ok(()));
        assert_eq!(
            admitted("10.0.0.1:5433", TcpConnect),
            Err(Reason::NotOfConnection)
        );
        assert_eq!(
            admitted("10.0.0.2:5432", TcpConnect),
            Err(Reason::NotOfConnection)
        );
        assert_eq!(
            admitted("[::ffff:169.254.169.254]:80", TcpConnect),
            Err(Reason::Metadata)
        );
    }

    #[test]
    fn a_session_neither_binds_nor_listens_nor_sends_datagrams() {
        use SocketAddrUse::{TcpAccept, TcpBind, TcpListen, UdpBind, UdpReceive, UdpSend};
        assert_eq!(admitted("0.0.0.0:0", TcpBind), Ok(()));
        assert_eq!(admitted("[::]:0", TcpBind), Ok(()));
        assert_eq!(admitted("0.0.0.0:80", TcpBind), Err(Reason::Listening));
        assert_eq!(admitted("127.0.0.1:0", TcpBind), Err(Reason::Listening));
        for usage in [TcpListen, TcpAccept, UdpBind, UdpSend, UdpReceive] {
            assert_eq!(
                admitted("0.0.0.0:0", usage),
                Err(Reason::Listening),
                "{usage:?}"
            );
        }
    }
}
