//! From a connected transport to a session that is logged in.
//!
//! How it decides about TLS: the server's greeting, which is in the clear, says whether it can. Unless TLS is
//! disabled it is asked for before the login. Where it is only preferred and the greeting does not offer it, the
//! session goes on in the clear; in every other mode that is an error.

use std::time::Instant;

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::connector::{Target, TlsMode};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;

use crate::auth::{self, Credentials, Method};
use crate::errors::{self, Phase};
use crate::options::Options;
use crate::protocol::capability;
use crate::protocol::command;
use crate::protocol::handshake::{Agreed, Greeting, Login};
use crate::protocol::reply::{Reply, ServerError};
use crate::wire::Wire;

/// What a session knows of its server from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    pub version: String,
    pub is_mariadb: bool,
    pub connection_id: u32,
    pub agreed: Agreed,
}

/// Secures and authenticates.
///
/// # Errors
/// As the contract lists for `open`.
pub fn start<T: Transport>(
    wire: &mut Wire<T>,
    target: &Target,
    options: &Options,
    password: Option<&str>,
    deadline: Instant,
) -> Result<Started, DbError> {
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
) -> Result<Started, DbError> {
    let user = target.user.as_deref().ok_or_else(|| {
        db_error(
            ErrorCode::AuthenticationFailed,
            "the database URL names no user",
        )
    })?;
    let password = password.unwrap_or_default();
    if [Some(user), Some(password), target.database.as_deref()]
        .into_iter()
        .flatten()
        .any(|text| text.contains('\0'))
    {
        return Err(db_error(
            ErrorCode::Unsupported,
            "the database URL contains a NUL character",
        ));
    }

    let frame = wire.receive()?;
    let payload = wire.body(&frame);
    if payload.first() == Some(&0xFF) {
        // Too many connections, this host is blocked, …
        let error = ServerError::parse(payload).map_err(errors::malformed)?;
        return Err(errors::from_server(error, Phase::Startup));
    }
    let greeting = Greeting::parse(payload).map_err(errors::malformed)?;

    let offered = greeting.capabilities & capability::SSL != 0;
    let encrypted = match target.tls {
        TlsMode::Disable => false,
        TlsMode::Prefer => offered,
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull if offered => true,
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => {
            return Err(db_error(
                ErrorCode::TlsFailed,
                "the server does not offer TLS, and the connection's ssl-mode requires it",
            ));
        }
    };
    let agreed = greeting.agreed(encrypted, target.database.is_some());
    if encrypted {
        wire.reply(&agreed.tls_request())?;
        wire.start_tls()?;
    }

    let credentials = Credentials {
        user,
        password,
        encrypted,
    };
    // A method that is not known, or would show the password, is not the user's: the server will say which is.
    let method = match Method::named(&greeting.plugin) {
        Some(method) if method != Method::Clear => method,
        _ => Method::Native,
    };
    let proof = auth::prove(method, &greeting.nonce, &credentials)?;
    wire.reply(&agreed.login(&Login {
        user,
        database: target.database.as_deref(),
        plugin: method.name(),
        proof: &proof,
        attributes: &[
            ("_client_name", "datachat"),
            ("program_name", &options.program_name),
        ],
    }))?;
    auth::authenticate(wire, method, greeting.nonce.clone(), &credentials)?;
    wire.trust();
    Ok(Started {
        version: greeting.version,
        is_mariadb: greeting.is_mariadb,
        connection_id: greeting.connection_id,
        agreed,
    })
}

/// While a connection is set up, a break is a refusal, and silence is named.
pub(crate) fn refine(mut error: DbError, target: &Target) -> DbError {
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

/// Asks a server, on a connection of its own, to stop what another session of the same user runs.
///
/// # Errors
/// As for `open`, or the server refused.
pub fn cancel<T: Transport>(
    wire: &mut Wire<T>,
    target: &Target,
    password: Option<&str>,
    token: &[u8],
    deadline: Instant,
) -> Result<(), DbError> {
    let id = <[u8; 4]>::try_from(token)
        .map(u32::from_le_bytes)
        .map_err(|_| {
            db_error(
                ErrorCode::Internal,
                "the cancel token is not of this connector",
            )
        })?;
    let options = Options::read(target)?;
    start(wire, target, &options, password, deadline)?;
    wire.set_deadline(Some(deadline));
    let sent = command::query(&format!("KILL QUERY {id}"), &mut wire.out);
    wire.send()?;
    wire.begin_answer(sent);
    let frame = wire.receive()?;
    let reply = Reply::parse(wire.body(&frame)).map_err(errors::malformed)?;
    command::quit(&mut wire.out);
    let _ = wire.send();
    match reply {
        Reply::Ok(_) => Ok(()),
        // The session is gone, and with it what it ran.
        Reply::Error(error) if error.number == errors::number::NO_SUCH_THREAD => Ok(()),
        Reply::Error(error) => Err(errors::from_server(error, Phase::Startup)),
        Reply::LocalFile | Reply::Columns(_) => Err(errors::unexpected("KILL QUERY")),
    }
}
