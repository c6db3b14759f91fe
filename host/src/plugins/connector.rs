//! A loaded connector and the sessions that it gives out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::cursor::Cursor;
use super::folders::{Folder, Folders};
use super::instance::Deadline;
use super::lease::Lease;
use super::pool::{Acquired, Pool, PoolKey};
use super::session::{Destination, Factory, Live};
use super::{
    ConnectionKey, ConnectorInfo, ErrorCode, PluginError, Relation, RelationFilter, ServerInfo,
    Statement, Target, Transport, resolve,
};

/// The sessions of all connectors.
pub(crate) type SessionPool = Pool<Box<Live>>;

/// A loaded connector component. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    inner: Arc<Inner>,
}

struct Inner {
    info: ConnectorInfo,
    factory: Arc<Factory>,
    pool: Arc<SessionPool>,
}

impl Connector {
    pub(crate) fn new(info: ConnectorInfo, factory: Factory, pool: Arc<SessionPool>) -> Self {
        Self {
            inner: Arc::new(Inner {
                info,
                factory: Arc::new(factory),
                pool,
            }),
        }
    }

    pub(crate) fn plugin(&self) -> &super::plugin::Plugin {
        &self.inner.factory.plugin
    }

    /// What the component says it is.
    pub fn info(&self) -> &ConnectorInfo {
        &self.inner.info
    }

    /// `sha256:` and 64 hex digits.
    pub fn digest(&self) -> &str {
        &self.plugin().digest
    }

    /// The folders that it was granted, by name.
    pub fn folders(&self) -> &Folders {
        &self.inner.factory.folders
    }

    /// Judges the addresses of a target, or its folder, without connecting.
    ///
    /// # Errors
    /// [`PluginError::HostNotFound`], [`PluginError::AddressNotAllowed`], [`PluginError::FolderNotGranted`],
    /// [`PluginError::FolderMissing`].
    pub async fn vet(&self, target: &Target) -> Result<(), PluginError> {
        self.inner
            .destination(None, target, self.inner.connect_deadline())
            .await
            .map(drop)
    }

    /// A session of the connection: an idle one of the pool, else a new one, else it waits.
    ///
    /// # Errors
    /// [`PluginError::Busy`] if none becomes free in time, and why a new one could not be opened.
    pub async fn session(
        &self,
        key: ConnectionKey,
        target: &Target,
    ) -> Result<Session, PluginError> {
        self.plugin().admit()?;
        let pool_key = PoolKey {
            owner: self.plugin().owner.clone(),
            connection: key,
        };
        let (lease, reused) = match self.inner.pool.acquire(&pool_key).await? {
            Acquired::Idle(kept) => (Lease::of(Arc::clone(&self.inner.factory), kept), true),
            Acquired::Seat(seat) => {
                let opened = self.inner.open(key, target, seat.cancelled()).await?;
                let factory = Arc::clone(&self.inner.factory);
                (Lease::new(factory, Box::new(opened), seat), false)
            }
        };
        Ok(Session {
            lease,
            connector: self.clone(),
            key,
            target: target.clone(),
            reused,
            reading: None,
        })
    }

    /// Connects once, outside any pool, and says what is there and how long that took.
    ///
    /// # Errors
    /// Why there is no session.
    pub async fn probe(&self, target: &Target) -> Result<(ServerInfo, Duration), PluginError> {
        self.plugin().admit()?;
        let began = Instant::now();
        let deadline = self.inner.connect_deadline();
        let to = self.inner.destination(None, target, deadline).await?;
        let mut live = self
            .inner
            .factory
            .open(to, deadline, CancellationToken::new())
            .await?;
        let server = live.server(deadline).await?;
        let took = began.elapsed();
        live.close(deadline).await;
        Ok((server, took))
    }
}

impl Inner {
    fn connect_deadline(&self) -> Deadline {
        Deadline::after(
            "connect_timeout_ms",
            self.factory.plugin.runtime.limits.connect_timeout_ms,
        )
    }

    async fn destination(
        &self,
        key: Option<ConnectionKey>,
        target: &Target,
        deadline: Deadline,
    ) -> Result<Destination, PluginError> {
        if self.info.transport == Transport::Files {
            return Ok(Destination {
                connection: key.map(|key| key.id),
                target: target.clone(),
                addresses: [].into(),
                folder: Some(self.folder(&target.host).await?),
            });
        }
        let resolving = resolve::resolve(&target.host, target.port, &self.factory.egress);
        let addresses = tokio::time::timeout_at(deadline.at.into(), resolving)
            .await
            .map_err(|_| deadline.passed())??;
        Ok(Destination {
            connection: key.map(|key| key.id),
            target: target.clone(),
            addresses: addresses.into(),
            folder: None,
        })
    }

    /// The granted folder that a URL's host names.
    async fn folder(&self, name: &str) -> Result<Folder, PluginError> {
        let plugin = || self.factory.plugin.name.to_string();
        let name = name.to_owned();
        let Some(path) = self.factory.folders.get(&name) else {
            let plugin = plugin();
            return Err(PluginError::FolderNotGranted {
                plugin,
                folder: name,
            });
        };
        match tokio::fs::metadata(path).await {
            Ok(found) if found.is_dir() => Ok(Folder {
                name,
                path: path.clone(),
            }),
            _ => Err(PluginError::FolderMissing {
                plugin: plugin(),
                folder: name,
            }),
        }
    }

    async fn open(
        &self,
        key: ConnectionKey,
        target: &Target,
        cancelled: CancellationToken,
    ) -> Result<Live, PluginError> {
        let deadline = self.connect_deadline();
        let to = self.destination(Some(key), target, deadline).await?;
        let live = self.factory.open(to, deadline, cancelled).await?;
        metrics::counter!("datachat_plugin_sessions_opened_total",
            "plugin" => Arc::clone(&self.factory.plugin.name))
        .increment(1);
        Ok(live)
    }
}

/// A session taken from the pool. Dropping it unused gives it back.
///
/// An idle session may have died meanwhile, because its server was restarted. If the first call on one fails
/// in a way that says so, the call is made once more on a new session.
pub struct Session {
    lease: Lease,
    connector: Connector,
    key: ConnectionKey,
    target: Target,
    /// It comes from the pool and has not proved alive yet.
    reused: bool,
    /// How its server reads a text, if somebody has asked.
    reading: Option<Vec<(String, String)>>,
}

impl Session {
    fn deadline(&self) -> Deadline {
        Deadline::after(
            "call_timeout_ms",
            self.connector.plugin().runtime.limits.call_timeout_ms,
        )
    }

    /// What the session is connected to; asked once per session and kept.
    ///
    /// # Errors
    /// The database's error, a limit, or a failure of the plugin.
    pub async fn server(&mut self) -> Result<ServerInfo, PluginError> {
        let known = self.lease.untouched().and_then(Live::known_server).cloned();
        let server = match known {
            Some(server) => server,
            None => self.ask_server().await?,
        };
        self.reading = Some(server.reading.clone());
        Ok(server)
    }

    async fn ask_server(&mut self) -> Result<ServerInfo, PluginError> {
        let deadline = self.deadline();
        match self.lease.live()?.server(deadline).await {
            Err(error) if self.renew(&error).await? => self.lease.live()?.server(deadline).await,
            answer => answer,
        }
    }

    /// All relations that fit the filter.
    ///
    /// # Errors
    /// The database's error, a limit, or a failure of the plugin.
    pub async fn relations(
        &mut self,
        filter: RelationFilter,
    ) -> Result<Vec<Relation>, PluginError> {
        let deadline = self.deadline();
        let max = self.connector.plugin().runtime.limits.relations_max;
        match self.lease.live()?.relations(&filter, max, deadline).await {
            Err(error) if self.renew(&error).await? => {
                self.lease.live()?.relations(&filter, max, deadline).await
            }
            answer => answer,
        }
    }

    /// Starts a statement. At `deadline` it is cancelled, also while rows are being read.
    ///
    /// # Errors
    /// The database's error, a limit, the deadline (`timeout_ms`), or a failure of the plugin.
    pub async fn query(
        mut self,
        statement: Statement,
        deadline: Instant,
    ) -> Result<Cursor, PluginError> {
        let mut deadline = Deadline::until("timeout_ms", deadline);
        if statement.timeout_ms > 0 {
            // What was asked for, rather than what opening the session left of it.
            deadline.millis = statement.timeout_ms.into();
        }
        match self.lease.live()?.query(&statement, deadline).await {
            // What writes must not be sent twice.
            Err(error) if statement.read_only && self.renew(&error).await? => {
                let live = self.lease.live()?;
                // Who has judged the text has done so for a session that reads it as the dead one did.
                if let Some(reading) = &self.reading
                    && live.server(deadline).await?.reading != *reading
                {
                    return Err(error);
                }
                live.query(&statement, deadline).await?;
            }
            answer => answer?,
        }
        Ok(Cursor::new(self.lease, deadline))
    }

    /// Puts a new session in the place of one that died while it was idle. Says whether it did.
    async fn renew(&mut self, error: &PluginError) -> Result<bool, PluginError> {
        let dead = matches!(error, PluginError::Database(e)
            if e.retryable || matches!(e.code, ErrorCode::Protocol | ErrorCode::ConnectionRefused));
        if !std::mem::take(&mut self.reused) || !dead {
            return Ok(false);
        }
        tracing::debug!(plugin = %self.connector.plugin().name, connection = %self.key.id, "an idle session had died, opening another");
        self.lease.close_siblings();
        self.lease.end();
        let inner = &self.connector.inner;
        let pool_key = PoolKey {
            owner: self.connector.plugin().owner.clone(),
            connection: self.key,
        };
        self.lease = match inner.pool.acquire(&pool_key).await? {
            Acquired::Idle(kept) => Lease::of(Arc::clone(&inner.factory), kept),
            Acquired::Seat(seat) => {
                let opened = inner.open(self.key, &self.target, seat.cancelled()).await?;
                Lease::new(Arc::clone(&inner.factory), Box::new(opened), seat)
            }
        };
        Ok(true)
    }
}
