//! Servers that break, lie or fall silent. Each is an error with a class; none a short result, none a panic.

mod common;

use std::io::Read;
use std::time::{Duration, Instant};

use common::scripted::{Peer, greeting, refused, scripted};
use common::{Plain, open, open_target, query, statement, target};
use datachat_mysql::session::Session;
use datachat_sdk::connector::TlsMode;
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_throwaway::{CANARY, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser};

/// What opening a session says to a server that greets and answers the login with `answer`.
fn login_error(answer: &'static [u8]) -> DbError {
    refused(move |mut peer| {
        peer.send(&greeting("mysql_native_password", 0));
        peer.receive();
        peer.send(answer);
    })
}

#[test]
fn a_server_that_is_none_of_mysql_is_told_so() {
    for greeting in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x05\0\0\0\x09old\0\0",
    ] {
        let error = refused(move |mut peer| peer.raw(greeting));
        assert_eq!(error.code, ErrorCode::Protocol, "{error:?}");
        assert!(
            error.message.contains("MySQL's protocol"),
            "{}",
            error.message
        );
    }
}

#[test]
fn a_server_that_closes_early_or_is_full_refused() {
    let error = refused(|_| {});
    assert_eq!(error.code, ErrorCode::ConnectionRefused, "{error:?}");
    assert!(error.retryable);
    let error = refused(|mut peer| {
        peer.send(&greeting("mysql_native_password", 0));
        peer.receive();
    });
    assert_eq!(error.code, ErrorCode::ConnectionRefused, "{error:?}");
    let error = refused(|mut peer| peer.send(b"\xFF\x10\x04Too many connections"));
    assert_eq!(error.code, ErrorCode::ResourceLimit);
    assert_eq!(error.vendor_code.as_deref(), Some("1040"));
}

#[test]
fn methods_that_show_the_password_or_are_unknown_are_refused_by_name() {
    for (switch, word) in [
        (&b"\xFEmysql_clear_password\0"[..], "mysql_clear_password"),
        (b"\xFEmysql_old_password\x0012345678", "mysql_old_password"),
        (b"\xFE", "mysql_old_password"),
        (b"\xFEauth_gssapi_client\0x", "auth_gssapi_client"),
        (b"\xFEsha256_password\0x", "sha256_password"),
    ] {
        let error = login_error(switch);
        assert_eq!(error.code, ErrorCode::AuthenticationFailed);
        assert!(error.message.contains(word), "{}", error.message);
    }
    let error = login_error(b"\x01\x04");
    assert_eq!(error.code, ErrorCode::Protocol, "{error:?}");
}

#[test]
fn a_server_that_never_comes_to_an_end_with_authentication_is_left() {
    let error = refused(|mut peer| {
        peer.send(&greeting("mysql_native_password", 0));
        for _ in 0..100 {
            if peer.try_receive().is_none() {
                return;
            }
            peer.send(b"\xFEmysql_native_password\x0001234567890123456789\0");
        }
        panic!("it went on");
    });
    assert_eq!(error.code, ErrorCode::Protocol);
}

#[test]
fn bytes_in_front_of_the_tls_handshake_are_refused() {
    let (port, script) = scripted(|mut peer| {
        peer.send(&greeting("mysql_native_password", 1 << 11));
        peer.send(b"\0\0\0\x02\0\0\0");
        peer.try_receive();
    });
    let mut target = target(port, "app", None);
    target.tls = TlsMode::Require;
    let error = open_target(&target, Some(CANARY))
        .err()
        .expect("no session");
    assert!(
        matches!(error.code, ErrorCode::Protocol | ErrorCode::TlsFailed),
        "{error:?}"
    );
    drop(script.join());
}

#[test]
fn a_server_that_hangs_in_the_handshake_is_left_in_time() {
    let (port, script) = scripted(|mut peer| {
        let mut sink = Vec::new();
        let _ = peer.socket.read_to_end(&mut sink);
    });
    let mut target = target(port, "app", None);
    target.connect_timeout_ms = 300;
    let started = Instant::now();
    let error = open_target(&target, Some(CANARY))
        .err()
        .expect("no session");
    assert_eq!(error.code, ErrorCode::Timeout);
    assert!(started.elapsed() < Duration::from_secs(5));
    script.join().expect("the script");
}

const OK: &[u8] = b"\0\0\0\x02\0\0\0";

/// A session of a server that goes on with `script` once it is set up.
fn session(script: impl FnOnce(Peer) + Send + 'static) -> Session<Plain> {
    let (port, _) = scripted(move |mut peer| {
        peer.let_in(&greeting("mysql_native_password", 0));
        script(peer);
    });
    open_target(&target(port, "app", None), Some(CANARY)).expect("a session")
}

#[test]
fn a_file_of_this_machine_is_never_sent() {
    let (told, hears) = std::sync::mpsc::channel();
    let mut session = session(move |mut peer| {
        // The preparation, then its execution.
        peer.receive();
        peer.send(&[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        // Its limits and the transaction around it.
        peer.receive_commands(4);
        peer.answer(OK);
        peer.answer(OK);
        peer.answer(b"\xFB/etc/passwd");
        let given = peer.receive();
        told.send(given).expect("told");
        peer.send(OK);
        peer.answer(OK);
        // It goes on.
        peer.receive_commands(3);
        peer.answer(OK);
        peer.answer(OK);
        peer.answer(OK);
    });
    let error = query(&mut session, "SELECT 1").expect_err("refused");
    assert_eq!(error.code, ErrorCode::Unsupported, "{error:?}");
    assert!(error.message.contains("LOCAL INFILE"), "{}", error.message);
    assert_eq!(hears.recv().expect("heard"), b"");
    assert!(query(&mut session, "SELECT 1").expect("nothing").is_empty());
}

#[test]
fn answers_that_make_no_sense_end_the_session() {
    for answer in [
        // More results; a type that does not exist; a result without columns; a packet out of turn.
        &b"\0\0\0\x0A\0\0\0"[..],
        b"\x01",
        b"",
    ] {
        let mut session = session(move |mut peer| {
            peer.receive();
            peer.send(&[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            peer.receive_commands(4);
            peer.answer(OK);
            peer.answer(OK);
            peer.answer(answer);
            // A column whose type does not exist.
            peer.send(b"\0\0\0\0\0\0\x0C\x3F\0\0\0\0\0\x63\0\0\0\0\0");
        });
        let error = query(&mut session, "SELECT 1").expect_err("refused");
        assert_eq!(error.code, ErrorCode::Protocol, "{answer:?} {error:?}");
    }
}

fn one_user() -> MariaDb {
    MariaDb::start(
        MariaDbOptions::default()
            .database("bank")
            .user(MariaDbUser::new("app", CANARY, MariaDbAuth::Native).grant("SELECT ON bank.*")),
    )
    .expect("a server")
}

#[test]
fn a_connection_that_dies_in_the_middle_of_a_result_is_never_a_short_result() {
    let mut server = one_user();
    let mut session = open(&server, "app", CANARY, "bank").expect("open");
    let mut rows = session
        .query(statement(
            "SELECT REPEAT('x', 100) FROM seq_1_to_50000000",
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
    let server = one_user();
    let mut session = open(&server, "app", CANARY, "bank").expect("open");
    let kill = "SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE user = 'app'";
    let kill = server.sql("", kill).expect("a session");
    server.sql("", &kill).expect("killed");
    std::thread::sleep(Duration::from_millis(200));
    let error = query(&mut session, "SELECT 1").expect_err("ended");
    assert_eq!(error.code, ErrorCode::Protocol, "{error:?}");
    assert!(error.retryable);
}
