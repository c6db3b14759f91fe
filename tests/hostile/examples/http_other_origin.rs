//! Sends a request to another origin: the one that the database is named after, with `tls:` before it over TLS.

use datachat_hostile::{Attack, Hostile, request};
use datachat_sdk::connector::types::DbError;
use datachat_sdk::connector::{Target, Transport};

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "http-other-origin";
    const TRANSPORT: Transport = Transport::Http;

    fn open(target: &Target) -> Result<(), DbError> {
        let origin = target.database.as_deref().unwrap_or("169.254.169.254");
        match origin.strip_prefix("tls:") {
            Some(origin) => request(true, origin, "/", &[]).map(drop),
            None => request(false, origin, "/", &[]).map(drop),
        }
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
