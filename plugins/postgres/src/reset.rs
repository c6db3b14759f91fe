//! Making a session as new between two uses.

use datachat_sdk::connector::types::DbError;
use datachat_sdk::net::Transport;
use postgres_protocol::message::frontend;

use crate::session::{Session, WATCH, unwritable};

impl<T: Transport> Session<T> {
    /// Makes the session as new, but keeps what we have prepared.
    ///
    /// `DISCARD ALL` would forget the prepared statements, so its parts are sent one by one. Cached plans are
    /// left alone: the server replaces those that have become wrong by itself.
    ///
    /// # Errors
    /// The connection broke, or the server refused.
    pub fn reset(&mut self) -> Result<(), DbError> {
        self.settle()?;
        // On a standby nobody can LISTEN, and UNLISTEN is an error there.
        let unlisten = if self.wire.parameter("in_hot_standby") == Some("on") {
            ""
        } else {
            "UNLISTEN *"
        };
        let watch = if self.is_watched { WATCH } else { "" };
        for sql in [
            "CLOSE ALL",
            "SET SESSION AUTHORIZATION DEFAULT",
            "RESET ROLE",
            "RESET ALL",
            watch,
            unlisten,
            "SELECT pg_catalog.pg_advisory_unlock_all()",
            "DISCARD TEMP",
            "DISCARD SEQUENCES",
        ] {
            self.queue("", sql, &[])?;
            frontend::execute("", 0, &mut self.wire.out).map_err(unwritable)?;
        }
        // Statements that somebody prepared with SQL, under names that could be ours next.
        let foreign = self.fetch(
            "SELECT 'foreign' FROM pg_catalog.pg_prepared_statements WHERE from_sql LIMIT 1",
            &[],
        )?;
        // The other rows are of the functions before it.
        let is_foreign = |row: &Vec<Option<String>>| row.first() == Some(&Some("foreign".into()));
        if foreign.iter().any(is_foreign) {
            self.fetch("DEALLOCATE ALL", &[])?;
            self.forget_statements();
        }
        Ok(())
    }
}
