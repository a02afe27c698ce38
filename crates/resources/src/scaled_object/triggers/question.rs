//! What a trigger asks of a metric source: settings by their names, and the credentials that go with them.

use engine::{Asked, AskedTarget, ConfigPath, FaultKind, Problem, Query, Sought, Warning};
use serde_json::{Map, Value};

use super::metadata::{Metadata, Param};
use super::parameter::Parameter;
use crate::common::metric;

/// Settings while they are being gathered. A dot in a setting's name leads into a section.
#[derive(Default)]
pub(super) struct Question {
    config: Map<String, Value>,
    /// By the names of settings, such as `tls.caFrom`.
    credentials: Vec<(String, Sought)>,
    /// Settings that stand in parameters of other names, with their paths.
    elsewhere: Vec<(String, String)>,
    /// Paths of addresses: one that is none fails the readings, as with KEDA, and the object is not refused for it.
    addresses: Vec<String>,
}

impl Question {
    /// Sets a setting.
    pub(super) fn set(&mut self, setting: &str, value: impl Into<Value>) {
        let (section, name) = self.section(setting);
        section.insert(name.to_owned(), value.into());
    }

    /// Opens a section, which says something even where it is empty.
    pub(super) fn open(&mut self, section: &str) {
        self.config.entry(section).or_insert_with(|| Value::Object(Map::new()));
    }

    /// Sets a setting to the text of a parameter, or says where it stands; nothing where it has no value.
    pub(super) fn give(&mut self, setting: &str, metadata: &mut Metadata<'_>, parameter: &Parameter) {
        let Some(given) = metadata.given(parameter) else { return };
        self.give_value(setting, given);
        self.stands_at(setting, metadata, parameter);
    }

    /// The same for the address of a server. One that is none is a warning, and fails each reading.
    pub(super) fn give_address(&mut self, setting: &str, metadata: &mut Metadata<'_>, parameter: &Parameter) {
        self.give(setting, metadata, parameter);
        self.addresses.push(metadata.path(parameter));
    }

    /// The same for a setting that is a list of texts.
    pub(super) fn give_list(&mut self, setting: &str, metadata: &mut Metadata<'_>, parameter: &Parameter) {
        match metadata.given(parameter) {
            Some(Param::Known(text)) => self.set(setting, super::grammar::list(&text)),
            Some(sought) => self.give_value(setting, sought),
            None => return,
        }
        self.stands_at(setting, metadata, parameter);
    }

    /// Sets a setting to a map of texts; nothing where it is empty.
    pub(super) fn set_map(&mut self, setting: &str, entries: impl IntoIterator<Item = (String, String)>) {
        let entries: Map<String, Value> =
            entries.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
        if !entries.is_empty() {
            self.set(setting, entries);
        }
    }

    /// Sets a setting to the map of a parameter; nothing where it has no value.
    pub(super) fn give_map(&mut self, setting: &str, metadata: &mut Metadata<'_>, parameter: &Parameter) {
        let entries = metadata.map(parameter);
        self.set_map(setting, entries);
        self.stands_at(setting, metadata, parameter);
    }

    /// Notes that a setting stands in a parameter.
    pub(super) fn stands_at(&mut self, setting: &str, metadata: &Metadata<'_>, parameter: &Parameter) {
        let path = metadata.path(parameter);
        self.elsewhere.push((format!("{setting}From"), path.clone()));
        self.elsewhere.push((setting.to_owned(), path));
    }

    /// The same for the first of `parameters` that has a value.
    pub(super) fn give_first(
        &mut self,
        setting: &str,
        metadata: &mut Metadata<'_>,
        parameters: &[&Parameter],
    ) {
        let Some(value) = metadata.first_given(parameters) else { return };
        self.give_value(setting, value);
        if let Some(parameter) = parameters.iter().find(|parameter| metadata.may_have(parameter)) {
            self.stands_at(setting, metadata, parameter);
        }
    }

    fn give_value(&mut self, setting: &str, value: Param) {
        match value {
            Param::Known(text) => self.set(setting, text),
            Param::Sought(sought) => self.credential(&format!("{setting}From"), sought),
        }
    }

    /// Says where the value of a setting is looked for; its name ends in `From`.
    pub(super) fn credential(&mut self, setting: &str, credential: Sought) {
        // Only the credentials of sections that are there are looked at.
        self.section(setting);
        self.credentials.push((setting.to_owned(), credential));
    }

    /// The section of a setting, and its name there.
    fn section<'s>(&mut self, setting: &'s str) -> (&mut Map<String, Value>, &'s str) {
        let Some((section, name)) = setting.split_once('.') else { return (&mut self.config, setting) };
        let value = self.config.entry(section).or_insert_with(|| Value::Object(Map::new()));
        if !value.is_object() {
            *value = Value::Object(Map::new());
        }
        match value {
            Value::Object(fields) => (fields, name),
            _ => unreachable!("it has just been made an object"),
        }
    }

    /// The query of the source of this name; `None` where something is wrong with the parameters or the settings.
    pub(super) fn query(self, source: &str, metadata: &mut Metadata<'_>) -> Option<Query> {
        if !metadata.is_sound() {
            return None;
        }
        let about = metadata.about;
        let (named, settings) = (format!("{}.type", about.path), format!("{}.metadata", about.path));
        let elsewhere: Vec<(&str, &str)> =
            self.elsewhere.iter().map(|(setting, path)| (setting.as_str(), path.as_str())).collect();
        let credentials: Vec<(&str, Sought)> =
            self.credentials.iter().map(|(setting, sought)| (setting.as_str(), sought.clone())).collect();
        let config = Value::Object(self.config.clone());
        let asked = Asked {
            source,
            config: &config,
            path: ConfigPath { source: &named, config: &settings, elsewhere: &elsewhere },
            namespace: about.namespace,
            target: AskedTarget::Of(about.target),
            credentials: &credentials,
        };
        let before = metadata.findings.problems.len();
        let query = metric::query(about.context, &asked, metadata.findings);
        if let Some(why) = self.excused(&metadata.findings.problems[before..]) {
            let problems = metadata.findings.problems.drain(before..);
            let warnings = problems.map(|problem| {
                let what = "the trigger will fail at each poll";
                Warning::new(problem.path, format!("{}: {what}", problem.fault))
            });
            metadata.findings.warnings.extend(warnings);
            return Some(about.context.catalog.failing(source, &why));
        }
        metadata.is_sound().then_some(query)
    }

    /// What is wrong, where that is nothing but addresses that are none.
    fn excused(&self, problems: &[Problem]) -> Option<String> {
        let is_excused = |problem: &Problem| {
            problem.fault.kind == FaultKind::Invalid && self.addresses.contains(&problem.path)
        };
        let why: Vec<String> = problems.iter().map(Problem::to_string).collect();
        (!problems.is_empty() && problems.iter().all(is_excused)).then(|| why.join("; "))
    }
}
