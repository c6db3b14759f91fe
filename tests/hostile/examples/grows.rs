//! Takes memory until it has 4 GiB.

use datachat_hostile::{Attack, Hostile};
use datachat_sdk::connector::types::DbError;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "grows";

    fn query(_sql: &str) -> Result<(), DbError> {
        let mut all = Vec::new();
        for _ in 0..4096 {
            all.push(std::hint::black_box(vec![1u8; 1 << 20]));
        }
        std::hint::black_box(&all);
        Ok(())
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
