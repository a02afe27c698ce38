//! How a kind keeps and words the status of its objects: typed, with the memory of its decisions at the
//! place that the kind has for it, and with Events of its own.
//!
//! What kinds of ours have in common is common code that they call: `common::status`, `common::conditions`
//! and [`events::usual`]. A kind whose status is someone else's contract brings its own.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use engine::{Difference, Memory};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::Outcome;
use crate::common::annotations::MEMORY_ANNOTATION;
use crate::common::status::ObservedStatus;
use crate::events::{self, Announcement, Change};

/// The status of a kind, typed. Memory is no part of it.
pub trait Status:
    Clone + Debug + Default + PartialEq + DeserializeOwned + Serialize + Send + Sync + 'static
{
    /// Takes over what `outcome` says; what it does not speak of stays.
    fn update(&mut self, outcome: &Outcome);

    /// Clears what moves with the metrics alone, whose change is no reason to write at once.
    fn clear_volatile(&mut self);

    /// The fields that kinds of ours have in common; `None` for a status in another language.
    fn observed(&self) -> Option<&ObservedStatus>;
}

/// Where the memory of decisions is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryPlace {
    /// In `status.memory`.
    Status,
    /// As JSON in the annotation [`MEMORY_ANNOTATION`], where a CRD that is not ours would prune it from the status.
    Annotation,
}

const ABOUT_MEMORY: &str = "State that later decisions depend on, so that a new leader keeps cooldowns and \
                            stabilization windows. For use by the operator only.";

/// How a kind keeps and words the status of its objects.
#[derive(Clone, Copy)]
pub struct StatusLanguage {
    read: fn(Option<&Value>) -> Option<Arc<dyn AnyStatus>>,
    memory: MemoryPlace,
    pub(crate) events: fn(&Change<'_>) -> Vec<Announcement>,
}

impl StatusLanguage {
    /// A status of type `S`, with its memory at `memory` and the usual Events.
    pub const fn of<S: Status>(memory: MemoryPlace) -> Self {
        Self { read: read::<S>, memory, events: events::usual }
    }

    /// Has the schema of the status hold the memory, where that is its place.
    pub(crate) fn with_memory(self, mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
        if self.memory != MemoryPlace::Status {
            return crd;
        }
        for version in &mut crd.spec.versions {
            let schema = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut());
            let status = schema.and_then(|schema| schema.properties.as_mut()?.get_mut("status"));
            let Some(status) = status else { continue };
            let memory = JSONSchemaProps {
                description: Some(ABOUT_MEMORY.to_owned()),
                type_: Some("object".to_owned()),
                x_kubernetes_preserve_unknown_fields: Some(true),
                ..JSONSchemaProps::default()
            };
            status.properties.get_or_insert_default().insert("memory".to_owned(), memory);
        }
        crd
    }

    /// The status that `object` holds.
    pub(crate) fn kept(self, object: &Value) -> KeptStatus {
        let stored = object.get("status").filter(|status| !status.is_null());
        let typed = (self.read)(stored);
        let memory = self.stored_memory(object);
        let is_unreadable = typed.is_none() || memory.is_none();
        KeptStatus {
            language: self,
            typed: typed
                .or_else(|| (self.read)(None))
                .unwrap_or_else(|| unreachable!("a default is readable")),
            memory: Arc::new(memory.unwrap_or_default()),
            unreadable: stored.filter(|_| is_unreadable).cloned().map(Arc::new),
        }
    }

    /// `None` where there is a memory that cannot be read.
    pub(crate) fn stored_memory(self, object: &Value) -> Option<Memory> {
        match self.memory {
            MemoryPlace::Status => match object.pointer("/status/memory") {
                None | Some(Value::Null) => Some(Memory::default()),
                Some(memory) => serde::Deserialize::deserialize(memory).ok(),
            },
            MemoryPlace::Annotation => {
                let annotations = object.pointer("/metadata/annotations");
                let text = annotations.and_then(|all| all.get(MEMORY_ANNOTATION)?.as_str());
                text.map_or_else(|| Some(Memory::default()), |text| serde_json::from_str(text).ok())
            }
        }
    }
}

fn read<S: Status>(stored: Option<&Value>) -> Option<Arc<dyn AnyStatus>> {
    let status = match stored {
        None => S::default(),
        Some(stored) => S::deserialize(stored).ok()?,
    };
    Some(Arc::new(status))
}

/// A [`Status`] of any kind.
trait AnyStatus: Debug + Send + Sync {
    fn after(&self, outcome: &Outcome) -> Arc<dyn AnyStatus>;
    fn difference(&self, earlier: &dyn AnyStatus) -> Difference;
    fn to_value(&self) -> Value;
    fn observed(&self) -> Option<&ObservedStatus>;
    fn as_any(&self) -> &dyn Any;
}

impl<S: Status> AnyStatus for S {
    fn after(&self, outcome: &Outcome) -> Arc<dyn AnyStatus> {
        let mut next = self.clone();
        next.update(outcome);
        Arc::new(next)
    }

    fn difference(&self, earlier: &dyn AnyStatus) -> Difference {
        let Some(earlier) = earlier.as_any().downcast_ref::<S>() else { return Difference::Major };
        if self == earlier {
            return Difference::None;
        }
        let steady = |status: &S| {
            let mut status = status.clone();
            status.clear_volatile();
            status
        };
        if steady(self) == steady(earlier) { Difference::Minor } else { Difference::Major }
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_else(|error| unreachable!("plain data: {error}"))
    }

    fn observed(&self) -> Option<&ObservedStatus> {
        Status::observed(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The status of one object as it was last written or read: typed, so that it is compared without being
/// serialised. Cheap to clone.
#[derive(Clone)]
pub struct KeptStatus {
    language: StatusLanguage,
    typed: Arc<dyn AnyStatus>,
    memory: Arc<Memory>,
    /// What the object holds, where it does not fit the type: written by someone else, or before the kind changed.
    unreadable: Option<Arc<Value>>,
}

impl KeptStatus {
    /// The status after `outcome`.
    pub fn after(&self, outcome: &Outcome) -> Self {
        let memory = match outcome.poll() {
            Some(poll) if poll.memory != *self.memory => Arc::new(poll.memory.clone()),
            _ => Arc::clone(&self.memory),
        };
        Self { language: self.language, typed: self.typed.after(outcome), memory, unreadable: None }
    }

    /// How it differs from an `earlier` one of the same object.
    pub fn difference(&self, earlier: &Self) -> Difference {
        if earlier.unreadable.is_some() {
            return Difference::Major;
        }
        self.typed.difference(&*earlier.typed).max(self.memory.difference(&earlier.memory))
    }

    /// The memory of the object's decisions.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The status as the object has it.
    pub fn to_value(&self) -> Value {
        if let Some(stored) = &self.unreadable {
            return Value::clone(stored);
        }
        let mut status = self.typed.to_value();
        if self.language.memory == MemoryPlace::Status && *self.memory != Memory::default() {
            status["memory"] = json!(*self.memory);
        }
        status
    }

    /// The annotations that differ from those of an `earlier` status of the same object, as a merge patch: those
    /// in which the memory is kept. Empty where it is kept in the status or is as before.
    pub fn changed_annotations(&self, earlier: &Self) -> Map<String, Value> {
        match self.language.memory {
            MemoryPlace::Annotation if self.memory != earlier.memory => {
                let text = (*self.memory != Memory::default()).then(|| json!(*self.memory).to_string());
                Map::from_iter([(MEMORY_ANNOTATION.to_owned(), json!(text))])
            }
            MemoryPlace::Annotation | MemoryPlace::Status => Map::new(),
        }
    }

    /// The fields that kinds of ours have in common.
    pub(crate) fn observed(&self) -> Option<&ObservedStatus> {
        self.typed.observed()
    }
}

#[cfg(test)]
mod tests;
