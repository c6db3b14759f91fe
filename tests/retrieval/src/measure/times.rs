//! Times of one kind and how they are printed.

use std::time::{Duration, Instant};

use anyhow::Result;

#[derive(Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Runs something and notes how long it took.
    pub fn time<T>(&mut self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let begin = Instant::now();
        let done = work()?;
        self.0.push(begin.elapsed());
        Ok(done)
    }

    /// The time that this share of all did not exceed; zero of none.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "some hundred times, a share from 0 to 1"
    )]
    pub fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() as f64 * share) as usize;
        sorted
            .get(at.min(sorted.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    }
}

/// `12.3 ms`, `1.23 s`, `9.8 µs`.
pub fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 0.001 {
        format!("{:.2} ms", seconds * 1e3)
    } else {
        format!("{:.1} µs", seconds * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_time_that_was_measured() {
        let times = Times((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(times.quantile(0.5), Duration::from_millis(51));
        assert_eq!(times.quantile(0.95), Duration::from_millis(96));
        assert_eq!(times.quantile(1.0), Duration::from_millis(100));
        assert_eq!(Times::default().quantile(0.5), Duration::ZERO);
    }
}
