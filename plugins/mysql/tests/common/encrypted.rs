//! TLS as the host would do it. Who is trusted is the host's decision and is tested there; the transport here
//! trusts one authority.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datachat_mysql::session::Session;
use datachat_sdk::connector::Target;
use datachat_sdk::connector::tls::Channel;
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;
use datachat_sdk::net::Transport;
use datachat_throwaway::ServerTls;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

/// An authority, a certificate of it for `localhost`, and who trusts it.
#[derive(Clone)]
pub struct Authority {
    pub pem: ServerTls,
    client: Arc<ClientConfig>,
}

impl Authority {
    pub fn new() -> Self {
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
        let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            pem: ServerTls {
                certificate_pem: certificate.pem(),
                key_pem: key.serialize_pem(),
            },
            client: Arc::new(client),
        }
    }

    /// For a scripted server.
    pub fn accept<S: Read + Write>(&self, socket: S) -> StreamOwned<ServerConnection, S> {
        let certificate =
            CertificateDer::from_pem_slice(self.pem.certificate_pem.as_bytes()).expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(self.pem.key_pem.as_bytes()).expect("PEM");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate");
        StreamOwned::new(
            ServerConnection::new(Arc::new(config)).expect("a connection"),
            socket,
        )
    }

    pub fn open(
        &self,
        target: &Target,
        password: Option<&str>,
    ) -> Result<Session<Encrypting>, DbError> {
        let socket = TcpStream::connect(("127.0.0.1", target.port)).expect("a server");
        let transport = Encrypting {
            stream: Stream::Plain(socket),
            config: Arc::clone(&self.client),
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        Session::open(transport, target, password, deadline)
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    None,
}

pub struct Encrypting {
    stream: Stream,
    config: Arc<ClientConfig>,
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
        self.stream = Stream::Tls(Box::new(StreamOwned::new(connection, socket)));
        Ok(Channel {
            protocol: "TLSv1.3".to_owned(),
            server_end_point: None,
        })
    }

    fn set_deadline(&mut self, _: Option<Instant>) {}
}
