//! Sessions that wait for their next use, and how many there may be.
//!
//! Idle sessions are kept per connection and revision of one loaded plugin; a session never serves another. Those
//! of a plugin that was replaced or removed end when they come back. Every open
//! session has a seat, of which each connection has a few and the server a total. A request takes an idle session;
//! or waits for one that is just being reset, which is quicker than opening another; or opens one if
//! there is a seat, closing another connection's idle session if the total is used up; or waits.
//! Generic over the session so that the rules are tested without one.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{ConnectionKey, PluginError};

/// A loaded plugin. The same bytes loaded again, with other grants, are another owner.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owner {
    /// It was replaced or removed: nothing of it is kept.
    retired: Arc<AtomicBool>,
}

impl Owner {
    /// It is in use again.
    pub(crate) fn revive(&self) {
        self.retired.store(false, Ordering::SeqCst);
    }

    fn is_retired(&self) -> bool {
        self.retired.load(Ordering::SeqCst)
    }
}

impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.retired, &other.retired)
    }
}

impl Eq for Owner {}

impl Hash for Owner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.retired).hash(state);
    }
}

/// Whose sessions they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PoolKey {
    pub(crate) owner: Owner,
    pub(crate) connection: ConnectionKey,
}

/// How many, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolLimits {
    pub(crate) per_connection: usize,
    pub(crate) total: usize,
    pub(crate) wait: Duration,
    pub(crate) idle: Duration,
}

/// All sessions of the server.
pub(crate) struct Pool<S> {
    limits: PoolLimits,
    buckets: Mutex<HashMap<PoolKey, Arc<Bucket<S>>>>,
    seats: Arc<Seats>,
}

/// The total.
struct Seats {
    taken: AtomicUsize,
    freed: Notify,
}

/// The sessions of one connection.
struct Bucket<S> {
    owner: Owner,
    state: Mutex<State<S>>,
    changed: Notify,
    cancelled: CancellationToken,
}

struct State<S> {
    idle: Vec<(Kept<S>, Instant)>,
    /// Seats taken, by sessions in use, idle or being reset.
    open: usize,
    resetting: usize,
    waiting: usize,
}

/// The right to one open session. Dropping it gives the seat back.
pub(crate) struct Seat<S> {
    bucket: Arc<Bucket<S>>,
    seats: Arc<Seats>,
}

/// A session and its seat.
pub(crate) struct Kept<S> {
    pub(crate) session: S,
    pub(crate) seat: Seat<S>,
}

/// What a request got.
pub(crate) enum Acquired<S> {
    Idle(Kept<S>),
    /// Open one and keep it on this seat.
    Seat(Seat<S>),
}

/// A session on its way back, while it is made as new.
pub(crate) struct Resetting<S>(Seat<S>);

impl<S> Bucket<S> {
    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Drop for Seat<S> {
    fn drop(&mut self) {
        self.bucket.state().open -= 1;
        self.seats.taken.fetch_sub(1, Ordering::Relaxed);
        self.bucket.changed.notify_one();
        self.seats.freed.notify_one();
    }
}

impl<S> Seat<S> {
    /// Ends when the connection was changed or deleted.
    pub(crate) fn cancelled(&self) -> CancellationToken {
        self.bucket.cancelled.clone()
    }

    /// The session is about to be reset; others may wait for it.
    pub(crate) fn resetting(self) -> Resetting<S> {
        self.bucket.state().resetting += 1;
        Resetting(self)
    }
}

impl<S> Resetting<S> {
    /// The session is as new.
    pub(crate) fn done(self, session: S) {
        let bucket = Arc::clone(&self.0.bucket);
        let seats = Arc::clone(&self.0.seats);
        // The seat moves on with the session; what is left of `self` only counts.
        bucket.state().open += 1;
        seats.taken.fetch_add(1, Ordering::Relaxed);
        Kept {
            session,
            seat: Seat { bucket, seats },
        }
        .idle();
    }
}

impl<S> Drop for Resetting<S> {
    fn drop(&mut self) {
        self.0.bucket.state().resetting -= 1;
    }
}

impl<S> Kept<S> {
    /// Gives the session back for the next use.
    pub(crate) fn idle(self) {
        let bucket = Arc::clone(&self.seat.bucket);
        let seats = Arc::clone(&self.seat.seats);
        let mut state = bucket.state();
        if bucket.cancelled.is_cancelled() || bucket.owner.is_retired() {
            // The seat takes the lock when it goes.
            drop(state);
            drop(self);
            return;
        }
        state.idle.push((self, Instant::now()));
        drop(state);
        bucket.changed.notify_one();
        seats.freed.notify_one();
    }

    /// Takes all other idle sessions of the connection out: this one proved dead, and so will they.
    pub(crate) fn siblings(&self) -> Vec<Kept<S>> {
        let idle = std::mem::take(&mut self.seat.bucket.state().idle);
        idle.into_iter().map(|(kept, _)| kept).collect()
    }
}

impl<S> Pool<S> {
    pub(crate) fn new(limits: PoolLimits) -> Self {
        Self {
            limits,
            buckets: Mutex::default(),
            seats: Arc::new(Seats {
                taken: AtomicUsize::new(0),
                freed: Notify::new(),
            }),
        }
    }

    /// An idle session or a seat for a new one.
    pub(crate) async fn acquire(&self, key: &PoolKey) -> Result<Acquired<S>, PluginError> {
        let bucket = self.bucket(key);
        let deadline = Instant::now() + self.limits.wait;
        loop {
            // Registered before looking, so that no change in between is missed.
            let mut changed = pin!(bucket.changed.notified());
            changed.as_mut().enable();
            let mut freed = pin!(self.seats.freed.notified());
            freed.as_mut().enable();
            if let Some(acquired) = self.try_acquire(&bucket) {
                return Ok(acquired);
            }
            let _waiting = Waiting::new(&bucket);
            tokio::select! {
                () = changed => {}
                () = freed => {}
                () = bucket.cancelled.cancelled() => return Err(PluginError::Cancelled),
                () = tokio::time::sleep_until(deadline.into()) => {
                    return Err(PluginError::Busy { max: self.limits.per_connection.min(self.limits.total) });
                }
            }
        }
    }

    fn try_acquire(&self, bucket: &Arc<Bucket<S>>) -> Option<Acquired<S>> {
        loop {
            {
                let mut state = bucket.state();
                if let Some((kept, _)) = state.idle.pop() {
                    return Some(Acquired::Idle(kept));
                }
                if state.resetting > state.waiting || state.open >= self.limits.per_connection {
                    return None;
                }
                let reserved =
                    self.seats
                        .taken
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                            (taken < self.limits.total).then_some(taken + 1)
                        });
                if reserved.is_ok() {
                    state.open += 1;
                    return Some(Acquired::Seat(Seat {
                        bucket: Arc::clone(bucket),
                        seats: Arc::clone(&self.seats),
                    }));
                }
            }
            // The total is used up: close the session that has been idle longest, of whomever.
            drop(self.oldest_idle()?);
        }
    }

    fn oldest_idle(&self) -> Option<Kept<S>> {
        let buckets = self.all();
        let oldest = buckets
            .iter()
            .filter_map(|bucket| Some((bucket.state().idle.first()?.1, bucket)))
            .min_by_key(|(since, _)| *since)?
            .1;
        let mut state = oldest.state();
        (!state.idle.is_empty()).then(|| state.idle.remove(0).0)
    }

    /// Closes what has been idle for too long, and forgets connections without sessions. Gives the sessions.
    pub(crate) fn expire(&self, now: Instant) -> Vec<Kept<S>> {
        let mut expired = Vec::new();
        for bucket in self.all() {
            let mut state = bucket.state();
            let cut = state
                .idle
                .partition_point(|(_, since)| now.duration_since(*since) >= self.limits.idle);
            expired.extend(state.idle.drain(..cut).map(|(kept, _)| kept));
        }
        self.map()
            .retain(|_, bucket| Arc::strong_count(bucket) > 1 || bucket.state().open > 0);
        expired
    }

    /// Cancels everything of a connection, in all its revisions, and gives its idle sessions.
    pub(crate) fn forget(&self, connection: Uuid) -> Vec<Kept<S>> {
        let forgotten: Vec<_> = self
            .map()
            .extract_if(|key, _| key.connection.id == connection)
            .map(|(_, bucket)| bucket)
            .collect();
        Self::cancel(&forgotten)
    }

    /// Gives the idle sessions of a plugin; those in use end when they come back. Nothing is cancelled.
    pub(crate) fn retire(&self, owner: &Owner) -> Vec<Kept<S>> {
        // Before the idle ones are taken: whoever comes back after that sees it.
        owner.retired.store(true, Ordering::SeqCst);
        let of_owner = self
            .all()
            .into_iter()
            .filter(|bucket| bucket.owner == *owner);
        of_owner
            .flat_map(|bucket| std::mem::take(&mut bucket.state().idle))
            .map(|(kept, _)| kept)
            .collect()
    }

    /// Cancels everything.
    pub(crate) fn close(&self) -> Vec<Kept<S>> {
        let all: Vec<_> = self.map().drain().map(|(_, bucket)| bucket).collect();
        Self::cancel(&all)
    }

    fn cancel(buckets: &[Arc<Bucket<S>>]) -> Vec<Kept<S>> {
        let mut idle = Vec::new();
        for bucket in buckets {
            bucket.cancelled.cancel();
            idle.append(&mut bucket.state().idle);
        }
        idle.into_iter().map(|(kept, _)| kept).collect()
    }

    /// Open sessions, and how many of them are idle.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let idle = self.all().iter().map(|b| b.state().idle.len()).sum();
        (self.seats.taken.load(Ordering::Relaxed), idle)
    }

    fn bucket(&self, key: &PoolKey) -> Arc<Bucket<S>> {
        let mut buckets = self.map();
        if let Some(bucket) = buckets.get(key) {
            return Arc::clone(bucket);
        }
        let bucket = Arc::new(Bucket {
            owner: key.owner.clone(),
            state: Mutex::new(State {
                idle: Vec::new(),
                open: 0,
                resetting: 0,
                waiting: 0,
            }),
            changed: Notify::new(),
            cancelled: CancellationToken::new(),
        });
        buckets.insert(key.clone(), Arc::clone(&bucket));
        bucket
    }

    fn all(&self) -> Vec<Arc<Bucket<S>>> {
        self.map().values().map(Arc::clone).collect()
    }

    fn map(&self) -> MutexGuard<'_, HashMap<PoolKey, Arc<Bucket<S>>>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// Idle sessions hold their bucket and it holds them.
impl<S> Drop for Pool<S> {
    fn drop(&mut self) {
        drop(self.close());
    }
}

/// Counts a waiting request while it waits.
struct Waiting<'a, S>(&'a Bucket<S>);

impl<'a, S> Waiting<'a, S> {
    fn new(bucket: &'a Bucket<S>) -> Self {
        bucket.state().waiting += 1;
        Self(bucket)
    }
}

impl<S> Drop for Waiting<'_, S> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
