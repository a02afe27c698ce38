//! TLS by what an object gives: whom it believes, and as whom it shows itself. Everything is PEM.
//!
//! One place makes the settings of all connections, whatever protocol they carry.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::private_key::private_key;

/// What differs from the system's ways. Two equal ones may share connections.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Tls {
    /// The only authorities that are believed; those of the system where there are none.
    authority: Option<Vec<u8>>,
    /// A certificate with its chain, and its private key.
    identity: Option<(Vec<u8>, Vec<u8>)>,
    /// What protects that key.
    password: Option<Vec<u8>>,
    /// Whether any server is believed that holds the key of whatever certificate it shows.
    believes_any: bool,
}

/// Who says which servers are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Roots {
    /// The system.
    System,
    /// Nobody: an empty image has no authorities.
    None,
    /// The object, by an authority of its own.
    Given,
}

/// What is wrong with the PEM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// There is no certificate of an authority in it.
    Authority,
    /// There is no certificate in it.
    Certificate,
    /// There is no private key in it.
    Key,
    /// A password protects the key, and none is given.
    Locked,
    /// The password is not that of the key.
    Password,
    /// How the password protects the key is not known, or takes too long.
    Protection,
    /// Certificate and key are not of one pair.
    Pair,
}

impl Tls {
    /// Believes nobody but the authorities in `pem`.
    pub(crate) fn trusting(mut self, pem: &[u8]) -> Self {
        self.authority = Some(pem.to_owned());
        self
    }

    /// Shows the certificate, which `key` belongs to.
    pub(crate) fn known_as(mut self, certificate: &[u8], key: &[u8]) -> Self {
        self.identity = Some((certificate.to_owned(), key.to_owned()));
        self
    }

    /// Opens the key of its certificate by `password`, where one protects it.
    pub(crate) fn unlocked_by(mut self, password: &[u8]) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Believes any server.
    pub(crate) fn believing_any(mut self, any: bool) -> Self {
        self.believes_any = any;
        self
    }

    /// Who says which servers are trusted.
    pub(crate) fn roots(&self) -> Roots {
        match &self.authority {
            Some(_) => Roots::Given,
            None if system_roots().is_empty() => Roots::None,
            None => Roots::System,
        }
    }

    /// The settings of connections, for protocols of these names (ALPN).
    ///
    /// # Errors
    /// What is wrong with the PEM.
    pub(crate) fn config(&self, protocols: &[&str]) -> Result<ClientConfig, Unusable> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder
            .with_safe_default_protocol_versions()
            .unwrap_or_else(|error| unreachable!("the library's own versions fit its own ciphers: {error}"));
        let builder = if self.believes_any {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer { provider }))
        } else {
            builder.with_root_certificates(self.root_store()?)
        };
        let mut config = match &self.identity {
            Some((certificate, key)) => {
                let key = private_key(key, self.password.as_deref())?;
                let certificates = certificates(certificate).ok_or(Unusable::Certificate)?;
                builder.with_client_auth_cert(certificates, key).map_err(|_| Unusable::Pair)?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(config)
    }

    fn root_store(&self) -> Result<Arc<RootCertStore>, Unusable> {
        let Some(pem) = &self.authority else { return Ok(system_roots()) };
        let mut roots = RootCertStore::empty();
        let (good, _) = roots.add_parsable_certificates(certificates(pem).ok_or(Unusable::Authority)?);
        if good == 0 { Err(Unusable::Authority) } else { Ok(Arc::new(roots)) }
    }
}

/// The authorities that the system believes, or those of `SSL_CERT_FILE`. Read once.
fn system_roots() -> Arc<RootCertStore> {
    static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            tracing::warn!(
                "no certificate authorities found, TLS to metric sources will fail; set SSL_CERT_FILE"
            );
        }
        Arc::new(roots)
    };
    Arc::clone(SYSTEM.get_or_init(read))
}

/// The certificates in `pem`; `None` where there is none, or one that is broken.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    read.ok().filter(|certificates| !certificates.is_empty())
}

/// Shows what there is, and never a key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("authority", &self.authority.is_some())
            .field("identity", &self.identity.is_some())
            .field("believes_any", &self.believes_any)
            .finish()
    }
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

#[cfg(test)]
mod tests {
    use testbed::certificates::Authority;

    use super::*;

    #[test]
    fn only_pem_of_the_right_kind_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path(), "ours").unwrap();
        let read = |path: &std::path::Path| std::fs::read(path).unwrap();
        let certificate = read(&authority.files().certificate);
        let key = read(&authority.files().key);
        let config = |tls: Tls| tls.config(&["h2"]).map(|config| config.alpn_protocols);
        let twice = [certificate.clone(), certificate.clone()].concat();
        for good in [&certificate, &twice] {
            assert_eq!(config(Tls::default().trusting(good)), Ok(vec![b"h2".to_vec()]));
        }
        let cut = &certificate[..certificate.len() / 2];
        for wrong in [&b""[..], b"text", &key, cut] {
            assert_eq!(config(Tls::default().trusting(wrong)), Err(Unusable::Authority));
            assert_eq!(config(Tls::default().known_as(wrong, &key)), Err(Unusable::Certificate));
        }
        for wrong in [&b""[..], b"text", &certificate] {
            assert_eq!(config(Tls::default().known_as(&certificate, wrong)), Err(Unusable::Key));
        }
        let other = Authority::new(folder.path(), "other").unwrap();
        let pair = Tls::default().known_as(&certificate, &read(&other.files().key));
        assert_eq!(config(pair), Err(Unusable::Pair));
        let tls = Tls::default().trusting(&certificate).known_as(&certificate, &key);
        assert_eq!(format!("{tls:?}"), "Tls { authority: true, identity: true, believes_any: false }");
        assert!(tls.config(&[]).is_ok());
        assert_eq!(tls.roots(), Roots::Given);
    }
}
