//! Who owns which target already: a second object on one target decides nothing.

use std::collections::{HashMap, HashSet};

use cluster::{View, ViewError};
use engine::{Plan, Target};
use resources::Kind;
use runner::ObjectKey;
use serde_json::Value;
use sources::{AddressPolicy, Registry};

use super::super::lenient;
use super::{owning_kinds, targets};

/// The owners of targets, by what the target prints as.
pub(super) struct Owners(HashMap<String, Vec<String>>);

impl Owners {
    /// Those in `namespaces`: our objects, and HPAs that none of ours controls. Those that may not be listed are
    /// reported and left out: few may list what has no namespace.
    ///
    /// # Errors
    /// Where the API server does not answer.
    pub(super) async fn in_namespaces(view: &View, namespaces: &[String]) -> Result<Self, ViewError> {
        let mut owners = Self(HashMap::new());
        let mut unseen = HashSet::new();
        for namespace in namespaces {
            for kind in owning_kinds() {
                match view.list(kind, Some(namespace)).await {
                    Ok(objects) => objects.iter().for_each(|object| owners.add_ours(kind, object)),
                    Err(error) => report(&mut unseen, error)?,
                }
            }
            match view.foreign_hpas(namespace).await {
                Ok(hpas) => hpas.iter().for_each(|(name, target)| {
                    owners.add(target, format!("HorizontalPodAutoscaler {namespace}/{name}"));
                }),
                Err(error) => report(&mut unseen, error)?,
            }
        }
        Ok(owners)
    }

    fn add_ours(&mut self, kind: &'static Kind, object: &Value) {
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = ObjectKey::new(kind.kind, text("/metadata/namespace"), text("/metadata/name"));
        let catalog = Registry::new(AddressPolicy::default());
        let context = lenient(&catalog);
        // One that cannot be compiled owns nothing.
        let Ok(compiled) = kind.compile(object, &context) else { return };
        self.add_object(&key, &compiled.plan);
    }

    /// The object at `key` has the targets of `plan`, or would have them.
    pub(super) fn add_object(&mut self, key: &ObjectKey, plan: &Plan) {
        targets(plan).for_each(|target| self.add(target, key.to_string()));
    }

    fn add(&mut self, target: &Target, owner: String) {
        let owners = self.0.entry(target.to_string()).or_default();
        if !owners.contains(&owner) {
            owners.push(owner);
        }
    }

    /// Somebody else than `key` who has one of the plan's targets, in a sentence; `None` where it has them itself.
    pub(super) fn other_owner(&self, key: &ObjectKey, plan: &Plan) -> Option<String> {
        let own = key.to_string();
        targets(plan).find_map(|target| {
            let owners = self.0.get(&target.to_string())?;
            let has_it = owners.contains(&own);
            let other = owners.iter().find(|owner| **owner != own).filter(|_| !has_it)?;
            Some(format!("{target} is scaled by {other} already"))
        })
    }
}

/// Reports, once each, what cannot be looked at. What is not installed owns nothing.
fn report(unseen: &mut HashSet<String>, error: ViewError) -> Result<(), ViewError> {
    match error {
        ViewError::NotInstalled(_) => Ok(()),
        ViewError::NoAnswer { .. } => Err(error),
        ViewError::Refused { .. } => {
            let why = error.to_string();
            if !unseen.contains(&why) {
                eprintln!("polyscaler: whether any of these owns a target is not known: {why}");
                unseen.insert(why);
            }
            Ok(())
        }
    }
}
