//! What may run on an engine whose grammar the host does not know: one plain SELECT.
//!
//! Solves: a connector for something else entirely declares the dialect `generic`. The host can't know what
//! its functions do or how it reads odd text, so it lets through only what means reading in any SQL: one
//! SELECT or VALUES over named tables, subqueries and joins, with operators, CASE, CAST and functions of the
//! standard.
//!
//! How it decides: text that lexers read differently (comments, backslashes, dollar quotes, foreign signs) is
//! refused, so that the engine sees the tokens that were judged. Every name before a parenthesis must be a
//! keyword or a function that is known to only compute. Then the tree must be of known parts (`shape.rs`).
//!
//! What it does not do: keep an engine from writing on its own account. There is no second layer but the
//! connector, which must run statements read-only as the contract asks of it.

use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, Whitespace};

use super::shape::{self, Piece, Rules};
use super::tokens::{Tokens, statement_name};
use super::{Reason, Refusal};

const RULES: Rules = Rules {
    dialect: &GenericDialect {},
    table_functions: &[],
};

/// Functions that only compute, whatever engine has them. Sorted.
const FUNCTIONS: &[&str] = &[
    "abs",
    "avg",
    "cast",
    "ceil",
    "ceiling",
    "char_length",
    "character_length",
    "coalesce",
    "concat",
    "count",
    "cume_dist",
    "dense_rank",
    "exp",
    "extract",
    "first_value",
    "floor",
    "greatest",
    "lag",
    "last_value",
    "lead",
    "least",
    "length",
    "ln",
    "lower",
    "ltrim",
    "max",
    "min",
    "mod",
    "ntile",
    "nullif",
    "octet_length",
    "percent_rank",
    "position",
    "power",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sqrt",
    "stddev_pop",
    "stddev_samp",
    "substr",
    "substring",
    "sum",
    "trim",
    "upper",
    "var_pop",
    "var_samp",
];

/// Words that a parenthesis may follow without a call. Types have it in CAST.
const KEYWORDS: &[Keyword] = &[
    Keyword::ALL,
    Keyword::AND,
    Keyword::ANY,
    Keyword::AS,
    Keyword::BETWEEN,
    Keyword::BY,
    Keyword::CASE,
    Keyword::CHAR,
    Keyword::CHARACTER,
    Keyword::DECIMAL,
    Keyword::DISTINCT,
    Keyword::ELSE,
    Keyword::EXCEPT,
    Keyword::EXISTS,
    Keyword::FILTER,
    Keyword::FLOAT,
    Keyword::FROM,
    Keyword::HAVING,
    Keyword::IN,
    Keyword::INTERSECT,
    Keyword::JOIN,
    Keyword::LIKE,
    Keyword::LIMIT,
    Keyword::NOT,
    Keyword::NUMERIC,
    Keyword::OFFSET,
    Keyword::ON,
    Keyword::OR,
    Keyword::OVER,
    Keyword::SELECT,
    Keyword::THEN,
    Keyword::TIME,
    Keyword::TIMESTAMP,
    Keyword::UNION,
    Keyword::USING,
    Keyword::VALUES,
    Keyword::VARCHAR,
    Keyword::WHEN,
    Keyword::WHERE,
];

/// Judges a statement of an unknown dialect.
///
/// # Errors
/// The first rule that it breaks.
pub fn judge(sql: &str) -> Result<(), Refusal> {
    let tokens = lex(sql)?;
    let statement = Tokens(&tokens).only_statement()?;
    let reads =
        statement.is(0, &Token::LParen) || statement.says_one(0, &["SELECT", "WITH", "VALUES"]);
    if !reads {
        let message = format!(
            "Only a SELECT may be run, not {}.",
            statement_name(statement)
        );
        return Err(statement.refusal(0, Reason::Statement, message));
    }
    for (at, name) in statement.calls() {
        if !only_computes(statement, at) {
            let message = format!(
                "The function {name} is not one that is known to only compute on any database."
            );
            return Err(statement.refusal(at, Reason::Function, message));
        }
    }
    shape::judge(Piece::Query, statement.0, &RULES)
}

/// Whether the name before a parenthesis is no call, or a harmless one.
fn only_computes(tokens: Tokens, at: usize) -> bool {
    let qualified = at
        .checked_sub(1)
        .is_some_and(|before| tokens.is(before, &Token::Period));
    let Token::Word(word) = tokens.get(at) else {
        return false;
    };
    let is_keyword = word.quote_style.is_none() && KEYWORDS.contains(&word.keyword);
    let is_function = || {
        FUNCTIONS
            .binary_search(&word.value.to_lowercase().as_str())
            .is_ok()
    };
    !qualified && (is_keyword || is_function())
}

/// The tokens, without white space, each at its place in characters as if all were one line.
fn lex(sql: &str) -> Result<Vec<TokenWithSpan>, Refusal> {
    let place = Places::of(sql);
    // The library reads what is in such a comment, as MySQL would; in a text nobody needs it.
    if let Some(byte) = sql.find("/*!") {
        let before = sql.get(..byte).unwrap_or_default().chars().count();
        return Err(Refusal {
            reason: Reason::Syntax,
            message: "Databases don't agree on how a comment is read; leave it out.".to_owned(),
            position: u32::try_from(before + 1).ok(),
        });
    }
    let tokens = Tokenizer::new(&GenericDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| Refusal {
            reason: Reason::Syntax,
            message: format!("The statement does not parse: {}.", error.message),
            position: u32::try_from(place.flat(error.location).column).ok(),
        })?;
    let mut kept = Vec::with_capacity(tokens.len());
    for TokenWithSpan { token, span } in tokens {
        let span = Span::new(place.flat(span.start), place.flat(span.end));
        if let Some(odd) = read_differently(&token) {
            return Err(Refusal {
                reason: Reason::Syntax,
                message: format!("Databases don't agree on how {odd} is read; leave it out."),
                position: u32::try_from(span.start.column).ok(),
            });
        }
        match token {
            Token::Whitespace(_) => {}
            // This grammar takes it for an operator of PostgreSQL.
            Token::Question => kept.push(TokenWithSpan {
                token: Token::Placeholder("?".to_owned()),
                span,
            }),
            token => kept.push(TokenWithSpan { token, span }),
        }
    }
    Ok(kept)
}

/// Where the lines of a text begin, in characters.
struct Places(Vec<u64>);

impl Places {
    fn of(sql: &str) -> Self {
        let breaks = sql
            .chars()
            .zip(1..)
            .filter(|(character, _)| *character == '\n');
        Self(std::iter::once(0).chain(breaks.map(|(_, at)| at)).collect())
    }

    fn flat(&self, at: Location) -> Location {
        let line = usize::try_from(at.line)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        Location {
            line: 1,
            column: self.0.get(line).copied().unwrap_or(0) + at.column,
        }
    }
}

/// Whether a name without quotes is one everywhere: `@a` is a variable for some.
fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// What is odd about a token, if not every lexer reads it alike.
fn read_differently(token: &Token) -> Option<&'static str> {
    match token {
        Token::Whitespace(
            Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_),
        ) => Some("a comment"),
        Token::Word(word) if word.value.contains('\\') => Some("a backslash in a name"),
        Token::Word(word) if word.quote_style.is_none() && !is_plain(&word.value) => {
            Some("this sign in a name")
        }
        Token::SingleQuotedString(inner) | Token::DoubleQuotedString(inner)
            if inner.contains('\\') =>
        {
            Some("a backslash in a text")
        }
        Token::Whitespace(_)
        | Token::Word(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Number(..)
        | Token::Placeholder(_)
        | Token::Question
        | Token::Comma
        | Token::Eq
        | Token::Neq
        | Token::Lt
        | Token::Gt
        | Token::LtEq
        | Token::GtEq
        | Token::Plus
        | Token::Minus
        | Token::Mul
        | Token::Div
        | Token::Mod
        | Token::StringConcat
        | Token::LParen
        | Token::RParen
        | Token::Period
        | Token::SemiColon
        | Token::EOF => None,
        _ => Some("this sign"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::plugins::Dialect;

    fn reason(sql: &str) -> Option<Reason> {
        judge(sql).err().map(|refusal| refusal.reason)
    }

    #[test]
    fn plain_reading_passes() {
        for sql in [
            "SELECT 1",
            "select * from t",
            "SELECT t.*, a AS b, \"Odd Name\" FROM s.t AS t WHERE a = 'it''s' AND b IS NOT NULL;",
            "SELECT count(*), sum(CASE WHEN a >= 1.5 AND a < 2 THEN 1 ELSE 0 END) FROM t",
            "SELECT a, count(DISTINCT b) FROM t GROUP BY a HAVING count(*) > 1 ORDER BY 2 DESC LIMIT 5 OFFSET 1",
            "SELECT x.a FROM (SELECT a FROM t UNION ALL SELECT b FROM u) x LEFT JOIN v ON v.a = x.a",
            "WITH c AS (SELECT 1 AS n) SELECT n FROM c WHERE n IN (SELECT a FROM t) AND EXISTS (SELECT 1 FROM u)",
            "SELECT a FROM t WHERE b = $1 AND c = ? AND d LIKE 'x%' AND e BETWEEN 1 AND 2",
            "SELECT row_number() OVER (PARTITION BY a ORDER BY b), CAST(a AS INTEGER), UPPER(a) || 'x' FROM t",
            "SELECT EXTRACT(YEAR FROM d), TRIM(a), SUBSTRING(a FROM 1 FOR 2), -a FROM t",
            "VALUES (1, 'a'), (2, 'b')",
        ] {
            assert_eq!(judge(sql), Ok(()), "{sql}");
        }
    }

    #[test]
    fn what_may_write_reach_out_or_lock_is_refused() {
        for (sql, wanted) in [
            ("DELETE FROM t", Reason::Statement),
            ("INSERT INTO t VALUES (1)", Reason::Statement),
            ("EXPLAIN ANALYZE DELETE FROM t", Reason::Statement),
            (
                "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
                Reason::Statement,
            ),
            ("SELECT * INTO u FROM t", Reason::Statement),
            ("SELECT a FROM t FOR UPDATE", Reason::Locking),
            (
                "SELECT * FROM url('http://169.254.169.254/')",
                Reason::Function,
            ),
            ("SELECT * FROM t, LATERAL f(t.a)", Reason::Function),
            ("SELECT load_file('/etc/passwd')", Reason::Function),
            ("SELECT pg_catalog.count(*)", Reason::Function),
            ("SELECT \"nextval\"('s')", Reason::Function),
            ("SELECT count(load_file('x'))", Reason::Function),
            ("SELECT 1 ORDER BY setval('s', 1)", Reason::Function),
            ("SELECT 1 LIMIT setval('s', 1)", Reason::Function),
            (
                "SELECT sum(1) OVER (ORDER BY setval('s', 1))",
                Reason::Function,
            ),
            (
                "SELECT sum(1) FILTER (WHERE setval('s', 1) > 0)",
                Reason::Function,
            ),
            ("SELECT 1 UNION SELECT sleep(10)", Reason::Function),
            ("SELECT (SELECT sleep(10))", Reason::Function),
            ("SELECT CASE WHEN sleep(1) THEN 1 END", Reason::Function),
            ("SELECT a FROM t JOIN u ON sleep(1)", Reason::Function),
            ("SELECT 1; DELETE FROM t", Reason::MultipleStatements),
            ("SELECT a FROM t SETTINGS readonly = 0", Reason::Statement),
            ("SELECT a FROM t FORMAT Null", Reason::Statement),
            ("", Reason::EmptySql),
            (";", Reason::EmptySql),
            ("SELEC 1", Reason::Statement),
        ] {
            assert_eq!(reason(sql), Some(wanted), "{sql}");
        }
    }

    #[test]
    fn text_that_lexers_read_differently_is_refused() {
        for sql in [
            "SELECT 1 -- x",
            "SELECT 1 /* x */",
            "SELECT /*!50000 1 */",
            "SELECT 'a\\' OR f(1) -- '",
            "SELECT \"a\\\"\"",
            "SELECT `a\\`",
            "SELECT $$ x $$",
            "SELECT @a",
            "SELECT {fn now()}",
            "SELECT E'a'",
            "SELECT x'00'",
            "SELECT a::int",
        ] {
            assert_eq!(reason(sql), Some(Reason::Syntax), "{sql}");
        }
    }

    #[test]
    fn a_place_is_counted_in_characters_over_lines() {
        let refusal = judge("SELECT 'ä',\n  load_file('x')").expect_err("refused");
        assert_eq!(refusal.position, Some(15));
    }

    #[test]
    fn deep_and_long_statements_answer_quickly() {
        assert_eq!(
            reason(&format!(
                "SELECT {}1{}",
                "(".repeat(10_000),
                ")".repeat(10_000)
            )),
            Some(Reason::TooDeep)
        );
        let long = format!("SELECT 1{}", " + 1".repeat(24_000));
        let began = std::time::Instant::now();
        let judged = super::super::judge(Dialect::Generic, &[], &long, &Limits::default());
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
        drop(judged);
    }

    #[test]
    fn the_list_of_functions_is_sorted() {
        assert!(FUNCTIONS.is_sorted());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(sql in ".{0,200}") {
            let _ = judge(&sql);
        }
    }
}
