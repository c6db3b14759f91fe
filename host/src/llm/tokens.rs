//! How many tokens a text has, by what this endpoint has counted so far.

use std::sync::{Mutex, PoisonError};

/// Before anything was counted: rather too many tokens than too few.
const FIRST: f64 = 3.0;
/// What one count moves.
const STEP: f64 = 0.2;

/// Characters per token, learnt.
#[derive(Debug)]
pub struct Tokens(Mutex<f64>);

impl Default for Tokens {
    fn default() -> Self {
        Self(Mutex::new(FIRST))
    }
}

impl Tokens {
    /// How many characters so many tokens have.
    pub fn characters(&self, tokens: u64) -> usize {
        let ratio = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "limits are far below 2^52, and the cast saturates"
        )]
        let characters = (tokens as f64 * ratio) as usize;
        characters
    }

    /// Learns that a prompt of so many characters had so many tokens.
    pub fn counted(&self, characters: usize, tokens: u64) {
        if characters == 0 || tokens == 0 {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "sizes of prompts")]
        let seen = characters as f64 / tokens as f64;
        let mut ratio = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // An endpoint that counts oddly must not make prompts vanish or explode.
        *ratio = (*ratio * (1.0 - STEP) + seen * STEP).clamp(1.0, 6.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_moves_towards_what_is_counted_and_stays_sane() {
        let tokens = Tokens::default();
        assert_eq!(tokens.characters(100), 300);
        for _ in 0..50 {
            tokens.counted(4000, 1000);
        }
        assert!((395..=400).contains(&tokens.characters(100)));
        for _ in 0..50 {
            tokens.counted(1_000_000, 1);
        }
        assert_eq!(tokens.characters(100), 600);
        tokens.counted(0, 7);
        assert_eq!(tokens.characters(100), 600);
    }
}
