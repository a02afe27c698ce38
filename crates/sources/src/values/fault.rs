//! How faults of settings are worded: what was given, cut short, and what it must be.

use std::fmt::Display;

use engine::{Fault, FaultKind};
use serde_json::Value;

/// That `value` is not allowed, because of `why`.
pub(crate) fn invalid(value: impl Display, why: impl Display) -> Fault {
    Fault::invalid_value(value, why)
}

/// Longest part of a text that messages repeat, in characters.
const MAX_QUOTED: usize = 80;

/// A text in quotes, its end cut off where it is long.
pub(crate) fn quoted(text: &str) -> String {
    let mark = if text.chars().nth(MAX_QUOTED).is_some() { "…" } else { "" };
    format!("{:?}", text.chars().take(MAX_QUOTED).chain(mark.chars()).collect::<String>())
}

/// That `value` is of another type than `wanted`.
pub(crate) fn wrong_type(value: &Value, wanted: &str) -> Fault {
    Fault::new(FaultKind::WrongType, format!("{}: must be {wanted}", type_name(value)))
}

/// What a JSON value is, for people.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
