//! Connects to another host, on the port of its own.

use datachat_hostile::{Attack, Hostile, connect};
use datachat_sdk::connector::Target;
use datachat_sdk::connector::types::DbError;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "other-host";

    fn open(target: &Target) -> Result<(), DbError> {
        connect(
            format!("127.0.0.2:{}", target.port)
                .parse()
                .expect("an address"),
        )
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
