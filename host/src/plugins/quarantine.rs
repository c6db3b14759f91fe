//! When a plugin that keeps failing is left alone for a while.
//!
//! Failures in a row are counted; a success forgets them. At the limit the plugin is quarantined, then let
//! through again: the next failure quarantines it at once and for twice as long, up to ten minutes. Only
//! failures of the plugin itself count, not errors of a database and not slow ones. Pure: the caller
//! says what time it is.

use std::time::{Duration, Instant};

const LONGEST: Duration = Duration::from_mins(10);

/// The record of one plugin.
#[derive(Debug)]
pub(crate) struct Quarantine {
    threshold: u64,
    first: Duration,
    failures: u64,
    /// How many times in a row it was quarantined.
    level: u32,
    until: Option<Instant>,
}

impl Quarantine {
    pub(crate) fn new(threshold: u64, first: Duration) -> Self {
        Self {
            threshold,
            first,
            failures: 0,
            level: 0,
            until: None,
        }
    }

    /// How long the plugin still has to wait, if it has.
    pub(crate) fn remaining(&self, now: Instant) -> Option<Duration> {
        self.until
            .and_then(|until| until.checked_duration_since(now))
            .filter(|left| !left.is_zero())
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures
    }

    pub(crate) fn success(&mut self) {
        self.failures = 0;
        self.level = 0;
        self.until = None;
    }

    /// Counts a failure. Answers for how long it quarantines, if it does.
    pub(crate) fn failure(&mut self, now: Instant) -> Option<Duration> {
        self.failures += 1;
        // Calls that began before the quarantine may still fail during it; they don't lengthen it.
        if self.failures < self.threshold || self.remaining(now).is_some() {
            return None;
        }
        let time = self
            .first
            .saturating_mul(2u32.saturating_pow(self.level))
            .min(LONGEST);
        self.level += 1;
        self.until = Some(now + time);
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_success_forgets_earlier_failures() {
        let now = Instant::now();
        let mut record = Quarantine::new(3, SECOND);
        assert_eq!(record.failure(now), None);
        assert_eq!(record.failure(now), None);
        record.success();
        assert_eq!(record.failure(now), None);
        assert_eq!(record.failure(now), None);
        assert_eq!(record.failure(now), Some(SECOND));
        assert_eq!(record.remaining(now), Some(SECOND));
    }

    #[test]
    fn each_further_quarantine_is_twice_as_long_up_to_ten_minutes() {
        let mut now = Instant::now();
        let mut record = Quarantine::new(1, SECOND);
        let mut times = Vec::new();
        for _ in 0..12 {
            let time = record.failure(now).expect("quarantined");
            times.push(time.as_secs());
            assert_eq!(record.failure(now), None, "no lengthening while it lasts");
            now += time;
            assert_eq!(record.remaining(now), None);
        }
        assert_eq!(times, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        record.success();
        assert_eq!(record.failure(now), Some(SECOND));
    }
}
