//! Our side: a component in its sandbox, called as the server calls it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use datachat::limits::Limits;
use datachat::plugins::{
    Admission, Components, ConnectionKey, Connector, EgressPolicy, Parameters, PluginOptions,
    Plugins, Statement, Target, Tls, TlsMode,
};
use datachat::query::{OnLimit, QueryLimits, QueryRequest, execute};
use datachat::registry::{ChosenBy, Connection};
use datachat::secret::Secret;

/// A loaded connector and its connection.
pub struct Component {
    connection: Connection,
    limits: Limits,
}

/// Where to connect.
pub struct Server<'a> {
    pub database_type: &'a str,
    pub port: u16,
    pub user: &'a str,
    pub password: &'a str,
    pub database: &'a str,
}

impl Component {
    pub async fn load(data: &Path, server: &Server<'_>) -> Result<Self> {
        let limits = Limits::default();
        let plugins = Plugins::load(PluginOptions {
            limits: limits.clone(),
            data_dir: data.to_path_buf(),
            egress: EgressPolicy::default(),
            components: Components::Shipped,
            admission: Admission::default(),
        })
        .await?;
        let connector = plugins
            .connector(server.database_type)
            .context("the component is missing; `cargo xtask plugins` builds it")?;
        let target = Target {
            host: "127.0.0.1".to_owned(),
            port: server.port,
            database: Some(server.database.to_owned()),
            user: Some(server.user.to_owned()),
            password: Some(Secret::new(server.password.to_owned())),
            options: Vec::new(),
            tls: Tls {
                mode: TlsMode::Disable,
                roots: None,
            },
        };
        Ok(Self {
            connection: Connection {
                key: ConnectionKey {
                    id: uuid::Uuid::new_v4(),
                    revision: 1,
                },
                name: "bench".to_owned(),
                database_type: server.database_type.to_owned(),
                target,
                connector: Arc::clone(&connector),
                chosen_by: ChosenBy::Explicit,
            },
            limits,
        })
    }

    /// Runs a statement through policy, sandbox, limits and intake; the number of rows in its batches.
    pub async fn rows(&self, sql: &str) -> Result<usize> {
        let request = QueryRequest {
            sql: sql.to_owned(),
            params: Parameters::Positional(Vec::new()),
            limits: QueryLimits {
                max_rows: self.limits.query_max_rows,
                max_bytes: self.limits.query_max_bytes,
                timeout_ms: self.limits.query_max_timeout_ms,
                on_limit: OnLimit::Error,
            },
        };
        let mut stream = execute(&self.connection, request, &self.limits).await?;
        let mut rows = 0;
        while let Some(batch) = stream.next().await? {
            rows += batch.num_rows();
        }
        Ok(rows)
    }

    /// A new instance that connects, authenticates and asks who it is.
    pub async fn cold(&self) -> Result<Duration> {
        let connector: &Connector = &self.connection.connector;
        Ok(connector.probe(&self.connection.target).await?.1)
    }

    /// A session out of the pool, or a new one where there is none yet, and one question on it.
    pub async fn warm(&self) -> Result<Duration> {
        let Connection {
            key,
            target,
            connector,
            ..
        } = &self.connection;
        let statement = Statement {
            sql: "SELECT 1".to_owned(),
            params: Parameters::Positional(Vec::new()),
            read_only: true,
            max_rows: None,
            max_bytes: None,
            timeout_ms: 0,
        };
        let began = Instant::now();
        let deadline = began + Duration::from_millis(self.limits.query_default_timeout_ms);
        let session = connector.session(*key, target).await?;
        let mut cursor = session.query(statement, deadline).await?;
        while cursor.read().await?.is_some() {}
        Ok(began.elapsed())
    }
}
