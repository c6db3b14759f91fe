//! TLS and the methods of authentication that lean on it.
//!
//! MySQL's own `caching_sha2_password` is played by a script, which checks what it gets as the server does.

mod common;

use common::encrypted::Authority;
use common::scripted::{NONCE, Peer, greeting, refused, scripted};
use common::{open_target, target, text};
use datachat_sdk::connector::TlsMode;
use datachat_sdk::connector::types::ErrorCode;
use datachat_throwaway::{CANARY, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser};
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::rand_core::OsRng;
use rsa::{Oaep, RsaPrivateKey};
use sha1::Sha1;
use sha2::{Digest, Sha256};

const SSL: u32 = 1 << 11;

#[test]
fn a_session_is_encrypted_as_far_as_its_mode_asks_and_its_server_can() {
    let authority = Authority::new();
    let server = MariaDb::start(
        MariaDbOptions::default()
            .database("bank")
            .user(MariaDbUser::new("safe", CANARY, MariaDbAuth::Native).tls_only())
            .user(MariaDbUser::new("ed", CANARY, MariaDbAuth::Ed25519))
            .tls(authority.pem.clone()),
    )
    .expect("a server");
    let cipher = "SELECT CONCAT('', VARIABLE_VALUE) FROM information_schema.SESSION_STATUS \
                  WHERE VARIABLE_NAME = 'SSL_CIPHER'";
    for (user, mode, encrypted) in [
        ("safe", TlsMode::Prefer, true),
        ("safe", TlsMode::Require, true),
        ("ed", TlsMode::VerifyFull, true),
        ("ed", TlsMode::Disable, false),
    ] {
        let mut target = target(server.port(), user, None);
        target.tls = mode;
        let mut session = authority.open(&target, Some(CANARY)).expect(user);
        let cipher = text(&mut session, cipher).expect("status");
        assert_eq!(!cipher.is_empty(), encrypted, "{user} {mode:?} {cipher}");
        session.reset().expect("reset");
    }
    let mut target = target(server.port(), "safe", None);
    target.tls = TlsMode::Disable;
    let error = authority
        .open(&target, Some(CANARY))
        .err()
        .expect("refused");
    assert_eq!(error.code, ErrorCode::AuthenticationFailed);
    // A certificate of somebody else.
    target.tls = TlsMode::Require;
    let error = Authority::new()
        .open(&target, Some(CANARY))
        .err()
        .expect("refused");
    assert_eq!(error.code, ErrorCode::TlsFailed);
}

/// Whether the login carries the fast proof of the password.
fn is_fast_proof(login: &[u8]) -> bool {
    let kept = Sha256::digest(Sha256::digest(CANARY));
    let mask = Sha256::new()
        .chain_update(kept)
        .chain_update(NONCE)
        .finalize();
    login.windows(32).any(|proof| {
        let once: Vec<u8> = proof.iter().zip(&mask).map(|(a, b)| a ^ b).collect();
        Sha256::digest(once) == kept
    })
}

#[test]
fn a_password_that_the_server_remembers_needs_no_more_than_the_fast_proof() {
    let (port, script) = scripted(|mut peer| {
        peer.send(&greeting("caching_sha2_password", 0));
        assert!(is_fast_proof(&peer.receive()));
        peer.send(b"\x01\x03");
        peer.send(b"\0\0\0\x02\0\0\0");
        peer.set_up();
    });
    open_target(&target(port, "app", None), Some(CANARY)).expect("a session");
    script.join().expect("the script");
}

/// The full exchange without TLS, up to the server's verdict.
fn rsa_exchange(peer: &mut Peer) {
    peer.send(&greeting("caching_sha2_password", 0));
    assert!(is_fast_proof(&peer.receive()));
    peer.send(b"\x01\x04");
    assert_eq!(peer.receive(), [2], "the request for the key");
    let key = RsaPrivateKey::new(&mut OsRng, 1024).expect("a key");
    let pem = key
        .to_public_key()
        .to_public_key_pem(LineEnding::LF)
        .expect("PEM");
    peer.send(&[b"\x01", pem.as_bytes()].concat());
    let sealed = peer.receive();
    assert!(
        !sealed
            .windows(CANARY.len())
            .any(|bytes| bytes == CANARY.as_bytes())
    );
    let mixed = key.decrypt(Oaep::new::<Sha1>(), &sealed).expect("opened");
    let password: Vec<u8> = mixed
        .iter()
        .zip(NONCE.iter().cycle())
        .map(|(a, b)| a ^ b)
        .collect();
    assert_eq!(password, [CANARY.as_bytes(), b"\0"].concat());
}

#[test]
fn without_tls_the_full_exchange_encrypts_the_password_for_the_server_s_key() {
    let (port, script) = scripted(|mut peer| {
        rsa_exchange(&mut peer);
        peer.send(b"\0\0\0\x02\0\0\0");
        peer.set_up();
    });
    open_target(&target(port, "app", None), Some(CANARY)).expect("a session");
    script.join().expect("the script");

    let error = refused(|mut peer| {
        rsa_exchange(&mut peer);
        peer.send(b"\xFF\x15\x04#28000Access denied");
    });
    assert_eq!(error.code, ErrorCode::AuthenticationFailed);
}

#[test]
fn a_key_that_is_none_is_refused_and_nothing_is_sent() {
    for key in [
        &b"\x01-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n"[..],
        b"\x01",
        b"\x01\x05\x06",
    ] {
        let error = refused(move |mut peer| {
            peer.send(&greeting("caching_sha2_password", 0));
            peer.receive();
            peer.send(b"\x01\x04");
            peer.receive();
            peer.send(key);
            assert_eq!(peer.try_receive(), None);
        });
        assert_eq!(error.code, ErrorCode::AuthenticationFailed, "{error:?}");
    }
}

#[test]
fn over_tls_the_full_exchange_and_clear_passwords_are_done_as_they_are() {
    for switch in [false, true] {
        let authority = Authority::new();
        let server = authority.clone();
        let (port, script) = scripted(move |mut peer| {
            peer.send(&greeting("caching_sha2_password", SSL));
            let request = peer.receive();
            assert_eq!(request.len(), 32, "the request for TLS");
            peer.continue_over(|socket| Box::new(server.accept(socket)));
            assert!(is_fast_proof(&peer.receive()));
            if switch {
                peer.send(b"\xFEmysql_clear_password\0");
            } else {
                peer.send(b"\x01\x04");
            }
            assert_eq!(peer.receive(), [CANARY.as_bytes(), b"\0"].concat());
            peer.send(b"\0\0\0\x02\0\0\0");
            peer.set_up();
        });
        let mut target = target(port, "app", None);
        target.tls = TlsMode::VerifyFull;
        authority.open(&target, Some(CANARY)).expect("a session");
        script.join().expect("the script");
    }
}
