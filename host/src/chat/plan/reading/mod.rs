//! Reads a question against a model: to one plan, or to why there is none.
//!
//! The question is cut into phrases (`lattice`), each cut is turned into a draft by a walk from left to right, and a
//! draft is completed by what the model has (`resolve`). The cheapest cut that gives plans decides. If it gives
//! more than one, the question has several readings, and they are offered.

mod draft;
mod filters;
mod names;
mod resolve;
#[cfg(test)]
mod tests;
mod walk;

use chrono::NaiveDate;

use self::walk::Walk;
use super::Plan;
use super::lattice::{self, Item, What};
use super::lexicon::{Lexicon, Meaning, Word};
use super::model::Model;
use super::period::Phrase;
use super::words;

/// Cuts that are tried.
const MOST_CUTS: usize = 48;
/// Readings that are offered.
const MOST_READINGS: usize = 4;

/// What a question was read as.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    Certain(Plan),
    /// Each is as good as the others.
    Several(Vec<Plan>),
    Refused(Refusal),
}

/// Why a question has no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing in it is of this connection.
    Unrelated,
    /// Words that mean nothing here, as they were written.
    Unknown(Vec<String>),
    /// It is about what has not happened.
    Future,
    /// It ranks or shares, but by which figure?
    NoFigure,
    /// A column whose values can be taken together in several ways, or in none.
    BareColumn(String),
    /// What is named can't be reached from what is counted without counting it several times.
    Unreachable { what: String, from: String },
    /// Several columns of time are meant equally.
    WhichTime(Vec<String>),
    /// A figure that is a state of now was asked for another time.
    NoHistory(String),
    /// `not` of a column that may say neither.
    Neither(String),
    /// Something that the grammar does not have.
    Unsupported(String),
}

/// Reads a question.
pub fn read(question: &str, model: &Model, lexicon: &Lexicon, today: NaiveDate) -> Reading {
    let tokens = words::tokens(question);
    let cuts = lattice::cuts(&tokens, lexicon, today, MOST_CUTS);
    let Some(cheapest) = cuts.first() else {
        return Reading::Refused(Refusal::Unrelated);
    };
    let unknown = unknown(&cheapest.items);
    if !unknown.is_empty() {
        return Reading::Refused(if cheapest.items.iter().any(is_future) {
            Refusal::Future
        } else if cheapest.items.iter().any(is_named) {
            Refusal::Unknown(unknown)
        } else {
            Refusal::Unrelated
        });
    }
    let mut first: Option<Refusal> = None;
    let mut found: Vec<Plan> = Vec::new();
    let mut price = None;
    for cut in &cuts {
        if price.is_some_and(|price| cut.price > price) || cut.price >= lattice::UNKNOWN {
            break;
        }
        let plans = Walk::new(model, &cut.items)
            .draft()
            .and_then(|draft| resolve::plans(&draft, model));
        match plans {
            Ok(plans) => {
                price = Some(cut.price);
                for plan in plans {
                    if !found.contains(&plan) {
                        found.push(plan);
                    }
                }
            }
            Err(refusal) => {
                first.get_or_insert(refusal);
            }
        }
    }
    match found.len() {
        0 => Reading::Refused(match first {
            Some(Refusal::NoFigure) if !cheapest.items.iter().any(is_named) => Refusal::Unrelated,
            Some(refusal) => refusal,
            None => Refusal::Unrelated,
        }),
        1 => Reading::Certain(found.swap_remove(0)),
        _ => {
            found.truncate(MOST_READINGS);
            Reading::Several(found)
        }
    }
}

fn unknown(items: &[Item]) -> Vec<String> {
    let unknown = items.iter().filter(|item| item.what == What::Unknown);
    let mut words: Vec<String> = unknown.map(|item| item.raw.clone()).collect();
    words.dedup();
    words
}

fn is_future(item: &Item) -> bool {
    matches!(
        item.what,
        What::Time(Phrase::Future) | What::Meaning(Meaning::Word(Word::Future))
    )
}

/// Whether it names something of the connection.
fn is_named(item: &Item) -> bool {
    match &item.what {
        What::Meaning(meaning) => !matches!(meaning, Meaning::Word(_)),
        _ => false,
    }
}
