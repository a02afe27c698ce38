//! Settings whose value is a credential: where it stands, never the value itself.

use engine::{AskedTarget, Credential, Fault, FaultKind, Holder, Otherwise, Problem, Sought};
use serde_json::Value;

use super::Settings;
use crate::values::fault::wrong_type;
use crate::values::names;

/// The ways to name one value.
const FORMS: [&str; 4] = ["secretKeyRef", "configMapKeyRef", "targetEnv", "serviceAccountToken"];

impl<'a> Settings<'a> {
    /// The credential of the setting `name`, such as `passwordFrom`; `None` where it is left out. One of
    /// `{secretKeyRef: {name, key}}`, `{configMapKeyRef: {name, key}}`, `{targetEnv: {name, containerName}}` and
    /// `{serviceAccountToken: {name, audience}}`, or what the object's authentication gives for it.
    pub(crate) fn credential(&mut self, name: &str) -> Option<Credential> {
        let full_name = format!("{}{name}", self.prefix);
        let given = self.asked.credentials.iter().find(|(setting, _)| *setting == full_name);
        let credential = match (self.field(name), given) {
            (Some(_), Some(_)) => {
                self.refuse(name, Fault::forbidden("the object's authentication gives it"));
                return None;
            }
            (None, Some((_, sought))) => return Some(self.seek(full_name, sought)),
            (Some(value), None) => self.written(name, value)?,
            (None, None) => return None,
        };
        let Credential { holder, key } = credential.clone();
        self.found.credentials.push((full_name, holder, Some(key)));
        Some(credential)
    }

    /// Stands for the value of a setting while its places are not looked at.
    fn seek(&mut self, full_name: String, Sought { places, otherwise }: &Sought) -> Credential {
        for Credential { holder, key } in places {
            self.found.credentials.push((full_name.clone(), holder.clone(), Some(key.clone())));
        }
        self.found.sought.push((full_name.clone(), otherwise.clone()));
        places.first().cloned().unwrap_or_else(|| Holder::Object.value(full_name))
    }

    /// All values of the secret that the setting `name` refers to, by `{secretRef: {name}}`; `None` where it is
    /// left out.
    pub(crate) fn secret(&mut self, name: &'static str) -> Option<Holder> {
        let value = self.field(name)?;
        let path = self.place_of(name);
        let [reference] = self.members(value, &path, ["secretRef"], &[]);
        let path = format!("{path}.secretRef");
        let [secret] = self.members(reference?, &path, ["name"], &[]);
        let secret = self.object_name(secret?, &format!("{path}.name"), "a secret")?;
        let holder = Holder::Secret { namespace: self.asked.namespace.to_owned(), name: secret };
        self.found.credentials.push((format!("{}{name}", self.prefix), holder.clone(), None));
        Some(holder)
    }

    /// The credentials that stand elsewhere for members of the object of texts `name`, each with the member that it is for.
    pub(crate) fn credentials_of(&mut self, name: &str) -> Vec<(String, Credential)> {
        let prefix = format!("{}{name}.", self.prefix);
        let given = self
            .asked
            .credentials
            .iter()
            .filter_map(|(setting, sought)| Some((setting.strip_prefix(&prefix)?.to_owned(), sought)));
        given
            .map(|(member, sought)| {
                let credential = self.seek(format!("{prefix}{member}"), sought);
                (member, credential)
            })
            .collect()
    }

    /// Whether the setting `name` is given, or the object's authentication gives it.
    pub(crate) fn has_credential(&self, name: &str) -> bool {
        let full_name = format!("{}{name}", self.prefix);
        self.is_written(name) || self.asked.credentials.iter().any(|(setting, _)| *setting == full_name)
    }

    /// Whether the setting `name` is looked for in files only, which may have it or not.
    pub(crate) fn may_turn_out_left_out(&self, name: &str) -> bool {
        let full_name = format!("{}{name}", self.prefix);
        let sought = self.asked.credentials.iter().find(|(setting, _)| *setting == full_name);
        sought.is_some_and(|(_, Sought { places, otherwise })| {
            *otherwise == Otherwise::LeftOut
                && places.iter().all(|place| matches!(place.holder, Holder::File { .. }))
        })
    }

    fn written(&mut self, name: &str, value: &'a Value) -> Option<Credential> {
        let path = self.place_of(name);
        let Some(object) = value.as_object() else {
            self.found.problems.push(Problem::new(path, wrong_type(value, "an object")));
            return None;
        };
        for unknown in object.keys().filter(|form| !FORMS.contains(&form.as_str())) {
            let why = format!("unknown field; known fields are {}", FORMS.join(", "));
            let fault = Fault::new(FaultKind::UnknownField, why);
            self.found.problems.push(Problem::new(format!("{path}.{unknown}"), fault));
        }
        let mut given = FORMS.into_iter().filter_map(|form| Some((form, object.get(form)?)));
        let (Some((form, reference)), None) = (given.next(), given.next()) else {
            let why = format!("must have one of {}", FORMS.join(", "));
            self.found.problems.push(Problem::new(path, Fault::new(FaultKind::Required, why)));
            return None;
        };
        self.reference(form, reference, &format!("{path}.{form}"))
    }

    fn reference(&mut self, form: &str, value: &'a Value, path: &str) -> Option<Credential> {
        let (namespace, of_name) = (self.asked.namespace.to_owned(), format!("{path}.name"));
        match form {
            "secretKeyRef" => {
                let [name, key] = self.members(value, path, ["name", "key"], &[]);
                let name = name.and_then(|name| self.object_name(name, &of_name, "a secret"));
                let key = key.and_then(|key| self.text_at(key, &format!("{path}.key")));
                Some(Holder::Secret { namespace, name: name? }.value(key?))
            }
            "configMapKeyRef" => {
                let [name, key] = self.members(value, path, ["name", "key"], &[]);
                let name = name.and_then(|name| self.object_name(name, &of_name, "a config map"));
                let key = key.and_then(|key| self.text_at(key, &format!("{path}.key")));
                Some(Holder::ConfigMap { namespace, name: name? }.value(key?))
            }
            "targetEnv" => {
                let [name] = self.members(value, path, ["name"], &["containerName"]);
                let name = name.and_then(|name| self.text_at(name, &of_name));
                let container = self.optional_at(value, path, "containerName")?;
                let holder = Holder::TargetEnv { target: self.target_of_env(path)?, container };
                Some(holder.value(name?))
            }
            _ => {
                let [name] = self.members(value, path, ["name"], &["audience"]);
                let name = name.and_then(|name| self.object_name(name, &of_name, "a service account"));
                let audience = self.optional_at(value, path, "audience")?;
                Some(Holder::ServiceAccount { namespace, name: name?, audience }.value(Credential::TOKEN))
            }
        }
    }

    /// What is scaled, whose environment is read. It is part of the credential, and so of the query's key.
    fn target_of_env(&mut self, path: &str) -> Option<engine::Target> {
        match self.asked.target {
            AskedTarget::Of(target) => Some(target.clone()),
            AskedTarget::Unnamed(_) | AskedTarget::Refused => {
                let why = "the metric has no target that this object may scale";
                self.found.problems.push(Problem::new(path, Fault::forbidden(why)));
                None
            }
        }
    }

    /// `Some(None)` where the member is left out.
    fn optional_at(&mut self, value: &'a Value, path: &str, member: &str) -> Option<Option<String>> {
        match value.get(member).filter(|value| !value.is_null()) {
            None => Some(None),
            Some(value) => self.text_at(value, &format!("{path}.{member}")).map(Some),
        }
    }

    /// The name of an object of the API server, `what` for people.
    fn object_name(&mut self, value: &Value, path: &str, what: &str) -> Option<String> {
        let text = self.text_at(value, path)?;
        if names::is_subdomain(&text) {
            return Some(text);
        }
        // It is not repeated, as someone may have put the secret itself there.
        let why = format!(
            "must be the name of {what}: lower-case letters and digits, with hyphens and dots between them"
        );
        self.found.problems.push(Problem::new(path, Fault::invalid(why)));
        None
    }

    fn text_at(&mut self, value: &Value, path: &str) -> Option<String> {
        match value {
            Value::String(text) if text.is_empty() => self.missing(path.to_owned()),
            Value::String(text) => Some(text.clone()),
            other => {
                self.found.problems.push(Problem::new(path, wrong_type(other, "a string")));
                None
            }
        }
    }
}
