//! Connects to another port of its own server: the one that the database is named after.

use datachat_hostile::{Attack, Hostile, connect};
use datachat_sdk::connector::Target;
use datachat_sdk::connector::types::DbError;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "other-port";

    fn open(target: &Target) -> Result<(), DbError> {
        let address = &target.addresses[0];
        let port = target.database.as_deref().unwrap_or("1");
        connect(
            format!("{}:{port}", address.ip)
                .parse()
                .expect("an address"),
        )
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
