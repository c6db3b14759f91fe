//! Statements of our own: results as text, held until they are read.

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::net::Transport;

use crate::session::Session;
use crate::settings::Limits;

/// The rows of a result as text.
pub(crate) type TextRows = Vec<Vec<Option<String>>>;

impl<T: Transport> Session<T> {
    /// Runs statements of ours in one round trip and gives their results in their order.
    ///
    /// # Errors
    /// What the server says about the first that fails.
    pub(crate) fn fetch(&mut self, statements: &[&str]) -> Result<Vec<TextRows>, DbError> {
        self.settle()?;
        let told = self.tell(Limits::default());
        for sql in statements {
            self.exchange.queue(sql);
        }
        self.exchange.wire.send()?;
        let mut read = || {
            for _ in 0..told {
                self.exchange.expect_ok()?;
            }
            statements
                .iter()
                .map(|_| self.exchange.read_text_result())
                .collect::<Result<Vec<_>, _>>()
        };
        let results = read();
        if let Err(error) = &results
            && error.code != ErrorCode::Protocol
        {
            // Should that fail, the next use will tell.
            let _ = self.settle();
        }
        results
    }
}
