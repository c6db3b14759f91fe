//! MySQL's and MariaDB's lexer.
//!
//! It follows `sql_lex.cc` of both, for a connection whose character set is utf8mb4. What the session's
//! `sql_mode` decides, [`Mode`] says. Not read but refused, since it hides or nobody needs it: executable
//! comments, optimiser hints that set variables, `:=`, ODBC's braces, `\N`, and NUL.

use sqlparser::tokenizer::Token;

use super::super::scanner::{Scanner, syntax};
use super::super::{Reason, Refusal};

/// What `sql_mode` says about reading a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// `"…"` is an identifier.
    pub ansi_quotes: bool,
    /// `\` is a character like any other.
    pub no_backslash_escapes: bool,
    /// `s.nextval` takes a number from a sequence.
    pub oracle: bool,
}

impl Mode {
    /// The modes that a text must be judged in: the session's, or all if it is not known.
    pub fn all(reading: &[(String, String)]) -> Vec<Self> {
        let known = reading
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("sql_mode"));
        if let Some((_, modes)) = known {
            let has = |mode: &str| {
                modes
                    .split(',')
                    .any(|m| m.trim().eq_ignore_ascii_case(mode))
            };
            return vec![Self {
                ansi_quotes: [
                    "ANSI_QUOTES",
                    "ANSI",
                    "DB2",
                    "MAXDB",
                    "MSSQL",
                    "ORACLE",
                    "POSTGRESQL",
                ]
                .into_iter()
                .any(has),
                no_backslash_escapes: has("NO_BACKSLASH_ESCAPES"),
                oracle: has("ORACLE"),
            }];
        }
        [(false, false), (false, true), (true, false), (true, true)]
            .map(|(ansi_quotes, no_backslash_escapes)| Self {
                ansi_quotes,
                no_backslash_escapes,
                oracle: true,
            })
            .to_vec()
    }
}

static SYMBOLS: [(&str, Token); 30] = [
    ("(", Token::LParen),
    (")", Token::RParen),
    (",", Token::Comma),
    (".", Token::Period),
    (";", Token::SemiColon),
    ("=", Token::Eq),
    ("<=>", Token::Spaceship),
    ("<>", Token::Neq),
    ("!=", Token::Neq),
    ("<=", Token::LtEq),
    (">=", Token::GtEq),
    ("<<", Token::ShiftLeft),
    (">>", Token::ShiftRight),
    ("<", Token::Lt),
    (">", Token::Gt),
    ("->>", Token::LongArrow),
    ("->", Token::Arrow),
    ("&&", Token::Overlap),
    ("||", Token::StringConcat),
    ("&", Token::Ampersand),
    ("|", Token::Pipe),
    ("^", Token::Caret),
    ("~", Token::Tilde),
    ("!", Token::ExclamationMark),
    ("+", Token::Plus),
    ("-", Token::Minus),
    ("*", Token::Mul),
    ("/", Token::Div),
    ("%", Token::Mod),
    ("?", Token::Question),
];

/// Hints that only choose how rows are found, without `NO_`.
const HINTS: &[&str] = &[
    "BKA",
    "BNL",
    "DERIVED_CONDITION_PUSHDOWN",
    "GROUP_INDEX",
    "HASH_JOIN",
    "ICP",
    "INDEX",
    "INDEX_MERGE",
    "JOIN_FIXED_ORDER",
    "JOIN_INDEX",
    "JOIN_ORDER",
    "JOIN_PREFIX",
    "JOIN_SUFFIX",
    "MERGE",
    "MRR",
    "ORDER_INDEX",
    "QB_NAME",
    "RANGE_OPTIMIZATION",
    "SEMIJOIN",
    "SKIP_SCAN",
    "SUBQUERY",
];

/// The tokens of a text, without comments.
///
/// # Errors
/// What the server would not read, or what is refused wherever it stands.
pub fn lex(sql: &str, mode: Mode) -> Result<Vec<sqlparser::tokenizer::TokenWithSpan>, Refusal> {
    let mut scanner = Scanner::new(sql);
    while let Some(next) = scanner.peek() {
        let place = scanner.place();
        match next {
            '\t'..='\r' | ' ' => {
                scanner.take_while(is_space);
            }
            '#' => scanner.skip_line(),
            '-' if is_line_comment(&scanner) => scanner.skip_line(),
            '/' if scanner.rest().starts_with("/*") => comment(&mut scanner)?,
            '\'' => text(&mut scanner, next, mode, place)?,
            '"' if !mode.ansi_quotes => text(&mut scanner, next, mode, place)?,
            '"' | '`' => {
                scanner.accept(&next.to_string());
                let name = scanner.quoted(next, false)?;
                scanner.push(place, Token::make_word(&name, Some(next)));
            }
            '@' => variable(&mut scanner, mode)?,
            '0'..='9' => number(&mut scanner)?,
            '.' if scanner.peek_after(1).is_some_and(|c| c.is_ascii_digit()) => {
                let in_name = matches!(scanner.touching(), Some(Token::Word(word)) if word.quote_style.is_none());
                if in_name {
                    after_dot(&mut scanner);
                } else {
                    number(&mut scanner)?;
                }
            }
            '.' if matches!(scanner.touching(), Some(Token::Word(_)))
                && scanner.peek_after(1).is_some_and(is_name) =>
            {
                after_dot(&mut scanner);
            }
            next if is_name(next) => word(&mut scanner, mode)?,
            _ => {
                let token = scanner.symbol(&SYMBOLS);
                let token = match token {
                    Some(Token::Question) => Token::Placeholder("?".to_owned()),
                    Some(token) => token,
                    None => return Err(unreadable(&scanner, next)),
                };
                scanner.push(place, token);
            }
        }
    }
    Ok(scanner.into_tokens())
}

fn is_space(char: char) -> bool {
    matches!(char, '\t'..='\r' | ' ')
}

/// A character of a name, which may begin with a digit.
fn is_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '$') || !char.is_ascii()
}

/// Two dashes are a comment only before a space, a control character, or the end.
fn is_line_comment(scanner: &Scanner) -> bool {
    scanner.rest().starts_with("--")
        && scanner
            .peek_after(2)
            .is_none_or(|char| char == ' ' || char.is_ascii_control())
}

fn unreadable(scanner: &Scanner, next: char) -> Refusal {
    let place = scanner.place();
    match next {
        '\0' => syntax("The text has a NUL character.", place),
        ':' => Refusal {
            reason: Reason::Statement,
            message: "Variables must not be set (:=); for row numbers and running sums there are window functions."
                .to_owned(),
            position: u32::try_from(place).ok(),
        },
        '{' | '}' => syntax("ODBC's braces are not read here: leave them out.", place),
        _ => syntax(format!("{next:?} is not read here."), place),
    }
}

fn comment(scanner: &mut Scanner) -> Result<(), Refusal> {
    let place = scanner.place();
    let refused = |message: &str| {
        Err(Refusal {
            reason: Reason::Statement,
            message: message.to_owned(),
            position: u32::try_from(place).ok(),
        })
    };
    scanner.accept("/*");
    let executable = scanner.rest().starts_with('!') || scanner.rest().starts_with("M!");
    if executable {
        return refused("The server runs what is in a comment that begins with /*! or /*M!.");
    }
    let Some(content) = scanner.take_through("*/") else {
        return Err(syntax("The comment is not closed.", place));
    };
    let Some(hints) = content.strip_prefix('+') else {
        return Ok(());
    };
    // Each hint is a name and a list in parentheses, so a name is what stands before one.
    let mut parts: Vec<_> = hints.split('(').collect();
    parts.pop();
    let known = parts.iter().all(|part| {
        let hint = part.trim_end();
        let start = hint.rfind(|char| !is_name(char)).map_or(0, |at| at + 1);
        let hint = hint.get(start..).unwrap_or_default().to_ascii_uppercase();
        HINTS.contains(&hint.strip_prefix("NO_").unwrap_or(&hint))
    });
    if known {
        Ok(())
    } else {
        refused(
            "An optimiser hint must not set anything; those that choose joins and indexes may be given.",
        )
    }
}

fn text(scanner: &mut Scanner, quote: char, mode: Mode, place: u64) -> Result<(), Refusal> {
    scanner.accept(&quote.to_string());
    let content = scanner.quoted(quote, !mode.no_backslash_escapes)?;
    scanner.push(place, Token::SingleQuotedString(content));
    Ok(())
}

/// `@a`, `@'a'`, `@@a`: one token with its signs, which no name has.
fn variable(scanner: &mut Scanner, mode: Mode) -> Result<(), Refusal> {
    let place = scanner.place();
    let sign = if scanner.accept("@@") { "@@" } else { "@" };
    if sign == "@" {
        scanner.accept("@");
    }
    let name = match scanner.peek() {
        Some('`') => {
            scanner.accept("`");
            scanner.quoted('`', false)?
        }
        Some(quote @ ('\'' | '"')) if sign == "@" => {
            scanner.accept(&quote.to_string());
            let escapes = !mode.no_backslash_escapes && (quote == '\'' || !mode.ansi_quotes);
            scanner.quoted(quote, escapes)?
        }
        _ => {
            let fits = |char: char| {
                char.is_ascii_alphanumeric()
                    || matches!(char, '_' | '$')
                    || (sign == "@" && char == '.')
            };
            scanner.take_while(fits).to_owned()
        }
    };
    if name.is_empty() || scanner.peek().is_some_and(|char| !char.is_ascii()) {
        return Err(syntax("A variable has no name that is read here.", place));
    }
    scanner.push(place, Token::make_word(&format!("{sign}{name}"), Some('`')));
    Ok(())
}

/// A dot in a name: what follows is a name, whatever else it looks like.
fn after_dot(scanner: &mut Scanner) {
    let place = scanner.place();
    scanner.accept(".");
    scanner.push(place, Token::Period);
    let place = scanner.place();
    let name = scanner.take_while(is_name);
    scanner.push(place, Token::make_word(name, None));
}

/// A number, or a name that begins like one.
fn number(scanner: &mut Scanner) -> Result<(), Refusal> {
    let place = scanner.place();
    let rest = scanner.rest();
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    if let Some(length) = radix(rest) {
        let number = rest.get(..length).unwrap_or_default();
        scanner.accept(number);
        scanner.push(place, Token::Number(number.to_owned(), false));
        return Ok(());
    }
    let mut end = digits(rest);
    let tail = |end: usize| rest.get(end..).unwrap_or_default();
    let exponent = |end: usize| {
        let mut chars = tail(end).chars();
        let letter = matches!(chars.next(), Some('e' | 'E'));
        let sign = usize::from(matches!(chars.next(), Some('+' | '-')));
        let count = digits(tail(end + 1 + sign));
        (letter && count > 0).then_some(end + 1 + sign + count)
    };
    if tail(end).starts_with('.') {
        end += 1 + digits(tail(end + 1));
        match exponent(end) {
            Some(after) => end = after,
            None if tail(end).starts_with(['e', 'E']) => {
                return Err(syntax("The number has no exponent.", place));
            }
            None => {}
        }
    } else if let Some(after) = exponent(end) {
        end = after;
    } else if tail(end).starts_with(is_name) {
        let name = scanner.take_while(is_name);
        scanner.push(place, Token::make_word(name, None));
        return Ok(());
    }
    let number = rest.get(..end).unwrap_or_default();
    scanner.accept(number);
    scanner.push(place, Token::Number(number.to_owned(), false));
    Ok(())
}

/// The length of `0x…` or `0b…`, unless it is a name.
fn radix(text: &str) -> Option<usize> {
    let radix = match text.get(..2)? {
        "0x" => 16,
        "0b" => 2,
        _ => return None,
    };
    let body = text.get(2..)?;
    let length = body
        .find(|char: char| !char.is_digit(radix))
        .unwrap_or(body.len());
    let ends = !body.get(length..)?.starts_with(is_name);
    (length > 0 && ends).then_some(length + 2)
}

fn word(scanner: &mut Scanner, mode: Mode) -> Result<(), Refusal> {
    let place = scanner.place();
    let quote = |scanner: &Scanner| scanner.peek() == Some('\'');
    let start = scanner.rest();
    let first = start.chars().next().unwrap_or_default();
    if start.get(1..).is_some_and(|rest| rest.starts_with('\'')) {
        match first {
            'x' | 'X' | 'b' | 'B' => {
                scanner.accept(&first.to_string());
                scanner.accept("'");
                let digits = scanner.take_while(|char| char.is_ascii_hexdigit());
                if !quote(scanner) {
                    return Err(syntax("The literal has something that is no digit.", place));
                }
                scanner.accept("'");
                scanner.push(place, Token::HexStringLiteral(digits.to_owned()));
                return Ok(());
            }
            'n' | 'N' => {
                scanner.accept(&first.to_string());
                return text(scanner, '\'', mode, place);
            }
            _ => {}
        }
    }
    let word = scanner.take_while(is_name);
    scanner.push(place, Token::make_word(word, None));
    Ok(())
}
