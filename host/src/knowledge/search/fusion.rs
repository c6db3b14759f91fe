//! Reciprocal rank fusion: one order out of several, by ranks alone.
//!
//! Scores of different signals can't be added up: BM25 knows no upper end, and cosines mean something else with
//! every model. Ranks can. An item gets `weight / (5 + rank)` of each signal that has found it. The greater that
//! constant, the less a place counts beside being found at all: with the usual 60 the tenth place by both signals
//! goes before the first by one, and what a question is about is often found by one alone.

use std::collections::HashMap;
use std::hash::Hash;

use serde::Serialize;

/// The least that does not let one first place outweigh two good ones; chosen on the labelled questions.
const K: f32 = 5.0;

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    /// It has words of the question.
    Lexical,
    /// Its meaning is near.
    Vector,
    /// Something that was found is about it, or leads to it.
    Relationship,
}

/// That and how well a signal has found something.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Signal {
    pub signal: SignalKind,
    /// From 1.
    pub rank: u32,
    /// The signal's own measure: BM25, a cosine, or the score of what led there.
    pub score: f32,
}

/// One signal's order.
#[derive(Debug)]
pub struct Ranking<T> {
    pub signal: SignalKind,
    pub weight: f32,
    /// The best first, each with the signal's own score.
    pub items: Vec<(T, f32)>,
}

/// An item and what is to be said for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fused<T> {
    pub item: T,
    /// 1 for the first of every signal.
    pub score: f32,
    pub signals: Vec<Signal>,
}

/// All items of the rankings, the best first; of equals the lesser item.
#[must_use]
pub fn fuse<T: Copy + Ord + Hash>(rankings: &[Ranking<T>]) -> Vec<Fused<T>> {
    let total: f32 = rankings.iter().map(|ranking| ranking.weight).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let mut fused: HashMap<T, Fused<T>> = HashMap::new();
    for ranking in rankings {
        for (rank, (item, score)) in (1_u16..).zip(&ranking.items) {
            let found = fused.entry(*item).or_insert_with(|| Fused {
                item: *item,
                score: 0.0,
                signals: Vec::new(),
            });
            found.score += ranking.weight / total * (K + 1.0) / (K + f32::from(rank));
            found.signals.push(Signal {
                signal: ranking.signal,
                rank: u32::from(rank),
                score: *score,
            });
        }
    }
    let mut fused: Vec<Fused<T>> = fused.into_values().collect();
    fused.sort_by(|left, right| {
        right
            .score
            .total_cmp(&left.score)
            .then_with(|| left.item.cmp(&right.item))
    });
    fused
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranking(signal: SignalKind, weight: f32, items: &[u8]) -> Ranking<u8> {
        let items = items.iter().map(|item| (*item, 0.0)).collect();
        Ranking {
            signal,
            weight,
            items,
        }
    }

    fn order(rankings: &[Ranking<u8>]) -> Vec<u8> {
        fuse(rankings).into_iter().map(|fused| fused.item).collect()
    }

    #[test]
    fn two_second_places_are_better_than_one_first() {
        let lexical = ranking(SignalKind::Lexical, 0.5, &[1, 2, 3]);
        let vector = ranking(SignalKind::Vector, 0.5, &[4, 2, 5]);
        let fused = fuse(&[lexical, vector]);
        assert_eq!(fused[0].item, 2);
        assert!((fused[0].score - 6.0 / 7.0).abs() < 1e-6);
        assert_eq!(fused[0].signals.len(), 2);
    }

    #[test]
    fn the_weight_decides_whose_first_place_counts() {
        for (lexical, first) in [(0.6, 1), (0.4, 2)] {
            let rankings = [
                ranking(SignalKind::Lexical, lexical, &[1, 2]),
                ranking(SignalKind::Vector, 1.0 - lexical, &[2, 1]),
            ];
            assert_eq!(order(&rankings)[0], first, "{lexical}");
        }
    }

    #[test]
    fn the_first_of_every_signal_scores_one_and_equals_keep_one_order() {
        let rankings = [
            ranking(SignalKind::Lexical, 0.2, &[9]),
            ranking(SignalKind::Vector, 0.8, &[9]),
        ];
        assert!((fuse(&rankings)[0].score - 1.0).abs() < 1e-6);
        let equals = [
            ranking(SignalKind::Lexical, 0.5, &[7]),
            ranking(SignalKind::Vector, 0.5, &[3]),
        ];
        assert_eq!(order(&equals), [3, 7]);
        assert_eq!(order(&[ranking(SignalKind::Lexical, 0.0, &[1])]), [0_u8; 0]);
    }

    proptest! {
        #[test]
        fn one_signal_alone_keeps_its_order(items in prop::collection::btree_set(any::<u8>(), 0..40)) {
            let items: Vec<u8> = items.into_iter().rev().collect();
            prop_assert_eq!(order(&[ranking(SignalKind::Lexical, 1.0, &items)]), items);
        }
    }
}
