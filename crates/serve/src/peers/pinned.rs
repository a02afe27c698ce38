//! TLS between replicas: each shows the certificate that they share, and trusts it alone.
//!
//! Names and authorities do not count, as a replica is called by its address. That the other side has the key is
//! what TLS itself proves.

use std::fmt;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
};

use crate::certificates::CertificateSlot;

/// TLS 1.2 and 1.3, HTTP/1.1, for a listener that only other replicas may call.
pub(super) fn server_config(slot: Arc<CertificateSlot>) -> Arc<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let pinned = Pinned::new(Arc::clone(&slot), Arc::clone(&provider));
    let versions = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|error| unreachable!("ring has these versions: {error}"));
    let mut config = versions.with_client_cert_verifier(pinned).with_cert_resolver(slot);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// What a replica calls another by.
pub(super) fn client_config(slot: Arc<CertificateSlot>) -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let pinned = Pinned::new(Arc::clone(&slot), Arc::clone(&provider));
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|error| unreachable!("ring has these versions: {error}"));
    let mut config =
        versions.dangerous().with_custom_certificate_verifier(pinned).with_client_cert_resolver(slot);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// Trusts the certificate in the slot, whatever that is at the time.
struct Pinned {
    slot: Arc<CertificateSlot>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn new(slot: Arc<CertificateSlot>, provider: Arc<CryptoProvider>) -> Arc<Self> {
        Arc::new(Self { slot, provider })
    }

    fn judge(&self, shown: &CertificateDer<'_>) -> Result<(), Error> {
        let ours = self.slot.get();
        let is_ours = ours.and_then(|ours| ours.cert.first().map(|ours| ours == shown)).unwrap_or(false);
        is_ours
            .then_some(())
            .ok_or(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.judge(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ResolvesClientCert for CertificateSlot {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.get()
    }

    fn has_certs(&self) -> bool {
        self.get().is_some()
    }
}
