//! Says that it speaks HTTP, and opens a socket to its own server.

use datachat_hostile::{Attack, Hostile, connect};
use datachat_sdk::connector::types::DbError;
use datachat_sdk::connector::{Target, Transport};

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "tcp-on-http";
    const TRANSPORT: Transport = Transport::Http;

    fn open(target: &Target) -> Result<(), DbError> {
        let address = &target.addresses[0];
        connect(
            format!("{}:{}", address.ip, address.port)
                .parse()
                .expect("an address"),
        )
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
