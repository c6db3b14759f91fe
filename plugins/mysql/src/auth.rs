//! Proving who we are: the exchange that follows the login.
//!
//! How it decides: the server names a method, and may name another at any time; each is answered or refused by
//! its name. The password crosses the wire as such only where the connection is encrypted. Without encryption
//! `caching_sha2_password` gets it encrypted for the server's key, and whatever else wants it in the clear is
//! refused.

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;
use rand_core::OsRng;

use crate::errors::{self, Phase};
use crate::protocol::handshake::LoginReply;
use crate::protocol::reply::ServerError;
use crate::scramble;
use crate::wire::Wire;

/// How often a server may answer before it must have decided. Honest ones need five.
const MAX_ROUNDS: usize = 16;

/// Of `caching_sha2_password`: the fast proof was enough; it was not; send the key.
const FAST_OK: u8 = 3;
const FULL_NEEDED: u8 = 4;
const SEND_KEY: u8 = 2;

/// A method of authentication that this connector knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Native,
    CachingSha2,
    Ed25519,
    Clear,
}

impl Method {
    /// By the name that the protocol has for it.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "mysql_native_password" => Self::Native,
            "caching_sha2_password" => Self::CachingSha2,
            "client_ed25519" => Self::Ed25519,
            "mysql_clear_password" => Self::Clear,
            _ => return None,
        })
    }

    /// The protocol's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::CachingSha2 => "caching_sha2_password",
            Self::Ed25519 => "client_ed25519",
            Self::Clear => "mysql_clear_password",
        }
    }
}

/// Who logs in, and over what.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    pub user: &'a str,
    pub password: &'a str,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
}

/// The first proof of a method.
///
/// # Errors
/// `authentication-failed`: it would show the password.
pub fn prove(
    method: Method,
    nonce: &[u8],
    credentials: &Credentials<'_>,
) -> Result<Vec<u8>, DbError> {
    let password = credentials.password.as_bytes();
    Ok(match method {
        Method::Native => scramble::native(password, nonce),
        Method::CachingSha2 => scramble::caching_sha2(password, nonce),
        Method::Ed25519 => scramble::ed25519(password, nonce)
            .map_err(|_| db_error(ErrorCode::Internal, "the nonce could not be signed"))?,
        Method::Clear if credentials.encrypted => scramble::clear(password),
        Method::Clear => {
            return Err(db_error(
                ErrorCode::AuthenticationFailed,
                "the server wants the password in the clear (mysql_clear_password), which is done over TLS only",
            ));
        }
    })
}

/// Answers the server until it has let us in.
///
/// # Errors
/// `authentication-failed`, or what else the server says.
pub fn authenticate<T: Transport>(
    wire: &mut Wire<T>,
    mut method: Method,
    mut nonce: Vec<u8>,
    credentials: &Credentials<'_>,
) -> Result<(), DbError> {
    // What has been asked for of `caching_sha2_password`.
    let mut key_asked = false;
    for _ in 0..MAX_ROUNDS {
        let frame = wire.receive()?;
        let payload = wire.body(&frame);
        let answer = match LoginReply::parse(payload).map_err(errors::malformed)? {
            LoginReply::Ok => return Ok(()),
            LoginReply::Error => {
                let error = ServerError::parse(payload).map_err(errors::malformed)?;
                return Err(errors::from_server(error, Phase::Startup));
            }
            LoginReply::OldPassword => return Err(unknown("mysql_old_password")),
            LoginReply::Switch {
                plugin,
                nonce: next,
            } => {
                method = Method::named(plugin).ok_or_else(|| unknown(plugin))?;
                nonce = next.to_vec();
                key_asked = false;
                prove(method, &nonce, credentials)?
            }
            LoginReply::More(data) if method == Method::CachingSha2 => match data {
                [FAST_OK] => continue,
                [FULL_NEEDED] if credentials.encrypted => {
                    scramble::clear(credentials.password.as_bytes())
                }
                [FULL_NEEDED] => {
                    key_asked = true;
                    vec![SEND_KEY]
                }
                key if key_asked => {
                    scramble::rsa(credentials.password.as_bytes(), &nonce, key, &mut OsRng)
                        .map_err(|error| {
                            db_error(ErrorCode::AuthenticationFailed, error.to_string())
                        })?
                }
                _ => return Err(out_of_turn(method)),
            },
            LoginReply::More(_) => return Err(out_of_turn(method)),
        };
        wire.reply(&answer)?;
    }
    Err(db_error(
        ErrorCode::Protocol,
        "the server does not come to an end with authentication",
    ))
}

fn out_of_turn(method: Method) -> DbError {
    db_error(
        ErrorCode::Protocol,
        format!(
            "the server breaks the rules of the authentication method {}",
            method.name()
        ),
    )
}

/// The error for a method that is not known here.
pub fn unknown(plugin: &str) -> DbError {
    let mut error = db_error(
        ErrorCode::AuthenticationFailed,
        format!("the server wants an authentication method that is not supported: {plugin:.64}"),
    );
    error.hint = Some(
        "give the user one of mysql_native_password, caching_sha2_password, ed25519".to_owned(),
    );
    error
}
