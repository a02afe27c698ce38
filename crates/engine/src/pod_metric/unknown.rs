//! Why nothing is known of what a target's pods use.

use std::fmt;

use super::PodResource;
use crate::{Absence, AbsenceReason};

/// Why a metric that is measured at pods has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodsUnknown {
    /// There is no pod. The metric abstains.
    NoPods,
    /// There are pods, and none of them can be counted yet.
    NoneCounted {
        /// How many there are.
        pods: usize,
        /// One of them.
        pod: String,
        /// Why that one is not counted.
        why: Uncounted,
    },
    /// A container requests nothing, so there is nothing that its usage could be a percentage of.
    NoRequest {
        /// Of this resource.
        resource: PodResource,
        /// The container.
        container: String,
        /// Its pod.
        pod: String,
    },
    /// The pods that are counted request nothing at all.
    NothingRequested,
    /// A pod does not have the container that is measured.
    NoContainer {
        /// The container.
        container: String,
        /// The pod.
        pod: String,
    },
}

/// Why a pod is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncounted {
    /// Its phase is Pending.
    Pending,
    /// What it uses is what its start takes.
    Starting,
    /// Nobody has measured it, or not recently.
    Unmeasured,
}

impl fmt::Display for Uncounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "is Pending",
            Self::Starting => "is not ready yet",
            Self::Unmeasured => "is not measured yet",
        })
    }
}

impl fmt::Display for PodsUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPods => f.write_str("it has no pods to measure"),
            Self::NoneCounted { pods, pod, why } => {
                write!(f, "none of its {pods} pods can be counted: pod {pod} {why}")
            }
            Self::NoRequest { resource, container, pod } => {
                let resource = resource.name();
                write!(
                    f,
                    "missing request for {resource} in container {container} of pod {pod}: set \
                     resources.requests.{resource}, or measure usage instead of utilization"
                )
            }
            Self::NothingRequested => f.write_str("its pods request 0, so there is no utilization"),
            Self::NoContainer { container, pod } => write!(f, "pod {pod} has no container {container:?}"),
        }
    }
}

impl From<PodsUnknown> for Absence {
    fn from(unknown: PodsUnknown) -> Self {
        let reason = match unknown {
            PodsUnknown::NoPods => AbsenceReason::NoPods,
            _ => AbsenceReason::ValueMissing,
        };
        Self { reason, message: unknown.to_string() }
    }
}
