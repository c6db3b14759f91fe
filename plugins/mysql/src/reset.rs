//! Making a session as new between two uses.

use datachat_sdk::connector::types::DbError;
use datachat_sdk::net::Transport;

use crate::protocol::command;
use crate::session::Session;
use crate::settings;

impl<T: Transport> Session<T> {
    /// Makes the session as new: no transaction, no variables, no temporary tables, no locks, no prepared
    /// statements. Sets it up again in the same round trip, `sql_mode` as it was when the session opened.
    ///
    /// # Errors
    /// The connection broke, or the server refused: one that does not know the command (before MySQL 5.7.3 and
    /// MariaDB 10.2.4) has to be connected to again.
    pub fn reset(&mut self) -> Result<(), DbError> {
        self.settle()?;
        self.forget();
        let parts = command::reset(&mut self.exchange.wire.out);
        self.exchange.sent(parts);
        self.exchange
            .queue(&self.server.set_up(Some(&self.sql_mode)));
        self.exchange.queue(settings::READ_ONLY);
        let mut answers = 3;
        // The command leaves the session in whatever database it was last sent to.
        if let Some(database) = &self.database {
            let parts = command::use_database(database, &mut self.exchange.wire.out);
            self.exchange.sent(parts);
            answers += 1;
        }
        self.exchange.wire.send()?;
        for _ in 0..answers {
            self.exchange.expect_ok()?;
        }
        self.is_set_up();
        Ok(())
    }
}
