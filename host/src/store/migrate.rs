//! Brings the tables up to date, once, whoever comes first.
//!
//! All missing steps run in one transaction under the writers' lock: two servers that start at once don't
//! disturb each other, and a kill in the middle leaves the tables as they were. A database that already has
//! steps which this program doesn't know belongs to a newer version and is left alone.

use std::time::Duration;

use super::open::prepare_file;
use super::{Failure, Store, StoreError, in_transaction};

/// One step. A step that was released is never changed; what comes later is a further step.
struct Migration {
    version: i64,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        sql: include_str!("migrations/0001_connections.sql"),
    },
    Migration {
        version: 2,
        sql: include_str!("migrations/0002_datapoints.sql"),
    },
    Migration {
        version: 3,
        sql: include_str!("migrations/0003_profiles.sql"),
    },
    Migration {
        version: 4,
        sql: include_str!("migrations/0004_conversations.sql"),
    },
];

/// Runs what is missing.
pub(super) async fn run(store: &Store) -> Result<(), Failure> {
    if let Some(file) = &store.inner.file {
        prepare_file(file)?;
    }
    // SQLite answers "locked" without waiting when two processes switch a new file to WAL at once. The
    // time limit of the call ends this.
    loop {
        match migrate(store).await {
            Err(Failure::Database(error)) if is_locked(&error) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            outcome => return outcome,
        }
    }
}

async fn migrate(store: &Store) -> Result<(), Failure> {
    in_transaction!(store, transaction => {
        sqlx::raw_sql(
            "CREATE TABLE IF NOT EXISTS datachat_migrations (version BIGINT PRIMARY KEY NOT NULL)",
        )
        .execute(&mut *transaction)
        .await?;
        let (done,): (Option<i64>,) = sqlx::query_as("SELECT MAX(version) FROM datachat_migrations")
            .fetch_one(&mut *transaction)
            .await?;
        let done = done.unwrap_or(0);
        let latest = MIGRATIONS.last().map_or(0, |migration| migration.version);
        if done > latest {
            return Err(StoreError::Newer.into());
        }
        for migration in MIGRATIONS.iter().filter(|migration| migration.version > done) {
            sqlx::raw_sql(migration.sql).execute(&mut *transaction).await?;
            sqlx::query("INSERT INTO datachat_migrations (version) VALUES ($1)")
                .bind(migration.version)
                .execute(&mut *transaction)
                .await?;
        }
    });
    Ok(())
}

/// `SQLITE_BUSY` and its variants.
fn is_locked(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    error
        .try_downcast_ref::<sqlx::sqlite::SqliteError>()
        .is_some()
        && error
            .code()
            .and_then(|code| code.parse::<u32>().ok())
            .is_some_and(|code| code & 0xff == 5)
}
