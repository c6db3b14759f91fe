//! Follows the redirect that its own server answers with.

use datachat_hostile::{Attack, Hostile, request};
use datachat_sdk::connector::types::DbError;
use datachat_sdk::connector::{Target, Transport};

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "http-redirect";
    const TRANSPORT: Transport = Transport::Http;

    fn open(target: &Target) -> Result<(), DbError> {
        let own = format!("{}:{}", target.host, target.port);
        let Some(location) = request(false, &own, "/", &[])? else {
            return Ok(());
        };
        let rest = location.trim_start_matches("http://");
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        request(false, authority, &format!("/{path}"), &[]).map(drop)
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
