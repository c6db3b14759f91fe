//! ClickHouse's lexer.
//!
//! It follows `Lexer.cpp`. What versions read in different ways is refused outside of quotes: comments in
//! comments, quotes and other characters that are not ASCII, `#` that begins no comment, and tags of
//! here-documents that are no words. So are escapes in quoted names, which hide what is named.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::Refusal;
use super::super::scanner::{Scanner, syntax};

static SYMBOLS: [(&str, Token); 29] = [
    ("(", Token::LParen),
    (")", Token::RParen),
    ("[", Token::LBracket),
    ("]", Token::RBracket),
    ("{", Token::LBrace),
    ("}", Token::RBrace),
    (",", Token::Comma),
    (".", Token::Period),
    (";", Token::SemiColon),
    ("::", Token::DoubleColon),
    (":", Token::Colon),
    ("?", Token::Question),
    ("->", Token::Arrow),
    ("=", Token::Eq),
    ("==", Token::Eq),
    ("<=>", Token::Eq),
    ("<>", Token::Neq),
    ("!=", Token::Neq),
    ("<=", Token::LtEq),
    (">=", Token::GtEq),
    ("<", Token::Lt),
    (">", Token::Gt),
    ("||", Token::StringConcat),
    ("+", Token::Plus),
    ("-", Token::Minus),
    ("*", Token::Mul),
    ("/", Token::Div),
    ("%", Token::Mod),
    ("!", Token::ExclamationMark),
];

/// The tokens of a text, without comments.
///
/// # Errors
/// What the server would not read, or might read in two ways.
pub fn lex(sql: &str) -> Result<Vec<TokenWithSpan>, Refusal> {
    let mut scanner = Scanner::new(sql);
    while let Some(next) = scanner.peek() {
        let place = scanner.place();
        let rest = scanner.rest();
        match next {
            '\t'..='\r' | ' ' => {
                scanner.take_while(|char| matches!(char, '\t'..='\r' | ' '));
            }
            _ if ["--", "//", "# ", "#!"]
                .iter()
                .any(|start| rest.starts_with(start)) =>
            {
                scanner.skip_line();
            }
            '/' if rest.starts_with("/*") => comment(&mut scanner)?,
            '\'' => {
                scanner.accept("'");
                let text = scanner.quoted('\'', true)?;
                scanner.push(place, Token::SingleQuotedString(text));
            }
            '`' | '"' => {
                scanner.accept(&next.to_string());
                let name = scanner.quoted(next, true)?;
                if name.contains('\\') {
                    return Err(syntax("A quoted name must not have a backslash.", place));
                }
                scanner.push(place, Token::make_word(&name, Some(next)));
            }
            '$' => here_document(&mut scanner)?,
            '0'..='9' => number(&mut scanner)?,
            '.' if scanner.peek_after(1).is_some_and(|c| c.is_ascii_digit()) => {
                // The number of an element, or a fraction.
                let element = matches!(
                    scanner.touching(),
                    Some(Token::Word(_) | Token::RParen | Token::RBracket | Token::Number(..))
                );
                if element {
                    scanner.accept(".");
                    scanner.push(place, Token::Period);
                    let place = scanner.place();
                    let digits = scanner.take_while(|char| char.is_ascii_digit()).to_owned();
                    scanner.push(place, Token::Number(digits, false));
                } else {
                    number(&mut scanner)?;
                }
            }
            next if is_word(next) => word(&mut scanner)?,
            '\0' => return Err(syntax("The text has a NUL character.", place)),
            _ => match scanner.symbol(&SYMBOLS) {
                Some(token) => scanner.push(place, token),
                None => return Err(syntax(format!("{next:?} is not read here."), place)),
            },
        }
    }
    Ok(scanner.into_tokens())
}

fn is_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

/// Comments nest in some versions and not in others.
fn comment(scanner: &mut Scanner) -> Result<(), Refusal> {
    let place = scanner.place();
    scanner.accept("/*");
    match scanner.take_through("*/") {
        None => Err(syntax("The comment is not closed.", place)),
        Some(content) if content.contains("/*") => {
            Err(syntax("A comment must not have another one in it.", place))
        }
        Some(_) => Ok(()),
    }
}

/// `$tag$…$tag$`
fn here_document(scanner: &mut Scanner) -> Result<(), Refusal> {
    let place = scanner.place();
    scanner.accept("$");
    let tag = scanner.take_while(is_word);
    if !scanner.accept("$") {
        return Err(syntax(
            "A dollar sign is read only as a here-document's: $tag$.",
            place,
        ));
    }
    match scanner.take_through(&format!("${tag}$")) {
        Some(text) => scanner.push(place, Token::SingleQuotedString(text.to_owned())),
        None => return Err(syntax("The here-document is not closed.", place)),
    }
    Ok(())
}

/// A number, or a name that begins like one.
fn number(scanner: &mut Scanner) -> Result<(), Refusal> {
    let place = scanner.place();
    let rest = scanner.rest();
    let count = |text: &str, radix: u32| {
        text.find(|char: char| !char.is_digit(radix) && char != '_')
            .unwrap_or(text.len())
    };
    let tail = |end: usize| rest.get(end..).unwrap_or_default();
    let radix = match rest.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0b" | "0B") => 2,
        _ => 10,
    };
    let mut end = if radix == 10 { 0 } else { 2 };
    end += count(tail(end), radix);
    if tail(end).starts_with('.') {
        end += 1;
        end += count(tail(end), radix);
    }
    if tail(end).starts_with(['e', 'E', 'p', 'P']) {
        let sign = usize::from(tail(end + 1).starts_with(['+', '-']));
        let digits = count(tail(end + 1 + sign), 10);
        if digits > 0 {
            end += 1 + sign + digits;
        }
    }
    if tail(end).starts_with(|char| is_word(char) || char == '$') {
        let name = scanner.take_while(is_word);
        // A sign or a point in it makes it none.
        if name.len() <= end || scanner.peek() == Some('$') {
            return Err(syntax("The number is not read here.", place));
        }
        scanner.push(place, Token::make_word(name, None));
        return Ok(());
    }
    let number = rest.get(..end).unwrap_or_default();
    scanner.accept(number);
    scanner.push(place, Token::Number(number.replace('_', ""), false));
    Ok(())
}

fn word(scanner: &mut Scanner) -> Result<(), Refusal> {
    let place = scanner.place();
    let word = scanner.take_while(is_word);
    match scanner.peek() {
        Some('$') => Err(syntax("A name with a dollar sign must be quoted.", place)),
        Some('\'') if ["x", "X", "b", "B"].contains(&word) => {
            scanner.accept("'");
            let digits = scanner
                .take_while(|char| char.is_ascii_hexdigit())
                .to_owned();
            if !scanner.accept("'") {
                return Err(syntax("The literal has something that is no digit.", place));
            }
            scanner.push(place, Token::HexStringLiteral(digits));
            Ok(())
        }
        _ => {
            scanner.push(place, Token::make_word(word, None));
            Ok(())
        }
    }
}
