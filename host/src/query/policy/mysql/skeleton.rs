//! MySQL's and MariaDB's own words, put into those that the parser knows; `draft.rs` says within which bounds.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::draft::{Draft, ends_operand, word};
use super::super::tokens::Tokens;

/// Units of two parts; MySQL reserves these words.
const UNITS: &[&str] = &[
    "DAY_HOUR",
    "DAY_MICROSECOND",
    "DAY_MINUTE",
    "DAY_SECOND",
    "HOUR_MICROSECOND",
    "HOUR_MINUTE",
    "HOUR_SECOND",
    "MINUTE_MICROSECOND",
    "MINUTE_SECOND",
    "SECOND_MICROSECOND",
    "YEAR_MONTH",
];

/// What the parser is given instead.
pub fn of(tokens: Tokens) -> Vec<TokenWithSpan> {
    let mut draft = Draft::new(tokens);
    for at in 0..tokens.len() {
        if draft.is_dropped(at) {
            continue;
        }
        let before = at.checked_sub(1).map_or(&Token::EOF, |at| tokens.get(at));
        if tokens.is(at, &Token::ExclamationMark) {
            draft.replace(at, vec![word("NOT")]);
        } else if tokens.is(at, &Token::Comma) && in_nested_join(&draft, tokens, at) {
            draft.replace(at, vec![word("CROSS"), word("JOIN")]);
        }
        if tokens.word(at).is_none() || *before == Token::Period {
            continue;
        }
        if tokens.says(at, &["TABLE"]) && tokens.name(at + 1).is_some() {
            draft.replace(at, vec![word("SELECT"), Token::Mul, word("FROM")]);
        } else if tokens.says_one(at, UNITS) {
            draft.replace(at, vec![word("DAY")]);
        } else if tokens.says(at, &["MOD"]) && ends_operand(before) {
            draft.replace(at, vec![Token::Mod]);
        } else if tokens.says(at, &["SOUNDS", "LIKE"]) {
            draft.drop(at, at + 1);
        } else if tokens.says(at, &["INTERVAL"]) && tokens.is(at + 1, &Token::LParen) {
            let list = draft.find(at + 2, |at| tokens.is(at, &Token::Comma));
            if tokens.is(list, &Token::Comma) {
                draft.make_name(at);
            }
        } else if tokens.says_one(at, &["BOTH", "LEADING", "TRAILING"])
            && tokens.says(at + 1, &["FROM"])
        {
            draft.drop(at, at + 2);
        } else if tokens.says(at, &["CHARACTER", "SET"]) && tokens.name(at + 2).is_some() {
            draft.drop(at, at + 3);
        } else if tokens.says(at, &["USING"])
            && tokens.name(at + 1).is_some()
            && tokens.is(at + 2, &Token::RParen)
            && called(&draft, tokens, at).is_some_and(|name| name.eq_ignore_ascii_case("CHAR"))
        {
            draft.drop(at, at + 2);
        } else if tokens.says(at, &["ROWS", "EXAMINED"]) {
            let only = tokens.says(at.saturating_sub(1), &["LIMIT"]);
            draft.drop(at - usize::from(only), at + 3);
        } else if tokens.says(at, &["FOR", "SYSTEM_TIME"]) {
            draft.drop(at, after_version(tokens, at + 2));
        }
    }
    draft.finish().0
}

/// What is called with the arguments around here.
fn called<'a>(draft: &Draft, tokens: Tokens<'a>, at: usize) -> Option<&'a str> {
    tokens.name(draft.inside(at)?.checked_sub(1)?)
}

/// `JOIN (a, b)`
fn in_nested_join(draft: &Draft, tokens: Tokens, at: usize) -> bool {
    let Some(open) = draft.inside(at) else {
        return false;
    };
    let starts = open > 0 && tokens.says_one(open - 1, &["FROM", "JOIN"]);
    let hint = open > 1 && tokens.says(open - 2, &["FOR"]);
    starts && !hint && !tokens.says_one(open + 1, &["SELECT", "WITH", "VALUES"])
}

/// Behind the time of a versioned table, if it is written as one literal or variable.
fn after_version(tokens: Tokens, at: usize) -> usize {
    if tokens.says(at, &["ALL"]) {
        return at + 1;
    }
    let mut end = at;
    if tokens.says(end, &["AS", "OF"]) {
        end += 2;
        if tokens.says_one(end, &["TIMESTAMP", "TRANSACTION"]) {
            end += 1;
        }
        if ends_operand(tokens.get(end)) && !tokens.is(end + 1, &Token::LParen) {
            return end + 1;
        }
    }
    at
}
