//! The TLS of a test's own server. Shared by the tests of several sources.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use testbed::certificates::KeyFiles;
use tokio_rustls::TlsAcceptor;

/// Accepts clients with the certificate in `files`, and offers them `protocols` to speak.
pub(crate) fn acceptor(files: &KeyFiles, protocols: &[&str]) -> TlsAcceptor {
    let certificates = CertificateDer::pem_file_iter(&files.certificate).unwrap();
    let certificates = certificates.collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.unwrap().with_no_client_auth().with_single_cert(certificates, key).unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}
