//! Sends datagrams.

use datachat_hostile::{Attack, Hostile};
use datachat_sdk::connector::Target;
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;
use datachat_sdk::wasip2::sockets::network::IpAddressFamily;
use datachat_sdk::wasip2::sockets::udp_create_socket::create_udp_socket;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "udp";

    fn open(_target: &Target) -> Result<(), DbError> {
        create_udp_socket(IpAddressFamily::Ipv4)
            .map(drop)
            .map_err(|error| db_error(ErrorCode::Internal, format!("{error:?}")))
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
