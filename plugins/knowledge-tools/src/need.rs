//! Whether a question can be answered from DataPoints, or asks for figures that only a statement can give.
//!
//! Decided by the words that ask, not by what they ask about: `what does total deposits mean` asks for a meaning,
//! `total deposits per branch` for figures. In doubt it is a meaning, for that is what was found.

use crate::words::{contains, words};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Meaning,
    Figures,
}

/// Who says this asks what something is, whatever else is said.
const MEANING: &[&str] = &[
    "define",
    "definition",
    "mean",
    "meaning",
    "explain",
    "describe",
    "stand for",
    "calculated",
    "computed",
    "which table",
    "which column",
    "business rule",
    "difference between",
];

/// Who says this asks for values.
const FIGURES: &[&str] = &[
    "how many",
    "how much",
    "count",
    "number of",
    "total",
    "sum",
    "average",
    "top",
    "bottom",
    "highest",
    "lowest",
    "largest",
    "smallest",
    "most",
    "least",
    "trend",
    "compare",
    "per",
    "by",
    "today",
    "yesterday",
    "last",
    "this month",
    "this week",
    "this year",
    "this quarter",
    "list",
    "show",
    "rank",
];

/// What a question asks for.
pub fn need(question: &str) -> Need {
    let question = words(question);
    let says = |phrases: &[&str]| {
        phrases
            .iter()
            .any(|phrase| contains(&question, &words(phrase)))
    };
    if !says(MEANING) && says(FIGURES) {
        Need::Figures
    } else {
        Need::Meaning
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_ask_decide() {
        for (question, expected) in [
            ("What is net revenue?", Need::Meaning),
            ("What does total deposits mean?", Need::Meaning),
            ("How is the average basket calculated?", Need::Meaning),
            ("Which table has the loans?", Need::Meaning),
            ("gross margin", Need::Meaning),
            ("How many customers do we have?", Need::Figures),
            ("Total deposits by branch", Need::Figures),
            ("Revenue last month", Need::Figures),
            ("Show the top 5 stores", Need::Figures),
        ] {
            assert_eq!(need(question), expected, "{question}");
        }
    }
}
