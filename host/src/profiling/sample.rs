//! What some rows of a table say about all of them.
//!
//! Rows are counted as they come and not kept. Values are told apart by their JSON text, as results show them:
//! that is exact for every type of every database, where their own `DISTINCT` knows only some types and ignores
//! case or trailing blanks in others.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};

use serde_json::value::RawValue;

/// Rows, counted.
#[derive(Debug)]
pub struct Sample {
    pub rows: u64,
    columns: Vec<Tally>,
    hasher: RandomState,
}

/// The values of a column, counted.
#[derive(Debug, Default)]
struct Tally {
    nulls: u64,
    /// How often each value was seen, by its hash: among thousands two don't share one of 64 bits.
    values: HashMap<u64, u64>,
    /// Values that were seen once.
    singles: u64,
}

/// What is known of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Findings {
    /// From 0 to 1; `None` without rows.
    pub null_rate: Option<f64>,
    pub distinct: u64,
    /// Of the table; `None` if nobody knows how many rows it has.
    pub distinct_estimate: Option<u64>,
    /// Neither null nor repeated, in at least two rows.
    pub is_unique: bool,
}

impl Sample {
    pub fn new(columns: usize) -> Self {
        Self {
            rows: 0,
            columns: (0..columns).map(|_| Tally::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Counts a row; false for one of another width.
    pub fn add(&mut self, row: &[&RawValue]) -> bool {
        if row.len() != self.columns.len() {
            return false;
        }
        self.rows += 1;
        for (tally, cell) in self.columns.iter_mut().zip(row) {
            let text = cell.get();
            if text == "null" {
                tally.nulls += 1;
                continue;
            }
            match tally.values.entry(self.hasher.hash_one(text)) {
                Entry::Vacant(place) => {
                    place.insert(1);
                    tally.singles += 1;
                }
                Entry::Occupied(mut place) => {
                    if *place.get() == 1 {
                        tally.singles -= 1;
                    }
                    *place.get_mut() += 1;
                }
            }
        }
        true
    }

    /// What is known of the column at a place, of a table of `total` rows.
    pub fn findings(&self, column: usize, total: Option<u64>) -> Option<Findings> {
        let tally = self.columns.get(column)?;
        let distinct = tally.values.len() as u64;
        Some(Findings {
            null_rate: (self.rows > 0).then(|| ratio(tally.nulls, self.rows)),
            distinct,
            distinct_estimate: total.map(|total| {
                let filled = self.rows - tally.nulls;
                estimate(
                    filled,
                    distinct,
                    tally.singles,
                    filled_of(total, filled, self.rows),
                )
            }),
            is_unique: self.rows > 1 && distinct == self.rows,
        })
    }
}

/// Four digits, which is more than a sample of a thousand is worth.
#[expect(clippy::cast_precision_loss, reason = "a sample has few rows")]
fn ratio(part: u64, whole: u64) -> f64 {
    (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0
}

/// How many of `total` rows have a value if `filled` of `rows` do.
fn filled_of(total: u64, filled: u64, rows: u64) -> u64 {
    if rows == 0 {
        return 0;
    }
    let share = u128::from(total) * u128::from(filled) / u128::from(rows);
    u64::try_from(share).unwrap_or(u64::MAX).max(filled)
}

/// How many different values `total` of them have, of which `n` were seen with `distinct` different ones and
/// `singles` that came once: the estimator of Haas and Stokes that PostgreSQL's planner uses as well. It gives
/// `distinct` if all were seen or each came again, and `total` if none did.
fn estimate(n: u64, distinct: u64, singles: u64, total: u64) -> u64 {
    if n == 0 || total <= n {
        return distinct;
    }
    let [n, d, f, all] = [n, distinct, singles, total].map(u128::from);
    // n d / (n - f + f n / all), without fractions.
    let below = (n - f) * all + f * n;
    let estimated = (n * d * all + below / 2) / below.max(1);
    u64::try_from(estimated)
        .unwrap_or(u64::MAX)
        .clamp(distinct, total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(rows: &[&str]) -> Sample {
        let mut sample = Sample::new(1);
        for row in rows {
            let cell: &RawValue = serde_json::from_str(row).expect("JSON");
            assert!(sample.add(&[cell]));
        }
        sample
    }

    #[test]
    fn nulls_and_values_are_counted_and_a_key_has_no_repetition() {
        let found = sample(&["1", "null", "\"1\"", "1"]).findings(0, Some(4));
        let expected = Findings {
            null_rate: Some(0.25),
            distinct: 2,
            distinct_estimate: Some(2),
            is_unique: false,
        };
        assert_eq!(found, Some(expected));
        let unique = |rows: &[&str]| sample(rows).findings(0, None).map(|found| found.is_unique);
        assert_eq!(unique(&["1", "2"]), Some(true));
        assert_eq!(unique(&["1", "2", "null"]), Some(false));
        assert_eq!(unique(&["1"]), Some(false), "one row says nothing");
    }

    #[test]
    fn without_rows_or_a_number_of_them_nothing_is_made_up() {
        let nothing = sample(&[]).findings(0, Some(0)).expect("a column");
        assert_eq!(
            (nothing.null_rate, nothing.distinct_estimate),
            (None, Some(0))
        );
        let unknown = sample(&["1", "2"]).findings(0, None).expect("a column");
        assert_eq!(unknown.distinct_estimate, None);
        assert_eq!(sample(&[]).findings(1, None), None);
    }

    #[test]
    fn a_row_of_another_width_is_not_counted() {
        let mut sample = Sample::new(2);
        assert!(!sample.add(&[RawValue::NULL]));
        assert_eq!(sample.rows, 0);
    }

    #[test]
    fn the_estimate_grows_with_what_came_once() {
        assert_eq!(estimate(100, 5, 0, 1_000_000), 5, "each came again");
        assert_eq!(estimate(100, 100, 100, 1_000_000), 1_000_000, "none did");
        let between = estimate(100, 60, 30, 1_000_000);
        assert!((60..200).contains(&between), "{between}");
    }

    proptest! {
        #[test]
        fn an_estimate_lies_between_what_was_seen_and_all_there_is(
            values in prop::collection::vec(prop::option::of(0_u8..20), 0..200),
            more in 0_u64..u64::MAX / 2,
        ) {
            let rows: Vec<String> = values
                .iter()
                .map(|value| value.map_or("null".to_owned(), |value| value.to_string()))
                .collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let sample = sample(&rows);
            let total = sample.rows + more;
            let found = sample.findings(0, Some(total)).expect("a column");
            let estimate = found.distinct_estimate.expect("of a known number");
            prop_assert!(found.distinct <= estimate && estimate <= total);
            if more == 0 {
                prop_assert_eq!(estimate, found.distinct);
            }
            let nulls = values.iter().filter(|value| value.is_none()).count() as u64;
            if let Some(rate) = found.null_rate {
                prop_assert!((rate - ratio(nulls, sample.rows)).abs() < f64::EPSILON);
            }
        }
    }
}
