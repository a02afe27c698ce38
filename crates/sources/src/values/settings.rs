//! Reads a source's settings field by field and collects everything that is wrong.
//!
//! A derived deserializer would stop at the first fault and forget its path; people
//! who fix a manifest want all of them at once. Every source parses through this.

mod nested;

use std::fmt::Display;
use std::ops::RangeInclusive;

use engine::{Absence, AbsenceReason, ConfigPath, Fault, FaultKind, Problem};
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value};

use crate::net::headers;
use crate::net::http_client::shown;
use crate::source::{SecretKeyRef, SecretRef};
use crate::values::names;

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
    pub(crate) fn refuse(&mut self, name: &str, fault: Fault) {
        self.problems.push(Problem::new(self.path.setting(name), fault));
    }

    /// A text that must be given and must not be empty.
    pub(crate) fn required_text(&mut self, name: &'static str) -> Option<&'a str> {
        match self.field(name) {
            None => self.refuse(name, Fault::required()),
            Some(Value::String(text)) if text.is_empty() => self.refuse(name, Fault::required()),
            Some(Value::String(text)) => return Some(text),
            Some(other) => self.refuse(name, wrong_type(other, "a text")),
        }
        None
    }

    /// A text that may be left out, but not be empty.
    pub(crate) fn optional_text(&mut self, name: &'static str) -> Option<&'a str> {
        match self.field(name)? {
            Value::String(text) if text.is_empty() => self.refuse(name, invalid("\"\"", "must not be empty")),
            Value::String(text) => return Some(text),
            other => self.refuse(name, wrong_type(other, "a text")),
        }
        None
    }

    /// The address of an HTTP endpoint, which must be given; `check` has the last word on it.
    pub(crate) fn http_url(
        &mut self,
        name: &'static str,
        check: fn(Url) -> Result<Url, Fault>,
    ) -> Option<Url> {
        let parsed = parse_http_url(self.required_text(name)?).and_then(check);
        parsed.map_err(|fault| self.refuse(name, fault)).ok()
    }

    /// The same for an address that may be left out.
    pub(crate) fn optional_http_url(
        &mut self,
        name: &'static str,
        check: fn(Url) -> Result<Url, Fault>,
    ) -> Option<Url> {
        let parsed = parse_http_url(self.optional_text(name)?).and_then(check);
        parsed.map_err(|fault| self.refuse(name, fault)).ok()
    }

    /// One of some names, and what it stands for; the first where it is left out.
    pub(crate) fn one_of<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let default = choices.first().map(|(_, first)| *first);
        let text = match self.field(name) {
            None => return default,
            Some(Value::String(text)) => text,
            Some(other) => {
                self.refuse(name, wrong_type(other, "a text"));
                return None;
            }
        };
        let found = choices.iter().find(|(choice, _)| choice == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known = choices.iter().map(|(choice, _)| choice);
            self.refuse(name, Fault::unsupported(quoted(text), known));
        }
        found
    }

    /// Headers that are no secret, as an object of texts; empty where it is left out.
    pub(crate) fn headers(&mut self, name: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let members = match self.field(name) {
            None => return headers,
            Some(Value::Object(members)) => members,
            Some(other) => {
                self.refuse(name, wrong_type(other, "an object of texts"));
                return headers;
            }
        };
        let path = self.path.setting(name);
        for (member, value) in members {
            match headers::plain(member, value) {
                Ok((header, value)) => drop(headers.insert(header, value)),
                Err(fault) => self.problems.push(Problem::new(format!("{path}.{member}"), fault)),
            }
        }
        headers
    }

    /// Whether a setting is given, rightly or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.and_then(|fields| fields.get(name)).is_some_and(|value| !value.is_null())
    }

    /// Addresses of HTTP endpoints, `max` at most; empty where they are left out.
    pub(crate) fn http_urls(
        &mut self,
        name: &'static str,
        max: usize,
        check: fn(Url) -> Result<Url, Fault>,
    ) -> Vec<Url> {
        self.texts(name, max, |text| parse_http_url(text).and_then(check))
    }

    /// A list of at most `max` texts, each parsed or refused; empty where it is left out.
    pub(crate) fn texts<T>(
        &mut self,
        name: &'static str,
        max: usize,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Vec<T> {
        let items = match self.field(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items.as_slice(),
            Some(other) => {
                self.refuse(name, wrong_type(other, "a list of texts"));
                return Vec::new();
            }
        };
        if items.len() > max {
            let why = format!("{}: must have at most {max} items", items.len());
            self.refuse(name, Fault::new(FaultKind::TooMany, why));
        }
        let path = self.path.setting(name);
        let mut texts = Vec::new();
        for (index, item) in items.iter().take(max).enumerate() {
            let parsed = match item {
                Value::String(text) => parse(text),
                other => Err(wrong_type(other, "a text")),
            };
            match parsed {
                Ok(text) => texts.push(text),
                Err(fault) => self.problems.push(Problem::new(format!("{path}[{index}]"), fault)),
            }
        }
        texts
    }

    /// A whole number within `range`; `default` where it is left out.
    pub(crate) fn whole_number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Option<u64> {
        match self.field(name) {
            None => Some(default),
            Some(value) => self.number_within(name, value, range),
        }
    }

    fn number_within(
        &mut self,
        name: &'static str,
        value: &Value,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let number = value.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            let allowed = format!("must be a whole number from {} to {}", range.start(), range.end());
            let fault = match value {
                Value::Number(number) => invalid(number, allowed),
                Value::String(text) => invalid(quoted(text), allowed),
                other => invalid(type_name(other), allowed),
            };
            self.refuse(name, fault);
        }
        number
    }

    /// A whole number within `range` that must be given.
    pub(crate) fn required_whole_number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let Some(value) = self.field(name) else {
            self.refuse(name, Fault::required());
            return None;
        };
        self.number_within(name, value, range)
    }

    /// True or false; false where it is left out.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        match self.field(name) {
            None => false,
            Some(Value::Bool(value)) => *value,
            Some(other) => {
                self.refuse(name, wrong_type(other, "true or false"));
                false
            }
        }
    }

    /// `{secretRef: {name}}`; `None` where it is left out.
    pub(crate) fn secret_ref(&mut self, name: &'static str) -> Option<SecretRef> {
        let [name] = self.reference(name, "secretRef", ["name"])?;
        Some(SecretRef { name })
    }

    /// `{secretKeyRef: {name, key}}`, by which a single secret value is named; `None` where it is left out.
    pub(crate) fn secret_key_ref(&mut self, name: &'static str) -> Option<SecretKeyRef> {
        let [name, key] = self.reference(name, "secretKeyRef", ["name", "key"])?;
        Some(SecretKeyRef { secret: SecretRef { name }, key })
    }

    /// The texts of `{kind: {part: text, …}}`, all of which must be given.
    fn reference<const N: usize>(
        &mut self,
        name: &'static str,
        kind: &str,
        parts: [&str; N],
    ) -> Option<[String; N]> {
        let outer = self.field(name)?;
        let outer_path = self.path.setting(name);
        let [reference] = self.members(outer, &outer_path, [kind]);
        let path = format!("{outer_path}.{kind}");
        let texts = self.members(reference?, &path, parts);
        let mut texts = texts.into_iter().zip(parts).map(|(text, part)| match text? {
            Value::String(text) if text.is_empty() => self.missing(format!("{path}.{part}")),
            // It is not repeated, as somebody may have put the secret itself there.
            Value::String(text) if part == "name" && !names::is_subdomain(text) => {
                let why = "must be the name of a secret: \
                           lower-case letters and digits, with hyphens and dots between them";
                self.problems.push(Problem::new(format!("{path}.{part}"), Fault::invalid(why)));
                None
            }
            Value::String(text) => Some(text.clone()),
            other => {
                self.problems.push(Problem::new(format!("{path}.{part}"), wrong_type(other, "a text")));
                None
            }
        });
        let texts: [Option<String>; N] = std::array::from_fn(|_| texts.next().flatten());
        texts.iter().all(Option::is_some).then(|| texts.map(Option::unwrap_or_default))
    }

    /// All problems, fields that nobody asked for included.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        let known = self.known.join(", ");
        for name in self.fields.into_iter().flat_map(Map::keys) {
            if !self.known.contains(&name.as_str()) {
                self.problems.push(Problem::new(
                    self.path.setting(name),
                    Fault::new(FaultKind::UnknownField, format!("unknown field; this source knows {known}")),
                ));
            }
        }
        self.problems
    }

    /// The field, where null counts as left out.
    fn field(&mut self, name: &'static str) -> Option<&'a Value> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        self.fields?.get(name).filter(|value| !value.is_null())
    }

    /// The members of an object that must be there; no others may.
    fn members<const N: usize>(
        &mut self,
        value: &'a Value,
        path: &str,
        wanted: [&str; N],
    ) -> [Option<&'a Value>; N] {
        let Some(object) = value.as_object() else {
            self.problems.push(Problem::new(path, wrong_type(value, "an object")));
            return [None; N];
        };
        let known = wanted.join(", ");
        for name in object.keys().filter(|name| !wanted.contains(&name.as_str())) {
            let fault = Fault::new(FaultKind::UnknownField, format!("unknown field; known is {known}"));
            self.problems.push(Problem::new(format!("{path}.{name}"), fault));
        }
        wanted.map(|member| match object.get(member) {
            None | Some(Value::Null) => self.missing(format!("{path}.{member}")),
            found => found,
        })
    }

    fn missing<T>(&mut self, path: String) -> Option<T> {
        self.problems.push(Problem::new(path, Fault::required()));
        None
    }
}

/// The settings of a query. They were checked when its object was compiled, so that a
/// problem here is an error of ours.
pub(crate) fn of_query<T>(
    config: &Value,
    parse: fn(&Value, &ConfigPath<'_>) -> Result<T, Vec<Problem>>,
) -> Result<T, Absence> {
    let path = ConfigPath { source: "source", config: "config", elsewhere: &[] };
    parse(config, &path).map_err(|problems| Absence {
        reason: AbsenceReason::Malformed,
        message: problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; "),
    })
}

/// An http or https URL without credentials, or what is wrong with it.
pub(crate) fn parse_http_url(text: &str) -> Result<Url, Fault> {
    // What cannot be parsed cannot be stripped of its secrets either, so it is not repeated.
    let url =
        Url::parse(text).map_err(|error| Fault::invalid(format!("must be an http or https URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(quoted(&shown(&url)), "must be an http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::invalid(
            "must not hold a user or password: put the header that the endpoint expects into a secret and \
             name it in headersFrom",
        ));
    }
    Ok(url)
}

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

pub(crate) fn wrong_type(value: &Value, wanted: &str) -> Fault {
    Fault::new(FaultKind::WrongType, format!("{}: must be {wanted}", type_name(value)))
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
mod tests;
