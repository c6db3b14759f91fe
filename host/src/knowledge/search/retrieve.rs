//! The one search: what a question finds for one resolved connection.
//!
//! It takes the scopes with the question and looks at nothing else: only their volumes are opened, their
//! statistics alone weigh words, and the limit of hits applies to what is left. In this order:
//!
//! 1. Candidates by words (BM25) and by meaning (vectors above the embedder's floor). Sharing a word that says
//!    something, or meaning: that is the relevance floor. The kind that the question's form asks for is favoured.
//! 2. Out goes what the live catalogue contradicts (it has none of the entry's tables), and what an earlier
//!    scope defines itself, by id or by name: a connection's own metric replaces the global one.
//! 3. Both orders are fused: words count as much as they cover of the question. Out goes what is much less near
//!    than the nearest, in meaning and words. What the best lead to joins in as a third, and the best `top_k` stay,
//!    the connection's own before global ones.
//! 4. Only if nothing stayed, and the operator allows it, the same among entries without a scope. What another
//!    connection holds is never looked at.
//!
//! Every hit's scope is checked once more before it leaves. It says which signal found it, at which rank.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::allowed::Allowed;
use super::catalogue::Catalogue;
use super::entry::Entry;
use super::expand::{self, Place};
use super::fusion::{Fused, Ranking, Signal, SignalKind, fuse};
use super::lexical::{self, Matches};
use super::question::Question;
use super::shelf::Set;
use super::vectors::IndexError;
use super::volume::Volume;
use crate::knowledge::Scope;

/// How many candidates of each signal are fused; more change the first ten hardly ever.
const CANDIDATES: usize = 50;
/// How many rows that are near as a whole are judged by their facets, of each scope.
const JUDGED: usize = 128;

/// How a search is done.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most hits.
    pub top_k: usize,
    /// What meaning counts, from 0 to 1; words count the rest, as far as they cover the question. `None`: as the
    /// embedder is to be trusted. Without vectors words count alone.
    pub vector_weight: Option<f32>,
    /// What relationships count beside both together. Little: they bring in what is missing, and should not put
    /// what everything leads to before what was asked for.
    pub relationship_weight: f32,
    /// How many times as near or as well worded as it is, an entry counts whose kind the question's form asks for;
    /// 1: the form says nothing. Chosen on the labelled questions, where from 1.3 to 1.7 all do about the same.
    pub form_factor: f32,
    /// What reaches less than this share of the best, by meaning and by words, says nothing beside it and is left
    /// out: it would only stand before the global hits. Chosen on the labelled questions.
    pub least_share: f32,
    /// Whether entries without a scope are searched when nothing else was found.
    pub legacy_fallback: bool,
    /// The tables that there are; `None` if they can't be read.
    pub catalogue: Option<Arc<Catalogue>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            top_k: 10,
            vector_weight: None,
            relationship_weight: 0.05,
            form_factor: 1.4,
            least_share: 0.65,
            legacy_fallback: true,
            catalogue: None,
        }
    }
}

/// One entry that was found.
#[derive(Debug, Clone)]
pub struct Hit {
    pub entry: Arc<Entry>,
    /// From 0 to 1: first by every signal.
    pub score: f32,
    /// Which signals have found it, each once.
    pub signals: Vec<Signal>,
}

/// Whose entries the hits are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScopeUsed {
    #[serde(rename = "connection")]
    Connection,
    #[serde(rename = "global")]
    Global,
    #[serde(rename = "connection+global")]
    ConnectionAndGlobal,
    /// Nobody's: entries without a scope.
    #[serde(rename = "legacy_fallback")]
    LegacyFallback,
    #[serde(rename = "none")]
    Nothing,
}

/// Whether meaning was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VectorUse {
    Used,
    /// The question has no vector.
    NoQuestion(String),
    /// The entries have none of this embedder, perhaps not yet.
    NoEntries,
}

/// What a question has found.
#[derive(Debug, Clone)]
pub struct Retrieved {
    /// The connection's own before global ones, each the best first.
    pub hits: Vec<Hit>,
    pub scope_used: ScopeUsed,
    pub vectors: VectorUse,
}

/// Searches one moment's set for what a question is about, among what `allowed` admits. Blocks for a millisecond
/// or so.
///
/// # Errors
/// When memory has run out.
pub fn retrieve(
    set: &Set,
    allowed: &Allowed,
    question: &Question,
    options: &Options,
) -> Result<Retrieved, IndexError> {
    let (hits, vectors) = search(set, allowed.scopes(), question, options)?;
    let hits = admitted(hits, |scope| allowed.admits(scope));
    if !hits.is_empty() || !options.legacy_fallback {
        return Ok(Retrieved {
            scope_used: scope_used(&hits),
            hits,
            vectors,
        });
    }
    let (hits, vectors) = search(set, &[Scope::Unscoped], question, options)?;
    let hits = admitted(hits, |scope| scope == Scope::Unscoped);
    Ok(Retrieved {
        scope_used: if hits.is_empty() {
            ScopeUsed::Nothing
        } else {
            ScopeUsed::LegacyFallback
        },
        hits,
        vectors,
    })
}

/// The last look at every hit. It drops nothing unless the search is broken.
fn admitted(mut hits: Vec<Hit>, admits: impl Fn(Scope) -> bool) -> Vec<Hit> {
    hits.retain(|hit| {
        let admitted = admits(hit.entry.scope);
        if !admitted {
            tracing::error!(scope = %hit.entry.scope, "a search has left its scopes; the hit is dropped");
        }
        admitted
    });
    hits
}

fn scope_used(hits: &[Hit]) -> ScopeUsed {
    let is_global = |hit: &Hit| hit.entry.scope == Scope::Global;
    match (hits.iter().all(is_global), hits.iter().any(is_global)) {
        _ if hits.is_empty() => ScopeUsed::Nothing,
        (true, _) => ScopeUsed::Global,
        (false, true) => ScopeUsed::ConnectionAndGlobal,
        (false, false) => ScopeUsed::Connection,
    }
}

fn search(
    set: &Set,
    scopes: &[Scope],
    question: &Question,
    options: &Options,
) -> Result<(Vec<Hit>, VectorUse), IndexError> {
    let view = View {
        volumes: scopes
            .iter()
            .filter_map(|scope| set.volume(*scope))
            .collect(),
        catalogue: options.catalogue.as_deref(),
        depth: CANDIDATES.max(options.top_k),
        form_factor: options.form_factor,
    };
    let (by_meaning, vectors) = view.by_meaning(question)?;
    let vector_weight = match question.meaning() {
        Ok(meaning) if vectors == VectorUse::Used => options
            .vector_weight
            .unwrap_or(meaning.trust.weight)
            .clamp(0.0, 1.0),
        _ => 0.0,
    };
    let (by_words, covered) = view.by_words(question);
    let word_weight = match vector_weight {
        0.0 => 1.0,
        weight => (1.0 - weight) * covered,
    };
    // Scores of words alone differ by far more than they tell.
    let share = match by_meaning.as_slice() {
        [] => 0.0,
        _ => options.least_share,
    };
    let mut stays = HashSet::new();
    let mut rankings = Vec::new();
    for (signal, weight, found) in [
        (SignalKind::Lexical, word_weight, by_words),
        (SignalKind::Vector, vector_weight, by_meaning),
    ] {
        if weight > 0.0 {
            stays.extend(near_the_best(&found, share));
            let items = found.iter().map(|found| (found.place, found.score));
            rankings.push(Ranking {
                signal,
                weight,
                items: items.collect(),
            });
        }
    }
    let mut fused = fuse(&rankings);
    fused.retain(|fused| stays.contains(&fused.item));
    if options.relationship_weight > 0.0 {
        let found: Vec<(Place, f32)> = fused
            .iter()
            .map(|fused| (fused.item, fused.score))
            .collect();
        let led_to = expand::expand(&view.volumes, &found, |place| view.keeps(place));
        stays.extend(led_to.iter().map(|(place, _)| *place));
        rankings.push(Ranking {
            signal: SignalKind::Relationship,
            weight: options.relationship_weight,
            items: led_to,
        });
        fused = fuse(&rankings);
        fused.retain(|fused| stays.contains(&fused.item));
    }
    fused.truncate(options.top_k);
    let hit = |Fused {
                   item,
                   score,
                   signals,
               }: Fused<Place>| Hit {
        entry: Arc::clone(view.volumes[item.volume].entry(item.row)),
        score,
        signals,
    };
    let mut hits: Vec<Hit> = fused.into_iter().map(hit).collect();
    // Stable: within both parts the best come first.
    hits.sort_by_key(|hit| hit.entry.scope == Scope::Global);
    Ok((hits, vectors))
}

/// The places that reach a share of the best, whatever the question's form favours.
fn near_the_best(found: &[Candidate], share: f32) -> impl Iterator<Item = Place> {
    let least = share * best_score(found);
    let near = found.iter().filter(move |found| found.score >= least);
    near.map(|found| found.place)
}

/// The greatest of the signal's own measure, which need not be the first's.
fn best_score(found: &[Candidate]) -> f32 {
    let scores = found.iter().map(|found| found.score);
    scores.fold(0.0, f32::max)
}

/// The volumes that one search sees, the nearest scope first.
struct View<'a> {
    volumes: Vec<&'a Volume>,
    catalogue: Option<&'a Catalogue>,
    /// How many candidates each signal gives.
    depth: usize,
    form_factor: f32,
}

impl View<'_> {
    /// Whether a row may be a hit.
    fn keeps(&self, place: Place) -> bool {
        let volume = self.volumes[place.volume];
        self.is_there(volume, place.row)
            && !self.volumes[..place.volume].iter().any(|nearer| {
                nearer
                    .namesakes(volume, place.row)
                    .any(|row| self.is_there(nearer, row))
            })
    }

    /// Whether the catalogue has one of its tables, or is not known, or the entry is about none.
    fn is_there(&self, volume: &Volume, row: u32) -> bool {
        let tables = &volume.entry(row).tables;
        let Some(catalogue) = self.catalogue else {
            return true;
        };
        tables.is_empty() || tables.iter().any(|table| catalogue.has(table))
    }

    fn candidate(&self, place: Place, score: f32, question: &Question) -> Candidate {
        let kind = self.volumes[place.volume].kind(place.row);
        Candidate {
            score,
            counts: if question.cue().asks_for(kind) {
                score * self.form_factor
            } else {
                score
            },
            place,
        }
    }

    /// What has words of the question, the best first, and how much of the question the best covers, from 0 to 1.
    fn by_words(&self, question: &Question) -> (Vec<Candidate>, f32) {
        let postings: Vec<_> = self
            .volumes
            .iter()
            .map(|volume| volume.postings())
            .collect();
        let Matches { found, possible } = lexical::search(&postings, question.terms());
        // Only as many are put into order as are needed.
        let mut found: BinaryHeap<Candidate> = found
            .into_iter()
            .map(|found| {
                let place = Place {
                    volume: found.volume,
                    row: found.row,
                };
                self.candidate(place, found.score, question)
            })
            .collect();
        let best: Vec<Candidate> = std::iter::from_fn(|| found.pop())
            .filter(|candidate| self.keeps(candidate.place))
            .take(self.depth)
            .collect();
        let covered = if possible > 0.0 {
            best_score(&best) / possible
        } else {
            0.0
        };
        (best, covered)
    }

    fn by_meaning(&self, question: &Question) -> Result<(Vec<Candidate>, VectorUse), IndexError> {
        let meaning = match question.meaning() {
            Ok(meaning) => meaning,
            Err(why) => return Ok((Vec::new(), VectorUse::NoQuestion(why.to_owned()))),
        };
        let mut found = Vec::new();
        let mut used = VectorUse::NoEntries;
        for (at, volume) in self.volumes.iter().enumerate() {
            if !volume.is_embedded_by(&meaning.embedding.identity) {
                continue;
            }
            used = VectorUse::Used;
            let keeps = |row| self.keeps(Place { volume: at, row });
            let count = JUDGED.max(self.depth);
            let near = volume.nearest(&meaning.embedding.vector, count, keeps)?;
            let near = near.into_iter();
            let near = near.take_while(|near| near.cosine >= meaning.trust.floor);
            found.extend(near.map(|near| {
                let place = Place {
                    volume: at,
                    row: near.row,
                };
                self.candidate(place, near.cosine, question)
            }));
        }
        found.sort_unstable_by(|left, right| right.cmp(left));
        found.truncate(self.depth);
        Ok((found, used))
    }
}

/// Greater is better: by what it counts, and of equals the nearer scope and the lower row.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    /// The signal's own measure.
    score: f32,
    /// The same, favoured by the question's form.
    counts: f32,
    place: Place,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.counts
            .total_cmp(&other.counts)
            .then_with(|| other.place.cmp(&self.place))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
#[path = "retrieve_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "oracle_tests.rs"]
mod oracle_tests;
