//! The policy for MySQL and MariaDB.
//!
//! Exactly one statement: `SELECT`, `VALUES`, `TABLE`, `SHOW` of the kinds in `show.rs`, `DESCRIBE`, or
//! `EXPLAIN` (MariaDB's `ANALYZE` too) of one of the first three. A lexer of our own (`lexer.rs`) reads the
//! text as the server does in the session's `sql_mode`; if that is not known, in every mode, and all must
//! pass. The text is sent as it is: what the lexer reads, the server reads.
//!
//! Calls, `INTO`, locks, sequences and hidden relations are judged on the tokens, wherever they stand;
//! then the tree must be of known parts (`shape.rs`). `functions.rs` has the lists and the reasoning.
//!
//! What the text can't show is left to the engine's read-only transaction and to the role's rights: what a
//! view, a stored function or a loadable function does inside. A connection whose own database is `mysql`
//! names the server's tables without a schema; nobody stops that but the role's rights.

mod functions;
mod lexer;
mod show;
mod skeleton;

use sqlparser::dialect::MySqlDialect;
use sqlparser::tokenizer::Token;

use self::lexer::Mode;
use super::shape::{self, Piece, Rules};
use super::tokens::{Tokens, statement_name};
use super::{Reason, Refusal};

const RULES: Rules = Rules {
    dialect: &MySqlDialect {},
    table_functions: &[],
};

/// Judges a statement.
pub fn judge(reading: &[(String, String)], sql: &str) -> Result<(), Refusal> {
    let differs = sql.contains(['\\', '"']);
    let modes = Mode::all(reading);
    // Without these two characters all modes read the same.
    let modes = if differs { &modes[..] } else { &modes[..1] };
    modes.iter().try_for_each(|mode| judge_in(*mode, sql))
}

fn judge_in(mode: Mode, sql: &str) -> Result<(), Refusal> {
    let tokens = lexer::lex(sql, mode)?;
    let statement = Tokens(&tokens).only_statement()?;
    if starts_query(statement, 0) {
        judge_tokens(statement, mode)?;
        return judge_piece(Piece::Query, statement);
    }
    if statement.says(0, &["SHOW"]) {
        judge_tokens(statement, mode)?;
        return show::judge(statement);
    }
    if let Some(explained) = explained(statement)? {
        judge_tokens(statement, mode)?;
        return judge_piece(Piece::Query, statement.from(explained));
    }
    if statement.says_one(0, &["DESCRIBE", "DESC", "EXPLAIN"])
        && let Some(after) = statement.after_name(1)
    {
        judge_tokens(statement, mode)?;
        let column = usize::from(matches!(
            statement.get(after),
            Token::Word(_) | Token::SingleQuotedString(_)
        ));
        return ends(statement, after + column);
    }
    let message = format!(
        "Only a reading statement may be run (SELECT, VALUES, TABLE, SHOW, DESCRIBE, or EXPLAIN of one), not {}.",
        statement_name(statement)
    );
    Err(statement.refusal(0, Reason::Statement, message))
}

fn starts_query(tokens: Tokens, at: usize) -> bool {
    tokens.is(at, &Token::LParen) || tokens.says_one(at, &["SELECT", "WITH", "VALUES", "TABLE"])
}

/// Where the statement begins that `EXPLAIN` or `ANALYZE` is about, if it is about a reading one.
fn explained(tokens: Tokens) -> Result<Option<usize>, Refusal> {
    if !tokens.says_one(0, &["EXPLAIN", "DESCRIBE", "DESC", "ANALYZE"]) {
        return Ok(None);
    }
    let mut at = 1;
    loop {
        if tokens.says_one(at, &["ANALYZE", "EXTENDED", "PARTITIONS"]) {
            at += 1;
        } else if tokens.says(at, &["FORMAT"]) && tokens.is(at + 1, &Token::Eq) {
            at += 3;
        } else {
            break;
        }
    }
    // ANALYZE TABLE writes statistics.
    let writes = tokens.says(at - 1, &["ANALYZE", "TABLE"]);
    if starts_query(tokens, at) && !writes {
        return Ok(Some(at));
    }
    if at == 1
        && !tokens.says(0, &["ANALYZE"])
        && tokens.after_name(1).is_some()
        && !acts(tokens, 1)
    {
        return Ok(None);
    }
    let message = "EXPLAIN may be given for a reading statement (SELECT, VALUES, TABLE) only.";
    Err(tokens.refusal(at, Reason::Statement, message))
}

/// Words that can't be a table's name without quotes.
fn acts(tokens: Tokens, at: usize) -> bool {
    tokens.says_one(at, &["INSERT", "UPDATE", "DELETE", "REPLACE", "FOR"])
}

/// What may not stand anywhere in a reading statement.
fn judge_tokens(tokens: Tokens, mode: Mode) -> Result<(), Refusal> {
    let show = tokens.says(0, &["SHOW"]);
    for at in 0..tokens.len() {
        if tokens.says(at, &["INTO"]) {
            let message = "SELECT … INTO writes a file or a variable: leave it out. A name may stand in backticks.";
            return Err(tokens.refusal(at, Reason::Statement, message));
        }
        if !show && tokens.says(at, &["PROCEDURE"]) {
            return Err(tokens.refusal(
                at,
                Reason::Statement,
                "PROCEDURE must not be used in a reading statement.",
            ));
        }
        let locks = tokens.says(at, &["FOR", "UPDATE"])
            || tokens.says(at, &["FOR", "SHARE"])
            || tokens.says(at, &["LOCK", "IN"]);
        if locks {
            let message =
                "Rows must not be locked: leave out FOR UPDATE, LOCK IN SHARE MODE and the like.";
            return Err(tokens.refusal(at, Reason::Locking, message));
        }
        let draws = tokens.says(at, &["NEXT", "VALUE", "FOR"])
            || mode.oracle
                && tokens.is(at, &Token::Period)
                && tokens
                    .name(at + 1)
                    .is_some_and(|name| name.eq_ignore_ascii_case("nextval"));
        if draws {
            let message = "A sequence must not be changed.";
            return Err(tokens.refusal(at, Reason::Function, message));
        }
        if let (Some(schema), Token::Period, Some(relation)) =
            (tokens.name(at), tokens.get(at + 1), tokens.name(at + 2))
            && functions::is_hidden(schema, relation)
        {
            let message = format!(
                "{schema}.{relation} may hold credentials or what others did, so it must not be read."
            );
            return Err(tokens.refusal(at, Reason::Relation, message));
        }
    }
    for (at, name) in tokens.calls() {
        let refused = functions::refuse_call(name).or_else(|| {
            let sets =
                name.eq_ignore_ascii_case("last_insert_id") && !tokens.is(at + 2, &Token::RParen);
            sets.then_some("sets something for the session when it has an argument")
        });
        if let Some(what) = refused {
            let message = format!("The function {name} may not be called: it {what}.");
            return Err(tokens.refusal(at, Reason::Function, message));
        }
    }
    Ok(())
}

fn judge_piece(piece: Piece, tokens: Tokens) -> Result<(), Refusal> {
    shape::judge(piece, &skeleton::of(tokens), &RULES)
}

fn ends(tokens: Tokens, at: usize) -> Result<(), Refusal> {
    if at >= tokens.len() {
        return Ok(());
    }
    let message = "The statement can't be judged, so it is not run. It should end here.";
    Err(tokens.refusal(at, Reason::Syntax, message))
}

#[cfg(test)]
#[path = "mysql_tests.rs"]
mod tests;
