//! The signed statement that a service account's key is exchanged with: a JSON Web Token with
//! RS256, good for one hour and for one token endpoint.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use engine::Time;
use reqwest::Url;
use serde_json::{Value, json};

use super::SCOPE;
use super::key::ServiceAccountKey;

/// Longest life that Google allows.
const LIFE_SECONDS: i64 = 3600;

/// Our clock may be a little ahead of Google's, and nothing may be signed in the future.
const SKEW_SECONDS: i64 = 10;

/// The form by which `key` is exchanged at `now`, or what is wrong with the key.
pub(super) fn form(key: &ServiceAccountKey, now: Time) -> Result<String, String> {
    let assertion = signed(key, now)?;
    let mut form = Url::parse("form:").map_err(|error| error.to_string())?;
    form.query_pairs_mut()
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", &assertion);
    Ok(form.query().unwrap_or_default().to_owned())
}

fn signed(key: &ServiceAccountKey, now: Time) -> Result<String, String> {
    let mut header = json!({ "alg": "RS256", "typ": "JWT" });
    if let Some(id) = &key.key_id {
        header["kid"] = json!(id);
    }
    let issued = now.as_millis() / 1000 - SKEW_SECONDS;
    let claims = json!({
        "iss": key.account,
        "scope": SCOPE,
        "aud": key.token_uri,
        "iat": issued,
        "exp": issued + LIFE_SECONDS,
    });
    let message = format!("{}.{}", encoded(&header), encoded(&claims));
    let signature = key.signer().and_then(|signer| signer.sign(message.as_bytes()).ok());
    let signature = signature.ok_or("has a \"private_key\" that cannot sign")?;
    Ok(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
}

fn encoded(part: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part.to_string())
}
