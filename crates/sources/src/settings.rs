//! Reads a source's settings field by field and collects everything that is wrong.
//!
//! A derived deserializer would stop at the first fault and forget its path; people
//! who fix a manifest want all of them at once. Every source parses through this.

use std::fmt::Display;
use std::ops::RangeInclusive;

use engine::{ConfigPath, Problem};
use serde_json::{Map, Value};

use crate::source::SecretRef;

/// A source's settings while they are being parsed.
pub(crate) struct Settings<'a> {
    fields: Option<&'a Map<String, Value>>,
    path: &'a ConfigPath<'a>,
    known: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl<'a> Settings<'a> {
    pub(crate) fn new(config: &'a Value, path: &'a ConfigPath<'a>) -> Self {
        let mut problems = Vec::new();
        if !config.is_object() && !config.is_null() {
            problems.push(Problem::new(path.config, wrong_type(config, "an object")));
        }
        Self { fields: config.as_object(), path, known: Vec::new(), problems }
    }

    /// Reports what is wrong with the setting `name`.
    pub(crate) fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(self.path.setting(name), message));
    }

    /// A text that must be given and must not be empty.
    pub(crate) fn required_text(&mut self, name: &'static str) -> Option<&'a str> {
        match self.field(name) {
            None => self.refuse(name, "Required value"),
            Some(Value::String(text)) if text.is_empty() => self.refuse(name, "Required value"),
            Some(Value::String(text)) => return Some(text),
            Some(other) => self.refuse(name, wrong_type(other, "a text")),
        }
        None
    }

    /// A whole number within `range`; `default` where it is left out.
    pub(crate) fn whole_number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Option<u64> {
        let Some(value) = self.field(name) else { return Some(default) };
        let number = value.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            let allowed = format!("must be a whole number from {} to {}", range.start(), range.end());
            let message = match value {
                Value::Number(number) => invalid(number, allowed),
                Value::String(text) => invalid(quoted(text), allowed),
                other => invalid(type_name(other), allowed),
            };
            self.refuse(name, message);
        }
        number
    }

    /// `{secretRef: {name}}`; `None` where it is left out.
    pub(crate) fn secret_ref(&mut self, name: &'static str) -> Option<SecretRef> {
        let outer = self.field(name)?;
        let outer_path = self.path.setting(name);
        let reference = self.only_member(outer, &outer_path, "secretRef")?;
        let path = format!("{outer_path}.secretRef");
        let secret = self.only_member(reference, &path, "name")?;
        match secret {
            Value::String(text) if !text.is_empty() => return Some(SecretRef { name: text.clone() }),
            Value::String(_) => self.problems.push(Problem::new(format!("{path}.name"), "Required value")),
            other => {
                self.problems.push(Problem::new(format!("{path}.name"), wrong_type(other, "a text")));
            }
        }
        None
    }

    /// All problems, fields that nobody asked for included.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        let known = self.known.join(", ");
        for name in self.fields.into_iter().flat_map(Map::keys) {
            if !self.known.contains(&name.as_str()) {
                self.problems.push(Problem::new(
                    self.path.setting(name),
                    format!("unknown field; this source knows {known}"),
                ));
            }
        }
        self.problems
    }

    /// The field, where null counts as left out.
    fn field(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.fields?.get(name).filter(|value| !value.is_null())
    }

    fn only_member(&mut self, value: &'a Value, path: &str, member: &str) -> Option<&'a Value> {
        let Some(object) = value.as_object() else {
            self.problems.push(Problem::new(path, wrong_type(value, "an object")));
            return None;
        };
        for name in object.keys().filter(|name| *name != member) {
            self.problems
                .push(Problem::new(format!("{path}.{name}"), format!("unknown field; known is {member}")));
        }
        let found = object.get(member).filter(|value| !value.is_null());
        if found.is_none() {
            self.problems.push(Problem::new(format!("{path}.{member}"), "Required value"));
        }
        found
    }
}

/// A problem's message in the words of Kubernetes.
pub(crate) fn invalid(value: impl Display, why: impl Display) -> String {
    format!("Invalid value: {value}: {why}")
}

/// Longest part of a text that messages repeat, in characters.
const MAX_QUOTED: usize = 80;

/// A text in quotes, its end cut off where it is long.
pub(crate) fn quoted(text: &str) -> String {
    let mark = if text.chars().nth(MAX_QUOTED).is_some() { "…" } else { "" };
    format!("{:?}", text.chars().take(MAX_QUOTED).chain(mark.chars()).collect::<String>())
}

fn wrong_type(value: &Value, wanted: &str) -> String {
    invalid(type_name(value), format_args!("must be {wanted}"))
}

/// What a JSON value is, for people.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_in_messages() {
        assert_eq!(quoted("a\"b"), r#""a\"b""#);
        assert_eq!(quoted(&"ä".repeat(80)), format!("\"{}\"", "ä".repeat(80)));
        assert_eq!(quoted(&"ä".repeat(81)), format!("\"{}…\"", "ä".repeat(80)));
    }
}
