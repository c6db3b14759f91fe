//! What the lexers of MySQL and ClickHouse share: a place in a text, and the tokens found so far.
//!
//! The grammar that judges those dialects comes from a library, and so would its lexer. But a lexer that
//! reads a quote, an escape or a comment otherwise than the server does is a hole, so each dialect has one of
//! its own, and the library is given tokens instead of text. A lexer refuses what its server might read in
//! two ways.

use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::{Reason, Refusal};

/// A place in a text.
pub struct Scanner<'a> {
    rest: &'a str,
    /// 1-based, in characters.
    place: u64,
    tokens: Vec<TokenWithSpan>,
}

impl<'a> Scanner<'a> {
    pub fn new(sql: &'a str) -> Self {
        Self {
            rest: sql,
            place: 1,
            tokens: Vec::new(),
        }
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a str {
        self.rest
    }

    /// The next character.
    pub fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// The character after the next `skip` ones.
    pub fn peek_after(&self, skip: usize) -> Option<char> {
        self.rest.chars().nth(skip)
    }

    /// Where the next character stands.
    pub fn place(&self) -> u64 {
        self.place
    }

    /// Reads as long as characters fit.
    pub fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|char| !fits(char));
        self.take(end.unwrap_or(self.rest.len()))
    }

    /// Reads a text if it is next.
    pub fn accept(&mut self, text: &str) -> bool {
        let found = self.rest.starts_with(text);
        if found {
            self.take(text.len());
        }
        found
    }

    /// Reads up to the end of `text` and gives what is before it; `None`, and nothing read, if it never comes.
    pub fn take_through(&mut self, text: &str) -> Option<&'a str> {
        let end = self.rest.find(text)?;
        let before = self.take(end);
        self.take(text.len());
        Some(before)
    }

    /// Reads to the end of the line.
    pub fn skip_line(&mut self) {
        if self.take_through("\n").is_none() {
            self.take(self.rest.len());
        }
    }

    /// Reads from behind an opening quote to behind the closing one. A doubled quote stands for itself and
    /// is given once; an escape is given as it is written.
    ///
    /// # Errors
    /// There is no closing quote.
    pub fn quoted(&mut self, quote: char, escapes: bool) -> Result<String, Refusal> {
        let start = self.place - 1;
        let mut content = String::new();
        loop {
            let part = self.take_while(|char| char != quote && !(escapes && char == '\\'));
            content.push_str(part);
            match self.peek() {
                Some('\\') if escapes => {
                    let escape = self.rest.chars().take(2).map(char::len_utf8).sum();
                    content.push_str(self.take(escape));
                }
                Some(_) => {
                    self.take(quote.len_utf8());
                    if self.peek() != Some(quote) {
                        return Ok(content);
                    }
                    self.take(quote.len_utf8());
                    content.push(quote);
                }
                None => return Err(syntax(format!("The quote {quote} is not closed."), start)),
            }
        }
    }

    /// Reads the longest of the symbols that is next.
    pub fn symbol(&mut self, symbols: &[(&str, Token)]) -> Option<Token> {
        let fitting = symbols
            .iter()
            .filter(|(text, _)| self.rest.starts_with(text));
        let (text, token) = fitting.max_by_key(|(text, _)| text.len())?;
        self.take(text.len());
        Some(token.clone())
    }

    pub fn push(&mut self, place: u64, token: Token) {
        let (start, end) = (Location::new(1, place), Location::new(1, self.place));
        self.tokens
            .push(TokenWithSpan::new(token, start.span_to(end)));
    }

    /// The last token, if nothing stands between it and the next character.
    pub fn touching(&self) -> Option<&Token> {
        let last = self.tokens.last()?;
        (last.span.end.column == self.place).then_some(&last.token)
    }

    pub fn into_tokens(self) -> Vec<TokenWithSpan> {
        self.tokens
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.place += taken.chars().count() as u64;
        self.rest = rest;
        taken
    }
}

/// Something that no token begins with, or that could be read in two ways.
pub fn syntax(message: impl Into<String>, place: u64) -> Refusal {
    Refusal {
        reason: Reason::Syntax,
        message: message.into(),
        position: u32::try_from(place).ok(),
    }
}
