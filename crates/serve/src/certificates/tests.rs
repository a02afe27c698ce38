//! Certificates for the tests of the listeners.

use engine::Time;

use super::pair::Pair;
use super::{CertificateFiles, CertificateSlot, made};

pub(crate) fn made(names: &[&str], now: Time) -> CertificateFiles {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    made::make(&names, now).unwrap()
}

/// Shows them to whoever connects next.
pub(crate) fn show(slot: &CertificateSlot, files: &CertificateFiles) {
    slot.set(Pair::of(files).unwrap().key);
}

/// A client that trusts nobody else.
pub(crate) fn client(files: &CertificateFiles) -> reqwest::Client {
    let authority = reqwest::Certificate::from_pem(files.authority.as_ref().unwrap()).unwrap();
    testbed::http_client().tls_certs_only([authority]).build().unwrap()
}

/// Shows nothing any more.
pub(crate) fn hide(slot: &CertificateSlot) {
    *slot.0.write().unwrap() = None;
}
