//! From a connected transport to a session that is ready.
//!
//! How it decides about TLS: unless it is disabled, the server is asked first. Where TLS is only preferred
//! and the server says that it has none, the session goes on in the clear; in every other mode that is an
//! error. Nothing is read between the server's answer and the handshake, so nobody can slip bytes in.

use std::time::Instant;

use datachat_sdk::connector::tls::Channel;
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::connector::{Target, TlsMode};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;
use postgres_protocol::message::frontend;

use crate::auth::{Credentials, authenticate};
use crate::errors::{self, Phase};
use crate::options::Options;
use crate::protocol::backend::Message;
use crate::wire::Wire;

/// What a cancel request names: the server process and its key, as the server gave them.
pub type Key = Vec<u8>;

/// Upgrades to TLS as far as `mode` asks for it. `None`: the connection is in the clear.
///
/// # Errors
/// `tls-failed`: TLS is needed and the server has none, or its certificate was not accepted.
pub fn secure<T: Transport>(wire: &mut Wire<T>, mode: TlsMode) -> Result<Option<Channel>, DbError> {
    if mode == TlsMode::Disable {
        return Ok(None);
    }
    frontend::ssl_request(&mut wire.out);
    wire.send()?;
    match wire.receive_byte()? {
        Some(b'S') => wire.start_tls().map(Some),
        Some(b'N') if mode == TlsMode::Prefer => Ok(None),
        Some(b'N') => Err(db_error(
            ErrorCode::TlsFailed,
            "the server does not offer TLS, and the connection's sslmode requires it",
        )),
        Some(other) => Err(errors::unexpected(other, "the request for TLS")),
        None => {
            let mut error = db_error(
                ErrorCode::ConnectionRefused,
                "the server closed the connection while it was set up",
            );
            error.retryable = true;
            Err(error)
        }
    }
}

/// Secures, authenticates, and waits until the server is ready. Gives what a cancel request needs.
///
/// # Errors
/// As the contract lists for `open`.
pub fn start<T: Transport>(
    wire: &mut Wire<T>,
    target: &Target,
    options: &Options,
    password: Option<&str>,
    deadline: Instant,
) -> Result<Option<Key>, DbError> {
    wire.set_deadline(Some(deadline));
    let result = handshake(wire, target, options, password);
    wire.set_deadline(None);
    result.map_err(|error| refine(error, target))
}

fn handshake<T: Transport>(
    wire: &mut Wire<T>,
    target: &Target,
    options: &Options,
    password: Option<&str>,
) -> Result<Option<Key>, DbError> {
    let user = target.user.as_deref().ok_or_else(|| {
        db_error(
            ErrorCode::AuthenticationFailed,
            "the database URL names no user",
        )
    })?;
    let channel = secure(wire, target.tls)?;

    let mut parameters = vec![
        ("user", user),
        ("application_name", options.application_name.as_str()),
        ("client_encoding", "UTF8"),
        // What dates look like as text does not depend on how the server is set up. Further settings would
        // be refused by connection poolers: PgBouncer takes just these by default.
        ("DateStyle", "ISO"),
        ("TimeZone", "UTC"),
    ];
    if let Some(database) = target.database.as_deref() {
        parameters.push(("database", database));
    }
    for (name, value) in &options.settings {
        parameters.push((name, value));
    }
    frontend::startup_message(parameters, &mut wire.out).map_err(|_| {
        db_error(
            ErrorCode::Unsupported,
            "the database URL contains a NUL character",
        )
    })?;
    wire.send()?;

    authenticate(
        wire,
        &Credentials {
            user,
            password,
            channel: channel.as_ref(),
            binding: options.binding,
        },
    )?;
    wire.trust();

    let mut key = None;
    loop {
        let frame = wire.receive()?;
        match wire.message(&frame)? {
            Message::BackendKeyData { .. } => key = Some(wire.body(&frame).to_vec()),
            Message::ReadyForQuery(_) => return Ok(key),
            Message::NegotiateVersion => {}
            Message::Error(fields) => return Err(errors::from_server(fields, Phase::Startup)),
            _ => return Err(errors::unexpected(frame.tag, "startup")),
        }
    }
}

/// While a connection is set up, a break is a refusal, and silence is named.
fn refine(mut error: DbError, target: &Target) -> DbError {
    match error.code {
        ErrorCode::Timeout => {
            error.message = format!(
                "{}:{} accepted the connection but did not finish setting up the session in time",
                target.host, target.port
            );
        }
        ErrorCode::Protocol if error.retryable => {
            error.code = ErrorCode::ConnectionRefused;
            error.message = format!("while the session was set up, {}", error.message);
        }
        _ => {}
    }
    error
}

/// Asks a server, on a connection of its own, to stop what another session runs.
///
/// # Errors
/// The connection broke, or TLS failed. Whether there was something to stop, the server does not tell.
pub fn cancel<T: Transport>(
    wire: &mut Wire<T>,
    mode: TlsMode,
    key: &[u8],
    deadline: Instant,
) -> Result<(), DbError> {
    wire.set_deadline(Some(deadline));
    secure(wire, mode)?;
    // CancelRequest: its own length, its code, then the key as the server gave it.
    let length = u32::try_from(key.len() + 8).unwrap_or(u32::MAX);
    wire.out.extend_from_slice(&length.to_be_bytes());
    wire.out.extend_from_slice(&80_877_102_u32.to_be_bytes());
    wire.out.extend_from_slice(key);
    wire.send()?;
    // The server closes once it has passed the request on. A reset says the same.
    match wire.drain() {
        Err(error) if error.code == ErrorCode::Timeout => Err(error),
        _ => Ok(()),
    }
}
