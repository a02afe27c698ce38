//! The status of an object as the operator keeps it: typed, with the memory of its decisions at the place that
//! the object's kind has for it.

mod packed;

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use engine::{Difference, Memory};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::Outcome;
use crate::common::annotations::MEMORY_ANNOTATION;
use crate::common::status::ObservedStatus;

pub use packed::PackedStatus;

/// The status of a kind, typed. Memory is no part of it.
pub trait Status:
    Clone + Debug + Default + PartialEq + DeserializeOwned + Serialize + Send + Sync + 'static
{
    /// The status that `object` holds, blank where it holds none; `None` where that does not fit the type.
    fn read(object: &Value) -> Option<Self> {
        let stored = object.get("status").filter(|status| !status.is_null());
        stored.map_or_else(|| Some(Self::default()), |stored| Self::deserialize(stored).ok())
    }

    /// Takes over what `outcome` says; what it does not speak of stays.
    fn update(&mut self, outcome: &Outcome);

    /// What of the object's metadata is to be other than it was with an `earlier` status, as a merge patch; nothing for most
    /// kinds.
    fn changed_metadata(&self, earlier: &Self) -> Map<String, Value> {
        let _ = earlier;
        Map::new()
    }

    /// Clears what moves with the metrics alone, whose change is no reason to write at once.
    fn clear_volatile(&mut self);

    /// The fields that kinds of ours have in common; `None` for a status in another language.
    fn observed(&self) -> Option<&ObservedStatus>;

    /// The last value of each metric, in the plan's order, as far as the status holds them.
    fn metric_values(&self) -> Vec<Option<f64>> {
        Vec::new()
    }

    /// What it knows beside what is written, such as facts of the spec; nothing for most kinds.
    fn beside(&self) -> Value {
        Value::Null
    }

    /// A status that was written, with what it knew [`beside`](Self::beside).
    fn with_beside(self, beside: Value) -> Self {
        let _ = beside;
        self
    }
}

/// Where the memory of decisions is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryPlace {
    /// In `status.memory`.
    Status,
    /// As JSON in the annotation [`MEMORY_ANNOTATION`], where a CRD that is not ours would prune it from the status.
    Annotation,
}

impl MemoryPlace {
    /// The memory that `object` holds; `None` where there is one that cannot be read.
    pub(crate) fn memory_of(self, object: &Value) -> Option<Memory> {
        match self {
            Self::Status => match object.pointer("/status/memory") {
                None | Some(Value::Null) => Some(Memory::default()),
                Some(memory) => serde::Deserialize::deserialize(memory).ok(),
            },
            Self::Annotation => {
                let annotations = object.pointer("/metadata/annotations");
                let text = annotations.and_then(|all| all.get(MEMORY_ANNOTATION)?.as_str());
                text.map_or_else(|| Some(Memory::default()), |text| serde_json::from_str(text).ok())
            }
        }
    }
}

/// A [`Status`] of any kind.
trait AnyStatus: Debug + Send + Sync {
    fn after(&self, outcome: &Outcome) -> Arc<dyn AnyStatus>;
    fn difference(&self, earlier: &dyn AnyStatus) -> Difference;
    fn changed_metadata(&self, earlier: &dyn AnyStatus) -> Map<String, Value>;
    fn to_value(&self) -> Value;
    fn observed(&self) -> Option<&ObservedStatus>;
    fn metric_values(&self) -> Vec<Option<f64>>;
    fn packed(&self, kept: &KeptStatus) -> PackedStatus;
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

    fn changed_metadata(&self, earlier: &dyn AnyStatus) -> Map<String, Value> {
        let earlier = earlier.as_any().downcast_ref::<S>();
        earlier.map(|earlier| Status::changed_metadata(self, earlier)).unwrap_or_default()
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_else(|error| unreachable!("plain data: {error}"))
    }

    fn observed(&self) -> Option<&ObservedStatus> {
        Status::observed(self)
    }

    fn metric_values(&self) -> Vec<Option<f64>> {
        Status::metric_values(self)
    }

    fn packed(&self, kept: &KeptStatus) -> PackedStatus {
        PackedStatus::of(self, kept)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The status of one object as it was last written or read: typed, so that it is compared without being
/// serialised. Cheap to clone.
#[derive(Clone)]
pub struct KeptStatus {
    place: MemoryPlace,
    typed: Arc<dyn AnyStatus>,
    memory: Arc<Memory>,
    /// What the object holds, where it does not fit the type: written by someone else, or before the kind changed.
    unreadable: Option<Arc<Value>>,
}

impl KeptStatus {
    /// The status of type `S` that `object` holds, with its memory at `place`.
    pub(crate) fn of<S: Status>(place: MemoryPlace, object: &Value) -> Self {
        let stored = object.get("status").filter(|status| !status.is_null());
        let typed = S::read(object);
        let memory = place.memory_of(object);
        let is_unreadable = typed.is_none() || memory.is_none();
        Self {
            place,
            typed: Arc::new(typed.unwrap_or_default()),
            memory: Arc::new(memory.unwrap_or_default()),
            unreadable: stored.filter(|_| is_unreadable).cloned().map(Arc::new),
        }
    }

    /// The status after `outcome`.
    pub fn after(&self, outcome: &Outcome) -> Self {
        let memory = match outcome.poll() {
            Some(poll) if poll.memory != *self.memory => Arc::new(poll.memory.clone()),
            _ => Arc::clone(&self.memory),
        };
        Self { place: self.place, typed: self.typed.after(outcome), memory, unreadable: None }
    }

    /// How it differs from an `earlier` one of the same object.
    pub fn difference(&self, earlier: &Self) -> Difference {
        if earlier.unreadable.is_some() {
            return Difference::Major;
        }
        self.typed.difference(&*earlier.typed).max(self.memory.difference(&earlier.memory))
    }

    /// The same in the least room, to be kept for as long as the object is as it is.
    pub fn packed(&self) -> PackedStatus {
        self.typed.packed(self)
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
        if self.place == MemoryPlace::Status && *self.memory != Memory::default() {
            status["memory"] = json!(*self.memory);
        }
        status
    }

    /// What of the metadata differs from that of an `earlier` status of the same object, as a merge patch: the annotation in
    /// which the memory is kept, and what the kind has beyond that.
    pub fn changed_metadata(&self, earlier: &Self) -> Map<String, Value> {
        let mut metadata = self.typed.changed_metadata(&*earlier.typed);
        let annotations = self.changed_annotations(earlier);
        if !annotations.is_empty() {
            metadata.insert("annotations".to_owned(), annotations.into());
        }
        metadata
    }

    /// Those in which the memory is kept. Empty where it is kept in the status or is as before.
    fn changed_annotations(&self, earlier: &Self) -> Map<String, Value> {
        match self.place {
            MemoryPlace::Annotation if self.memory != earlier.memory => {
                let text = (*self.memory != Memory::default()).then(|| json!(*self.memory).to_string());
                Map::from_iter([(MEMORY_ANNOTATION.to_owned(), json!(text))])
            }
            MemoryPlace::Annotation | MemoryPlace::Status => Map::new(),
        }
    }

    /// The last value of each metric, in the plan's order, as far as the status holds them.
    pub fn metric_values(&self) -> Vec<Option<f64>> {
        self.typed.metric_values()
    }

    /// The status as the type of its kind.
    pub(crate) fn typed<S: Status>(&self) -> Option<&S> {
        self.typed.as_any().downcast_ref()
    }

    /// The fields that kinds of ours have in common.
    pub(crate) fn observed(&self) -> Option<&ObservedStatus> {
        self.typed.observed()
    }
}

#[cfg(test)]
mod tests;
