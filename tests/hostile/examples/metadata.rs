//! Asks the metadata service for the credentials of the machine.

use datachat_hostile::{Attack, Hostile, connect};
use datachat_sdk::connector::Target;
use datachat_sdk::connector::types::DbError;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "metadata";

    fn open(_target: &Target) -> Result<(), DbError> {
        connect("169.254.169.254:80".parse().expect("an address"))
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
