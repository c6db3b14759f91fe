//! The vectors of one scope, and the search for the nearest ones. usearch holds them.
//!
//! There is one index per scope, never one with a filter: a filter makes a graph search slow and incomplete
//! exactly where scopes are small. Up to [`EXACT_UP_TO`] vectors all of them are compared, which misses nothing
//! and is faster; the graph that usearch keeps in any case is then the cheapest that it can build. Beyond, a
//! real graph (HNSW) is searched.
//!
//! What usearch does not guard against is kept from it here:
//!
//! - An index never changes after it is built, by one thread: nothing is removed, added or replaced beside a
//!   search. Capacity is reserved before, because it does not grow by itself.
//! - Searches beyond the number of threads that were reserved fail. [`Gate`] lets as many in as were reserved;
//!   others wait their turn, some milliseconds.
//! - It takes vectors that are no directions and keys that are there already. Ours are [`Vector`]s, and keys are
//!   row numbers.
//! - Its files are not checked when they are read, and carry their own options. So there are none: the system
//!   database has the vectors, and an index is built from there, in 4 µs a vector where search is exact.
//! - A panic in a filter or a metric of ours would end the process. There are neither.
//!
//! It is built without its hand-written kernels (minutes of compiling); what that leaves is a scan that the
//! compiler vectorises for floats. Halves and bytes would save memory and cost more time than they save.

use std::sync::{Condvar, Mutex, PoisonError};

use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

use super::embed::Vector;

/// Up to this many vectors all are compared: measured, some 2 ms there.
pub const EXACT_UP_TO: usize = 32_768;

/// How many searches run at once in one index.
const SEARCHES: usize = 64;

/// Links of a node, and candidates while building and searching: recall@10 ≥ 0.99 for 100,000 vectors.
const GRAPH: Graph = Graph {
    connectivity: 16,
    expansion_add: 128,
    expansion_search: 256,
};

/// The least that usearch builds. It is never searched.
const NO_GRAPH: Graph = Graph {
    connectivity: 2,
    expansion_add: 1,
    expansion_search: 1,
};

struct Graph {
    connectivity: usize,
    expansion_add: usize,
    expansion_search: usize,
}

/// The index can't be built or searched: memory has run out.
#[derive(Debug, thiserror::Error)]
#[error("the vector index failed: {0}")]
pub struct IndexError(String);

fn failed(error: impl std::fmt::Display) -> IndexError {
    IndexError(error.to_string())
}

/// A row and how near it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    pub row: u32,
    /// From -1 to 1.
    pub cosine: f32,
}

/// The vectors of one scope. See the module.
pub struct Vectors {
    index: Index,
    exact: bool,
    gate: Gate,
}

impl std::fmt::Debug for Vectors {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let way = if self.exact { "exact" } else { "graph" };
        write!(formatter, "Vectors({}, {way})", self.index.size())
    }
}

impl Vectors {
    /// Indexes vectors under their rows, each of which comes once. All have the same number of dimensions.
    ///
    /// # Errors
    /// When memory has run out.
    pub fn build<'a>(
        dimensions: usize,
        rows: impl ExactSizeIterator<Item = (u32, &'a Vector)>,
    ) -> Result<Self, IndexError> {
        Self::build_with(dimensions, rows, EXACT_UP_TO)
    }

    fn build_with<'a>(
        dimensions: usize,
        rows: impl ExactSizeIterator<Item = (u32, &'a Vector)>,
        exact_up_to: usize,
    ) -> Result<Self, IndexError> {
        let exact = rows.len() <= exact_up_to;
        let graph = if exact { NO_GRAPH } else { GRAPH };
        let index = Index::new(&IndexOptions {
            dimensions,
            // Of vectors of length one it is the cosine.
            metric: MetricKind::IP,
            quantization: ScalarKind::F32,
            connectivity: graph.connectivity,
            expansion_add: graph.expansion_add,
            expansion_search: graph.expansion_search,
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
            exact,
            gate: Gate::new(SEARCHES),
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.size()
    }

    /// The nearest `count` rows, the nearest first, and of equally near ones the lower row.
    ///
    /// # Errors
    /// When memory has run out.
    pub fn search(&self, question: &Vector, count: usize) -> Result<Vec<Near>, IndexError> {
        let count = count.min(self.len());
        if count == 0 {
            return Ok(Vec::new());
        }
        let matches = {
            let _turn = self.gate.enter();
            if self.exact {
                self.index.exact_search(question.components(), count)
            } else {
                self.index.search(question.components(), count)
            }
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
        near.sort_by(|left, right| {
            right
                .cosine
                .total_cmp(&left.cosine)
                .then(left.row.cmp(&right.row))
        });
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
#[path = "vectors_tests.rs"]
mod tests;
