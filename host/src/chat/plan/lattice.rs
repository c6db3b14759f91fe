//! The ways to cut a question into phrases, the most plausible first.
//!
//! Each phrase has a price, and a way costs what its phrases cost: long names are cheaper than the words that they
//! are made of, names that somebody has declared cheaper than names of columns, and an unknown word costs more than
//! everything else together. The ways come in the order of their prices.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::NaiveDate;

use super::Comparison;
use super::lexicon::{Lexicon, Meaning, Word};
use super::period::{self, Phrase};
use super::words::{Token, TokenKind};

/// A phrase in a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub what: What,
    /// As it stands in the question.
    pub raw: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Meaning(Meaning),
    Time(Phrase),
    Number(String),
    /// A quoted text that is no known value.
    Text(String),
    Comma,
    Unknown,
}

/// One way to cut a question.
#[derive(Debug, Clone)]
pub struct Cut {
    pub price: u32,
    pub items: Vec<Item>,
}

/// Longer questions are no questions.
const MOST_TOKENS: usize = 80;
/// Steps of the search for all ways together.
const MOST_STEPS: usize = 20_000;
pub const UNKNOWN: u32 = 10_000;

fn price(meaning: &Meaning, length: usize) -> u32 {
    match meaning {
        Meaning::Metric(_) => 100,
        Meaning::Table(_) => 105,
        Meaning::Column(_) => 110,
        Meaning::Value(_) => 112,
        Meaning::Event(_) => 60,
        Meaning::Word(Word::Neutral) => 10 * u32::try_from(length).unwrap_or(u32::MAX),
        Meaning::Word(_) => 20,
    }
}

/// The ways to cut, cheapest first, at most `most`.
pub fn cuts(tokens: &[Token], lexicon: &Lexicon, today: NaiveDate, most: usize) -> Vec<Cut> {
    if tokens.is_empty() || tokens.len() > MOST_TOKENS {
        return Vec::new();
    }
    let edges: Vec<Vec<(usize, u32, What)>> = (0..tokens.len())
        .map(|at| edges(&tokens[at..], lexicon, today))
        .collect();
    // What the rest costs at least, from each place on.
    let mut rest = vec![0_u32; tokens.len() + 1];
    for at in (0..tokens.len()).rev() {
        let cheapest = edges[at]
            .iter()
            .map(|(length, price, _)| price + rest[at + length])
            .min();
        rest[at] = cheapest.unwrap_or(u32::MAX / 4);
    }
    // What was taken so far, by place and edge; the sequence number keeps equal prices in order.
    let mut open = BinaryHeap::new();
    let mut sequence = 0_usize;
    open.push((
        Reverse(rest[0]),
        Reverse(sequence),
        0_u32,
        0_usize,
        Vec::new(),
    ));
    let mut found: Vec<Cut> = Vec::new();
    let mut steps = 0;
    while let Some((_, _, spent, at, taken)) = open.pop() {
        steps += 1;
        if steps > MOST_STEPS || found.len() >= most {
            break;
        }
        if at == tokens.len() {
            found.push(Cut {
                price: spent,
                items: items(&taken, &edges, tokens),
            });
            continue;
        }
        for (edge, (length, price, _)) in edges[at].iter().enumerate() {
            let mut longer: Vec<(usize, usize)> = taken.clone();
            longer.push((at, edge));
            let spent = spent + price;
            sequence += 1;
            open.push((
                Reverse(spent + rest[at + length]),
                Reverse(sequence),
                spent,
                at + length,
                longer,
            ));
        }
    }
    found
}

fn items(
    taken: &[(usize, usize)],
    edges: &[Vec<(usize, u32, What)>],
    tokens: &[Token],
) -> Vec<Item> {
    taken
        .iter()
        .map(|(at, edge)| {
            let (length, _, what) = &edges[*at][*edge];
            let mut words: Vec<&str> = Vec::new();
            for token in &tokens[*at..at + length] {
                // An identifier of several parts stands once.
                if words.last() != Some(&token.raw.as_str()) {
                    words.push(&token.raw);
                }
            }
            Item {
                what: what.clone(),
                raw: words.join(" "),
            }
        })
        .collect()
}

/// The phrases that begin here: length, price, meaning.
fn edges(tokens: &[Token], lexicon: &Lexicon, today: NaiveDate) -> Vec<(usize, u32, What)> {
    let mut edges: Vec<(usize, u32, What)> = lexicon
        .phrases(tokens)
        .map(|(length, meaning)| {
            (
                length,
                price(meaning, length),
                What::Meaning(meaning.clone()),
            )
        })
        .collect();
    for (length, phrase) in period::read(tokens, today) {
        edges.push((length, 25, What::Time(phrase)));
    }
    match &tokens[0].kind {
        TokenKind::Number(digits) => edges.push((1, 40, What::Number(digits.clone()))),
        TokenKind::Quoted(text) => edges.push((1, 130, What::Text(text.clone()))),
        TokenKind::Comma => edges.push((1, 1, What::Comma)),
        TokenKind::Sign(sign) => {
            let comparison = match sign.as_str() {
                "<" => Some(Comparison::Less),
                "<=" => Some(Comparison::AtMost),
                "=" | "==" => Some(Comparison::Equal),
                ">=" => Some(Comparison::AtLeast),
                ">" => Some(Comparison::Greater),
                _ => None,
            };
            if let Some(comparison) = comparison {
                let word = Meaning::Word(Word::Compare(comparison));
                edges.push((1, 20, What::Meaning(word)));
            }
        }
        TokenKind::Word(_) | TokenKind::Day(_) => {}
    }
    edges.push((1, UNKNOWN, What::Unknown));
    edges
}
