//! A service account's key as Google's console hands it out: JSON with a private RSA key.

use std::net::IpAddr;
use std::sync::Arc;

use reqwest::Url;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{Signer, SigningKey};
use serde_json::Value;

use crate::values::text;

/// Where keys are exchanged that do not say it themselves.
const DEFAULT_TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// The key, found good. It has no `Debug`, so it cannot be printed by mistake.
pub(super) struct ServiceAccountKey {
    /// The account, an e-mail address.
    pub(super) account: String,
    /// By which the account's public keys are distinguished.
    pub(super) key_id: Option<String>,
    /// Where the key is exchanged for tokens, as the key spells it: the assertion must repeat that.
    pub(super) token_uri: String,
    /// The same as an address.
    pub(super) token_url: Url,
    private_key: Arc<dyn SigningKey>,
}

impl ServiceAccountKey {
    /// Reads the JSON, or says what is wrong with it without repeating any of it.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        let document: Value =
            serde_json::from_slice(&text::decoded(json, None)).map_err(|_| "is not JSON".to_owned())?;
        let text_of = |name: &str| document[name].as_str().filter(|text| !text.is_empty());
        if text_of("type") != Some("service_account") {
            return Err("is not the key of a service account, whose \"type\" is \"service_account\"".into());
        }
        let required = |name: &str| text_of(name).ok_or_else(|| format!("has no {name:?}"));
        let account = required("client_email")?.to_owned();
        let private_key = rsa_key(required("private_key")?)?;
        let token_uri = text_of("token_uri").unwrap_or(DEFAULT_TOKEN_URI).to_owned();
        let token_url = token_url(&token_uri)?;
        let key_id = text_of("private_key_id").map(str::to_owned);
        Ok(Self { account, key_id, token_uri, token_url, private_key })
    }

    /// What signs with RS256.
    pub(super) fn signer(&self) -> Option<Box<dyn Signer>> {
        self.private_key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
    }
}

fn rsa_key(pem: &str) -> Result<Arc<dyn SigningKey>, String> {
    // The library's errors are not repeated: they may hold parts of the key.
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes());
    let der = der.map_err(|_| "has a \"private_key\" that is not PEM".to_owned())?;
    let key = any_supported_type(&der).ok();
    let key = key.filter(|key| key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).is_some());
    key.ok_or_else(|| "has a \"private_key\" that is not an RSA key of 2048 to 4096 bits".to_owned())
}

/// Whoever writes the key makes us send a POST there. Plain http, which services within the
/// cluster speak, is therefore taken for loopback only.
fn token_url(text: &str) -> Result<Url, String> {
    let refuse = || Err("has a \"token_uri\" that is not an https URL without user and query".to_owned());
    let Ok(url) = Url::parse(text) else { return refuse() };
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    match url.scheme() {
        "https" if bare => Ok(url),
        "http" if bare && is_loopback(&url) => Ok(url),
        _ => refuse(),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_fetched_from_https_or_loopback() {
        for good in [
            DEFAULT_TOKEN_URI,
            "https://a:8443/x",
            "http://127.0.0.1:80/t",
            "http://[::1]/",
            "http://localhost:1/",
        ] {
            assert!(token_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://oauth2.googleapis.com/token",
            "http://10.0.0.1/",
            "http://localhost.evil/",
            "https://user:s3cret@a/",
            "https://a/?x=s3cret",
            "ftp://a/",
            "token",
        ] {
            let error = token_url(bad).unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
