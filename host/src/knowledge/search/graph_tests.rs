use super::*;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::knowledge::search::testing::{Numbers, rows};

#[test]
fn more_threads_than_places_all_get_their_answers() {
    let vectors = Numbers::new(0x5EED).vectors(2_000, 24);
    let graph = Graph::build(24, rows(&vectors)).unwrap();
    let failed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 * SEARCHES {
            scope.spawn(|| {
                for question in vectors.iter().step_by(200) {
                    let near = graph.nearest(question, 1, |_| true);
                    if !near.is_ok_and(|near| near[0].cosine > 0.999) {
                        failed.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert!(!failed.load(Ordering::Relaxed));
}
