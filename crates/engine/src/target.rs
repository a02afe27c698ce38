//! What is scaled, and how far.

use std::fmt;

use serde::Serialize;

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
}

impl Bounds {
    /// Bounds from `min` to `max`, both included; `None` where `min > max`.
    pub fn new(min: u32, max: u32) -> Option<Self> {
        (min <= max).then_some(Self { min, max })
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
