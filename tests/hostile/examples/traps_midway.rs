//! Gives three pieces of a result and then falls over.

use datachat_hostile::{Attack, Hostile};
use datachat_sdk::connector::types::DbError;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "traps-midway";

    fn read(n: u32) -> Result<Vec<u8>, DbError> {
        assert!(n < 3, "on purpose");
        Ok(vec![b'x'; 1024])
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
