//! Servers of one connection that do what a script says.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use datachat_mysql::protocol::command::packets;
use datachat_sdk::connector::types::DbError;
use datachat_throwaway::CANARY;

use super::{open_target, target};

/// What a client is connected by.
pub trait Socket: Read + Write + Send {}

impl<S: Read + Write + Send> Socket for S {}

/// The client, seen from the server.
pub struct Peer {
    pub socket: Box<dyn Socket>,
    /// The number of the next packet.
    number: u8,
}

impl Peer {
    /// Bytes that may be no packet.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("write");
        self.socket.flush().expect("write");
    }

    /// A packet of the exchange that is under way.
    pub fn send(&mut self, payload: &[u8]) {
        let mut bytes = Vec::new();
        self.number = self
            .number
            .wrapping_add(packets(self.number, payload, &mut bytes));
        self.raw(&bytes);
    }

    /// The first packet that answers a command.
    pub fn answer(&mut self, payload: &[u8]) {
        self.number = 1;
        self.send(payload);
    }

    /// Continues over another socket that is made of this one.
    pub fn continue_over(&mut self, upgrade: impl FnOnce(Box<dyn Socket>) -> Box<dyn Socket>) {
        let plain = std::mem::replace(&mut self.socket, Box::new(std::io::Cursor::new(Vec::new())));
        self.socket = upgrade(plain);
    }

    /// The next packet's payload; none when the client has gone.
    pub fn try_receive(&mut self) -> Option<Vec<u8>> {
        let mut header = [0; 4];
        self.socket.read_exact(&mut header).ok()?;
        let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let mut payload = vec![0; usize::try_from(length).expect("short")];
        self.socket.read_exact(&mut payload).ok()?;
        self.number = header[3].wrapping_add(1);
        Some(payload)
    }

    pub fn receive(&mut self) -> Vec<u8> {
        self.try_receive().expect("a packet")
    }

    pub fn receive_commands(&mut self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.receive()).collect()
    }

    /// Answers the setting up of a session.
    pub fn set_up(&mut self) {
        const OK: &[u8] = b"\0\0\0\x02\0\0\0";
        self.receive_commands(3);
        self.answer(OK);
        self.answer(OK);
        self.answer(b"\x02");
        self.send(b"\0\0\0\0\x01m\0\x0C\x2D\0\0\x01\0\0\xFD\0\0\0\0\0");
        self.send(b"\0\0\0\0\x01p\0\x0C\x3F\0\x14\0\0\0\x08\0\0\0\0\0");
        self.send(b"\x13STRICT_TRANS_TABLES\x0816777216");
        self.send(b"\xFE\0\0\x02\0\0\0");
    }

    /// Lets the client in, whatever it says, and answers the setting up of its session.
    pub fn let_in(&mut self, greeting: &[u8]) {
        self.send(greeting);
        self.receive();
        self.send(b"\0\0\0\x02\0\0\0");
        self.set_up();
    }
}

pub const NONCE: &[u8; 20] = b"abcdefghijklmnopqrst";

/// A greeting of MySQL 8 with the capabilities that a session needs, and more.
pub fn greeting(plugin: &str, more: u32) -> Vec<u8> {
    // LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH, DEPRECATE_EOF.
    let capabilities = 1 | 1 << 3 | 1 << 9 | 1 << 15 | 1 << 19 | 1 << 24 | more;
    let [a, b, c, d] = u32::to_le_bytes(capabilities);
    let mut packet = b"\x0A8.4.3\0\x07\0\0\0".to_vec();
    packet.extend(&NONCE[..8]);
    packet.extend([0, a, b, 45, 2, 0, c, d, 21]);
    packet.extend([0; 10]);
    packet.extend(&NONCE[8..]);
    packet.push(0);
    packet.extend(plugin.as_bytes());
    packet.push(0);
    packet
}

/// A server of one connection that does what `script` does.
pub fn scripted(script: impl FnOnce(Peer) + Send + 'static) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = std::thread::spawn(move || {
        let (socket, _) = listener.accept().expect("a client");
        script(Peer {
            socket: Box::new(socket),
            number: 0,
        });
    });
    (port, server)
}

/// Why no session was opened without TLS on a scripted server. It never shows the password.
pub fn refused(script: impl FnOnce(Peer) + Send + 'static) -> DbError {
    let (port, server) = scripted(script);
    let error = open_target(&target(port, "app", None), Some(CANARY))
        .err()
        .expect("no session");
    server.join().expect("the script");
    assert!(!format!("{error:?}").contains(CANARY));
    error
}
