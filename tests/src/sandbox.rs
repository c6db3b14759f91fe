//! The plugin runtime inside the test program, without a server around it.

use std::path::Path;
use std::time::{Duration, Instant};

use datachat::limits::Limits;
use datachat::plugins::{
    Admission, Components, ConnectionKey, Connector, Cursor, EgressPolicy, Parameters, PluginError,
    PluginOptions, Plugins, Statement, Target, Tls, TlsMode,
};
use datachat::secret::Secret;
use uuid::Uuid;

/// How long a statement may take on a busy machine when its time is not what is tested.
const PATIENCE: Duration = Duration::from_mins(1);

/// Loads components with the default rules for the network. Artifacts are kept in `data_dir`.
///
/// # Panics
/// When there is no engine on this machine.
pub async fn load(data_dir: &Path, components: Components, limits: Limits) -> Plugins {
    Plugins::load(PluginOptions {
        limits,
        data_dir: data_dir.to_owned(),
        egress: EgressPolicy::default(),
        components,
        admission: Admission::default(),
    })
    .await
    .expect("an engine")
}

/// A database of this machine, reached without TLS.
pub fn target(port: u16, database: &str, user: &str, password: &str) -> Target {
    Target {
        host: "127.0.0.1".to_owned(),
        port,
        database: Some(database.to_owned()),
        user: Some(user.to_owned()),
        password: Some(Secret::new(password.to_owned())),
        options: Vec::new(),
        tls: Tls {
            mode: TlsMode::Disable,
            roots: None,
        },
    }
}

/// A connection, as sessions are kept apart by it.
pub fn key(id: u128) -> ConnectionKey {
    ConnectionKey {
        id: Uuid::from_u128(id),
        revision: 1,
    }
}

/// A statement that only reads, without limits.
pub fn statement(sql: &str) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: Parameters::Positional(Vec::new()),
        read_only: true,
        max_rows: None,
        max_bytes: None,
        timeout_ms: 0,
    }
}

/// Starts a statement on a session of the connection that has the target's port as its id.
///
/// # Errors
/// What the connector says.
pub async fn start(
    connector: &Connector,
    target: &Target,
    sql: &str,
) -> Result<Cursor, PluginError> {
    let id = u128::from(target.port);
    let session = connector.session(key(id), target).await?;
    session
        .query(statement(sql), Instant::now() + PATIENCE)
        .await
}

/// The whole result of a statement, as [`start`] starts it.
///
/// # Errors
/// What the connector says.
pub async fn ask(
    connector: &Connector,
    target: &Target,
    sql: &str,
) -> Result<Vec<u8>, PluginError> {
    let mut cursor = start(connector, target, sql).await?;
    let mut all = Vec::new();
    while let Some(chunk) = cursor.read().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}
