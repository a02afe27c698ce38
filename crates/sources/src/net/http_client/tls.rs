//! TLS of one object's own: an authority that it trusts, a certificate by which it is known.

use std::fmt;

use reqwest::{Certificate, ClientBuilder, Identity};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What differs from the system's ways. Two equal ones share connections.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Tls {
    /// PEM of the only authorities that are trusted; those of the system where there is none.
    authority: Option<Vec<u8>>,
    /// PEM of a private key and a certificate with its chain.
    identity: Option<Vec<u8>>,
}

impl Tls {
    /// Trusts nobody but the authorities in `pem`. The error says what it is not.
    pub(crate) fn trusting(mut self, pem: &[u8]) -> Result<Self, &'static str> {
        has_certificates(pem)?;
        self.authority = Some(pem.to_owned());
        Ok(self)
    }

    /// Shows the certificate, which `key` belongs to. Both must have been looked at by
    /// [`has_certificates`] and [`has_key`].
    pub(crate) fn known_as(mut self, certificate: &[u8], key: &[u8]) -> Self {
        self.identity = Some([key, b"\n", certificate].concat());
        self
    }

    /// Whether the system's authorities are not asked.
    pub(super) fn has_authority(&self) -> bool {
        self.authority.is_some()
    }

    pub(super) fn apply(&self, mut builder: ClientBuilder) -> reqwest::Result<ClientBuilder> {
        if let Some(pem) = &self.authority {
            builder = builder.tls_certs_only(Certificate::from_pem_bundle(pem)?);
        }
        if let Some(pem) = &self.identity {
            builder = builder.identity(Identity::from_pem(pem)?);
        }
        Ok(builder)
    }
}

/// Whether there are certificates in `pem`, and nothing broken among them.
pub(crate) fn has_certificates(pem: &[u8]) -> Result<(), &'static str> {
    let mut certificates = CertificateDer::pem_slice_iter(pem).peekable();
    let is_good = certificates.peek().is_some() && certificates.all(|certificate| certificate.is_ok());
    if is_good { Ok(()) } else { Err("is no certificate in PEM") }
}

/// Whether there is a private key in `pem`.
pub(crate) fn has_key(pem: &[u8]) -> Result<(), &'static str> {
    PrivateKeyDer::from_pem_slice(pem).map(drop).map_err(|_| "is no private key in PEM")
}

/// Shows what there is, and never a key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("authority", &self.authority.is_some())
            .field("identity", &self.identity.is_some())
            .finish()
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
        assert_eq!((has_certificates(&certificate), has_key(&key)), (Ok(()), Ok(())));
        assert_eq!(has_certificates(&[certificate.clone(), certificate.clone()].concat()), Ok(()));
        let cut = &certificate[..certificate.len() / 2];
        for wrong in [&b""[..], b"text", &key, cut] {
            assert_eq!(has_certificates(wrong), Err("is no certificate in PEM"));
        }
        for wrong in [&b""[..], b"text", &certificate] {
            assert_eq!(has_key(wrong), Err("is no private key in PEM"));
        }
        let tls = Tls::default().trusting(&certificate).unwrap().known_as(&certificate, &key);
        assert_eq!(format!("{tls:?}"), "Tls { authority: true, identity: true }");
        assert!(tls.apply(testbed::http_client()).and_then(ClientBuilder::build).is_ok());
    }
}
