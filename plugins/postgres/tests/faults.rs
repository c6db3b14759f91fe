//! Servers that break, lie or fall silent. Each is an error with a class; none a short result, none a panic.

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::{open, open_target, query, statement, target};
use datachat_sdk::connector::TlsMode;
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_throwaway::{Auth, CANARY, Options, Postgres, Role};

/// A server of one connection that does what `script` does.
fn scripted(script: impl FnOnce(TcpStream) + Send + 'static) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = std::thread::spawn(move || {
        let (socket, _) = listener.accept().expect("a client");
        script(socket);
    });
    (port, server)
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend(u32::try_from(body.len() + 4).expect("short").to_be_bytes());
    bytes.extend(body);
    bytes
}

/// Takes what the client sent, whatever it is.
fn take(socket: &mut TcpStream) {
    let mut buffer = [0; 4096];
    let _ = socket.read(&mut buffer).expect("bytes");
}

/// Why no session was opened without TLS on a scripted server. It never shows the password.
fn refused(port: u16, script: JoinHandle<()>) -> DbError {
    let mut target = target(port, "app", "bank");
    target.tls = TlsMode::Disable;
    let error = open_target(&target, Some(CANARY))
        .err()
        .expect("no session");
    script.join().expect("the script");
    assert!(!format!("{error:?}").contains(CANARY));
    error
}

/// What opening a session says to a server that answers the startup message with `answer`.
fn startup_error(answer: Vec<u8>) -> DbError {
    let (port, server) = scripted(move |mut socket| {
        take(&mut socket);
        socket.write_all(&answer).expect("write");
    });
    refused(port, server)
}

#[test]
fn a_server_that_is_none_of_postgresql_is_told_so() {
    let error = startup_error(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
    assert_eq!(error.code, ErrorCode::Protocol);
    assert!(
        error.message.contains("PostgreSQL's protocol"),
        "{}",
        error.message
    );
}

#[test]
fn a_server_that_closes_early_refused() {
    for answer in [vec![], message(b'R', &[0, 0, 0, 0])] {
        let error = startup_error(answer);
        assert_eq!(error.code, ErrorCode::ConnectionRefused, "{error:?}");
        assert!(error.retryable);
    }
}

#[test]
fn a_server_that_offers_unknown_authentication_is_named() {
    for (request, word) in [
        (vec![0, 0, 0, 7], "GSSAPI"),
        (vec![0, 0, 0, 9], "SSPI"),
        (b"\0\0\0\x0aOAUTHBEARER\0\0".to_vec(), "OAUTHBEARER"),
    ] {
        let error = startup_error(message(b'R', &request));
        assert_eq!(error.code, ErrorCode::AuthenticationFailed);
        assert!(error.message.contains(word), "{}", error.message);
    }
}

#[test]
fn a_server_that_skips_its_proof_in_scram_is_an_impostor() {
    let (port, server) = scripted(|mut socket| {
        take(&mut socket);
        socket
            .write_all(&message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0"))
            .expect("write");
        take(&mut socket);
        // "Fine, come in", without having shown that it knows the password.
        socket
            .write_all(&message(b'R', &[0, 0, 0, 0]))
            .expect("write");
        socket.write_all(&message(b'Z', b"I")).expect("write");
    });
    let mut target = target(port, "app", "bank");
    target.tls = TlsMode::Disable;
    assert!(open_target(&target, Some(CANARY)).is_err());
    server.join().expect("the script");
}

/// What opening a session says to a server that answers SCRAM's first message with what `challenge` makes of
/// the client's nonce, and the proof with `verdict`.
fn scram_error(challenge: fn(&str) -> String, verdict: &'static str) -> DbError {
    let (port, server) = scripted(move |mut socket| {
        take(&mut socket);
        socket
            .write_all(&message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0"))
            .expect("write");
        let mut buffer = [0; 4096];
        let length = socket.read(&mut buffer).expect("bytes");
        let first = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let nonce = first.split("r=").nth(1).expect("a nonce");
        let answer = [&[0, 0, 0, 11], challenge(nonce).as_bytes()].concat();
        socket.write_all(&message(b'R', &answer)).expect("write");
        if socket.read(&mut buffer).is_ok_and(|length| length > 0) {
            let answer = [&[0, 0, 0, 12], verdict.as_bytes()].concat();
            let _ = socket.write_all(&message(b'R', &answer));
            let _ = socket.write_all(&message(b'R', &[0, 0, 0, 0]));
            let _ = socket.write_all(&message(b'Z', b"I"));
        }
    });
    let error = refused(port, server);
    assert_eq!(error.code, ErrorCode::AuthenticationFailed, "{error:?}");
    error
}

#[test]
fn a_server_with_a_wrong_signature_or_an_old_nonce_is_an_impostor() {
    const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";
    let error = scram_error(
        |nonce| format!("r={nonce}server,s={SALT},i=4096"),
        "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    );
    assert!(error.message.contains("impostor"), "{}", error.message);
    scram_error(|_| format!("r=replayed,s={SALT},i=4096"), "v=AAAA");
}

#[test]
fn a_server_that_wants_endless_hashing_is_refused() {
    let started = Instant::now();
    scram_error(
        |nonce| format!("r={nonce}server,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000"),
        "v=AAAA",
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn bytes_in_front_of_the_tls_handshake_are_refused() {
    let (port, server) = scripted(|mut socket| {
        take(&mut socket);
        socket.write_all(b"SR\0\0\0\x08\0\0\0\0").expect("write");
    });
    let mut target = target(port, "app", "bank");
    target.tls = TlsMode::Require;
    let error = open_target(&target, Some(CANARY))
        .err()
        .expect("no session");
    assert_eq!(error.code, ErrorCode::Protocol);
    server.join().expect("the script");
}

#[test]
fn a_server_that_hangs_in_the_handshake_is_left_in_time() {
    let (port, server) = scripted(|mut socket| {
        // Holds the connection until the client has gone.
        let mut sink = Vec::new();
        let _ = socket.read_to_end(&mut sink);
    });
    let mut target = target(port, "app", "bank");
    target.connect_timeout_ms = 300;
    let started = Instant::now();
    let error = open_target(&target, Some(CANARY))
        .err()
        .expect("no session");
    assert_eq!(error.code, ErrorCode::Timeout);
    assert!(started.elapsed() < Duration::from_secs(5));
    server.join().expect("the script");
}

#[test]
fn a_connection_that_dies_in_the_middle_of_a_result_is_never_a_short_result() {
    let mut server = Postgres::start(
        Options::new(CANARY)
            .role(Role::new("open", CANARY, Auth::Trust))
            .database("bank"),
    )
    .expect("a server");
    let mut session = open(&server, "open", "", "bank").expect("open");
    let mut rows = session
        .query(statement(
            "SELECT repeat('x', 100) FROM generate_series(1, 5000000)",
            vec![],
        ))
        .expect("rows");
    assert!(
        !rows
            .read(&mut session, 1 << 20)
            .expect("a piece")
            .is_empty()
    );
    server.kill_9().expect("killed");
    let error = loop {
        match rows.read(&mut session, 1 << 20) {
            Ok(piece) => assert!(!piece.is_empty(), "the end of a result that was cut"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code, ErrorCode::Protocol);
    // Asked again, it is still not the end.
    assert!(rows.read(&mut session, 1 << 20).is_err());
    assert_eq!(
        query(&mut session, "SELECT 1").expect_err("dead").code,
        ErrorCode::Protocol
    );
}

#[test]
fn an_idle_session_that_the_server_ended_says_so_and_may_be_tried_again() {
    let server = Postgres::start(
        Options::new(CANARY)
            .role(Role::new("open", CANARY, Auth::Trust))
            .database("bank"),
    )
    .expect("a server");
    let mut session = open(&server, "open", "", "bank").expect("open");
    server
        .psql(
            "bank",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'open'",
        )
        .expect("terminated");
    std::thread::sleep(Duration::from_millis(200));
    let error = query(&mut session, "SELECT 1").expect_err("ended");
    assert_eq!(error.code, ErrorCode::Protocol);
    assert!(error.retryable);
}
