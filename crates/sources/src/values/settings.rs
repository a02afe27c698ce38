//! Reads a source's settings field by field and collects everything that is wrong.
//!
//! A derived deserializer would stop at the first fault and forget its path; people
//! who fix a manifest want all of them at once. Every source parses through this.

mod credential;
pub(crate) mod given_later;
mod nested;
mod numbers;

use std::collections::btree_map::Entry;
use std::fmt::Write as _;

use engine::{Asked, AskedTarget, Fault, FaultKind, Holder, Otherwise, Problem, Target, Warning};
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::credentials::Needs;
use crate::values::fault::{invalid, quoted, wrong_type};
use crate::values::headers;
use crate::values::url::{parse_http_url, shown_origin};
use given_later::{Awaited, StandIns};

/// A source's settings while they are being read, once, when an object is compiled.
pub struct Settings<'a> {
    asked: &'a Asked<'a>,
    fields: Option<&'a Map<String, Value>>,
    place: Place<'a>,
    /// What stands before the names of these settings in those of [`Asked::credentials`], for example `tls.`.
    prefix: String,
    known: Vec<String>,
    /// What stands for settings that come as a credential.
    stand_ins: &'a StandIns,
    found: Found,
}

/// What reading settings came to.
pub(crate) struct Read {
    /// All that is wrong, fields that nobody asked for included.
    pub(crate) problems: Vec<Problem>,
    /// What is allowed and most likely not meant.
    pub(crate) warnings: Vec<Warning>,
    /// Equal for settings that ask the same.
    pub(crate) key: String,
    /// The credentials that a reading needs.
    pub(crate) needs: Needs,
    /// The server that is asked, for people.
    pub(crate) server: Option<String>,
    /// Settings that a credential gives.
    pub(crate) awaited: Vec<Awaited>,
    /// Whether the place of some value is known at a reading only.
    pub(crate) is_sought: bool,
}

/// Where these settings stand in the object.
struct Place<'a> {
    parent: String,
    /// Settings that stand elsewhere, by their full names.
    elsewhere: &'a [(&'a str, &'a str)],
}

/// What is found on the way.
#[derive(Default)]
struct Found {
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
    /// Each credential with the full name of the setting that it is for; all of the holder where no key is named.
    credentials: Vec<(String, Holder, Option<String>)>,
    /// What holds for which settings whose places have no value.
    sought: Vec<(String, Otherwise)>,
    uses_namespace: bool,
    uses_target: bool,
    server: Option<String>,
    awaited: Vec<Awaited>,
}

impl<'a> Settings<'a> {
    /// The settings of `asked`, where `stand_ins` stand for those that come as a credential.
    pub(crate) fn new(asked: &'a Asked<'a>, stand_ins: &'a StandIns) -> Self {
        let place = Place { parent: asked.path.config.to_owned(), elsewhere: asked.path.elsewhere };
        Self::of(asked, asked.config, place, String::new(), stand_ins, Found::default())
    }

    /// The path of the setting `name` in the object.
    fn place_of(&self, name: &str) -> String {
        let full_name = format!("{}{name}", self.prefix);
        match self.place.elsewhere.iter().find(|(known, _)| *known == full_name) {
            Some((_, path)) => (*path).to_owned(),
            None => format!("{}.{name}", self.place.parent),
        }
    }

    fn of(
        asked: &'a Asked<'a>,
        value: &'a Value,
        place: Place<'a>,
        prefix: String,
        stand_ins: &'a StandIns,
        mut found: Found,
    ) -> Self {
        if !value.is_object() && !value.is_null() {
            found.problems.push(Problem::new(&place.parent, wrong_type(value, "an object")));
        }
        Self { asked, fields: value.as_object(), place, prefix, known: Vec::new(), stand_ins, found }
    }

    /// The namespace that the object acts in.
    pub fn namespace(&mut self) -> &'a str {
        self.found.uses_namespace = true;
        self.asked.namespace
    }

    /// What is scaled, for a source that reads the target itself. `Ok(None)` where the object may not act on it;
    /// `Err` where it does not say which one it asks about, which is a problem then.
    ///
    /// # Errors
    /// Where a problem has been noted.
    pub fn target(&mut self) -> Result<Option<&'a Target>, Refused> {
        self.found.uses_target = true;
        match self.asked.target {
            AskedTarget::Of(target) => Ok(Some(target)),
            AskedTarget::Refused => Ok(None),
            AskedTarget::Unnamed(path) => {
                let source = self.asked.source;
                let why = format!("{source} is measured at a target, so the metric needs a member");
                self.found.problems.push(Problem::new(path, Fault::new(FaultKind::Required, why)));
                Err(Refused)
            }
        }
    }

    /// Notes the server that is asked: failures of metrics are grouped by it in the log and on the page. The first one counts.
    pub(crate) fn asks(&mut self, server: impl FnOnce() -> String) {
        self.found.server.get_or_insert_with(server);
    }

    /// Notes that the setting `name` is allowed and most likely not meant.
    pub(crate) fn warn(&mut self, name: &str, message: impl Into<String>) {
        self.found.warnings.push(Warning::new(self.place_of(name), message));
    }

    /// Reports what is wrong with the setting `name`.
    pub(crate) fn refuse(&mut self, name: &str, fault: Fault) {
        self.found.problems.push(Problem::new(self.place_of(name), fault));
    }

    /// A text that must be given and must not be empty.
    pub(crate) fn required_text(&mut self, name: &'static str) -> Option<&'a str> {
        match self.field(name) {
            None => self.refuse(name, Fault::required()),
            Some(Value::String(text)) if text.is_empty() => self.refuse(name, Fault::required()),
            Some(Value::String(text)) => return Some(text),
            Some(other) => self.refuse(name, wrong_type(other, "a string")),
        }
        None
    }

    /// A text that may be left out, but not be empty.
    pub(crate) fn optional_text(&mut self, name: &'static str) -> Option<&'a str> {
        match self.field(name)? {
            Value::String(text) if text.is_empty() => self.refuse(name, invalid("\"\"", "must not be empty")),
            Value::String(text) => return Some(text),
            other => self.refuse(name, wrong_type(other, "a string")),
        }
        None
    }

    /// The address of an HTTP endpoint, which must be given; `check` has the last word on it.
    pub(crate) fn http_url(
        &mut self,
        name: &'static str,
        check: fn(Url) -> Result<Url, Fault>,
    ) -> Option<Url> {
        let text = self.required_text(name)?;
        self.checked_url(name, text, check)
    }

    /// The same for an address that may be left out.
    pub(crate) fn optional_http_url(
        &mut self,
        name: &'static str,
        check: fn(Url) -> Result<Url, Fault>,
    ) -> Option<Url> {
        let text = self.optional_text(name)?;
        self.checked_url(name, text, check)
    }

    fn checked_url(&mut self, name: &str, text: &str, check: fn(Url) -> Result<Url, Fault>) -> Option<Url> {
        let parsed = parse_http_url(text).and_then(check);
        let url = parsed.map_err(|fault| self.refuse(name, fault)).ok()?;
        self.asks(|| shown_origin(&url));
        Some(url)
    }

    /// One of some names, and what it stands for; the first where it is left out.
    pub(crate) fn one_of<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let default = choices.first().map(|(_, first)| *first);
        let text = match self.field(name) {
            None => return default,
            Some(Value::String(text)) => text,
            Some(other) => {
                self.refuse(name, wrong_type(other, "a string"));
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
                self.refuse(name, wrong_type(other, "an object of strings"));
                return headers;
            }
        };
        let path = self.place_of(name);
        for (member, value) in members {
            match headers::plain(member, value) {
                Ok((header, value)) => drop(headers.insert(header, value)),
                Err(fault) => self.found.problems.push(Problem::new(format!("{path}.{member}"), fault)),
            }
        }
        headers
    }

    /// Whether a setting is given, rightly or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        let is_awaited = || {
            let full_name = format!("{}{name}", self.prefix);
            self.stand_ins.has(&full_name) && self.has_credential(&format!("{name}From"))
        };
        self.is_written(name) || is_awaited()
    }

    /// Whether the object itself has a value for the setting.
    pub(crate) fn is_written(&self, name: &str) -> bool {
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
                self.refuse(name, wrong_type(other, "a list of strings"));
                return Vec::new();
            }
        };
        if items.len() > max {
            let why = format!("{}: must have at most {max} items", items.len());
            self.refuse(name, Fault::new(FaultKind::TooMany, why));
        }
        let path = self.place_of(name);
        let mut texts = Vec::new();
        for (index, item) in items.iter().take(max).enumerate() {
            let parsed = match item {
                Value::String(text) => parse(text),
                other => Err(wrong_type(other, "a string")),
            };
            match parsed {
                Ok(text) => texts.push(text),
                Err(fault) => self.found.problems.push(Problem::new(format!("{path}[{index}]"), fault)),
            }
        }
        texts
    }

    /// What they come to.
    pub(crate) fn finish(mut self) -> Read {
        self.refuse_unknown();
        let mut key = self.asked.config.to_string();
        if self.found.uses_namespace {
            let _ = write!(key, "\u{1f}namespace {}", self.asked.namespace);
        }
        if self.found.uses_target {
            let _ = write!(key, "\u{1f}target {:?}", self.asked.target);
        }
        let mut needs = Needs::new();
        for (setting, holder, of) in self.found.credentials {
            // Where it stands as well, as one may be exchanged for another.
            let _ = write!(key, "\u{1f}{setting} {holder:?} {of:?}");
            match (needs.entry(holder), of) {
                (Entry::Vacant(entry), of) => drop(entry.insert(of.into_iter().collect())),
                (Entry::Occupied(mut entry), None) => entry.get_mut().clear(),
                // Where all of it is read, no key need be named.
                (Entry::Occupied(entry), Some(_)) if entry.get().is_empty() => {}
                (Entry::Occupied(mut entry), Some(of)) => drop(entry.get_mut().insert(of)),
            }
        }
        for (setting, otherwise) in &self.found.sought {
            let _ = write!(key, "\u{1f}{setting} {otherwise:?}");
            if let Otherwise::Text(text) = otherwise {
                // It may be a secret.
                let digest: [u8; 32] = Sha256::digest(text).into();
                let _ = write!(key, " {digest:02x?}");
            }
        }
        let Found { problems, warnings, server, awaited, sought, .. } = self.found;
        Read { problems, warnings, key, needs, server, awaited, is_sought: !sought.is_empty() }
    }

    fn refuse_unknown(&mut self) {
        let known = self.known.join(", ");
        for name in self.fields.into_iter().flat_map(Map::keys) {
            if !self.known.contains(name) {
                self.found.problems.push(Problem::new(
                    self.place_of(name),
                    Fault::new(
                        FaultKind::UnknownField,
                        format!("unknown field; this source accepts {known}"),
                    ),
                ));
            }
        }
    }

    /// The field, where null counts as left out.
    fn field(&mut self, name: &str) -> Option<&'a Value> {
        if !self.known.iter().any(|known| known == name) {
            self.known.push(name.to_owned());
        }
        let written = self.fields.and_then(|fields| fields.get(name)).filter(|value| !value.is_null());
        self.stand_in(name, written.is_some()).or(written)
    }

    /// The members of an object that must be there; no others may but those that are `optional`.
    fn members<const N: usize>(
        &mut self,
        value: &'a Value,
        path: &str,
        wanted: [&str; N],
        optional: &[&str],
    ) -> [Option<&'a Value>; N] {
        let Some(object) = value.as_object() else {
            self.found.problems.push(Problem::new(path, wrong_type(value, "an object")));
            return [None; N];
        };
        let known: Vec<&str> = wanted.iter().chain(optional).copied().collect();
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            let why = format!("unknown field; known fields are {}", known.join(", "));
            let fault = Fault::new(FaultKind::UnknownField, why);
            self.found.problems.push(Problem::new(format!("{path}.{name}"), fault));
        }
        wanted.map(|member| match object.get(member) {
            None | Some(Value::Null) => self.missing(format!("{path}.{member}")),
            found => found,
        })
    }

    fn missing<T>(&mut self, path: String) -> Option<T> {
        self.found.problems.push(Problem::new(path, Fault::required()));
        None
    }
}

/// That a problem has been noted, so that nothing can be made of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

#[cfg(test)]
pub(crate) mod tests;
