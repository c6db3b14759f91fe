//! Vectors that may be compared: finite, of length one, and with the name of who made them.

use std::fmt::{self, Display};
use std::sync::Arc;

/// Who makes vectors. Two of them can be compared only if all three are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// As people call the embedder.
    pub name: String,
    /// Changes with everything that changes a vector: weights, addresses, the way of counting.
    pub digest: String,
    pub dimensions: usize,
}

/// `name@digest/dimensions`, to be stored beside a vector.
impl Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}@{}/{}",
            self.name, self.digest, self.dimensions
        )
    }
}

/// How far an embedder's cosines say something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trust {
    /// The cosine below which two texts have nothing to do with each other.
    pub floor: f32,
    /// What meaning counts in a search, from 0 to 1; words count the rest.
    pub weight: f32,
}

/// What no search could do anything sensible with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVector {
    #[error("the vector has {got} dimensions, not {expected}")]
    Dimensions { expected: usize, got: usize },
    /// It would rank before everything else.
    #[error("the vector has a component that is not a finite number")]
    NotFinite,
    /// It has no direction.
    #[error("the vector is zero")]
    Zero,
}

/// A vector of length one.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector(Arc<[f32]>);

impl Vector {
    /// Checks the components and scales them to length one.
    ///
    /// # Errors
    /// See [`InvalidVector`].
    pub fn new(mut components: Vec<f32>, dimensions: usize) -> Result<Self, InvalidVector> {
        if components.len() != dimensions {
            return Err(InvalidVector::Dimensions {
                expected: dimensions,
                got: components.len(),
            });
        }
        if !components.iter().all(|component| component.is_finite()) {
            return Err(InvalidVector::NotFinite);
        }
        // Doubles: the square of a large component does not fit into a float, nor that of a small one.
        let length = components
            .iter()
            .map(|component| f64::from(*component).powi(2))
            .sum::<f64>()
            .sqrt();
        if length == 0.0 {
            return Err(InvalidVector::Zero);
        }
        for component in &mut components {
            #[expect(clippy::cast_possible_truncation, reason = "from -1 to 1 by now")]
            {
                *component = (f64::from(*component) / length) as f32;
            }
        }
        Ok(Self(components.into()))
    }

    #[must_use]
    pub fn components(&self) -> &[f32] {
        &self.0
    }

    /// From -1 to 1; both must be of one embedder.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> f32 {
        dot(&self.0, &other.0)
    }
}

/// In so many sums at once the compiler uses wide registers.
const LANES: usize = 16;

/// The sum of the products of two vectors of the same length.
#[must_use]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    let (left, left_rest) = left.as_chunks::<LANES>();
    let (right, right_rest) = right.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (left, right) in left.iter().zip(right) {
        for (sum, (left, right)) in sums.iter_mut().zip(left.iter().zip(right)) {
            *sum += left * right;
        }
    }
    let rest = left_rest.iter().zip(right_rest);
    sums.iter().sum::<f32>() + rest.map(|(left, right)| left * right).sum::<f32>()
}

/// A vector and who made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    pub identity: Arc<Identity>,
    pub vector: Vector,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_vector_that_can_not_be_compared_is_refused() {
        assert_eq!(
            Vector::new(vec![1.0], 2),
            Err(InvalidVector::Dimensions {
                expected: 2,
                got: 1
            })
        );
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(
                Vector::new(vec![0.5, odd], 2),
                Err(InvalidVector::NotFinite)
            );
        }
        assert_eq!(Vector::new(vec![0.0, -0.0], 2), Err(InvalidVector::Zero));
    }

    proptest! {
        /// Also where the number of dimensions is none of the lanes'.
        #[test]
        fn a_sum_of_products_is_that_of_doubles_but_for_rounding(
            pairs in prop::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), 0..70),
        ) {
            let (left, right): (Vec<f32>, Vec<f32>) = pairs.iter().copied().unzip();
            let products = pairs.iter().map(|(left, right)| f64::from(*left) * f64::from(*right));
            prop_assert!((f64::from(dot(&left, &right)) - products.sum::<f64>()).abs() < 1e-5);
        }
    }

    #[test]
    fn every_other_has_length_one_however_large_or_small_it_was() {
        for scale in [1e-38_f32, 1.0, 1e38] {
            let vector = Vector::new(vec![3.0 * scale, -2.0 * scale], 2).unwrap();
            assert!((vector.cosine(&vector) - 1.0).abs() < 1e-6, "{scale}");
        }
        let (right, up) = (vec![1.0, 0.0], vec![0.0, 7.0]);
        let (right, up) = (Vector::new(right, 2).unwrap(), Vector::new(up, 2).unwrap());
        assert!(right.cosine(&up).abs() < 1e-6);
    }
}
