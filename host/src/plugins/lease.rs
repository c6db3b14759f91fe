//! A session in somebody's hands. However it is let go of, nothing is left running.
//!
//! Let go of unused, it goes back to its pool as it is; after use, it is reset in the background first. If a
//! call was under way or rows were left, the instance is dropped at once, with its sockets, and a
//! cancel goes out from a fresh instance; the seat is given back after that, for only then is the
//! database free of it.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::PluginError;
use super::instance::Deadline;
use super::pool::{Kept, Resetting, Seat};
use super::session::{Factory, Live};

/// Holds a session until it is dropped.
pub(crate) struct Lease {
    kept: Option<Kept<Box<Live>>>,
    factory: Arc<Factory>,
    /// It served a call since it was taken.
    used: bool,
}

impl Lease {
    pub(crate) fn new(factory: Arc<Factory>, session: Box<Live>, seat: Seat<Box<Live>>) -> Self {
        Self::of(factory, Kept { session, seat })
    }

    pub(crate) fn of(factory: Arc<Factory>, kept: Kept<Box<Live>>) -> Self {
        Self {
            kept: Some(kept),
            factory,
            used: false,
        }
    }

    /// The session, to make a call.
    ///
    /// # Errors
    /// [`PluginError::Cancelled`] after the lease was ended.
    pub(crate) fn live(&mut self) -> Result<&mut Live, PluginError> {
        self.used = true;
        self.kept
            .as_mut()
            .map(|kept| kept.session.as_mut())
            .ok_or(PluginError::Cancelled)
    }

    /// The session, to look at it.
    pub(crate) fn untouched(&self) -> Option<&Live> {
        self.kept.as_ref().map(|kept| kept.session.as_ref())
    }

    /// Ends when the connection was changed or deleted.
    pub(crate) fn cancelled(&self) -> CancellationToken {
        self.kept
            .as_ref()
            .map(|kept| kept.seat.cancelled())
            .unwrap_or_default()
    }

    /// This session proved dead: the idle ones beside it are too.
    pub(crate) fn close_siblings(&self) {
        if let Some(kept) = &self.kept {
            drop(kept.siblings());
        }
    }

    /// Lets go now.
    pub(crate) fn end(&mut self) {
        let Some(kept) = self.kept.take() else { return };
        if !self.used {
            kept.idle();
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let Kept { session, seat } = kept;
        if session.reusable() {
            // Counted from now on, and not from when the task runs: who asks next waits for this session.
            let resetting = seat.resetting();
            runtime.spawn(reset(Arc::clone(&self.factory), session, resetting));
        } else if let Some((to, token)) = session.running() {
            let (to, token) = (to.clone(), token.to_vec());
            let factory = Arc::clone(&self.factory);
            drop(session);
            runtime.spawn(async move {
                if let Err(error) = factory.cancel(&to, &token).await {
                    let connection = to.connection.map(tracing::field::display);
                    tracing::warn!(plugin = %factory.plugin.name, connection, %error, "a statement could not be cancelled");
                }
                drop(seat);
            });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.end();
    }
}

async fn reset(factory: Arc<Factory>, mut session: Box<Live>, resetting: Resetting<Box<Live>>) {
    let limits = &factory.plugin.runtime.limits;
    // A request may be waiting for this session; leave it time to open another.
    let millis = limits
        .call_timeout_ms
        .min(limits.session_wait_ms / 2)
        .max(1);
    let deadline = Deadline::after("call_timeout_ms", millis);
    match session.reset(deadline).await {
        Ok(()) if session.reusable() => resetting.done(session),
        Ok(()) => {}
        Err(error) => {
            tracing::debug!(plugin = %factory.plugin.name, %error, "a session was not reset, closing it");
        }
    }
}

/// Closes idle sessions politely, a few seconds each at most.
pub(crate) async fn close(sessions: Vec<Kept<Box<Live>>>, patience: Duration) {
    let millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
    let closing = sessions.into_iter().map(|kept| {
        let Kept { session, seat } = kept;
        async move {
            session
                .close(Deadline::after("cancel_timeout_ms", millis))
                .await;
            drop(seat);
        }
    });
    futures_util::future::join_all(closing).await;
}
