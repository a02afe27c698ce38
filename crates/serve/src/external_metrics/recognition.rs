//! Whether whoever has shown a certificate is the front proxy, as that is known at present.
//!
//! A signature takes a good part of a millisecond to verify, and the API server asks over the same few connections all the
//! time. So a certificate that was verified counts as such for a moment; one that was refused is verified each time.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use tokio::time::Instant;

use super::callers::FrontProxy;
use super::common_name::common_name;
use crate::tls::PeerCertificates;

/// How long a certificate counts as verified, in seconds. It must be valid for as long; near its end it is verified each
/// time.
const VALID: u64 = 10;
/// More are never kept. Each replica of the API server has one.
const MOST: usize = 16;

/// How the front proxy is known. With another authority or other names it is made anew, so that nothing counts which was
/// verified by the former ones.
pub(super) struct Known {
    pub(super) proxy: FrontProxy,
    verifier: Arc<dyn ClientCertVerifier>,
    verified: Mutex<Vec<Verified>>,
}

/// What the front proxy has shown.
struct Verified {
    shown: PeerCertificates,
    /// When, by the clock that nobody sets.
    at: Instant,
    /// The seconds in which it is known to be valid, by the clock that certificates go by.
    during: Range<u64>,
}

impl Known {
    /// What `proxy` says.
    ///
    /// # Errors
    /// A sentence where its authorities cannot be read.
    pub(super) fn new(proxy: FrontProxy) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let authorities = CertificateDer::pem_slice_iter(proxy.authorities.as_bytes()).filter_map(Result::ok);
        roots.add_parsable_certificates(authorities);
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| format!("its authority: {error}"))?;
        Ok(Self { proxy, verifier, verified: Mutex::default() })
    }

    /// Whether `peer` has shown a certificate of the front proxy that is valid at `now`.
    pub(super) fn is_proxy(&self, peer: &PeerCertificates, now: UnixTime) -> bool {
        if self.is_verified(peer, now) {
            return true;
        }
        if !self.verify(peer, now) {
            return false;
        }
        // Who is valid at both ends is so in between.
        let until = now.as_secs().saturating_add(VALID);
        if self.verify(peer, UnixTime::since_unix_epoch(Duration::from_secs(until))) {
            self.keep(Verified { shown: peer.clone(), at: Instant::now(), during: now.as_secs()..until });
        }
        true
    }

    fn is_verified(&self, peer: &PeerCertificates, now: UnixTime) -> bool {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified
            .iter()
            .any(|kept| kept.is_fresh() && kept.during.contains(&now.as_secs()) && kept.shown.0 == peer.0)
    }

    fn keep(&self, news: Verified) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.retain(|kept| kept.is_fresh() && kept.shown.0 != news.shown.0);
        if verified.len() < MOST {
            verified.push(news);
        }
    }

    fn verify(&self, peer: &PeerCertificates, at: UnixTime) -> bool {
        let Some((certificate, chain)) = peer.0.split_first() else { return false };
        if self.verifier.verify_client_cert(certificate, chain, at).is_err() {
            return false;
        }
        let Ok(parsed) = webpki::EndEntityCert::try_from(certificate) else { return false };
        let names = &self.proxy.names;
        names.is_empty() || common_name(parsed.subject()).is_some_and(|name| names.contains(&name))
    }
}

impl Verified {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < Duration::from_secs(VALID)
    }
}

#[cfg(test)]
mod tests;
