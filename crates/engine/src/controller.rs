//! Beside the HPA controller: what it has done is learnt, and its count compared with the one decided here.
//!
//! Both look at the same target by the same rules, at instants of their own: between two decisions here lies a sync of the
//! controller. So its count agrees where it lies between the last two that were decided here. Where it does not, the
//! [`Comparison`] says so, and why as far as that can be known.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Actuation, Decision, Memory, Observation, Plan, Step, Time};

/// What the HPA controller last did about a target, as the HPA's status has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControllerSeen {
    /// The count that it asked for at its last sync; `None` before the first.
    pub desired: Option<u32>,
    /// When it last changed the replicas, to the second.
    pub last_scale: Option<Time>,
    /// Why it cannot decide, where it says so: the reason of a condition, and its message.
    pub failure: Option<(String, String)>,
}

/// What is remembered of a target that the HPA controller scales.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Beside {
    /// When it was first looked at: recommendations of before are not known here.
    since: Time,
    /// When it was last looked at.
    at: Time,
    /// The replicas that were asked for then.
    replicas: u32,
    /// What was decided then.
    decided: u32,
    /// When the controller had last changed the replicas by then.
    last_scale: Option<Time>,
    /// Since when the controller's count has been another one than was decided here.
    differs_since: Option<Time>,
}

/// The controller's count beside the one decided here.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The controller's; `None` where it has none.
    pub desired: Option<u32>,
    /// How they compare.
    pub finding: Finding,
    /// Since when they differ, without a break.
    pub since: Option<Time>,
}

/// How the controller's count compares with the one decided here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It lies between the last two that were decided here.
    Agrees,
    /// There is nothing to compare yet: the target is looked at for the first time, or the controller has not synced.
    New,
    /// The controller cannot decide.
    ControllerFails {
        /// The reason of its condition.
        reason: String,
        /// Its message.
        message: String,
    },
    /// They differ, and metrics could not be read here.
    Unread(Vec<String>),
    /// They differ, and recommendations within a stabilization window may be known to the controller alone.
    Window {
        /// For how long the target has been looked at.
        watched: Duration,
        /// The longest window.
        window: Duration,
    },
    /// They differ while there are other pods than are asked for, such as in a rolling update: the controller counts those
    /// that there are, and they change between its sync and the decision here.
    Surge {
        /// Pods that exist.
        existing: u32,
        /// Replicas asked for.
        asked: u32,
    },
    /// They differ, and why cannot be seen from here: the metrics moved in between, or the controller runs with other flags.
    Unexplained,
}

impl Finding {
    /// Its name for machines and labels.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::New => "new",
            Self::ControllerFails { .. } => "controller fails",
            Self::Unread(_) => "metrics unread",
            Self::Window { .. } => "window",
            Self::Surge { .. } => "surge",
            Self::Unexplained => "unexplained",
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.desired {
            Some(desired) => write!(f, "{desired}")?,
            None => f.write_str("undecided")?,
        }
        match &self.finding {
            Finding::Agrees => f.write_str(", as decided here"),
            Finding::New => f.write_str(", not compared yet"),
            Finding::ControllerFails { reason, message } => {
                write!(f, ", it cannot decide: {reason}, {message}")
            }
            Finding::Unread(metrics) => write!(f, ", differs: {} cannot be read here", metrics.join(", ")),
            Finding::Window { watched, window } => write!(
                f,
                ", differs: watched for {} s of a window of {} s",
                watched.as_secs(),
                window.as_secs()
            ),
            Finding::Surge { existing, asked } => {
                write!(f, ", differs: it counts {existing} pods where {asked} are asked for")
            }
            Finding::Unexplained => f.write_str(
                ", differs: the metrics moved between its sync and this decision, or its flags are others",
            ),
        }
    }
}

/// Takes over what the controller has changed since the last decision: its rates count from the moment of its writes.
pub(crate) fn learn(plan: &Plan, memory: &mut Memory, observation: &Observation, now: Time) {
    let Some((seen, replicas)) = seen(plan, observation) else { return };
    let Some(before) = &memory.beside else { return };
    // Replicas that somebody else has set are no event to the controller.
    if before.replicas == replicas || seen.last_scale == before.last_scale {
        return;
    }
    let (from, earlier) = (before.replicas, before.at.minus(Duration::from_secs(1)));
    let at = seen.last_scale.filter(|at| *at >= earlier && *at <= now).unwrap_or(now);
    memory.scaled(plan, 0, from, replicas, at);
}

/// Adds to `decision` how it compares with the controller's count.
pub(crate) fn compare(
    plan: &Plan,
    memory: &mut Memory,
    observation: &Observation,
    decision: &mut Decision,
    now: Time,
) {
    let Some((seen, replicas)) = seen(plan, observation) else { return };
    let Some(decided) = decision.members.first_mut() else { return };
    let before = memory.beside.take();
    let finding = find(plan, seen, observation, before.as_deref(), (decided.to, &decision.absences), now);
    let is_fine = matches!(finding, Finding::Agrees | Finding::New);
    let since = before.as_ref().and_then(|before| before.differs_since).or(Some(now)).filter(|_| !is_fine);
    memory.beside = Some(Box::new(Beside {
        since: before.map_or(now, |before| before.since),
        at: now,
        replicas,
        decided: decided.to,
        last_scale: seen.last_scale,
        differs_since: since,
    }));
    decided.steps.push(Step::Controller(Comparison { desired: seen.desired, finding, since }));
}

fn find(
    plan: &Plan,
    seen: &ControllerSeen,
    observation: &Observation,
    before: Option<&Beside>,
    (decided, absences): (u32, &[crate::AbsentMetric]),
    now: Time,
) -> Finding {
    if let Some((reason, message)) = &seen.failure {
        return Finding::ControllerFails { reason: reason.clone(), message: message.clone() };
    }
    let (Some(before), Some(desired)) = (before, seen.desired) else { return Finding::New };
    if (before.decided.min(decided)..=before.decided.max(decided)).contains(&desired) {
        return Finding::Agrees;
    }
    if !absences.is_empty() {
        return Finding::Unread(absences.iter().map(|absent| absent.metric.clone()).collect());
    }
    let (watched, window) = (now.since(before.since), plan.limits.up.window.max(plan.limits.down.window));
    if watched < window {
        return Finding::Window { watched, window };
    }
    match observation.scales.first().copied().flatten() {
        Some(scale) if scale.status_replicas != scale.replicas => {
            Finding::Surge { existing: scale.status_replicas, asked: scale.replicas }
        }
        _ => Finding::Unexplained,
    }
}

/// What the controller did, and the replicas that are asked for, where the plan stands beside a controller.
fn seen<'a>(plan: &Plan, observation: &'a Observation) -> Option<(&'a ControllerSeen, u32)> {
    let Actuation::Controller { .. } = plan.actuation else { return None };
    let scale = observation.scales.first().copied().flatten()?;
    Some((observation.controller.as_ref()?, scale.replicas))
}

#[cfg(test)]
mod tests;
