//! The words that a connection has: names of metrics, tables, columns and values, beside those of the grammar.
//!
//! A phrase is a sequence of stems with what it means. The same phrase may mean several things of a kind (a column
//! `country` of two tables); which of them, the rest of the question decides.

use std::collections::HashMap;

use super::kind::ColumnKind;
use super::model::Model;
use super::period::Grain;
use super::words::{Token, TokenKind, stems};
use super::{Aggregate, Comparison};

/// What a phrase means.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    /// Indexes into the model's metrics.
    Metric(Vec<usize>),
    Table(Vec<usize>),
    /// Table and column.
    Column(Vec<(usize, String)>),
    /// A verb that a column of time has in its name: `opened` for `opened_on`.
    Event(Vec<(usize, String)>),
    /// Indexes into the model's values.
    Value(Vec<usize>),
    Word(Word),
}

/// The words of the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Count,
    Distinct,
    Aggregate(Aggregate),
    By,
    /// `by` that may also divide a ranking: `of each`.
    Each,
    Of,
    With,
    Without,
    Not,
    And,
    Versus,
    Between,
    Share,
    Which,
    /// `top`, `best`: from the greatest on, or from the least.
    Rank {
        descending: bool,
        /// It picks things (`top`, `best`) and no figure (`most`, `highest`).
        picks: bool,
    },
    Compare(Comparison),
    Grain(Grain),
    /// `over time`: by month, unless another grain is named.
    Trend,
    /// It is about what has not happened.
    Future,
    /// It says nothing about what is asked for.
    Neutral,
}

#[derive(Debug, Clone)]
struct Entry {
    stems: Vec<String>,
    meaning: Meaning,
    /// Short values in capitals are codes (`DE`, `NO`) and match only as they are written.
    code: Option<String>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Lexicon {
    by_first: HashMap<String, Vec<Entry>>,
}

const NEUTRAL: &str = "a an the our my your their its this that these those is are was were be been being am do does \
     did done have has had we i you us they it there what who me show give list display tell please see get got make \
     made go goes went come came want know need like would could can should much all in on at for to from as so any \
     some how large big high s overall currently now present figure value amount current look into also only just \
     happen happened take place there figures data result results ve exactly when where";

/// Phrases of the grammar; alternatives of one meaning stand together.
const GRAMMAR: &[(Word, &str)] = &[
    (
        Word::Count,
        "how many|number of|the number of|numbers of|count of|count|how often|total number of",
    ),
    (Word::Distinct, "different|distinct|unique"),
    (Word::Aggregate(Aggregate::Avg), "average|mean|avg|typical"),
    (Word::Aggregate(Aggregate::Sum), "total|sum|sum of|overall"),
    (Word::Aggregate(Aggregate::Max), "maximum|max"),
    (Word::Aggregate(Aggregate::Min), "minimum|min"),
    (Word::By, "by|across|broken down by|split by|grouped by"),
    (
        Word::Each,
        "per|each|for each|of each|in each|at each|to each|by each|from each|per each|for every|of every|in every|at every|\
         to every|from every|every",
    ),
    (Word::Of, "of"),
    (Word::With, "with|having|that have|who have|which have"),
    (
        Word::Without,
        "without|with no|having no|have no|that have no|who have no",
    ),
    (Word::Not, "not|except|excluding|other than|non|but not"),
    (Word::And, "and|or|as well as|plus"),
    (
        Word::Versus,
        "versus|vs|compared to|compared with|against|in comparison to|in comparison with",
    ),
    (Word::Between, "between"),
    (
        Word::Share,
        "share of|the share of|percentage of|percent of|proportion of|fraction of|what part of",
    ),
    (Word::Which, "which"),
    (
        Word::Rank {
            descending: true,
            picks: true,
        },
        "top|best",
    ),
    (
        Word::Rank {
            descending: false,
            picks: true,
        },
        "bottom|worst",
    ),
    (
        Word::Rank {
            descending: true,
            picks: false,
        },
        "highest|largest|biggest|most|greatest",
    ),
    (
        Word::Rank {
            descending: false,
            picks: false,
        },
        "lowest|smallest|least|fewest",
    ),
    (
        Word::Compare(Comparison::Greater),
        "above|over|more than|greater than|higher than|larger than|bigger than|exceeding",
    ),
    (
        Word::Compare(Comparison::AtLeast),
        "at least|no less than|not less than|not below",
    ),
    (
        Word::Compare(Comparison::Less),
        "below|under|less than|lower than|smaller than|fewer than",
    ),
    (
        Word::Compare(Comparison::AtMost),
        "at most|no more than|not more than|up to|not above",
    ),
    (Word::Compare(Comparison::Equal), "equal to|equals|exactly"),
    (
        Word::Trend,
        "over time|trend|trend of|development of|develop|developed|evolve|evolved|history of",
    ),
    (
        Word::Future,
        "will|forecast|forecasts|predict|prediction|going to|expected to",
    ),
];

/// Words that people use for a column's last word.
const HEADS: &[(&str, &[&str])] = &[
    ("price", &["price", "cost", "costs"]),
    ("amount", &["amount"]),
    ("score", &["score"]),
    ("status", &["status"]),
    ("quantity", &["quantity"]),
];

impl Lexicon {
    /// The words of a model.
    pub fn new(model: &Model) -> Self {
        let mut lexicon = Self::default();
        for (word, phrases) in GRAMMAR {
            for phrase in phrases.split('|') {
                lexicon.add(stems(phrase), Meaning::Word(*word), None);
            }
        }
        for word in NEUTRAL.split_whitespace() {
            lexicon.add(stems(word), Meaning::Word(Word::Neutral), None);
        }
        for word in [
            "day",
            "week",
            "month",
            "quarter",
            "year",
            "daily",
            "weekly",
            "monthly",
            "quarterly",
            "yearly",
            "annual",
        ] {
            if let Some(grain) = Grain::of_word(word) {
                lexicon.add(stems(word), Meaning::Word(Word::Grain(grain)), None);
            }
        }
        for (at, metric) in model.metrics.iter().enumerate() {
            for name in std::iter::once(&metric.source.name).chain(&metric.synonyms) {
                lexicon.add(stems(name), Meaning::Metric(vec![at]), None);
            }
        }
        for (at, table) in model.tables.iter().enumerate() {
            for name in std::iter::once(&table.name).chain(&table.names) {
                lexicon.add(stems(name), Meaning::Table(vec![at]), None);
            }
            for column in &table.columns {
                lexicon.column(at, &column.name, column.kind);
            }
        }
        for (at, value) in model.values.iter().enumerate() {
            let code = value.text.chars().count() <= 3
                && value.text.chars().any(char::is_uppercase)
                && !value.text.chars().any(char::is_lowercase);
            let exact = code.then(|| value.text.clone());
            lexicon.add(stems(&value.text), Meaning::Value(vec![at]), exact);
        }
        lexicon
    }

    fn column(&mut self, table: usize, name: &str, kind: ColumnKind) {
        let own = stems(name);
        let meaning = || Meaning::Column(vec![(table, name.to_owned())]);
        if let [.., last] = own.as_slice()
            && let Some((_, words)) = HEADS.iter().find(|(head, _)| head == last)
        {
            for word in *words {
                if own.len() > 1 || word != last {
                    self.add(stems(word), meaning(), None);
                }
            }
        }
        if let [verb, at] = own.as_slice()
            && kind.is_temporal()
            && matches!(at.as_str(), "at" | "on" | "date" | "time")
        {
            let event = Meaning::Event(vec![(table, name.to_owned())]);
            self.add(vec![verb.clone()], event, None);
        }
        self.add(own, meaning(), None);
    }

    fn add(&mut self, stems: Vec<String>, meaning: Meaning, code: Option<String>) {
        let Some(first) = stems.first().cloned() else {
            return;
        };
        let entries = self.by_first.entry(first).or_default();
        for entry in entries.iter_mut() {
            if entry.stems == stems && entry.code == code && entry.meaning.join(&meaning) {
                return;
            }
        }
        entries.push(Entry {
            stems,
            meaning,
            code,
        });
    }

    /// The phrases that begin with the first of these tokens, with their lengths.
    pub fn phrases<'a>(
        &'a self,
        tokens: &'a [Token],
    ) -> impl Iterator<Item = (usize, &'a Meaning)> {
        let quoted;
        let entries = match tokens.first().map(|token| &token.kind) {
            Some(TokenKind::Word(stem)) => {
                quoted = None;
                self.by_first.get(stem)
            }
            Some(TokenKind::Quoted(text)) => {
                let own = stems(text);
                let entries = own.first().and_then(|first| self.by_first.get(first));
                quoted = Some(own);
                entries
            }
            _ => {
                quoted = None;
                None
            }
        };
        entries.into_iter().flatten().filter_map(move |entry| {
            if let Some(own) = &quoted {
                // A quoted text is a name or a value as a whole.
                let word = matches!(entry.meaning, Meaning::Word(_));
                return (*own == entry.stems && !word).then_some((1, &entry.meaning));
            }
            let length = self.spelled(entry, tokens)?;
            let is_code = |code: &String| length == 1 && tokens[0].raw == *code;
            entry
                .code
                .as_ref()
                .is_none_or(is_code)
                .then_some((length, &entry.meaning))
        })
    }
}

/// Words that say nothing and may stand within a name: `share of all orders with a card`.
const MOST_SKIPPED: usize = 2;

impl Lexicon {
    /// How many tokens a phrase takes here, if it stands here. A name may have words between its words that say
    /// nothing.
    fn spelled(&self, entry: &Entry, tokens: &[Token]) -> Option<usize> {
        let is_name = matches!(entry.meaning, Meaning::Metric(_) | Meaning::Table(_));
        let mut at = 0;
        let mut skipped = 0;
        for stem in &entry.stems {
            while tokens.get(at)?.stem() != Some(stem) {
                if at == 0 || !is_name || skipped == MOST_SKIPPED || !self.is_neutral(&tokens[at]) {
                    return None;
                }
                skipped += 1;
                at += 1;
            }
            at += 1;
        }
        Some(at)
    }

    fn is_neutral(&self, token: &Token) -> bool {
        let entries = token.stem().and_then(|stem| self.by_first.get(stem));
        entries.is_some_and(|entries| {
            let neutral = Meaning::Word(Word::Neutral);
            entries
                .iter()
                .any(|entry| entry.stems.len() == 1 && entry.meaning == neutral)
        })
    }
}

impl Meaning {
    /// Takes in another meaning of the same kind; whether that was possible.
    fn join(&mut self, other: &Self) -> bool {
        fn add<T: PartialEq + Clone>(own: &mut Vec<T>, others: &[T]) -> bool {
            for other in others {
                if !own.contains(other) {
                    own.push(other.clone());
                }
            }
            true
        }
        match (self, other) {
            (Self::Metric(own), Self::Metric(others))
            | (Self::Table(own), Self::Table(others))
            | (Self::Value(own), Self::Value(others)) => add(own, others),
            (Self::Column(own), Self::Column(others)) | (Self::Event(own), Self::Event(others)) => {
                add(own, others)
            }
            (Self::Word(own), Self::Word(other)) => own == other,
            _ => false,
        }
    }
}
