//! From text to tokens: BERT's normalisation and the longest pieces that the vocabulary has (`WordPiece`).
//!
//! The published library does this and much more, in twenty-six crates and more compiling than the rest of the
//! search together. What this model needs of it is below, and held against what the library answered for
//! the texts in `wordpiece.json`. One thing differs on purpose: a user's `[SEP]` is a text like any other.

use std::collections::HashMap;
use std::path::Path;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use super::ModelError;

/// The model was trained on no more; the rest of a text is not seen.
const MAX_TOKENS: usize = 256;
/// A longer word is unknown, in characters.
const MAX_WORD: usize = 100;

/// The vocabulary, with its special tokens.
pub(super) struct Tokens {
    ids: HashMap<String, u32>,
    unknown: u32,
    begin: u32,
    end: u32,
}

impl Tokens {
    /// Reads a vocabulary: a token a line, and its number is that of the line.
    pub(super) fn read(path: &Path) -> Result<Self, ModelError> {
        let text = std::fs::read_to_string(path).map_err(|source| ModelError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let ids: HashMap<String, u32> = text.lines().map(str::to_owned).zip(0..).collect();
        let special = |token: &str| {
            ids.get(token)
                .copied()
                .ok_or_else(|| ModelError::Unsuitable {
                    path: path.to_owned(),
                    problem: format!("it has no {token}"),
                })
        };
        Ok(Self {
            unknown: special("[UNK]")?,
            begin: special("[CLS]")?,
            end: special("[SEP]")?,
            ids,
        })
    }

    /// How many tokens there are.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The tokens of a text, between those for its begin and its end.
    pub(super) fn of(&self, text: &str) -> Vec<u32> {
        let mut tokens = vec![self.begin];
        let normal: String = text
            .chars()
            .filter_map(clean)
            .flat_map(spaced)
            .nfd()
            .filter(|character| character.general_category() != GeneralCategory::NonspacingMark)
            .flat_map(char::to_lowercase)
            .collect();
        for run in normal.split_whitespace() {
            for word in run.split_inclusive(is_punctuation) {
                // The punctuation mark at its end is a word of its own.
                let cut = word
                    .char_indices()
                    .last()
                    .filter(|(_, last)| is_punctuation(*last))
                    .map_or(word.len(), |(at, _)| at);
                for part in [&word[..cut], &word[cut..]] {
                    self.push_word(part, &mut tokens);
                }
            }
        }
        tokens.truncate(MAX_TOKENS - 1);
        tokens.push(self.end);
        tokens
    }

    /// Splits a word into the longest pieces from its begin, or gives the unknown token for all of it.
    fn push_word(&self, word: &str, tokens: &mut Vec<u32>) {
        if word.chars().count() > MAX_WORD {
            tokens.push(self.unknown);
            return;
        }
        let known = tokens.len();
        let mut rest = word;
        while !rest.is_empty() {
            let inside = rest.len() < word.len();
            let longest = rest
                .char_indices()
                .rev()
                .map(|(at, character)| at + character.len_utf8())
                .find_map(|end| Some((end, self.piece(&rest[..end], inside)?)));
            let Some((end, id)) = longest else {
                tokens.truncate(known);
                tokens.push(self.unknown);
                return;
            };
            tokens.push(id);
            rest = &rest[end..];
        }
    }

    fn piece(&self, piece: &str, inside: bool) -> Option<u32> {
        if inside {
            self.ids.get(&format!("##{piece}")).copied()
        } else {
            self.ids.get(piece).copied()
        }
    }
}

/// Control characters fall away, and every kind of space is one. What counts as which is the model's, not ours.
fn clean(character: char) -> Option<char> {
    match character {
        '\t' | '\n' | '\r' => Some(' '),
        char::REPLACEMENT_CHARACTER => None,
        // What no character is assigned to is kept, and unknown.
        _ if character.general_category() == GeneralCategory::Unassigned => Some(character),
        _ if character.general_category_group() == GeneralCategoryGroup::Other => None,
        _ if character.is_whitespace() => Some(' '),
        _ => Some(character),
    }
}

/// An ideograph is a word of its own.
fn spaced(character: char) -> impl Iterator<Item = char> {
    let ideograph = matches!(character,
        '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{2A6DF}'
        | '\u{2A700}'..='\u{2B73F}' | '\u{2B740}'..='\u{2B81F}' | '\u{2B920}'..='\u{2CEAF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{2F800}'..='\u{2FA1F}');
    let space = ideograph.then_some(' ');
    space.into_iter().chain([character]).chain(space)
}

fn is_punctuation(character: char) -> bool {
    character.is_ascii_punctuation()
        || character.general_category_group() == GeneralCategoryGroup::Punctuation
}
