//! A certificate authority for one test, and TLS in front of servers that have none.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Result;
use datachat_throwaway::ServerTls;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Speaks TLS in front of what listens at `behind` on this machine, for as long as the test lives; its port.
///
/// # Errors
/// When the certificate can't be used.
pub async fn tls_front(behind: u16, tls: &ServerTls) -> Result<u16> {
    let certificates = CertificateDer::pem_slice_iter(tls.certificate_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(tls.key_pem.as_bytes())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let front = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((plain, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut outside = acceptor.accept(plain).await?;
                let mut inside = TcpStream::connect((Ipv4Addr::LOCALHOST, behind)).await?;
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await
            });
        }
    });
    Ok(front)
}

/// Signs server certificates. Two authorities trust nothing of each other.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new authority.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new() -> Result<Self> {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        parameters
            .distinguished_name
            .push(DnType::CommonName, "A test's own authority");
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?,
        })
    }

    /// Its own certificate, for `sslrootcert`.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a server of these names; IP addresses become address entries.
    ///
    /// # Errors
    /// When a name is neither a DNS name nor an address.
    pub fn server(&self, names: &[&str]) -> Result<ServerTls> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(names)?.signed_by(&key, &self.issuer)?;
        Ok(ServerTls {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}
