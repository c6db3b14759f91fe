//! Falls over as soon as it is asked anything, unless it is asked for peace.

use datachat_hostile::{Attack, Hostile};
use datachat_sdk::connector::types::DbError;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "traps";

    fn query(sql: &str) -> Result<(), DbError> {
        assert_eq!(sql, "peace", "on purpose");
        Ok(())
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
