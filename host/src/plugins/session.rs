//! An open session of one instance: the typed calls into a connector.
//!
//! It knows whether a call is under way and whether a statement may still run on the server, so that whoever
//! drops it at any moment, in the middle of a call too, leaves nothing running: see [`super::lease`].

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wasmtime::component::ResourceAny;

use super::bindings::connector::exports::datachat::plugin::connector::{
    Address, Target as GuestTarget,
};
use super::bindings::connector::{ConnectorPlugin, ConnectorPluginPre};
use super::egress::EgressPolicy;
use super::folders::{Folder, Folders};
use super::instance::{Deadline, Instance, Rights, State};
use super::plugin::Plugin;
use super::{
    DbError, ErrorCode, PluginError, Relation, RelationFilter, ServerInfo, Statement, Target,
    Transport,
};

/// About how much of a result the guest hands over at a time, in bytes.
const CHUNK: u32 = 1 << 20;
/// Relations per call.
const PAGE: u32 = 500;

/// What makes instances of one connector.
pub(crate) struct Factory {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) pre: ConnectorPluginPre<State>,
    pub(crate) transport: Transport,
    pub(crate) egress: Arc<EgressPolicy>,
    /// What the operator lets it read.
    pub(crate) folders: Folders,
}

/// Where a session goes, with the addresses that it may reach, or the folder that it may read.
#[derive(Clone)]
pub(crate) struct Destination {
    pub(crate) connection: Option<Uuid>,
    pub(crate) target: Target,
    pub(crate) addresses: Arc<[SocketAddr]>,
    pub(crate) folder: Option<Folder>,
}

impl Factory {
    async fn instantiate(
        &self,
        to: &Destination,
        deadline: Deadline,
        cancelled: &CancellationToken,
    ) -> Result<(Instance, ConnectorPlugin), PluginError> {
        let rights = Rights::Connection {
            transport: self.transport,
            target: Box::new(to.target.clone()),
            addresses: Arc::clone(&to.addresses),
            folder: to.folder.clone(),
        };
        let making = Instance::new(
            Arc::clone(&self.plugin),
            to.connection,
            rights,
            &self.egress,
        );
        let mut instance = tokio::time::timeout_at(deadline.at.into(), making)
            .await
            .map_err(|_| deadline.passed())?;
        let bindings = instance
            .call("instantiate", deadline, cancelled, async |store| {
                self.pre.instantiate_async(store).await
            })
            .await?;
        Ok((instance, bindings))
    }

    /// Connects and authenticates.
    pub(crate) async fn open(
        &self,
        to: Destination,
        deadline: Deadline,
        cancelled: CancellationToken,
    ) -> Result<Live, PluginError> {
        let (mut instance, bindings) = self.instantiate(&to, deadline, &cancelled).await?;
        let target = guest_target(&to, deadline);
        let guest = bindings.datachat_plugin_connector();
        let session = instance
            .call("open", deadline, &cancelled, async |store| {
                guest.session().call_open(store, &target).await
            })
            .await?;
        let session = session.map_err(|error| instance.redactor().error(error))?;
        // HTTP is the host's: it has no way to the origin but the one that the connection demands.
        let own_wire = self.transport != Transport::Http;
        if own_wire && to.target.tls.mode.demands() && !instance.is_secured() {
            // Whatever the plugin had to say, it has said in clear text.
            return Err(PluginError::Failed {
                plugin: self.plugin.name.to_string(),
                detail: "it opened a session without the TLS that the connection demands"
                    .to_owned(),
            });
        }
        let token = instance
            .call("cancel-token", deadline, &cancelled, async |store| {
                guest.session().call_cancel_token(store, session).await
            })
            .await?;
        Ok(Live {
            instance,
            bindings,
            session,
            cursor: None,
            token,
            server: None,
            to,
            cancelled,
            calling: false,
            broken: false,
        })
    }

    /// Stops what another session runs, from a fresh instance.
    pub(crate) async fn cancel(&self, to: &Destination, token: &[u8]) -> Result<(), PluginError> {
        let deadline = Deadline::after(
            "cancel_timeout_ms",
            self.plugin.runtime.limits.cancel_timeout_ms,
        );
        let never = CancellationToken::new();
        let (mut instance, bindings) = self.instantiate(to, deadline, &never).await?;
        let target = guest_target(to, deadline);
        instance
            .call("cancel", deadline, &never, async |store| {
                bindings
                    .datachat_plugin_connector()
                    .call_cancel(store, &target, token)
                    .await
            })
            .await?
            .map_err(|error| instance.redactor().error(error).into())
    }
}

fn guest_target(to: &Destination, deadline: Deadline) -> GuestTarget {
    let target = &to.target;
    let left = deadline
        .at
        .saturating_duration_since(std::time::Instant::now());
    GuestTarget {
        host: target.host.clone(),
        port: target.port,
        addresses: to
            .addresses
            .iter()
            .map(|address| Address {
                ip: address.ip().to_string(),
                port: address.port(),
            })
            .collect(),
        database: target.database.clone(),
        user: target.user.clone(),
        options: target.options.clone(),
        tls: target.tls.mode,
        connect_timeout_ms: u32::try_from(left.as_millis()).unwrap_or(u32::MAX),
    }
}

/// An open session.
pub(crate) struct Live {
    instance: Instance,
    bindings: ConnectorPlugin,
    session: ResourceAny,
    cursor: Option<ResourceAny>,
    token: Option<Vec<u8>>,
    server: Option<ServerInfo>,
    to: Destination,
    cancelled: CancellationToken,
    calling: bool,
    broken: bool,
}

impl Live {
    /// Between calls, with no open result, and nothing went wrong: it can serve again.
    pub(crate) fn reusable(&self) -> bool {
        !self.calling && !self.broken && self.cursor.is_none()
    }

    /// How to stop what the server may still run for this session.
    pub(crate) fn running(&self) -> Option<(&Destination, &[u8])> {
        let token = self.token.as_deref()?;
        (self.calling || self.cursor.is_some()).then_some((&self.to, token))
    }

    /// What it is connected to, if somebody has asked.
    pub(crate) fn known_server(&self) -> Option<&ServerInfo> {
        self.server.as_ref()
    }

    pub(crate) async fn server(&mut self, deadline: Deadline) -> Result<ServerInfo, PluginError> {
        if let Some(server) = &self.server {
            return Ok(server.clone());
        }
        let session = self.session;
        let server = self
            .call("server", deadline, async |guest, store| {
                guest.session().call_server(store, session).await
            })
            .await?;
        let server = self.instance.redactor().server(server);
        self.server = Some(server.clone());
        Ok(server)
    }

    pub(crate) async fn relations(
        &mut self,
        filter: &RelationFilter,
        max: u64,
        deadline: Deadline,
    ) -> Result<Vec<Relation>, PluginError> {
        let session = self.session;
        let list = self
            .call("relations", deadline, async |guest, store| {
                guest.session().call_relations(store, session, filter).await
            })
            .await?;
        let mut relations = Vec::new();
        loop {
            let page = self
                .call("relations", deadline, async |guest, store| {
                    guest.relation_list().call_next(store, list, PAGE).await
                })
                .await?;
            if page.is_empty() {
                break;
            }
            let redactor = self.instance.redactor();
            relations.extend(page.into_iter().map(|relation| redactor.relation(relation)));
            if relations.len() as u64 > max {
                self.broken = true;
                return Err(PluginError::Limit {
                    plugin: self.instance.plugin().name.to_string(),
                    limit: "relations_max",
                });
            }
        }
        self.drop_resource(list, deadline).await?;
        self.instance.plugin().proved();
        Ok(relations)
    }

    /// Starts a statement; its rows come from [`Live::read`].
    pub(crate) async fn query(
        &mut self,
        statement: &Statement,
        deadline: Deadline,
    ) -> Result<(), PluginError> {
        let session = self.session;
        let cursor = self
            .call("query", deadline, async |guest, store| {
                guest.session().call_query(store, session, statement).await
            })
            .await?;
        self.cursor = Some(cursor);
        Ok(())
    }

    /// The next chunk of the open result; none at its end, which closes it.
    pub(crate) async fn read(&mut self, deadline: Deadline) -> Result<Option<Bytes>, PluginError> {
        let Some(cursor) = self.cursor else {
            return Ok(None);
        };
        let chunk = self
            .call("read", deadline, async |guest, store| {
                guest.cursor().call_read(store, cursor, CHUNK).await
            })
            .await;
        match chunk {
            Ok(chunk) if chunk.is_empty() => {
                self.cursor = None;
                self.drop_resource(cursor, deadline).await?;
                self.instance.plugin().proved();
                Ok(None)
            }
            Ok(chunk) => {
                metrics::counter!("datachat_plugin_bytes_read_total",
                    "plugin" => Arc::clone(&self.instance.plugin().name))
                .increment(chunk.len() as u64);
                Ok(Some(chunk.into()))
            }
            Err(error) => {
                // The server ended the statement with its error, unless the instance is gone.
                if matches!(error, PluginError::Database(_)) {
                    self.cursor = None;
                    if !self.broken {
                        self.drop_resource(cursor, deadline).await?;
                    }
                }
                Err(error)
            }
        }
    }

    /// Makes the session as new.
    pub(crate) async fn reset(&mut self, deadline: Deadline) -> Result<(), PluginError> {
        let session = self.session;
        self.call("reset", deadline, async |guest, store| {
            guest.session().call_reset(store, session).await
        })
        .await
    }

    /// Lets the guest say goodbye to its server.
    pub(crate) async fn close(mut self, deadline: Deadline) {
        if self.reusable() {
            let session = self.session;
            let _ = self.drop_resource(session, deadline).await;
        }
    }

    async fn drop_resource(
        &mut self,
        resource: ResourceAny,
        deadline: Deadline,
    ) -> Result<(), PluginError> {
        self.calling = true;
        let never = CancellationToken::new();
        let result = self
            .instance
            .call("drop", deadline, &never, async |store| {
                resource.resource_drop_async(store).await
            })
            .await;
        self.calling = false;
        self.broken |= result.is_err();
        result
    }

    async fn call<T>(
        &mut self,
        name: &'static str,
        deadline: Deadline,
        run: impl AsyncFnOnce(
            &super::bindings::connector::exports::datachat::plugin::connector::Guest,
            &mut wasmtime::Store<State>,
        ) -> wasmtime::Result<Result<T, DbError>>,
    ) -> Result<T, PluginError> {
        self.calling = true;
        let guest = self.bindings.datachat_plugin_connector();
        let result = self
            .instance
            .call(name, deadline, &self.cancelled, async |store| {
                run(guest, store).await
            })
            .await;
        match result {
            Ok(answer) => {
                self.calling = false;
                answer.map_err(|error| {
                    self.instance.plugin().proved();
                    // After these nobody knows where in the protocol the session stands.
                    self.broken |= matches!(
                        error.code,
                        ErrorCode::Protocol | ErrorCode::Internal | ErrorCode::ConnectionRefused
                    );
                    self.instance.redactor().error(error).into()
                })
            }
            // `calling` stays: the statement may still run.
            Err(error) => {
                self.broken = true;
                Err(error)
            }
        }
    }
}
