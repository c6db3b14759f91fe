use super::*;

use crate::knowledge::search::testing::{Numbers, recall, rows};

const DIMENSIONS: usize = 24;

#[test]
fn up_to_the_threshold_nothing_is_missed() {
    let vectors = Numbers::new(0x5EED).vectors(10_000, DIMENSIONS);
    let index = Vectors::build(DIMENSIONS, rows(&vectors)).unwrap();
    assert!(matches!(index, Vectors::Scan(_)));
    let recall = recall(&vectors, |question| index.nearest(question, 10, |_| true));
    assert!((recall - 1.0).abs() < 1e-9, "{recall}");
}

#[test]
fn beyond_it_at_most_one_in_a_hundred_is_missed() {
    let vectors = Numbers::new(0x5EED).vectors(4_000, DIMENSIONS);
    let index = Vectors::build_with(DIMENSIONS, rows(&vectors), 3_999).unwrap();
    assert!(matches!(index, Vectors::Graph(_)));
    let recall = recall(&vectors, |question| index.nearest(question, 10, |_| true));
    assert!(recall >= 0.99, "{recall}");
}

#[test]
fn asking_for_more_than_there_is_gives_all_there_is_that_may_be_found() {
    let vectors = Numbers::new(3).vectors(30, DIMENSIONS);
    for exact_up_to in [0, 30] {
        let build = |vectors| Vectors::build_with(DIMENSIONS, rows(vectors), exact_up_to).unwrap();
        let index = build(&vectors);
        let near = index.nearest(&vectors[1], 40, |row| row != 1).unwrap();
        assert_eq!(near.len(), 29);
        // The first that is asked for may not be found, so another takes its place.
        let near = index.nearest(&vectors[1], 1, |row| row > 20).unwrap();
        assert!(near.len() == 1 && near[0].row > 20, "{near:?}");
        assert_eq!(build(&[]).nearest(&vectors[0], 10, |_| true).unwrap(), []);
    }
}

#[test]
fn of_equally_near_ones_the_lower_row_comes_first() {
    let same = Numbers::new(1).vectors(1, DIMENSIONS).remove(0);
    let vectors = vec![same.clone(); 5];
    for exact_up_to in [0, 5] {
        let index = Vectors::build_with(DIMENSIONS, rows(&vectors), exact_up_to).unwrap();
        let near = index.nearest(&same, 5, |_| true).unwrap();
        let near: Vec<u32> = near.iter().map(|near| near.row).collect();
        assert_eq!(near, [0, 1, 2, 3, 4]);
    }
}
