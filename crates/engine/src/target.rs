//! What is scaled, and how far.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// Group, kind, namespace and name of a target, regardless of the version by which it is named. Cheap to clone.
pub type TargetId = Arc<str>;

/// An object with a scale subresource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Group and version, for example `apps/v1`.
    pub api_version: String,
    /// Kind, for example `Deployment`.
    pub kind: String,
    /// Namespace of the target.
    pub namespace: String,
    /// Name of the target.
    pub name: String,
}

impl Target {
    /// Group, kind, namespace and name: the same for every version by which the object may be named.
    pub fn identity(&self) -> TargetId {
        let group = self.api_version.rsplit_once('/').map_or("", |(group, _)| group);
        // None of them has a slash.
        format!("{group}/{}/{}/{}", self.kind, self.namespace, self.name).into()
    }

    /// `Kind/name`, where the namespace is plain from elsewhere.
    pub fn short_name(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// The minimum and maximum replicas of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    min: u32,
    max: u32,
    /// Whether 0 replicas are one of the counts that the spec allows, and not a target that is switched off.
    sleeps: bool,
}

impl Bounds {
    /// Bounds from `min` to `max`, both included; `None` where `min > max`.
    pub fn new(min: u32, max: u32) -> Option<Self> {
        (min <= max).then_some(Self { min, max, sleeps: min == 0 })
    }

    /// From `min` to `max` for a time; what 0 replicas mean stays as the spec has it.
    pub(crate) fn moved(self, min: u32, max: u32) -> Self {
        Self { min, max, ..self }
    }

    /// The same with neither bound above `most`.
    pub fn at_most(self, most: u32) -> Self {
        self.moved(self.min.min(most), self.max.min(most))
    }

    /// Whether a target with 0 replicas has been switched off by hand, as the spec has a minimum.
    pub fn is_off_at_0(self) -> bool {
        !self.sleeps
    }

    /// The minimum.
    pub fn min(self) -> u32 {
        self.min
    }

    /// The maximum.
    pub fn max(self) -> u32 {
        self.max
    }

    /// The nearest count within the bounds.
    pub fn clamp(self, replicas: u32) -> u32 {
        replicas.clamp(self.min, self.max)
    }

    /// How many replicas `replicas` lies outside the bounds; 0 within.
    pub fn distance(self, replicas: u32) -> u32 {
        replicas.abs_diff(self.clamp(replicas))
    }
}
