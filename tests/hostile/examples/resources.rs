//! Makes a million resources of its own, which the host keeps count of.

use datachat_hostile::{Attack, Hostile, NoRelations};
use datachat_sdk::connector::RelationList;
use datachat_sdk::connector::types::DbError;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "resources";

    fn query(_sql: &str) -> Result<(), DbError> {
        let all: Vec<_> = (0..1_000_000)
            .map(|_| RelationList::new(NoRelations))
            .collect();
        std::hint::black_box(&all);
        Ok(())
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
