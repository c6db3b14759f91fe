//! Which `SHOW` statements ClickHouse may run.
//!
//! They only look. Those about access show how others log in, so of them only the reader's own are here.

use sqlparser::tokenizer::Token;

use super::super::shape::Piece;
use super::super::tokens::Tokens;
use super::super::{Reason, Refusal};
use super::{ends, judge_piece};

/// Lists, which may be of a table or a database and filtered.
const LISTS: &[&str] = &[
    "CHANGED SETTINGS",
    "CLUSTERS",
    "COLUMNS",
    "DATABASES",
    "DICTIONARIES",
    "ENGINES",
    "EXTENDED COLUMNS",
    "EXTENDED FULL COLUMNS",
    "EXTENDED INDEX",
    "EXTENDED INDEXES",
    "FIELDS",
    "FULL COLUMNS",
    "FULL TABLES",
    "FUNCTIONS",
    "INDEX",
    "INDEXES",
    "INDICES",
    "KEYS",
    "MERGES",
    "PROCESSLIST",
    "SETTINGS",
    "TABLES",
    "TEMPORARY TABLES",
];

/// How something was made; a name follows.
const CREATES: &[&str] = &[
    "CREATE DATABASE",
    "CREATE DICTIONARY",
    "CREATE TABLE",
    "CREATE TEMPORARY TABLE",
    "CREATE VIEW",
];

/// What stands alone.
const ALONE: &[&str] = &["CURRENT ROLES", "ENABLED ROLES", "GRANTS"];

/// Judges what begins with `SHOW`.
pub fn judge(tokens: Tokens) -> Result<(), Refusal> {
    if let Some(after) = tokens
        .after_phrase(1, CREATES)
        .and_then(|named| tokens.after_name(named))
    {
        return ends(tokens, after);
    }
    if tokens.after_phrase(1, ALONE) == Some(tokens.len()) {
        return Ok(());
    }
    if let Some(after) = tokens.after_phrase(1, LISTS) {
        return filter(tokens, after);
    }
    if tokens.says(1, &["SETTING"]) && tokens.name(2).is_some() {
        return ends(tokens, 3);
    }
    let what = tokens.word(1).unwrap_or_default().to_ascii_uppercase();
    let message = format!("SHOW {what} is not among those that may be run.");
    Err(tokens.refusal(0, Reason::Statement, message))
}

/// `FROM a FROM b`, `LIKE 'c'`, `LIMIT 1`, or `WHERE` and an expression.
fn filter(tokens: Tokens, mut at: usize) -> Result<(), Refusal> {
    while tokens.says_one(at, &["FROM", "IN"]) {
        let Some(after) = tokens.after_name(at + 1) else {
            return ends(tokens, at + 1);
        };
        at = after;
    }
    if tokens.says(at, &["WHERE"]) {
        return judge_piece(Piece::Expression, tokens.from(at + 1));
    }
    if tokens.says(at, &["NOT"]) {
        at += 1;
    }
    if tokens.says_one(at, &["LIKE", "ILIKE"])
        && matches!(tokens.get(at + 1), Token::SingleQuotedString(_))
    {
        at += 2;
    }
    if tokens.says(at, &["LIMIT"]) && matches!(tokens.get(at + 1), Token::Number(..)) {
        at += 2;
    }
    ends(tokens, at)
}
