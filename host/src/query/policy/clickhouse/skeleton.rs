use sqlparser::tokenizer::TokenWithSpan;

use super::super::tokens::Tokens;

pub fn of(tokens: Tokens) -> Vec<TokenWithSpan> {
    tokens.0.to_vec()
}
