//! Proving who we are.
//!
//! How it decides: SCRAM with channel binding where the server offers it and TLS gives the binding, else
//! SCRAM, else md5; a password in clear text only over TLS. `channel_binding=require` accepts nothing but
//! the first. A server that stops in the middle of SCRAM and says "fine" has not proved that it knows the
//! password, and is refused.
//!
//! What it does not do: Kerberos, SSPI, certificates, OAuth.

use datachat_sdk::connector::tls::Channel;
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{
    ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};
use postgres_protocol::message::frontend;

use crate::errors::{self, Phase};
use crate::options::Binding;
use crate::protocol::backend::{Authentication, Message};
use crate::wire::Wire;

/// What authentication needs to know.
pub struct Credentials<'a> {
    pub user: &'a str,
    pub password: Option<&'a str>,
    /// What TLS agreed on; `None` without TLS.
    pub channel: Option<&'a Channel>,
    pub binding: Binding,
}

/// The next thing to do for the server's request.
enum Step {
    Done,
    Password(Vec<u8>),
    Scram(ScramSha256, &'static str),
}

/// Answers the server's requests until it is satisfied.
///
/// # Errors
/// `authentication-failed`, with the server's words or with what it asked for and can't have.
pub fn authenticate<T: Transport>(
    wire: &mut Wire<T>,
    credentials: &Credentials<'_>,
) -> Result<(), DbError> {
    loop {
        let frame = wire.receive()?;
        let step = match wire.message(&frame)? {
            Message::Authentication(request) => choose(&request, credentials)?,
            Message::Error(fields) => return Err(errors::from_server(fields, Phase::Startup)),
            Message::NegotiateVersion => continue,
            _ => return Err(errors::unexpected(frame.tag, "authentication")),
        };
        match step {
            Step::Done => return Ok(()),
            Step::Password(password) => {
                frontend::password_message(&password, &mut wire.out).map_err(|_| {
                    failed("the password contains a NUL character, which PostgreSQL can't take")
                })?;
                wire.send()?;
            }
            Step::Scram(scram, mechanism) => return exchange(wire, scram, mechanism),
        }
    }
}

fn choose(request: &Authentication<'_>, with: &Credentials<'_>) -> Result<Step, DbError> {
    if with.binding == Binding::Require && !matches!(request, Authentication::Sasl(_)) {
        return Err(failed(
            "channel_binding=require, but the server did not ask for SCRAM authentication",
        ));
    }
    match request {
        Authentication::Ok => Ok(Step::Done),
        Authentication::Cleartext if with.channel.is_none() => Err(failed(
            "the server asks for the password in clear text over a connection without TLS; \
             use sslmode=require or stronger, or SCRAM on the server",
        )),
        Authentication::Cleartext => Ok(Step::Password(password(with)?.into())),
        Authentication::Md5 { salt } => Ok(Step::Password(
            md5_hash(with.user.as_bytes(), password(with)?.as_bytes(), *salt).into_bytes(),
        )),
        Authentication::Sasl(offered) => {
            let (binding, mechanism) = scram(offered, with)?;
            let scram = ScramSha256::new(password(with)?.as_bytes(), binding);
            Ok(Step::Scram(scram, mechanism))
        }
        Authentication::SaslContinue(_) | Authentication::SaslFinal(_) => Err(errors::unexpected(
            b'R',
            "authentication, before SCRAM had begun",
        )),
        Authentication::Other(number) => Err(failed(&format!(
            "the server asks for {}, which this connector does not have",
            method(*number)
        ))),
    }
}

/// Which SCRAM to use, and what to say about channel binding.
fn scram(
    offered: &[&str],
    with: &Credentials<'_>,
) -> Result<(ChannelBinding, &'static str), DbError> {
    let end_point = with
        .channel
        .and_then(|channel| channel.server_end_point.clone())
        .filter(|_| with.binding != Binding::Disable);
    let plus = offered.contains(&SCRAM_SHA_256_PLUS);
    match end_point {
        Some(hash) if plus => Ok((
            ChannelBinding::tls_server_end_point(hash),
            SCRAM_SHA_256_PLUS,
        )),
        _ if with.binding == Binding::Require => Err(failed(
            "channel_binding=require, but the server or the connection can't do it; \
             it needs TLS and SCRAM-SHA-256-PLUS",
        )),
        // "We could, but you did not offer": a server that did offer notices that somebody cut it out.
        Some(_) if offered.contains(&SCRAM_SHA_256) => {
            Ok((ChannelBinding::unrequested(), SCRAM_SHA_256))
        }
        None if offered.contains(&SCRAM_SHA_256) => {
            Ok((ChannelBinding::unsupported(), SCRAM_SHA_256))
        }
        _ => Err(failed(&format!(
            "the server offers no authentication that this connector has, only {}",
            offered.join(", ")
        ))),
    }
}

fn exchange<T: Transport>(
    wire: &mut Wire<T>,
    mut scram: ScramSha256,
    mechanism: &str,
) -> Result<(), DbError> {
    let internal = |error: std::io::Error| db_error(ErrorCode::Internal, error.to_string());
    frontend::sasl_initial_response(mechanism, scram.message(), &mut wire.out).map_err(internal)?;
    wire.send()?;

    let frame = wire.receive()?;
    match wire.message(&frame)? {
        Message::Authentication(Authentication::SaslContinue(data)) => scram
            .update(data)
            .map_err(|error| failed(&format!("SCRAM: {error}")))?,
        Message::Error(fields) => return Err(errors::from_server(fields, Phase::Startup)),
        _ => return Err(errors::unexpected(frame.tag, "SCRAM authentication")),
    }
    frontend::sasl_response(scram.message(), &mut wire.out).map_err(internal)?;
    wire.send()?;

    let frame = wire.receive()?;
    match wire.message(&frame)? {
        Message::Authentication(Authentication::SaslFinal(data)) => {
            scram.finish(data).map_err(|_| {
                failed("the server did not prove that it knows the password; it may be an impostor")
            })?;
        }
        Message::Error(fields) => return Err(errors::from_server(fields, Phase::Startup)),
        _ => return Err(errors::unexpected(frame.tag, "SCRAM authentication")),
    }

    let frame = wire.receive()?;
    match wire.message(&frame)? {
        Message::Authentication(Authentication::Ok) => Ok(()),
        Message::Error(fields) => Err(errors::from_server(fields, Phase::Startup)),
        _ => Err(errors::unexpected(frame.tag, "SCRAM authentication")),
    }
}

fn password<'a>(with: &Credentials<'a>) -> Result<&'a str, DbError> {
    with.password.ok_or_else(|| {
        failed(&format!(
            "the server asks for a password, and the database URL has none for user {:?}",
            with.user
        ))
    })
}

fn method(number: u32) -> String {
    match number {
        2 => "Kerberos V5 authentication".to_owned(),
        7 | 8 => "GSSAPI authentication".to_owned(),
        9 => "SSPI authentication".to_owned(),
        other => format!("authentication method {other}"),
    }
}

fn failed(message: &str) -> DbError {
    db_error(ErrorCode::AuthenticationFailed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> Channel {
        Channel {
            protocol: "TLSv1.3".to_owned(),
            server_end_point: Some(vec![1; 32]),
        }
    }

    fn with(channel: Option<&Channel>, binding: Binding) -> Credentials<'_> {
        Credentials {
            user: "u",
            password: Some("pencil"),
            channel,
            binding,
        }
    }

    fn refusal<X>(result: Result<X, DbError>) -> String {
        match result {
            Ok(_) => panic!("accepted"),
            Err(error) => {
                assert_eq!(error.code, ErrorCode::AuthenticationFailed);
                assert!(!error.message.contains("pencil"));
                error.message
            }
        }
    }

    #[test]
    fn a_password_in_clear_text_is_sent_over_tls_only() {
        assert!(
            refusal(choose(
                &Authentication::Cleartext,
                &with(None, Binding::Prefer)
            ))
            .contains("clear text")
        );
        let channel = channel();
        let step = choose(
            &Authentication::Cleartext,
            &with(Some(&channel), Binding::Prefer),
        )
        .expect("TLS");
        assert!(matches!(step, Step::Password(password) if password == b"pencil"));
    }

    #[test]
    fn md5_hashes_the_password_with_user_and_salt() {
        let step = choose(
            &Authentication::Md5 {
                salt: [0x2a, 0x3d, 0x8f, 0xe0],
            },
            &Credentials {
                user: "md5_user",
                password: Some("password"),
                channel: None,
                binding: Binding::Prefer,
            },
        )
        .expect("md5");
        assert!(
            matches!(step, Step::Password(hash) if hash == b"md562af4dd09bbb41884907a838a3233294")
        );
    }

    #[test]
    fn channel_binding_is_used_whenever_both_sides_can() {
        let channel = channel();
        let both = [SCRAM_SHA_256_PLUS, SCRAM_SHA_256];
        let chosen = |offered: &[&str], channel, binding| {
            scram(offered, &with(channel, binding)).map(|(_, mechanism)| mechanism)
        };
        assert_eq!(
            chosen(&both, Some(&channel), Binding::Prefer).expect("plus"),
            SCRAM_SHA_256_PLUS
        );
        assert_eq!(
            chosen(&both, Some(&channel), Binding::Disable).expect("plain"),
            SCRAM_SHA_256
        );
        assert_eq!(
            chosen(&both, None, Binding::Prefer).expect("plain"),
            SCRAM_SHA_256
        );
        assert!(refusal(chosen(&both, None, Binding::Require)).contains("channel_binding=require"));
        assert!(
            refusal(chosen(&[SCRAM_SHA_256], Some(&channel), Binding::Require))
                .contains("channel_binding=require")
        );
        assert!(refusal(chosen(&["OAUTHBEARER"], None, Binding::Prefer)).contains("OAUTHBEARER"));
    }

    #[test]
    fn required_channel_binding_refuses_a_server_that_asks_for_nothing() {
        for request in [Authentication::Ok, Authentication::Md5 { salt: [0; 4] }] {
            let channel = channel();
            refusal(choose(&request, &with(Some(&channel), Binding::Require)).map(|_| ()));
        }
    }

    #[test]
    fn a_missing_password_says_so() {
        let mut none = with(None, Binding::Prefer);
        none.password = None;
        assert!(refusal(choose(&Authentication::Md5 { salt: [0; 4] }, &none)).contains("has none"));
    }
}
