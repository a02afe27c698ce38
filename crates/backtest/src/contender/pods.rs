//! What a source of pods would answer: a sample a replica, as the metrics API and the kubelet would have it.

use std::sync::Arc;
use std::time::Duration;

use engine::pod_metric::{PodAmount, PodMeasure, PodResource};
use engine::{
    ContainerRequest, ContainerUsage, PodPhase, PodRequests, PodSample, PodUsage, Readiness, Reading, Time,
};

/// What a replica requests, in thousandths of a core.
const REQUEST: i64 = 1000;
/// Over which time usage is measured.
const WINDOW: Duration = Duration::from_secs(15);
/// How long ago a replica started that is ready: its start is over.
const LONG_AGO: Duration = Duration::from_secs(3600);
const CONTAINER: &str = "app";

/// The processor time of `existing` replicas, of which so many are `ready`. `used` is how many of them were measured and
/// what share of its request each used; those that have just become ready were not yet.
pub(super) fn reading(ready: u32, existing: u32, used: Option<(u32, f64)>, now: Time) -> Reading {
    let measure = PodMeasure { resource: PodResource::Cpu, amount: PodAmount::Utilization, container: None };
    let share = |number: u32| used.filter(|(measured, _)| number < *measured).map(|(_, share)| share);
    let pods: Vec<PodSample> =
        (0..existing).map(|number| pod(number, number < ready, share(number), now)).collect();
    Reading::Pods { measure, pods: Arc::from(pods), at: now }
}

fn pod(number: u32, is_ready: bool, used: Option<f64>, now: Time) -> PodSample {
    let started = if is_ready { now.minus(LONG_AGO) } else { now };
    let request = ContainerRequest { container: CONTAINER.to_owned(), milli: Some(REQUEST) };
    let usage = used.filter(|_| is_ready).map(|share| PodUsage {
        at: now,
        window: WINDOW,
        containers: vec![ContainerUsage {
            container: CONTAINER.to_owned(),
            milli: (share * REQUEST as f64).round() as i64,
        }],
    });
    PodSample {
        name: format!("pod-{number}"),
        phase: if is_ready { PodPhase::Running } else { PodPhase::Pending },
        readiness: Some(Readiness { ready: is_ready, since: started }),
        started: Some(started),
        deletion: None,
        owned: true,
        requests: PodRequests { pod: None, containers: vec![request] },
        usage,
    }
}
