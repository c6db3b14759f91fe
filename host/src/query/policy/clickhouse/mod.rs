//! The policy for ClickHouse.
//!
//! Exactly one statement: `SELECT` (also `FROM … SELECT`), `EXPLAIN` of one, `DESCRIBE` of a table, a query or a
//! harmless table function, `EXISTS`, or `SHOW` of the kinds in `show.rs`. A lexer of our own (`lexer.rs`) reads
//! the text as the server does, whatever its version, or refuses it. The text is sent as it is.
//!
//! Calls, clauses that leave the query (`INTO`, `FORMAT`, `SETTINGS`) and hidden relations are judged on the
//! tokens, wherever they stand; then the tree must be of known parts (`shape.rs`), with functions in the
//! place of a relation from a list. What the parser does not know of ClickHouse, `skeleton.rs` puts into
//! words that it knows. `functions.rs` has the lists and the reasoning.
//!
//! What the text can't show is left to the engine's `readonly` and to the role's rights: what a view, a
//! dictionary, a function of a user or a table of an engine that reaches out (`URL`, `MySQL`) does inside.
//! A connection whose own database is `system` names its tables without a database; nobody stops that but
//! the role's rights.

mod functions;
mod lexer;
mod show;
mod skeleton;

use sqlparser::dialect::ClickHouseDialect;
use sqlparser::tokenizer::Token;

use super::shape::{self, Piece, Rules};
use super::tokens::{Tokens, statement_name};
use super::{Reason, Refusal};

const RULES: Rules = Rules {
    dialect: &ClickHouseDialect {},
    table_functions: functions::TABLE_FUNCTIONS,
};

/// Judges a statement.
pub fn judge(sql: &str) -> Result<(), Refusal> {
    let tokens = lexer::lex(sql)?;
    let statement = Tokens(&tokens).only_statement()?;
    if starts_query(statement, 0) {
        judge_tokens(statement)?;
        return judge_piece(Piece::Query, statement);
    }
    if statement.says(0, &["SHOW"]) {
        judge_tokens(statement)?;
        return show::judge(statement);
    }
    if statement.says(0, &["EXISTS"]) {
        judge_tokens(statement)?;
        return exists(statement);
    }
    if statement.says_one(0, &["DESCRIBE", "DESC"]) {
        judge_tokens(statement)?;
        return describe(statement);
    }
    if statement.says(0, &["EXPLAIN"]) {
        let explained = explained(statement)?;
        judge_tokens(statement)?;
        return judge_piece(Piece::Query, statement.from(explained));
    }
    let message = format!(
        "Only a reading statement may be run (SELECT, SHOW, DESCRIBE, EXISTS, or EXPLAIN of SELECT), not {}.",
        statement_name(statement)
    );
    Err(statement.refusal(0, Reason::Statement, message))
}

fn starts_query(tokens: Tokens, at: usize) -> bool {
    tokens.is(at, &Token::LParen) || tokens.says_one(at, &["SELECT", "WITH", "FROM"])
}

/// Where the query begins that `EXPLAIN` is about.
fn explained(tokens: Tokens) -> Result<usize, Refusal> {
    let mut at = 1;
    if tokens.says(at, &["QUERY", "TREE"]) {
        at += 2;
    } else if tokens.says_one(at, &["AST", "SYNTAX", "PLAN", "PIPELINE", "ESTIMATE"]) {
        at += 1;
    }
    // Settings of the explanation, `header = 1, actions = 1`.
    while tokens.word(at).is_some() && tokens.is(at + 1, &Token::Eq) {
        at += 3;
        if tokens.is(at, &Token::Comma) {
            at += 1;
        }
    }
    if starts_query(tokens, at) {
        return Ok(at);
    }
    let message = "EXPLAIN may be given for SELECT only: AST, SYNTAX, QUERY TREE, PLAN, PIPELINE or ESTIMATE.";
    Err(tokens.refusal(at, Reason::Statement, message))
}

fn exists(tokens: Tokens) -> Result<(), Refusal> {
    let mut at = 1;
    if tokens.says(at, &["TEMPORARY"]) && tokens.name(at + 1).is_some() {
        at += 1;
    }
    let kinds = ["TABLE", "DICTIONARY", "DATABASE", "VIEW"];
    if tokens.says_one(at, &kinds) && tokens.name(at + 1).is_some() {
        at += 1;
    }
    ends(tokens, tokens.after_name(at).unwrap_or(at))
}

fn describe(tokens: Tokens) -> Result<(), Refusal> {
    let mut at = 1;
    let names_one = tokens.name(2).is_some() || tokens.is(2, &Token::LParen);
    if tokens.says(1, &["TABLE"]) && names_one {
        at += 1;
    }
    judge_piece(Piece::Relation, tokens.from(at))
}

/// What may not stand anywhere in a reading statement.
fn judge_tokens(tokens: Tokens) -> Result<(), Refusal> {
    for at in 0..tokens.len() {
        if let Some(clause) = leaving_clause(tokens, at) {
            let message = format!(
                "{clause} must not be given: the server decides where results go and how. A column of that name may stand in backticks."
            );
            return Err(tokens.refusal(at, Reason::Statement, message));
        }
        if tokens.says(at, &["PARALLEL", "WITH"]) {
            let message = "PARALLEL WITH runs several statements.";
            return Err(tokens.refusal(at, Reason::MultipleStatements, message));
        }
        if let (Some(schema), Token::Period, Some(relation)) =
            (tokens.name(at), tokens.get(at + 1), tokens.name(at + 2))
            && functions::is_hidden(schema, relation)
        {
            let message = format!(
                "{schema}.{relation} shows credentials or files, or acts on the server, so it must not be read."
            );
            return Err(tokens.refusal(at, Reason::Relation, message));
        }
        // `{name:Identifier}` would name what nobody has judged.
        if tokens.is(at, &Token::LBrace)
            && tokens.is(at + 2, &Token::Colon)
            && tokens
                .name(at + 3)
                .is_some_and(|kind| kind.eq_ignore_ascii_case("Identifier"))
        {
            let message = "A parameter must not be an identifier.";
            return Err(tokens.refusal(at, Reason::Relation, message));
        }
        let named = called_by_name(tokens, at);
        let called = named.or_else(|| {
            tokens
                .name(at)
                .filter(|_| tokens.is(at + 1, &Token::LParen))
        });
        if let Some(name) = called
            && let Some(what) = functions::refuse_call(name)
        {
            let message = format!("The function {name} may not be called: it {what}.");
            return Err(tokens.refusal(at, Reason::Function, message));
        }
    }
    Ok(())
}

/// A clause that says where results go, in which format, or with which settings. ClickHouse reserves none
/// of these words.
fn leaving_clause(tokens: Tokens, at: usize) -> Option<&'static str> {
    let before = at.checked_sub(1).map(|before| tokens.get(before));
    if before == Some(&Token::Period) || tokens.is(at + 1, &Token::Period) {
        return None;
    }
    let ends = |at: usize| {
        matches!(tokens.get(at), Token::EOF | Token::RParen)
            || tokens.says_one(at, &["SETTINGS", "INTO"])
    };
    if tokens.says(at, &["INTO"]) {
        return Some("INTO");
    }
    if tokens.says(at, &["SETTINGS"])
        && tokens.name(at + 1).is_some()
        && tokens.is(at + 2, &Token::Eq)
    {
        return Some("SETTINGS");
    }
    let format = tokens.says(at, &["FORMAT"])
        && at > 0
        && before != Some(&Token::Comma)
        && tokens.name(at + 1).is_some()
        && !tokens.says_one(at + 1, &["ASC", "DESC", "DESCENDING", "ASCENDING"])
        && ends(at + 2);
    format.then_some("FORMAT")
}

/// A function that is called without parentheses: `arrayMap(f, …)`, `* APPLY f`.
fn called_by_name(tokens: Tokens<'_>, at: usize) -> Option<&str> {
    let name = tokens.name(at)?;
    let before = at.checked_sub(1)?;
    if tokens.says(before, &["APPLY"]) {
        return Some(name);
    }
    // Parentheses around the name make no difference.
    let outside = (0..at).rev().find(|at| !tokens.is(*at, &Token::LParen))?;
    let caller = tokens.name(outside)?;
    (outside < before && functions::calls_its_argument(caller)).then_some(name)
}

/// Judges a piece after its tokens.
fn judge_piece(piece: Piece, tokens: Tokens) -> Result<(), Refusal> {
    let Some((statement, queries)) = skeleton::of(tokens) else {
        let message = "The statement is nested too deeply.";
        return Err(tokens.refusal(0, Reason::TooDeep, message));
    };
    shape::judge(piece, &statement, &RULES)?;
    queries
        .iter()
        .try_for_each(|query| shape::judge(Piece::Query, query, &RULES))
}

fn ends(tokens: Tokens, at: usize) -> Result<(), Refusal> {
    if at >= tokens.len() {
        return Ok(());
    }
    let message = "The statement can't be judged, so it is not run. It should end here.";
    Err(tokens.refusal(at, Reason::Syntax, message))
}

#[cfg(test)]
#[path = "clickhouse_tests.rs"]
mod tests;
