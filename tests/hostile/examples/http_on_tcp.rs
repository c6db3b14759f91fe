//! Says that it speaks over sockets, and sends an HTTP request to its own server.

use datachat_hostile::{Attack, Hostile, request};
use datachat_sdk::connector::types::DbError;
use datachat_sdk::connector::{Target, Transport};

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "http-on-tcp";
    const TRANSPORT: Transport = Transport::Tcp;

    fn open(target: &Target) -> Result<(), DbError> {
        let own = format!("{}:{}", target.host, target.port);
        request(false, &own, "/", &[]).map(drop)
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
