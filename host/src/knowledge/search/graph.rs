//! Vectors that are too many to compare all of them: a graph (HNSW), which usearch holds.
//!
//! It misses little (recall@10 is 0.99 or more) and takes long to build. What usearch does not guard against is kept
//! from it here:
//!
//! - An index never changes after it is built, by one thread: nothing is removed, added or replaced beside a
//!   search. Capacity is reserved before, because it does not grow by itself.
//! - Searches beyond the number of threads that were reserved fail. [`Gate`] lets as many in as were reserved;
//!   others wait their turn, some milliseconds.
//! - It takes vectors that are no directions and keys that are there already. Ours are [`Vector`]s, and keys are
//!   row numbers.
//! - Its files are not checked when they are read, and carry their own options. So there are none: the system
//!   database has the vectors, and an index is built from there.
//! - A panic in a filter or a metric of ours would end the process, and a filter makes a search slow and incomplete.
//!   There are neither: what may not be found is left out afterwards, and more is asked for.
//!
//! It is built without its hand-written kernels (minutes of compiling).

use std::sync::{Condvar, Mutex, PoisonError};

use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

use super::embed::Vector;
use super::vectors::{IndexError, Near};

/// How many searches run at once in one index.
const SEARCHES: usize = 64;

/// Links of a node, and candidates while building and searching: recall@10 ≥ 0.99 for 100,000 vectors.
const CONNECTIVITY: usize = 16;
const EXPANSION_ADD: usize = 128;
const EXPANSION_SEARCH: usize = 256;

/// How many times as many are asked for when too few may be found.
const FURTHER: usize = 4;

/// See the module.
pub struct Graph {
    index: Index,
    gate: Gate,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Graph({})", self.index.size())
    }
}

fn failed(error: impl std::fmt::Display) -> IndexError {
    IndexError(error.to_string())
}

impl Graph {
    /// Indexes vectors under their rows, each of which comes once. All have the same number of dimensions.
    ///
    /// # Errors
    /// When memory has run out.
    pub fn build<'a>(
        dimensions: usize,
        rows: impl ExactSizeIterator<Item = (u32, &'a Vector)>,
    ) -> Result<Self, IndexError> {
        let index = Index::new(&IndexOptions {
            dimensions,
            // Of vectors of length one it is the cosine.
            metric: MetricKind::IP,
            quantization: ScalarKind::F32,
            connectivity: CONNECTIVITY,
            expansion_add: EXPANSION_ADD,
            expansion_search: EXPANSION_SEARCH,
            multi: false,
        })
        .map_err(failed)?;
        index
            .reserve_capacity_and_threads(rows.len(), SEARCHES)
            .map_err(failed)?;
        for (row, vector) in rows {
            index
                .add(u64::from(row), vector.components())
                .map_err(failed)?;
        }
        Ok(Self {
            index,
            gate: Gate::new(SEARCHES),
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.size()
    }

    /// The nearest `count` rows of those that `keeps` admits, the nearest first, and of equally near ones the lower
    /// row.
    ///
    /// # Errors
    /// When memory has run out.
    pub fn nearest(
        &self,
        question: &Vector,
        count: usize,
        keeps: impl Fn(u32) -> bool,
    ) -> Result<Vec<Near>, IndexError> {
        let mut asked = count;
        loop {
            asked = asked.min(self.len());
            let mut near = self.search(question, asked)?;
            near.retain(|near| keeps(near.row));
            if near.len() >= count || asked == self.len() {
                near.truncate(count);
                return Ok(near);
            }
            asked *= FURTHER;
        }
    }

    fn search(&self, question: &Vector, count: usize) -> Result<Vec<Near>, IndexError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let matches = {
            let _turn = self.gate.enter();
            self.index
                .search(question.components(), count)
                .map_err(failed)?
        };
        let mut near: Vec<Near> = matches
            .keys
            .iter()
            .zip(&matches.distances)
            .filter_map(|(key, distance)| {
                Some(Near {
                    row: u32::try_from(*key).ok()?,
                    cosine: 1.0 - distance,
                })
            })
            .collect();
        near.sort_unstable_by(|left, right| right.cmp(left));
        Ok(near)
    }
}
/// Lets a number of threads in and makes the others wait.
struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A thread is inside until it drops this.
struct Turn<'a>(&'a Gate);

impl Gate {
    fn new(places: usize) -> Self {
        Self {
            free: Mutex::new(places),
            freed: Condvar::new(),
        }
    }

    fn enter(&self) -> Turn<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .freed
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
#[path = "graph_tests.rs"]
mod tests;
