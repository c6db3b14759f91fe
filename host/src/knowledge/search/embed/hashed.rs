//! The embedder that needs nothing: words and pieces of words, counted into 384 buckets by their hashes.
//!
//! Near are texts that share words or spell them alike (`acct` and `account`, a typing error). It knows no
//! meaning, so it lifts the lexical search only a little; it is here so that vectors are there always.
//! A second bit of the hash gives the sign: collisions then cancel out instead of adding up.

use std::sync::{Arc, LazyLock};

use super::super::text;
use super::{EmbedError, Embedding, Identity, Trust, Vector};

const DIMENSIONS: usize = 384;

/// What a word counts, against one for each of its pieces: they are many.
const WORD: f32 = 3.0;

/// Unrelated texts share buckets by accident; the floor is beyond nearly all of them. It knows little that words
/// don't know better.
pub(super) const TRUST: Trust = Trust {
    floor: 0.15,
    weight: 0.1,
};

static IDENTITY: LazyLock<Arc<Identity>> = LazyLock::new(|| {
    Arc::new(Identity {
        name: "hashed-n-grams".to_owned(),
        // To be changed with the way of counting.
        digest: "1".to_owned(),
        dimensions: DIMENSIONS,
    })
});

/// Who it is.
pub(super) fn identity() -> Arc<Identity> {
    Arc::clone(&IDENTITY)
}

/// See the module.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hashed;

impl Hashed {
    /// Never fails for a text with a letter or digit.
    #[expect(clippy::unused_self, reason = "an embedder like the others")]
    pub(super) fn embed(self, text: &str) -> Result<Embedding, EmbedError> {
        let mut buckets = vec![0.0; DIMENSIONS];
        for term in text::terms(text) {
            add(&mut buckets, "w", &term, WORD);
            let edged: Vec<char> = format!("^{term}$").chars().collect();
            for length in 3..=4 {
                for piece in edged.windows(length) {
                    add(&mut buckets, "p", &piece.iter().collect::<String>(), 1.0);
                }
            }
        }
        // The tenth repetition of a word says less than the first.
        for bucket in &mut buckets {
            *bucket = bucket.signum() * bucket.abs().sqrt();
        }
        Ok(Embedding {
            identity: identity(),
            vector: Vector::new(buckets, DIMENSIONS)?,
        })
    }
}

fn add(buckets: &mut [f32], kind: &str, piece: &str, weight: f32) {
    let hash = fnv(kind.bytes().chain(piece.bytes()));
    let at = usize::try_from(hash % DIMENSIONS as u64).unwrap_or_default();
    buckets[at] += if hash >> 63 == 0 { weight } else { -weight };
}

/// FNV-1a with a last mixing: stored vectors need a hash that is the same for ever, which the standard
/// library's is not.
fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(left: &str, right: &str) -> f32 {
        let embed = |text| Hashed.embed(text).unwrap().vector;
        embed(left).cosine(&embed(right))
    }

    #[test]
    fn spelling_brings_texts_together_and_unrelated_ones_stay_below_the_floor() {
        assert!((cosine("account balance", "AccountBalances") - 1.0).abs() < 1e-6);
        assert!(cosine("customer acount", "customer account") > 0.7);
        assert!(cosine("loan interest", "shelf freshness") < TRUST.floor);
    }

    #[test]
    fn vectors_that_are_stored_stay_comparable() {
        let vector = Hashed.embed("total deposits").unwrap().vector;
        let strongest = vector
            .components()
            .iter()
            .enumerate()
            .max_by(|left, right| left.1.abs().total_cmp(&right.1.abs()))
            .map(|(at, _)| at);
        assert_eq!(strongest, Some(258), "then the digest has to change, too");
    }

    #[test]
    fn a_text_without_a_word_has_no_vector() {
        assert!(matches!(Hashed.embed(" … "), Err(EmbedError::Vector(_))));
    }
}
