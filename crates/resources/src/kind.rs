//! What the rest of the system knows of a kind: one row of the table.

use engine::{Memory, PolicyTable, Problem, Told};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

use crate::compile::{Compiled, Context, NotCompiled};
use crate::events::{Announcement, Change, Deletion};
use crate::kept_status::KeptStatus;
use crate::outcome::Poll;
use crate::schema::{self, Schema};
use crate::scope::Scope;
use crate::status_language::{Counting, StatusLanguage};
use crate::supporting::Needs;

/// One kind: its names and the pure functions that make it work.
#[derive(Clone, Copy)]
pub struct Kind {
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
    /// Writes the CRD, schema and CEL rules included, for objects that may name these policies.
    pub definition: fn(&PolicyTable) -> CustomResourceDefinition,
    /// Judges the typed spec and compiles it; called with an object that fits the schema.
    pub compile: fn(&Value, &Context<'_>) -> Result<Compiled, NotCompiled>,
    /// How its objects say how they are: conditions, reasons, Events, and where their memory is kept.
    pub status: StatusLanguage,
    /// What it needs beyond its own objects and their targets.
    pub needs: Needs,
}

/// The object with whole numbers that no count can hold moved to the nearest that one can.
fn with_numbers_in_range(object: &Value) -> Value {
    match object {
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.clamp(0, i64::from(u32::MAX)).into(),
            None => object.clone(),
        },
        Value::Array(items) => items.iter().map(with_numbers_in_range).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), with_numbers_in_range(value))).collect()
        }
        other => other.clone(),
    }
}

impl Kind {
    /// `group/version`.
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// Whether its objects are never written, as they are somebody else's.
    pub fn is_read_only(&self) -> bool {
        crate::READ_ONLY.iter().any(|known| known.crd_name() == self.crd_name())
    }

    /// Name of the CRD: `plural.group`.
    pub fn crd_name(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }

    /// The CRD with its schema and rules, for objects that may name `policies`.
    pub fn crd(&self, policies: &PolicyTable) -> CustomResourceDefinition {
        self.status.with_memory((self.definition)(policies))
    }

    /// The schema of its objects, which may name `policies`.
    pub(crate) fn schema(&self, policies: &PolicyTable) -> Schema {
        Schema::of(self.crd_name(), policies, || self.crd(policies))
    }

    /// The fields of `object`, which may name `policies`, that its schema does not know, in the words of a strict API server.
    pub fn unknown_field_problems(&self, object: &Value, policies: &PolicyTable) -> Vec<Problem> {
        self.schema(policies).unknown_field_problems(object)
    }

    /// The namespace in which `object` acts: its own, or for a cluster-scoped kind the one in its spec.
    pub fn acts_in(&self, object: &Value) -> String {
        let place = match self.scope {
            Scope::Namespaced => "/metadata/namespace",
            Scope::Cluster => "/spec/namespace",
        };
        object.pointer(place).and_then(Value::as_str).unwrap_or("default").to_owned()
    }

    /// Compiles an object into a plan and warnings.
    ///
    /// # Errors
    /// All problems at once: those of the schema, then those of the rules and the settings.
    /// Unknown fields are no problem here, as the API server has dropped or refused them.
    pub fn compile(&self, object: &Value, context: &Context<'_>) -> Result<Compiled, Vec<Problem>> {
        let schema = self.schema(context.policies);
        let object = &*schema.without_nulls(object);
        let mut problems = schema.problems(object);
        // As in the API server: rules cannot judge what is missing or of another type.
        if problems.iter().any(schema::blocks_rules) {
            return Err(problems);
        }
        let compiled = match (self.compile)(object, context) {
            // The schema has said which numbers cannot be; the rules judge them all the same.
            Err(NotCompiled::Unreadable(_)) if !problems.is_empty() => {
                (self.compile)(&with_numbers_in_range(object), context)
            }
            compiled => compiled,
        };
        match compiled {
            Ok(compiled) if problems.is_empty() => Ok(compiled),
            Ok(_) => Err(problems),
            // The schema has said what keeps the spec from being read, in better words.
            Err(NotCompiled::Unreadable(_)) if !problems.is_empty() => Err(problems),
            Err(NotCompiled::Unreadable(problem)) => Err(vec![problem]),
            Err(NotCompiled::Problems { broken_rules, mut others }) => {
                // What the schema says of a field need not be said again in other words; of rules the
                // API server speaks in any case.
                others.retain(|problem| problems.iter().all(|said| said.path != problem.path));
                problems.extend(broken_rules);
                problems.extend(others);
                Err(problems)
            }
        }
    }

    /// The status that `object` holds; a blank one where it holds none, or none that can be read.
    pub fn kept_status(&self, object: &Value) -> KeptStatus {
        self.status.kept(object)
    }

    /// What later decisions must know of earlier ones, as `object` holds it or as somebody who scaled by it before has left
    /// it; empty where it holds none that can be read.
    pub fn memory(&self, object: &Value) -> Memory {
        self.status.memory(object)
    }

    /// Whether the memory is kept in an annotation, so that the objects themselves are patched, and not their status alone.
    pub fn has_annotation(&self) -> bool {
        self.status.has_annotation()
    }

    /// What people are told of `poll`, to be remembered where the memory stands apart from the status: that is where the
    /// status has no room for it.
    pub fn told(&self, poll: &Poll) -> Option<Box<Told>> {
        let failure = poll.members.iter().find_map(|member| member.write.as_ref()?.as_ref().err());
        let not_scaled = match failure {
            Some(failure) => Some(failure.reason.as_str().to_owned()),
            // Who was not seen was not scaled either.
            None if poll.members.iter().any(|member| member.seen.is_err()) => {
                poll.memory.told.as_ref().and_then(|told| told.not_scaled.clone())
            }
            None => None,
        };
        let lacking = poll.lacking.iter().map(|problem| problem.path.clone()).collect();
        let told = Told { lacking, not_scaled };
        (self.has_annotation() && told != Told::default()).then(|| Box::new(told))
    }

    /// How somebody else counts its objects, where that is done.
    pub fn counting(&self) -> Option<&Counting> {
        self.status.counted()
    }

    /// The Events that the deletion of an object is worth.
    pub fn farewell(&self, deletion: &Deletion) -> Vec<Announcement> {
        (self.status.farewell)(deletion)
    }

    /// The Event that is worth saying where the status of an object cannot be written, by the reason in a sentence.
    pub fn unwritten(&self, why: &str) -> Option<Announcement> {
        (self.status.unwritten)(why)
    }

    /// The Events that a change of an object is worth.
    pub fn events(&self, change: &Change<'_>) -> Vec<Announcement> {
        (self.status.events)(change)
    }
}
