//! Leaves an endpoint alone that fails again and again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts failures in a row; after so many of them nobody is let through for a while, then one at a time tries.
#[derive(Debug)]
pub struct Breaker {
    failures: u64,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failed: u64,
    /// Not to be asked before.
    until: Option<Instant>,
}

impl Breaker {
    pub fn new(failures: u64, pause: Duration) -> Self {
        Self {
            failures,
            pause,
            state: Mutex::default(),
        }
    }

    /// How long the endpoint is still left alone, if it is.
    ///
    /// # Errors
    /// The time that is left.
    pub fn enter(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.until {
            Some(until) if now < until => Err(until - now),
            Some(_) => {
                // This one tries; the others wait for what comes of it.
                state.until = Some(now + self.pause);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// How long the endpoint is left alone from `now`, if it is.
    pub fn pause(&self, now: Instant) -> Option<Duration> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.until?.checked_duration_since(now)
    }

    pub fn succeeded(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    pub fn failed(&self, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failed += 1;
        if state.failed >= self.failures {
            state.until = Some(now + self.pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_failures_in_a_row_nobody_is_let_through_and_then_one_at_a_time() {
        let pause = Duration::from_secs(30);
        let breaker = Breaker::new(2, pause);
        let start = Instant::now();
        breaker.failed(start);
        breaker.succeeded();
        breaker.failed(start);
        assert_eq!(breaker.enter(start), Ok(()), "not in a row");
        breaker.failed(start);
        assert_eq!(breaker.enter(start), Err(pause));
        let later = start + pause;
        assert_eq!(breaker.enter(later), Ok(()));
        assert_eq!(breaker.enter(later), Err(pause), "one is trying");
        breaker.succeeded();
        assert_eq!(breaker.enter(later), Ok(()));
        assert_eq!(breaker.pause(later), None);
    }
}
