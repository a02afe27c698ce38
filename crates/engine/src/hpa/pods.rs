//! The count that pods ask for, by the controller's own arithmetic: Resource, ContainerResource and Pods metrics.
//!
//! | pod | counts as |
//! |---|---|
//! | being deleted, Failed | not at all |
//! | Pending | unready |
//! | without a measurement; Succeeded, too | missing |
//! | starting, of `cpu` only | unready |
//! | others | measured |
//!
//! The ratio of the measured pods to the target is taken first. Above 1, missing and unready pods are then added as
//! idle; below 1, missing pods are added as busy, and unready ones are not. Where that turns the direction, the replicas
//! stay. All pods with the target's labels count, whoever owns them, and those beyond `spec.replicas`, too.

use super::Tolerance;
use super::proposal::replicas;
use crate::pod_metric::{PodMeasure, PodResource, PodsUnknown, Startup, Uncounted};
use crate::{PodPhase, PodSample, Time};

/// What is asked of pods.
#[derive(Clone, Copy, Debug)]
pub struct PodQuestion<'a> {
    /// What is measured.
    pub measure: &'a PodMeasure,
    /// What is aimed for.
    pub aim: PodAim,
    /// How far from it replicas stay.
    pub tolerance: Tolerance,
    /// How long pods may take to start.
    pub startup: Startup,
}

/// What is aimed for at each pod; above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodAim {
    /// Percent of the request: `averageUtilization`.
    Percent(i32),
    /// Milli-units: `averageValue`.
    Milli(i64),
}

/// What pods ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PodAnswer {
    /// Replicas.
    pub replicas: u32,
    /// The average of the measured pods, in percent or milli-units.
    pub average: i64,
    /// Pods that were measured.
    pub measured: u32,
    /// Pods that are missing or unready and were added as idle or busy.
    pub assumed: u32,
    /// Pods that are unready and were left out.
    pub left_out: u32,
    /// Of the pods that were counted, those beyond `spec.replicas`: the ratio multiplies them, too.
    pub surge: u32,
}

impl PodAim {
    /// Whether it is of what pods request.
    fn is_percent(self) -> bool {
        matches!(self, Self::Percent(_))
    }
}

impl PodAnswer {
    /// Whether the measured pods are above what is aimed for, so that the others were added as idle.
    pub fn is_above(&self, aim: PodAim) -> bool {
        match aim {
            PodAim::Percent(target) => self.average >= target.into(),
            PodAim::Milli(target) => self.average >= target,
        }
    }
}

/// One pod's part of the average.
#[derive(Clone, Copy)]
struct Part {
    used: i64,
    requested: i64,
}

/// Pods by how they count.
#[derive(Default)]
struct Groups {
    measured: Vec<Part>,
    /// What missing and unready pods request.
    missing: Vec<i64>,
    unready: Vec<i64>,
}

impl PodQuestion<'_> {
    /// What `pods` ask for while `current` replicas are asked for.
    ///
    /// # Errors
    /// Why they ask for nothing.
    pub fn ask(&self, pods: &[PodSample], current: u32, now: Time) -> Result<PodAnswer, PodsUnknown> {
        let Groups { mut measured, missing, unready } = self.group(pods, now)?;
        let (ratio, average) = self.ratio(&measured)?;
        let counted = measured.len() as u32;
        let adds_unready = !unready.is_empty() && ratio > 1.0;
        let left_out = if adds_unready { 0 } else { unready.len() as u32 };
        let answer = |replicas, assumed: u32| {
            let surge = (counted + assumed).saturating_sub(current);
            PodAnswer { replicas, average, measured: counted, assumed, left_out, surge }
        };
        if !adds_unready && missing.is_empty() {
            let stays = self.tolerance.covers(ratio);
            let proposed = if stays { current } else { replicas((ratio * f64::from(counted)).ceil()) };
            return Ok(answer(proposed, 0));
        }
        measured.extend(missing.iter().filter_map(|requested| self.assumed(*requested, ratio)));
        if adds_unready {
            measured.extend(unready.iter().map(|requested| Part { used: 0, requested: *requested }));
        }
        let assumed = measured.len() as u32 - counted;
        let (corrected, _) = self.ratio(&measured)?;
        let has_turned = (ratio < 1.0 && corrected > 1.0) || (ratio > 1.0 && corrected < 1.0);
        if self.tolerance.covers(corrected) || has_turned {
            return Ok(answer(current, assumed));
        }
        let proposed = replicas((corrected * measured.len() as f64).ceil());
        let goes_astray = (corrected < 1.0 && proposed > current) || (corrected > 1.0 && proposed < current);
        Ok(answer(if goes_astray { current } else { proposed }, assumed))
    }

    fn group(&self, pods: &[PodSample], now: Time) -> Result<Groups, PodsUnknown> {
        let mut groups = Groups::default();
        let mut last = None;
        for pod in pods {
            // Of every pod, also of those that do not count.
            let requested = match self.aim {
                PodAim::Percent(_) => self.measure.requested(pod)?,
                PodAim::Milli(_) => 0,
            };
            if self.aim.is_percent() && !self.measure.is_in(pod) {
                let container = self.measure.container.clone().unwrap_or_default();
                return Err(PodsUnknown::NoContainer { container, pod: pod.name.clone() });
            }
            // A container that was not measured makes the pod one that was not.
            let used = pod.usage.as_ref().and_then(|usage| Some((self.measure.used(usage)?, usage)));
            if pod.deletion.is_some() || pod.phase == PodPhase::Failed {
                continue;
            }
            let why = match used {
                _ if pod.phase == PodPhase::Pending => Uncounted::Pending,
                None => Uncounted::Unmeasured,
                Some((_, usage))
                    if self.measure.resource == PodResource::Cpu && self.startup.holds(pod, usage, now) =>
                {
                    Uncounted::Starting
                }
                Some((used, _)) => {
                    groups.measured.push(Part { used, requested });
                    continue;
                }
            };
            last = Some((pod, why));
            match why {
                Uncounted::Unmeasured => groups.missing.push(requested),
                Uncounted::Pending | Uncounted::Starting => groups.unready.push(requested),
            }
        }
        match last {
            _ if !groups.measured.is_empty() => Ok(groups),
            Some((pod, why)) => {
                Err(PodsUnknown::NoneCounted { pods: pods.len(), pod: pod.name.clone(), why })
            }
            None => Err(PodsUnknown::NoPods),
        }
    }

    /// The ratio of the average to the target, and the average: whole percent, or whole milli-units, cut off.
    fn ratio(&self, parts: &[Part]) -> Result<(f64, i64), PodsUnknown> {
        let used: i128 = parts.iter().map(|part| i128::from(part.used)).sum();
        match self.aim {
            PodAim::Percent(target) => {
                let requested: i128 = parts.iter().map(|part| i128::from(part.requested)).sum();
                let percent = (used * 100).checked_div(requested).ok_or(PodsUnknown::NothingRequested)?;
                let percent = percent.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
                Ok((f64::from(percent) / f64::from(target), percent.into()))
            }
            PodAim::Milli(target) => {
                let average = used.checked_div(parts.len() as i128).unwrap_or(0) as i64;
                Ok((average as f64 / target as f64, average))
            }
        }
    }

    /// What a pod without a measurement is taken to use at this ratio; `None` where it stays out.
    fn assumed(&self, requested: i64, ratio: f64) -> Option<Part> {
        let used = match self.aim {
            _ if ratio > 1.0 => 0,
            _ if ratio == 1.0 => return None,
            PodAim::Percent(target) => {
                let used = i128::from(requested) * i128::from(target.max(100)) / 100;
                used.clamp(i64::MIN.into(), i64::MAX.into()) as i64
            }
            PodAim::Milli(target) => target,
        };
        Some(Part { used, requested })
    }
}

#[cfg(test)]
mod tests;
