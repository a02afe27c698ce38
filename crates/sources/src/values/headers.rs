//! Request headers: from a secret, every key of which is a name and its value the header's
//! value, and from settings that are no secret.

use engine::{Absence, Fault, Holder};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::credentials::{Credentials, unusable};
use crate::values::fault::{invalid, quoted, wrong_type};

/// Headers whose values are secrets.
const CREDENTIALS: &[&str] = &["authorization", "cookie", "proxy-authorization"];

/// Headers that frame a message. With one of them a secret could smuggle a second
/// request into a connection that other objects share.
const FRAMING: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header frames a message, and so must not be set.
pub(crate) fn is_framing(name: &HeaderName) -> bool {
    FRAMING.contains(&name.as_str())
}

/// The headers that `secret` holds, or why it cannot be used (naming the key, never the value).
pub(crate) fn from_secret(secret: &Holder, credentials: &Credentials) -> Result<HeaderMap, Absence> {
    let refuse = |what: String| unusable(secret, what);
    let mut headers = HeaderMap::new();
    for (key, value) in credentials.all(secret)? {
        let name = HeaderName::from_bytes(key.as_bytes())
            .map_err(|_| refuse(format!("its key {key:?} is not the name of a header")))?;
        if is_framing(&name) {
            return Err(refuse(format!("its key {key:?} names a header that must not be set")));
        }
        let mut value = HeaderValue::from_bytes(without_line_end(value))
            .map_err(|_| refuse(format!("the value of its key {key:?} cannot be sent as a header")))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// A header that is no secret, or what is wrong with it.
pub(crate) fn plain(name: &str, value: &Value) -> Result<(HeaderName, HeaderValue), Fault> {
    let not_a_name = |_| invalid(quoted(name), "must be the name of a header");
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(not_a_name)?;
    if is_framing(&header) {
        return Err(Fault::forbidden("this header frames the request and must not be set"));
    }
    if CREDENTIALS.contains(&header.as_str()) {
        let why = "its value is confidential: put it into a secret and name that in headersFrom";
        return Err(Fault::forbidden(why));
    }
    let Value::String(text) = value else { return Err(wrong_type(value, "a string")) };
    let value =
        HeaderValue::from_str(text).map_err(|_| invalid(quoted(text), "must be the value of a header"))?;
    Ok((header, value))
}

/// Secrets are often made from files, which end with a line break.
fn without_line_end(value: &[u8]) -> &[u8] {
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    value.strip_suffix(b"\r").unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use engine::AbsenceReason;

    use super::*;

    fn token() -> Holder {
        Holder::Secret { namespace: "shop".to_owned(), name: "token".to_owned() }
    }

    fn headers(key: &str, value: &[u8]) -> Result<HeaderMap, String> {
        let mut credentials = Credentials::default();
        credentials.insert(token(), [(key.to_owned(), value.to_vec())].into());
        from_secret(&token(), &credentials).map_err(|absence| {
            assert_eq!(absence.reason, AbsenceReason::SecretUnavailable);
            absence.message
        })
    }

    #[test]
    fn every_key_becomes_a_header() {
        for value in ["Bearer abc", "Bearer abc\n", "Bearer abc\r\n"] {
            let headers = headers("Authorization", value.as_bytes()).unwrap();
            assert_eq!(headers["authorization"], "Bearer abc");
            assert!(!format!("{headers:?}").contains("abc"));
        }
    }

    #[test]
    fn what_cannot_be_sent_is_named_without_its_value() {
        for (key, value) in [
            ("no header", "hidden"),
            ("", "hidden"),
            ("x-token", "hidden\nx-other: 1"),
            ("x-token", "hid\0den"),
            ("Transfer-Encoding", "hidden"),
            ("content-length", "3"),
        ] {
            let message = headers(key, value.as_bytes()).unwrap_err();
            assert!(message.starts_with("secret shop/token: "), "{message}");
            assert!(message.contains(&format!("{key:?}")) && !message.contains("hid"), "{message}");
        }
    }

    #[test]
    fn a_secret_that_was_not_read_is_an_absence() {
        let absence = from_secret(&token(), &Credentials::default()).unwrap_err();
        assert_eq!(absence.reason, AbsenceReason::SecretUnavailable);
    }
}
