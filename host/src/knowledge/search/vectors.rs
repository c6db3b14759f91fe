//! The vectors of one scope, and the search for the nearest ones.
//!
//! There is one index per scope, never one with a filter: a filter makes a graph search slow and incomplete
//! exactly where scopes are small. Up to [`EXACT_UP_TO`] vectors all of them are compared ([`Scan`]), which misses
//! nothing and takes no more than a copy to build. Beyond, a [`Graph`] is searched.

use std::cmp::Ordering;

use super::embed::Vector;
use super::graph::Graph;
use super::scan::Scan;

/// Up to this many vectors all are compared. Measured for 384 dimensions: a scan takes some 55 ns a vector, so 1.8 ms
/// of 32,768 and 3.6 ms of these. A graph answers in 1 ms from 20,000 on, but needs a minute to be built, at every
/// change.
pub const EXACT_UP_TO: usize = 65_536;

/// The vector index can't be built or searched: memory has run out.
#[derive(Debug, thiserror::Error)]
#[error("the vector index failed: {0}")]
pub struct IndexError(pub(super) String);

/// A row and how near it is. The greater is the nearer one, and of equally near ones the lower row.
#[derive(Debug, Clone, Copy)]
pub struct Near {
    pub row: u32,
    /// From -1 to 1.
    pub cosine: f32,
}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_cosine = self.cosine.total_cmp(&other.cosine);
        by_cosine.then_with(|| other.row.cmp(&self.row))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Near {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Near {}

/// See the module.
#[derive(Debug)]
pub enum Vectors {
    Scan(Scan),
    Graph(Graph),
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
        Ok(if rows.len() <= exact_up_to {
            Self::Scan(Scan::new(dimensions, rows))
        } else {
            Self::Graph(Graph::build(dimensions, rows)?)
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Scan(scan) => scan.len(),
            Self::Graph(graph) => graph.len(),
        }
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
        match self {
            Self::Scan(scan) => Ok(scan.nearest(question, count, keeps)),
            Self::Graph(graph) => graph.nearest(question, count, keeps),
        }
    }
}

#[cfg(test)]
#[path = "vectors_tests.rs"]
mod tests;
