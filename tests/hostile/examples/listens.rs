//! Waits for connections from outside.

use datachat_hostile::{Attack, Hostile, socket_address};
use datachat_sdk::connector::Target;
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;
use datachat_sdk::wasip2::sockets::instance_network::instance_network;
use datachat_sdk::wasip2::sockets::network::IpAddressFamily;
use datachat_sdk::wasip2::sockets::tcp_create_socket::create_tcp_socket;

struct Attacker;

impl Attack for Attacker {
    const NAME: &'static str = "listens";

    fn open(_target: &Target) -> Result<(), DbError> {
        let refused = |error| db_error(ErrorCode::Internal, format!("{error:?}"));
        let any = "0.0.0.0:0".parse().expect("an address");
        let socket = create_tcp_socket(IpAddressFamily::Ipv4).map_err(refused)?;
        socket
            .start_bind(&instance_network(), socket_address(any))
            .map_err(refused)?;
        socket.finish_bind().map_err(refused)?;
        socket.start_listen().map_err(refused)?;
        socket.finish_listen().map_err(refused)
    }
}

type Plugin = Hostile<Attacker>;
datachat_sdk::connector::export!(Plugin);
