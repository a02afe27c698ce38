//! Certificate files as the TLS library takes them, and whether they will do.

use std::sync::Arc;
use std::time::Duration;

use engine::Time;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;

use super::{AUTHORITY, CERTIFICATE, CertificateFiles, KEY};

/// A certificate with its key, ready to be shown.
pub(super) struct Pair {
    pub(super) key: Arc<CertifiedKey>,
    authorities: Vec<CertificateDer<'static>>,
}

impl Pair {
    /// Reads the files.
    ///
    /// # Errors
    /// Which file is broken, or that they do not belong together. Nothing of a key is reported.
    pub(super) fn of(files: &CertificateFiles) -> Result<Self, String> {
        let chain = certificates(CERTIFICATE, &files.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&files.key)
            .map_err(|_| format!("{KEY} does not contain a private key in PEM format"))?;
        let authorities = match &files.authority {
            Some(authority) => certificates(AUTHORITY, authority)?,
            None => Vec::new(),
        };
        let key =
            CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => format!("{KEY} does not belong to {CERTIFICATE}"),
                rustls::Error::InvalidCertificate(_) => {
                    format!("{CERTIFICATE} is not a server certificate")
                }
                _ => format!("{KEY} has an unsupported key type; use RSA, ECDSA or Ed25519"),
            })?;
        Ok(Self { key: Arc::new(key), authorities })
    }

    /// Whether whoever trusts the authority takes the certificate for each of `names` at that time.
    pub(super) fn holds(&self, names: &[String], at: Time) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.authorities.iter().cloned());
        let provider = Arc::new(ring::default_provider());
        let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()
        else {
            return false;
        };
        let Some((certificate, chain)) = self.key.cert.split_first() else { return false };
        let millis = u64::try_from(at.as_millis()).unwrap_or_default();
        let at = UnixTime::since_unix_epoch(Duration::from_millis(millis));
        names.iter().all(|name| {
            ServerName::try_from(name.as_str())
                .is_ok_and(|name| verifier.verify_server_cert(certificate, chain, &name, &[], at).is_ok())
        })
    }
}

/// Whether a certificate can be for this name.
pub(super) fn is_name(name: &str) -> bool {
    ServerName::try_from(name).is_ok()
}

fn certificates(file: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(format!("{file} does not contain a certificate in PEM format")),
    }
}
