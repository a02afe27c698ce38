//! Google's error answers in a few words. Only what has the form of Google's errors is
//! repeated, cut short and without the credential that was sent: the endpoint may be anybody's.

use reqwest::StatusCode;
use serde_json::Value;

use crate::net::http_client::Body;

/// Longest part of a message that is repeated, in characters.
const MAX_SHOWN: usize = 200;

/// What an answer that is no success says. `sent` is the credential of the request.
pub(crate) fn explained(status: StatusCode, body: &Body, sent: &str) -> String {
    let status = format!("it answered with status {}", status.as_u16());
    let Ok(document) = serde_json::from_slice::<Value>(&body.text()) else { return status };
    let (name, message) = match &document["error"] {
        Value::Object(error) => (error.get("status"), error.get("message")),
        error @ Value::String(_) => (Some(error), document.get("error_description")),
        _ => return status,
    };
    let name = name.and_then(Value::as_str).filter(|name| is_word(name));
    let message = message.and_then(Value::as_str).filter(|message| !message.is_empty());
    match (name, message.map(|message| shown(message, sent))) {
        (Some(name), Some(message)) => format!("{status}, {name}: {message}"),
        (Some(name), None) => format!("{status}, {name}"),
        (None, Some(message)) => format!("{status}: {message}"),
        (None, None) => status,
    }
}

/// Whether this is a code such as `PERMISSION_DENIED` or `invalid_grant`.
fn is_word(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}

fn shown(message: &str, sent: &str) -> String {
    let message = if sent.is_empty() { message.to_owned() } else { message.replace(sent, "…") };
    let mark = if message.chars().nth(MAX_SHOWN).is_some() { "…" } else { "" };
    let cut: String = message.chars().take(MAX_SHOWN).chain(mark.chars()).collect();
    format!("{cut:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained_of(body: &str) -> String {
        explained(StatusCode::FORBIDDEN, &Body::of("application/json", body), "s3cret")
    }

    #[test]
    fn both_forms_of_errors_are_reported() {
        for (body, expected) in [
            (
                r#"{"error": {"code": 403, "message": "no right", "status": "PERMISSION_DENIED"}}"#,
                r#"it answered with status 403, PERMISSION_DENIED: "no right""#,
            ),
            (
                r#"{"error": {"status": "PERMISSION_DENIED"}}"#,
                "it answered with status 403, PERMISSION_DENIED",
            ),
            (r#"{"error": {"message": "no\nright"}}"#, r#"it answered with status 403: "no\nright""#),
            (
                r#"{"error": "invalid_grant", "error_description": "bad signature"}"#,
                r#"it answered with status 403, invalid_grant: "bad signature""#,
            ),
            (r#"{"error": {"status": "a b"}}"#, "it answered with status 403"),
            (r#"{"error": 7}"#, "it answered with status 403"),
            ("<html>", "it answered with status 403"),
            ("", "it answered with status 403"),
            (
                r#"{"error": {"message": "you sent Bearer s3cret."}}"#,
                r#"it answered with status 403: "you sent Bearer ….""#,
            ),
        ] {
            assert_eq!(explained_of(body), expected, "{body}");
        }
    }

    #[test]
    fn a_long_message_is_cut() {
        let explained = explained_of(&format!(r#"{{"error": {{"message": "{}"}}}}"#, "ä".repeat(10_000)));
        assert!(explained.chars().count() < 250 && explained.ends_with("ä…\""), "{explained}");
    }
}
