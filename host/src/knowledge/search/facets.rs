//! What entries say, one thing at a time: a vector for a name, a synonym, a column, beside the one for the whole.
//!
//! The vector of a long text is the mean of all that it says, and a question is mostly about one thing of it. So
//! the rows that are near as a whole are judged once more by their nearest facet. Only those: no index is searched
//! for facets, so that they multiply neither the scan nor the graph.
//!
//! Components are bytes, a quarter of the memory; what a cosine loses by that is below 0.001 for hundreds of
//! dimensions.

use super::embed::Vector;

/// What the whole counts beside the nearest facet. Of the shares that were tried on the labelled questions this one
/// puts the right ones first most often.
const WHOLE: f32 = 0.4;

/// The facets of all rows of a scope.
#[derive(Debug, Default)]
pub struct Facets {
    dimensions: usize,
    /// Of all facets, one behind the other.
    components: Vec<i8>,
    /// By facet: what a component is to be multiplied with.
    scales: Vec<f32>,
    /// By row: the number of facets up to its end.
    ends: Vec<u32>,
}

/// A question's vector, ready to be compared with facets.
#[derive(Debug)]
pub struct Probe {
    components: Vec<i8>,
    scale: f32,
}

impl Probe {
    #[must_use]
    pub fn of(question: &Vector) -> Self {
        let (components, scale) = bytes(question);
        Self { components, scale }
    }
}

impl Facets {
    /// None yet, for vectors of so many dimensions.
    #[must_use]
    pub fn new(dimensions: usize) -> Self {
        Self {
            dimensions,
            ..Self::default()
        }
    }

    /// Adds the next row.
    pub fn push<'a>(&mut self, facets: impl IntoIterator<Item = &'a Vector>) {
        for facet in facets {
            let (components, scale) = bytes(facet);
            self.components.extend(components);
            self.scales.push(scale);
        }
        let end = u32::try_from(self.scales.len()).unwrap_or(u32::MAX);
        self.ends.push(end);
    }

    /// How near a row is, from its nearness as a whole and that of its nearest facet.
    #[must_use]
    pub fn judge(&self, row: u32, whole: f32, probe: &Probe) -> f32 {
        let nearest = self.of_row(row).map(|facet| self.cosine(facet, probe));
        let nearest = nearest.fold(whole, f32::max);
        WHOLE.mul_add(whole, (1.0 - WHOLE) * nearest)
    }

    fn of_row(&self, row: u32) -> std::ops::Range<usize> {
        let row = row as usize;
        let end = |row: usize| self.ends.get(row).map_or(0, |end| *end as usize);
        let begin = row.checked_sub(1).map_or(0, end);
        begin..end(row)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "the sum of some hundred products of bytes"
    )]
    fn cosine(&self, facet: usize, probe: &Probe) -> f32 {
        let begin = facet * self.dimensions;
        let components = &self.components[begin..begin + self.dimensions];
        dot(components, &probe.components) as f32 * self.scales[facet] * probe.scale
    }
}

/// In so many sums at once the compiler uses wide registers.
const LANES: usize = 16;

/// The sum of the products of components.
fn dot(left: &[i8], right: &[i8]) -> i32 {
    let product = |(left, right): (&i8, &i8)| i32::from(*left) * i32::from(*right);
    let (left, left_rest) = left.as_chunks::<LANES>();
    let (right, right_rest) = right.as_chunks::<LANES>();
    let mut sums = [0_i32; LANES];
    for (left, right) in left.iter().zip(right) {
        for (sum, pair) in sums.iter_mut().zip(left.iter().zip(right)) {
            *sum += product(pair);
        }
    }
    let rest = left_rest.iter().zip(right_rest);
    sums.iter().sum::<i32>() + rest.map(product).sum::<i32>()
}

/// The components as bytes, and what these are to be multiplied with.
fn bytes(vector: &Vector) -> (Vec<i8>, f32) {
    let components = vector.components();
    let greatest = components.iter().fold(0.0, |greatest: f32, component| {
        greatest.max(component.abs())
    });
    let scale = greatest / 127.0;
    #[expect(clippy::cast_possible_truncation, reason = "from -127 to 127")]
    let bytes = components
        .iter()
        .map(|component| (component / scale).round() as i8);
    (bytes.collect(), scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vector(components: &[f32]) -> Vector {
        Vector::new(components.to_vec(), components.len()).expect("a direction")
    }

    fn probe(components: &[f32]) -> Probe {
        Probe::of(&vector(components))
    }

    #[test]
    fn a_row_is_as_near_as_its_nearest_facet_lets_it_be_and_never_less_than_as_a_whole() {
        let mut facets = Facets::new(2);
        facets.push(&[vector(&[0.0, 1.0]), vector(&[1.0, 0.0])]);
        facets.push(&[]);
        facets.push(&[vector(&[-1.0, 0.0])]);
        let right = probe(&[1.0, 0.0]);
        for (row, whole, expected) in [(0, 0.5, 0.4 * 0.5 + 0.6), (1, 0.5, 0.5), (2, 0.5, 0.5)] {
            let near = facets.judge(row, whole, &right);
            assert!((near - expected).abs() < 1e-6, "{row}: {near}");
        }
    }

    proptest! {
        #[test]
        fn bytes_lose_little_of_a_cosine(
            ours in prop::collection::vec(-1.0_f32..1.0, 384),
            theirs in prop::collection::vec(-1.0_f32..1.0, 384),
        ) {
            let (ours, theirs) = (vector(&ours), vector(&theirs));
            let mut facets = Facets::new(384);
            facets.push([&ours]);
            let near = facets.cosine(0, &Probe::of(&theirs));
            prop_assert!((near - ours.cosine(&theirs)).abs() < 2e-3);
        }
    }
}
