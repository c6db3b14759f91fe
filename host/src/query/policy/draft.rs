//! Tokens on their way to a parser that does not know all of a dialect.
//!
//! The parser's tree is only looked at, never run, so it needs not mean what the statement means. It needs to
//! have every relation, every subquery and every expression of it. Within this bound a dialect may drop words
//! that hold none of these (aliases, modifiers), write an operator as another one, and give expressions that
//! stand where the parser has no place for them as statements of their own.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::tokens::Tokens;

/// Tokens, and what becomes of each.
pub struct Draft<'a> {
    tokens: Tokens<'a>,
    closing: Vec<usize>,
    inside: Vec<Option<usize>>,
    edits: Vec<Edit>,
    extras: Vec<Vec<TokenWithSpan>>,
}

#[derive(Clone)]
enum Edit {
    Keep,
    Drop,
    Become(Vec<Token>),
}

impl<'a> Draft<'a> {
    pub fn new(tokens: Tokens<'a>) -> Self {
        let mut closing = vec![tokens.len(); tokens.len()];
        let mut inside = Vec::with_capacity(tokens.len());
        let mut open = Vec::new();
        for at in 0..tokens.len() {
            let (opens, closes) = match tokens.get(at) {
                Token::LParen | Token::LBracket | Token::LBrace => (true, false),
                Token::RParen | Token::RBracket | Token::RBrace => (false, true),
                _ => (false, false),
            };
            if closes && let Some(opened) = open.pop() {
                let opened: usize = opened;
                closing[opened] = at;
            }
            inside.push(open.last().copied());
            if opens {
                open.push(at);
            }
        }
        Self {
            tokens,
            closing,
            inside,
            edits: vec![Edit::Keep; tokens.len()],
            extras: Vec::new(),
        }
    }

    /// The bracket that closes the one here; the end if none does.
    pub fn close(&self, at: usize) -> usize {
        self.closing.get(at).copied().unwrap_or(self.tokens.len())
    }

    /// The bracket that is open here.
    pub fn inside(&self, at: usize) -> Option<usize> {
        self.inside.get(at).copied().flatten()
    }

    /// The first place from here on, not within brackets that open later, where something stands; or where
    /// the brackets around here close, or the end.
    pub fn find(&self, mut at: usize, stands: impl Fn(usize) -> bool) -> usize {
        while at < self.tokens.len() && !stands(at) {
            match self.tokens.get(at) {
                Token::LParen | Token::LBracket | Token::LBrace => at = self.close(at) + 1,
                Token::RParen | Token::RBracket | Token::RBrace => return at,
                _ => at += 1,
            }
        }
        at.min(self.tokens.len())
    }

    pub fn drop(&mut self, from: usize, to: usize) {
        for edit in self.edits.iter_mut().take(to).skip(from) {
            *edit = Edit::Drop;
        }
    }

    pub fn is_dropped(&self, at: usize) -> bool {
        matches!(self.edits.get(at), Some(Edit::Drop))
    }

    pub fn replace(&mut self, at: usize, with: Vec<Token>) {
        if let Some(edit) = self.edits.get_mut(at) {
            *edit = Edit::Become(with);
        }
    }

    /// A keyword here is a name.
    pub fn make_name(&mut self, at: usize) {
        if let Some(name) = self.tokens.name(at) {
            self.replace(at, vec![Token::make_word(name, Some('`'))]);
        }
    }

    /// Gives what stands there as a list of expressions, each perhaps with an alias, of its own.
    pub fn extract(&mut self, from: usize, to: usize) {
        let Some(first) = self.tokens.0.get(from..to).and_then(<[_]>::first) else {
            return;
        };
        let select = TokenWithSpan::new(word("SELECT"), first.span);
        let list = self.tokens.0.get(from..to).unwrap_or_default();
        self.extras.push(
            std::iter::once(select)
                .chain(list.iter().cloned())
                .collect(),
        );
        self.drop(from, to);
    }

    /// The tokens after all edits, and what was extracted, not edited yet.
    pub fn finish(self) -> (Vec<TokenWithSpan>, Vec<Vec<TokenWithSpan>>) {
        let mut tokens = Vec::with_capacity(self.tokens.len());
        for (token, edit) in self.tokens.0.iter().zip(self.edits) {
            match edit {
                Edit::Keep => tokens.push(token.clone()),
                Edit::Drop => {}
                Edit::Become(others) => {
                    let others = others.into_iter();
                    tokens.extend(others.map(|other| TokenWithSpan::new(other, token.span)));
                }
            }
        }
        (tokens, self.extras)
    }
}

pub fn word(word: &str) -> Token {
    Token::make_word(word, None)
}

/// Whether an operand ends with this token, so that an operator may follow.
pub fn ends_operand(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.keyword == sqlparser::keywords::Keyword::NoKeyword,
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::HexStringLiteral(_)
        | Token::Placeholder(_)
        | Token::RParen
        | Token::RBracket
        | Token::RBrace => true,
        _ => false,
    }
}
