//! Falls over when it is asked anything but `peace`, and already when it opens the database `war`.

use datachat_hostile::{Attack, Hostile};
use datachat_sdk::connector::Target;
use datachat_sdk::connector::types::DbError;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "traps";

    fn open(target: &Target) -> Result<(), DbError> {
        assert_ne!(target.database.as_deref(), Some("war"), "on purpose");
        Ok(())
    }

    fn query(sql: &str) -> Result<(), DbError> {
        assert_eq!(sql, "peace", "on purpose");
        Ok(())
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
