//! TLS as the protocol does it: when the upgrade happens, and what authentication makes of it.
//!
//! Who is trusted is the host's decision and is tested there; the transport here trusts one authority.

mod common;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{target, text};
use datachat_postgres::session::Session;
use datachat_postgres::startup;
use datachat_postgres::wire::Wire;
use datachat_sdk::connector::tls::Channel;
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::connector::{Target, TlsMode};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;
use datachat_throwaway::{Auth, CANARY, Options, Postgres, Role, ServerTls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sha2::{Digest, Sha256};

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    None,
}

struct Encrypting {
    stream: Stream,
    config: Arc<ClientConfig>,
    /// What is reported as the certificate's hash instead of its hash.
    forged_end_point: Option<Vec<u8>>,
}

impl Transport for Encrypting {
    fn read(&mut self, max: usize) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; max];
        let length = match &mut self.stream {
            Stream::Plain(stream) => stream.read(&mut piece)?,
            Stream::Tls(stream) => match stream.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                other => other?,
            },
            Stream::None => 0,
        };
        piece.truncate(length);
        Ok(piece)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes),
            Stream::Tls(stream) => {
                stream.write_all(bytes)?;
                stream.flush()
            }
            Stream::None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn start_tls(&mut self) -> Result<Channel, DbError> {
        let failed =
            |error: &dyn std::fmt::Display| db_error(ErrorCode::TlsFailed, error.to_string());
        let Stream::Plain(mut socket) = std::mem::replace(&mut self.stream, Stream::None) else {
            panic!("TLS twice");
        };
        let name = ServerName::try_from("localhost").expect("a name");
        let mut connection =
            ClientConnection::new(Arc::clone(&self.config), name).map_err(|e| failed(&e))?;
        while connection.is_handshaking() {
            connection
                .complete_io(&mut socket)
                .map_err(|e| failed(&e))?;
        }
        let certificate = &connection.peer_certificates().expect("a certificate")[0];
        let hash = Sha256::digest(certificate.as_ref()).to_vec();
        self.stream = Stream::Tls(Box::new(StreamOwned::new(connection, socket)));
        Ok(Channel {
            protocol: "TLSv1.3".to_owned(),
            server_end_point: Some(self.forged_end_point.clone().unwrap_or(hash)),
        })
    }

    fn set_deadline(&mut self, _: Option<Instant>) {}
}

struct Server {
    postgres: Postgres,
    config: Arc<ClientConfig>,
}

impl Server {
    fn start() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().expect("key"))
            .expect("CA");
        let key = KeyPair::generate().expect("key");
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])
            .and_then(|parameters| parameters.signed_by(&key, &issuer))
            .expect("certificate");
        let mut roots = RootCertStore::empty();
        roots.add(issuer.der().clone()).expect("root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let postgres = Postgres::start(
            Options::new(CANARY)
                .role(Role::new("app", CANARY, Auth::Scram).tls_only())
                .role(Role::new("plain", CANARY, Auth::Cleartext).tls_only())
                .role(Role::new("md5", CANARY, Auth::Md5).tls_only())
                .role(Role::new("open", CANARY, Auth::Trust))
                .tls(ServerTls {
                    certificate_pem: certificate.pem(),
                    key_pem: key.serialize_pem(),
                }),
        )
        .expect("a server");
        Self {
            postgres,
            config: Arc::new(config),
        }
    }

    fn target(&self, user: &str, mode: TlsMode, binding: Option<&str>) -> Target {
        let mut target = target(self.postgres.port(), user, "postgres");
        target.tls = mode;
        target.options = binding
            .map(|binding| ("channel_binding".to_owned(), binding.to_owned()))
            .into_iter()
            .collect();
        target
    }

    fn transport(&self) -> Encrypting {
        let socket = TcpStream::connect(("127.0.0.1", self.postgres.port())).expect("a server");
        Encrypting {
            stream: Stream::Plain(socket),
            config: Arc::clone(&self.config),
            forged_end_point: None,
        }
    }

    fn open(&self, target: &Target) -> Result<Session<Encrypting>, DbError> {
        let deadline = Instant::now() + Duration::from_secs(10);
        Session::open(self.transport(), target, Some(CANARY), deadline)
    }
}

#[test]
fn a_session_is_encrypted_in_every_mode_but_disable() {
    let server = Server::start();
    let ssl = "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    for (mode, expected) in [
        (TlsMode::Disable, "false"),
        (TlsMode::Prefer, "true"),
        (TlsMode::Require, "true"),
        (TlsMode::VerifyCa, "true"),
        (TlsMode::VerifyFull, "true"),
    ] {
        let mut session = server
            .open(&server.target("open", mode, None))
            .expect("open");
        assert_eq!(text(&mut session, ssl).expect("rows"), expected, "{mode:?}");
    }
}

#[test]
fn over_tls_every_kind_of_password_works_and_scram_is_bound_to_the_channel() {
    let server = Server::start();
    for user in ["app", "plain", "md5"] {
        server
            .open(&server.target(user, TlsMode::Require, None))
            .expect(user);
    }
    for binding in ["require", "prefer", "disable"] {
        server
            .open(&server.target("app", TlsMode::Require, Some(binding)))
            .expect(binding);
    }
    for user in ["plain", "md5", "open"] {
        let error = server
            .open(&server.target(user, TlsMode::Require, Some("require")))
            .err()
            .expect(user);
        assert_eq!(error.code, ErrorCode::AuthenticationFailed);
        assert!(
            error.message.contains("channel_binding"),
            "{}",
            error.message
        );
    }

    // Somebody in the middle has another certificate.
    let mut transport = server.transport();
    transport.forged_end_point = Some(vec![7; 32]);
    let error = Session::open(
        transport,
        &server.target("app", TlsMode::Require, None),
        Some(CANARY),
        Instant::now() + Duration::from_secs(10),
    )
    .err()
    .expect("bound to another channel");
    assert_eq!(error.code, ErrorCode::AuthenticationFailed);
}

#[test]
fn a_role_that_needs_tls_is_refused_without() {
    let server = Server::start();
    let error = server
        .open(&server.target("app", TlsMode::Disable, None))
        .err()
        .expect("refused");
    assert_eq!(error.code, ErrorCode::AuthenticationFailed);
    assert_eq!(error.vendor_code.as_deref(), Some("28000"));
}

#[test]
fn cancel_goes_over_tls_where_the_mode_says_so() {
    let server = Server::start();
    let mut session = server
        .open(&server.target("open", TlsMode::Require, None))
        .expect("open");
    let token = session.cancel_token().expect("a token").to_vec();
    let mut wire = Wire::new(server.transport());
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        let deadline = Instant::now() + Duration::from_secs(5);
        startup::cancel(&mut wire, TlsMode::Require, &token, deadline)
    });
    let error = common::query(&mut session, "SELECT pg_sleep(60)::text").expect_err("cancelled");
    assert_eq!(error.code, ErrorCode::Cancelled);
    canceller.join().expect("no panic").expect("cancelled");
}
