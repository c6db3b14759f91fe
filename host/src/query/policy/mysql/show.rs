//! Which `SHOW` statements MySQL and MariaDB may run.
//!
//! Most only look. Those that show credentials (`CREATE USER`, `CREATE SERVER`, `GRANTS`, which quotes
//! passwords' hashes in MariaDB), the contents of logs (`BINLOG EVENTS`), or look into another session
//! (`EXPLAIN FOR`) are not here, nor is what a new version may add.

use sqlparser::tokenizer::Token;

use super::super::shape::Piece;
use super::super::tokens::Tokens;
use super::super::{Reason, Refusal};
use super::{ends, judge_piece};

/// Lists, which may be of a table or a schema and filtered.
const LISTS: &[&str] = &[
    "CHARACTER SET",
    "CHARSET",
    "COLLATION",
    "COLUMNS",
    "DATABASES",
    "ENGINES",
    "EVENTS",
    "EXTENDED COLUMNS",
    "EXTENDED FIELDS",
    "EXTENDED FULL COLUMNS",
    "EXTENDED INDEX",
    "EXTENDED INDEXES",
    "EXTENDED KEYS",
    "FIELDS",
    "FULL COLUMNS",
    "FULL FIELDS",
    "FULL PROCESSLIST",
    "FULL TABLES",
    "FUNCTION STATUS",
    "GLOBAL STATUS",
    "GLOBAL VARIABLES",
    "INDEX",
    "INDEXES",
    "KEYS",
    "LOCAL STATUS",
    "LOCAL VARIABLES",
    "OPEN TABLES",
    "PACKAGE BODY STATUS",
    "PACKAGE STATUS",
    "PLUGINS",
    "PRIVILEGES",
    "PROCEDURE STATUS",
    "PROCESSLIST",
    "SCHEMAS",
    "SESSION STATUS",
    "SESSION VARIABLES",
    "STATUS",
    "STORAGE ENGINES",
    "TABLE STATUS",
    "TABLES",
    "TRIGGERS",
    "VARIABLES",
];

/// How something was made; a name follows.
const CREATES: &[&str] = &[
    "DATABASE",
    "DATABASE IF NOT EXISTS",
    "EVENT",
    "FUNCTION",
    "PACKAGE",
    "PACKAGE BODY",
    "PROCEDURE",
    "SCHEMA",
    "SCHEMA IF NOT EXISTS",
    "SEQUENCE",
    "TABLE",
    "TRIGGER",
    "VIEW",
];

/// What stands alone, or before a limit.
const ALONE: &[&str] = &[
    "ALL REPLICAS STATUS",
    "ALL SLAVES STATUS",
    "BINARY LOG STATUS",
    "ERRORS",
    "MASTER STATUS",
    "PROFILES",
    "REPLICA STATUS",
    "REPLICAS",
    "SLAVE HOSTS",
    "SLAVE STATUS",
    "WARNINGS",
];

/// Judges what begins with `SHOW`.
pub fn judge(tokens: Tokens) -> Result<(), Refusal> {
    if tokens.says(1, &["CREATE"]) {
        if let Some(named) = tokens.after_phrase(2, CREATES)
            && let Some(after) = tokens.after_name(named)
        {
            return ends(tokens, after);
        }
    } else if tokens.says(1, &["ENGINE"]) {
        if tokens.name(2).is_some() && tokens.says_one(3, &["STATUS", "MUTEX", "LOGS"]) {
            return ends(tokens, 4);
        }
    } else if let Some(after) = tokens.after_phrase(1, LISTS) {
        return filter(tokens, after);
    } else if let Some(after) = tokens.after_phrase(1, ALONE) {
        return limit(tokens, after);
    } else if tokens.says(1, &["COUNT"]) && tokens.says_one(5, &["WARNINGS", "ERRORS"]) {
        return ends(tokens, 6);
    }
    let what = tokens.word(1).unwrap_or_default().to_ascii_uppercase();
    let message = format!("SHOW {what} is not among those that may be run.");
    Err(tokens.refusal(0, Reason::Statement, message))
}

/// `FROM a FROM b LIKE 'c'`, or `WHERE` and an expression.
fn filter(tokens: Tokens, mut at: usize) -> Result<(), Refusal> {
    while tokens.says_one(at, &["FROM", "IN"]) {
        let Some(after) = tokens.after_name(at + 1) else {
            return ends(tokens, at + 1);
        };
        at = after;
    }
    if tokens.says(at, &["LIKE"]) && matches!(tokens.get(at + 1), Token::SingleQuotedString(_)) {
        return ends(tokens, at + 2);
    }
    if tokens.says(at, &["WHERE"]) {
        return judge_piece(Piece::Expression, tokens.from(at + 1));
    }
    ends(tokens, at)
}

fn limit(tokens: Tokens, mut at: usize) -> Result<(), Refusal> {
    if tokens.says(at, &["LIMIT"]) {
        at += 2;
        if tokens.is(at, &Token::Comma) {
            at += 2;
        }
    }
    ends(tokens, at)
}
