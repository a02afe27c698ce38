//! The plan: what every kind is compiled into, and all that `decide` needs to know of it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::limits::Limits;
use crate::{
    Actuation, Brakes, Decision, Foresight, Group, Member, Metric, Origin, Policy, Safeguards, Scale, Time,
    View,
};

/// One object of any kind, compiled: what to read, how to decide, what to move.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is scaled: one member for a single target, several for a group. Never empty.
    pub members: Vec<Member>,
    /// What is read before each decision.
    pub metrics: Vec<Metric>,
    /// Turns readings into a recommendation for each member.
    pub policy: Arc<dyn Policy>,
    /// How far and how fast replicas follow a recommendation.
    pub limits: Limits,
    /// Whether decisions are carried out.
    pub mode: Mode,
    /// Time between two polls; at least a second.
    pub interval: Duration,
    /// What holds the members together, where the plan is a group's; `None` for a single target.
    pub group: Option<Group>,
    /// How decisions reach the cluster.
    pub actuation: Actuation,
    /// What people have set on the object for a time.
    pub brakes: Brakes,
    /// What holds while a metric fails for long or falls too fast.
    pub safeguards: Safeguards,
    /// What the plan has from elsewhere than the object's spec, for people.
    pub origins: Vec<Origin>,
    /// Whether it goes by forecasts; `None`: by what is read alone.
    pub foresight: Option<Foresight>,
}

impl Plan {
    /// What the plan may write: nothing where it only observes, and no member that must be left alone.
    pub fn claimed(&self) -> impl Iterator<Item = &Member> {
        let members = if self.mode == Mode::Observe { &[] } else { self.members.as_slice() };
        members.iter().filter(|member| member.role.refusal.is_none())
    }

    /// Time between two polls after `decision`: the plan's interval, or less where its policy wants to look again sooner.
    pub fn interval_after(&self, decision: &Decision) -> Duration {
        self.policy.pace(decision).map_or(self.interval, |pace| pace.min(self.interval))
    }

    /// The shortest time between two polls that any decision leads to.
    pub fn shortest_interval(&self) -> Duration {
        self.policy.quickest_pace().map_or(self.interval, |pace| pace.min(self.interval))
    }

    /// The plan as it counts at `now`: with other bounds while they are overridden.
    pub fn at(&self, now: Time) -> Cow<'_, Self> {
        let Some(over) = self.brakes.override_at(now) else {
            return Cow::Borrowed(self);
        };
        let mut plan = self.clone();
        match &mut plan.actuation {
            // Its bounds are those that count: what the plan itself does, such as the way to zero, lies beyond them.
            Actuation::Hpa(hpa) => {
                let mut moved = hpa.unpacked();
                moved.bound(|bounds| over.over(bounds));
                *hpa = moved.into();
            }
            Actuation::Scale | Actuation::Controller { .. } => {
                for member in &mut plan.members {
                    member.bounds = over.over(member.bounds);
                }
            }
        }
        Cow::Owned(plan)
    }

    /// What a policy sees of the plan at `now`, without readings and without the advice of anyone outside.
    pub fn view<'a>(&'a self, scales: &'a [Option<Scale>], values: &'a [Option<f64>], now: Time) -> View<'a> {
        let (members, metrics, group) = (&self.members, &self.metrics, self.group.as_ref());
        let limits = Some(&self.limits);
        View {
            members,
            metrics,
            scales,
            readings: &[],
            values,
            now,
            group,
            limits,
            advice: None,
            is_between: false,
        }
    }
}

/// Whether decisions are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Decide and write.
    #[default]
    Act,
    /// Decide and record, write nothing.
    Observe,
}
