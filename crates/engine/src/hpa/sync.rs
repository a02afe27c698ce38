//! One sync of the controller: metrics, windows, rate and bounds, in its order.

use serde::{Deserialize, Serialize};

use super::compile::Hpa;
use super::metric::Circumstances;
use super::recommend::{Recommendation, recommend};
use crate::limits::ScaleEvents;
use crate::pod_metric::Startup;
use crate::{Bounds, Reading, Scale, Time, Wishes};

/// What the controller remembers of one HPA.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HpaMemory {
    /// Past recommendations, within the longest window.
    pub recommendations: Wishes,
    /// Past changes of replicas, under `behavior`.
    pub events: ScaleEvents,
}

/// What one sync came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Replicas asked for before.
    pub from: u32,
    /// Replicas to ask for.
    pub to: u32,
    /// What the metrics come to; `None` where they do not matter.
    pub recommendation: Option<Recommendation>,
    /// The count after the windows.
    pub stabilized: Option<u32>,
}

impl Hpa {
    /// Decides what the target should come to.
    pub fn sync(&self, memory: &mut HpaMemory, scale: Scale, readings: &[Reading], now: Time) -> Outcome {
        let current = scale.replicas;
        let longest = self.limits.up.window.max(self.limits.down.window);
        if memory.recommendations.is_empty() {
            memory.recommendations.note(current, now, longest);
        }
        let bounds = self.bounds;
        let outcome = |to| Outcome { from: current, to, recommendation: None, stabilized: None };
        if current == 0 && bounds.min() > 0 {
            return outcome(0);
        }
        if bounds.distance(current) > 0 {
            return outcome(bounds.clamp(current));
        }
        let about = Circumstances { scale, tolerance: self.tolerance(), startup: Startup::default(), now };
        let recommendation = recommend(&self.metrics, readings, about);
        let Some(wanted) = recommendation.winner.as_ref().map(|winner| winner.replicas) else {
            return Outcome { recommendation: Some(recommendation), ..outcome(current) };
        };
        let stabilized = self.stabilize(memory, current, wanted, now);
        let to = self.limit(memory, current, stabilized, bounds, now);
        Outcome { recommendation: Some(recommendation), stabilized: Some(stabilized), ..outcome(to) }
    }

    fn stabilize(&self, memory: &mut HpaMemory, current: u32, wanted: u32, now: Time) -> u32 {
        let (up, down) = (self.limits.up.window, self.limits.down.window);
        let least = memory.recommendations.after(now.minus(up)).fold(wanted, u32::min);
        let greatest = memory.recommendations.after(now.minus(down)).fold(wanted, u32::max);
        memory.recommendations.note(wanted, now, up.max(down));
        current.max(least).min(greatest)
    }

    fn limit(&self, memory: &HpaMemory, current: u32, wanted: u32, bounds: Bounds, now: Time) -> u32 {
        let limits = &self.limits;
        let events = &memory.events;
        let limited = if wanted > current {
            wanted.min(limits.up.rate.up_limit(current, events, now))
        } else {
            wanted.max(limits.down.rate.down_limit(current, events, now))
        };
        bounds.clamp(limited)
    }

    /// Notes that the replicas were changed at `at`.
    pub fn scaled(&self, memory: &mut HpaMemory, from: u32, to: u32, at: Time) {
        let (up, down) = (&self.limits.up.rate, &self.limits.down.rate);
        if up.looks_back() || down.looks_back() {
            memory.events.record(from, to, at, up.longest_period(), down.longest_period());
        }
    }
}
