//! Finds the one number that a path means in a JSON answer.
//!
//! Everything that is not exactly one finite number is an absence of its own, and no
//! message repeats what the answer says: it may hold what its reader must not see.

use engine::{Absence, AbsenceReason};
use serde_json::Value;

use crate::net::http_client::Body;
use crate::values::fault::type_name;
use crate::values::json_path::JsonPath;

/// The number at `path` (spelled `spelling`) in `body`.
pub(crate) fn extract(body: &Body, path: &JsonPath, spelling: &str) -> Result<f64, Absence> {
    let document: Value = serde_json::from_slice(&body.text()).map_err(|error| not_json(body, &error))?;
    let found = path.select(&document).map_err(|_| {
        let message =
            format!("looking for {spelling} in the response takes too many steps; use a simpler path");
        Absence { reason: AbsenceReason::TooLarge, message }
    })?;
    let (reason, message) = match found.as_slice() {
        [Value::Number(number)] => match number.as_f64().filter(|number| number.is_finite()) {
            Some(number) => return Ok(number),
            None => (AbsenceReason::NotFinite, format!("the number at {spelling} is not finite")),
        },
        [other] => {
            let kind = type_name(other);
            (AbsenceReason::NotANumber, format!("the value at {spelling} is {kind}, not a number"))
        }
        [] => {
            let outline = outline(&document);
            (AbsenceReason::ValueMissing, format!("the response has nothing at {spelling}; it is {outline}"))
        }
        several => {
            let count = several.len();
            (AbsenceReason::ValueAmbiguous, format!("the response has {count} values at {spelling}, not one"))
        }
    };
    Err(Absence { reason, message })
}

/// That the answer cannot be parsed at all.
pub(crate) fn not_json(body: &Body, error: &serde_json::Error) -> Absence {
    let text = body.text();
    if ends_in_large_number(&text, error) {
        let message = "the response contains a number that exceeds a 64-bit float".into();
        return Absence { reason: AbsenceReason::NotFinite, message };
    }
    let content_type = body.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    let start = text.first();
    let message = if start.is_none() {
        "the response is empty".to_owned()
    } else if content_type.starts_with("text/html") || start == Some(&b'<') {
        "the response is HTML or XML, not JSON".to_owned()
    } else {
        format!("the response is not JSON: {error}")
    };
    Absence { reason: AbsenceReason::Malformed, message }
}

/// Whether the parser stopped at a number that is well written and larger than it can hold. It has no other way to
/// distinguish this from a number that is not well written.
fn ends_in_large_number(text: &[u8], error: &serde_json::Error) -> bool {
    let Some(line) = text.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)) else {
        return false;
    };
    let of_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    let stopped = error.column().min(line.len());
    let begin = line[..stopped].iter().rposition(|byte| !of_number(byte)).map_or(0, |place| place + 1);
    let end =
        line[stopped..].iter().position(|byte| !of_number(byte)).map_or(line.len(), |more| stopped + more);
    let number = std::str::from_utf8(&line[begin..end]).ok().and_then(|text| text.parse::<f64>().ok());
    number.is_some_and(f64::is_infinite)
}

/// Names shown of an object's members, and characters of each.
const MAX_NAMES: usize = 5;
const MAX_NAME_LENGTH: usize = 40;

/// What a document is, in a few words that help to correct a path.
pub(crate) fn outline(document: &Value) -> String {
    let Value::Object(members) = document else {
        return match document {
            Value::Array(items) => format!("a list of {}", items.len()),
            other => type_name(other).to_owned(),
        };
    };
    if members.is_empty() {
        return "an empty object".into();
    }
    let shown = |name: &String| {
        let cut: String = name.chars().take(MAX_NAME_LENGTH).collect();
        let mark = if cut.len() < name.len() { "…" } else { "" };
        format!("{}{mark}", cut.escape_debug())
    };
    let names: Vec<_> = members.keys().take(MAX_NAMES).map(shown).collect();
    let more = if members.len() > MAX_NAMES { " and more" } else { "" };
    format!("an object with {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests;
