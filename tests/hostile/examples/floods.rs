//! Writes without end to its standard output and its log.

use datachat_hostile::{Attack, Hostile};
use datachat_sdk::connector::types::DbError;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "floods";

    fn query(_sql: &str) -> Result<(), DbError> {
        let line = "flood ".repeat(1000);
        for _ in 0..5_000 {
            println!("{line}");
            datachat_sdk::log::warn!("{line}");
        }
        Ok(())
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
