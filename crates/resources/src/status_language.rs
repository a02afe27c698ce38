//! How a kind keeps and words the status of its objects: the type of the status, the place of the memory of their
//! decisions, and the Events.
//!
//! What kinds of ours have in common is common code that they call: `common::status`, `common::conditions`
//! and [`events::usual`]. A kind whose status is someone else's contract brings its own.

use engine::{Memory, Problem, Target};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps,
};
use serde_json::Value;

use crate::events::{self, Announcement, Change, Deletion};
use crate::kept_status::{KeptStatus, MemoryPlace, Status};
use crate::manifest::{self, TargetOwner};

const ABOUT_MEMORY: &str = "State that later decisions depend on, so that a new leader keeps cooldowns and \
                            stabilization windows. For use by the operator only.";

/// How somebody else counts the objects of a kind, under whose names they are counted here, too.
#[derive(Clone, Copy)]
pub struct Counting {
    /// What it calls the kind.
    pub registered: &'static str,
    /// The types of the triggers of an object. Called with whatever users write, malformed or not.
    pub triggers: fn(&Value) -> Vec<String>,
    /// What it calls the reason of a refusal at admission.
    pub refusal: fn(&Problem) -> &'static str,
}

/// How a kind keeps and words the status of its objects.
#[derive(Clone, Copy)]
pub struct StatusLanguage {
    memory: MemoryPlace,
    kept: fn(MemoryPlace, &Value) -> KeptStatus,
    /// What is known of an object that holds no memory, because somebody else scaled by it before.
    inherited: Option<fn(&Value) -> Memory>,
    pub(crate) events: fn(&Change<'_>) -> Vec<Announcement>,
    /// How it words that a target is somebody else's.
    pub(crate) taken: fn(&Value, &Target, &TargetOwner) -> Problem,
    /// How somebody else counts its objects.
    counting: Option<Counting>,
    /// The Events that the deletion of an object is worth.
    pub(crate) farewell: fn(&Deletion) -> Vec<Announcement>,
    /// The Event that a status is worth which cannot be written, by the reason in a sentence.
    pub(crate) unwritten: fn(&str) -> Option<Announcement>,
}

impl StatusLanguage {
    /// A status of type `S`, with its memory at `memory` and the usual Events.
    pub const fn of<S: Status>(memory: MemoryPlace) -> Self {
        Self {
            memory,
            kept: KeptStatus::of::<S>,
            inherited: None,
            events: events::usual,
            taken: manifest::taken,
            counting: None,
            farewell: |_| Vec::new(),
            unwritten: |_| None,
        }
    }

    /// The same, where somebody else may have scaled by an object before and has left `inherited` in it.
    pub(crate) const fn inheriting(self, inherited: fn(&Value) -> Memory) -> Self {
        Self { inherited: Some(inherited), ..self }
    }

    /// The same with Events of its own.
    pub(crate) const fn announcing(self, events: fn(&Change<'_>) -> Vec<Announcement>) -> Self {
        Self { events, ..self }
    }

    /// The same with words of its own for a target that is somebody else's.
    pub(crate) const fn refusing(self, taken: fn(&Value, &Target, &TargetOwner) -> Problem) -> Self {
        Self { taken, ..self }
    }

    /// The same where somebody else counts, too.
    pub const fn counting(self, counting: Counting) -> Self {
        Self { counting: Some(counting), ..self }
    }

    /// The same with Events for the deletion of an object.
    pub(crate) const fn parting(self, farewell: fn(&Deletion) -> Vec<Announcement>) -> Self {
        Self { farewell, ..self }
    }

    /// The same with an Event where a status cannot be written.
    pub(crate) const fn regretting(self, unwritten: fn(&str) -> Option<Announcement>) -> Self {
        Self { unwritten, ..self }
    }

    /// How somebody else counts its objects, where that is done.
    pub(crate) const fn counted(&self) -> Option<&Counting> {
        self.counting.as_ref()
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
        (self.kept)(self.memory, object)
    }

    /// The memory that `object` holds, or what somebody else has left in it; empty where neither can be read.
    pub(crate) fn memory(self, object: &Value) -> Memory {
        match self.memory.memory_of(object).unwrap_or_default() {
            none if none == Memory::default() => self.inherited.map_or(none, |inherited| inherited(object)),
            memory => memory,
        }
    }

    /// Whether the memory stands beside the status.
    pub(crate) fn has_annotation(self) -> bool {
        self.memory == MemoryPlace::Annotation
    }
}
