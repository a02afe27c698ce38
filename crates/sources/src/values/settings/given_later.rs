//! Settings that are texts, and that may also come as a credential: under their name with `From` at its end.
//!
//! Such a text is known only at a reading. So its source is prepared twice by the same code: once when the object is
//! compiled, with a sample in its place, so that all else is checked; and again with the text itself
//! ([`Deferred`](crate::deferred::Deferred)).

use std::collections::BTreeMap;

use engine::{Credential, Fault};
use serde_json::{Map, Value};

use super::Settings;

/// A setting that may be given as a credential, too.
#[derive(Clone, Copy, Debug)]
pub struct GivenLater {
    /// Its full name, with those of its sections before: `sentinel.masterName`.
    pub name: &'static str,
    /// A text that it may be. The object's other settings are checked with it.
    pub sample: &'static str,
    /// What it must be, for people who gave something else: the rest of a sentence, such as `HOST:PORT`.
    pub must_be: &'static str,
    /// What is made of the text.
    pub form: Form,
}

/// What is made of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The text, without blanks around it.
    Text,
    /// The first item of a list with commas.
    First,
    /// A list of texts, from one with commas.
    List,
    /// An object of texts, from one as the query of a URL.
    Pairs,
}

impl Form {
    /// What settings take it for.
    pub(crate) fn value(self, text: &str) -> Value {
        let items = || text.split(',').map(str::trim).filter(|item| !item.is_empty());
        match self {
            Self::Text => Value::from(text.trim()),
            Self::First => Value::from(items().next().unwrap_or_default()),
            Self::List => items().collect(),
            Self::Pairs => {
                let pairs = reqwest::Url::parse("http://any/").map(|mut url| {
                    url.set_query(Some(text.trim()));
                    let pairs = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into()));
                    pairs.collect::<Map<_, _>>()
                });
                Value::Object(pairs.unwrap_or_default())
            }
        }
    }
}

/// What stands in the place of settings whose text comes as a credential.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct StandIns {
    /// By their full names.
    values: BTreeMap<&'static str, Value>,
    are_samples: bool,
}

impl StandIns {
    /// Those of a source while an object is compiled.
    pub(crate) fn samples(declared: &[GivenLater]) -> Self {
        let sample = |setting: &GivenLater| (setting.name, setting.form.value(setting.sample));
        Self { values: declared.iter().map(sample).collect(), are_samples: true }
    }

    /// Those of a source at a reading, before any text is known.
    pub(crate) fn at_reading(declared: &[GivenLater]) -> Self {
        Self { are_samples: false, ..Self::samples(declared) }
    }

    /// What `text` is for `setting`.
    pub(crate) fn insert(&mut self, setting: &GivenLater, text: &str) {
        self.values.insert(setting.name, setting.form.value(text));
    }

    pub(super) fn has(&self, full_name: &str) -> bool {
        self.values.contains_key(full_name)
    }
}

/// A setting that a credential gives.
#[derive(Clone, Debug)]
pub(crate) struct Awaited {
    /// Full name of the setting.
    pub(crate) name: String,
    /// Its path in the object.
    pub(crate) path: String,
    /// What gives it.
    pub(crate) credential: Credential,
}

impl<'a> Settings<'a> {
    /// Whether the setting `name` is not known yet, so that a sample stands for it: rules about what it must have in
    /// common with others say nothing then.
    pub(crate) fn is_sampled(&self, name: &str) -> bool {
        self.stand_ins.are_samples && self.has(name) && !self.is_written(name)
    }

    /// What stands for the setting `name` where a credential gives it.
    pub(super) fn stand_in(&mut self, name: &str, is_written: bool) -> Option<&'a Value> {
        let full_name = format!("{}{name}", self.prefix);
        let stand_in = self.stand_ins.values.get(full_name.as_str())?;
        if self.found.awaited.iter().any(|awaited| awaited.name == full_name) {
            return Some(stand_in);
        }
        let from = format!("{name}From");
        let is_given = self.has_credential(&from);
        // Looked at also where it is not given, so that it is a known name.
        let credential = self.credential(&from);
        if !is_given {
            return None;
        }
        if is_written {
            self.refuse(&from, Fault::forbidden(format!("must not be set together with {name}")));
        }
        if let Some(credential) = credential {
            let path = self.place_of(name);
            self.found.awaited.push(Awaited { name: full_name, path, credential });
        }
        Some(stand_in)
    }
}
