//! Reads the parameters of a trigger as KEDA does, and collects all that is wrong with them.
//!
//! For each parameter its places are looked at in their order, and of each place all of its names. Values are trimmed;
//! an empty one is none. What stands in the environment or in an authentication is not known here: all places up to the
//! first whose value is known become a [`Sought`], which a reading resolves by the same rule.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::{Credential, Fault, FaultKind, Holder, Otherwise, Problem, Sought, Warning};

use super::grammar;
use super::parameter::{Parameter, Place, Without};
use super::{TriggerContext, TriggerSpec};
use crate::compile::Findings;
use crate::trigger_authentication::{Authentication, Given};

/// The parameters of one trigger while they are being read.
pub(super) struct Metadata<'a> {
    pub(super) trigger: &'a TriggerSpec,
    pub(super) about: &'a TriggerContext<'a>,
    authentication: &'a Authentication,
    pub(super) findings: &'a mut Findings,
    /// How many problems there were before those of this trigger.
    before: usize,
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Param {
    /// It is known.
    Known(String),
    /// It is looked for at each reading.
    Sought(Sought),
}

/// A value and where it was found.
struct Found {
    value: Param,
    /// The first place that may have it.
    place: Place,
    /// The name of the parameter there.
    name: &'static str,
    /// Whether some place has it, as far as what is written goes; a file may have it or not.
    is_named: bool,
}

impl<'a> Metadata<'a> {
    pub(super) fn new(
        trigger: &'a TriggerSpec,
        about: &'a TriggerContext<'a>,
        authentication: &'a Authentication,
        findings: &'a mut Findings,
        before: usize,
    ) -> Self {
        Self { trigger, about, authentication, findings, before }
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_sound(&self) -> bool {
        self.findings.problems.len() == self.before
    }

    /// Whether a cloud of this name tells who the operator is.
    pub(super) fn shows_identity(&self, provider: &str) -> bool {
        self.authentication.identity.as_deref() == Some(provider)
    }

    /// What goes to the server of tokens besides, in OAuth 2.
    pub(super) fn token_url_params(&self) -> BTreeMap<String, String> {
        self.authentication.token_url_params.clone()
    }

    /// The text of a parameter, as far as it is known; empty otherwise.
    pub(super) fn known_text(&self, parameter: &Parameter) -> String {
        match self.find(parameter).map(|found| found.value) {
            Some(Param::Known(text)) => text,
            Some(Param::Sought(_)) | None => String::new(),
        }
    }

    /// The value of a parameter as it is written or where it stands; `None` where it has none, which is a problem where
    /// it must have one.
    pub(super) fn given(&mut self, parameter: &Parameter) -> Option<Param> {
        let name = parameter.name();
        match (self.find(parameter), parameter.without) {
            (Some(found), Without::Deprecated(instead)) => {
                let why = format!(
                    "scaler {} info: parameter {name:?} is deprecated: {instead}",
                    self.trigger.type_
                );
                self.refuse_at(&found, Fault::forbidden(why));
                None
            }
            (Some(found), _) => self.chosen(found, parameter),
            (None, Without::Default(value)) => Some(Param::Known(value.to_owned())),
            (None, Without::Required) if self.may_yet_come(parameter) => Some(self.unseen(name)),
            (None, Without::Required) => {
                let places = parameter.shown_places();
                let why = format!("missing required parameter {name:?} in {places}");
                self.refuse(parameter, Fault::new(FaultKind::Required, why));
                None
            }
            (None, Without::Nothing | Without::Deprecated(_)) => None,
        }
    }

    /// The value of the first of `parameters` that has one, at a reading where that is not known before.
    pub(super) fn first_given(&mut self, parameters: &[&Parameter]) -> Option<Param> {
        let mut places = Vec::new();
        let mut otherwise = Otherwise::Fails;
        for parameter in parameters {
            if !self.may_have(parameter) {
                continue;
            }
            match self.given(parameter)? {
                Param::Known(text) if places.is_empty() => return Some(Param::Known(text)),
                Param::Known(text) => {
                    otherwise = Otherwise::Text(text);
                    break;
                }
                Param::Sought(sought) => {
                    places.extend(sought.places);
                    otherwise = sought.otherwise;
                }
            }
        }
        (!places.is_empty()).then_some(Param::Sought(Sought { places, otherwise }))
    }

    /// Whether a parameter has a value, or nobody knows yet that it has none.
    pub(super) fn may_have(&self, parameter: &Parameter) -> bool {
        self.find(parameter).is_some() || self.may_yet_come(parameter)
    }

    /// Whether a parameter has a value, or may turn out to have one at a reading.
    pub(super) fn is_looked_for(&self, parameter: &Parameter) -> bool {
        self.find(parameter).is_some()
    }

    /// Whether a parameter has a value, or a place is named where it stands.
    pub(super) fn has(&self, parameter: &Parameter) -> bool {
        self.find(parameter).is_some_and(|found| found.is_named)
    }

    /// A text that must be known now, as what is asked depends on it.
    pub(super) fn text(&mut self, parameter: &Parameter) -> Option<String> {
        match self.given(parameter)? {
            Param::Known(text) => Some(text),
            Param::Sought(sought) => {
                let holder = sought.places.first().map(|place| place.holder.to_string()).unwrap_or_default();
                let why = format!(
                    "{} would come from the {holder}, which is read with the metric only: write it in the trigger's \
                     metadata",
                    parameter.name(),
                );
                self.refuse(parameter, Fault::forbidden(why));
                None
            }
        }
    }

    /// A whole number.
    pub(super) fn whole(&mut self, parameter: &Parameter) -> Option<i64> {
        self.parsed(parameter, "must be a whole number", grammar::whole)
    }

    /// A number.
    pub(super) fn float(&mut self, parameter: &Parameter) -> Option<f64> {
        self.parsed(parameter, "must be a number, such as 5 or 0.5", grammar::float)
    }

    /// True or false; false where nothing is given.
    pub(super) fn flag(&mut self, parameter: &Parameter) -> bool {
        self.parsed(parameter, "must be true or false", grammar::boolean).unwrap_or(false)
    }

    /// A time span.
    pub(super) fn duration(&mut self, parameter: &Parameter) -> Option<Duration> {
        let form = "must be a duration such as 5s, or whole milliseconds, and not below 0";
        self.parsed(parameter, form, grammar::duration)
    }

    /// A list; empty where nothing is given.
    pub(super) fn list(&mut self, parameter: &Parameter) -> Vec<String> {
        self.text(parameter).map(|text| grammar::list(&text)).unwrap_or_default()
    }

    /// A map; empty where nothing is given.
    pub(super) fn map(&mut self, parameter: &Parameter) -> Vec<(String, String)> {
        let Some(text) = self.text(parameter) else { return Vec::new() };
        grammar::map(&text).unwrap_or_else(|item| {
            let why = format!("expected format key=value, got {:?}", engine::one_line(&item, 100));
            self.refuse(parameter, Fault::invalid(unable(parameter.name(), &text, &why)));
            Vec::new()
        })
    }

    fn parsed<T>(
        &mut self,
        parameter: &Parameter,
        form: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(parameter)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.refuse(parameter, Fault::invalid(unable(parameter.name(), &text, form)));
        }
        parsed
    }

    /// Notes what is wrong with a parameter.
    pub(super) fn refuse(&mut self, parameter: &Parameter, fault: Fault) {
        self.note(Problem::new(self.path(parameter), fault));
    }

    /// Notes what is wrong, once, however often the same parameter is looked at.
    pub(super) fn note(&mut self, problem: Problem) {
        if !self.findings.problems[self.before..].contains(&problem) {
            self.findings.problems.push(problem);
        }
    }

    /// Where a parameter stands, or would.
    pub(super) fn path(&self, parameter: &Parameter) -> String {
        match self.find(parameter) {
            Some(found) => self.path_of(&found),
            None => self.path_of_name(parameter.name()),
        }
    }

    fn refuse_at(&mut self, found: &Found, fault: Fault) {
        self.note(Problem::new(self.path_of(found), fault));
    }

    fn path_of(&self, found: &Found) -> String {
        match found.place {
            Place::Metadata => self.path_of_name(found.name),
            Place::Env => format!("{}FromEnv", self.path_of_name(found.name)),
            Place::Authentication => format!("{}.authenticationRef", self.about.path),
        }
    }

    fn path_of_name(&self, name: &str) -> String {
        format!("{}.metadata.{name}", self.about.path)
    }

    fn find(&self, parameter: &Parameter) -> Option<Found> {
        let (mut first, mut places, mut known) = (None, Vec::new(), None);
        let ways =
            parameter.places.iter().flat_map(|place| parameter.names.iter().map(|name| (*place, *name)));
        for (place, name) in ways {
            let Some(given) = self.at(place, name) else { continue };
            first.get_or_insert((place, name));
            match given {
                Given::Credential(credential) => places.push(credential),
                Given::Literal(text) => {
                    known = Some(text);
                    break;
                }
            }
        }
        let (place, name) = first?;
        let in_file = |place: &Credential| matches!(place.holder, Holder::File { .. });
        let is_named = known.is_some() || !places.iter().all(in_file);
        let value = match (known, parameter.without) {
            (Some(text), _) if places.is_empty() => Param::Known(text),
            (known, without) => Param::Sought(Sought { places, otherwise: otherwise(known, without) }),
        };
        Some(Found { value, place, name, is_named })
    }

    /// What the parameter called `name` has at one place.
    fn at(&self, place: Place, name: &str) -> Option<Given> {
        let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        match place {
            Place::Metadata => filled(self.trigger.metadata.get(name)?).map(Given::Literal),
            Place::Env => {
                let variable = filled(self.trigger.metadata.get(&format!("{name}FromEnv"))?)?;
                Some(Given::Credential(self.variable(&variable)))
            }
            Place::Authentication => match self.authentication.value(name).as_ref()? {
                Given::Literal(text) => filled(text).map(Given::Literal),
                credential @ Given::Credential(_) => Some(credential.clone()),
            },
        }
    }

    /// The variable of that name in the environment of the target's container.
    pub(super) fn variable(&self, name: &str) -> Credential {
        let container = self.about.env_container.map(str::to_owned);
        Holder::TargetEnv { target: self.about.target.clone(), container }.value(name)
    }

    /// Whether the authentication may have a value that nobody has seen.
    fn may_yet_come(&self, parameter: &Parameter) -> bool {
        self.authentication.is_partial && parameter.may_stand(Place::Authentication)
    }

    /// Stands for a value that nobody has seen, so that all else is judged.
    fn unseen(&self, name: &str) -> Param {
        let reference = self.trigger.authentication_ref.as_ref();
        let holder = Holder::Secret {
            namespace: self.about.namespace.to_owned(),
            name: reference.map(|reference| reference.name.clone()).unwrap_or_default(),
        };
        Param::Sought(holder.value(name).into())
    }

    /// The value, where it is one of the parameter's choices.
    fn chosen(&mut self, found: Found, parameter: &Parameter) -> Option<Param> {
        let (Param::Known(text), choices @ [_, ..]) = (&found.value, parameter.choices) else {
            return Some(found.value);
        };
        if grammar::list(text).iter().all(|word| choices.contains(&word.as_str())) {
            return Some(found.value);
        }
        let (name, text, choices) = (parameter.name(), engine::one_line(text, 100), choices.join(" "));
        let why = format!("parameter {name:?} value {text:?} must be one of [{choices}]");
        self.refuse_at(&found, Fault::invalid(why));
        None
    }

    /// Warns of what nobody reads, as a misspelt parameter has no effect.
    pub(super) fn warn_of_unknown(&mut self, known: &[&[Parameter]]) {
        let is_known = |key: &str| {
            let of_env = key.strip_suffix("FromEnv");
            known.iter().copied().flatten().any(|parameter| {
                parameter.names.contains(&key)
                    || of_env.is_some_and(|name| {
                        parameter.may_stand(Place::Env) && parameter.names.contains(&name)
                    })
            })
        };
        for key in self.trigger.metadata.keys().filter(|key| !is_known(key)) {
            let message = format!("trigger {} has no parameter {key}: it has no effect", self.trigger.type_);
            self.findings.warnings.push(Warning::new(self.path_of_name(key), message));
        }
    }
}

/// What holds where no place has a value at a reading: what is known of the last one, or what holds without any.
fn otherwise(known: Option<String>, without: Without) -> Otherwise {
    match (known, without) {
        (Some(text), _) => Otherwise::Text(text),
        (None, Without::Default(text)) => Otherwise::Text(text.to_owned()),
        (None, Without::Required) => Otherwise::Fails,
        (None, Without::Nothing | Without::Deprecated(_)) => Otherwise::LeftOut,
    }
}

/// That a value cannot be taken.
fn unable(name: &str, value: &str, why: &str) -> String {
    // The text may be of any length, and a message must not be.
    let value = engine::one_line(value, 100);
    format!("unable to set param {name:?} value {value:?}: {why}")
}
