//! Lexical search: BM25 over the entries of some scopes, as if there were no others.
//!
//! Every scope has postings of its own. What a term is worth depends on how many entries have it, so the
//! numbers are added up over the scopes of the question first, and only then is anything scored. Scores of two
//! scopes can therefore be compared, and what other scopes hold changes no score: not even their statistics
//! show through.

use std::collections::HashMap;

/// How soon the repetition of a term stops to count. The usual value.
const K1: f32 = 1.2;
/// How much a long text is held against an entry. The usual value.
const B: f32 = 0.75;

/// The postings of one scope.
#[derive(Debug, Default)]
pub struct Postings {
    terms: HashMap<Box<str>, Vec<Posting>>,
    /// The number of terms, by row.
    lengths: Vec<u32>,
    /// The sum of `lengths`.
    length: u64,
}

/// That a row has a term, and how often.
#[derive(Debug, Clone, Copy)]
struct Posting {
    row: u32,
    count: u32,
}

/// A row of one of the postings, and how well it fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Which of the postings.
    pub volume: usize,
    pub row: u32,
    /// Above zero.
    pub score: f32,
}

impl Postings {
    /// Indexes the terms of rows 0, 1, 2 …
    #[must_use]
    pub fn build(rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        let mut postings = Self::default();
        for (row, terms) in (0..).zip(rows) {
            let length = u32::try_from(terms.len()).unwrap_or(u32::MAX);
            postings.lengths.push(length);
            postings.length += u64::from(length);
            for term in terms {
                let list = postings.terms.entry(term.into_boxed_str()).or_default();
                match list.last_mut() {
                    Some(last) if last.row == row => last.count += 1,
                    _ => list.push(Posting { row, count: 1 }),
                }
            }
        }
        for list in postings.terms.values_mut() {
            list.shrink_to_fit();
        }
        postings
    }

    fn with(&self, term: &str) -> &[Posting] {
        self.terms.get(term).map_or(&[], Vec::as_slice)
    }
}

/// What a search has found.
#[derive(Debug, Default, PartialEq)]
pub struct Matches {
    /// Every row that has at least one of the terms, in no particular order.
    pub found: Vec<Match>,
    /// What a row would score that has every term of the question more often than any text. A share of it says how
    /// much of the question a row covers.
    pub possible: f32,
}

/// Searches the rows of `volumes` for terms.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of entries and terms; the score is an estimate anyway"
)]
pub fn search(volumes: &[&Postings], terms: &[String]) -> Matches {
    let documents: usize = volumes.iter().map(|volume| volume.lengths.len()).sum();
    let length: u64 = volumes.iter().map(|volume| volume.length).sum();
    if documents == 0 || length == 0 {
        return Matches::default();
    }
    let documents = documents as f32;
    let average = length as f32 / documents;
    let worth: Vec<f32> = terms
        .iter()
        .map(|term| {
            let with: usize = volumes.iter().map(|volume| volume.with(term).len()).sum();
            // Never negative, also of a term that every entry has.
            (1.0 + (documents - with as f32 + 0.5) / (with as f32 + 0.5)).ln()
        })
        .collect();
    let mut found = Vec::new();
    for (at, volume) in volumes.iter().enumerate() {
        let mut scores = vec![0.0_f32; volume.lengths.len()];
        let mut touched = Vec::new();
        for (term, worth) in terms.iter().zip(&worth) {
            for posting in volume.with(term) {
                let row = posting.row as usize;
                let count = posting.count as f32;
                let relative = volume.lengths[row] as f32 / average;
                if scores[row] == 0.0 {
                    touched.push(posting.row);
                }
                scores[row] += worth * count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * relative));
            }
        }
        found.extend(touched.into_iter().map(|row| Match {
            volume: at,
            row,
            score: scores[row as usize],
        }));
    }
    Matches {
        found,
        possible: worth.iter().sum::<f32>() * (K1 + 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn postings(rows: &[&str]) -> Postings {
        Postings::build(rows.iter().map(|row| words(row)))
    }

    fn score_of(found: &[Match], volume: usize, row: u32) -> Option<f32> {
        found
            .iter()
            .find(|found| (found.volume, found.row) == (volume, row))
            .map(|found| found.score)
    }

    #[test]
    fn a_score_is_the_textbook_formula() {
        let volume = postings(&["loan loan rate", "rate", "branch office hours"]);
        let Matches { found, possible } = search(&[&volume], &words("loan"));
        // One of three has it, twice; its length is 3 of 7/3 on average.
        let worth = (1.0_f32 + (3.0 - 1.0 + 0.5) / 1.5).ln();
        let expected = worth * 2.0 * 2.2 / (2.0 + 1.2 * (0.25 + 0.75 * 3.0 / (7.0 / 3.0)));
        assert_eq!(found.len(), 1);
        assert!((found[0].score - expected).abs() < 1e-6, "{found:?}");
        assert!((possible - worth * 2.2).abs() < 1e-6);
    }

    #[test]
    fn a_question_is_covered_as_far_as_its_terms_are_there() {
        let volume = postings(&["loan", "rate card"]);
        let covered = |question: &str| {
            let Matches { found, possible } = search(&[&volume], &words(question));
            score_of(&found, 0, 0).unwrap_or_default() / possible
        };
        assert!(covered("loan") > 0.5);
        // The word that nobody has is worth more than the one that is there.
        assert!(covered("loan absent") < covered("loan") / 2.0);
        assert!(covered("absent").abs() < 1e-6);
    }

    #[test]
    fn a_rare_term_is_worth_more_than_a_common_one() {
        let volume = postings(&["rate loan", "rate card", "rate fee"]);
        let found = search(&[&volume], &words("rate loan")).found;
        assert!(score_of(&found, 0, 0) > score_of(&found, 0, 1));
        assert_eq!(search(&[&volume], &words("absent")).found, []);
        assert_eq!(search(&[], &words("rate")), Matches::default());
    }

    proptest! {
        /// What makes scores of several scopes comparable, and keeps those of others out of them.
        #[test]
        fn scopes_apart_score_as_one_index_of_them_all(
            rows in prop::collection::vec(prop::collection::vec(0_u8..12, 0..8), 0..20),
            cut in 0_usize..20,
            question in prop::collection::btree_set(0_u8..14, 0..5),
        ) {
            let rows: Vec<Vec<String>> = rows
                .iter()
                .map(|row| row.iter().map(|term| format!("t{term}")).collect())
                .collect();
            let question: Vec<String> = question.iter().map(|term| format!("t{term}")).collect();
            let cut = cut.min(rows.len());
            let whole = Postings::build(rows.clone());
            let (one, other) = (Postings::build(rows[..cut].to_vec()), Postings::build(rows[cut..].to_vec()));
            let together = search(&[&whole], &question).found;
            let apart = search(&[&one, &other], &question).found;
            prop_assert_eq!(together.len(), apart.len());
            for found in apart {
                let row = found.row + if found.volume == 0 { 0 } else { u32::try_from(cut).unwrap() };
                let expected = score_of(&together, 0, row).unwrap();
                prop_assert!((found.score - expected).abs() < 1e-4);
            }
        }
    }
}
