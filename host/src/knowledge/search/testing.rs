//! What tests of the search share.

use super::embed::Vector;
use super::entry::Entry;
use super::vectors::{IndexError, Near};
use crate::knowledge::{Kind, Scope};

/// An entry with the least that there is to it.
pub(super) fn entry(scope: Scope, id: &str, text: &str) -> Entry {
    Entry {
        scope,
        id: id.to_owned(),
        kind: Kind::Business,
        name: id.to_owned(),
        text: text.to_owned(),
        tables: Vec::new(),
        links: Vec::new(),
        facets: Vec::new(),
        embeddings: Vec::new(),
    }
}

/// Numbers that look random, the same on every run.
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        #[expect(clippy::cast_precision_loss, reason = "24 bits")]
        let number = (self.0 >> 40) as f32;
        number / 8_388_608.0 - 1.0
    }

    pub(super) fn vectors(&mut self, count: usize, dimensions: usize) -> Vec<Vector> {
        let vector = |_| {
            let components = (0..dimensions).map(|_| self.next()).collect();
            Vector::new(components, dimensions).unwrap()
        };
        (0..count).map(vector).collect()
    }
}

/// Vectors under the rows 0, 1, 2 …
pub(super) fn rows(vectors: &[Vector]) -> impl ExactSizeIterator<Item = (u32, &Vector)> {
    let row = |(row, vector)| (u32::try_from(row).unwrap(), vector);
    vectors.iter().enumerate().map(row)
}

/// The share of the truly nearest ten that 100 searches find.
pub(super) fn recall(
    vectors: &[Vector],
    search: impl Fn(&Vector) -> Result<Vec<Near>, IndexError>,
) -> f64 {
    let mut found = 0;
    for question in Numbers::new(0xABCD).vectors(100, vectors[0].components().len()) {
        let mut truth: Vec<(u32, f32)> = rows(vectors)
            .map(|(row, vector)| (row, vector.cosine(&question)))
            .collect();
        truth.sort_by(|left, right| right.1.total_cmp(&left.1));
        truth.truncate(10);
        let near = search(&question).unwrap();
        assert!(near.is_sorted_by(|left, right| left >= right));
        let is_true = |near: &&Near| truth.iter().any(|(row, _)| *row == near.row);
        found += near.iter().filter(is_true).count();
    }
    f64::from(u32::try_from(found).unwrap()) / 1000.0
}
