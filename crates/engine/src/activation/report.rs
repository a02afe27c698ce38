//! What a decision by activity says beyond replicas: how active each trigger is, and the values that an HPA asks for.

use std::sync::Arc;
use std::time::Duration;

use crate::policy::Recommendation;
use crate::{Absence, Time};

/// What a policy that goes by activity says beside its recommendations; empty of any other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What its triggers came to.
    pub activity: Option<Activity>,
    /// The values that others can ask for.
    pub published: Vec<Published>,
    /// What stands in for metrics that fail: these hold no scale-in back.
    pub stand_ins: Vec<StandIn>,
    /// The count that the plan's only member is switched to, on or off, or left at. Windows, rates and cooldowns of the plan
    /// do not hold it back; they count from there. Pauses, bounds and metrics that fail do. `None` where it is left alone, as
    /// not all is known.
    pub switch: Option<Recommendation>,
    /// The count that a member which is switched on comes to at once, held back by no more than that.
    pub wakes_to: Option<Recommendation>,
}

/// What stands in for a metric that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandIn {
    /// The metric's name in the plan.
    pub metric: String,
    /// The replicas that it asks for; `None` where a formula decides without it.
    pub replicas: Option<u32>,
}

impl std::fmt::Display for StandIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.replicas {
            Some(replicas) => write!(f, "{} ({replicas} replicas in its place)", self.metric),
            None => write!(f, "{} (nil in the formula)", self.metric),
        }
    }
}

/// What triggers came to in one decision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activity {
    /// Whether the target is active: by a trigger, by the formula or because that is forced.
    pub is_active: bool,
    /// Whether it is forced.
    pub is_forced: bool,
    /// Each trigger, in the plan's order.
    pub triggers: Vec<TriggerActivity>,
    /// When the target was last seen active; the time of the decision while it is.
    pub last_active: Option<Time>,
    /// Time until an inactive target is scaled in, where it waits for that.
    pub cooldown_left: Option<Duration>,
    /// Why the formula has no result, where it has none.
    pub formula_failure: Option<Absence>,
    /// Whether the value of the formula is a fallback.
    pub formula_falls_back: bool,
}

/// What one trigger came to.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerActivity {
    /// Name under which its value is published.
    pub metric: Arc<str>,
    /// What metrics about it call what measures it.
    pub scaler: Arc<str>,
    /// Whether it is active.
    pub is_active: bool,
    /// Its value, as it was read.
    pub value: Option<f64>,
    /// Why there is none.
    pub failure: Option<Absence>,
    /// Failures in a row.
    pub failures: u32,
    /// Whether a fallback is published in its place.
    pub falls_back: bool,
}

/// A value that others can ask for, under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// The name, for example `s0-prometheus`.
    pub metric: Arc<str>,
    /// The value, or why there is none.
    pub value: Result<f64, Absence>,
    /// When it was true; that of the decision where there is none.
    pub at: Time,
    /// Whether it is a fallback.
    pub is_fallback: bool,
    /// Of a fallback that an HPA multiplies by the pods that are ready: the value for one such pod. Whoever answers later
    /// divides it by as many as there are then ([`Published::shared_by`]).
    pub for_one_pod: Option<f64>,
}

impl Published {
    /// `for_one_pod`, shared by pods that are ready; `None` where none is.
    pub fn shared_by(for_one_pod: f64, ready: u32) -> Option<f64> {
        (ready > 0).then(|| (for_one_pod * 1000.0 / f64::from(ready)).trunc() / 1000.0)
    }
}
