//! Asks the metadata service by the IPv6 spelling of its IPv4 address.

use datachat_hostile::{Attack, Hostile, connect};
use datachat_sdk::connector::Target;
use datachat_sdk::connector::types::DbError;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "metadata-mapped";

    fn open(target: &Target) -> Result<(), DbError> {
        // Which spelling: of the two that lead there, the test names one.
        let address = target
            .database
            .as_deref()
            .unwrap_or("::ffff:169.254.169.254");
        connect(format!("[{address}]:80").parse().expect("an address"))
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
