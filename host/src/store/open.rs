//! Where the system database is, and a pool for it that has not connected yet.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{Inner, Pool, Store};
use crate::limits::Limits;
use crate::secret::Secret;

/// The file of the SQLite store.
const FILE_NAME: &str = "datachat.db";

/// Where the system database is.
#[derive(Debug, Clone)]
pub enum Location {
    /// The file `datachat.db` in this folder, which is made if it is missing.
    DataDir(PathBuf),
    /// `SYSTEM_DATABASE_URL`: a PostgreSQL database.
    Url(Secret<String>),
}

/// `SYSTEM_DATABASE_URL` is no URL of a PostgreSQL database. Never shows the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "SYSTEM_DATABASE_URL is not a usable PostgreSQL URL (postgresql://user:password@host:port/database): {message}"
)]
pub struct InvalidLocation {
    pub message: &'static str,
}

impl Store {
    /// Prepares the store without connecting: a database that is down now is connected to later.
    ///
    /// # Errors
    /// [`InvalidLocation`], for a URL that can never work.
    pub fn open(location: &Location, limits: &Limits) -> Result<Self, InvalidLocation> {
        let timeout = Duration::from_millis(limits.store_timeout_ms);
        let connect = Duration::from_millis(limits.store_connect_ms);
        let connections = u32::try_from(limits.store_connections).unwrap_or(u32::MAX);
        let (pool, file) = match location {
            Location::DataDir(folder) => {
                let file = folder.join(FILE_NAME);
                let options = SqliteConnectOptions::new()
                    .filename(&file)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    .busy_timeout(timeout)
                    .disable_statement_logging();
                let pool = SqlitePoolOptions::new()
                    .max_connections(connections)
                    .acquire_timeout(connect)
                    .connect_lazy_with(options);
                (Pool::Sqlite(pool), Some(file))
            }
            Location::Url(url) => {
                let options = postgres_options(url.reveal())?.disable_statement_logging();
                let pool = PgPoolOptions::new()
                    .max_connections(connections)
                    .acquire_timeout(connect)
                    .connect_lazy_with(options);
                (Pool::Postgres(pool), None)
            }
        };
        Ok(Self {
            inner: Arc::new(Inner {
                pool,
                file,
                is_migrated: AtomicBool::new(false),
                migrating: tokio::sync::Mutex::new(()),
                timeout,
                long_timeout: Duration::from_millis(limits.store_long_timeout_ms),
                lease: Duration::from_millis(limits.sync_lease_ms),
                retry: Duration::from_millis(limits.store_retry_ms),
                failed_at: Mutex::new(None),
                is_down: AtomicBool::new(false),
            }),
        })
    }

    /// Whether several servers may share it.
    pub fn is_shared(&self) -> bool {
        matches!(self.inner.pool, Pool::Postgres(_))
    }
}

/// Reads the URL with the driver's own parser; a `+driver` suffix of the scheme is dropped. The driver's
/// error is not passed on, for it may quote the URL.
fn postgres_options(url: &str) -> Result<PgConnectOptions, InvalidLocation> {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://").ok_or(InvalidLocation {
        message: "it has no scheme",
    })?;
    let base = scheme.split_once('+').map_or(scheme, |(base, _)| base);
    if !["postgresql", "postgres"].contains(&base.to_ascii_lowercase().as_str()) {
        return Err(InvalidLocation {
            message: "its scheme is not postgresql",
        });
    }
    let url = Secret::new(format!("postgresql://{rest}"));
    let options = PgConnectOptions::from_str(url.reveal()).map_err(|_| InvalidLocation {
        message: "its user, password, host, port or options can't be read; special characters must be percent-encoded",
    })?;
    Ok(options.application_name("datachat"))
}

/// Makes the folder and an empty file, both for the owner only, unless they are there.
pub(super) fn prepare_file(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(file)?;
    Ok(())
}
