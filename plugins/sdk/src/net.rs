//! Blocking TCP for connectors, over `wasi:sockets`.
//!
//! Solves: a wire protocol wants "connect, read, write, upgrade to TLS"; WASI offers pollables, permits and
//! resources with an order in which they must be dropped. [`TcpStream`] hides those, and [`Transport`] is the
//! seam behind which protocol code is tested natively with any other byte stream.
//!
//! How it decides: addresses are tried in the order given, each with its share of the time that is left.
//! Reads ask for large pieces, because a host call costs more than copying what it brings; writes hand over
//! as much as the host permits and flush once.
//!
//! What it does not do: name lookup (the host resolves and vets), listening, UDP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::network::{
    ErrorCode as SocketError, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress,
    Ipv6SocketAddress,
};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

use crate::connector::tls::{self, Channel};
use crate::connector::types::{DbError, ErrorCode};
use crate::connector::{Address, Target};
use crate::error::db_error;

/// How many bytes a read may bring, when the caller has no reason to want less.
pub const READ_SIZE: usize = 256 * 1024;

/// The least that a read asks for. PostgreSQL sends pieces of 8 KiB, others of 16 KiB.
const MIN_ASK: usize = 16 * 1024;

/// A byte stream to a database server that can be upgraded to TLS.
///
/// Implemented by [`TcpStream`] in a component and by whatever a native test likes.
pub trait Transport {
    /// Waits for bytes and returns at most `max` of them; empty when the peer has closed.
    ///
    /// # Errors
    /// The connection broke; [`io::ErrorKind::TimedOut`] when the deadline passed.
    fn read(&mut self, max: usize) -> io::Result<Vec<u8>>;

    /// Writes all of `bytes` and flushes.
    ///
    /// # Errors
    /// The connection broke; [`io::ErrorKind::TimedOut`] when the deadline passed.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Performs the TLS handshake and continues encrypted.
    ///
    /// # Errors
    /// `tls-failed`, with the reason that the host gives. The stream is unusable afterwards.
    fn start_tls(&mut self) -> Result<Channel, DbError>;

    /// From now on, reads and writes fail when they would wait past `deadline`; `None` lifts it.
    fn set_deadline(&mut self, deadline: Option<Instant>);
}

/// A TCP connection of a component.
pub struct TcpStream {
    // Order matters: streams are children of the socket and must go first.
    streams: Option<(InputStream, OutputStream)>,
    _socket: TcpSocket,
    deadline: Option<Instant>,
    /// How much the next read asks for. The host clears that much memory before it reads, so a peer that
    /// sends little should not be asked for much; one that fills what is asked for is asked for more.
    ask: usize,
}

impl TcpStream {
    /// Connects to the target's addresses in their order, within `timeout` in all.
    ///
    /// # Errors
    /// `connection-refused`, with what each address answered.
    pub fn connect(target: &Target, timeout: Duration) -> Result<Self, DbError> {
        let deadline = Instant::now() + timeout;
        let mut failures = Vec::new();
        for (tried, address) in target.addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            // What is left is shared evenly, so that one silent address leaves time for the next.
            let share = left / u32::try_from(target.addresses.len() - tried).unwrap_or(u32::MAX);
            match connect_one(address, share) {
                Ok((socket, input, output)) => {
                    return Ok(Self {
                        streams: Some((input, output)),
                        _socket: socket,
                        deadline: None,
                        ask: MIN_ASK,
                    });
                }
                Err(reason) => failures.push(format!("{}: {reason}", spell(address))),
            }
        }
        if failures.is_empty() {
            failures.push("the host gave no address".to_owned());
        }
        let mut error = db_error(
            ErrorCode::ConnectionRefused,
            format!(
                "could not connect to {}:{}: {}",
                target.host,
                target.port,
                failures.join("; ")
            ),
        );
        error.retryable = true;
        Err(error)
    }

    fn wait(&self, ready: &Pollable) -> io::Result<()> {
        let Some(deadline) = self.deadline else {
            ready.block();
            return Ok(());
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if wait_ready(ready, left) {
            Ok(())
        } else {
            Err(io::ErrorKind::TimedOut.into())
        }
    }

    fn streams(&self) -> io::Result<&(InputStream, OutputStream)> {
        self.streams
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Transport for TcpStream {
    fn read(&mut self, max: usize) -> io::Result<Vec<u8>> {
        let (input, _) = self.streams()?;
        let asked = self.ask.min(max);
        let max = asked as u64;
        let result = if self.deadline.is_some() {
            self.wait(&input.subscribe())?;
            input.read(max)
        } else {
            input.blocking_read(max)
        };
        let bytes = match result {
            Ok(bytes) if bytes.is_empty() && self.deadline.is_some() => {
                // Ready without bytes: woken too early.
                input.blocking_read(max).or_else(closed_is_empty)?
            }
            Ok(bytes) => bytes,
            Err(error) => closed_is_empty(error)?,
        };
        if bytes.len() == asked {
            self.ask = READ_SIZE.min(self.ask * 2);
        } else if bytes.len() < asked / 4 {
            self.ask = MIN_ASK.max(self.ask / 2);
        }
        Ok(bytes)
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let (_, output) = self.streams()?;
        while !bytes.is_empty() {
            let permit = usize::try_from(output.check_write().map_err(to_io)?).unwrap_or(0);
            if permit == 0 {
                self.wait(&output.subscribe())?;
                continue;
            }
            let (now, later) = bytes.split_at(permit.min(bytes.len()));
            output.write(now).map_err(to_io)?;
            bytes = later;
        }
        output.flush().map_err(to_io)
    }

    fn start_tls(&mut self) -> Result<Channel, DbError> {
        let (input, output) = self
            .streams
            .take()
            .ok_or_else(|| db_error(ErrorCode::Internal, "the connection is closed"))?;
        let (input, output, channel) = tls::upgrade(input, output)?;
        self.streams = Some((input, output));
        Ok(channel)
    }

    fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }
}

fn connect_one(
    address: &Address,
    timeout: Duration,
) -> Result<(TcpSocket, InputStream, OutputStream), String> {
    let ip: IpAddr = address
        .ip
        .parse()
        .map_err(|_| "not an IP address".to_owned())?;
    let (family, remote) = match SocketAddr::new(ip, address.port) {
        SocketAddr::V4(v4) => {
            let ip = v4.ip().octets();
            (
                IpAddressFamily::Ipv4,
                IpSocketAddress::Ipv4(Ipv4SocketAddress {
                    port: v4.port(),
                    address: (ip[0], ip[1], ip[2], ip[3]),
                }),
            )
        }
        SocketAddr::V6(v6) => {
            let ip = v6.ip().segments();
            (
                IpAddressFamily::Ipv6,
                IpSocketAddress::Ipv6(Ipv6SocketAddress {
                    port: v6.port(),
                    flow_info: 0,
                    address: (ip[0], ip[1], ip[2], ip[3], ip[4], ip[5], ip[6], ip[7]),
                    scope_id: 0,
                }),
            )
        }
    };
    let socket = create_tcp_socket(family).map_err(reason)?;
    socket
        .start_connect(&instance_network(), remote)
        .map_err(reason)?;
    let ready = socket.subscribe();
    let deadline = Instant::now() + timeout;
    loop {
        match socket.finish_connect() {
            Ok((input, output)) => {
                drop(ready);
                return Ok((socket, input, output));
            }
            Err(SocketError::WouldBlock) => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() || !wait_ready(&ready, left) {
                    return Err(format!("no answer within {} ms", timeout.as_millis()));
                }
            }
            Err(error) => return Err(reason(error)),
        }
    }
}

/// Whether `ready` became ready within `timeout`.
fn wait_ready(ready: &Pollable, timeout: Duration) -> bool {
    let timer = subscribe_duration(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
    poll(&[ready, &timer]).contains(&0)
}

fn reason(error: SocketError) -> String {
    match error {
        SocketError::ConnectionRefused => "connection refused".to_owned(),
        SocketError::RemoteUnreachable => "host unreachable".to_owned(),
        SocketError::AccessDenied => "not allowed by the host".to_owned(),
        SocketError::Timeout => "timed out".to_owned(),
        SocketError::ConnectionReset | SocketError::ConnectionAborted => {
            "connection reset".to_owned()
        }
        other => other.name().replace('-', " "),
    }
}

fn spell(address: &Address) -> String {
    if address.ip.contains(':') {
        format!("[{}]:{}", address.ip, address.port)
    } else {
        format!("{}:{}", address.ip, address.port)
    }
}

fn closed_is_empty(error: StreamError) -> io::Result<Vec<u8>> {
    match error {
        StreamError::Closed => Ok(Vec::new()),
        error @ StreamError::LastOperationFailed(_) => Err(to_io(error)),
    }
}

fn to_io(error: StreamError) -> io::Error {
    match error {
        StreamError::Closed => io::ErrorKind::BrokenPipe.into(),
        StreamError::LastOperationFailed(error) => io::Error::other(error.to_debug_string()),
    }
}
