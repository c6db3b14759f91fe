use super::*;

use std::sync::atomic::{AtomicBool, Ordering};

/// Numbers that look random, the same on every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        #[expect(clippy::cast_precision_loss, reason = "24 bits")]
        let number = (self.0 >> 40) as f32;
        number / 8_388_608.0 - 1.0
    }

    fn vector(&mut self, dimensions: usize) -> Vector {
        let components = (0..dimensions).map(|_| self.next()).collect();
        Vector::new(components, dimensions).unwrap()
    }
}

const DIMENSIONS: usize = 24;

fn vectors(count: usize) -> Vec<Vector> {
    let mut numbers = Numbers(0x5EED);
    (0..count).map(|_| numbers.vector(DIMENSIONS)).collect()
}

fn rows(vectors: &[Vector]) -> impl ExactSizeIterator<Item = (u32, &Vector)> {
    vectors
        .iter()
        .enumerate()
        .map(|(row, vector)| (u32::try_from(row).unwrap(), vector))
}

fn nearest(vectors: &[Vector], question: &Vector, count: usize) -> Vec<u32> {
    let mut all: Vec<(u32, f32)> = rows(vectors)
        .map(|(row, vector)| (row, vector.cosine(question)))
        .collect();
    all.sort_by(|left, right| right.1.total_cmp(&left.1));
    all.into_iter().take(count).map(|(row, _)| row).collect()
}

/// The share of the truly nearest ten that 100 searches find.
fn recall(index: &Vectors, vectors: &[Vector]) -> f64 {
    let mut numbers = Numbers(0xABCD);
    let mut found = 0;
    for _ in 0..100 {
        let question = numbers.vector(DIMENSIONS);
        let truth = nearest(vectors, &question, 10);
        let near = index.search(&question, 10).unwrap();
        assert!(near.is_sorted_by(|left, right| left.cosine >= right.cosine));
        found += near.iter().filter(|near| truth.contains(&near.row)).count();
    }
    f64::from(u32::try_from(found).unwrap()) / 1000.0
}

#[test]
fn up_to_the_threshold_nothing_is_missed() {
    let vectors = vectors(10_000);
    let index = Vectors::build(DIMENSIONS, rows(&vectors)).unwrap();
    assert!(index.exact);
    let recall = recall(&index, &vectors);
    assert!((recall - 1.0).abs() < 1e-9, "{recall}");
}

#[test]
fn beyond_it_at_most_one_in_a_hundred_is_missed() {
    let vectors = vectors(4_000);
    let index = Vectors::build_with(DIMENSIONS, rows(&vectors), 3_999).unwrap();
    assert!(!index.exact);
    let recall = recall(&index, &vectors);
    assert!(recall >= 0.99, "{recall}");
}

#[test]
fn more_threads_than_places_all_get_their_answers() {
    let vectors = vectors(2_000);
    for exact_up_to in [0, 2_000] {
        let index = Vectors::build_with(DIMENSIONS, rows(&vectors), exact_up_to).unwrap();
        let failed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 * SEARCHES {
                scope.spawn(|| {
                    for question in vectors.iter().step_by(200) {
                        let near = index.search(question, 1);
                        if !near.is_ok_and(|near| near[0].cosine > 0.999) {
                            failed.store(true, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert!(!failed.load(Ordering::Relaxed), "exact up to {exact_up_to}");
    }
}

#[test]
fn asking_for_more_than_there_is_gives_all_there_is() {
    let vectors = vectors(3);
    let index = Vectors::build(DIMENSIONS, rows(&vectors)).unwrap();
    let near = index.search(&vectors[1], 10).unwrap();
    assert_eq!((near.len(), near[0].row), (3, 1));
    let empty = Vectors::build(DIMENSIONS, rows(&[])).unwrap();
    assert_eq!(empty.search(&vectors[0], 10).unwrap(), []);
}

#[test]
fn of_equally_near_ones_the_lower_row_comes_first() {
    let same = vectors(1).remove(0);
    let vectors = vec![same.clone(); 5];
    let index = Vectors::build(DIMENSIONS, rows(&vectors)).unwrap();
    let near: Vec<u32> = index
        .search(&same, 5)
        .unwrap()
        .iter()
        .map(|near| near.row)
        .collect();
    assert_eq!(near, [0, 1, 2, 3, 4]);
}
