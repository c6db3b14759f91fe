//! The search against a slow one that fits on a page: random entries, scopes, deletions, swaps and questions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::knowledge::search::embed::{Embedding, Identity, Trust, Vector};
use crate::knowledge::search::shelf::{Change, Shelf};
use crate::knowledge::search::testing::entry;
use crate::knowledge::search::text;

const DIMENSIONS: usize = 4;
const FLOOR: f32 = 0.3;
const TRUST: Trust = Trust {
    floor: FLOOR,
    weight: 0.5,
};

fn identity() -> Arc<Identity> {
    Arc::new(Identity {
        name: "random".to_owned(),
        digest: "1".to_owned(),
        dimensions: DIMENSIONS,
    })
}

fn scope(number: u8) -> Scope {
    match number {
        0 => Scope::Global,
        1 => Scope::Unscoped,
        number => Scope::Connection(Uuid::from_u128(number.into())),
    }
}

/// What is known of an entry, and all that there is to know.
#[derive(Debug, Clone)]
struct Sketch {
    name: u8,
    words: Vec<u8>,
    direction: Option<[i8; DIMENSIONS]>,
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let direction = prop::option::weighted(0.8, prop::array::uniform4(-20_i8..=20));
    (0_u8..12, prop::collection::vec(0_u8..10, 0..6), direction).prop_map(
        |(name, words, direction)| Sketch {
            name,
            words,
            direction: direction.filter(|direction| *direction != [0; DIMENSIONS]),
        },
    )
}

fn embedding(direction: [i8; DIMENSIONS]) -> Embedding {
    let components = direction.map(f32::from).to_vec();
    Embedding {
        identity: identity(),
        vector: Vector::new(components, DIMENSIONS).unwrap(),
    }
}

fn spelled(words: &[u8]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|word| format!("word{}x", char::from(b'a' + word)))
        .collect();
    words.join(" ")
}

impl Sketch {
    fn entry(&self, scope: Scope, id: &str) -> Entry {
        Entry {
            name: format!("name{}", char::from(b'a' + self.name)),
            embeddings: self.direction.map(embedding).into_iter().collect(),
            ..entry(scope, id, &spelled(&self.words))
        }
    }
}

/// All entries of every scope, by id.
type Model = BTreeMap<u8, BTreeMap<u8, Sketch>>;

#[derive(Debug, Clone)]
enum Step {
    /// A scope holds these and no others.
    Sync(u8, BTreeMap<u8, Sketch>),
    Put(u8, u8, Sketch),
    Delete(u8, u8),
    Drop(u8),
    Ask(u8, BTreeSet<u8>, Option<[i8; DIMENSIONS]>, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let scopes = 0_u8..6;
    prop_oneof![
        2 => (scopes.clone(), prop::collection::btree_map(0_u8..20, sketch(), 0..14))
            .prop_map(|(scope, entries)| Step::Sync(scope, entries)),
        2 => (scopes.clone(), 0_u8..20, sketch()).prop_map(|(scope, id, entry)| Step::Put(scope, id, entry)),
        1 => (scopes.clone(), 0_u8..20).prop_map(|(scope, id)| Step::Delete(scope, id)),
        1 => scopes.prop_map(Step::Drop),
        4 => (
            2_u8..6,
            prop::collection::btree_set(0_u8..11, 0..4),
            prop::option::of(prop::array::uniform4(-20_i8..=20)),
            any::<bool>(),
        )
            .prop_map(|(connection, words, direction, fallback)| {
                let direction = direction.filter(|direction| *direction != [0; DIMENSIONS]);
                Step::Ask(connection, words, direction, fallback)
            }),
    ]
}

fn publish(shelf: &Shelf, model: &Model, number: u8) {
    let scope = scope(number);
    let entries = model.get(&number).into_iter().flatten();
    let entries = entries.map(|(id, sketch)| sketch.entry(scope, &format!("id_{id}")));
    let volume = Volume::build(scope, entries.collect(), Some(&identity())).unwrap();
    shelf.publish([Change::Replace(Box::new(volume))]);
}

/// What the slow search gives: scope, id and score, the best first.
type Found = Vec<(Scope, String, f32)>;

/// BM25 as in the textbook, cosines, reciprocal ranks, and a share of the best as the least: over a list of all entries that may be seen.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn oracle(
    model: &Model,
    scopes: &[u8],
    question: &[String],
    direction: Option<[i8; DIMENSIONS]>,
) -> Found {
    let all: Vec<Entry> = scopes
        .iter()
        .flat_map(|number| {
            let entries = model.get(number).into_iter().flatten();
            entries.map(|(id, sketch)| sketch.entry(scope(*number), &format!("id_{id}")))
        })
        .collect();
    let rank_of = |scope: Scope| {
        scopes
            .iter()
            .position(|number| self::scope(*number) == scope)
            .unwrap()
    };
    let kept: Vec<usize> = (0..all.len())
        .filter(|at| {
            let this = &all[*at];
            !all.iter().any(|other| {
                rank_of(other.scope) < rank_of(this.scope)
                    && (other.id == this.id || other.name == this.name)
            })
        })
        .collect();
    let bags: Vec<Vec<String>> = all
        .iter()
        .map(|entry| {
            let name = text::terms(&entry.name);
            [text::terms(&entry.text), name.clone(), name].concat()
        })
        .collect();
    let count =
        |bag: &[String], term: &String| bag.iter().filter(|word| *word == term).count() as f32;
    let average = bags.iter().map(Vec::len).sum::<usize>() as f32 / bags.len() as f32;
    let worth = |term: &String| {
        let with = bags.iter().filter(|bag| bag.contains(term)).count() as f32;
        (1.0 + (bags.len() as f32 - with + 0.5) / (with + 0.5)).ln()
    };
    let bm25 = |bag: &[String]| -> f32 {
        question
            .iter()
            .map(|term| {
                let count = count(bag, term);
                worth(term) * count * 2.2
                    / (count + 1.2 * (0.25 + 0.75 * bag.len() as f32 / average))
            })
            .sum()
    };
    let ranked = |scores: Vec<(usize, f32)>| {
        let mut scores = scores;
        // Of equals the nearer scope and the lower row.
        scores.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
        scores.truncate(CANDIDATES);
        scores
    };
    let words = ranked(
        kept.iter()
            .map(|at| (*at, bm25(&bags[*at])))
            .filter(|(_, score)| *score > 0.0)
            .collect(),
    );
    let any_vector = all.iter().any(|entry| !entry.embeddings.is_empty());
    let direction = direction.filter(|_| any_vector).map(embedding);
    let meaning = ranked(match &direction {
        None => Vec::new(),
        Some(question) => kept
            .iter()
            .filter_map(|at| {
                let vector = &all[*at].embeddings.first()?.vector;
                Some((*at, vector.cosine(&question.vector)))
            })
            .filter(|(_, cosine)| *cosine >= FLOOR)
            .collect(),
    });
    let possible = question.iter().map(worth).sum::<f32>() * 2.2;
    let covered = words.first().map_or(0.0, |(_, score)| score / possible);
    let (of_words, of_meaning) = match &direction {
        Some(_) => (0.5 * covered, 0.5),
        None => (1.0, 0.0),
    };
    let share = |ranking: &[(usize, f32)], at: usize, weight: f32| {
        let rank = ranking.iter().position(|(found, _)| *found == at);
        let total = of_words + of_meaning;
        rank.map_or(0.0, |rank| weight / total * 6.0 / (6.0 + rank as f32))
    };
    let near_enough = |ranking: &[(usize, f32)], at: usize| {
        let score = ranking.iter().find(|(found, _)| *found == at);
        score.is_some_and(|(_, score)| meaning.is_empty() || *score >= 0.65 * ranking[0].1)
    };
    let mut fused: Vec<(usize, f32)> = kept
        .iter()
        .filter(|at| near_enough(&words, **at) || near_enough(&meaning, **at))
        .map(|at| {
            (
                *at,
                share(&words, *at, of_words) + share(&meaning, *at, of_meaning),
            )
        })
        .collect();
    fused.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    fused.truncate(10);
    fused.sort_by_key(|(at, _)| all[*at].scope == Scope::Global);
    fused
        .into_iter()
        .map(|(at, score)| (all[at].scope, all[at].id.clone(), score))
        .collect()
}

/// Whether both found as much and as well. Which of equally good ones comes first may differ, where the last
/// bit of a sum decides; that moves a score by no more than two first places differ.
fn agree(found: &Retrieved, expected: &Found) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.hits.len(), expected.len());
    for (hit, (scope, id, score)) in found.hits.iter().zip(expected) {
        prop_assert!(
            (hit.score - score).abs() < 0.15,
            "{:?} {} {}",
            found.hits,
            id,
            score
        );
        prop_assert_eq!(hit.entry.scope == Scope::Global, *scope == Scope::Global);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_happened_before_a_search_finds_what_the_slow_one_finds_and_nothing_foreign(
        steps in prop::collection::vec(step(), 1..25)
    ) {
        let shelf = Shelf::default();
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Sync(number, entries) => {
                    model.insert(number, entries);
                    publish(&shelf, &model, number);
                }
                Step::Put(number, id, entry) => {
                    model.entry(number).or_default().insert(id, entry);
                    publish(&shelf, &model, number);
                }
                Step::Delete(number, id) => {
                    model.entry(number).or_default().remove(&id);
                    publish(&shelf, &model, number);
                }
                Step::Drop(number) => {
                    model.remove(&number);
                    shelf.publish([Change::Remove(scope(number))]);
                }
                Step::Ask(connection, words, direction, legacy_fallback) => {
                    let words = spelled(&words.into_iter().collect::<Vec<_>>());
                    let question = match direction {
                        Some(direction) => Question::embedded(&words, embedding(direction), TRUST),
                        None => Question::of_words(&words, "none"),
                    };
                    let id = Uuid::from_u128(connection.into());
                    // An equivalent connection, sometimes the same one.
                    let twin = connection / 2 + 1;
                    let allowed = Allowed::new(id, [Uuid::from_u128(twin.into())]);
                    let options = Options { legacy_fallback, relationship_weight: 0.0, ..Options::default() };
                    let found = retrieve(&shelf.current(), &allowed, &question, &options).unwrap();

                    let fallback = found.scope_used == ScopeUsed::LegacyFallback;
                    for hit in &found.hits {
                        prop_assert_eq!(!fallback, allowed.admits(hit.entry.scope));
                        prop_assert_eq!(fallback, hit.entry.scope == Scope::Unscoped);
                    }
                    let mut scopes = vec![connection];
                    if twin != connection {
                        scopes.push(twin);
                    }
                    scopes.push(0);
                    let terms = question.terms();
                    let mut expected = oracle(&model, &scopes, terms, direction);
                    prop_assert_eq!(fallback && !legacy_fallback, false);
                    if expected.is_empty() && legacy_fallback {
                        expected = oracle(&model, &[1], terms, direction);
                    } else {
                        prop_assert!(!fallback);
                    }
                    agree(&found, &expected)?;
                }
            }
        }
    }
}

/// Every entry of a scope carries the number of the sync that made it, so a mixture shows.
fn synced(scope: Scope, sync: usize) -> Change {
    let entries = (0..30)
        .map(|number| {
            let owner = scope.to_string();
            let mut entry = entry(
                scope,
                &format!("id_{number}_{owner}"),
                "revenue of everything",
            );
            entry.name = format!("{number} {owner} {sync}");
            entry.embeddings = vec![embedding([1, 2, 3, i8::try_from(number).unwrap()])];
            entry
        })
        .collect();
    Change::Replace(Box::new(
        Volume::build(scope, entries, Some(&identity())).unwrap(),
    ))
}

#[test]
fn a_thousand_searches_during_swaps_of_every_scope_see_no_foreign_hit_and_no_half_set() {
    const CONNECTIONS: u8 = 4;
    const SEARCHES: usize = 1000;
    const SWAPS: usize = 20;
    let shelf = Shelf::default();
    let all = |sync: usize| (0..2 + CONNECTIONS).map(move |number| synced(scope(number), sync));
    shelf.publish(all(0));
    let (asked, swapped) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let sync = swapped.fetch_add(1, Ordering::Relaxed) + 1;
                // All scopes at once: a reader may not see two syncs.
                shelf.publish(all(sync));
            }
        });
        let readers: Vec<_> = (0..4)
            .map(|_| {
                threads.spawn(|| {
                    loop {
                        let turn = asked.fetch_add(1, Ordering::Relaxed);
                        if turn >= SEARCHES && swapped.load(Ordering::Relaxed) > SWAPS {
                            return;
                        }
                        let connection =
                            Uuid::from_u128((2 + turn % usize::from(CONNECTIONS)) as u128);
                        let allowed = Allowed::new(connection, []);
                        let question =
                            Question::embedded("revenue", embedding([1, 2, 3, 4]), TRUST);
                        let options = Options {
                            top_k: 60,
                            ..Options::default()
                        };
                        let set = shelf.current();
                        let found = retrieve(&set, &allowed, &question, &options).unwrap();
                        let syncs: BTreeSet<&str> = found
                            .hits
                            .iter()
                            .map(|hit| hit.entry.name.rsplit(' ').next().unwrap_or_default())
                            .collect();
                        assert_eq!(syncs.len(), 1, "two syncs in one answer");
                        assert_eq!(found.hits.len(), 60);
                        assert!(found.hits.iter().all(|hit| allowed.admits(hit.entry.scope)));
                        assert_eq!(found.scope_used, ScopeUsed::ConnectionAndGlobal);
                    }
                })
            })
            .collect();
        let failed = readers
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .any(|reader| reader.is_err());
        done.store(true, Ordering::Relaxed);
        assert!(!failed);
    });
}
