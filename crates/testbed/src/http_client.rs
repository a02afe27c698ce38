//! The HTTP client of tests and the demo. reqwest finds no TLS library by itself and panics
//! where nobody has chosen one yet, which in a test depends on what ran before it: so clippy lets
//! nobody else make a client.

use reqwest::ClientBuilder;

/// A client that asks the address it was given and no proxy on the way.
#[expect(clippy::disallowed_methods, reason = "the TLS library is chosen right before")]
pub fn http_client() -> ClientBuilder {
    choose_tls();
    ClientBuilder::new().no_proxy()
}

/// Has all TLS of this process done by ring, unless it has chosen already.
pub fn choose_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
