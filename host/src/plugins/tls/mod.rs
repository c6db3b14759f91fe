//! TLS for guests: the host shakes hands over a stream that a guest already uses, or over one of its own for
//! a guest that speaks HTTP.
//!
//! Roots, server name, versions (1.2 and up) and how much is verified come from the connection, never from
//! the guest. A refusal says what is wrong with the certificate. Client certificates are not supported.

mod streams;
mod verify;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio::io::BufReader;
use tokio_rustls::TlsConnector;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

use super::Tls;
use super::bindings::connector::datachat::plugin::tls::Channel;
use verify::{Check, Verifier};

/// The largest file of root certificates, in bytes; all public authorities fit in a quarter of it.
const LARGEST_PEM: u64 = 1 << 20;

/// Shakes hands as a client and gives the encrypted streams.
///
/// # Errors
/// Why there is no TLS, as a sentence.
pub(crate) async fn upgrade(
    host: &str,
    tls: &Tls,
    input: DynInputStream,
    output: DynOutputStream,
) -> Result<(DynInputStream, DynOutputStream, Channel), String> {
    let name = name(host)?;
    let config = config(tls).await?;
    // Encrypted bytes come in large pieces too.
    let reader = BufReader::with_capacity(64 << 10, streams::GuestReader::new(input));
    let transport = tokio::io::join(reader, streams::GuestWriter::new(output));
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, transport)
        .await
        .map_err(|error| explain(host, &error))?;
    let (_, session) = stream.get_ref();
    let channel = Channel {
        protocol: match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
            _ => "TLSv1.3".to_owned(),
        },
        server_end_point: session
            .peer_certificates()
            .and_then(<[_]>::first)
            .and_then(end_point),
    };
    let (input, output) = streams::split(stream);
    Ok((input, output, channel))
}

/// Shakes hands as a client on a connection of the host's own.
///
/// # Errors
/// Why there is no TLS, as a sentence.
pub(crate) async fn connect(
    host: &str,
    tls: &Tls,
    stream: tokio::net::TcpStream,
) -> Result<tokio_rustls::client::TlsStream<tokio::net::TcpStream>, String> {
    let config = Arc::new(config(tls).await?);
    TlsConnector::from(config)
        .connect(name(host)?, stream)
        .await
        .map_err(|error| explain(host, &error))
}

fn name(host: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| format!("{host:?} can't be the name in a certificate"))
}

async fn config(tls: &Tls) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let check = Check::of(tls.mode, tls.roots.is_some());
    let (store, roots) = match (&tls.roots, check) {
        (_, Check::Nothing) => (Arc::new(RootCertStore::empty()), Vec::new()),
        (Some(file), _) => from_file(file).await?,
        (None, _) => (system_roots()?, Vec::new()),
    };
    build(provider, check, store, roots)
}

fn build(
    provider: Arc<CryptoProvider>,
    check: Check,
    store: Arc<RootCertStore>,
    roots: Vec<CertificateDer<'static>>,
) -> Result<ClientConfig, String> {
    let verifier = Verifier::new(check, store, roots, Arc::clone(&provider))?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// A regular file of reasonable size: a pipe would never end, a device might never.
fn read_small(file: &Path) -> std::io::Result<Vec<u8>> {
    let size = std::fs::metadata(file)?;
    if !size.is_file() || size.len() > LARGEST_PEM {
        return Err(std::io::Error::other(format!(
            "it is not a regular file of at most {LARGEST_PEM} bytes"
        )));
    }
    let mut pem = Vec::new();
    std::io::Read::read_to_end(
        &mut std::io::Read::take(std::fs::File::open(file)?, LARGEST_PEM),
        &mut pem,
    )?;
    Ok(pem)
}

async fn from_file(
    path: &Path,
) -> Result<(Arc<RootCertStore>, Vec<CertificateDer<'static>>), String> {
    let unusable = |why: String| {
        format!(
            "the root certificates in {} can't be used: {why}",
            path.display()
        )
    };
    let file = path.to_owned();
    let pem = tokio::task::spawn_blocking(move || read_small(&file))
        .await
        .map_err(|error| unusable(error.to_string()))?
        .map_err(|error| unusable(error.to_string()))?;
    let roots = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(error.to_string()))?;
    let mut store = RootCertStore::empty();
    for root in &roots {
        store
            .add(root.clone())
            .map_err(|error| unusable(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(unusable("it has no certificate".to_owned()));
    }
    Ok((Arc::new(store), roots))
}

/// Read once: hundreds of files.
fn system_roots() -> Result<Arc<RootCertStore>, String> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let store = ROOTS.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "a root certificate of the system can't be read");
        }
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(found.certs);
        Arc::new(store)
    });
    if store.is_empty() {
        return Err(
            "this system has no root certificates; name a file with sslrootcert".to_owned(),
        );
    }
    Ok(Arc::clone(store))
}

/// What went wrong, as an operator needs it.
fn explain(host: &str, error: &std::io::Error) -> String {
    let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    else {
        return format!("the connection broke during the TLS handshake: {error}");
    };
    let rustls::Error::InvalidCertificate(problem) = tls else {
        return format!("the TLS handshake failed: {tls}");
    };
    let what = match problem {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("is not for the name {host:?}")
        }
        // A wrong signature: another authority of the same name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "was issued by an authority that is not trusted".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet".to_owned()
        }
        other => format!("was not accepted: {other:?}"),
    };
    format!("the server's certificate {what}")
}

/// `tls-server-end-point` (RFC 5929): the certificate's hash, by the hash of its signature; SHA-256 in
/// place of MD5 and SHA-1. None for signatures without a hash of their own, such as Ed25519.
fn end_point(cert: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(cert).ok()?;
    let algorithm = &parsed.signature_algorithm;
    let hash = match algorithm.algorithm.to_id_string().as_str() {
        // RSASSA-PSS names its hash in the parameters.
        "1.2.840.113549.1.1.10" => {
            let x509_parser::signature_algorithm::SignatureAlgorithm::RSASSA_PSS(params) =
                x509_parser::signature_algorithm::SignatureAlgorithm::try_from(algorithm).ok()?
            else {
                return None;
            };
            match params.hash_algorithm_oid().to_id_string().as_str() {
                "2.16.840.1.101.3.4.2.2" => 384,
                "2.16.840.1.101.3.4.2.3" => 512,
                _ => 256,
            }
        }
        // MD5, SHA-1 and SHA-256 with RSA; SHA-1 and SHA-256 with ECDSA; SHA-1 and SHA-256 with DSA.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2"
        | "1.2.840.10040.4.3"
        | "2.16.840.1.101.3.4.3.2" => 256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => 384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => 512,
        _ => return None,
    };
    Some(match hash {
        256 => Sha256::digest(cert).to_vec(),
        384 => Sha384::digest(cert).to_vec(),
        _ => Sha512::digest(cert).to_vec(),
    })
}
