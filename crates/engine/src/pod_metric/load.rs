//! What pods use together, as far as that is known: a lower and an upper bound.
//!
//! The HPA controller takes pods that it knows nothing of as idle before it scales out, and as busy before it scales in.
//! The same holds here for every policy: it is asked for both bounds, and replicas change only as far as both agree. On
//! top of that, three faults of the controller are not repeated:
//!
//! - **Surge.** In a rolling update there are more pods than `spec.replicas`. The controller multiplies by all of
//!   them, so a load below its target scales out, and again with the pods that this adds. Here the lower bound is what
//!   `spec.replicas` pods use on average, so pods beyond them never add to the count.
//! - **New pods.** Of pods that are starting, the controller scales in as if they were not there, so that a scale-out
//!   is undone before its pods are ready. Here they count as busy, and so do pods that are asked for and do not exist
//!   yet.
//! - **Foreign pods.** The controller counts all pods with the target's labels. Here only those count that it owns.

use std::fmt;
use std::time::Duration;

use super::{PodAmount, PodMeasure, PodResource, PodsUnknown, Startup, Uncounted};
use crate::{PodPhase, PodSample, Time};

/// A measurement that is older says nothing.
const OLDEST_MEASUREMENT: Duration = Duration::from_secs(300);

/// A pod that is not known is taken to use as much of its request before anything is scaled in.
const BUSY_PERCENT: f64 = 100.0;

/// What the pods of one target use together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PodLoad {
    /// The average of the pods that count: percent, cores or bytes.
    pub average: f64,
    /// Pods that count: they do the target's work, and are measured.
    pub counted: u32,
    /// Pods that do the target's work or will, and are not counted: starting, not measured, or not there yet.
    pub unknown: u32,
    /// Pods that count beyond the target's `spec.replicas`.
    pub surge: u32,
    /// The sum if those that are not known were idle; pods beyond `spec.replicas` do not add to it. Where a percentage
    /// is aimed for, it is of whole percents, cut off, as the controller has them.
    pub low: f64,
    /// The sum if those that are not known were busy.
    pub high: f64,
}

/// Sums over pods that count, and over some that are assumed.
#[derive(Clone, Copy, Default)]
struct Sum {
    pods: u32,
    used: i128,
    requested: i128,
}

impl PodLoad {
    /// What `pods` use under a target of `replicas`. `aim` is what the policy aims for at each pod, in the unit of the
    /// measure, where it does.
    ///
    /// # Errors
    /// Why nothing is known: there are no pods, none of them counts yet, or what is asked for cannot be measured.
    pub fn new(
        measure: &PodMeasure,
        pods: &[PodSample],
        replicas: u32,
        aim: Option<f64>,
        startup: Startup,
        now: Time,
    ) -> Result<Self, PodsUnknown> {
        let busy = Busy { measure, aim };
        let (mut counted, mut unmeasured, mut starting) = (Sum::default(), Sum::default(), 0_u32);
        let mut last = None;
        for pod in pods.iter().filter(|pod| pod.owned && pod.is_there()) {
            if !measure.is_in(pod) {
                let container = measure.container.clone().unwrap_or_default();
                return Err(PodsUnknown::NoContainer { container, pod: pod.name.clone() });
            }
            let requested = busy.requested(pod)?;
            match used(measure, pod, startup, now) {
                Ok(milli) => counted.add(milli.into(), requested),
                Err(why) => {
                    last = Some((pod, why));
                    match why {
                        Uncounted::Unmeasured => unmeasured.add(busy.usage(requested), requested),
                        Uncounted::Pending | Uncounted::Starting => starting += 1,
                    }
                }
            }
        }
        let present = counted.pods + unmeasured.pods + starting;
        match last {
            _ if counted.pods > 0 => {}
            Some((pod, why)) => {
                return Err(PodsUnknown::NoneCounted { pods: present as usize, pod: pod.name.clone(), why });
            }
            None => return Err(PodsUnknown::NoPods),
        }
        // Who starts beyond spec.replicas replaces another, which still does the work.
        let rest = replicas.saturating_sub(counted.pods + unmeasured.pods);
        let typical = counted.requested / i128::from(counted.pods);
        let high = counted.and(unmeasured).and(Sum {
            pods: rest,
            used: busy.usage(typical) * i128::from(rest),
            requested: typical * i128::from(rest),
        });
        let compared = |sum: Sum| match (measure.amount, aim) {
            (PodAmount::Utilization, Some(_)) => {
                (100 * sum.used).checked_div(sum.requested).unwrap_or_default() as f64
            }
            _ => measure.average(sum),
        };
        let idle = Sum { pods: replicas.saturating_sub(counted.pods), ..Sum::default() };
        let low = counted.and(Sum { requested: typical * i128::from(idle.pods), ..idle });
        Ok(Self {
            average: measure.average(counted),
            counted: counted.pods,
            unknown: unmeasured.pods + rest.max(starting),
            surge: counted.pods.saturating_sub(replicas),
            low: compared(low) * f64::from(replicas),
            high: compared(high) * f64::from(high.pods),
        })
    }

    /// Whether all is known, so that both bounds are the same.
    pub fn is_exact(&self) -> bool {
        self.low == self.high
    }
}

impl fmt::Display for PodLoad {
    /// `4 counted, 2 not known yet`, `20 counted, 10 beyond spec.replicas`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} counted", self.counted)?;
        if self.unknown > 0 {
            write!(f, ", {} not known yet", self.unknown)?;
        }
        if self.surge > 0 {
            write!(f, ", {} beyond spec.replicas", self.surge)?;
        }
        Ok(())
    }
}

impl Sum {
    fn add(&mut self, used: i128, requested: i128) {
        *self = self.and(Self { pods: 1, used, requested });
    }

    fn and(self, other: Self) -> Self {
        Self {
            pods: self.pods + other.pods,
            used: self.used + other.used,
            requested: self.requested + other.requested,
        }
    }
}

/// What a pod is taken to use that is not known, before anything is scaled in.
struct Busy<'a> {
    measure: &'a PodMeasure,
    aim: Option<f64>,
}

impl Busy<'_> {
    /// What the pod requests, in milli-units; where it does not matter, and for a pod without a request, 0.
    fn requested(&self, pod: &PodSample) -> Result<i128, PodsUnknown> {
        match (self.measure.amount, self.measure.requested(pod)) {
            (PodAmount::Utilization, Ok(0)) => Err(PodsUnknown::NoRequest {
                resource: self.measure.resource,
                container: self.measure.container.clone().unwrap_or_else(|| first_container(pod)),
                pod: pod.name.clone(),
            }),
            (PodAmount::Utilization, requested) => requested.map(i128::from),
            (PodAmount::Usage, requested) => Ok(requested.unwrap_or(0).into()),
        }
    }

    /// All of its request, or what is aimed for where that is more.
    fn usage(&self, requested: i128) -> i128 {
        match (self.measure.amount, self.aim) {
            (PodAmount::Utilization, aim) => {
                let percent = aim.unwrap_or(BUSY_PERCENT).max(BUSY_PERCENT);
                // No pod uses more than an `i64` holds, and sums of those do not overflow.
                ((requested as f64 * percent / 100.0) as i64).into()
            }
            (PodAmount::Usage, Some(aim)) => crate::hpa::milli(aim).into(),
            (PodAmount::Usage, None) => requested,
        }
    }
}

fn first_container(pod: &PodSample) -> String {
    pod.requests.containers.first().map(|request| request.container.clone()).unwrap_or_default()
}

/// What the pod uses, or why it is not counted.
fn used(measure: &PodMeasure, pod: &PodSample, startup: Startup, now: Time) -> Result<i64, Uncounted> {
    if pod.phase == PodPhase::Pending {
        return Err(Uncounted::Pending);
    }
    let usage = pod.usage.as_ref().filter(|usage| now.since(usage.at) <= OLDEST_MEASUREMENT);
    let usage = usage.ok_or(Uncounted::Unmeasured)?;
    let used = measure.used(usage).ok_or(Uncounted::Unmeasured)?;
    if measure.resource == PodResource::Cpu && startup.holds(pod, usage, now) {
        return Err(Uncounted::Starting);
    }
    Ok(used)
}

impl PodMeasure {
    /// The average of so many pods, in the measure's unit.
    fn average(&self, sum: Sum) -> f64 {
        let (parts, whole) = match self.amount {
            PodAmount::Utilization => (100.0 * sum.used as f64, sum.requested as f64),
            PodAmount::Usage => (sum.used as f64 / 1000.0, f64::from(sum.pods)),
        };
        if whole > 0.0 { parts / whole } else { 0.0 }
    }
}

#[cfg(test)]
mod tests;
