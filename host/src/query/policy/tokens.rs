//! The tokens of a statement, and what can be told from them without a grammar.
//!
//! Whatever a server's grammar makes of a text, a call is a name before a parenthesis and `INTO` is that
//! word. So the rules on calls, on hidden relations and on some clauses hold for tokens, in every position,
//! and do not depend on a grammar that may differ from the server's.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{Reason, Refusal};

/// Some tokens in a row.
#[derive(Clone, Copy)]
pub struct Tokens<'a>(pub &'a [TokenWithSpan]);

impl<'a> Tokens<'a> {
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// A token; the end's behind the last one.
    pub fn get(self, at: usize) -> &'a Token {
        self.0.get(at).map_or(&Token::EOF, |token| &token.token)
    }

    pub fn is(self, at: usize, token: &Token) -> bool {
        self.get(at) == token
    }

    /// A word without quotes.
    pub fn word(self, at: usize) -> Option<&'a str> {
        match self.get(at) {
            Token::Word(word) if word.quote_style.is_none() => Some(&word.value),
            _ => None,
        }
    }

    /// A word, with quotes or without.
    pub fn name(self, at: usize) -> Option<&'a str> {
        match self.get(at) {
            Token::Word(word) => Some(&word.value),
            _ => None,
        }
    }

    /// Whether these words stand here, without quotes, in any case.
    pub fn says(self, at: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(offset, expected)| {
            self.word(at + offset)
                .is_some_and(|word| word.eq_ignore_ascii_case(expected))
        })
    }

    /// Whether one of the words stands here.
    pub fn says_one(self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.says(at, &[word]))
    }

    /// Behind a name with its qualifiers, `a.b.c`.
    pub fn after_name(self, at: usize) -> Option<usize> {
        self.name(at)?;
        let mut end = at + 1;
        while self.is(end, &Token::Period) && self.name(end + 1).is_some() {
            end += 2;
        }
        Some(end)
    }

    /// Behind the longest of the phrases that stands here.
    pub fn after_phrase(self, at: usize, phrases: &[&str]) -> Option<usize> {
        let lengths = phrases.iter().filter_map(|phrase| {
            let words: Vec<_> = phrase.split(' ').collect();
            self.says(at, &words).then_some(words.len())
        });
        Some(at + lengths.max()?)
    }

    pub fn from(self, at: usize) -> Self {
        Self(self.0.get(at..).unwrap_or_default())
    }

    /// 1-based, in characters.
    pub fn place(self, at: usize) -> Option<u32> {
        self.0
            .get(at)
            .and_then(|token| u32::try_from(token.span.start.column).ok())
    }

    pub fn refusal(self, at: usize, reason: Reason, message: impl Into<String>) -> Refusal {
        Refusal {
            reason,
            message: message.into(),
            position: self.place(at),
        }
    }

    /// Whatever is called: names before a parenthesis. Keywords are among them.
    pub fn calls(self) -> impl Iterator<Item = (usize, &'a str)> {
        (0..self.len())
            .filter(move |at| self.is(at + 1, &Token::LParen))
            .filter_map(move |at| Some((at, self.name(at)?)))
    }

    /// The only statement, without the semicolon behind it.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub fn only_statement(self) -> Result<Self, Refusal> {
        let end = (0..self.len()).find(|at| self.is(*at, &Token::SemiColon));
        let end = end.unwrap_or(self.len());
        let next = (end..self.len()).find(|at| !self.is(*at, &Token::SemiColon));
        match next {
            Some(next) if end > 0 => Err(self.refusal(
                next,
                Reason::MultipleStatements,
                "Only one statement may be run at a time.",
            )),
            None if end > 0 => Ok(Self(self.0.get(..end).unwrap_or_default())),
            _ => Err(self.refusal(0, Reason::EmptySql, "There is no statement.")),
        }
    }

    /// At least as many levels as a tree of these tokens has. A comma begins something beside what is
    /// before it; everything that is neither a name nor a literal may go deeper.
    pub fn depth(self) -> usize {
        let mut open = vec![0_usize];
        let mut all = 0_usize;
        let mut deepest = 0;
        for token in self.0 {
            match &token.token {
                Token::Comma => {
                    let last = open.last_mut();
                    all -= last.map(std::mem::take).unwrap_or_default();
                }
                Token::RParen | Token::RBracket | Token::RBrace if open.len() > 1 => {
                    all -= open.pop().unwrap_or_default();
                }
                Token::Number(..) | Token::SingleQuotedString(_) | Token::Placeholder(_) => {}
                Token::Word(word) if word.keyword == Keyword::NoKeyword => {}
                other => {
                    all += 1;
                    if let Some(last) = open.last_mut() {
                        *last += 1;
                    }
                    if matches!(other, Token::LParen | Token::LBracket | Token::LBrace) {
                        open.push(0);
                    }
                }
            }
            deepest = deepest.max(all);
        }
        deepest
    }
}

/// What a statement that may not run calls itself, for a message.
pub fn statement_name(tokens: Tokens) -> String {
    match tokens.word(0) {
        Some(word) if word.len() <= 20 && word.is_ascii() => word.to_ascii_uppercase(),
        _ => "this".to_owned(),
    }
}
