//! One pod of a target, as far as a decision looks at it: what an HPA knows of each pod.
//!
//! A sample is about one resource, `cpu` or `memory`, which the query names. Amounts are in
//! milli-units of it, a thousandth of a core or of a byte, as the HPA counts them.

use std::time::Duration;

use crate::Time;

/// A pod with what it requests and uses of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSample {
    /// Its name, unique within its namespace.
    pub name: String,
    /// Where it is in its life.
    pub phase: PodPhase,
    /// Its condition `Ready`; `None` until the kubelet has reported one.
    pub readiness: Option<Readiness>,
    /// When the kubelet accepted it, `status.startTime`; `None` before that.
    pub started: Option<Time>,
    /// When it is or was to be gone, `metadata.deletionTimestamp`; `None` for a pod that is not being deleted.
    pub deletion: Option<Time>,
    /// Whether the target owns it, by itself or through a controller in between. A pod that only has the same
    /// labels, such as a Job's, is not owned.
    pub owned: bool,
    /// What it requests of the resource.
    pub requests: PodRequests,
    /// What it used when it was last measured; `None` where it was not measured.
    pub usage: Option<PodUsage>,
}

/// A pod's `status.phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodPhase {
    /// Accepted, and not all of its containers have started.
    Pending,
    /// Bound to a node, with at least one container that runs or restarts.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, and at least one of them failed.
    Failed,
    /// Its node cannot be reached, or the phase is one that is not known here.
    Unknown,
}

impl PodPhase {
    /// The phase that the API server writes as `text`.
    pub fn of(text: &str) -> Self {
        match text {
            "Pending" => Self::Pending,
            "Running" => Self::Running,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// A pod's condition `Ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Whether its status is other than `False`: one that is Unknown, as of a node that is away, counts as ready, as by
    /// the HPA controller.
    pub ready: bool,
    /// Its `lastTransitionTime`.
    pub since: Time,
}

/// What a pod requests of one resource, in milli-units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodRequests {
    /// What the pod requests as a whole, `spec.resources`; `None` where it leaves that to its containers.
    pub pod: Option<i64>,
    /// Each container that runs as long as the pod does, sidecars included, in the order of the spec.
    pub containers: Vec<ContainerRequest>,
}

/// What one container requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRequest {
    /// Its name, unique within its pod.
    pub container: String,
    /// The request in milli-units; `None` where there is none.
    pub milli: Option<i64>,
}

/// A measurement of one pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodUsage {
    /// The end of the time that it was measured over.
    pub at: Time,
    /// That time.
    pub window: Duration,
    /// Each container that was measured.
    pub containers: Vec<ContainerUsage>,
}

/// What one container used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerUsage {
    /// Its name, unique within its pod.
    pub container: String,
    /// The usage in milli-units, at least 0.
    pub milli: i64,
}
