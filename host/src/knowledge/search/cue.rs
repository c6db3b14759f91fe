//! Which kind of DataPoint a question asks for, by its form: "how many" asks for a metric, "the most" for a report,
//! "when does" for a process, "which column" for a table.
//!
//! A table, its metrics, its reports and the process that fills it speak of the same things in the same words, so
//! neither words nor meaning tell them apart well; the form of the question does. It is a hint and no more: what is
//! asked for goes before what is about as near, and nothing is left out. A form may ask for several kinds, and one
//! that is not known asks for none.
//!
//! Known are forms of English alone, and only such as don't depend on what a database is about.

use crate::knowledge::Kind;

/// Words of figures and definitions, in order.
#[rustfmt::skip]
const FIGURE: &[&str] = &[
    "amount", "average", "calculate", "calculated", "computed", "count", "counts", "define", "defined",
    "definition", "mean", "meaning", "means", "measured", "median", "number", "part",
    "percent", "percentage", "proportion", "rate", "ratio", "share", "stand", "sum", "total", "typical",
    "volume",
];

/// Words of lists, comparisons and choices, in order.
#[rustfmt::skip]
const REPORT: &[&str] = &[
    "best", "bestseller", "bestsellers", "bottom", "breakdown", "by", "compare", "compared", "comparison",
    "distributed", "distribution", "each", "fewest", "history", "last", "latest", "least", "most", "newest",
    "next", "overview", "past", "per", "previous", "rank", "ranked", "ranking", "recent", "report", "split",
    "top", "trend", "versus", "vs", "worst",
];

/// Words of what runs and when, in order.
#[rustfmt::skip]
const RUN: &[&str] = &[
    "batch", "fresh", "freshness", "happens", "job", "load", "loaded", "nightly", "overnight", "pipeline",
    "process", "refresh", "refreshed", "run", "runs", "schedule", "scheduled", "sync", "synced", "update",
    "updated",
];

/// Words of where something stands, in order.
#[rustfmt::skip]
const PLACE: &[&str] = &[
    "attribute", "attributes", "column", "columns", "field", "fields", "record", "recorded", "records",
    "schema", "stored", "table", "tables", "view",
];

/// Words that look like superlatives, in order.
#[rustfmt::skip]
const NO_SUPERLATIVE: &[&str] = &[
    "contest", "digest", "forest", "harvest", "interest", "invest", "manifest", "protest", "request", "suggest",
    "tempest",
];

/// The kinds that a question asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue(Vec<Kind>);

impl Cue {
    /// Reads it off a question.
    #[must_use]
    pub fn of(question: &str) -> Self {
        let lower = question.to_lowercase();
        let words = lower.split(|character: char| !character.is_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let has = |list: &[&str]| words.iter().any(|word| list.binary_search(word).is_ok());
        let word = |at: usize| words.get(at).copied().unwrap_or_default();
        let is_past = |word: &str| matches!(word, "did" | "had" | "has" | "have" | "was" | "were");
        let places = has(PLACE);
        let chooses = has(REPORT) || words.iter().any(|word| is_superlative(word));
        let by_begin: &[Kind] = match (word(0), word(1)) {
            // How often something is done is a schedule; how often it was done, a figure.
            ("how", "often") if is_past(word(2)) => &[Kind::Business],
            ("how", "often" | "fresh" | "current" | "recent") => &[Kind::Process],
            ("how", "are" | "can" | "did" | "do" | "does" | "is" | "to" | "was" | "were") => &[],
            // How many, how much, how high.
            ("how", _) => &[Kind::Business],
            ("what", "is" | "are") if !chooses => &[Kind::Business],
            ("when", tense) if !is_past(tense) => &[Kind::Process],
            ("where", _) => &[Kind::Schema],
            ("list" | "show" | "give", _) => &[Kind::Query],
            ("which" | "who", _) if !chooses && !places => &[Kind::Schema, Kind::Query],
            _ => &[],
        };
        let by_words = [
            (Kind::Schema, places),
            (Kind::Business, has(FIGURE)),
            (Kind::Process, has(RUN)),
            (Kind::Query, chooses),
        ];
        let by_words = by_words.into_iter().filter(|(_, asked)| *asked);
        let by_words = by_words.map(|(kind, _)| kind);
        Self(by_words.chain(by_begin.iter().copied()).collect())
    }

    /// Whether a kind is asked for.
    #[must_use]
    pub fn asks_for(&self, kind: Kind) -> bool {
        self.0.contains(&kind)
    }
}

/// `largest`, `wealthiest`; not `interest`.
fn is_superlative(word: &str) -> bool {
    word.len() > 5 && word.ends_with("est") && NO_SUPERLATIVE.binary_search(&word).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(question: &str) -> Vec<Kind> {
        let cue = Cue::of(question);
        let kinds = Kind::ALL.into_iter();
        kinds.filter(|kind| cue.asks_for(*kind)).collect()
    }

    #[test]
    fn the_form_of_a_question_says_which_kind_it_asks_for() {
        use Kind::{Business, Process, Query, Schema};
        for (question, kinds) in [
            ("How many parcels were lost?", vec![Business]),
            ("How high are our fees?", vec![Business]),
            ("How is churn calculated?", vec![Business]),
            ("What is an active rider?", vec![Business]),
            ("total fares", vec![Business]),
            ("Who are the busiest drivers?", vec![Query]),
            ("latest rides of one driver", vec![Query]),
            ("fares per district", vec![Query]),
            ("Show rides to the airport", vec![Query]),
            ("average fare by district", vec![Business, Query]),
            ("When do fares arrive in the warehouse?", vec![Process]),
            ("How often are fares counted?", vec![Process]),
            ("How often did riders complain?", vec![Business]),
            ("How fresh are the fares?", vec![Process]),
            ("Which table has fares?", vec![Schema]),
            ("Where do fares stand?", vec![Schema, Business]),
            ("Which rider complained?", vec![Schema, Query]),
            ("What interest do we pay?", vec![]),
            ("How do riders complain?", vec![]),
            ("rides to the airport", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(asked(question), kinds, "{question}");
        }
    }

    #[test]
    fn the_words_are_in_order() {
        for list in [FIGURE, REPORT, RUN, PLACE, NO_SUPERLATIVE] {
            assert!(list.is_sorted(), "{list:?}");
        }
    }
}
