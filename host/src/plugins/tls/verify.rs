//! How much of a server's certificate is checked, by the mode of the connection.
//!
//! As in libpq: `verify-full` checks chain and name, `verify-ca` the chain; `prefer` and `require` check nothing,
//! unless a root file is given, which makes them `verify-ca`. The handshake's signature is always
//! checked: whoever answers holds the key of the certificate that it shows.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::plugins::TlsMode;

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Nothing,
    Chain,
    ChainAndName,
}

impl Check {
    pub(super) fn of(mode: TlsMode, own_roots: bool) -> Self {
        match (mode, own_roots) {
            (TlsMode::VerifyFull, _) => Self::ChainAndName,
            (TlsMode::VerifyCa, _) | (_, true) => Self::Chain,
            _ => Self::Nothing,
        }
    }
}

/// Applies a [`Check`].
#[derive(Debug)]
pub(super) struct Verifier {
    check: Check,
    /// There whenever a chain is checked.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// Certificates that are trusted themselves, whatever their constraints say: self-signed ones.
    roots: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    pub(super) fn new(
        check: Check,
        store: Arc<RootCertStore>,
        roots: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        let chain = match check {
            Check::Nothing => None,
            _ => Some(
                WebPkiServerVerifier::builder_with_provider(store, Arc::clone(&provider))
                    .build()
                    .map_err(|error| error.to_string())?,
            ),
        };
        Ok(Self {
            check,
            chain,
            roots,
            provider,
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        let result =
            chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        // The name is the last that is checked: an error of the name says that the chain is good.
        match result {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.check == Check::Chain => Ok(ServerCertVerified::assertion()),
            // webpki takes no certificate authority for a server; openssl's usual self-signed
            // certificate is one. If that very certificate is the root, the operator trusts it.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if self.check == Check::Chain
                    && self.roots.iter().any(|root| root == end_entity) =>
            {
                valid_now(end_entity, now)
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn valid_now(cert: &CertificateDer<'_>, now: UnixTime) -> Result<ServerCertVerified, Error> {
    let (_, parsed) = x509_parser::parse_x509_certificate(cert)
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let validity = parsed.validity();
    if now > validity.not_after.timestamp() {
        Err(Error::InvalidCertificate(CertificateError::Expired))
    } else if now < validity.not_before.timestamp() {
        Err(Error::InvalidCertificate(CertificateError::NotValidYet))
    } else {
        Ok(ServerCertVerified::assertion())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_file_turns_require_into_verify_ca() {
        assert_eq!(Check::of(TlsMode::Prefer, false), Check::Nothing);
        assert_eq!(Check::of(TlsMode::Require, false), Check::Nothing);
        assert_eq!(Check::of(TlsMode::Require, true), Check::Chain);
        assert_eq!(Check::of(TlsMode::VerifyCa, false), Check::Chain);
        assert_eq!(Check::of(TlsMode::VerifyFull, false), Check::ChainAndName);
    }
}
