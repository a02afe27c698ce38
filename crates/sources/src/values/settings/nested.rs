//! Settings that are objects of their own, and rules that several fields have together.

use std::mem;
use std::time::Duration;

use engine::{Fault, FaultKind, Problem};
use serde_json::Value;

use super::{Place, Settings};
use crate::values::fault::{quoted, type_name, wrong_type};

impl<'a> Settings<'a> {
    /// An object of settings; `None` where it is left out. All its problems are kept.
    pub(crate) fn section<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&mut Settings<'a>) -> T,
    ) -> Option<T> {
        let value = self.field(name)?;
        let place = Place { parent: self.place_of(name), elsewhere: self.place.elsewhere };
        let prefix = format!("{}{name}.", self.prefix);
        let found = mem::take(&mut self.found);
        let mut section = Settings::of(self.asked, value, place, prefix, self.stand_ins, found);
        let parsed = parse(&mut section);
        section.refuse_unknown();
        self.found = section.found;
        Some(parsed)
    }

    /// Any number; `None` where it is left out.
    pub(crate) fn number(&mut self, name: &'static str) -> Option<f64> {
        let value = self.field(name)?;
        let number = value.as_f64().filter(|number| number.is_finite());
        if number.is_none() {
            self.refuse(name, wrong_type(value, "a number"));
        }
        number
    }

    /// One of a few words; `None` where it is left out.
    pub(crate) fn one_word_of<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let value = self.field(name)?;
        let known = words.iter().find(|(word, _)| value == word).map(|(_, meaning)| *meaning);
        if known.is_none() {
            let given = value.as_str().map_or_else(|| type_name(value).to_owned(), quoted);
            self.refuse(name, Fault::unsupported(given, words.iter().map(|(word, _)| word)));
        }
        known
    }

    /// Names with texts, in order, as an object; empty where it is left out.
    pub(crate) fn pairs(&mut self, name: &'static str) -> Vec<(String, String)> {
        let members = match self.field(name) {
            None => return Vec::new(),
            Some(Value::Object(members)) => members,
            Some(other) => {
                self.refuse(name, wrong_type(other, "an object of strings"));
                return Vec::new();
            }
        };
        let path = self.place_of(name);
        let mut pairs = Vec::new();
        for (member, value) in members {
            match value {
                Value::String(text) => pairs.push((member.clone(), text.clone())),
                other => {
                    let fault = wrong_type(other, "a string");
                    self.found.problems.push(Problem::new(format!("{path}.{member}"), fault));
                }
            }
        }
        pairs
    }

    /// The time that a request may take: `timeoutMillis` up to a minute, or `timeoutSeconds` from 1 to 60, `default`
    /// seconds where neither is given.
    pub(crate) fn timeout(&mut self, default: u64) -> Option<Duration> {
        if self.has("timeoutMillis") && self.has("timeoutSeconds") {
            self.refuse("timeoutMillis", Fault::forbidden("must not be set together with timeoutSeconds"));
        }
        let seconds = self.whole_number("timeoutSeconds", 1..=60, default);
        match self.has("timeoutMillis") {
            true => self.whole_number("timeoutMillis", 1..=60_000, 0).map(Duration::from_millis),
            false => {
                self.field("timeoutMillis");
                seconds.map(Duration::from_secs)
            }
        }
    }

    /// Which one of `names` is given. None or several are a problem.
    pub(crate) fn exactly_one(&mut self, names: &[&'static str]) -> Option<&'static str> {
        let given: Vec<_> = names.iter().copied().filter(|name| self.field(name).is_some()).collect();
        match given.as_slice() {
            [one] => return Some(one),
            [] => {
                let why = format!("must have one of {}", names.join(", "));
                let fault = Fault::new(FaultKind::Required, why);
                self.found.problems.push(Problem::new(self.place.parent.clone(), fault));
            }
            [first, more @ ..] => {
                for name in more {
                    let why = format!("must not be set together with {first}");
                    self.refuse(name, Fault::forbidden(why));
                }
            }
        }
        None
    }

    /// Refuses the list `name` unless something is wrong with it already.
    pub(crate) fn require_items(&mut self, name: &'static str) {
        let items = self.field(name).map(|value| value.as_array().map(Vec::len));
        if matches!(items, None | Some(Some(0))) {
            self.refuse(name, Fault::required());
        }
    }

    /// Refuses the setting `name` where it is given, because of `why`.
    pub(crate) fn forbid(&mut self, name: &'static str, why: &str) {
        if self.fields.is_some_and(|fields| fields.contains_key(name)) {
            self.known.push(name.to_owned());
            self.refuse(name, Fault::forbidden(why));
        }
    }

    /// A text that must be given, parsed or refused.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        let parsed = parse(self.required_text(name)?);
        parsed.map_err(|fault| self.refuse(name, fault)).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::problems_of;
    use super::*;

    fn problems(config: Value, parse: impl FnOnce(&mut Settings<'_>)) -> Vec<String> {
        problems_of(&config, |settings| {
            parse(settings);
            Some(())
        })
    }

    #[test]
    fn a_section_has_its_own_paths_and_fields() {
        let read = |settings: &mut Settings<'_>| {
            settings.section("tls", |tls| {
                tls.flag("skip");
                tls.number("depth");
                tls.one_word_of("mode", &[("a", 1), ("b", 2)]);
            });
        };
        assert_eq!(problems(json!({}), read), [] as [&str; 0]);
        assert_eq!(
            problems(json!({ "tls": { "skip": true, "depth": 1.5, "mode": "b" } }), read),
            [] as [&str; 0]
        );
        assert_eq!(
            problems(json!({ "tls": { "skip": 1, "depth": "x", "mode": "c", "other": 0 } }), read),
            [
                "spec.config.tls.skip: Invalid value: a number: must be true or false",
                "spec.config.tls.depth: Invalid value: a string: must be a number",
                "spec.config.tls.mode: Unsupported value: \"c\": supported values: \"a\", \"b\"",
                "spec.config.tls.other: unknown field; this source accepts skip, depth, mode",
            ]
        );
        assert_eq!(
            problems(json!({ "tls": 3 }), read),
            ["spec.config.tls: Invalid value: a number: must be an object"]
        );
    }

    #[test]
    fn a_setting_of_a_section_may_stand_elsewhere() {
        let config = json!({ "tls": { "skip": 1, "depth": "x" }, "skip": 1 });
        let path = engine::ConfigPath {
            source: "spec.type",
            config: "spec.config",
            elsewhere: &[("tls.skip", "spec.unsafeSsl")],
        };
        let asked = engine::Asked { path, ..super::super::tests::asked("test", &config) };
        let stand_ins = super::super::StandIns::default();
        let mut settings = Settings::new(&asked, &stand_ins);
        settings.flag("skip");
        settings.section("tls", |tls| (tls.flag("skip"), tls.number("depth")));
        let problems = settings.finish().problems;
        let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["spec.config.skip", "spec.unsafeSsl", "spec.config.tls.depth"]);
    }

    #[test]
    fn exactly_one_of_several_fields_is_given() {
        let read = |settings: &mut Settings<'_>| {
            settings.exactly_one(&["a", "b", "c"]);
        };
        assert_eq!(problems(json!({ "b": 1 }), read), [] as [&str; 0]);
        assert_eq!(problems(json!({}), read), ["spec.config: Required value: must have one of a, b, c"]);
        assert_eq!(
            problems(json!({ "a": 1, "c": 2 }), read),
            ["spec.config.c: Forbidden: must not be set together with a"]
        );
    }
}
