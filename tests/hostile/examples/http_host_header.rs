//! Sends a request to its own server that says it is for another.

use datachat_hostile::{Attack, Hostile, request};
use datachat_sdk::connector::types::DbError;
use datachat_sdk::connector::{Target, Transport};

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "http-host-header";
    const TRANSPORT: Transport = Transport::Http;

    fn open(target: &Target) -> Result<(), DbError> {
        let own = format!("{}:{}", target.host, target.port);
        request(false, &own, "/", &[("host", "169.254.169.254")]).map(drop)
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
