//! Pods for tests, each of which requests 500 milli-units in its only container, `app`.

use std::time::Duration;

use super::{PodAmount, PodMeasure, PodResource};
use crate::{ContainerRequest, ContainerUsage, PodPhase, PodRequests, PodSample, PodUsage, Readiness, Time};

/// The instant of the tests.
pub(crate) const NOW: Time = Time::from_seconds(1_800_000_000);

const REQUEST: i64 = 500;

fn ago(seconds: u64) -> Time {
    NOW.minus(Duration::from_secs(seconds))
}

/// Usage of the processor in percent of what is requested.
pub(crate) fn percent_of_cpu() -> PodMeasure {
    PodMeasure { resource: PodResource::Cpu, amount: PodAmount::Utilization, container: None }
}

/// So many pods that each use so many percent of their request.
pub(crate) fn pods(count: u32, percent: i64) -> Vec<PodSample> {
    (0..count).map(|index| pod(&format!("pod-{index}")).using(percent)).collect()
}

/// A pod that has been ready for an hour, and that nobody has measured.
pub(crate) fn pod(name: &str) -> PodSample {
    PodSample {
        name: name.to_owned(),
        phase: PodPhase::Running,
        readiness: Some(Readiness { ready: true, since: ago(3590) }),
        started: Some(ago(3600)),
        deletion: None,
        owned: true,
        requests: PodRequests {
            pod: None,
            containers: vec![ContainerRequest { container: "app".to_owned(), milli: Some(REQUEST) }],
        },
        usage: None,
    }
}

impl PodSample {
    /// Measured 20 s ago, over 15 s, at so many percent of the usual request.
    pub(crate) fn using(mut self, percent: i64) -> Self {
        let containers = vec![ContainerUsage { container: "app".to_owned(), milli: REQUEST * percent / 100 }];
        self.usage = Some(PodUsage { at: ago(20), window: Duration::from_secs(15), containers });
        self
    }

    pub(crate) fn unmeasured(mut self) -> Self {
        self.usage = None;
        self
    }

    /// Measured so long ago.
    pub(crate) fn measured(mut self, seconds: u64) -> Self {
        self.usage.as_mut().expect("a measurement").at = ago(seconds);
        self
    }

    pub(crate) fn pending(mut self) -> Self {
        (self.phase, self.started, self.readiness) = (PodPhase::Pending, None, None);
        self
    }

    /// Ready since 10 s, with a measurement from before that.
    pub(crate) fn starting(mut self) -> Self {
        self.started = Some(ago(40));
        self.readiness = Some(Readiness { ready: true, since: ago(10) });
        if self.usage.is_none() { self.using(100) } else { self }
    }

    pub(crate) fn deleted(mut self) -> Self {
        self.deletion = Some(ago(1));
        self
    }

    pub(crate) fn failed(mut self) -> Self {
        self.phase = PodPhase::Failed;
        self
    }

    /// A Job's pod that has done its work.
    pub(crate) fn ended(mut self) -> Self {
        self.phase = PodPhase::Succeeded;
        self
    }

    pub(crate) fn foreign(mut self) -> Self {
        self.owned = false;
        self
    }

    pub(crate) fn requesting(mut self, milli: Option<i64>) -> Self {
        self.requests.containers[0].milli = milli;
        self
    }
}
