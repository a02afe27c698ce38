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

use crate::events::{self, Announcement, Change};
use crate::kept_status::{KeptStatus, MemoryPlace, Status};
use crate::manifest::{self, TargetOwner};

const ABOUT_MEMORY: &str = "State that later decisions depend on, so that a new leader keeps cooldowns and \
                            stabilization windows. For use by the operator only.";

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
    /// By which name a refusal at admission is counted for each reason, where that is done.
    pub(crate) counted_as: Option<fn(&Problem) -> &'static str>,
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
            counted_as: None,
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

    /// The same where refusals are counted by names of somebody else's.
    pub(crate) const fn counting(self, counted_as: fn(&Problem) -> &'static str) -> Self {
        Self { counted_as: Some(counted_as), ..self }
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
