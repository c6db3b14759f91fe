//! Computes for ever.

use datachat_hostile::{Attack, Hostile};
use datachat_sdk::connector::types::DbError;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "spins";

    fn query(_sql: &str) -> Result<(), DbError> {
        let mut n = 0u64;
        loop {
            n = std::hint::black_box(n.wrapping_add(1));
        }
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
