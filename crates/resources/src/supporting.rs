//! Supporting kinds: custom resources that give no plan themselves, and to which the objects of other kinds refer.
//!
//! ```text
//!  object ─▶ Needs::references ─▶ runner finds them ─▶ Context::lookup ─▶ compile
//! ```
//!
//! They are watched as ours are, and a change of one has those that rest on it compiled again. Nothing that is a
//! secret belongs here: secrets are read by name when a metric needs them, and never listed or watched.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use engine::{Fault, FaultKind, Problem};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

use crate::events::Announcement;
use crate::finalizer::Finalizer;
use crate::manifest::TargetOwner;
use crate::schema::{self, Schema};
use crate::scope::Scope;
use crate::workload_needs::WorkloadNeeds;

/// A kind that others refer to.
pub struct Supporting {
    /// API group.
    pub group: &'static str,
    /// API version within the group.
    pub version: &'static str,
    /// Kind, in the singular.
    pub kind: &'static str,
    /// Resource name, as in URLs and RBAC rules.
    pub plural: &'static str,
    /// Whether objects live in a namespace.
    pub scope: Scope,
    /// Writes the CRD with its schema.
    pub definition: fn() -> CustomResourceDefinition,
    /// What is wrong with an object by the rules across fields; called with one that fits the schema.
    pub broken_rules: fn(&Value) -> Vec<Problem>,
    /// The finalizer that its objects may have, where one is known.
    pub finalizer: Option<Finalizer>,
    /// The field of its status that lists the names of those who refer to it, with commas between, where it has one.
    pub users: Option<&'static str>,
    /// What the Event on an object of a name says of what happened to it, where there are any.
    pub announce: Option<fn(Step, &str) -> Announcement>,
}

/// What happened to a supporting object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It has come.
    Added,
    /// Its spec has changed.
    Changed,
    /// It has gone.
    Deleted,
}

impl Supporting {
    /// Name of the CRD: `plural.group`.
    pub fn crd_name(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }

    /// `group/version`.
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// All that is wrong with `object`, unknown fields included, as the API server would judge it strictly.
    pub(crate) fn problems(&self, object: &Value) -> Vec<Problem> {
        // Its schema names no policy.
        let schema = Schema::of(self.crd_name(), &engine::POLICIES, self.definition);
        let object = &*schema.without_nulls(object);
        let mut problems = schema.unknown_field_problems(object);
        let misfits = schema.problems(object);
        if !misfits.iter().any(schema::blocks_rules) {
            problems.extend((self.broken_rules)(object));
        }
        problems.extend(misfits);
        problems
    }
}

/// What a kind needs beyond its own objects and their targets.
#[derive(Clone, Copy)]
pub struct Needs {
    /// The supporting kinds that its objects may refer to; each stands in [`SUPPORTING`](crate::SUPPORTING), too.
    pub supporting: &'static [&'static Supporting],
    /// Which supporting objects an object refers to. Called with whatever users write, malformed or not.
    pub references: fn(&Value) -> Vec<Reference>,
    /// How its objects name the HPAs that they keep; `None` where no plan of them keeps one. Only with it may the operator
    /// write HPAs.
    pub hpa: Option<HpaNaming>,
    /// What an object needs of the workload that it scales. Called with whatever users write, malformed or not.
    pub workload: fn(&Value) -> Option<WorkloadNeeds>,
    /// The finalizer that its objects may have, where one is known.
    pub finalizer: Option<Finalizer>,
}

impl Needs {
    /// Nothing else.
    pub const NOTHING: Self =
        Self { supporting: &[], references: |_| Vec::new(), hpa: None, workload: |_| None, finalizer: None };
}

/// How the objects of a kind name the HPAs that they keep.
#[derive(Clone, Copy)]
pub struct HpaNaming {
    /// The name that an object gives its HPA, in its own namespace; `None` where it keeps none, whatever is paused. Called
    /// with whatever users write, malformed or not.
    pub name: fn(&Value) -> Option<String>,
    /// How it is worded that another object gives its HPA that name.
    pub taken: fn(&str, &TargetOwner) -> Problem,
}

impl HpaNaming {
    /// Such names, and common words for one that is taken.
    pub const fn of(name: fn(&Value) -> Option<String>) -> Self {
        Self { name, taken }
    }
}

fn taken(name: &str, owner: &TargetOwner) -> Problem {
    let why = format!("{owner} keeps an HPA called {name} already: choose another name");
    Problem::new("metadata.name", Fault::new(FaultKind::Duplicate, why))
}

/// The name of a supporting object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// Its kind, one of [`SUPPORTING`](crate::SUPPORTING).
    pub kind: &'static str,
    /// Its namespace; empty for a cluster-scoped kind.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Reference {
    /// What KEDA's operator calls the kind where it counts its objects; `None` for a kind that it does not know.
    pub fn counted_as(&self) -> Option<&'static str> {
        match self.kind {
            "TriggerAuthentication" => Some("trigger_authentication"),
            "ClusterTriggerAuthentication" => Some("cluster_trigger_authentication"),
            _ => None,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

/// The supporting objects that one object refers to, as they are in the cluster.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    objects: HashMap<Reference, Option<Arc<Value>>>,
    own_namespace: Option<String>,
}

impl Resolved {
    /// These objects; `None` for one that does not exist.
    pub fn new(found: impl IntoIterator<Item = (Reference, Option<Arc<Value>>)>) -> Self {
        Self { objects: found.into_iter().collect(), own_namespace: None }
    }

    /// The same, found by an operator that lives in `namespace`: what cluster-scoped objects name stands there.
    #[must_use]
    pub fn by_operator_in(self, namespace: &str) -> Self {
        Self { own_namespace: Some(namespace.to_owned()), ..self }
    }

    /// The operator's own namespace.
    pub(crate) fn own_namespace(&self) -> Option<&str> {
        self.own_namespace.as_deref()
    }

    /// The references whose objects do not exist.
    pub fn missing(&self) -> impl Iterator<Item = &Reference> {
        self.objects.iter().filter(|(_, object)| object.is_none()).map(|(reference, _)| reference)
    }

    pub(crate) fn lookup(&self, reference: &Reference) -> Lookup<'_> {
        match self.objects.get(reference) {
            Some(Some(object)) => Lookup::Found(object),
            Some(None) | None => Lookup::Missing,
        }
    }
}

/// What is known of a supporting object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lookup<'a> {
    /// It exists, in this state.
    Found(&'a Value),
    /// It does not exist.
    Missing,
    /// Nobody looks here, as in `polyscaler check` and at admission: an object may be applied before what it refers
    /// to, so its absence is no problem there.
    Unknown,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_looked_up_is_there_or_missing() {
        let reference = |name: &str| Reference {
            kind: "Authentication",
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        };
        let found = Arc::new(json!({ "spec": {} }));
        let resolved = Resolved::new([(reference("a"), Some(Arc::clone(&found))), (reference("b"), None)]);
        assert_eq!(resolved.lookup(&reference("a")), Lookup::Found(&found));
        assert_eq!(resolved.lookup(&reference("b")), Lookup::Missing);
        assert_eq!(
            resolved.lookup(&reference("c")),
            Lookup::Missing,
            "whoever forgets to name it finds nothing"
        );
        assert_eq!(
            resolved.missing().map(ToString::to_string).collect::<Vec<_>>(),
            ["Authentication shop/b"]
        );
    }
}
