//! Word from other servers that something was written.
//!
//! On PostgreSQL every writing transaction notifies a channel as it commits, and each server listens to it. That is a
//! hint to look, no more: it says nothing of what was written, and whoever relies on it polls as well, for a
//! notification is lost while the listener's connection is. A lost connection is made anew, and then counts as a
//! hint itself. SQLite has nothing of the kind, so there nobody ever hears anything.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Pool, Store};

/// The channel.
pub(super) const CHANNEL: &str = "datachat_changes";

/// How long a listener that could not connect waits before it tries again.
const PAUSE: Duration = Duration::from_secs(1);

impl Store {
    /// Passes hints that something was written on to `hint`, until `stop`. The listener's connection is its own.
    pub async fn listen(self, hint: &Notify, stop: CancellationToken) {
        let Pool::Postgres(pool) = &self.inner.pool else {
            return;
        };
        let own = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(self.inner.timeout)
            .connect_lazy_with((*pool.connect_options()).clone());
        tokio::select! {
            () = stop.cancelled() => {}
            () = hear(&own, hint) => {}
        }
        own.close().await;
    }
}

async fn hear(pool: &PgPool, hint: &Notify) {
    loop {
        match listener(pool).await {
            Ok(mut listener) => {
                tracing::debug!("listening to what other servers write");
                // What was written before is news, too.
                hint.notify_one();
                loop {
                    match listener.try_recv().await {
                        // Whether there is a message or the connection was lost for a moment: something may have
                        // been written.
                        Ok(_) => hint.notify_one(),
                        Err(error) => {
                            tracing::debug!(%error, "the listener lost its connection");
                            break;
                        }
                    }
                }
            }
            Err(error) => {
                tracing::debug!(%error, "nobody listens; changes are looked for in turns");
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listener(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
