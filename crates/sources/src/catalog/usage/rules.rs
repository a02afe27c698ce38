//! Which pods count, and what they use together. Pure: pods, measurements and the time go in.

use std::collections::HashMap;

use engine::Time;
use jiff::{SignedDuration, Timestamp};

use super::Resource;
use crate::pods::{Amounts, Pod, PodMetrics};
use crate::values::quantity;

/// For so long after its start, a pod's CPU counts only once it is ready: it is busy with starting.
const CPU_WARM_UP: SignedDuration = SignedDuration::from_mins(5);

/// A pod that turned unready so soon after its start has never been ready.
const FIRST_READINESS: SignedDuration = SignedDuration::from_secs(30);

/// A ready pod is measured by then: metrics-server looks once a minute at the latest, and needs two looks.
const FIRST_MEASUREMENT: SignedDuration = SignedDuration::from_mins(2);

/// A measurement that is older says nothing.
const OLDEST_MEASUREMENT: SignedDuration = SignedDuration::from_mins(5);

/// What is summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// Cores or bytes.
    Usage,
    /// Percent of what is requested.
    Utilization,
}

/// What is asked about the pods.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) resource: Resource,
    pub(super) measure: Measure,
    pub(super) container: Option<&'a str>,
    pub(super) now: Time,
}

/// A measurement of one pod.
struct Sample {
    used: f64,
    at: Timestamp,
    window: SignedDuration,
}

/// The sum over the pods that count, and when the oldest of them was measured; or why there is none.
pub(super) fn sum(
    question: &Question<'_>,
    pods: &[Pod],
    metrics: &[PodMetrics],
) -> Result<(f64, Time), String> {
    let now = Timestamp::from_millisecond(question.now.as_millis()).map_err(|error| error.to_string())?;
    let metrics: HashMap<&str, &PodMetrics> =
        metrics.iter().map(|metrics| (metrics.metadata.name.as_str(), metrics)).collect();
    let mut counted = Counted::default();
    let (mut present, mut last_left_out) = (0_usize, None);
    for pod in pods.iter().filter(|pod| is_there(pod)) {
        present += 1;
        question.find_container(pod)?;
        let sample = match metrics.get(pod.metadata.name.as_str()) {
            Some(metrics) => question.sample(metrics, now)?,
            None => None,
        };
        match left_out(question.resource, pod, sample.as_ref(), now)? {
            Some(why) => last_left_out = Some(format!("pod {} {why}", pod.metadata.name)),
            None => counted.add(question, pod, sample)?,
        }
    }
    match (counted.oldest, last_left_out) {
        (Some(oldest), _) => {
            Ok((counted.total(question.measure), Time::from_millis(oldest.as_millisecond())))
        }
        (None, Some(why)) => Err(format!("none of its {present} pods can be counted: {why}")),
        (None, None) => Err("it has no pods, so nothing is known of what they use".to_owned()),
    }
}

/// The pods that count, so far.
#[derive(Default)]
struct Counted {
    pods: f64,
    used: f64,
    requested: f64,
    oldest: Option<Timestamp>,
}

impl Counted {
    fn add(&mut self, question: &Question<'_>, pod: &Pod, sample: Option<Sample>) -> Result<(), String> {
        // Whoever has no sample is left out.
        let Some(sample) = sample else { return Ok(()) };
        if question.measure == Measure::Utilization {
            self.requested += question.requested(pod)?;
        }
        self.pods += 1.0;
        self.used += sample.used;
        self.oldest = Some(self.oldest.map_or(sample.at, |oldest| oldest.min(sample.at)));
        Ok(())
    }

    fn total(&self, measure: Measure) -> f64 {
        match measure {
            Measure::Usage => self.used,
            Measure::Utilization => 100.0 * self.used / self.requested * self.pods,
        }
    }
}

/// Whether a pod is one of those that do the work or will.
fn is_there(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none() && !matches!(pod.status.phase.as_str(), "Failed" | "Succeeded")
}

/// Why a pod does not count yet. An error where it should, and nobody measured it.
fn left_out(
    resource: Resource,
    pod: &Pod,
    sample: Option<&Sample>,
    now: Timestamp,
) -> Result<Option<&'static str>, String> {
    if pod.status.phase == "Pending" {
        return Ok(Some("is Pending"));
    }
    let Some(sample) = sample else {
        let is_overdue =
            matches!(pod.readiness(), Some((true, since)) if now.duration_since(since) >= FIRST_MEASUREMENT);
        if is_overdue {
            let name = &pod.metadata.name;
            return Err(format!("pod {name} is ready and has no measurement from the last five minutes"));
        }
        return Ok(Some("is not measured yet"));
    };
    Ok(match resource {
        Resource::Memory => None,
        Resource::Cpu => warms_up(pod, sample, now).then_some("is not ready yet"),
    })
}

/// Whether a pod's CPU is that of its start, by the HPA's rule.
fn warms_up(pod: &Pod, sample: &Sample, now: Timestamp) -> bool {
    let (Some((is_ready, since)), Some(started)) = (pod.readiness(), pod.status.start_time) else {
        return true;
    };
    if now.duration_since(started) < CPU_WARM_UP {
        return !is_ready || sample.at.duration_since(since) < sample.window;
    }
    !is_ready && since.duration_since(started) < FIRST_READINESS
}

impl Question<'_> {
    /// What was measured of the pod; `None` where it was too long ago, or not of what is asked for.
    fn sample(&self, metrics: &PodMetrics, now: Timestamp) -> Result<Option<Sample>, String> {
        if now.duration_since(metrics.timestamp) > OLDEST_MEASUREMENT {
            return Ok(None);
        }
        let of_container =
            metrics.containers.iter().filter(|found| self.container.is_none_or(|name| name == found.name));
        let mut used = None;
        for container in of_container {
            if let Some(amount) = self.amount(&container.usage, &metrics.metadata.name)? {
                used = Some(used.unwrap_or(0.0) + amount);
            }
        }
        let window = metrics.window.parse().unwrap_or(SignedDuration::ZERO);
        Ok(used.map(|used| Sample { used, at: metrics.timestamp, window }))
    }

    /// What the pod requests.
    fn requested(&self, pod: &Pod) -> Result<f64, String> {
        let (pod_name, resource) = (&pod.metadata.name, self.resource.name());
        if self.container.is_none()
            && let Some(amount) = self.amount(&pod.spec.resources.requests, pod_name)?
        {
            return Ok(amount);
        }
        let mut requested = None;
        for container in pod.running_containers() {
            if self.container.is_some_and(|name| name != container.name) {
                continue;
            }
            let amount = self.amount(&container.resources.requests, pod_name)?.filter(|amount| *amount > 0.0);
            let amount = amount.ok_or_else(|| {
                let container = &container.name;
                format!(
                    "missing request for {resource} in container {container} of pod {pod_name}: set \
                     resources.requests.{resource}, or ask for measure: usage"
                )
            })?;
            requested = Some(requested.unwrap_or(0.0) + amount);
        }
        requested.ok_or_else(|| format!("pod {pod_name} has no containers"))
    }

    /// An error where the pod does not have the container that is asked for.
    fn find_container(&self, pod: &Pod) -> Result<(), String> {
        let Some(wanted) = self.container else { return Ok(()) };
        if pod.running_containers().any(|container| container.name == wanted) {
            return Ok(());
        }
        Err(format!("pod {} has no container {wanted:?}", pod.metadata.name))
    }

    /// How much of the resource `amounts` name.
    fn amount(&self, amounts: &Amounts, pod: &str) -> Result<Option<f64>, String> {
        let resource = self.resource.name();
        let Some(text) = amounts.get(resource) else { return Ok(None) };
        let amount = quantity::parse(text).filter(|amount| *amount >= 0.0);
        amount.map(Some).ok_or_else(|| format!("pod {pod}: {text:?} is no amount of {resource}"))
    }
}
