//! A question as tokens: words, numbers, days, quoted texts, comparison signs and commas.
//!
//! A word is compared by its stem, and identifiers split where their parts meet: `unitPrice`, `unit_price` and
//! "unit prices" are the same two stems. What a token was in the question is kept, for quoting it back.

use chrono::NaiveDate;

use crate::knowledge::search::text;

/// One token of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub kind: TokenKind,
    /// As it stands in the question.
    pub raw: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TokenKind {
    /// By its stem, in lower case.
    Word(String),
    /// Digits with an optional fraction, without signs that group thousands.
    Number(String),
    Day(NaiveDate),
    /// Without its quotes.
    Quoted(String),
    /// `<`, `<=`, `=`, `<>`, `>=`, `>`.
    Sign(String),
    Comma,
}

impl Token {
    /// The stem, if it is a word.
    pub fn stem(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Word(stem) => Some(stem),
            _ => None,
        }
    }
}

/// Splits a question.
pub fn tokens(question: &str) -> Vec<Token> {
    let characters: Vec<(usize, char)> = question.char_indices().collect();
    let end_of = |at: usize| characters.get(at).map_or(question.len(), |(byte, _)| *byte);
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&(from, character)) = characters.get(at) {
        let run = |from: usize, keep: &dyn Fn(usize, char) -> bool| {
            let rest = characters[from..].iter().enumerate();
            let taken = rest.take_while(|(offset, (_, character))| keep(from + offset, *character));
            from + taken.count()
        };
        let mut push = |kind: TokenKind, to: usize| {
            tokens.push(Token {
                kind,
                raw: question[from..end_of(to)].to_owned(),
            });
        };
        let next = if let Some(close) = closing(character) {
            // A quote that nobody closes is an apostrophe.
            let inner = run(at + 1, &|_, character| character != close);
            let opens = at == 0 || !characters[at - 1].1.is_alphanumeric();
            if opens && inner < characters.len() && inner > at + 1 {
                let text = question[end_of(at + 1)..end_of(inner)].to_owned();
                push(TokenKind::Quoted(text), inner + 1);
                inner + 1
            } else {
                at + 1
            }
        } else if character.is_ascii_digit() {
            let to = run(at, &|at, character| {
                let digit = |at: usize| characters.get(at).is_some_and(|(_, c)| c.is_ascii_digit());
                character.is_alphanumeric()
                    || matches!(character, '.' | ',' | '-') && digit(at - 1) && digit(at + 1)
            });
            let written = &question[from..end_of(to)];
            match number_or_day(written) {
                Some(kind) => push(kind, to),
                None => words(written, &mut tokens),
            }
            to
        } else if character.is_alphanumeric() || character == '_' {
            let to = run(at, &|_, character| {
                character.is_alphanumeric() || character == '_'
            });
            words(&question[from..end_of(to)], &mut tokens);
            to
        } else if matches!(character, '<' | '>' | '=') {
            let to = run(at, &|_, character| matches!(character, '<' | '>' | '='));
            push(TokenKind::Sign(question[from..end_of(to)].to_owned()), to);
            to
        } else {
            if character == ',' {
                push(TokenKind::Comma, at + 1);
            }
            at + 1
        };
        at = next;
    }
    tokens
}

fn closing(open: char) -> Option<char> {
    match open {
        '"' | '\'' | '`' => Some(open),
        '“' => Some('”'),
        '‘' => Some('’'),
        '«' => Some('»'),
        _ => None,
    }
}

fn number_or_day(written: &str) -> Option<TokenKind> {
    if let Ok(day) = NaiveDate::parse_from_str(written, "%Y-%m-%d") {
        return Some(TokenKind::Day(day));
    }
    let mut groups = written.split(',');
    let first = groups.next().unwrap_or_default();
    let mut whole = first.to_owned();
    for group in groups {
        let digits = group.split('.').next().unwrap_or_default();
        if digits.len() != 3 {
            return None;
        }
        whole.push_str(group);
    }
    let mut parts = whole.split('.');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = match (parts.next(), parts.next(), parts.next()) {
        (Some(integer), None, None) => digits(integer),
        (Some(integer), Some(fraction), None) => digits(integer) && digits(fraction),
        _ => false,
    };
    fits.then_some(TokenKind::Number(whole))
}

/// The tokens of a run of letters; a word whose parts are several stems gives several, each with the whole as it
/// was written.
fn words(written: &str, tokens: &mut Vec<Token>) {
    for stem in stems(written) {
        tokens.push(Token {
            kind: TokenKind::Word(stem),
            raw: written.to_owned(),
        });
    }
}

/// The stems of a name or phrase.
pub fn stems(text: &str) -> Vec<String> {
    text::terms(text).into_iter().map(finish).collect()
}

/// What the search's light stem leaves of plurals in `-es`: `branche` is `branch`.
fn finish(mut stem: String) -> String {
    if ["che", "she", "xe", "sse"]
        .iter()
        .any(|end| stem.ends_with(end))
    {
        stem.pop();
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(question: &str) -> String {
        let kinds = tokens(question).into_iter().map(|token| match token.kind {
            TokenKind::Word(stem) => stem,
            TokenKind::Number(digits) => format!("#{digits}"),
            TokenKind::Day(day) => format!("@{day}"),
            TokenKind::Quoted(text) => format!("[{text}]"),
            TokenKind::Sign(sign) => sign,
            TokenKind::Comma => ",".to_owned(),
        });
        kinds.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_question_is_split_into_what_can_be_compared() {
        for (question, expected) in [
            ("Bottom 3 branch cities?", "bottom #3 branch city"),
            ("branches, boxes and classes", "branch , box and class"),
            ("unitPrice >= 1,200.50", "unit price >= #1200.50"),
            ("since 2025-03-01.", "since @2025-03-01"),
            ("in 'New York' or \"x y\"", "in [New York] or [x y]"),
            ("the customer's loans", "the customer s loan"),
            ("the 3rd and 12,5", "the 3rd and 12 5"),
            ("self-checkout", "self checkout"),
        ] {
            assert_eq!(shown(question), expected, "{question}");
        }
    }

    #[test]
    fn identifiers_and_prose_have_the_same_stems() {
        assert_eq!(stems("fraudAlerts"), stems("Fraud alerts"));
        assert_eq!(stems("branches"), stems("branch"));
        assert_eq!(stems("Customer Notes"), stems("customer_note"));
    }
}
