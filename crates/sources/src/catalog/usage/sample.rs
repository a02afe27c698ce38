//! Pods and their measurements, as the engine takes them. Pure: what the API server answered goes in.

use std::collections::HashMap;
use std::time::Duration;

use engine::hpa::Quantity;
use engine::pod_metric::PodMeasure;
use engine::{
    ContainerRequest, ContainerUsage, PodPhase, PodRequests, PodSample, PodUsage, Readiness, Target, Time,
};
use jiff::{SignedDuration, Timestamp};

use super::owner::owns;
use crate::pods::{Amounts, Pod, PodMetrics};

/// The pods of `target`, in the order of their names, each with what it requests and what was measured of it.
///
/// # Errors
/// What cannot be read, and of which pod.
pub(super) fn samples(
    measure: &PodMeasure,
    target: &Target,
    pods: &[Pod],
    metrics: &[PodMetrics],
) -> Result<Vec<PodSample>, String> {
    let metrics: HashMap<&str, &PodMetrics> =
        metrics.iter().map(|metrics| (metrics.metadata.name.as_str(), metrics)).collect();
    let mut samples = Vec::with_capacity(pods.len());
    for pod in pods {
        let name = &pod.metadata.name;
        let usage = metrics.get(name.as_str()).map(|metrics| usage(measure, metrics));
        samples.push(PodSample {
            name: name.clone(),
            phase: PodPhase::of(&pod.status.phase),
            readiness: pod.readiness().map(|(ready, since)| Readiness { ready, since: time(since) }),
            started: pod.status.start_time.map(time),
            deletion: pod.metadata.deletion_timestamp.map(time),
            owned: owns(target, pod),
            requests: requests(measure, pod)?,
            usage: usage.transpose()?.flatten(),
        });
    }
    samples.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(samples)
}

/// What the pod requests.
fn requests(measure: &PodMeasure, pod: &Pod) -> Result<PodRequests, String> {
    let milli = |amounts: &Amounts| milli(measure, amounts, &pod.metadata.name);
    let of_pod = milli(&pod.spec.resources.requests)?;
    let mut containers = Vec::new();
    for container in pod.running_containers() {
        let milli = milli(&container.resources.requests)?;
        containers.push(ContainerRequest { container: container.name.clone(), milli });
    }
    Ok(PodRequests { pod: of_pod, containers })
}

/// What was measured of the pod; `None` where the resource was not, or not of all containers that are asked for.
fn usage(measure: &PodMeasure, metrics: &PodMetrics) -> Result<Option<PodUsage>, String> {
    let mut containers = Vec::new();
    for container in &metrics.containers {
        match milli(measure, &container.usage, &metrics.metadata.name)? {
            Some(milli) => containers.push(ContainerUsage { container: container.name.clone(), milli }),
            None if measure.container.is_none() => return Ok(None),
            None => {}
        }
    }
    let window: SignedDuration = metrics.window.parse().unwrap_or_default();
    let window = Duration::try_from(window).unwrap_or_default();
    Ok((!containers.is_empty()).then(|| PodUsage { at: time(metrics.timestamp), window, containers }))
}

/// How much of the resource `amounts` name, in milli-units.
fn milli(measure: &PodMeasure, amounts: &Amounts, pod: &str) -> Result<Option<i64>, String> {
    let resource = measure.resource.name();
    let Some(text) = amounts.get(resource) else { return Ok(None) };
    let milli = text.parse().map(Quantity::milli).ok().filter(|milli| *milli >= 0);
    milli.map(Some).ok_or_else(|| format!("pod {pod}: {text:?} is not an amount of {resource}"))
}

fn time(timestamp: Timestamp) -> Time {
    Time::from_millis(timestamp.as_millisecond())
}
