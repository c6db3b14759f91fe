//! Rounds, medians and how they are printed.

use std::time::Duration;

/// The times of one contestant.
#[derive(Debug, Default, Clone)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// The middle one, or the upper of the two; zero of none.
    pub fn median(&self) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }
}

/// `12.3 ms`, `1.234 s`, `98 µs`.
pub fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.3} s")
    } else if seconds >= 0.001 {
        format!("{:.2} ms", seconds * 1e3)
    } else {
        format!("{:.0} µs", seconds * 1e6)
    }
}

/// How fast `ours` is in terms of `theirs`: above 1 we are faster.
pub fn ratio(ours: &Times, theirs: &Times) -> f64 {
    theirs.median().as_secs_f64() / ours.median().as_secs_f64()
}

/// A line of the report's tables.
pub fn line(case: &str, ours: &Times, theirs: &Times, aim: &str) -> String {
    let (our, their) = (shown(ours.median()), shown(theirs.median()));
    eprintln!("{case}: {our} / {their}");
    format!(
        "| {case} | {our} | {their} | {:.2} | {aim} |\n",
        ratio(ours, theirs)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(millis: &[u64]) -> Times {
        Times(millis.iter().copied().map(Duration::from_millis).collect())
    }

    #[test]
    fn the_median_ignores_outliers_and_the_ratio_says_who_is_faster() {
        let (ours, theirs) = (times(&[2, 900, 1]), times(&[4, 4, 5]));
        assert_eq!(ours.median(), Duration::from_millis(2));
        assert!((ratio(&ours, &theirs) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn times_are_shown_in_their_own_unit() {
        let all = [1_234_000, 12_300, 98]
            .map(Duration::from_micros)
            .map(shown);
        assert_eq!(all, ["1.234 s", "12.30 ms", "98 µs"]);
    }
}
