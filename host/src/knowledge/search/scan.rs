//! Vectors that are all compared: the search that misses nothing.
//!
//! They lie one behind the other, so that a search reads memory in order; how fast that is, is all that counts.
//! As floats, in as many sums as the compiler keeps in wide registers, a vector of 384 dimensions takes 25 ns from
//! the cache and 45 ns from memory. Bytes and 16-bit numbers were measured, too: without instructions that not
//! every machine has, widening them takes the time that reading them saves, and their error would have to be made
//! good by comparing again.
//!
//! Only the best so far are kept while scanning, so a search puts nothing into order that it does not give. Whether
//! a row may be found is asked only of those that would be among them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::embed::{Vector, dot};
use super::vectors::Near;

/// See the module.
#[derive(Debug, Default)]
pub struct Scan {
    dimensions: usize,
    /// Of all vectors, one behind the other.
    components: Vec<f32>,
    /// Whose they are, in the same order.
    rows: Vec<u32>,
}

impl Scan {
    /// Copies vectors, all of so many dimensions.
    #[must_use]
    pub fn new<'a>(
        dimensions: usize,
        rows: impl ExactSizeIterator<Item = (u32, &'a Vector)>,
    ) -> Self {
        let mut scan = Self {
            dimensions,
            components: Vec::with_capacity(rows.len() * dimensions),
            rows: Vec::with_capacity(rows.len()),
        };
        for (row, vector) in rows {
            scan.rows.push(row);
            scan.components.extend_from_slice(vector.components());
        }
        scan
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The nearest `count` rows of those that `keeps` admits, the nearest first, and of equally near ones the lower
    /// row.
    #[must_use]
    pub fn nearest(
        &self,
        question: &Vector,
        count: usize,
        keeps: impl Fn(u32) -> bool,
    ) -> Vec<Near> {
        let count = count.min(self.len());
        let mut best: BinaryHeap<Reverse<Near>> = BinaryHeap::with_capacity(count);
        let vectors = self.components.chunks_exact(self.dimensions.max(1));
        for (row, vector) in self.rows.iter().zip(vectors) {
            let near = Near {
                row: *row,
                cosine: dot(question.components(), vector),
            };
            if best.len() < count {
                if keeps(near.row) {
                    best.push(Reverse(near));
                }
            } else if let Some(mut worst) = best.peek_mut()
                && near > worst.0
                && keeps(near.row)
            {
                worst.0 = near;
            }
        }
        best.into_sorted_vec()
            .into_iter()
            .map(|Reverse(near)| near)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Few different numbers in few dimensions: many vectors are equally near, many are the same or opposite.
    fn crowded() -> impl Strategy<Value = Vec<Vec<i8>>> {
        (1_usize..=3).prop_flat_map(|dimensions| {
            let vector = prop::collection::vec(-1_i8..=1, dimensions)
                .prop_filter("no direction", |vector| {
                    vector.iter().any(|part| *part != 0)
                });
            prop::collection::vec(vector, 1..60)
        })
    }

    /// Components from the least to the greatest that there are, over more dimensions than are summed at once.
    fn wild() -> impl Strategy<Value = Vec<Vec<f32>>> {
        let component = prop_oneof![
            3 => -1.0_f32..1.0,
            1 => prop::sample::select(vec![0.0, -0.0, f32::MIN_POSITIVE, 1e-30, 1e30, -1e30, f32::MAX, f32::MIN]),
        ];
        let vector = prop::collection::vec(component, 37).prop_filter("no direction", |vector| {
            vector.iter().any(|part| *part != 0.0)
        });
        prop::collection::vec(vector, 1..40)
    }

    fn agrees(vectors: &[Vector], count: usize, every: u32) -> Result<(), TestCaseError> {
        let (question, dimensions) = (&vectors[0], vectors[0].components().len());
        let keeps = |row: u32| !row.is_multiple_of(every);
        // Rows with gaps: not every entry has a vector.
        let rows: Vec<(u32, &Vector)> = (0..).step_by(3).zip(vectors).collect();
        let found = Scan::new(dimensions, rows.iter().copied()).nearest(question, count, keeps);
        let mut expected: Vec<(u32, f32)> = rows
            .iter()
            .map(|(row, vector)| (*row, vector.cosine(question)))
            .filter(|(row, _)| keeps(*row))
            .collect();
        expected.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
        expected.truncate(count);
        let found: Vec<(u32, f32)> = found.iter().map(|near| (near.row, near.cosine)).collect();
        prop_assert_eq!(found, expected);
        Ok(())
    }

    proptest! {
        #[test]
        fn the_nearest_of_those_that_may_be_found_are_found_in_order_also_among_equals(
            vectors in crowded(),
            count in 0_usize..70,
            every in 1_u32..6,
        ) {
            let vector = |parts: &Vec<i8>| {
                let parts = parts.iter().map(|part| f32::from(*part)).collect();
                Vector::new(parts, vectors[0].len()).unwrap()
            };
            agrees(&vectors.iter().map(vector).collect::<Vec<_>>(), count, every)?;
        }

        #[test]
        fn nothing_is_missed_whatever_the_components_are(vectors in wild(), count in 1_usize..40) {
            let vector = |parts: &Vec<f32>| Vector::new(parts.clone(), 37).unwrap();
            agrees(&vectors.iter().map(vector).collect::<Vec<_>>(), count, 7)?;
        }
    }
}
