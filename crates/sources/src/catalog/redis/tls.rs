//! TLS by the secrets of an object: whom it believes, and as whom it shows itself.

use std::sync::{Arc, OnceLock};

use engine::AbsenceReason;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::access::TlsMaterial;
use super::failure::Failure;

/// The settings of one connection.
pub(super) fn client_config(material: &TlsMaterial) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::connection(AbsenceReason::ConnectionFailed, format!("TLS: {error}")))?;
    let builder = if material.skip_verify {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer { provider }))
    } else {
        builder.with_root_certificates(roots(material)?)
    };
    match (&material.certificate, &material.key) {
        (Some(certificate), Some(key)) => {
            let key =
                PrivateKeyDer::from_pem_slice(key).map_err(|_| unusable("keyFrom holds no private key"))?;
            let certificates = certificates(certificate, "certFrom")?;
            let config = builder.with_client_auth_cert(certificates, key);
            config.map_err(|_| unusable("certificate and key of certFrom and keyFrom do not fit together"))
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn roots(material: &TlsMaterial) -> Result<Arc<RootCertStore>, Failure> {
    let Some(ca) = &material.ca else { return Ok(system_roots()) };
    let mut roots = RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(certificates(ca, "caFrom")?);
    if good == 0 { Err(unusable("caFrom holds no certificate of an authority")) } else { Ok(Arc::new(roots)) }
}

/// The authorities that the system believes, or those of `SSL_CERT_FILE`. Read once.
fn system_roots() -> Arc<RootCertStore> {
    static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    };
    Arc::clone(SYSTEM.get_or_init(read))
}

fn certificates(pem: &[u8], field: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(unusable(&format!("{field} holds no certificate in PEM"))),
    }
}

fn unusable(what: &str) -> Failure {
    Failure::data(AbsenceReason::SecretUnavailable, format!("TLS: the secret of tls.{what}"))
}

/// Believes any server that holds the key of whatever certificate it shows: `insecureSkipVerify`.
#[derive(Debug)]
struct AnyServer {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
