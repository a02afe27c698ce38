//! The serving certificate of every listener that speaks TLS: where it is kept, when it is made,
//! and how a changed one takes effect without a restart.
//!
//! ```text
//!  Vault (a folder, or a Secret through another crate) ◀── made, renewed ── Keeper ──▶ Slot ──▶ TLS
//!  Callers (who must trust it, by which names)         ◀── authority ──────┘
//! ```
//!
//! Apart from the listeners, as several share one certificate. The keeper knows neither the API
//! server nor what is served: both stand behind traits that the binary joins to it.

mod folder;
mod keeper;
mod made;
mod pair;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use futures::future::BoxFuture;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

pub use folder::{CertificateFolder, FolderError};
pub use keeper::CertificateKeeper;

/// Names of the files, those of a `kubernetes.io/tls` Secret and of what cert-manager writes.
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const AUTHORITY: &str = "ca.crt";

/// Certificate and key as PEM, and the authority to trust for them where it is known.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authority: Option<Vec<u8>>,
}

impl CertificateFiles {
    /// Takes them out of the data of a Secret.
    ///
    /// # Errors
    /// Which one is missing.
    pub fn of_data(mut data: BTreeMap<String, Vec<u8>>) -> Result<Self, String> {
        let authority = data.remove(AUTHORITY).filter(|pem| !pem.is_empty());
        let mut needed = |name: &str| data.remove(name).ok_or_else(|| format!("{name} is missing"));
        Ok(Self { certificate: needed(CERTIFICATE)?, key: needed(KEY)?, authority })
    }

    /// As the data of a Secret.
    pub fn into_data(self) -> BTreeMap<String, Vec<u8>> {
        let named =
            [(CERTIFICATE, Some(self.certificate)), (KEY, Some(self.key)), (AUTHORITY, self.authority)];
        named.into_iter().filter_map(|(name, pem)| Some((name.to_owned(), pem?))).collect()
    }
}

/// Says nothing of the key.
impl fmt::Debug for CertificateFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateFiles").finish_non_exhaustive()
    }
}

/// What a vault holds.
#[derive(Debug)]
pub struct Kept {
    /// The files.
    pub files: CertificateFiles,
    /// The state that a write must rest on, where the vault has such a thing.
    pub version: Option<String>,
}

/// Where certificate files are kept.
pub trait CertificateVault: Send + Sync {
    /// What it is, for people: `Secret system/name`.
    fn name(&self) -> String;

    /// What it holds; `None` where it is empty. An error is a sentence.
    fn read(&self) -> BoxFuture<'_, Result<Option<Kept>, String>>;

    /// Keeps `files` in place of what had `version`. Refuses where someone was quicker.
    fn write(&self, files: CertificateFiles, version: Option<String>) -> BoxFuture<'_, Result<(), String>>;
}

/// Who calls the listeners that show the certificate.
pub trait CertificateCallers: Send + Sync {
    /// The host names and IP addresses that they call by. An error is a sentence.
    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, String>>;

    /// Has them trust the authority, given as PEM. Called again and again; must write only what differs.
    fn trust<'a>(&'a self, authority: &'a [u8]) -> BoxFuture<'a, Result<(), String>>;
}

/// The certificate that is shown to whoever connects next. Empty at first: then the handshake fails.
#[derive(Default)]
pub struct CertificateSlot(RwLock<Option<Arc<CertifiedKey>>>);

impl CertificateSlot {
    fn set(&self, key: Arc<CertifiedKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    pub(crate) fn get(&self) -> Option<Arc<CertifiedKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for CertificateSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CertificateSlot").field(&self.get().is_some()).finish()
    }
}

impl ResolvesServerCert for CertificateSlot {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.get()
    }
}
