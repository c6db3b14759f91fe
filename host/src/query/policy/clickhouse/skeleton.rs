//! ClickHouse's own grammar, put into words that the parser knows; `draft.rs` says within which bounds.
//!
//! The expressions of `WITH 1 AS x`, `ARRAY JOIN`, `LIMIT … BY`, `APPLY` and `REPLACE` become statements of
//! their own.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::draft::{Draft, ends_operand, word};
use super::super::tokens::Tokens;

/// How often a token may be looked at, for what is extracted may have to be extracted from.
const ROUNDS: usize = 16;

/// What stands between relations.
const JOINING: &[&str] = &[
    "ALL", "ANTI", "ANY", "ASOF", "CROSS", "FULL", "GLOBAL", "INNER", "JOIN", "LEFT", "LOCAL",
    "OUTER", "PASTE", "RIGHT", "SEMI",
];

/// What ends a list of expressions.
const CLAUSES: &[&str] = &[
    "EXCEPT",
    "FETCH",
    "FORMAT",
    "FROM",
    "GROUP",
    "HAVING",
    "INTERSECT",
    "INTO",
    "LIMIT",
    "OFFSET",
    "ORDER",
    "PREWHERE",
    "QUALIFY",
    "SETTINGS",
    "UNION",
    "WHERE",
    "WINDOW",
];

/// What the parser is given instead: the statement, and the queries that hold what was extracted. `None`: too
/// much is nested.
pub fn of(tokens: Tokens) -> Option<(Vec<TokenWithSpan>, Vec<Vec<TokenWithSpan>>)> {
    let mut work = ROUNDS * (tokens.len() + 1);
    let (statement, mut waiting) = edit(tokens);
    let mut queries = Vec::new();
    while let Some(query) = waiting.pop() {
        work = work.checked_sub(query.len())?;
        let (query, more) = edit(Tokens(&query));
        queries.push(query);
        waiting.extend(more);
    }
    Some((statement, queries))
}

fn edit(tokens: Tokens) -> (Vec<TokenWithSpan>, Vec<Vec<TokenWithSpan>>) {
    let mut draft = Draft::new(tokens);
    for at in 0..tokens.len() {
        if draft.is_dropped(at) {
            continue;
        }
        match tokens.get(at) {
            Token::LBrace => {
                let close = draft.close(at);
                draft.drop(at, close + 1);
                draft.replace(at, vec![Token::Placeholder("?".to_owned())]);
            }
            Token::Question | Token::Colon => draft.replace(at, vec![Token::Plus]),
            // An element of a tuple.
            Token::Period if matches!(tokens.get(at + 1), Token::Number(..)) => {
                draft.drop(at, at + 2);
            }
            // `* EXCEPT name`
            Token::Mul
                if tokens.says(at + 1, &["EXCEPT"])
                    && tokens.name(at + 2).is_some()
                    && !tokens.says_one(at + 2, &["SELECT", "ALL", "DISTINCT", "STRICT"]) =>
            {
                draft.drop(at + 1, at + 3);
            }
            Token::Word(_) if at > 0 && tokens.is(at - 1, &Token::Period) => {
                columns(&mut draft, tokens, at);
            }
            Token::Word(_) if tokens.word(at).is_some() => {
                clause(&mut draft, tokens, at);
                columns(&mut draft, tokens, at);
            }
            _ => {}
        }
    }
    draft.finish()
}

fn clause(draft: &mut Draft, tokens: Tokens, at: usize) {
    let says = |word: &str| tokens.says(at, &[word]);
    let before = at.checked_sub(1).map_or(&Token::EOF, |at| tokens.get(at));
    let call = tokens.is(at + 1, &Token::LParen);
    if says("WITH") {
        if tokens.says(at + 1, &["TIES"]) {
            draft.drop(at, at + 2);
        } else if !tokens.says_one(at + 1, &["TOTALS", "ROLLUP", "CUBE", "FILL"]) {
            with(draft, tokens, at);
        }
    } else if tokens.says(at, &["ARRAY", "JOIN"]) {
        let end = draft.find(at + 2, |at| {
            tokens.says_one(at, CLAUSES)
                || joins(tokens, at)
                || tokens.says_one(at, &["FINAL", "SAMPLE", "ARRAY"])
        });
        draft.extract(at + 2, end);
        let kind = at > 0 && tokens.says_one(at - 1, &["LEFT", "INNER"]);
        draft.drop(at - usize::from(kind), at + 2);
    } else if tokens.says_one(at, JOINING) && joins(tokens, at) {
        join(draft, tokens, at);
    } else if (says("GLOBAL") && tokens.says_one(at + 1, &["IN", "NOT"]))
        || (says("FINAL") && ends_relation(tokens, at))
    {
        draft.drop(at, at + 1);
    } else if says("SAMPLE") && matches!(tokens.get(at + 1), Token::Number(..)) {
        let mut end = after_ratio(tokens, at + 1);
        if tokens.says(end, &["OFFSET"]) && matches!(tokens.get(end + 1), Token::Number(..)) {
            end = after_ratio(tokens, end + 1);
        }
        draft.drop(at, end);
    } else if says("LIMIT") {
        limit_by(draft, tokens, at);
    } else if says("USING") && !call {
        let mut end = at + 2;
        while tokens.is(end, &Token::Comma)
            && tokens.name(end + 1).is_some()
            && !tokens.is(end + 2, &Token::LParen)
        {
            end += 2;
        }
        draft.drop(at, end);
    } else if says("AS") && is_inner_alias(draft, tokens, at) {
        draft.drop(at, at + 2);
    } else if says("VIEW") && call && tokens.says_one(at + 2, &["SELECT", "WITH", "FROM"]) {
        // A derived table.
        draft.drop(at, at + 1);
    } else if tokens.says_one(at, &["NULL", "VALUES"]) && call {
        draft.make_name(at);
    } else if tokens.says_one(at, &["DIV", "MOD"]) && !call && ends_operand(before) {
        draft.replace(at, vec![Token::Div]);
    } else if says("REGEXP") && !call && ends_operand(before) {
        draft.replace(at, vec![word("LIKE")]);
    } else if says("FILTER") && call && tokens.says(at + 2, &["WHERE"]) {
        let close = draft.close(at + 1);
        draft.extract(at + 3, close);
        draft.drop(at, close + 1);
    } else if tokens.says_one(at, &["RESPECT", "IGNORE"]) && tokens.says(at + 1, &["NULLS"]) {
        draft.drop(at, at + 2);
    } else if says("INTERVAL")
        && matches!(tokens.get(at + 1), Token::SingleQuotedString(_))
        && tokens.word(at + 2).is_none_or(|word| !is_unit(word))
    {
        draft.drop(at, at + 1);
    }
}

fn is_unit(word: &str) -> bool {
    let word = word.to_ascii_uppercase();
    let units = [
        "NANOSECOND",
        "MICROSECOND",
        "MILLISECOND",
        "SECOND",
        "MINUTE",
        "HOUR",
        "DAY",
        "WEEK",
        "MONTH",
        "QUARTER",
        "YEAR",
    ];
    units.contains(&word.strip_suffix('S').unwrap_or(&word))
}

/// Common table expressions stay; `expression AS name` goes.
fn with(draft: &mut Draft, tokens: Tokens, at: usize) {
    let first = at + 1 + usize::from(tokens.says(at + 1, &["RECURSIVE"]));
    let mut elements = Vec::new();
    let mut start = first;
    loop {
        let end = draft.find(start, |at| {
            tokens.is(at, &Token::Comma) || tokens.says_one(at, &["SELECT", "FROM"])
        });
        elements.push((start, end, is_table_expression(draft, tokens, start, end)));
        if !tokens.is(end, &Token::Comma) {
            break;
        }
        start = end + 1;
    }
    let last = elements.iter().rposition(|(.., stays)| *stays);
    for (place, (start, end, stays)) in elements.iter().enumerate() {
        if !stays {
            draft.extract(*start, *end);
        }
        // A comma stays between those that stay.
        if tokens.is(*end, &Token::Comma) && !(*stays && last.is_some_and(|last| place < last)) {
            draft.drop(*end, *end + 1);
        }
    }
    if last.is_none() {
        draft.drop(at, first);
    }
}

/// `name [(columns)] AS [MATERIALIZED] (query)`
fn is_table_expression(draft: &Draft, tokens: Tokens, start: usize, end: usize) -> bool {
    let mut at = start + 1;
    if tokens.is(at, &Token::LParen) {
        at = draft.close(at) + 1;
    }
    if tokens.name(start).is_none() || !tokens.says(at, &["AS"]) {
        return false;
    }
    at += 1;
    if tokens.says(at, &["MATERIALIZED"]) {
        at += 1;
    }
    tokens.is(at, &Token::LParen) && draft.close(at) + 1 == end
}

/// Whether words that join relations stand here, `JOIN` at their end.
fn joins(tokens: Tokens, at: usize) -> bool {
    let mut end = at;
    while tokens.says_one(end, JOINING) && !tokens.says(end, &["JOIN"]) {
        end += 1;
    }
    tokens.says(end, &["JOIN"])
}

/// Leaves of `GLOBAL ANY LEFT JOIN` what the parser knows.
fn join(draft: &mut Draft, tokens: Tokens, at: usize) {
    let mut end = at;
    let mut side = None;
    while !tokens.says(end, &["JOIN"]) {
        if tokens.says_one(end, &["LEFT", "RIGHT", "FULL", "INNER", "CROSS"]) {
            side = tokens.word(end);
        } else if tokens.says(end, &["PASTE"]) {
            side = Some("CROSS");
        }
        end += 1;
    }
    draft.drop(at, end);
    if let Some(side) = side {
        draft.replace(at, vec![word(side)]);
    }
}

fn ends_relation(tokens: Tokens, at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else {
        return false;
    };
    let named = tokens.name(before).is_some() || tokens.is(before, &Token::RParen);
    let words = [
        "SELECT", "DISTINCT", "ON", "AND", "OR", "NOT", "IN", "AS", "BY", "LIKE", "BETWEEN",
        "WHEN", "THEN", "ELSE", "CASE", "JOIN", "USING", "IS", "EXISTS",
    ];
    named && !tokens.says_one(before, &words) && !tokens.says_one(before, CLAUSES)
}

fn after_ratio(tokens: Tokens, at: usize) -> usize {
    let ratio = tokens.is(at + 1, &Token::Div) && matches!(tokens.get(at + 2), Token::Number(..));
    if ratio { at + 3 } else { at + 1 }
}

/// `LIMIT 1 BY a, b`, which another limit may follow.
fn limit_by(draft: &mut Draft, tokens: Tokens, at: usize) {
    let by = draft.find(at + 1, |at| {
        tokens.says(at, &["BY"])
            || tokens.says_one(at, CLAUSES) && !tokens.says(at, &["OFFSET"])
            || tokens.says_one(at, &["WITH"])
    });
    if !tokens.says(by, &["BY"]) {
        return;
    }
    let end = draft.find(by + 1, |at| tokens.says_one(at, CLAUSES));
    let offset = draft.find(at + 1, |at| at == by || tokens.says(at, &["OFFSET"]));
    draft.extract(at + 1, offset);
    if offset < by {
        draft.extract(offset + 1, by);
    }
    draft.extract(by + 1, end);
    draft.drop(at, end);
}

/// An alias within an expression, which the parser has no place for.
fn is_inner_alias(draft: &Draft, tokens: Tokens, at: usize) -> bool {
    let Some(open) = draft.inside(at) else {
        return false;
    };
    let query = tokens.says_one(open + 1, &["SELECT", "WITH", "FROM"]);
    let types = open > 0
        && tokens.name(open - 1).is_some_and(|name| {
            ["CAST", "INTERPOLATE", "REPLACE"]
                .iter()
                .any(|call| name.eq_ignore_ascii_case(call))
        });
    !query && !types && tokens.name(at + 1).is_some() && !tokens.is(at + 2, &Token::LParen)
}

/// What may stand behind `*` and `COLUMNS(…)`: `EXCEPT`, `REPLACE`, `APPLY`.
fn columns(draft: &mut Draft, tokens: Tokens, at: usize) {
    if tokens.says(at, &["APPLY"]) && at > 0 && follows_columns(tokens, at) {
        let (from, end) = if tokens.is(at + 1, &Token::LParen) {
            (at + 2, draft.close(at + 1))
        } else {
            let end = draft.find(at + 1, |at| {
                tokens.is(at, &Token::Comma)
                    || tokens.says_one(at, CLAUSES)
                    || tokens.says_one(at, &["APPLY", "REPLACE"])
            });
            (at + 1, end)
        };
        draft.extract(from, end);
        let close = usize::from(tokens.is(at + 1, &Token::LParen));
        draft.drop(at, end + close);
        return;
    }
    if !tokens.says(at, &["COLUMNS"]) || !tokens.is(at + 1, &Token::LParen) {
        return;
    }
    let mut end = draft.close(at + 1) + 1;
    while tokens.says_one(end, &["EXCEPT", "REPLACE"]) {
        let list = end + 1 + usize::from(tokens.says(end + 1, &["STRICT"]));
        let query = tokens.is(list + 1, &Token::LParen)
            || tokens.says_one(list + 1, &["SELECT", "WITH", "FROM"]);
        if !tokens.is(list, &Token::LParen) || query {
            break;
        }
        let close = draft.close(list);
        if tokens.says(end, &["REPLACE"]) {
            draft.extract(list + 1, close);
        }
        draft.drop(end, close + 1);
        end = close + 1;
    }
}

fn follows_columns(tokens: Tokens, at: usize) -> bool {
    at > 0
        && (matches!(tokens.get(at - 1), Token::Mul | Token::RParen)
            || tokens.name(at - 1).is_some())
}
