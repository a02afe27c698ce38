//! Metrics that are measured at the pods of a target: which pods count, and what each of them uses.
//!
//! [`PodMeasure`] says what is measured. What the replicas come to by it is worked out twice: exactly as the HPA
//! controller does it, in [`hpa`](crate::hpa), and in the better form for the kinds of this project, as a [`PodLoad`].

#[cfg(test)]
pub(crate) mod fixture;
mod load;
mod unknown;

use std::time::Duration;

use crate::{PodPhase, PodSample, PodUsage, Readiness, Time};

pub use load::PodLoad;
pub use unknown::{PodsUnknown, Uncounted};

/// What is measured at each pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PodMeasure {
    /// Of which resource.
    pub resource: PodResource,
    /// In which unit.
    pub amount: PodAmount,
    /// Of this container of each pod only; `None`: of all of them.
    pub container: Option<String>,
}

/// What pods use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PodResource {
    /// Processor time. What a pod uses while it starts is not its load.
    Cpu,
    /// Memory.
    Memory,
    /// A metric of each pod that an application reports.
    Custom,
}

/// The unit of what pods use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PodAmount {
    /// Percent of what the pods request.
    Utilization,
    /// The resource's own unit: cores or bytes.
    Usage,
}

/// How long a pod may take to start, by the controller's own flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Startup {
    /// For so long after its start, a pod's processor time counts only once it is ready
    /// (`--horizontal-pod-autoscaler-cpu-initialization-period`).
    pub cpu_initialization: Duration,
    /// A pod that turned unready so soon after its start has never been ready
    /// (`--horizontal-pod-autoscaler-initial-readiness-delay`).
    pub initial_readiness: Duration,
}

impl Default for Startup {
    /// 5 min and 30 s, as the controller has it.
    fn default() -> Self {
        Self { cpu_initialization: Duration::from_secs(300), initial_readiness: Duration::from_secs(30) }
    }
}

impl Startup {
    /// Whether what a pod uses at present is what its start takes, as the controller judges it.
    pub(crate) fn holds(self, pod: &PodSample, usage: &PodUsage, now: Time) -> bool {
        let (Some(Readiness { ready, since }), Some(started)) = (pod.readiness, pod.started) else {
            return true;
        };
        if started.plus(self.cpu_initialization) > now {
            return !ready || usage.at < since.plus(usage.window);
        }
        !ready && started.plus(self.initial_readiness) > since
    }
}

impl PodResource {
    /// Its name in requests and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Custom => "the metric",
        }
    }
}

impl PodMeasure {
    /// Whether what was measured as `read` says it: the same resource, of the same container or of all of them.
    pub(crate) fn is_answered_by(&self, read: &Self) -> bool {
        self.resource == read.resource && (read.container.is_none() || read.container == self.container)
    }

    /// What the pod used, in milli-units; `None` where that was not measured.
    pub(crate) fn used(&self, usage: &PodUsage) -> Option<i64> {
        let wanted = self.container.as_deref();
        let containers =
            usage.containers.iter().filter(|used| wanted.is_none_or(|name| name == used.container));
        containers.map(|used| used.milli).reduce(i64::saturating_add)
    }

    /// What the pod requests, in milli-units; of a container, what that requests.
    pub(crate) fn requested(&self, pod: &PodSample) -> Result<i64, PodsUnknown> {
        let wanted = self.container.as_deref();
        if let (None, Some(whole)) = (wanted, pod.requests.pod) {
            return Ok(whole);
        }
        let containers = pod.requests.containers.iter();
        let mut sum = 0_i64;
        for request in containers.filter(|request| wanted.is_none_or(|name| name == request.container)) {
            sum = sum.saturating_add(request.milli.ok_or_else(|| PodsUnknown::NoRequest {
                resource: self.resource,
                container: request.container.clone(),
                pod: pod.name.clone(),
            })?);
        }
        Ok(sum)
    }

    /// Whether the pod has the container that is measured.
    pub(crate) fn is_in(&self, pod: &PodSample) -> bool {
        let has = |name: &String| pod.requests.containers.iter().any(|request| request.container == *name);
        self.container.as_ref().is_none_or(has)
    }
}

impl PodSample {
    /// Whether it does the work or will: not ended, and not about to be gone.
    pub(crate) fn is_there(&self) -> bool {
        self.deletion.is_none() && !matches!(self.phase, PodPhase::Failed | PodPhase::Succeeded)
    }
}
